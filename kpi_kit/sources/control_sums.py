"""Check the rows against the file's own rows of totals; columns that do not add up are named."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from kpi_kit.core.phrases import Phrase
from kpi_kit.sources.text_files import normal

_PEOPLE, _LEVEL, _RATE = "people", "level", "rate"
_WORDS = (
    (_LEVEL, r"^(total_)?(subscribers|followers|members)$|^подписчики$"),
    (_PEOPLE, r"(^|_)(reach|users?|visitors|viewers|audience)(_|$)|охват|пользовател|посетител|зрител"),
    (
        _RATE,
        r"(^|_)(average|avg|mean|rate|share|ctr|er|percentage|duration|position|depth)(_|$)|_per_"
        r"|средн|доля|процент|показатель|коэффициент|длительность|конверсия|глубина|позиция",
    ),
)
_APART = tuple((why, re.compile(pattern)) for why, pattern in _WORDS)

TOTALS = frozenset(
    map(
        normal,
        (
            "Total",
            "Totals",
            "Grand total",
            "Итого",
            "Итого и средние",
            "Всего",
            "Общий итог",
            "Gesamt",
            "Totale",
        )
        + ("Total general", "Итоги", "Сумма", "Total and average", "Totals and averages", "Разом"),
    )
)


def why_not_additive(name: str) -> str:
    """Why the total of a figure is not the sum of its rows, as a key of the locale after ``why_``.

    It is empty where the total is the sum.

    Examples
    --------
    >>> why_not_additive("views"), why_not_additive("subscribers_gained"), why_not_additive("total_users")
    ('', '', 'people')
    >>> why_not_additive("event_count_per_user")
    'rate'
    """
    plain = normal(name)
    reasons = {why: bool(pattern.search(plain)) for why, pattern in _APART}
    return next((why for why in (_RATE, _LEVEL, _PEOPLE) if reasons[why]), "")


def is_total(cells: Sequence[str]) -> bool:
    """Whether a row is one of totals: by its first cell that is filled, or its last."""
    filled = [cell for cell in cells if cell and not cell.isspace()]
    return bool(filled) and (
        (len(filled[0]) < 40 and normal(filled[0]) in TOTALS)
        or (len(filled[-1]) < 40 and normal(filled[-1]) == "grand total")
    )


class ControlSums:
    """Sums by column, compared with the rows of totals.

    Parameters
    ----------
    lacking : Decimal
        The share of a total that rows of sound files may lack.
    beyond : Decimal
        The share by which they may exceed it, where the service estimates its figures.
    """

    def __init__(self, lacking: Decimal = Decimal(0), beyond: Decimal = Decimal(0)) -> None:
        self._lacking, self._beyond = lacking, beyond
        self._sums: dict[str, Decimal] = {}
        self._finest: dict[str, Decimal] = {}
        self._rows: Counter[str] = Counter()
        self._unknown: set[str] = set()
        self._totals: dict[str, list[Decimal]] = {}
        self._unchecked: dict[str, str] = {}

    def add(self, name: str, values: Sequence[Any]) -> None:
        """Add the values of a column; None is unknown."""
        added, finest = self._sums.get(name, Decimal(0)), self._finest.get(name, Decimal(1))
        for value, times in Counter(values).items():
            if value is None:
                self._unknown.add(name)
                continue
            number = Decimal(str(value))
            added += number * times
            self._rows[name] += times
            finest = min(finest, _unit(number))
        self._sums[name], self._finest[name] = added, finest

    def add_total(self, name: str, total: Decimal | None) -> None:
        """Add the total of a column from a row of totals; None where the cell has no number."""
        if total is None:
            self.leave_out(name, "no_number")
        else:
            self._totals.setdefault(name, []).append(total)

    def leave_out(self, name: str, why: str) -> None:
        """Leave a column out of the check, with the reason."""
        self._unchecked.setdefault(name, why)

    def problems(self, label: str, *, partial: bool, many: bool) -> tuple[list[Phrase], list[Phrase]]:
        """Sentences on sums that differ: problems that refuse the file, and remarks.

        Parameters
        ----------
        label : str
            The file, for sentences.
        partial : bool
            Whether rows may add up to less.
        many : bool
            Whether there are so many rows that services leave the rest out.
        """
        wrong: list[Phrase] = []
        remarks: list[Phrase] = []
        for name, totals in self._totals.items():
            added, total = self._sums.get(name, Decimal(0)), self._nearest(name)
            gap = total - added
            if abs(gap) <= self._slack(name, totals):
                continue
            fields = {"file": label, "name": name, "sum": plain(added), "gap": plain(abs(gap))}
            fields["total"] = _listed(totals)
            if gap > 0:
                fine = partial or many or name in self._unknown or gap <= total * self._lacking
                if fine:
                    remarks.append(Phrase("sources.sum_less_told", **fields))
                else:
                    code = "sources.sum_less" if len(totals) == 1 else "sources.sum_less_of_several"
                    wrong.append(Phrase(code, count=len(totals), **fields))
            elif -gap <= total * self._beyond:
                remarks.append(Phrase("sources.sum_more_told", **fields))
            else:
                wrong.append(Phrase("sources.sum_more", **fields))
        return wrong, remarks

    def _nearest(self, name: str) -> Decimal:
        """The total to compare with. Rows of totals may repeat, add up, or stand below subtotals."""
        totals = self._totals[name]
        largest, added_up = max(totals), sum(totals, Decimal(0))
        if len(totals) > 2 and largest * 2 == added_up:
            return largest
        meant = {added_up, largest} if len(set(totals)) == 1 else {added_up}
        return min(meant, key=lambda total: abs(total - self._sums.get(name, Decimal(0))))

    def _slack(self, name: str, totals: Sequence[Decimal]) -> Decimal:
        """The tolerance: half of the last decimal a row where the service rounds, 0 for whole numbers."""
        finest, rows = self._finest.get(name, Decimal(1)), self._rows[name]
        if finest == 1:
            return Decimal(0)
        several = Decimal(min(rows / 2, 2 * rows**0.5))  # errors of many rows go both ways
        return finest * several + max(map(_unit, totals)) / 2

    def agreed(self) -> list[str]:
        """The columns whose sums agree."""
        return [
            name
            for name, totals in self._totals.items()
            if abs(self._nearest(name) - self._sums.get(name, Decimal(0))) <= self._slack(name, totals)
        ]

    def unchecked(self) -> Iterator[Phrase]:
        """Columns whose total is not checked, with the reason."""
        reasons: dict[str, list[str]] = {}
        for name, why in self._unchecked.items():
            if name not in self._totals:
                reasons.setdefault(why, []).append(name)
        for why, names in reasons.items():
            yield Phrase("sources.unchecked_columns", names=names, reason=Phrase(f"sources.why_{why}"))


def _unit(number: Decimal) -> Decimal:
    """The unit of the last decimal: 0.01 of 9.50, and 1 of whole numbers."""
    exponent = number.as_tuple().exponent
    is_whole = number == number.to_integral_value() or not isinstance(exponent, int)
    return Decimal(1) if is_whole else Decimal(1).scaleb(int(exponent))


def _listed(totals: Sequence[Decimal]) -> str:
    """The one total, or two joined by words."""
    if len(totals) == 2:
        return Phrase("sources.two_totals", one=plain(totals[0]), other=plain(totals[1]))
    return ", ".join(map(plain, totals))


def plain(number: Decimal) -> str:
    """A number without a point where it is whole."""
    return str(int(number)) if number == int(number) else str(number)
