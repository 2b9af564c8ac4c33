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
from kpi_kit.core.phrases import Phrase
from kpi_kit.data.merge import ACCOUNT_STATS
from kpi_kit.sources.count_back import before_gap, count_back, no_members
from kpi_kit.sources.file_head import Head
from kpi_kit.sources.interface import NO_MATCH, Imported, ImportOptions, Match
from kpi_kit.sources.json_files import bad_value, read_json
from kpi_kit.sources.rows import FIGURE_COLUMNS, Place, Row, collect, figure_row, instant

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
        return Match(0.97, Phrase("sources.by_graph"))
    if head.below("followers_graph", "growth_graph") or head.below("followers_graph", "interactions_graph"):
        return Match(0.98, Phrase("sources.by_graphs"))
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
    where = ", ".join(map(str, paths))  # the graphs of several files make one table
    latest = max((day for line in lines.values() for day in line), default=None)
    stamp = None if latest is None else dt.datetime.combine(latest + _DAY, dt.time(), dt.UTC)
    figures = [
        figure_row((day, day + _DAY), account, (name, value), Place("object", where, day), stamp)
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
                Place("object", where, day),
                stamp,
            )
            for day, count in sorted(members.items())
        ]
        tables["audience"] = audience, ("date", "account_id", "subscribers", "joined", "left")
    named = [
        Phrase("sources.line_of_graph", name=name, count=len(line)) for name, line in sorted(lines.items())
    ]
    remarks.insert(0, Phrase("sources.graph_rows", count=len(figures), items=named))
    return Imported.of_rows(tables, {}, remarks, "telegram")


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
        remarks.append(no_members("subscribers", days[-1], "growth_graph"))
        return {}
    counts = count_back({day: (joined[day], left[day]) for day in days}, options.subscribers_at_end)
    if left_out := set(days) - counts.keys():
        remarks.append(before_gap("subscribers", left_out))
    return counts


# --- graphs


def _lines_of(path: Path) -> list[_Line]:
    record = read_json(path, "telegram_graph")
    lines: list[_Line] = []
    for name, graph in _graphs(record, path):
        where = Phrase("sources.graph_of", file=path, name=name) if name else str(path)
        lines += _lines(graph, _GRAPHS.get(name, ()), where)
    if not lines:
        raise _expected(path, Phrase("sources.graph_unreadable"))
    return lines


def _expected(where: object, tail: str = "") -> InputError:
    return InputError(Phrase("sources.graph_expected", file=where, tail=tail))


def _graphs(record: Any, path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The graphs of a file: one, or those of an answer by their names; each perhaps in ``json.data``."""
    if not isinstance(record, dict):
        raise _expected(path, Phrase("sources.graph_found", found=record))
    if "columns" in record:
        yield "", record
        return
    for name, value in record.items():
        if not name.endswith("graph") or not isinstance(value, dict) or name not in _GRAPHS:
            continue
        if "token" in value:
            raise InputError(Phrase("sources.graph_to_load", file=path, name=name))
        inner = value.get("json", value)
        inner = inner.get("data", inner) if isinstance(inner, dict) else inner
        if isinstance(inner, str):
            try:
                inner = json.loads(inner)
            except ValueError as fault:
                place = Phrase("sources.graph_of", file=path, name=name)
                raise InputError(Phrase("sources.json_fault", file=place, reason=str(fault)[:80])) from None
        if isinstance(inner, dict) and "columns" in inner:
            yield name, inner


def _lines(graph: Mapping[str, Any], order: Sequence[str], where: str) -> Iterator[_Line]:
    columns, types, names = (graph.get(key) for key in ("columns", "types", "names"))
    if not isinstance(columns, list) or not isinstance(types, dict) or not isinstance(names, dict):
        raise _expected(where)
    by_name = {
        column[0]: column[1:]
        for column in columns
        if isinstance(column, list) and column and isinstance(column[0], str)
    }
    axis = next((name for name, kind in types.items() if kind == "x"), "x")
    moments = by_name.pop(axis, None)
    if moments is None or len(by_name) + 1 != len(columns):
        raise InputError(Phrase("sources.graph_axis", file=where, axis=axis))
    days = [_day(moment, Place("object", where, "x")) for moment in moments]
    if len(set(days)) < len(days):
        raise InputError(Phrase("sources.graph_hours", file=where))
    for place, (column, values) in enumerate(by_name.items()):
        name = order[place] if place < len(order) else _meaning(str(names.get(column, column)))
        if len(values) > len(days):
            counts = {"values": len(values), "days": len(days)}
            raise InputError(Phrase("sources.graph_values", file=where, column=column, **counts))
        # columns may be of unequal length: what is missing at the end is unknown
        yield _Line(
            name,
            {
                day: _count(value, Place("object", where, column))
                for day, value in zip(days, values, strict=False)
                if value is not None
            },
        )


def _day(moment: Any, where: Place) -> dt.date:
    if isinstance(moment, bool) or not isinstance(moment, int | Decimal | float) or moment != int(moment):
        raise bad_value(where, "x", moment, "milliseconds")
    return instant(int(moment) // 1000, where).date()


def _count(value: Any, where: Place) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise bad_value(where, Phrase("sources.a_value_named"), value, "count")
    return value


def _meaning(name: str) -> str:
    plain = name.strip().casefold()
    return next(
        (meaning for meaning, words in _WORDS.items() if plain in words), "_".join(plain.split()) or "unnamed"
    )
