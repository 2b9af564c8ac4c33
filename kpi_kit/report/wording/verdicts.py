"""Verdicts of a scorecard in words, exactly as strong as they are.

A change is *real* (q ≤ 0.05), *unconfirmed* (its interval leaves 0 out, but q > 0.05), *noise*, *unjudged*
(a difference whose noise is not known) or *absent*. Sentences put nouns before numbers ("рост: +5 лидов"),
so that no verb has to agree with the name of a KPI and no number has to be declined.
"""

from __future__ import annotations

from typing import NamedTuple

from kpi_kit.core.periods import Grain, Period
from kpi_kit.params.formulas import definition_of
from kpi_kit.report.wording import Words
from kpi_kit.report.wording.numbers import Form, form
from kpi_kit.scorecard.entry_record import (
    REAL,
    ChanceCheck,
    ChangeRecord,
    EntryRecord,
    ShockRecord,
    TrendRecord,
    effect,
    required,
)


class Verdict(NamedTuple):
    """A verdict on a change or a trend.

    Parameters
    ----------
    code : str
        Of a change: ``real``, ``unconfirmed``, ``noise``, ``unjudged`` or ``absent``. Of a trend:
        ``clear``, ``unconfirmed``, ``weak``, ``season`` (a yearly pattern may look the same), ``turned``,
        ``level`` (a new one), ``flat`` or ``absent``.
    direction : str or None
        ``rise`` or ``fall``; None where the verdict names none.
    effect : str or None
        ``better`` or ``worse``; None without a direction, and where the target is a band.
    """

    code: str
    direction: str | None = None
    effect: str | None = None


# ---------------------------------------------------------------- change


def change_verdict(change: ChangeRecord | None, record: EntryRecord) -> Verdict:
    """What may be said of a change of an entry.

    Examples
    --------
    >>> real = {"estimate": -3.0, "p": 0.001, "real": True}
    >>> change_verdict(real, {"better": "lower", "target": None})
    Verdict(code='real', direction='fall', effect='better')
    """
    if change is None:
        return Verdict("absent")
    if change["real"] is None:
        return Verdict("unjudged")
    if required(change["p"]) > REAL:
        return Verdict("noise")
    code = "real" if change["real"] else "unconfirmed"
    return _directed(code, "rise" if required(change["estimate"]) > 0 else "fall", record)


def change_size(change: ChangeRecord | None, record: EntryRecord, words: Words) -> str | None:
    """How large a change is, with its sign and unit; None where it is not known."""
    if change is None or change["estimate"] is None:
        return None
    return words.delta_amount(change["estimate"], unit_of(record))


def raw_size(change: ChangeRecord | None, record: EntryRecord, words: Words) -> str | None:
    """The plain difference, where it does not look like the one that allows for the days."""
    if change is None or change["estimate"] is None or change["raw"] is None:
        return None
    unit = unit_of(record)
    raw = words.delta(change["raw"], unit)
    return None if raw == words.delta(change["estimate"], unit) else raw


def change_sentences(
    change: ChangeRecord | None, record: EntryRecord, words: Words, *, interim: bool
) -> list[str]:
    """A change in whole sentences: the verdict, the interval, the plain difference."""
    found = change_verdict(change, record)
    if change is None:
        return [words.text("verdict.change.interim" if interim else "verdict.change.absent")]
    size = change_size(change, record, words)
    reason = words.text(f"verdict.change.reason.{change['reason']}") if change["reason"] else None
    if size is None:
        return [words.text("verdict.change.unknown", reason=reason)]
    if found.code == "unjudged":
        said = words.text("verdict.change.unjudged", size=size.removesuffix("."), reason=reason)
        return [said, *_plainly(change, record, words)]
    return [
        _worded("verdict.change", found, words, size=size),
        *([words.text("verdict.change.doubt")] if found.code == "unconfirmed" else []),
        *_interval(change, record, words),
        *_plainly(change, record, words),
    ]


def change_basis(change: ChangeRecord | None, words: Words) -> str | None:
    """By what a change was judged: method, q, and how much the days vary."""
    if change is None or change["real"] is None:
        return None
    spread = change["dispersion"]
    parts = [
        words.text(f"verdict.change.method.{change['method']}"),
        probability("q", required(change["q"]), words),
        None if spread is None else words.text("verdict.change.dispersion", spread=words.number(spread, 2)),
    ]
    return "; ".join(part for part in parts if part)


def _interval(change: ChangeRecord, record: EntryRecord, words: Words) -> list[str]:
    unit, low, high = unit_of(record), change["low"], change["high"]
    if low is not None and high is not None:
        return [_full(words.text("verdict.interval.both", **_range(low, high, unit, words)))]
    if low is None and high is None:
        return [words.text("verdict.interval.open")]
    key, end = ("high", high) if low is None else ("low", low)
    return [_full(words.text(f"verdict.interval.{key}", end=words.delta(required(end), unit)))]


def _plainly(change: ChangeRecord, record: EntryRecord, words: Words) -> list[str]:
    """The plain difference, where the days of the two periods make it another one."""
    raw = raw_size(change, record, words)
    if raw is None:
        return []
    opposite = required(change["raw"]) * required(change["estimate"]) < 0
    return [_full(words.text("verdict.change.opposite" if opposite else "verdict.change.per_day", raw=raw))]


# ---------------------------------------------------------------- trend


def trend_verdict(trend: TrendRecord, record: EntryRecord) -> Verdict:
    """What may be said of a trend; it is called one only where its q is at most 0.05."""
    match trend["verdict"]:
        case None:
            return Verdict("absent")
        case "no_clear_trend":
            return Verdict("flat")
        case "weak_rising" | "weak_falling" as weak:
            return _directed("weak", "rise" if weak == "weak_rising" else "fall", record)
        case "maybe_season_rising" | "maybe_season_falling" as maybe:
            return Verdict("season", "rise" if maybe.endswith("rising") else "fall")
        case "turned_up" | "turned_down" | "level_up" | "level_down" as broken:
            code, way = broken.split("_")
            if required(trend["q"]) > REAL:
                return Verdict("flat")
            return _directed(code, "rise" if way == "up" else "fall", record)
        case "rising" | "falling" as called:
            code = "clear" if required(trend["q"]) <= REAL else "unconfirmed"
            return _directed(code, "rise" if called == "rising" else "fall", record)
        case other:
            raise ValueError(f"trend: a known verdict is expected, found {other!r}")


def trend_sentences(trend: TrendRecord, record: EntryRecord, words: Words) -> list[str]:
    """A trend in whole sentences: the verdict, the slope with its interval."""
    found = trend_verdict(trend, record)
    if found.code == "absent":
        return [words.text(f"verdict.trend.absent.{trend['reason']}")]
    if trend["reason"] == "all_equal":
        return [words.text("verdict.trend.all_equal")]
    doubted = found.code == "unconfirmed" or (found.code == "weak" and required(trend["q"]) > REAL)
    return [
        _worded("verdict.trend.sentence", found, words, **_since(trend, words)),
        *([words.text("verdict.change.doubt")] if doubted else []),
        *([] if found.code in ("turned", "level") else [_slope(trend, record, words)]),
        *([words.text("verdict.trend.no_noise")] if trend["reason"] == "no_noise" else []),
    ]


def _since(trend: TrendRecord, words: Words) -> dict[str, str]:
    """The first day after a turn or of a new level."""
    since = trend["since"]
    return {} if since is None else {"since": words.day(Period.parse(since).start.isoformat())}


def trend_basis(trend: TrendRecord, words: Words) -> str | None:
    """By what a trend was judged: how many points, ρ, the season, the method, q."""
    if trend["verdict"] is None or trend["reason"] == "all_equal":
        return words.plural(f"verdict.points.{trend['grain']}", trend["n"]) if trend["n"] else None
    weekly = trend["grain"] == Grain.WEEK
    season = words.text("verdict.trend.season." + ("separated" if trend["seasonal"] else "not_separated"))
    parts = [
        words.plural(f"verdict.points.{trend['grain']}", trend["n"]),
        None if trend["rho"] is None else words.text("verdict.trend.rho", rho=words.number(trend["rho"], 2)),
        season if weekly else None,
        words.text(f"verdict.trend.method.{trend['method']}"),
        None if trend["reason"] == "no_noise" else probability("q", required(trend["q"]), words),
    ]
    return ", ".join(part for part in parts if part)


def _slope(trend: TrendRecord, record: EntryRecord, words: Words) -> str:
    """The change a step; a slow one of counts as one unit in several steps."""
    unit, slope, grain = unit_of(record), required(trend["slope"]), trend["grain"]
    fields = _range(required(trend["low"]), required(trend["high"]), unit, words)
    fields["step"] = words.text(f"verdict.trend.step.{grain}")
    if unit in ("share", "money", "hours") or not 0 < abs(slope) <= _SLOW:
        return words.text("verdict.trend.slope", slope=words.delta_amount(slope, unit), **fields)
    steps = words.plural(f"verdict.trend.in_steps.{grain}", round(1 / abs(slope)))
    one = words.delta_amount(1.0 if slope > 0 else -1.0, unit)
    return words.text("verdict.trend.slope_slow", slope=one, steps=steps, **fields)


_SLOW = 0.25
"""Up to so many units a step a slope is told as one unit in several steps."""


# ---------------------------------------------------------------- chance


def chance_code(record: EntryRecord) -> str:
    """How a chance may be told.

    Returns
    -------
    str
        ``absent`` (nothing is asked), ``short_history``, ``not_reliable`` (no number must be shown),
        ``reliable`` or ``not_checked``.
    """
    if record["chance"] is None:
        return "absent" if record["chance_period"] is None else "short_history"
    check = record["chance_check"]
    return "not_checked" if check is None else str(check["verdict"])


def chance_number(record: EntryRecord, words: Words) -> str | None:
    """The chance in whole per cent; None where it must not be shown, or there is none."""
    if chance_code(record) not in ("reliable", "not_checked"):
        return None
    return percent_chance(required(record["chance"]), words)


def percent_chance(chance: float, words: Words) -> str:
    """A chance in whole per cent, never rounded to none or to certainty."""
    if 0 < chance < 0.01:
        return words.text("verdict.chance.under", share=words.share(0.01))
    if 0.99 < chance < 1:
        return words.text("verdict.chance.over", share=words.share(0.99))
    return words.share(chance, 0)


def chance_sentences(record: EntryRecord, words: Words) -> list[str]:
    """The chance, its band and its back-test in whole sentences."""
    code, check = chance_code(record), record["chance_check"]
    if code == "absent":
        return [words.text("verdict.chance.absent")]
    target = words.of(required(record["chance_period"]))
    if code == "short_history":
        return [words.text("verdict.chance.short_history", target=target)]
    if code == "not_reliable":
        return [words.text("verdict.chance.not_reliable", target=target), *_tested(required(check), words)]
    said = words.text("verdict.chance.said", target=target, chance=chance_number(record, words))
    tested = _tested(required(check), words) if code == "reliable" else []
    return [said, _band(record, words), words.text(f"verdict.chance.{code}"), *tested]


def _band(record: EntryRecord, words: Words) -> str:
    low, high = (words.value(end, form(record)) for end in required(record["chance_band"]))
    if low == high:
        return _full(words.text("verdict.chance.point", value=low))
    return _full(words.text("verdict.chance.band", low=low, high=high))


def _tested(check: ChanceCheck, words: Words) -> list[str]:
    """A back-test in plain language; its two errors are fine enough to be told apart."""
    errors = (required(check["brier"]), required(check["base_brier"]))
    digits = next((d for d in (2, 3, 4) if words.number(errors[0], d) != words.number(errors[1], d)), 4)
    brier, base = (words.number(error, digits) for error in errors)
    covered = words.share(required(check["coverage80"]), 0)
    return [
        words.plural("verdict.chance.tested", check["n"], brier=brier, base=base),
        words.text("verdict.chance.covered", covered=covered),
    ]


# ---------------------------------------------------------------- usual limits, shocks


def limits_sentence(record: EntryRecord, words: Words) -> str:
    """Whether the fact lies within the limits of what is usual for this person."""
    control, fact = record["control"], record["history"][-1] if record["history"] else None
    if control["low"] is None or control["high"] is None:
        return words.text(f"verdict.limits.reason.{control['reason']}")
    outside = None if fact is None else fact["outside"]
    value = None if fact is None else fact["value"]
    low, high = (words.beside(bound, value, form(record)) for bound in (control["low"], control["high"]))
    key = "unknown" if outside is None else "outside" if outside else "inside"
    return words.plural(f"verdict.limits.{key}", control["n"], low=low, high=high)


def is_outside(record: EntryRecord) -> bool:
    """Whether the fact of the period lies outside the usual limits."""
    return bool(record["history"]) and record["history"][-1]["outside"] is True


def shock_sentence(shock: ShockRecord, words: Words) -> str:
    """What the accounts of a platform did in common in a week."""
    return words.plural(
        f"verdict.shock.{shock['direction']}",
        shock["accounts"],
        week=words.sentence(words.during(shock["week"])),
        platform=words.text(f"verdict.platform_of.{shock['platform']}"),
        median=words.value(shock["median"], Form("share", signed=True)),
    )


# ---------------------------------------------------------------- shared


def unit_of(record: EntryRecord) -> str:
    """The unit of the KPI itself: changes and trends of a growth are those of what grows."""
    return str(definition_of(record).unit)


def probability(name: str, value: float, words: Words) -> str:
    """A p or q, never rounded across the level that it is compared with."""
    if value < 0.001:
        return words.text("verdict.probability.under", name=name, value=words.number(0.001, 3))
    digits = next(d for d in (2, 3, 4, 5, 12) if (round(value, d) <= REAL) == (value <= REAL))
    return words.text(
        "verdict.probability.is", name=name, value=words.number(value, max(digits, 3 if value < 0.1 else 2))
    )


def _directed(code: str, direction: str, record: EntryRecord) -> Verdict:
    return Verdict(code, direction, effect(record, 1.0 if direction == "rise" else -1.0))


def _worded(key: str, found: Verdict, words: Words, **fields: str) -> str:
    """A verdict as a sentence, which says whether the direction is a good one."""
    if found.direction is None:
        return words.text(f"{key}.{found.code}", **fields)
    effect = f" {words.text(f'verdict.effect.{found.effect}')}" if found.effect else ""
    return _full(words.text(f"{key}.{found.code}.{found.direction}", effect=effect, **fields))


def _range(low: float, high: float, unit: str, words: Words) -> dict[str, str]:
    """Both ends of an interval of differences; points stand only after the second."""
    points = words.text("number.points", number="")
    return {"low": words.delta(low, unit).removesuffix(points), "high": words.delta(high, unit)}


def _full(sentence: str) -> str:
    """A sentence that ends in an abbreviation has one full stop."""
    return sentence.removesuffix(".") if sentence.endswith("..") else sentence
