"""Read ``rates.csv``: exchange rates into the department's currency."""

from __future__ import annotations

import csv
import datetime as dt
import os
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from kpi_kit.core.errors import KitError
from kpi_kit.kpis.engine.day_grid import day_number
from kpi_kit.kpis.engine.rates import Rates
from kpi_kit.params.fields import check_day

FILE = "rates.csv"
_COLUMNS = ["date", "currency", "rate"]
_MOST_BYTES = 4 << 20
_LARGEST = 1e9
_CURRENCY = re.compile(r"[A-Z]{3}")


def read_rates(folder: Path, currency: str) -> Rates:
    """The exchange rates of a params folder; none where there is no file.

    Raises
    ------
    KitError
        With all problems of the file.
    """
    file = folder / FILE
    if not os.path.lexists(file):
        return Rates(currency)
    rows = list(_rows(file))
    rates: dict[str, dict[int, float]] = {}
    problems = []
    for line, cells in rows:
        try:
            day, unit, rate = _parsed(cells, currency)
            if rates.setdefault(unit, {}).setdefault(day, rate) != rate:
                raise ValueError(f"duplicate rates for this date and currency: {unit}")
        except ValueError as fault:
            problems.append(f"{file}: line {line}: {fault}")
    if problems:
        raise KitError(problems)
    ordered = {unit: sorted(by_day.items()) for unit, by_day in rates.items()}
    return Rates(
        currency,
        {unit: np.array([day for day, _ in pairs], dtype="int64") for unit, pairs in ordered.items()},
        {unit: np.array([rate for _, rate in pairs], dtype="float64") for unit, pairs in ordered.items()},
    )


def _rows(file: Path) -> Iterator[tuple[int, list[str]]]:
    if not file.is_file():
        raise KitError(f"{file}: an ordinary file is expected, found none")
    if file.stat().st_size > _MOST_BYTES:
        raise KitError(f"{file}: expected up to {_MOST_BYTES >> 20} MB, found a larger file")
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream)
            header = [cell.strip() for cell in next(reader, [])]
            if header != _COLUMNS:
                raise KitError(
                    f"{file}: the columns {', '.join(_COLUMNS)} are expected, found {header!r:.100}"
                )
            yield from ((reader.line_num, row) for row in reader if row)
    except (UnicodeDecodeError, csv.Error) as fault:
        raise KitError(f"{file}: a CSV file in UTF-8 is expected ({fault!s:.100})") from None


def _parsed(cells: list[str], currency: str) -> tuple[int, str, float]:
    """Day number, currency and rate of a row.

    Raises
    ------
    ValueError
        With what is wrong.
    """
    if len(cells) != len(_COLUMNS):
        raise ValueError(f"{len(_COLUMNS)} cells are expected, found {len(cells)}")
    day, unit, rate = (cell.strip() for cell in cells)
    if not _CURRENCY.fullmatch(unit) or unit == currency:
        raise ValueError(
            f"currency: three capital letters other than {currency} are expected, found {unit!r:.20}"
        )
    try:
        value = float(rate)
    except ValueError:
        value = 0.0
    if not 0 < value <= _LARGEST:
        raise ValueError(f"rate: a number over 0 such as 81.55 is expected, found {rate!r:.30}")
    try:
        date = dt.date.fromisoformat(day)
    except ValueError:
        raise ValueError(f"date: a day such as 2025-10-31 is expected, found {day!r:.30}") from None
    return day_number(check_day(date)), unit, value
