"""Find the cells of an XLSX file that hold an error such as #REF!, which its reader gives as empty."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from kpi_kit.sources.size_limits import column_number, unpack_member

_CELL = re.compile(
    rb"""<(?:\w+:)?c\s(?P<attributes>[^>]*\bt=["']e["'][^>]*)>.{0,2000}?<(?:\w+:)?v>(?P<text>[^<]{1,40})<""",
    re.DOTALL,
)
_PLACE = re.compile(rb"""\br=["']([A-Z]{1,3})([0-9]{1,7})["']""")
_REST = 16 << 10
_MOST = 4 << 20
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"

Place = tuple[int, int]
"""Row, counted from 1, and column, counted from 0."""


def error_cells(path: Path) -> dict[str, dict[Place, str]]:
    """Errors by sheet and place; of other files than XLSX none."""
    if not zipfile.is_zipfile(path):
        return {}
    with zipfile.ZipFile(path) as archive:
        return {name: dict(_errors(archive, part, path)) for name, part in _sheets(archive)}


def _sheets(archive: zipfile.ZipFile) -> Iterator[tuple[str, str]]:
    """Names of sheets with their members of the archive."""
    names = set(archive.namelist())
    if not {"xl/workbook.xml", "xl/_rels/workbook.xml.rels"} <= names:
        return
    links = ET.fromstring(_start(archive, "xl/_rels/workbook.xml.rels"))
    targets = {link.get("Id"): str(link.get("Target")) for link in links}
    for element in ET.fromstring(_start(archive, "xl/workbook.xml")).iter():
        target = targets.get(element.get(_RELATION))
        if element.tag.endswith("}sheet") and target is not None:
            part = target.lstrip("/") if target.startswith("/") else str(PurePosixPath("xl") / target)
            if part in names:
                yield str(element.get("name")), part


def _start(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as stream:
        return stream.read(_MOST)


def _errors(archive: zipfile.ZipFile, part: str, path: Path) -> Iterator[tuple[Place, str]]:
    rest = b""
    for chunk in unpack_member(archive, archive.getinfo(part), path, 0):
        text = rest + chunk
        end = 0
        for match in _CELL.finditer(text):
            end = match.end()
            if place := _PLACE.search(match["attributes"]):
                yield (int(place[2]), column_number(place[1]) - 1), match["text"].decode("utf-8", "replace")
        rest = text[max(end, len(text) - _REST) :]
