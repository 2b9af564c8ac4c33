"""The payout statement as an Excel workbook: live formulas, whose cached values are those of the kit."""

from __future__ import annotations

import datetime as dt
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from kpi_kit.core.sanitize import shown
from kpi_kit.report import parts
from kpi_kit.report.parts import first_screen
from kpi_kit.report.wording import Words, form, words
from kpi_kit.scorecard.entry_record import EntryRecord
from kpi_kit.scorecard.record import Scorecard

_HEADS = (
    "name", "kpi", "plan", "plan_to", "base", "fact", "attainment", "weight", "points", "product",
    "total", "assessed", "variable", "paid", "bonus", "refunds", "sum", "signature",
)  # fmt: skip
"""The columns of the statement, A to R: those of an entry, then those of a person."""
_MONTH_HEADS = ("month", "sales", "share", "cap", "earned", "refund_share", "bonus")
_WIDTHS = (24, 34, 11, 11, 11, 11, 11, 8, 11, 11, 9, 11, 13, 13, 12, 11, 13, 18)
_TOP = 3
"""The row of the column heads, counted from 0."""
_CURVE = {"threshold": 3, "payout_at_threshold": 4, "cap": 5}
"""Rows of a person's sheet, counted from 1, with the settings of the payout curve in column B."""
_NEVER_IN_NAMES = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
_LONGEST_NAME = 31


@dataclass(frozen=True)
class _Style:
    """The look of a cell."""

    number: str = "General"
    bold: bool = False
    top: bool = False
    bottom: bool = False
    wrap: bool = False


def kopecks(amount: float) -> float:
    """An amount of money rounded half up to two decimals, as spreadsheets round.

    Examples
    --------
    >>> kopecks(1.005), kopecks(2.675), kopecks(-1.005)
    (1.01, 2.68, -1.01)
    """
    return float(Decimal(f"{amount:.15g}").quantize(Decimal("0.01"), ROUND_HALF_UP))


def statement(
    period: str, cards: Sequence[Scorecard], without_report: Sequence[str], language: str, currency: str
) -> bytes:
    """The workbook: a row a person and entry, and a sheet a person with history.

    Parameters
    ----------
    period : str
    cards : sequence of mapping
        The scorecards of the reports that were built.
    without_report : sequence of str
        The names of the others.
    language, currency : str

    Returns
    -------
    bytes
        The same for the same scorecards.
    """
    return _Workbook(period, words(language, currency)).made(
        shown(sorted(cards, key=lambda card: (card["name"], card["specialist"]))),
        shown(sorted(without_report)),
    )


class _Workbook:
    """Writes the sheets of a statement."""

    def __init__(self, period: str, say: Words) -> None:
        import xlsxwriter  # a run without a statement does not need it

        self._say, self._period = say, period
        self._content = io.BytesIO()
        self._book = xlsxwriter.Workbook(
            self._content, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        )
        self._formats: dict[_Style, Any] = {}

    def made(self, cards: Sequence[Scorecard], without_report: Sequence[str]) -> bytes:
        """Write all sheets."""
        say = self._say
        sheet = self._book.add_worksheet(say.text("payout.sheet"))
        names = _sheet_names([card["name"] for card in cards], say.text("payout.sheet"))
        self._head(sheet, cards)
        row, sums = _TOP + 1, []
        for card, name in zip(cards, names, strict=True):
            history = _History(self, card, self._book.add_worksheet(name), name)
            history.write()
            row = _Block(self, card, sheet, history).write(row)
            sums.append(row)
        for who in without_report:
            self.text(sheet, row, 0, who, _Style(bold=True))
            self.text(sheet, row, 1, say.text("payout.no_report"))
            row += 1
        self._foot(sheet, cards, row)
        moments = [dt.datetime.fromisoformat(card["as_of"]).replace(tzinfo=None) for card in cards]
        self._book.set_properties({"title": self._title, "created": max(moments)})
        self._book.close()
        return self._content.getvalue()

    # ---- cells

    def style(self, style: _Style) -> Any:
        """The format of a look, made once."""
        if style not in self._formats:
            given = {"num_format": style.number, "bold": style.bold, "text_wrap": style.wrap, "valign": "top"}
            self._formats[style] = self._book.add_format(
                {**given, "top": int(style.top), "bottom": int(style.bottom)}
            )
        return self._formats[style]

    def text(self, sheet: Any, row: int, column: int, text: str, style: _Style = _Style()) -> None:
        """Write a text, which is never a formula or a link."""
        sheet.write_string(row, column, text, self.style(style))

    def number(self, sheet: Any, row: int, column: int, value: float | None, style: _Style) -> None:
        """Write a number; an empty cell where it is unknown."""
        if value is None:
            sheet.write_blank(row, column, None, self.style(style))
        else:
            sheet.write_number(row, column, value, self.style(style))

    def formula(
        self, sheet: Any, row: int, column: int, formula: str, value: float | None, style: _Style
    ) -> None:
        """Write a formula with its value; an unknown value is an empty text."""
        sheet.write_formula(row, column, f"={formula}", self.style(style), "" if value is None else value)

    # ---- parts

    @property
    def _title(self) -> str:
        return self._say.text("payout.title", period=self._say.period(self._period))

    def _head(self, sheet: Any, cards: Sequence[Scorecard]) -> None:
        say = self._say
        self.text(sheet, 0, 0, self._title, _Style(bold=True))
        states = dict.fromkeys(first_screen.state_of(card, say) for card in cards)
        moments = dict.fromkeys(first_screen.cut_off(card, say) for card in cards)
        about = [*(card["agency"] for card in cards[:1]), *states, *moments]
        self.text(sheet, 1, 0, " · ".join(part for part in about if part))
        for column, (name, width) in enumerate(zip(_HEADS, _WIDTHS, strict=True)):
            self.text(
                sheet, _TOP, column, say.text(f"payout.{name}"), _Style(bold=True, bottom=True, wrap=True)
            )
            sheet.set_column(column, column, width)
        sheet.freeze_panes(_TOP + 1, 2)
        sheet.repeat_rows(_TOP)
        _fit_to_page(sheet)

    def _foot(self, sheet: Any, cards: Sequence[Scorecard], row: int) -> None:
        """The sum of all payments, and who approves it."""
        say, strong = self._say, _Style(_MONEY, bold=True, top=True)
        known = [amount for amount in map(payment, cards) if amount is not None]
        self.text(sheet, row, 0, say.text("payout.all"), _Style(bold=True, top=True))
        self.formula(sheet, row, 16, f"SUM(Q{_TOP + 2}:Q{row})", kopecks(sum(known)), strong)
        self.text(sheet, row + 2, 0, say.text("payout.approved"))
        for column in range(1, 4):
            self.text(sheet, row + 2, column, "", _Style(bottom=True))


def _fit_to_page(sheet: Any) -> None:
    """Print a sheet on A4, as wide as a page."""
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)


class _History:
    """A person's sheet: the payout curve, the bonus by month, totals and facts of the past periods."""

    def __init__(self, book: _Workbook, card: Scorecard, sheet: Any, name: str) -> None:
        self._book, self._card, self._sheet = book, card, sheet
        self._say = book._say
        quoted = name.replace("'", "''")
        self.place = f"'{quoted}'!"
        self.bonus: str | None = None
        self.refunds: str | None = None

    def write(self) -> None:
        """Write the sheet; the cells of bonus and refunds are known afterwards."""
        book, sheet, say, card = self._book, self._sheet, self._say, self._card
        book.text(sheet, 0, 0, card["name"], _Style(bold=True))
        scoring = card["scoring"]
        for key, row in _CURVE.items():
            book.text(sheet, row - 1, 0, say.text(f"payout.{key}"))
            book.number(sheet, row - 1, 1, float(scoring[key]), _Style("0.00##"))  # type: ignore[literal-required]
        book.text(sheet, 6, 0, say.text(f"total.not_assessable.{scoring['not_assessable']}"))
        sheet.set_column(0, 0, 32)
        sheet.set_column(1, 40, 13)
        _fit_to_page(sheet)
        self._facts(self._months(8))

    def _months(self, row: int) -> int:
        """The bonus of each calendar month; returns the next free row."""
        book, sheet, say, bonus = self._book, self._sheet, self._say, self._card["bonus"]
        months = bonus.get("months", []) if bonus is not None else []
        if bonus is None or not months:
            return row
        self._heads(row, [say.text(f"payout.{head}") for head in _MONTH_HEADS])
        deducts = bonus.get("refunds") == "deduct"
        money = _Style(_MONEY)
        for at, month in enumerate(months, row + 1):
            line = at + 1
            book.text(sheet, at, 0, say.sentence(say.period(month["month"])))
            book.number(sheet, at, 1, month["sales_amount"], money)
            book.number(sheet, at, 2, bonus["share"], _Style("0.00%"))
            book.number(sheet, at, 3, bonus["cap"], money)
            capped = f"IF(ISNUMBER(D{line}),MIN(B{line}*C{line},D{line}),B{line}*C{line})"
            earned = f'IF(ISNUMBER(B{line}),MAX(0,{capped}),"")'
            book.formula(sheet, at, 4, earned, month["earned"], money)
            book.number(sheet, at, 5, month["refund_share"], money)
            kept = f"MAX(0,E{line}-F{line})" if deducts else f"E{line}"
            known = f"COUNT(E{line},F{line})=2" if deducts else f"ISNUMBER(E{line})"
            book.formula(sheet, at, 6, f'IF({known},{kept},"")', month["amount"], money)
        first, last, at = row + 2, row + 1 + len(months), row + 1 + len(months)
        strong = _Style(_MONEY, bold=True, top=True)
        book.text(sheet, at, 0, say.text("payout.all"), _Style(bold=True, top=True))
        amounts = [month["refund_share"] for month in months]
        refunds = None if None in amounts else sum(amount for amount in amounts if amount is not None)
        for column, letter, value in ((5, "F", refunds), (6, "G", bonus["amount"])):
            cells = f"{letter}{first}:{letter}{last}"
            whole = f'IF(COUNT({cells})={len(months)},SUM({cells}),"")'
            book.formula(sheet, at, column, whole, value, strong)
        self.refunds, self.bonus = f"{self.place}F{at + 1}", f"{self.place}G{at + 1}"
        return at + 2

    def _facts(self, row: int) -> None:
        """The totals, facts and plans of the past periods."""
        book, sheet, say, card = self._book, self._sheet, self._say, self._card
        heads = [say.text("payout.period"), say.text("payout.total")]
        for name in parts.names(card, say):
            heads += [say.text("payout.fact_of", name=name), say.text("payout.plan_of", name=name)]
        self._heads(row, heads)
        totals = {past["period"]: past["value"] for past in card.get("totals", [])}
        periods = list(
            dict.fromkeys([*totals, *(past["period"] for kpi in card["kpis"] for past in kpi["history"])])
        )
        for at, period in enumerate(periods, row + 1):
            book.text(sheet, at, 0, say.sentence(say.period(period)))
            book.number(sheet, at, 1, totals.get(period), _Style(_PERCENT))
            for column, record in enumerate(card["kpis"]):
                past = next((past for past in record["history"] if past["period"] == period), None)
                if past is None:
                    continue
                book.number(sheet, at, 2 + 2 * column, past["value"], _look(record, past["value"]))
                self._plan(at, 3 + 2 * column, record, past["target"])

    def _plan(self, row: int, column: int, record: EntryRecord, target: Any) -> None:
        if isinstance(target, list):
            how = form(record)
            self._book.text(
                self._sheet, row, column, "–".join(self._say.value(bound, how) for bound in target)
            )
        else:
            self._book.number(self._sheet, row, column, target, _look(record, target))

    def _heads(self, row: int, heads: Iterable[str]) -> None:
        for column, head in enumerate(heads):
            self._book.text(self._sheet, row, column, head, _Style(bold=True, bottom=True, wrap=True))


class _Block:
    """The rows of a person on the statement: one an entry, then the sums."""

    def __init__(self, book: _Workbook, card: Scorecard, sheet: Any, history: _History) -> None:
        self._book, self._card, self._sheet, self._history = book, card, sheet, history
        self._say = book._say

    def write(self, row: int) -> int:
        """Write the rows from one on; returns the next free row."""
        first = row
        for name, record in zip(parts.names(self._card, self._say), self._card["kpis"], strict=True):
            self._entry(row, name, record)
            row += 1
        self._sums(row, first)
        return row + 1

    def _entry(self, row: int, name: str, record: EntryRecord) -> None:
        book, sheet, line = self._book, self._sheet, row + 1
        book.text(sheet, row, 0, self._card["name"])
        book.text(sheet, row, 1, name, _Style(wrap=True))
        book.number(sheet, row, 5, record["value"], _look(record, record["value"]))
        target = record["target"]
        if target is None:
            book.text(sheet, row, 2, self._say.text("outcome.none"))
            return
        if isinstance(target["value"], list):
            for column, bound in enumerate(target["value"], 2):
                book.number(sheet, row, column, bound, _look(record, bound))
            attainment = (
                f"IF(AND(ISNUMBER(F{line}),C{line}<>D{line}),"
                f'MAX(0,1-MAX(C{line}-F{line},F{line}-D{line},0)/((D{line}-C{line})/2)),"")'
            )
        else:
            base = target["base"] or 0.0
            book.number(sheet, row, 2, target["value"], _look(record, target["value"]))
            book.number(sheet, row, 4, base, _look(record, base))
            attainment = (
                f'IF(AND(ISNUMBER(F{line}),C{line}<>E{line}),MAX(0,(F{line}-E{line})/(C{line}-E{line})),"")'
            )
        weight, payout = float(record["weight"]), record["payout"]
        book.formula(sheet, row, 6, attainment, record["attainment"], _Style(_PERCENT))
        book.number(sheet, row, 7, weight, _Style("0.####"))
        book.formula(sheet, row, 8, self._points(line), payout, _Style("0.0000"))
        product = None if payout is None else weight * payout
        book.formula(sheet, row, 9, f'IF(ISNUMBER(I{line}),H{line}*I{line},"")', product, _Style("0.0000"))

    def _points(self, line: int) -> str:
        """The payout curve as a formula; its tolerance at the threshold is that of the kit."""
        threshold, least, cap = (f"{self._history.place}$B${row}" for row in _CURVE.values())
        rising = f"{least}+(1-{least})*MAX(0,G{line}-{threshold})/(1-{threshold})"
        above = f"IF(OR(G{line}>=1,{threshold}=1),MIN(MAX(G{line},1),{cap}),{rising})"
        return f'IF(ISNUMBER(G{line}),IF(G{line}<{threshold}-0.000000001,0,{above}),"")'

    def _sums(self, row: int, first: int) -> None:
        """The total, what it pays, and the bonus."""
        book, sheet, card, line = self._book, self._sheet, self._card, row + 1
        strong, money = _Style(_PERCENT, bold=True, bottom=True), _Style(_MONEY, bold=True, bottom=True)
        book.text(sheet, row, 0, card["name"], _Style(bold=True, bottom=True))
        book.text(sheet, row, 1, self._say.text("payout.total"), _Style(bold=True, bottom=True))
        for column in (*range(2, 10), 17):
            book.text(sheet, row, column, "", _Style(bottom=True))
        weights, points, products = (f"{letter}{first + 1}:{letter}{row}" for letter in "HIJ")
        assessed, whole = f"SUMPRODUCT({weights}*ISNUMBER({points}))", f"SUM({products})/SUM({weights})"
        total = {
            "reweight": f'IF(COUNT({points})=0,"",SUM({products})/{assessed})',
            "zero": f'IF(COUNT({points})=0,"",{whole})',
            "hold": f'IF(OR(COUNT({points})=0,COUNT({points})<COUNT({weights})),"",{whole})',
        }[str(card["scoring"]["not_assessable"])]
        book.formula(sheet, row, 10, total, card["total"], strong)
        share = f'IF(SUM({weights})=0,"",{assessed}/SUM({weights}))'
        book.formula(sheet, row, 11, share, _assessed(card), strong)
        variable, history = card.get("variable_pay"), self._history
        book.number(sheet, row, 12, None if variable is None else variable["amount"], money)
        if variable is None:
            book.number(sheet, row, 13, None, money)
        else:
            paid = f'IF(ISNUMBER(K{line}),ROUND(M{line}*K{line},2),"")'
            book.formula(sheet, row, 13, paid, _variable(card), money)
        for column, cell, value in ((14, history.bonus, _bonus(card)), (15, history.refunds, _refunds(card))):
            if cell is None:
                book.number(sheet, row, column, None, money)
            else:
                book.formula(sheet, row, column, f'IF(ISNUMBER({cell}),ROUND({cell},2),"")', value, money)
        cells = [f"N{line}"] * (variable is not None) + [f"O{line}"] * (history.bonus is not None)
        if cells:
            listed = ",".join(cells)
            paid = f'IF(COUNT({listed})={len(cells)},SUM({listed}),"")'
            book.formula(sheet, row, 16, paid, payment(card), money)
        else:
            book.number(sheet, row, 16, None, money)


_PERCENT = "0.0%"
_MONEY = "#,##0.00"


def payment(card: Scorecard) -> float | None:
    """What a person is paid for a period; None where a part of it is unknown, or nothing is agreed."""
    amounts = []
    if card.get("variable_pay") is not None:
        amounts.append(_variable(card))
    if (bonus := card["bonus"]) is not None and bonus.get("months"):
        amounts.append(_bonus(card))
    known = [amount for amount in amounts if amount is not None]
    return kopecks(sum(known)) if amounts and len(known) == len(amounts) else None


def _variable(card: Scorecard) -> float | None:
    variable = card.get("variable_pay")
    return None if variable is None or variable["payout"] is None else kopecks(variable["payout"])


def _bonus(card: Scorecard) -> float | None:
    bonus = card["bonus"]
    return None if bonus is None or bonus["amount"] is None else kopecks(bonus["amount"])


def _refunds(card: Scorecard) -> float | None:
    """The share of late refunds, reported or deducted."""
    bonus = card["bonus"]
    amounts = [month["refund_share"] for month in bonus.get("months", [])] if bonus is not None else []
    known = [amount for amount in amounts if amount is not None]
    return kopecks(sum(known)) if amounts and len(known) == len(amounts) else None


def _assessed(card: Scorecard) -> float | None:
    """The share of the weight that could be assessed."""
    with_target = [record for record in card["kpis"] if record["target"] is not None]
    whole = sum(float(record["weight"]) for record in with_target)
    known = sum(float(record["weight"]) for record in with_target if record["payout"] is not None)
    return known / whole if whole else None


def _look(record: EntryRecord, value: float | None) -> _Style:
    """How a value of an entry is shown."""
    match record["unit"]:
        case "share":
            return _Style("0.0#%")
        case "money":
            return _Style(_MONEY)
        case _:
            return _Style("#,##0" if value is None or float(value).is_integer() else "#,##0.0##")


def _sheet_names(names: Sequence[str], taken: str) -> list[str]:
    """Names of sheets: short, without signs that Excel refuses, each once.

    Examples
    --------
    >>> _sheet_names(["Анна: [1]", "анна  1", "'"], "Payout")
    ['Анна 1', 'анна 1 2', 'sheet']
    """
    used = {taken.casefold(), "history"}
    unique = []
    for name in names:
        plain = (
            " ".join(_NEVER_IN_NAMES.sub(" ", name).split()).strip("' ")[:_LONGEST_NAME].strip("' ")
            or "sheet"
        )
        candidate, number = plain, 1
        while candidate.casefold() in used:
            number += 1
            candidate = f"{plain[: _LONGEST_NAME - 1 - len(str(number))]} {number}"
        used.add(candidate.casefold())
        unique.append(candidate)
    return unique
