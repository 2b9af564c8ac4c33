"""The table of a period that is not over: its KPIs against the same days of earlier periods."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, TypeAlias

from markupsafe import Markup, escape

from kpi_kit.core.periods import Period
from kpi_kit.report.parts.entries import names, plain
from kpi_kit.report.parts.markup import Column, block, join, paragraph, table, tag
from kpi_kit.report.wording import Words, form
from kpi_kit.report.wording.rows import digits_of, printed, significant, written
from kpi_kit.scorecard.entry_record import EntryRecord, SameDays
from kpi_kit.scorecard.record import Scorecard

Days: TypeAlias = tuple[str, ...]
"""The first day and the day after the last one."""
Side = Literal["previous", "year_ago"]
_SIDES: tuple[Side, ...] = ("previous", "year_ago")


def same_days(card: Scorecard, words: Words) -> Markup | None:
    """Tabulate each KPI so far and on the same days before, a table for each span of days.

    None where nothing can be compared.
    """
    plains = [plain(record) for record in card["kpis"]]
    records = dict(zip(names({**card, "kpis": plains}, words), plains, strict=True))
    spans: dict[Days, dict[str, EntryRecord]] = {}
    for name, record in records.items():
        for days in {tuple(one["days"]) for _, one in _sides(record)}:
            spans.setdefault(days, {})[name] = record
    if not spans:
        return None
    longest = sorted(spans.items(), key=lambda pair: pair[0][1], reverse=True)
    tables = [_table(card, number, *pair, words) for number, pair in enumerate(longest, 1)]
    legend = paragraph(words.text("same_days.legend"), "k-legend")
    return join([block("subheading", words.text("same_days.heading")), *tables, legend])


def _table(
    card: Scorecard, number: int, days: Days, found: Mapping[str, EntryRecord], words: Words
) -> Markup:
    period = Period.parse(card["period"])
    earlier = {"previous": period.previous, "year_ago": period.year_ago}
    columns = [Column("kpi", words.text("row.kpi")), Column("so_far", words.span(*days), numeric=True)]
    of_days = [_of(record, days) for record in found.values()]
    for side in _SIDES:
        spans = {tuple(one[side]["earlier_days"]) for one in of_days if side in one}
        if spans:
            since, until = min(spans)
            year = "" if since[:4] == days[0][:4] else f" {since[:4]}"
            versus = f"{words.text('row.difference')} {words.versus(str(earlier[side]))}"
            columns.append(Column(side, words.span(since, until) + year, numeric=True))
            named = versus if year.strip() in versus else versus + year
            columns.append(Column(f"{side}_difference", named, numeric=True))
    rows = [row for name, record in found.items() for row in _rows(name, record, days, words)]
    return table(
        f"same-days-{number}", columns, rows, f"{words.text('same_days.heading')}: {words.span(*days)}"
    )


def _sides(record: EntryRecord) -> Iterator[tuple[Side, SameDays]]:
    compared = record.get("to_date")
    for side in _SIDES:
        if compared and (days := compared[side]):
            yield side, days


def _of(record: EntryRecord, days: Days) -> dict[Side, SameDays]:
    """The comparisons of an entry over some days."""
    return {side: one for side, one in _sides(record) if tuple(one["days"]) == days}


def _rows(name: str, record: EntryRecord, days: Days, words: Words) -> Iterator[dict[str, str]]:
    """The row of an entry, or one a comparison where their values are not the same."""
    groups: dict[tuple[float, tuple[str, ...]], dict[Side, SameDays]] = {}
    for side, one in _of(record, days).items():
        groups.setdefault((one["value"], tuple(one["left_out"])), {})[side] = one
    for (_, left_out), sides in groups.items():
        note = words.text("same_days.comparable") if left_out else None
        yield {"kpi": block("with_smaller", name, [note]), **_cells(record, sides, words)}


def _cells(record: EntryRecord, sides: Mapping[Side, SameDays], words: Words) -> dict[str, str]:
    how = form(record)
    value = next(iter(sides.values()))["value"]
    digits = digits_of((value, *(one["before"] for one in sides.values())), how, 0, words)
    shown = printed(value, how, digits, words)
    cells: dict[str, str] = {"so_far": shown.text}
    for side in _SIDES:
        if side not in sides:
            cells |= {side: "—", f"{side}_difference": "—"}
            continue
        before = printed(sides[side]["before"], how, digits, words)
        difference = shown.number - before.number
        text = written(difference, how._replace(difference=True, signed=True), digits, words)
        effect = significant(sides[side]["change"], record, difference)
        mark = "" if effect is None else tag("b", words.text("row.significant"), class_=_CLASSES[effect])
        cells |= {side: before.text, f"{side}_difference": escape(text) + (" " if mark else "") + mark}
    return cells


_CLASSES = {"worse": "k-significant k-is-bad", "better": "k-significant k-is-good"}
