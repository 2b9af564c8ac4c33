"""Collect rows of canonical tables: in memory, or in files where they are many."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from kpi_kit.core.phrases import Phrase
from kpi_kit.core.post_ids import post_number
from kpi_kit.core.schema import Table, Type
from kpi_kit.data.merge import ALL_TABLES, Staged
from kpi_kit.data.table_source import connect, literal, quoted
from kpi_kit.sources.rows import DTYPES, Place, refuse, table_name

_IN_MEMORY = 40_000


@dataclass
class _Pile:
    """The rows of one table."""

    table: Table
    repeated: str
    frames: list[pd.DataFrame] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    waiting: int = 0
    rows: int = 0
    sources: list[str] = field(default_factory=list)


class RowBatches:
    """Rows of several tables, added batch by batch.

    Parameters
    ----------
    scratch : pathlib.Path or None
        Where rows go that are too many for memory.
    service : str
        What the rows come from: a name, or a key of the locale after ``service_``.
    """

    def __init__(self, scratch: Path | None, service: str) -> None:
        self._scratch = scratch
        self._service = service_name(service)
        self._piles: dict[str, _Pile] = {}
        self.stamps: dict[str, tuple[dt.datetime | None, ...]] = {}

    def add(
        self,
        table: str,
        columns: dict[str, list[Any]],
        rows: Sequence[int],
        source: str,
        repeated: str = "refuse",
        stamp: dt.datetime | None = None,
    ) -> None:
        """Add a batch.

        Parameters
        ----------
        table : str
        columns : dict of str to list
            Those that the table does not have are not looked at.
        rows : sequence of int
            Where each row stands in its source.
        source : str
        repeated : {"refuse", "first", "newest"}
            What becomes of rows of one key that differ.
        stamp : datetime.datetime or None
            Up to when the source speaks, for ``newest``.
        """
        pile = self._piles.setdefault(table, _Pile(ALL_TABLES[table], repeated))
        if source not in pile.sources:
            pile.sources.append(source)
        frame = typed(pile.table, columns)
        frame["_row"] = list(rows)
        frame["_source"] = pile.sources.index(source)
        frame["_stamp"] = stamp.timestamp() if stamp is not None else 0.0
        pile.frames.append(frame)
        pile.rows += len(frame)
        pile.waiting += len(frame)
        if self._scratch is not None and pile.waiting > _IN_MEMORY:
            self._spill(pile, self._scratch)

    def _spill(self, pile: _Pile, scratch: Path) -> None:
        file = scratch / f"{pile.table.name}-{len(pile.files)}.parquet"
        batch = pd.concat(pile.frames, ignore_index=True)
        with connect("UTC") as connection:
            connection.register("batch", batch)
            connection.execute(f"COPY (SELECT * FROM batch) TO {literal(str(file))} (FORMAT parquet)")
        pile.files.append(file)
        pile.frames, pile.waiting = [], 0

    def newest(self) -> dt.datetime | None:
        """The last moment in the rows: the export cannot be older."""
        moments = [moment for pile in self._piles.values() for moment in _moments(pile)]
        return max(moments, default=None)

    def finish(self) -> tuple[list[str], dict[str, pd.DataFrame | Staged]]:
        """Remarks and tables. Identical rows are dropped; rows that differ but share a key are refused.

        Raises
        ------
        InputError
            Naming rows of one key that differ.
        """
        tables: dict[str, pd.DataFrame | Staged] = {}
        remarks: list[str] = []
        problems: list[str] = []
        for name, pile in self._piles.items():
            if pile.files and self._scratch is not None:
                if pile.frames:
                    self._spill(pile, self._scratch)
                tables[name] = _staged(pile, self._scratch, problems)
            else:
                tables[name], stamps = _in_memory(pile, problems)
                if pile.repeated == "newest":
                    self.stamps[name] = stamps
            remarks += _remarks(pile, len(tables[name]), self._service)
        refuse(problems)
        return remarks, tables


def service_name(service: str) -> str:
    """The name of a service for people; proper names are those of the trade."""
    return Phrase(f"sources.service_{service}") if service.islower() else service


def typed(table: Table, columns: dict[str, list[Any]]) -> pd.DataFrame:
    """A frame of the canonical columns that are given, in the order of the table.

    Posts have the platform's own number, whatever the export writes.
    """
    if "post_id" in columns and "post_id" in table.names:
        # nearly all are plain numbers, which need no look
        written = columns["post_id"]
        numbers = [text if text is None or text.isalnum() else post_number(text) for text in written]
        columns = {**columns, "post_id": numbers}
    return pd.DataFrame(
        {
            column.name: pd.Series(columns[column.name], dtype=DTYPES[column.type])
            for column in table.columns
            if column.name in columns
        }
    )


def _moments(pile: _Pile) -> list[dt.datetime]:
    names = [
        column.name
        for column in pile.table.columns
        if column.type in (Type.TIME, Type.DATE) and column.name != "due_at"
    ]
    latest: list[dt.datetime] = []
    for frame in pile.frames:
        for name in names:
            if name in frame.columns and frame[name].notna().any():
                moment = frame[name].max().to_pydatetime()
                latest.append(moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment)
    for file in pile.files:
        with connect("UTC") as connection:
            have = {row[0] for row in connection.execute(f"DESCRIBE FROM {literal(str(file))}").fetchall()}
            for name in have & set(names):
                sql = f"SELECT epoch_us(max({quoted(name)})::TIMESTAMPTZ) FROM {literal(str(file))}"
                ((moment,),) = connection.execute(sql).fetchall()
                if moment is not None:
                    latest.append(dt.datetime.fromtimestamp(moment / 1e6, dt.UTC))
    return latest


def _in_memory(pile: _Pile, problems: list[str]) -> tuple[pd.DataFrame, tuple[dt.datetime | None, ...]]:
    frame = pd.concat(pile.frames, ignore_index=True)
    names = [name for name in frame.columns if not name.startswith("_")]
    key = [name for name in pile.table.key if name in names]
    if pile.repeated == "newest":  # of equally late ones the larger figures
        figures = [c.name for c in pile.table.columns if c.type is Type.COUNT and c.name in names]
        order = frame.sort_values(["_stamp", *figures], kind="stable", na_position="first")
        last = ~order.duplicated(key, keep="last").reindex(frame.index)
        frame, kept = frame, frame[last].reset_index(drop=True)
    else:
        kept = frame.drop_duplicates(key if pile.repeated == "first" else names, ignore_index=True)
    twice = kept[kept.duplicated(key, keep=False)] if set(key) <= set(names) else kept.iloc[:0]
    for _, group in twice.groupby(key, sort=False) if len(twice) else ():
        first, *others = group.to_dict("records")
        for other in others:
            differ = [n for n in names if not _same(first[n], other[n])]
            key_shown = [f"{name} {_shown(other[name])}" for name in key if name != pile.table.scope]
            fields = {"where": _place(pile, other), "other": _place(pile, first)}
            problems.append(Phrase("sources.same_key", key=key_shown, columns=differ, **fields))
    _check_order(pile, kept, problems)
    stamps = (dt.datetime.fromtimestamp(seconds, dt.UTC) if seconds else None for seconds in kept["_stamp"])
    return kept[names], tuple(stamps)


def _same(one: Any, other: Any) -> bool:
    return (
        bool(one == other) if not (pd.isna(one) or pd.isna(other)) else bool(pd.isna(one) and pd.isna(other))
    )


def _shown(value: Any) -> str:
    return str(value.date()) if isinstance(value, pd.Timestamp) and value.tzinfo is None else str(value)


def _place(pile: _Pile, record: Mapping[Any, Any]) -> Phrase:
    return Place("row", pile.sources[record["_source"]], record["_row"]).words


def _remarks(pile: _Pile, kept: int, service: str) -> Iterator[Phrase]:
    table = table_name(pile.table.name)
    yield Phrase("sources.rows_from_rows", table=table, count=kept, read=pile.rows, service=service)
    if pile.rows > kept:
        kind = pile.repeated if pile.repeated in ("first", "newest") else "identical"
        yield Phrase(f"sources.rows_dropped_{kind}", table=table, count=pile.rows - kept)


def _check_order(pile: _Pile, frame: pd.DataFrame, problems: list[str]) -> None:
    for first, second in pile.table.ordered:
        if first not in frame or second not in frame:
            continue
        span = second == "until"
        wrong = frame[frame[second] <= frame[first]] if span else frame[frame[second] < frame[first]]
        for row in wrong.to_dict("records"):
            fields = {"first": first, "early": row[first].isoformat()}
            fields |= {"second": second, "late": row[second].isoformat()}
            code = "sources.wrong_span" if span else "sources.wrong_order"
            problems.append(Phrase(code, where=_place(pile, row), **fields))


def _staged(pile: _Pile, scratch: Path, problems: list[str]) -> Staged:
    """Rows in files, each key once, by the same rules as in memory."""
    listed = "[" + ", ".join(literal(str(file)) for file in pile.files) + "]"
    with connect("UTC") as connection:
        connection.execute("SET memory_limit = '500MB'")
        connection.execute(f"SET temp_directory = {literal(str(scratch / 'spill'))}")
        have = connection.execute(f"DESCRIBE SELECT * FROM read_parquet({listed})").fetchall()
        names = [row[0] for row in have if not row[0].startswith("_")]
        key_names = [name for name in pile.table.key if name in names]
        key = ", ".join(map(quoted, key_names))
        columns = ", ".join(map(quoted, names))
        repeated = connection.execute(
            f"SELECT {key}, min(_row), max(_row), count(DISTINCT ({columns})) FROM read_parquet({listed}) "
            f"SEMI JOIN (SELECT {key} FROM read_parquet({listed}) GROUP BY ALL HAVING count(*) > "
            f"1) USING ({key}) "
            f"GROUP BY {key}"
        ).fetchall()
        differing = [row for row in repeated if row[-1] > 1 and pile.repeated == "refuse"]
        for row in differing[:60]:
            pairs = zip(key_names, row, strict=False)
            shown = [f"{name} {value}" for name, value in pairs if name != pile.table.scope]
            where = Place("row", pile.sources[0], row[-2]).words
            problems.append(Phrase("sources.same_key_row", where=where, key=shown, other=row[-3]))
        if not repeated:
            return Staged(tuple(pile.files), tuple(names), pile.rows, pile.repeated == "newest")
        figures = [c.name for c in pile.table.columns if c.type is Type.COUNT and c.name in names]
        latest = ", ".join(f"{quoted(name)} DESC NULLS LAST" for name in ("_stamp", *figures))
        order = latest if pile.repeated == "newest" else "_source, _row"
        file = scratch / f"{pile.table.name}-once.parquet"
        connection.execute(
            f"COPY (SELECT {columns}, _stamp FROM read_parquet({listed}) QUALIFY row_number() OVER "
            f"(PARTITION BY {key} ORDER BY {order}) = 1) TO {literal(str(file))} (FORMAT parquet)"
        )
        ((rows,),) = connection.execute(f"SELECT count(*) FROM read_parquet({literal(str(file))})").fetchall()
    return Staged((file,), tuple(names), rows, pile.repeated == "newest")
