"""Check the rows against the file's own rows of totals; columns that do not add up are named."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from kpi_kit.sources.text_files import normal

_PEOPLE = "the same people are counted in several rows"
_LEVEL = "a level, of which the last counts"
_RATE = "an average or a share"
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
    """Why the total of a figure is not the sum of its rows; empty where it is the sum.

    Examples
    --------
    >>> why_not_additive("views"), why_not_additive("subscribers_gained"), why_not_additive("total_users")
    ('', '', 'the same people are counted in several rows')
    >>> why_not_additive("event_count_per_user")
    'an average or a share'
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
            self.leave_out(name, "the row of totals has no number")
        else:
            self._totals.setdefault(name, []).append(total)

    def leave_out(self, name: str, why: str) -> None:
        """Leave a column out of the check, with the reason."""
        self._unchecked.setdefault(name, why)

    def problems(self, label: str, *, partial: bool, many: bool) -> tuple[list[str], list[str]]:
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
        wrong: list[str] = []
        remarks: list[str] = []
        for name, totals in self._totals.items():
            added, total = self._sums.get(name, Decimal(0)), self._nearest(name)
            gap = total - added
            if abs(gap) <= self._slack(name, totals):
                continue
            rows = f"{label}: {name}: the rows add up to {plain(added)}"
            row = "the row of totals" if len(totals) == 1 else f"the {len(totals)} rows of totals"
            if gap > 0:
                fine = partial or many or name in self._unknown or gap <= total * self._lacking
                if fine:
                    remarks.append(f"{rows}, {plain(gap)} less than {row} {_say(totals)}")
                else:
                    wrong.append(
                        f"{rows}, {row} {_say(totals)} {_listed(totals)}; export it anew, or give --partial "
                        "where the service leaves rows out"
                    )
            elif -gap <= total * self._beyond:
                remarks.append(
                    f"{rows}, {plain(-gap)} more than {row} {_say(totals)}, as the service estimates"
                )
            else:
                wrong.append(
                    f"{rows}, more than the {_listed(totals)} of {row}; the file was changed or cut, "
                    "export it anew"
                )
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

    def unchecked(self) -> Iterator[str]:
        """Columns whose total is not checked, with the reason."""
        reasons: dict[str, list[str]] = {}
        for name, why in self._unchecked.items():
            if name not in self._totals:
                reasons.setdefault(why, []).append(name)
        yield from (f"{', '.join(names)} ({why})" for why, names in reasons.items())


def _unit(number: Decimal) -> Decimal:
    """The unit of the last decimal: 0.01 of 9.50, and 1 of whole numbers."""
    exponent = number.as_tuple().exponent
    is_whole = number == number.to_integral_value() or not isinstance(exponent, int)
    return Decimal(1) if is_whole else Decimal(1).scaleb(int(exponent))


def _listed(totals: Sequence[Decimal]) -> str:
    return " and ".join(map(plain, totals))


def _say(totals: Sequence[Decimal]) -> str:
    return "says" if len(totals) == 1 else "say"


def plain(number: Decimal) -> str:
    """A number without a point where it is whole."""
    return str(int(number)) if number == int(number) else str(number)
