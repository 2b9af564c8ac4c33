"""Exports that no real file has confirmed: mapping files with synonyms, which the user confirms.

A mapping in the user's own folder (``<params>/mappings``) is confirmed; one that comes with the kit is shown
by ``--dry-run`` and used, and kept in that folder, with ``--yes``.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from kpi_kit.core.errors import InputError
from kpi_kit.core.phrases import Phrase
from kpi_kit.core.schema import PLATFORMS, TABLES, Column
from kpi_kit.sources.cell_values import Style
from kpi_kit.sources.column_mapping import unknown_columns
from kpi_kit.sources.file_head import Head, head_of
from kpi_kit.sources.interface import NO_MATCH, Imported, ImportOptions, Match
from kpi_kit.sources.layouts import Field, Layout, LocatedTable, locate_tables
from kpi_kit.sources.read_tables import read_layouts
from kpi_kit.sources.rows import in_quotes
from kpi_kit.sources.text_files import normal
from kpi_kit.sources.yaml_problems import read_keys, wrong_name, wrong_value

FILLS: Mapping[str, str] = {
    "as the mapping says": "VK statistics, Dzen, LiveDune, Popsters, SMMplanner, Webmaster, OK"
}
UNKNOWN = "whether the titles are those of a real file: none was seen"
TESTED = "no real file: look at --dry-run"

SHIPPED = Path(__file__).parent / "mappings"
_KEYS = ("title", "table", "platform", "marks", "columns", "dates")
_LEAST = 0.62


@dataclass(frozen=True)
class GuessedMapping:
    """A mapping with synonyms.

    Parameters
    ----------
    file : pathlib.Path
    layout : Layout
    confirmed : bool
        Whether it is the user's own.
    """

    file: Path
    layout: Layout
    confirmed: bool
    synonyms: Mapping[str, Sequence[str]] = field(default_factory=dict)


def mappings(own: Path | None) -> list[GuessedMapping]:
    """The user's mappings, then those of the kit with other names.

    Raises
    ------
    InputError
        Naming everything that is wrong in a file.
    """
    own_files = sorted(own.glob("*.yml")) if own is not None and own.is_dir() else []
    names = {file.name for file in own_files}
    return [_read(file, True) for file in own_files] + [
        mapping for mapping in _shipped() if mapping.file.name not in names
    ]


@cache
def _shipped() -> tuple[GuessedMapping, ...]:
    """The mappings of the kit, read once."""
    return tuple(_read(file, False) for file in sorted(SHIPPED.glob("*.yml")))


def _read(file: Path, confirmed: bool) -> GuessedMapping:
    record, problems = read_keys(file, _KEYS)
    problems += _problems(record, file)
    if problems:
        raise InputError(problems)
    table = TABLES[record["table"]]
    synonyms = {name: _listed(titles) for name, titles in record["columns"].items()}
    required = {name for name in table.required if not table[name].nullable}
    fields = tuple(
        Field(
            table[name] if name in required else _may_be_empty(table[name]), titles, needed=name in required
        )
        for name, titles in synonyms.items()
    )
    layout = Layout(
        Phrase("sources.layout_of_user", title=str(record.get("title", file.stem))),
        table.name,
        fields,
        Style(order=record.get("dates")),
        marks=_listed(record.get("marks", ())),
        platform=record.get("platform"),
    )
    return GuessedMapping(file, layout, confirmed, synonyms)


def _may_be_empty(column: Column) -> Column:
    return Column(column.name, column.type, True, column.required, column.allowed)


def _listed(titles: Any) -> tuple[str, ...]:
    return tuple(map(str, titles)) if isinstance(titles, list | tuple) else (str(titles),)


def _problems(record: Mapping[Any, Any], file: Path) -> Iterator[Phrase]:
    table = record.get("table")
    if not isinstance(table, str) or table not in TABLES or table == "coverage":
        yield wrong_value(file, "table", "table", table)
        return
    columns = record.get("columns")
    if not isinstance(columns, Mapping) or not columns:
        yield Phrase("sources.columns_missing", file=file)
        return
    yield from unknown_columns(file, "columns", columns, TABLES[table])
    if record.get("platform") not in (None, *PLATFORMS):
        yield wrong_name(file, "platform", record["platform"], PLATFORMS)
    if record.get("dates") not in (None, "mdy", "dmy"):
        yield wrong_value(file, "dates", "order", record["dates"])


def sniff(head: Head) -> Match:
    """Match the mappings that come with the kit."""
    best = best_of(head, mappings(None))
    return NO_MATCH if best is None else Match(min(best[1].score, 0.8), best[1].reason)


def best_of(head: Head, guesses: Sequence[GuessedMapping]) -> tuple[GuessedMapping, LocatedTable] | None:
    """The mapping that knows most of a file's columns; None where none knows enough."""
    pairs = [(mapping, tables[0]) for mapping in guesses if (tables := locate_tables(head, [mapping.layout]))]
    pairs = [pair for pair in pairs if pair[1].score >= _LEAST]
    pairs.sort(key=lambda pair: (-pair[1].score, not pair[0].confirmed))
    if len(pairs) > 1 and pairs[0][1].score - pairs[1][1].score < 0.02 and not pairs[0][0].confirmed:
        one, other = (pair[0].file.stem for pair in pairs[:2])
        names = Phrase("sources.names_and", one=one, other=other)
        raise InputError(Phrase("sources.mappings_alike", file=head.path, names=names))
    return pairs[0] if pairs else None


def shown(mapping: GuessedMapping, table: LocatedTable) -> list[Phrase]:
    """Lines that show which column is read as which."""
    fields = {"mapping": mapping.file.name, "table": mapping.layout.table}
    lines = [Phrase("sources.mapping_shown", file=table.raw.label, **fields)]
    for name, titles in mapping.synonyms.items():
        wanted = set(map(normal, titles))
        theirs = in_quotes(" ".join(cell.split()) for cell in table.header if normal(cell) in wanted)
        unknown = Phrase("sources.column_unknown")
        lines.append(Phrase("sources.column_shown", name=name, titles=theirs or unknown))
    return lines


def read(paths: Sequence[Path], options: ImportOptions) -> Imported:
    """Read files by the mapping that knows most of their columns.

    Raises
    ------
    InputError
        Where no mapping fits, or the one that fits was not confirmed; it is shown then.
    """
    guesses = mappings(options.mappings)
    chosen: GuessedMapping | None = None
    remarks: list[str] = []
    for path in paths:
        best = best_of(head_of(path), guesses)
        if best is None:
            raise InputError(Phrase("sources.no_mapping", file=path))
        chosen = best[0]
        remarks += shown(*best)
    if chosen is None:
        raise InputError(Phrase("sources.no_file"))
    if not chosen.confirmed and not options.confirmed and not options.dry_run:
        raise InputError([*remarks, Phrase("sources.guess_unconfirmed")])
    done = read_layouts(paths, options, [chosen.layout], chosen.layout.title)
    if not chosen.confirmed and options.mappings is not None and not options.dry_run:
        options.mappings.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(chosen.file, options.mappings / chosen.file.name)
        remarks.append(Phrase("sources.mapping_kept", file=options.mappings / chosen.file.name))
    return Imported(done.tables, done.coverage, (*done.remarks, *remarks), done.stamp, chosen.layout.platform)
