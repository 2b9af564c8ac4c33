"""The arithmetic of total and bonus, line by line: whoever doubts a number can check it with a calculator.

Each figure is rounded once, to what is printed, and what follows is computed from printed figures alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, cast

from kpi_kit.report.wording import Form, Words, form
from kpi_kit.scorecard.entry_record import EntryRecord, required
from kpi_kit.scorecard.record import Bonus, Scorecard

_DIGITS = (4, 6, 8, 10)
"""Decimals to print: the fewest that lead to the total of the scorecard."""


@dataclass(frozen=True)
class Line:
    """How one KPI comes to its part of the total.

    Parameters
    ----------
    given : str
        Fact, target and base, or why nothing is counted.
    attainment, points, product : str or None
        Each with its computation; None where there is none.
    """

    given: str
    attainment: str | None = None
    points: str | None = None
    product: str | None = None


@dataclass(frozen=True)
class Sheet:
    """The computation of a scorecard's total: a line for each entry, in their order, then the sums."""

    lines: Sequence[Line]
    sums: Sequence[str]


def sheet(card: Scorecard, words: Words) -> Sheet | None:
    """Compute the total of a scorecard with the figures that are printed.

    Returns
    -------
    Sheet or None
        None where no entry can be assessed.
    """
    if all(record["payout"] is None for record in card["kpis"]):
        return None
    for digits in _DIGITS:
        made = _Computation(card, words, digits)
        found = made.sheet()
        if card["total"] is None or made.total == words.total(card["total"]):
            break
    return found


def bonus(card: Scorecard, words: Words) -> list[str]:
    """Compute the bonus of each calendar month, if there is one: a share of the sales, up to the cap."""
    rule = card["bonus"]
    if rule is None:
        return []
    if rule["amount"] is None:
        return [no_bonus(card, words)]
    months: list[Mapping[str, Any]] = [dict(month) for month in rule.get("months", [])] or [dict(rule)]
    lines = [line for month in months for line in _bonus_of_month(month, rule, words, len(months) > 1)]
    is_deducted = rule.get("refunds") == "deduct" and any(month["refund_share"] for month in months)
    key = "arithmetic.bonus_after_refunds" if is_deducted else "arithmetic.bonus_paid"
    return [*lines, words.text(key, amount=words.money(rule["amount"]))]


def no_bonus(card: Scorecard, words: Words) -> str:
    """Why a bonus has no amount: a week has none, or the sales of some months are not known."""
    rule = card["bonus"]
    months = None if rule is None else rule.get("months")
    if months is not None and not months:
        return words.text("arithmetic.bonus_week")
    unknown = [month["month"] for month in months or () if month["amount"] is None] or [card["period"]]
    return words.text("arithmetic.bonus_unknown", during=words.join(map(words.period, unknown)))


def _bonus_of_month(month: Mapping[str, Any], rule: Bonus, words: Words, is_named: bool) -> list[str]:
    """The share of the sales of a month, the cap, and the share of late refunds."""
    amounts = (month["sales_amount"], rule["share"], rule["cap"])
    sales, share, cap = (None if amount is None else _exact(amount) for amount in amounts)
    sales, percent = _rounded(sales or Decimal(0), 2), (share or Decimal(0)) * 100
    amount = _rounded(sales * percent / 100, 2)
    computed = f"{_plain(sales, 2, words)} × {_plain(percent, 6, words)} ÷ 100 = {_plain(amount, 2, words)}"
    line = words.text("arithmetic.bonus", unit=words.axis(Form("money")), line=computed)
    lines = [f"{words.sentence(words.period(month['month']))}. {line}" if is_named else line]
    if amount < 0:
        lines.append(words.text("arithmetic.bonus_negative"))
    elif cap is not None:
        key = "arithmetic.bonus_capped" if amount > cap else "arithmetic.bonus_under_cap"
        lines.append(words.text(key, cap=words.money(float(cap))))
    if month.get("refunds"):
        key = "arithmetic.bonus_refunds" if rule.get("refunds") == "report" else "arithmetic.bonus_deducted"
        money = (words.money(month[name] or 0.0) for name in ("refunded", "refund_share"))
        lines.append(words.text(key, **dict(zip(("refunded", "share"), money, strict=True))))
    return lines


class _Computation:
    """One way through the scorecard, with so many decimals."""

    def __init__(self, card: Scorecard, words: Words, digits: int) -> None:
        self._card, self._words, self._digits = card, words, digits
        scoring = card["scoring"]
        self._rule = str(scoring["not_assessable"])
        self._threshold, self._least, self._cap = (
            _exact(scoring[key]) for key in ("threshold", "payout_at_threshold", "cap")
        )
        self._products: list[Decimal] = []
        self._weights: list[Decimal] = []
        self.total: str | None = None

    def sheet(self) -> Sheet:
        """Every line, then the sums."""
        lines = [self._line(record) for record in self._card["kpis"]]
        return Sheet(lines, self._sums())

    def _line(self, record: EntryRecord) -> Line:
        say = self._words
        if record["target"] is None:
            return Line(say.text("arithmetic.no_target"))
        if record["payout"] is None:
            why = "not_assessable" if record["value"] is None else "target_is_base"
            given = f"{say.text(f'arithmetic.{why}')}. {say.text(f'arithmetic.then.{self._rule}')}"
            return Line(given, product=self._product(record, Decimal(0)) if self._rule == "zero" else None)
        how = form(record)
        scale = 100 if how.unit == "share" else 1
        fact = self._round(_exact(required(record["value"])) * scale)
        if record["target"]["kind"] == "between":
            given, told, attainment = self._band(record, fact, how, scale)
        else:
            given, told, attainment = self._bound(record, fact, how, scale)
        points, value = self._points(attainment)
        return Line(given, told, points, self._product(record, value))

    def _bound(self, record: EntryRecord, fact: Decimal, how: Form, scale: int) -> tuple[str, str, Decimal]:
        """The way from the base to the target, and how much of it was gone."""
        target = required(record["target"])
        ends = (cast(float, target["value"]), target["base"] or 0.0)
        bound, base = (self._round(_exact(end) * scale) for end in ends)
        kind = self._words.text(f"target.{target['kind']}", value=self._with_unit(bound, how))
        given = self._words.text(
            "arithmetic.given",
            fact=self._with_unit(fact, how),
            target=kind,
            base=self._with_unit(base, how),
        )
        reached = self._round((fact - base) / (bound - base)) if bound != base else Decimal(1)
        start = self._bracketed(base)
        line = (
            f"({self._number(fact)} − {start}) ÷ ({self._number(bound)} − {start}) = {self._number(reached)}"
        )
        return given, *self._not_below_zero(line, reached)

    def _band(self, record: EntryRecord, fact: Decimal, how: Form, scale: int) -> tuple[str, str, Decimal]:
        """1 inside the band; outside it so much less as half its width has been left."""
        bounds = cast(list[float], required(record["target"])["value"])
        low, high = (self._round(_exact(bound) * scale) for bound in bounds)
        asked = self._words.range(self._with_unit(low, how), self._with_unit(high, how))
        given = self._words.text("arithmetic.given_band", fact=self._with_unit(fact, how), target=asked)
        if low <= fact <= high:
            return given, self._words.text("arithmetic.inside"), Decimal(1)
        more, less = (low, fact) if fact < low else (fact, high)
        reached = self._round(1 - (more - less) / ((high - low) / 2))
        outside = f"({self._number(more)} − {self._bracketed(less)})"
        width = f"({self._number(high)} − {self._bracketed(low)})"
        line = f"1 − {outside} ÷ ({width} ÷ 2) = {self._number(reached)}"
        return given, *self._not_below_zero(line, reached)

    def _not_below_zero(self, line: str, reached: Decimal) -> tuple[str, Decimal]:
        if reached >= 0:
            return line, reached
        return f"{line}; {self._words.text('arithmetic.below_zero')}", Decimal(0)

    def _points(self, attainment: Decimal) -> tuple[str, Decimal]:
        """What is paid for an attainment, by the curve of the params."""
        say, threshold, cap = self._words, self._threshold, self._cap
        if attainment < threshold:
            return say.text("arithmetic.under", threshold=self._number(threshold)), Decimal(0)
        if attainment > cap:
            return say.text("arithmetic.capped", cap=self._number(cap)), cap
        if attainment >= 1:
            return say.text("arithmetic.over", points=self._number(attainment)), attainment
        points = self._round(self._least + (1 - self._least) * (attainment - threshold) / (1 - threshold))
        least, reached, start = (self._number(part) for part in (self._least, attainment, threshold))
        line = f"{least} + (1 − {least}) × ({reached} − {start}) ÷ (1 − {start}) = {self._number(points)}"
        return line, points

    def _product(self, record: EntryRecord, points: Decimal) -> str:
        weight = self._round(_exact(record["weight"]))
        product = self._round(weight * points)
        self._weights.append(weight)
        self._products.append(product)
        return f"{self._number(weight)} × {self._number(points)} = {self._number(product)}"

    def _sums(self) -> list[str]:
        say = self._words
        if self._rule == "hold" and self._card["total"] is None:
            return [say.text("arithmetic.held")]
        whole, weights = sum(self._products, Decimal(0)), sum(self._weights, Decimal(0))
        share = self._round(whole / weights) if weights else Decimal(0)
        self.total = say.total(float(share))
        line = f"{self._number(whole)} ÷ {self._number(weights)} = {self._number(share)}"
        return [
            say.text("arithmetic.products", line=self._added(self._products, whole)),
            say.text("arithmetic.weights", line=self._added(self._weights, weights)),
            say.text("arithmetic.total", line=line, total=self.total),
        ]

    def _added(self, parts: Sequence[Decimal], whole: Decimal) -> str:
        return f"{' + '.join(map(self._number, parts))} = {self._number(whole)}"

    def _round(self, value: Decimal) -> Decimal:
        return _rounded(value, self._digits)

    def _number(self, value: Decimal) -> str:
        return _plain(value, self._digits, self._words)

    def _bracketed(self, value: Decimal) -> str:
        return f"({self._number(value)})" if value < 0 else self._number(value)

    def _with_unit(self, value: Decimal, how: Form) -> str:
        """A figure with its unit, for the eye; computations go without."""
        number, say = self._number(value), self._words
        match how.unit:
            case "share":
                return say.text("number.points" if how.difference else "number.percent", number=number)
            case "hours":
                return say.text("number.hours", number=number)
            case "money":
                return say.text("number.money", number=number, symbol=say.axis(how))
            case _:
                return number


def _exact(value: float) -> Decimal:
    """The number that its shortest decimal notation says."""
    return Decimal(repr(float(value)))


def _rounded(value: Decimal, digits: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)


def _plain(value: Decimal, digits: int, words: Words) -> str:
    return words.number(float(value), digits)
