"""White label: check the department's logo and accent colour."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from xml.parsers import expat

from kpi_kit.core.phrases import Phrase
from kpi_kit.params.records import Brand

LARGEST = 200_000
"""The most bytes of a logo, which is part of each page and scorecard."""
CONTRAST = 4.5
"""The minimal contrast of text by WCAG AA."""

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_TYPES = {
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
}
_LINK = re.compile(r"url\(\s*['\"]?\s*([^'\")]*)", re.IGNORECASE)
_WITHIN = re.compile(r"#|data:image/(?:png|jpeg|webp|gif)[;,]", re.IGNORECASE)
_STYLE = re.compile(r"@import|//|\\", re.IGNORECASE)
"""CSS that fetches without url() or can hide it."""
_ACTIVE = frozenset({"script", "foreignobject", "handler", "iframe", "embed", "object"})


def problems_of_brand(brand: Brand, folder: Path) -> Iterator[str]:
    """Problems of a brand.

    Parameters
    ----------
    brand : Brand
    folder : Path
        The params folder, to which the path of the logo is relative.
    """
    yield from (Phrase("params.at_key_accent", problem=problem) for problem in _problems_of_accent(brand))
    if brand.logo is not None:
        yield from (
            Phrase("params.at_key_logo", problem=problem) for problem in _problems_of_logo(brand.logo, folder)
        )


def brand_record(brand: Brand, folder: Path) -> dict[str, str | None]:
    """The brand for a scorecard: the logo as a ``data:`` address, and the accent."""
    logo = None
    if brand.logo is not None:
        file = folder / brand.logo
        data = base64.b64encode(file.read_bytes()).decode()
        logo = f"data:{_TYPES[file.suffix.lower()]};base64,{data}"
    return {"logo": logo, "accent": None if brand.accent is None else brand.accent.lower()}


def contrast(colour: str) -> float:
    """The contrast of a colour against white by WCAG, from 1 to 21.

    Examples
    --------
    >>> contrast("#000000"), contrast("#ffffff")
    (21.0, 1.0)
    """
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    light = sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
    return round(1.05 / (light + 0.05), 9)


def _problems_of_accent(brand: Brand) -> Iterator[str]:
    accent, example = brand.accent, Phrase("params.colour_expected")
    if accent is None:
        if "accent" in brand.model_fields_set:
            yield Phrase("params.colour_is_comment", example=example)
    elif not _COLOUR.fullmatch(accent):
        yield Phrase("params.not_a_colour", example=example, accent=accent)
    elif contrast(accent) < CONTRAST:
        # rounded down, so that 4.499 is not printed as 4.50
        rounded = int(contrast(accent) * 100) / 100
        yield Phrase("params.contrast", least=CONTRAST, found=rounded, accent=accent)


def _problems_of_logo(logo: str, folder: Path) -> Iterator[str]:
    file, path = folder / logo, Path(logo)
    kind = _TYPES.get(path.suffix.lower())
    if kind is None:
        yield Phrase("params.logo_kind", kinds=", ".join(_TYPES), logo=logo)
    elif path.is_absolute():
        yield Phrase("params.logo_path", folder=folder, logo=logo)
    elif not file.is_file():
        yield Phrase("params.no_file", file=file)
    elif (size := file.stat().st_size) >= LARGEST:
        yield Phrase("params.logo_size", most=LARGEST // 1000, logo=logo, size=size / 1000)
    elif fault := _fault(file.read_bytes(), kind):
        yield Phrase("params.logo_fault", logo=logo, fault=fault)


def _fault(data: bytes, kind: str) -> str | None:
    """Why a logo is refused; None where it is valid."""
    if kind == "image/svg+xml":
        return _fault_of_svg(data)
    begins = {
        "image/png": data.startswith(b"\x89PNG\r\n\x1a\n"),
        "image/jpeg": data.startswith(b"\xff\xd8\xff"),
        "image/webp": data.startswith(b"RIFF") and data[8:12] == b"WEBP",
    }
    return None if begins[kind] else Phrase("params.logo_inside", kind=kind.removeprefix("image/").upper())


def _fault_of_svg(data: bytes) -> str | None:
    reader = _Reader()
    try:
        reader.parser.Parse(data, True)
    except expat.ExpatError as fault:
        return reader.fault or Phrase("params.logo_unreadable", fault=fault)
    return reader.fault or (None if reader.root == "svg" else Phrase("params.logo_no_svg"))


class _Reader:
    """Reads an SVG up to its first problem; entities and document types are never expanded."""

    def __init__(self) -> None:
        self.root: str | None = None
        self.fault: str | None = None
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.ProcessingInstructionHandler = self._instruction
        self.parser.StartElementHandler = self._element
        self.parser.CharacterDataHandler = self._text
        self.parser.buffer_text = True
        self.parser.buffer_size = 2 * LARGEST  # so that each text arrives whole
        self._in_style = False

    def _stop(self, fault: str) -> None:
        self.fault = self.fault or fault
        # an exception in a handler ends the parsing
        raise expat.ExpatError(fault)

    def _doctype(self, *_declared: object) -> None:
        self._stop(Phrase("params.logo_doctype"))

    def _instruction(self, target: str, _data: str) -> None:
        self._stop(Phrase("params.logo_instruction", target=target))

    def _element(self, name: str, attributes: dict[str, str]) -> None:
        local = _local(name)
        self.root = self.root or local
        self._in_style = local.lower() == "style"
        if local.lower() in _ACTIVE:
            self._stop(Phrase("params.logo_element", name=local))
        for key, value in attributes.items():
            self._attribute(_local(key), value)

    def _attribute(self, key: str, value: str) -> None:
        if key.lower().startswith("on") or "javascript:" in re.sub(r"\s", "", value.lower()):
            self._stop(Phrase("params.logo_script", key=key))
        link = key in ("href", "src") and not _WITHIN.match(value.strip())
        styles = key == "style" and _STYLE.search(value)
        if link or styles or key == "base" or _leads_outside(value):
            self._stop(Phrase("params.logo_link", key=key))

    def _text(self, text: str) -> None:
        if self._in_style and (_STYLE.search(text) or _leads_outside(text)):
            self._stop(Phrase("params.logo_style"))


def _leads_outside(text: str) -> bool:
    return any(not _WITHIN.match(link[1]) for link in _LINK.finditer(text))


def _local(name: str) -> str:
    return name.rpartition(" ")[2]
