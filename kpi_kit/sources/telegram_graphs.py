"""Telegram: graphs of channel statistics (StatsGraph JSON) -> audience and figures of the channel."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from kpi_kit.core.errors import InputError
from kpi_kit.data.merge import ACCOUNT_STATS
from kpi_kit.sources.count_back import count_back
from kpi_kit.sources.file_head import Head
from kpi_kit.sources.interface import NO_MATCH, Imported, ImportOptions, Match
from kpi_kit.sources.json_files import read_json
from kpi_kit.sources.rows import FIGURE_COLUMNS, Row, collect, counted, instant

FILLS: Mapping[str, str] = {
    "audience": "date subscribers joined left",
    "account_stats": "joined left views shares …",
}
UNKNOWN = "the number of subscribers, unless growth_graph is among the graphs or --subscribers is given"
TESTED = "real file"

_DAY = dt.timedelta(days=1)
_WORDS = {
    "joined": ("joined", "подписались", "вступили", "новые подписчики"),
    "left": ("left", "отписались", "покинули", "вышли"),
    "subscribers": (
        "total followers",
        "followers",
        "subscribers",
        "всего подписчиков",
        "подписчики",
        "total subscribers",
    ),
    "views": ("views", "просмотры"),
    "shares": ("shares", "репосты", "поделились"),
    "muted": ("muted", "без звука", "выключили уведомления"),
    "unmuted": ("unmuted", "включили уведомления"),
}
_GRAPHS = {
    "growth_graph": ("subscribers",),
    "followers_graph": ("joined", "left"),
    "interactions_graph": ("views", "shares"),
    "mute_graph": ("muted", "unmuted"),
}


@dataclass(frozen=True)
class _Line:
    """One line of a graph: values by day."""

    name: str
    values: Mapping[dt.date, int]


def sniff(head: Head) -> Match:
    """By columns, types and names of a graph, alone or among the statistics of a channel."""
    if {"columns", "types", "names"} <= head.keys and head.values.get("columns.item.item") == "x":
        return Match(0.97, "columns, types and names, as a graph of Telegram's statistics has them")
    if head.below("followers_graph", "growth_graph") or head.below("followers_graph", "interactions_graph"):
        return Match(0.98, "followers_graph among the statistics of a channel")
    return NO_MATCH


def read(paths: Sequence[Path], options: ImportOptions) -> Imported:
    """Read graphs of Telegram's channel statistics.

    Parameters
    ----------
    paths : sequence of pathlib.Path
        A graph each (``StatsGraph.json.data``), or the whole answer of ``stats.getBroadcastStats``.
    options : ImportOptions
        ``account`` is required; ``subscribers_at_end`` lets joined and left fill the audience.

    Raises
    ------
    InputError
        Where a graph cannot be read.
    """
    account = options.named_account()
    remarks: list[str] = []
    lines: dict[str, dict[dt.date, int]] = {}
    for line in (line for lines_of_file in collect(_lines_of, paths) for line in lines_of_file):
        values = lines.setdefault(line.name, {})
        for day, value in line.values.items():
            values[day] = (
                max(value, values.get(day, value))
                if line.name == "subscribers"
                else max(value, values.get(day, 0))
            )
    where = ", ".join(map(str, paths))
    latest = max((day for line in lines.values() for day in line), default=None)
    stamp = None if latest is None else dt.datetime.combine(latest + _DAY, dt.time(), dt.UTC)
    figures = [
        Row(_figure(day, account, name, value), f"{where}: {day}", stamp)
        for name, line in lines.items()
        for day, value in sorted(line.items())
    ]
    tables: dict[str, tuple[Sequence[Row], Sequence[str]]] = {ACCOUNT_STATS: (figures, FIGURE_COLUMNS)}
    members = _members(lines, options, remarks)
    if members:
        audience = [
            Row(
                {
                    "date": day,
                    "account_id": account,
                    "subscribers": count,
                    "joined": lines.get("joined", {}).get(day),
                    "left": lines.get("left", {}).get(day),
                },
                f"{where}: {day}",
                stamp,
            )
            for day, count in sorted(members.items())
        ]
        tables["audience"] = audience, ("date", "account_id", "subscribers", "joined", "left")
    named = ", ".join(f"{name} ({counted(len(line), 'day')})" for name, line in sorted(lines.items()))
    remarks.insert(0, f"account_stats: {counted(len(figures), 'row')}: {named}")
    return Imported.of_rows(tables, {}, remarks, "telegram")


def _figure(day: dt.date, account: str, name: str, value: int) -> dict[str, Any]:
    span = {"since": day, "until": day + _DAY}
    return {**span, "account_id": account, "measure": name, "item": "all", "value": float(value)}


def _members(
    lines: Mapping[str, Mapping[dt.date, int]], options: ImportOptions, remarks: list[str]
) -> dict[dt.date, int]:
    """Subscribers by day: as the growth graph tells, or reckoned back from the last day."""
    if "subscribers" in lines:
        return dict(lines["subscribers"])
    joined, left = lines.get("joined", {}), lines.get("left", {})
    days = sorted(set(joined) & set(left))
    if not days:
        return {}
    if options.subscribers_at_end is None:
        remarks.append(
            "audience: no rows, as joined and left do not tell the subscribers; give "
            "--subscribers N, those at the end of "
            f"{days[-1]}, or add growth_graph"
        )
        return {}
    counts = count_back({day: (joined[day], left[day]) for day in days}, options.subscribers_at_end)
    if left_out := set(days) - counts.keys():
        remarks.append(
            f"audience: days up to {max(left_out)} left out, as the subscribers before a gap are unknown"
        )
    return counts


# --- graphs


def _lines_of(path: Path) -> list[_Line]:
    record = read_json(path, "a graph of Telegram's statistics")
    lines: list[_Line] = []
    for name, graph in _graphs(record, path):
        lines += _lines(graph, _GRAPHS.get(name, ()), f"{path}{f': {name}' if name else ''}")
    if not lines:
        raise InputError(
            f"{path}: expected a graph with columns, types and names, found none that can be read"
        )
    return lines


def _graphs(record: Any, path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The graphs of a file: one, or those of an answer by their names; each perhaps in ``json.data``."""
    if not isinstance(record, dict):
        raise InputError(f"{path}: expected a graph with columns, types and names, found {record!r:.40}")
    if "columns" in record:
        yield "", record
        return
    for name, value in record.items():
        if not name.endswith("graph") or not isinstance(value, dict) or name not in _GRAPHS:
            continue
        if "token" in value:
            raise InputError(
                f"{path}: {name} is still to be loaded (statsGraphAsync): call stats.loadAsyncGraph first"
            )
        inner = value.get("json", value)
        inner = inner.get("data", inner) if isinstance(inner, dict) else inner
        if isinstance(inner, str):
            try:
                inner = json.loads(inner)
            except ValueError as fault:
                raise InputError(f"{path}: {name}: not valid JSON ({fault!s:.80})") from None
        if isinstance(inner, dict) and "columns" in inner:
            yield name, inner


def _lines(graph: Mapping[str, Any], order: Sequence[str], where: str) -> Iterator[_Line]:
    columns, types, names = (graph.get(key) for key in ("columns", "types", "names"))
    if not isinstance(columns, list) or not isinstance(types, dict) or not isinstance(names, dict):
        raise InputError(f"{where}: expected a graph with columns, types and names")
    by_name = {
        column[0]: column[1:]
        for column in columns
        if isinstance(column, list) and column and isinstance(column[0], str)
    }
    axis = next((name for name, kind in types.items() if kind == "x"), "x")
    moments = by_name.pop(axis, None)
    if moments is None or len(by_name) + 1 != len(columns):
        raise InputError(f"{where}: the graph has no column {axis!r} of times, or one without a name")
    days = [_day(moment, where) for moment in moments]
    if len(set(days)) < len(days):
        raise InputError(f"{where}: a day stands twice; graphs by day are needed, found one by hour")
    for place, (column, values) in enumerate(by_name.items()):
        name = order[place] if place < len(order) else _meaning(str(names.get(column, column)))
        if len(values) > len(days):
            raise InputError(f"{where}: {column} has {len(values)} values for {len(days)} days")
        # columns may be of unequal length: what is missing at the end is unknown
        yield _Line(
            name,
            {
                day: _count(value, where)
                for day, value in zip(days, values, strict=False)
                if value is not None
            },
        )


def _day(moment: Any, where: str) -> dt.date:
    if isinstance(moment, bool) or not isinstance(moment, int | Decimal | float) or moment != int(moment):
        raise InputError(f"{where}: x is {moment!r:.40}, expected milliseconds")
    return instant(int(moment) // 1000, where).date()


def _count(value: Any, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InputError(f"{where}: a value is {value!r:.40}, expected a whole number of 0 or more")
    return value


def _meaning(name: str) -> str:
    plain = name.strip().casefold()
    return next(
        (meaning for meaning, words in _WORDS.items() if plain in words), "_".join(plain.split()) or "unnamed"
    )
