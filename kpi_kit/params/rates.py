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
from kpi_kit.core.phrases import Phrase
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
                raise ValueError(Phrase("params.rate_twice", currency=unit))
        except ValueError as fault:
            problems.append(Phrase("params.row_of_file", file=file, line=line, problem=fault))
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
        raise KitError(Phrase("core.not_ordinary", file=file))
    if file.stat().st_size > _MOST_BYTES:
        raise KitError(Phrase("params.rates_too_large", file=file, most=_MOST_BYTES >> 20))
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream)
            header = [cell.strip() for cell in next(reader, [])]
            if header != _COLUMNS:
                raise KitError(
                    Phrase("params.rates_columns", file=file, columns=", ".join(_COLUMNS), header=header)
                )
            yield from ((reader.line_num, row) for row in reader if row)
    except (UnicodeDecodeError, csv.Error) as fault:
        raise KitError(Phrase("params.rates_csv", file=file, reason=fault)) from None


def _parsed(cells: list[str], currency: str) -> tuple[int, str, float]:
    """Day number, currency and rate of a row.

    Raises
    ------
    ValueError
        With what is wrong.
    """
    if len(cells) != len(_COLUMNS):
        raise ValueError(Phrase("params.rates_cells", expected=len(_COLUMNS), found=len(cells)))
    day, unit, rate = (cell.strip() for cell in cells)
    if not _CURRENCY.fullmatch(unit) or unit == currency:
        raise ValueError(Phrase("params.rates_currency", currency=currency, found=unit))
    try:
        value = float(rate)
    except ValueError:
        value = 0.0
    if not 0 < value <= _LARGEST:
        raise ValueError(Phrase("params.rates_rate", found=rate))
    try:
        date = dt.date.fromisoformat(day)
    except ValueError:
        raise ValueError(Phrase("params.rates_date", found=day)) from None
    return day_number(check_day(date)), unit, value
