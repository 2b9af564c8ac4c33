"""Rows of canonical tables built from items, typed, with all problems raised together."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import pandas as pd

from kpi_kit.core.errors import InputError
from kpi_kit.core.phrases import Phrase
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


class Place(NamedTuple):
    """Where in a file something stands. Every row has one, so that it gets words in sentences alone.

    Parameters
    ----------
    kind : str
        ``row``, ``message``, ``post`` and the like.
    file : object
    number : object
    """

    kind: str
    file: object
    number: object

    @property
    def words(self) -> Phrase:
        """The place in words, such as ``posts.csv: row 12``."""
        return Phrase(f"sources.at_{self.kind}", file=self.file, number=self.number)


@dataclass(frozen=True)
class Row:
    """A row of a canonical table, with its place in the export.

    Parameters
    ----------
    values : mapping of str to object
        Value by column; None is unknown.
    where : Place
    stamp : datetime.datetime or None
        Up to when its file speaks: of two rows of one key, the one with the later stamp is the newer.
    """

    values: Mapping[str, Any]
    where: Place
    stamp: dt.datetime | None = None


def post_columns(stats_at: dt.datetime | None, *more: str) -> tuple[str, ...]:
    """The columns of posts of a platform's API; the time of their figures where it is known."""
    figures = ("views", "likes", "comments", "reposts", "text", *more)
    known = ("stats_at",) if stats_at is not None else ()
    return ("post_id", "account_id", "published_at", *figures, *known)


def figure_row(
    span: tuple[dt.date, dt.date],
    account: str,
    figure: tuple[str, float],
    where: Place,
    stamp: dt.datetime | None,
) -> Row:
    """A row of ``account_stats``: a measure with its value, of all the account has in a span of days."""
    cells = {"since": span[0], "until": span[1], "account_id": account, "item": "all"}
    return Row({**cells, "measure": figure[0], "value": float(figure[1])}, where, stamp)


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
        shown.append(Phrase("sources.more_problems", count=len(problems) - len(shown)))
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
            shown.append(Phrase("sources.more_alike", count=counts[shape] - _ALIKE, problem=problem))
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
    >>> rows = [Row({"post_id": "1", "likes": likes}, Place("message", "x.json", 1)) for likes in (7, 5)]
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
    >>> row = Row({"post_id": "1", "likes": None}, Place("row", "a.csv", 2))
    >>> posts = frame("posts", [row], ["likes", "post_id"])
    >>> [(name, str(dtype)) for name, dtype in posts.dtypes.items()]
    [('post_id', 'str'), ('likes', 'Int64')]
    """
    rows, names = list(rows), set(columns)
    chosen = [column for column in ALL_TABLES[table].columns if column.name in names]
    refuse(
        [
            Phrase(
                "sources.not_storable", where=row.where.words, name=column.name, value=row.values[column.name]
            )
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


def instant(seconds: int, where: Place) -> dt.datetime:
    """The UTC time of Unix seconds.

    Raises
    ------
    InputError
        Where they are outside the calendar.
    """
    try:
        return dt.datetime.fromtimestamp(seconds, dt.UTC)
    except (OverflowError, ValueError, OSError):
        raise InputError(Phrase("sources.no_unix_seconds", where=where.words, seconds=seconds)) from None


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
            Phrase(
                "sources.after_fetched_at", where=where.words, at=at.isoformat(), fetched=stats_at.isoformat()
            )
            for where, at in published
            if stats_at is not None and at > stats_at
        ]
    )


def table_name(table: str) -> Phrase:
    """The name of a table for people."""
    return Phrase(f"sources.table_{table}")


def in_quotes(names: Iterable[str]) -> list[Phrase]:
    """Names as sentences quote them."""
    return [Phrase("sources.quoted", name=name) for name in names]


def shortened(items: Sequence[object], most: int) -> dict[str, Sequence[object] | str]:
    """The first items of a list and how many there are more: fields for ``{items}{more}``."""
    more = Phrase("sources.and_more", count=len(items) - most) if len(items) > most else ""
    return {"items": items[:most], "more": more}


def rows_from_items(table: str, count: int, read: int, service: str, repeated: int = 0) -> Phrase:
    """The remark on how many rows came of how many items of a service."""
    tail = Phrase("sources.repeated_dropped", count=repeated) if repeated else ""
    fields = {"count": count, "read": read, "service": service, "tail": tail}
    return Phrase("sources.rows_from_items", table=table_name(table), **fields)


def repeated_items(table: str, count: int, why: str = "") -> Phrase:
    """The remark on items that stand twice; ``why`` is a key of the locale after ``why_``."""
    reason = Phrase(f"sources.why_{why}") if why else ""
    return Phrase("sources.repeated_items", table=table_name(table), count=count, why=reason)


def joined(phrases: Sequence[Phrase], by: str = "joined") -> Phrase:
    """Parts of a sentence with semicolons between them; ``by``: a key of the locale that joins two."""
    whole = phrases[0]
    for phrase in phrases[1:]:
        whole = Phrase(f"sources.{by}", one=whole, rest=phrase)
    return whole
