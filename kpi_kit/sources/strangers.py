"""Name files that are well known and cannot be imported, each with the way out."""

from __future__ import annotations

import re
from collections.abc import Sequence

from kpi_kit.core.errors import InputError
from kpi_kit.sources.file_head import Head
from kpi_kit.sources.json_files import read_json
from kpi_kit.sources.text_files import Record, normal

_TELEGRAM_PAGE = ("page_wrap", 'class="message', "pull_right date details")
_TARGETS = (
    {"показатель", "kpi", "метрика", "metric"},
    {"план", "цель", "target", "plan"},
    {"факт", "actual", "fact", "выполнение"},
)
_SPENT = (
    *("расход", "потрачено", "израсходовано", "ср. цена", "цена за клик", "amount spent", "spend", "spent"),
    *("cpc", "cpm", "ecpc", "ecpm", "cpa", "avg. cpc", "cost per"),
)
_REDECODED = ("utf-8", "koi8-r", "cp866", "mac_cyrillic")
_STEMS = ("дата", "просмотр", "показ", "охват", "визит", "подписч", "название", "период", "запрос", "ссылка")
_MESSAGES = (
    "error_description",
    "error.error_msg",
    "error.message",
    "errors.item.message",
    "error",
    "message",
)
_OLD_ANALYTICS = re.compile(r"# 20\d{6}-20\d{6}")
_ANSWERS = {
    "doc_id": "a link to a Google sheet, not the sheet: download it as XLSX",
    "_embedded.leads": "an answer of amoCRM's API: export the deals as CSV or XLSX from amoCRM's list",
}
_LOOKED_AT = 10
_LONGEST = 100


def refuse_strangers(head: Head) -> None:
    """Refuse files that importers might take for theirs.

    Raises
    ------
    InputError
    """
    if head.page and all(mark in head.page for mark in _TELEGRAM_PAGE):
        raise InputError(
            f"{head.path}: an HTML export of Telegram Desktop: export the chat anew with the format "
            "machine-readable JSON, and import its result.json"
        )
    for _, _, rows in head.rows():
        for _, cells in rows[:5]:
            titles = {normal(cell).partition(",")[0] for cell in cells}
            if all(titles & words for words in _TARGETS):
                raise InputError(
                    f"{head.path}: a table of targets (План, Факт): targets stand in specialists/*.yml in "
                    "the folder of params, and facts come from exports"
                )


def unknown(head: Head, nearest: str, kinds: int) -> str:
    """The sentence on a file that no importer knows: what it seems to be, or what was seen in it."""
    generic = f"{head.path}: not recognised as any of the {kinds} kinds of docs/import.md"
    if head.keys:
        return _unknown_answer(head, generic)
    tables = [(rows[:_LOOKED_AT], delimiter, raw.encoding) for raw, delimiter, rows in head.rows() if rows]
    rows, delimiter, encoding = max(tables, key=lambda table: len(_widest(table[0])), default=([], "", ""))
    cells = _widest(rows)
    if known := _stranger(head, rows, cells, encoding):
        return f"{head.path}: {known}"
    shown = ", ".join(repr(" ".join(cell.split())) for cell in cells[:8])[:_LONGEST]
    if len(cells) == 1:
        return (
            f"{generic}: only one column was found ({shown}): put ; or , between the columns, or "
            "save it as XLSX"
        )
    by = "" if encoding == "sheet" else f"; delimiter {delimiter!r}, {encoding}"
    seen = f" (its first row: {shown}{by})" if cells else ""
    if any(normal(cell).startswith(_SPENT) for cell in cells):
        return f"{generic}{seen}; it looks like advertising, whose costs no KPI counts: leave it out"
    return f"{generic}{nearest or seen}; a table of your own goes in by import csv with a mapping"


def _widest(rows: Sequence[Record]) -> list[str]:
    """The first of the rows with most cells: the header, most likely."""
    return max((cells for _, cells in rows), key=len, default=[])


def _stranger(head: Head, rows: Sequence[Record], cells: Sequence[str], encoding: str) -> str:
    """What a table is, and the way out; empty where it is nothing well known."""
    titles = [normal(cell) for cell in cells]
    if head.page.startswith("<?xml"):
        return "XML is not read: save it as XLSX or CSV"
    if head.page and len(cells) < 2:
        return "a web page without a table: sign in to the service and export again"
    if written := _written_in(cells, encoding):
        return f"its letters are broken, as they are {written}: save the file anew as UTF-8"
    if any(title.startswith(("ym:pv:", "ym:s:")) for title in titles):
        return "rows of Metrica's Logs API: ask for visits with the fields ym:s:visitID and ym:s:date"
    if any(_OLD_ANALYTICS.match(row[0]) for _, row in rows):
        return "a report of Universal Analytics, which has ended: export the report from Google Analytics 4"
    below = next((row for number, row in rows if row is not cells), [])
    gaps = [place for place, title in enumerate(titles) if not title]
    if gaps and all(place < len(below) and below[place].strip(" 0123456789.,%-") for place in gaps):
        return "its header has two rows of merged cells: write one title above each column"
    return ""


def _unknown_answer(head: Head, generic: str) -> str:
    """The sentence on JSON: the error of a service, or the keys of an object."""
    if any(key.partition(".")[0] in ("error", "errors") for key in head.keys):
        message = next((head.values[key] for key in _MESSAGES if isinstance(head.values.get(key), str)), "")
        return (
            f"{head.path}: the service answered with an error ({message:.{_LONGEST}}): correct the call, "
            "repeat it"
        )
    if known := next((text for key, text in _ANSWERS.items() if key in head.keys), ""):
        return f"{head.path}: {known}"
    try:
        read_json(head.path, "an export")
    except InputError as fault:
        broken = fault.problems[0].removeprefix(f"{head.path}: ")
        return f"{generic}, and {broken}: it may be cut off; fetch it anew"
    keys = dict.fromkeys(
        key.rpartition(".")[2] for key in sorted(head.keys, key=lambda key: (key.count("."), key))
    )
    shown = ", ".join(key for key in keys if key != "item")[:_LONGEST]
    return (
        f"{generic} (JSON with the keys {shown}); export a table, or ask a method that docs/import.md names"
    )


def _written_in(cells: Sequence[str], encoding: str) -> str:
    """The encoding that a text has in truth, where another one makes words of its header."""
    text = " ".join(cells)
    if len(set(text) - set(" ")) == 1 and "?" in text:
        return "lost (only question marks are left)"
    if encoding not in ("cp1251", "utf-8", "utf-8-sig") or any(stem in normal(text) for stem in _STEMS):
        return ""
    for other in _REDECODED:
        try:
            plain = text.encode("cp1251").decode(other)
        except UnicodeError:
            continue
        if any(stem in normal(plain) for stem in _STEMS):
            return "UTF-8 saved twice" if other == "utf-8" else other
    return ""
