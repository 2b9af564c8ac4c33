"""Three true sentences about a scorecard, made from nothing but the scorecard."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kpi_kit.core.periods import Period
from kpi_kit.report.parts import names, reasons, state
from kpi_kit.report.wording import Words, verdicts
from kpi_kit.scorecard.record import EntryRecord, Scorecard, required

UNLIKELY = 0.1
"""Under this chance a target is out of reach, as in the audit of targets."""
_EARLY = ("interim_change", "period_not_begun")


def sentences(card: Scorecard, words: Words) -> list[str]:
    """What was attained; what is real and what is noise; what needs a decision."""
    return [_attained(card, words), _changed(card, words), _to_decide(card, words)]


def below(card: Scorecard, words: Words) -> list[str]:
    """The names of the KPIs whose attainment is under the threshold, in quotation marks."""
    return _named(card, words, lambda record: state(record, card["scoring"]) == "below")


def unassessed(card: Scorecard, words: Words) -> list[str]:
    """The names of the KPIs that cannot be assessed, in quotation marks."""
    return _named(card, words, lambda record: not record["assessable"])


def unexpected(card: Scorecard, words: Words) -> list[str]:
    """Those of them that need more than the end of the period."""
    return _named(card, words, lambda record: not record["assessable"] and not _is_early(record, words))


def worsened(card: Scorecard, words: Words) -> list[str]:
    """The names of the KPIs whose change since the period before is real and for the worse."""
    return _named(card, words, lambda record: _is_worse(verdicts.change_verdict(record["change"], record)))


def declining(card: Scorecard, words: Words) -> list[str]:
    """The names of the KPIs with a clear trend for the worse."""
    return _named(card, words, lambda record: _is_worse(verdicts.trend_verdict(record["trend"], record)))


def _attained(card: Scorecard, words: Words) -> str:
    during = words.during(card["period"])
    if not card["assessable"]:
        return words.sentence(words.text("summary.nothing", during=during))
    if card["interim"]:
        during = words.text("summary.so_far", moment=words.day(card["as_of"]))
    if card["total"] is None:
        total = words.text("summary.no_total")
    else:
        key = "summary.total_so_far" if card["interim"] else "summary.total"
        total = words.text(key, total=words.total(card["total"]))
    goals = words.plural("goals_of", card["assessable"])
    attained = words.number(card["attained"])
    sentence = words.plural(
        "summary.attained", card["attained"], during=during, attained=attained, goals=goals, total=total
    )
    return words.sentence(sentence)


def _changed(card: Scorecard, words: Words) -> str:
    """Which changes since the period before are real, and how many are not."""
    if card["interim"]:
        return words.text("summary.change.interim")
    against = words.text(f"versus.previous.{Period.parse(card['period']).grain}")
    if all(record["change"] is None for record in card["kpis"]):
        return words.text("summary.change.nothing", against=against)
    found: dict[str, list[str]] = {}
    for name, record in zip(names(card, words), card["kpis"], strict=True):
        verdict = verdicts.change_verdict(record["change"], record)
        kind = verdict.effect or "changed" if verdict.code == "real" else verdict.code
        size = verdicts.change_size(record["change"], record, words)
        found.setdefault(kind, []).append(
            words.text("summary.change.entry", name=words.quote(name), size=size)
        )
    real = [kind for kind in ("better", "worse", "changed") if kind in found]
    parts = [words.text(f"summary.change.{kind}", names=words.join(found[kind])) for kind in real]
    rest = [kind for kind in ("noise", "unconfirmed", "unjudged", "absent") if kind in found]
    if rest:
        counts = [words.text(f"summary.change.{kind}", count=words.number(len(found[kind]))) for kind in rest]
        parts.append(words.text(f"summary.change.{'rest' if real else 'none'}", counts=", ".join(counts)))
    return words.text("summary.changed", against=against, changes="; ".join(parts))


def _to_decide(card: Scorecard, words: Words) -> str:
    """What a head of department has to decide, and who can mend what cannot be assessed."""
    threshold = words.share(card["scoring"]["threshold"])
    wanted = {
        "below": below(card, words),
        "worse": worsened(card, words),
        "declining": declining(card, words),
        "unlikely": _chances(card, words),
    }
    parts = [
        words.text(f"summary.decide.{kind}", names=words.join(found), threshold=threshold)
        for kind, found in wanted.items()
        if found
    ]
    parts += [words.text("summary.decide.total")] if card["total"] is None and card["assessable"] else []
    missing = _unassessed(card, words)
    if not parts:
        calm = words.text("summary.decide.nothing", threshold=threshold)
        return (
            f"{calm} {missing or words.text('summary.assessed')}" if card["assessable"] else missing or calm
        )
    return " ".join(
        part for part in (words.text("summary.decide.list", parts="; ".join(parts)), missing) if part
    )


def _chances(card: Scorecard, words: Words) -> list[str]:
    found = zip(names(card, words), card["kpis"], strict=True)
    return [
        words.text(
            "summary.decide.chance",
            name=words.quote(name),
            target=words.of(required(record["chance_period"])),
            chance=verdicts.chance_number(record, words),
        )
        for name, record in found
        if _is_unlikely(record)
    ]


def _unassessed(card: Scorecard, words: Words) -> str | None:
    """What cannot be assessed and who can mend it; the reason too where there is one thing to say."""
    missing = unassessed(card, words)
    if not missing:
        return None
    told = [reasons(card, record, words) for record in card["kpis"] if not record["assessable"]]
    if len(missing) == 1:
        reason, mend = told[0][0]
        return words.text("summary.one_unassessed", name=missing[0], reason=reason, mend=mend)
    who = _shared([[mend for _, mend in pairs] for pairs in told])
    key = "summary.unassessed" if who is None else "summary.unassessed_alike"
    return words.plural(key, len(missing), names=words.join(missing), mend=who)


def _shared(mends: Sequence[Sequence[str]]) -> str | None:
    """The one thing that would mend them all."""
    found = {mend for each in mends for mend in each}
    return found.pop() if len(found) == 1 else None


def _is_worse(found: verdicts.Verdict) -> bool:
    return found.code in ("real", "clear") and found.effect == "worse"


def _is_unlikely(record: EntryRecord) -> bool:
    return verdicts.chance_code(record) == "reliable" and required(record["chance"]) < UNLIKELY


def _named(card: Scorecard, words: Words, wanted: Callable[[EntryRecord], bool]) -> list[str]:
    """The names of some KPIs, in quotation marks."""
    return [
        words.quote(name)
        for name, record in zip(names(card, words), card["kpis"], strict=True)
        if wanted(record)
    ]


def _is_early(record: EntryRecord, words: Words) -> bool:
    """Whether a KPI cannot be assessed for no other reason than that the period is not over."""
    return all(note["code"] in _EARLY for note in record["notes"] if words.is_reason(note))
