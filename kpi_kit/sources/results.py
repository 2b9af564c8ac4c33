"""Rows by table -> what an importer gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kpi_kit.sources.interface import DateRange, Imported
from kpi_kit.sources.rows import Row, frame


def imported(
    rows: Mapping[str, tuple[Sequence[Row], Sequence[str]]],
    coverage: Mapping[str, tuple[DateRange, ...]],
    remarks: Sequence[str],
    platform: str | None,
) -> Imported:
    """Rows and columns by table, as what an importer gives.

    Raises
    ------
    InputError
        Where a value cannot be stored.
    """
    stamps = {name: tuple(row.stamp for row in found) for name, (found, _) in rows.items()}
    latest = [stamp for told in stamps.values() for stamp in told if stamp is not None]
    return Imported(
        {name: frame(name, found, columns) for name, (found, columns) in rows.items()},
        coverage,
        tuple(remarks),
        max(latest, default=None),
        platform,
        {name: told for name, told in stamps.items() if any(told)},
    )
