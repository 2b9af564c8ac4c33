"""Three true sentences about a scorecard, made from nothing but the scorecard."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kpi_kit.display import names, reasons, state
from kpi_kit.wording import Words

Card = Mapping[str, Any]
_EARLY = ("interim_change", "period_not_begun")


def sentences(card: Card, words: Words) -> list[str]:
    """What was attained; what is best, weakest and below the threshold; what cannot be assessed."""
    found = [_attained(card, words), _extremes(card, words), _unassessed(card, words)]
    return [sentence for sentence in found if sentence]


def below(card: Card, words: Words) -> list[str]:
    """The names of the KPIs whose attainment is under the threshold, in quotation marks."""
    return _named(card, words, lambda record: state(record, card["scoring"]) == "below")


def unassessed(card: Card, words: Words) -> list[str]:
    """The names of the KPIs that cannot be assessed, in quotation marks."""
    return _named(card, words, lambda record: not record["assessable"])


def unexpected(card: Card, words: Words) -> list[str]:
    """Those of them that need more than the end of the period."""
    return _named(card, words, lambda record: not record["assessable"] and not _is_early(record, words))


def _attained(card: Card, words: Words) -> str:
    during = words.during(card["period"])
    if not card["assessable"]:
        return words.sentence(words.text("summary.nothing", during=during))
    if card["total"] is None:
        total = words.text("summary.no_total")
    else:
        total = words.text("summary.total", total=words.total(card["total"]))
    goals = words.plural("goals_of", card["assessable"])
    attained = words.number(card["attained"])
    sentence = words.plural(
        "summary.attained", card["attained"], during=during, attained=attained, goals=goals, total=total
    )
    return words.sentence(sentence)


def _extremes(card: Card, words: Words) -> str | None:
    scored = [
        (record["attainment"], words.quote(name))
        for name, record in zip(names(card, words), card["kpis"], strict=True)
        if record["attainment"] is not None
    ]
    if not scored:
        return None
    bound = card["scoring"]["threshold"]
    threshold = words.share(bound)
    low = below(card, words)
    tail = words.text("summary.below", threshold=threshold, names=words.join(low)) if low else None
    tail = tail or words.text("summary.none_below", threshold=threshold)
    (best_value, best), (worst_value, worst) = max(scored, key=_first), min(scored, key=_first)
    values = {"best": best, "best_value": words.attainment(best_value, bound), "below": tail}
    if len(scored) == 1:
        return words.text("summary.single", **values)
    weakest = words.attainment(worst_value, bound)
    return words.text("summary.extremes", **values, worst=worst, worst_value=weakest)


def _unassessed(card: Card, words: Words) -> str:
    missing = unassessed(card, words)
    if not missing:
        return words.text("summary.assessed")
    if len(missing) == 1:
        record = next(record for record in card["kpis"] if not record["assessable"])
        reason, mend = reasons(card, record, words)[0]
        return words.text("summary.one_unassessed", name=missing[0], reason=reason, mend=mend)
    return words.plural("summary.unassessed", len(missing), names=words.join(missing))


def _named(card: Card, words: Words, wanted: Callable[[Card], bool]) -> list[str]:
    """The names of some KPIs, in quotation marks."""
    return [
        words.quote(name)
        for name, record in zip(names(card, words), card["kpis"], strict=True)
        if wanted(record)
    ]


def _is_early(record: Card, words: Words) -> bool:
    """Whether a KPI cannot be assessed for no other reason than that the period is not over."""
    return all(note["code"] in _EARLY for note in record["notes"] if words.is_reason(note))


def _first(pair: tuple[float, str]) -> float:
    return pair[0]
