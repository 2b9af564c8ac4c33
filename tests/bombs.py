"""Small files that would fill any memory, and a place where little memory and time are allowed.

``python tests/bombs.py FOLDER`` makes each in a folder, tries to read it, and prints what came of it.
"""

from __future__ import annotations

import gc
import json
import resource
import struct
import sys
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

MOST_MEMORY = 500 << 20
MOST_SECONDS = 10.0

_CONTENT = "http://schemas.openxmlformats.org/package/2006/content-types"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{_CONTENT}"><Default Extension="xml" '
    'ContentType="application/xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_RELATIONS}"><Relationship Id="r" '
    f'Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets><sheet name="S" sheetId="1" '
    'r:id="r"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_RELATIONS}"><Relationship Id="r" '
    f'Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
}


def workbook(path: Path, rows: str, declared: str = "", *, shared: bytes = b"") -> None:
    """A spreadsheet with one sheet."""
    sheet = f'{declared}<worksheet xmlns="{_MAIN}"><sheetData>{rows}</sheetData></worksheet>'
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in {**PARTS, "xl/worksheets/sheet1.xml": sheet}.items():
            archive.writestr(name, text)
        if shared:
            archive.writestr("xl/sharedStrings.xml", shared)


def far_cell(path: Path) -> None:
    workbook(
        path, '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>2</v></c></row>'
    )


def far_cell_in_other_words(path: Path) -> None:
    workbook(
        path, "<row r='1048576'><c><v>1</v></c><c  s='1'\n r='XFD1048576'><v>2</v></c></row><row><c/></row>"
    )


def entities(path: Path) -> None:
    levels = "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    rows = '<row><c t="str"><v>&i;</v></c></row>'
    workbook(path, rows, f'<!DOCTYPE x [<!ENTITY a "{"z" * 99}">{levels}]>')


def zeros_in_a_workbook(path: Path) -> None:
    workbook(path, "", shared=b"\0" * (100 << 20))


def zeros_in_an_archive(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("posts.csv", "w") as part:
        for _ in range(100):
            part.write(b"0" * (1 << 20))


def archive_that_lies(path: Path) -> None:
    """Says that its part has ten bytes; it has 100 MB."""
    whole = b"id,views\n" + b"1" * (100 << 20)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(whole) + packer.flush()
    name = b"xl/worksheets/sheet1.xml"
    sizes = struct.pack("<LLL", zlib.crc32(whole[:10]), len(packed), 10)
    local = (
        b"PK\3\4" + struct.pack("<HHHHH", 20, 0, 8, 0, 33) + sizes + struct.pack("<HH", len(name), 0) + name
    )
    central = b"PK\1\2" + struct.pack("<HHHHHH", 20, 20, 0, 8, 0, 33) + sizes
    central += struct.pack("<HHHHHLL", len(name), 0, 0, 0, 0, 0, 0) + name
    end = b"PK\5\6" + struct.pack("<HHHHLLH", 0, 0, 1, 1, len(central), len(local) + len(packed), 0)
    path.write_bytes(local + packed + central + end)


def columns(path: Path) -> None:
    path.write_bytes(b"c," * 10_000_000 + b"\n")


def columns_in_many_lines(path: Path) -> None:
    """Each line is short, but the quotes make one row of them all."""
    path.write_bytes((b'"x\n",' + b"a," * 1000) * 10_000)


def endless_line(path: Path) -> None:
    path.write_bytes(b"x" * (100 << 20))


def large_cell(path: Path) -> None:
    path.write_bytes(b'id,text\n1,"' + b"x" * (60 << 20) + b'"\n')


def large_cell_in_lines(path: Path) -> None:
    path.write_bytes(b'id,text\n1,"' + b"xxxxxxxxxxxxxxx\n" * (4 << 20) + b'"\n')


def deep_lists(path: Path) -> None:
    path.write_bytes(b"[" * 1_000_000)


def deep_objects(path: Path) -> None:
    path.write_bytes(b'{"response":' * 200_000)


def empty_objects(path: Path) -> None:
    path.write_bytes(b'{"response":{"items":[' + b"{}," * 20_000_000 + b"{}]}}")


def large_text_in_json(path: Path) -> None:
    path.write_text(json.dumps({"response": {"items": [{"id": 1, "owner_id": 2, "text": "x" * (80 << 20)}]}}))


def long_number(path: Path) -> None:
    path.write_bytes(b'{"response":{"count":1,"items":[{"post_type":"post","id":' + b"9" * 200_000 + b"}]}}")


def chat(*messages: bytes) -> bytes:
    return b'{"name":"c","type":"public_channel","id":1,"messages":[' + b",".join(messages) + b"]}"


def deep_message(path: Path) -> None:
    path.write_bytes(chat(b'{"id":1,"type":"message","text":' + b"[" * 2_000_000))


def slowly_deep_message(path: Path) -> None:
    path.write_bytes(chat(b'{"id":1,"type":"message","text":' + (b"[" + b"1," * 400) * 50_000))


def long_number_in_a_message(path: Path) -> None:
    path.write_bytes(chat(b'{"id":1,"type":"message","text":"a"}', b'{"id":' + b"9" * 400_000 + b"}"))


def page_of_cells(path: Path) -> None:
    path.write_bytes(b"<html><table>" + b"<tr><td>" * 12_000_000)


BOMBS: dict[str, Callable[[Path], None]] = {
    "far.xlsx": far_cell,
    "far_too.xlsx": far_cell_in_other_words,
    "entities.xlsx": entities,
    "zeros.xlsx": zeros_in_a_workbook,
    "lies.xlsx": archive_that_lies,
    "zeros.zip": zeros_in_an_archive,
    "columns.csv": columns,
    "columns_in_lines.csv": columns_in_many_lines,
    "line.csv": endless_line,
    "cell.csv": large_cell,
    "cell_in_lines.csv": large_cell_in_lines,
    "deep.json": deep_lists,
    "deeper.json": deep_objects,
    "parts.json": empty_objects,
    "text.json": large_text_in_json,
    "number.json": long_number,
    "deep_message.json": deep_message,
    "slowly_deep_message.json": slowly_deep_message,
    "number_in_message.json": long_number_in_a_message,
    "page.xls": page_of_cells,
}


def attempt(path: Path, into: Path) -> str:
    """What the importer says of a file."""
    from kpi_kit.core.errors import InputError
    from kpi_kit.sources.pipeline import NewAccount, import_files
    from tests.fuzzing import AT, OPTIONS

    try:
        import_files("auto", [path], into, OPTIONS, NewAccount("А", "other"), imported_at=AT)
    except InputError as fault:
        return "\n".join(fault.problems)
    return "imported"


def peak() -> int:
    """The most memory that this process has had since :func:`forget`."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) << 10


def forget() -> None:
    """Measure the peak of memory anew."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def main() -> int:
    folder = Path(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))  # whatever goes wrong, the machine lives on
    for name, make in BOMBS.items():
        path = folder / name
        make(path)
        gc.collect()
        forget()
        begun = time.process_time()
        said = attempt(path, folder / "data")
        tried = {"said": said, "memory": peak(), "seconds": time.process_time() - begun}
        print(json.dumps({name: tried}), flush=True)
        path.unlink()
    return 0


if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]
    sys.exit(main())
