"""A row of the scorecard in words, rounded so that a reader can recompute it.

The printed difference is computed from the printed figures. Fact and plan get as many decimals as it takes to
come to the printed attainment.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from kpi_kit.core.periods import Period
from kpi_kit.params.formulas import definition_of
from kpi_kit.report.wording import Form, Words, form
from kpi_kit.report.wording.numbers import rounded, usual_digits, whole_percent
from kpi_kit.scorecard import verdict
from kpi_kit.scorecard.entry_record import ChangeRecord, EntryRecord, effect, required
from kpi_kit.scorecard.record import Scorecard

TONES = {
    "worse": "bad",
    "impossible": "bad",
    "below_threshold": "bad",
    "missed_worse": "bad",
    "at_risk": "warn",
    "behind": "warn",
    "missed": "warn",
    "met_worse": "warn",
    "met_declining": "warn",
    "better": "good",
    "on_track": "good",
    "met": "good",
    "unknown": "unknown",
    "none": "none",
}
"""How serious a verdict is: decides the colour and the sign beside the words."""
_FINEST = 4
_LONG = 100
"""From so many hours on durations are written without minutes."""
_BEYOND = 10.0
"""From this attainment on its exact size says nothing."""
_DASH = "—"
_AFTER_DIGITS = re.compile(r"\D*$")
_BEFORE_DIGITS = re.compile(r"[^\d\W]*\s*")
_FINE = ("share", "money", "hours", "number")
"""Units that are written with their sign, or without any; all others are counts."""


class Printed(NamedTuple):
    """A figure as it stands on the page: its number in printed units (per cent, minutes), and its text."""

    number: Decimal
    text: str


@dataclass(frozen=True)
class Row:
    """One entry of the scorecard; every field is text for the page unless it says otherwise.

    Parameters
    ----------
    number : int
        The place of the entry in the scorecard, counted from 1.
    filled : float or None
        How much of the bar is filled, between 0 and 1; None without an attainment.
    full : float
        Where on the bar 100 % stands.
    effect : str or None
        ``better`` or ``worse`` where the difference is significant.
    """

    number: int
    name: str
    standard: bool
    compared: str
    fact: str
    plan: str
    plan_whole: str
    forecast: str
    attainment: str
    filled: float | None
    full: float
    base: str
    previous: str
    versus: str
    difference: str
    effect: str | None
    verdict: str
    outcome: str
    tone: str


def printed(value: float, how: Form, digits: int, words: Words) -> Printed:
    """Round a value to what is printed."""
    if how.unit == "hours":
        minutes = rounded(value * 60, 0)
        in_hours = digits < 0 or abs(minutes) >= _LONG * 60
        number = rounded(float(minutes) / 60, 0) * 60 if in_hours else minutes
        return Printed(number, written(number, how, 0, words))
    number = rounded(value * 100 if how.unit == "share" else value, digits)
    return Printed(number, written(number, how, digits, words))


def written(number: Decimal, how: Form, digits: int, words: Words) -> str:
    """A number in printed units, with its unit."""
    match how.unit:
        case "share":
            text = words.number(float(number), digits, signed=how.signed)
            return words.text("number.points" if how.difference else "number.percent", number=text)
        case "hours":
            return words.value(float(number) / 60, how)
        case "money":
            finer = digits - usual_digits(float(number), how.unit)
            return words.value(float(number), how._replace(finer=finer))
    return words.number(float(number), digits, signed=how.signed)


def rows(card: Scorecard, names: Sequence[str], words: Words) -> list[Row]:
    """Every entry of a scorecard in words, the largest loss first; ``names`` are those of the entries."""
    return [
        _row(card, card["kpis"][place], names[place], place + 1, words)
        for place in verdict.costliest_first(card)
    ]


def _row(card: Scorecard, entry: EntryRecord, name: str, number: int, words: Words) -> Row:
    fact, plan = fact_and_plan(entry, words)
    # while the period is not over, its value is no match for that of a whole one
    compared = None if card["interim"] else comparison(entry, card, words)
    # a value that is compared as it stands has as many decimals as the earlier value
    shown = compared.now if compared and compared.is_fact else fact
    code = entry.get("verdict") or verdict.entry_verdict(entry, card)
    cap, attainment = card["scoring"]["cap"], entry["attainment"]
    full = 1 / cap
    return Row(
        number=number,
        name=name,
        standard=entry["standard"],
        compared=compared.line if compared else "",
        fact=shown.text if shown else _DASH,
        plan=plan_text(entry, plan, words) if plan else _DASH,
        plan_whole=_whole_plan(entry, words),
        forecast=_forecast(card, entry, words),
        attainment=attainment_text(entry, card["scoring"]["threshold"], words),
        filled=None if attainment is None else max(0.0, min(attainment, cap)) * full,
        full=full,
        base=_base(entry, words),
        previous=compared.before.text if compared and compared.is_fact else _DASH,
        versus=words.sentence(compared_with(entry, card, words)),
        difference=compared.difference if compared else _DASH,
        effect=compared.effect if compared else None,
        verdict=code,
        outcome=words.text(f"outcome.{code}"),
        tone=TONES[code],
    )


# ---- fact and plan


class Figures(NamedTuple):
    """Fact, plan and the base of the attainment, as they are printed; a band has two bounds and no base."""

    fact: Printed | None
    plan: list[Printed]
    base: Printed | None


def fact_and_plan(entry: EntryRecord, words: Words) -> tuple[Printed | None, list[Printed]]:
    """Fact and plan of an entry, see :func:`figures_of`."""
    found = figures_of(entry, words)
    return found.fact, found.plan


def figures_of(entry: EntryRecord, words: Words) -> Figures:
    """Fact, plan and base with the fewest decimals that come to the printed attainment."""
    how, target, value = form(entry), entry["target"], entry["value"]
    bounds = [] if target is None else _bounds(target["value"])
    base = target["base"] if target is not None and target["base"] else None
    counted = how.unit not in _FINE and (value is None or float(value).is_integer())

    def shown(number: float, finer: int, digits: int | None = None) -> Printed:
        usual = usual_digits(number, how.unit) if digits is None else digits
        return printed(number, how, usual + finer, words)

    for finer in range(_FINEST + 1):
        digits = 0 if counted else None
        found = Figures(
            None if value is None else shown(value, finer),
            [shown(bound, finer, digits) for bound in bounds],
            None if base is None else shown(base, finer, digits),
        )
        if _agree(entry, found):
            break
    return found


def _agree(entry: EntryRecord, found: Figures) -> bool:
    """Whether the printed figures come to the printed attainment, within one per cent, and to the verdict."""
    target, fact, attained = entry["target"], found.fact, bool(entry["attained"])
    if target is None or fact is None:
        return True
    plan = [bound.number for bound in found.plan]
    if len(plan) == 2:
        return (plan[0] <= fact.number <= plan[1]) == attained and _comes_to(entry, _in_band(fact, plan))
    met = fact.number <= plan[0] if target["kind"] == "at_most" else fact.number >= plan[0]
    if met != attained:
        return False
    base = Decimal(0) if found.base is None else found.base.number
    if plan[0] == base:
        return entry["attainment"] is None
    return _comes_to(entry, (fact.number - base) / (plan[0] - base))


def _in_band(fact: Printed, plan: Sequence[Decimal]) -> Decimal:
    """1 inside the band, falling to 0 half its width outside it."""
    outside = max(plan[0] - fact.number, fact.number - plan[1], Decimal(0))
    width = plan[1] - plan[0]
    return 1 - outside / (width / 2) if width else Decimal(1)


def _comes_to(entry: EntryRecord, recomputed: Decimal) -> bool:
    attainment = entry["attainment"]
    if attainment is None:
        return True
    if attainment >= _BEYOND:
        return recomputed >= Decimal(str(_BEYOND))
    return abs(max(Decimal(0), recomputed) * 100 - whole_percent(attainment)) < 1


def plan_digits(value: float, unit: str) -> int:
    """How many decimals a plan or forecast has by itself: of counts none."""
    return usual_digits(round(value, 6), unit) if unit in _FINE else 0


def plan_text(entry: EntryRecord, plan: Sequence[Printed], words: Words, key: str = "plan_of") -> str:
    """A plan in a table (``plan_of``) or in a sentence (``plan_in_words``)."""
    kind = required(entry["target"])["kind"]
    if kind == "between":
        low, high = plan
        if key == "plan_in_words":
            return words.text("plan_in_words.between", low=low.text, high=high.text)
        return _range(low.text, high.text, entry["unit"], words)
    return words.text(f"{key}.{kind}", value=plan[0].text)


def _range(low: str, high: str, unit: str, words: Words) -> str:
    """A range in a table: a unit, except of times, stands once."""
    if unit == "money":
        return words.range(*currency_once({"unit": unit}, low, high))
    return words.range(low if unit == "hours" else _without_unit(low, high), high)


def _without_unit(low: str, high: str) -> str:
    """The lower bound of a band without the unit that stands after the upper one."""
    low_unit, high_unit = (_AFTER_DIGITS.search(text) for text in (low, high))
    if low_unit and high_unit and low_unit[0] == high_unit[0]:
        return low[: low_unit.start()]
    return low


def currency_once(entry: Mapping[str, Any], fact: str, plan: str) -> tuple[str, str]:
    """Two figures side by side: a currency stands with the first or the last number alone.

    Examples
    --------
    >>> currency_once({"unit": "money"}, "RUB 5", "RUB 7"), currency_once({"unit": "money"}, "5 ₽", "7 ₽")
    (('RUB 5', '7'), ('5', '7 ₽'))
    >>> currency_once({"unit": "share"}, "5 %", "7 %")
    ('5 %', '7 %')
    """
    if entry["unit"] != "money":
        return fact, plan
    before = _BEFORE_DIGITS.match(fact)
    if before and before[0].strip() and plan.startswith(before[0]):
        return fact, plan.removeprefix(before[0])
    return _without_unit(fact, plan), plan


def _whole_plan(entry: EntryRecord, words: Words) -> str:
    """The plan of the whole period; the plan itself where it is not scaled."""
    if entry["target"] is None:
        return _DASH
    whole = verdict.whole_target(entry)
    how = form(entry)
    bounds = _bounds(entry["target"]["value"] if whole is None else whole)
    plan = [printed(bound, how, plan_digits(bound, how.unit), words) for bound in bounds]
    return plan_text(entry, plan, words)


def _forecast(card: Scorecard, entry: EntryRecord, words: Words) -> str:
    """The band of the period's end, while it is not over."""
    if entry["chance_band"] is None or entry["chance_period"] != card["period"]:
        return _DASH
    how = form(entry)
    low, high = (printed(end, how, plan_digits(end, how.unit), words) for end in entry["chance_band"])
    if low == high:
        return low.text
    return _range(low.text, high.text, how.unit, words)


def _base(entry: EntryRecord, words: Words) -> str:
    """From where to where the attainment is counted, unless it begins at 0."""
    found = figures_of(entry, words)
    if found.base is None or entry["attainment"] is None:
        return ""
    return words.text("row.way", base=found.base.text, plan=found.plan[0].text)


def attainment_text(entry: EntryRecord, threshold: float, words: Words) -> str:
    """The attainment in whole per cent; of ten times the plan and more only that it is more."""
    attainment = entry["attainment"]
    if attainment is None:
        return ""
    if attainment >= _BEYOND:
        return words.text("row.beyond", attainment=words.share(_BEYOND, 0))
    return words.attainment(attainment, threshold)


# ---- comparison


class Comparison(NamedTuple):
    """Two printed figures and their difference.

    Parameters
    ----------
    now, before : Printed
    difference : str
        Of the printed figures.
    effect : str or None
        ``better`` or ``worse`` where the change is significant and the difference has its sign.
    line : str
        Both figures, where they are not those of the columns; otherwise empty.
    is_fact : bool
        Whether ``now`` is the fact of the entry.
    """

    now: Printed
    before: Printed
    difference: str
    effect: str | None
    line: str
    is_fact: bool

    @property
    def falls(self) -> bool:
        """Whether the printed figure is smaller than before."""
        return self.now.number < self.before.number


def comparison(entry: EntryRecord, card: Scorecard, words: Words) -> Comparison | None:
    """Compare an entry with the period before, or a growth with its base; None without a baseline."""
    before = entry["previous"]
    if entry["as"] != "value" and entry["versus"] == "year_ago":
        before = None if entry["year_ago"] is None else entry["year_ago"]["value"]
    is_fact = entry["as"] == "value" and entry["current"] is None
    now = entry["value"] if is_fact else entry["current"]
    if now is None or before is None:
        return None
    how = Form(str(definition_of(entry).unit))
    fact, _ = fact_and_plan(entry, words)
    least = -int(fact.number.as_tuple().exponent) if is_fact and fact is not None else 0
    digits = digits_of((now, before), how, least, words)
    sides = [printed(side, how, digits, words) for side in (now, before)]
    difference = sides[0].number - sides[1].number
    text = written(difference, how._replace(difference=True, signed=True), digits, words)
    line = "" if is_fact else _both_sides(entry, card, sides, words)
    now_printed, before_printed = sides
    effect_of_change = significant(verdict.judged_change(entry), entry, difference)
    return Comparison(now_printed, before_printed, text, effect_of_change, line, is_fact)


def _both_sides(entry: EntryRecord, card: Scorecard, sides: Sequence[Printed], words: Words) -> str:
    """Both figures of a comparison, and why they are not those of the columns."""
    now, before = currency_once({"unit": str(definition_of(entry).unit)}, sides[0].text, sides[1].text)
    fields = {"now": now, "before": before}
    fields["when"] = words.inside(earlier_period(entry, card))
    if entry["as"] != "value":
        return words.text(f"row.compared.{entry['versus']}", **fields)
    codes = {note["code"] for note in entry["notes"]}
    bases = [words.text(f"row.basis.{code}") for code in _BASES if code in codes]
    basis = ", ".join(bases) or words.text("row.basis.other")
    return words.text("row.comparable", **fields, basis=basis)


_BASES = ("account_left_out", "brand_left_out", "matured_figures")
"""Notes that say why a comparison needs other figures than the fact."""


def compared_so_far(entry: EntryRecord, words: Words) -> tuple[Comparison, ChangeRecord, str] | None:
    """Compare a value so far with the same days before: also the change, and the days by name.

    None where the value counts other days than can be compared.
    """
    to_date = entry.get("to_date")
    days = to_date["previous"] if to_date else None
    if not days or entry["as"] != "value" or entry["value"] is None:
        return None
    if abs(days["value"] - entry["value"]) > 1e-9:
        return None
    how, (fact, _) = form(entry), fact_and_plan(entry, words)
    least = 0 if fact is None else max(0, -int(fact.number.as_tuple().exponent))
    digits = digits_of((days["value"], days["before"]), how, least, words)
    now, before = (printed(side, how, digits, words) for side in (days["value"], days["before"]))
    difference = now.number - before.number
    text = written(difference, how._replace(difference=True, signed=True), digits, words)
    found = Comparison(now, before, text, significant(days["change"], entry, difference), "", is_fact=True)
    return found, days["change"], words.span(*days["earlier_days"])


def digits_of(values: Sequence[float], how: Form, least: int, words: Words) -> int:
    """How many decimals tell the first of some values from each of the others, at least so many."""
    digits = max(least, *(usual_digits(value, how.unit) for value in values))
    if how.unit not in _FINE and all(float(value).is_integer() for value in values):
        digits = 0
    if how.unit == "hours":
        # all in whole hours, so that their difference is the printed one
        return -1 if max(map(abs, values)) >= _LONG else digits
    while digits <= _FINEST and any(
        printed(values[0], how, digits, words).number == printed(other, how, digits, words).number
        and abs(values[0] - other) > 1e-9
        for other in values[1:]
    ):
        digits += 1
    return digits


def significant(change: ChangeRecord | None, entry: EntryRecord, difference: Decimal) -> str | None:
    """``better`` or ``worse`` where a change is significant and the printed difference has its sign."""
    if change is None or not change["real"] or change["estimate"] is None:
        return None
    if not difference or (change["estimate"] > 0) != (difference > 0):
        return None
    return effect(entry, float(difference))


def shortfall(entry: EntryRecord, words: Words) -> str:
    """The printed fact less the printed plan, with its sign."""
    fact, plan = fact_and_plan(entry, words)
    if fact is None or not plan:
        return _DASH
    nearest = min(plan, key=lambda bound: abs(bound.number - fact.number))
    difference = fact.number - nearest.number
    digits = max(0, -int(difference.as_tuple().exponent))
    return written(difference, form(entry)._replace(difference=True, signed=True), digits, words)


def compared_with(entry: EntryRecord, card: Scorecard, words: Words) -> str:
    """What an entry is compared with: ``к сентябрю``, or ``за год``."""
    period = Period.parse(card["period"])
    earlier = earlier_period(entry, card)
    return words.versus(earlier) if earlier == str(period.previous) else words.text("versus.year_ago")


def earlier_period(entry: EntryRecord, card: Scorecard) -> str:
    """The period that an entry is compared with."""
    period = Period.parse(card["period"])
    against_year = entry["as"] != "value" and entry["versus"] == "year_ago"
    return str(period.year_ago if against_year else period.previous)


def _bounds(value: Any) -> list[float]:
    return [float(bound) for bound in value] if isinstance(value, Sequence) else [float(value)]
