"""Rows of canonical tables built from items, typed, with all problems raised together."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import pandas as pd

from kpi_kit.core.errors import InputError
from kpi_kit.core.schema import Type
from kpi_kit.data.merge import ACCOUNT_STATS, ALL_TABLES

_SHOWN_PROBLEMS = 50
_ALIKE = 3
_VALUE = re.compile(r"'[^']*'|\"[^\"]*\"|[0-9]+")
FIGURE_COLUMNS = ALL_TABLES[ACCOUNT_STATS].names
_HALF_CHARACTER = re.compile("[\ud800-\udfff]")

DTYPES: Mapping[Type, Any] = {
    Type.TEXT: "str",
    Type.DATE: "datetime64[us]",
    Type.TIME: pd.DatetimeTZDtype("us", "UTC"),
    Type.COUNT: "Int64",
    Type.NUMBER: "Float64",
    Type.FLAG: "boolean",
}

Item = TypeVar("Item")
Built = TypeVar("Built")


@dataclass(frozen=True)
class Row:
    """A row of a canonical table, with its place in the export.

    Parameters
    ----------
    values : mapping of str to object
        Value by column; None is unknown.
    where : str
        For sentences: ``posts.csv: row 12``.
    stamp : datetime.datetime or None
        Up to when its file speaks: of two rows of one key, the one with the later stamp is the newer.
    """

    values: Mapping[str, Any]
    where: str
    stamp: dt.datetime | None = None


def refuse(problems: Sequence[str]) -> None:
    """Raise all problems together; of very many that are alike, the first ones and the number of the rest.

    Raises
    ------
    InputError
        Where there is a problem.
    """
    if not problems:
        return
    problems = _without_repetition(problems)
    shown = list(problems[:_SHOWN_PROBLEMS])
    if len(problems) > len(shown):
        shown.append(f"… and {len(problems) - len(shown)} more problems of this kind")
    raise InputError(shown)


def _without_repetition(problems: Sequence[str]) -> list[str]:
    """Of sentences that differ in numbers and quoted values alone, the first three and a count."""
    shapes = [_VALUE.sub("#", problem) for problem in problems]
    counts = Counter(shapes)
    seen: Counter[str] = Counter()
    shown: list[str] = []
    for problem, shape in zip(problems, shapes, strict=True):
        seen[shape] += 1
        if counts[shape] <= _ALIKE + 1 or seen[shape] <= _ALIKE:
            shown.append(problem)
        elif seen[shape] == counts[shape]:
            shown.append(f"… and {counts[shape] - _ALIKE} more like this one, the last: {problem}")
    return shown


def collect(build: Callable[[Item], Built], items: Iterable[Item]) -> list[Built]:
    """Build a value from every item; all problems are raised together.

    Raises
    ------
    InputError
        Where an item could not be read.
    """
    built: list[Built] = []
    problems: list[str] = []
    for item in items:
        try:
            built.append(build(item))
        except InputError as fault:
            problems.extend(fault.problems)
    refuse(problems)
    return built


def newest(table: str, rows: Sequence[Row]) -> tuple[list[Row], int]:
    """Keep the latest row of each key; returns the rows and how many were dropped.

    Of rows whose files are equally late the larger figures count, whatever the order in which they are given.

    Examples
    --------
    >>> rows = [Row({"post_id": "1", "likes": likes}, "result.json: message 1") for likes in (7, 5)]
    >>> kept, dropped = newest("posts", rows)
    >>> kept[0].values["likes"], dropped
    (7, 1)
    """
    kept: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        identity = tuple(row.values.get(name) for name in ALL_TABLES[table].key)
        other = kept.setdefault(identity, row)
        if _age(row) > _age(other):
            kept[identity] = row
    return list(kept.values()), len(rows) - len(kept)


def _age(row: Row) -> tuple[float, float, str]:
    figures = [value for value in row.values.values() if isinstance(value, int | float)]
    return row.stamp.timestamp() if row.stamp else 0.0, sum(figures), str(sorted(row.values.items(), key=str))


def frame(table: str, rows: Iterable[Row], columns: Iterable[str]) -> pd.DataFrame:
    """A typed frame with the given columns, in the order of the canonical table.

    Raises
    ------
    InputError
        Where a value cannot be stored.

    Examples
    --------
    >>> posts = frame("posts", [Row({"post_id": "1", "likes": None}, "a.csv: row 2")], ["likes", "post_id"])
    >>> [(name, str(dtype)) for name, dtype in posts.dtypes.items()]
    [('post_id', 'str'), ('likes', 'Int64')]
    """
    rows, names = list(rows), set(columns)
    chosen = [column for column in ALL_TABLES[table].columns if column.name in names]
    refuse(
        [
            f"{row.where}: {column.name} is {row.values[column.name]!r:.40}, which cannot be stored"
            for column in chosen
            for row in rows
            if not _storable(row.values.get(column.name))
        ]
    )
    return pd.DataFrame(
        {
            column.name: pd.Series([row.values.get(column.name) for row in rows], dtype=DTYPES[column.type])
            for column in chosen
        }
    )


def has_lone_surrogate(text: str) -> bool:
    """Whether a text holds a lone surrogate, which JSON can write and no file can store."""
    return _HALF_CHARACTER.search(text) is not None


def _storable(value: Any) -> bool:
    """Whether a file can hold the value: no lone surrogates, no whole numbers beyond 64 bits."""
    if isinstance(value, str):
        return not has_lone_surrogate(value)
    return not isinstance(value, int) or abs(value) < 2**63


def instant(seconds: int, where: str) -> dt.datetime:
    """The UTC time of Unix seconds.

    Raises
    ------
    InputError
        Where they are outside the calendar.
    """
    try:
        return dt.datetime.fromtimestamp(seconds, dt.UTC)
    except (OverflowError, ValueError, OSError):
        raise InputError(f"{where}: {seconds} are no Unix seconds of a date") from None


def check_fetched(rows: Iterable[Row], stats_at: dt.datetime | None) -> None:
    """Refuse posts that were published after the moment at which their figures are said to be fetched.

    Raises
    ------
    InputError
        Naming the posts.
    """
    published = [(row.where, row.values["published_at"]) for row in rows]
    refuse(
        [
            f"{where}: published at {at.isoformat()}, after --fetched-at {stats_at.isoformat()}"
            for where, at in published
            if stats_at is not None and at > stats_at
        ]
    )


def counted(count: int, noun: str, plural: str = "") -> str:
    """A number with its noun.

    Examples
    --------
    >>> counted(1, "post"), counted(2, "post"), counted(3, "reply", "replies")
    ('1 post', '2 posts', '3 replies')
    """
    return f"{count} {noun if count == 1 else plural or noun + 's'}"
