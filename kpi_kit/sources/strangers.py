"""Name files that are well known and cannot be imported, each with the way out."""

from __future__ import annotations

import re
from collections.abc import Sequence

from kpi_kit.core.errors import InputError
from kpi_kit.core.phrases import Phrase
from kpi_kit.sources.file_head import Head
from kpi_kit.sources.json_files import read_json
from kpi_kit.sources.rows import in_quotes
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
_ANSWERS = {"doc_id": "sources.google_link", "_embedded.leads": "sources.amocrm_answer"}
"""Keys of answers that are well known."""
_LOOKED_AT = 10
_LONGEST = 60


def refuse_strangers(head: Head) -> None:
    """Refuse files that importers might take for theirs.

    Raises
    ------
    InputError
    """
    if head.page and all(mark in head.page for mark in _TELEGRAM_PAGE):
        raise InputError(Phrase("sources.telegram_page", file=head.path))
    for _, _, rows in head.rows():
        for _, cells in rows[:5]:
            titles = {normal(cell).partition(",")[0] for cell in cells}
            if all(titles & words for words in _TARGETS):
                raise InputError(Phrase("sources.table_of_targets", file=head.path))


def unknown(head: Head, nearest: str, kinds: int) -> Phrase:
    """The sentence on a file that no importer knows: what it seems to be, or what was seen in it."""
    fields: dict[str, object] = {"file": head.path, "kinds": kinds}
    if head.keys:
        return _unknown_answer(head, kinds)
    tables = [(rows[:_LOOKED_AT], delimiter, raw.encoding) for raw, delimiter, rows in head.rows() if rows]
    rows, delimiter, encoding = max(tables, key=lambda table: len(_widest(table[0])), default=([], "", ""))
    cells = _widest(rows)
    if code := _stranger(head, rows, cells):
        return Phrase(code, file=head.path)
    if written := _written_in(cells, encoding):
        return Phrase("sources.broken_letters", file=head.path, written=written)
    fields["names"] = in_quotes(" ".join(cell.split())[:_LONGEST] for cell in cells[:6])
    if len(cells) == 1:
        return Phrase("sources.one_column", **fields)
    fields |= {"delimiter": delimiter, "encoding": encoding}
    by = "sources.first_row_of_sheet" if encoding == "sheet" else "sources.first_row"
    fields["seen"] = Phrase(by, **fields) if cells else ""
    if any(normal(cell).startswith(_SPENT) for cell in cells):
        return Phrase("sources.advertising", **fields)
    return Phrase("sources.not_recognised", **{**fields, "seen": nearest or fields["seen"]})


def _widest(rows: Sequence[Record]) -> list[str]:
    """The first of the rows with most cells: the header, most likely."""
    return max((cells for _, cells in rows), key=len, default=[])


def _stranger(head: Head, rows: Sequence[Record], cells: Sequence[str]) -> str:
    """The code of the sentence on a table that is well known; empty where it is not."""
    titles = [normal(cell) for cell in cells]
    if head.page.startswith("<?xml"):
        return "sources.xml_file"
    if head.page and len(cells) < 2:
        return "sources.signed_out"
    if any(title.startswith(("ym:pv:", "ym:s:")) for title in titles):
        return "sources.rows_of_logs"
    if any(_OLD_ANALYTICS.match(row[0]) for _, row in rows):
        return "sources.old_analytics"
    below = next((row for number, row in rows if row is not cells), [])
    gaps = [place for place, title in enumerate(titles) if not title]
    if gaps and all(place < len(below) and below[place].strip(" 0123456789.,%-") for place in gaps):
        return "sources.merged_header"
    return ""


def _unknown_answer(head: Head, kinds: int) -> Phrase:
    """The sentence on JSON: the error of a service, or the keys of an object."""
    if any(key.partition(".")[0] in ("error", "errors") for key in head.keys):
        message = next((head.values[key] for key in _MESSAGES if isinstance(head.values.get(key), str)), "")
        return Phrase("sources.service_error", file=head.path, message=message)
    if code := next((code for key, code in _ANSWERS.items() if key in head.keys), ""):
        return Phrase(code, file=head.path)
    try:
        read_json(head.path, "export")
    except InputError as fault:
        return Phrase("sources.cut_json", problem=fault.problems[0], kinds=kinds)
    by_depth = sorted(head.keys, key=lambda key: (key.count("."), key))
    keys = dict.fromkeys(key.rpartition(".")[2] for key in by_depth)
    shown = ", ".join(key for key in keys if key != "item")
    return Phrase("sources.unknown_json", file=head.path, kinds=kinds, keys=shown)


def _written_in(cells: Sequence[str], encoding: str) -> str:
    """The encoding that a text has in truth, where another one makes words of its header."""
    text = " ".join(cells)
    if set(text) in ({"?"}, {"?", " "}):
        return Phrase("sources.letters_lost")
    if encoding not in ("cp1251", "utf-8", "utf-8-sig") or any(stem in normal(text) for stem in _STEMS):
        return ""
    for other in _REDECODED:
        try:
            plain = text.encode("cp1251").decode(other)
        except UnicodeError:
            continue
        if any(stem in normal(plain) for stem in _STEMS):
            code = "sources.letters_twice" if other == "utf-8" else "sources.letters_in"
            return Phrase(code, encoding=other)
    return ""
