"""Recognise the kind of an export by the beginning of the file; unpack archives."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from kpi_kit.core.errors import InputError
from kpi_kit.core.phrases import Phrase
from kpi_kit.sources.file_head import Head, head_of
from kpi_kit.sources.interface import Importer, Match
from kpi_kit.sources.rows import joined
from kpi_kit.sources.size_limits import unpack_member
from kpi_kit.sources.strangers import refuse_strangers, unknown

_LEAST = 0.72
_APART = 0.02
_FAINT = 0.55
"""Below it a file is of no kind; the reason says what is missing."""
_MOST_FILES, _MOST_BYTES = 500, 8 << 30
_ENCRYPTED = 1
"""A flag of a member of an archive."""
_READABLE = (".csv", ".json", ".xlsx", ".xls", ".tsv", ".txt")


@dataclass(frozen=True)
class Recognised:
    """A file and its importer.

    Parameters
    ----------
    path : pathlib.Path
    source : str
    match : Match
    """

    path: Path
    source: str
    match: Match


def recognise(path: Path, sources: Mapping[str, Importer]) -> Recognised:
    """Find the importer for a file.

    Raises
    ------
    InputError
        Where no importer knows it, or two know it equally well; nothing is guessed then.
    """
    head = head_of(path)
    refuse_strangers(head)
    guesses = _guesses(head, sources)
    sure = [(match, name) for match, name in guesses if match.score >= _LEAST]
    if not sure:
        match, name = guesses[0]
        near = Phrase("sources.nearest", source=name, reason=match.reason) if 0 < match.score < _FAINT else ""
        raise InputError(unknown(head, near, len(sources)))
    first, *others = sure
    if others and first[0].score - others[0][0].score < _APART and others[0][0].score < 0.97:
        listed = [
            Phrase("sources.guess", source=name, reason=match.reason)
            for match, name in sure[:3]
            if first[0].score - match.score < _APART
        ]
        raise InputError(Phrase("sources.could_be", file=path, guesses=joined(listed, "joined_or")))
    return Recognised(path, first[1], first[0])


def _guesses(head: Head, sources: Mapping[str, Importer]) -> list[tuple[Match, str]]:
    """How well each importer matches a file, the best first."""
    matches = ((importer.sniff(head), name) for name, importer in sources.items())
    return sorted(matches, key=lambda pair: (-pair[0].score, pair[1]))


def other_kind(path: Path, source: str, sources: Mapping[str, Importer]) -> str:
    """The sentence on a file that is certainly not of the source that was named; empty otherwise."""
    try:
        guesses = _guesses(head_of(path), sources)
    except InputError:
        return ""
    match, name = guesses[0]
    of_named = next((other.score for other, named in guesses if named == source), 1.0)
    if match.score < _LEAST or of_named >= _FAINT:
        return ""
    return Phrase("sources.other_kind", file=path, source=source, other=name, reason=match.reason)


def unpack(paths: Sequence[Path], scratch: Path) -> list[tuple[Path, str]]:
    """Files to read, with their names for sentences; archives are replaced by the tables in them.

    Raises
    ------
    InputError
        Where an archive cannot be read or is too large.
    """
    unpacked: list[tuple[Path, str]] = []
    for number, path in enumerate(paths):
        if not zipfile.is_zipfile(path) or path.suffix.casefold() in (".xlsx", ".xlsm"):
            unpacked.append((path, str(path)))
            continue
        try:
            with zipfile.ZipFile(path) as archive:
                unpacked += _members(archive, path, scratch / f"archive{number}")
        except InputError:
            raise
        except (
            zipfile.BadZipFile,
            OSError,
            RuntimeError,
            NotImplementedError,
            EOFError,
            ValueError,
        ) as fault:
            raise InputError(Phrase("sources.broken_archive", file=path, reason=str(fault))) from None
        except Exception as fault:  # zlib.error and its like have no common parent
            reason = type(fault).__name__
            raise InputError(Phrase("sources.damaged_archive", file=path, reason=reason)) from None
    return unpacked


def _is_readable(name: PurePosixPath) -> bool:
    """Whether a member is a table, and no service file of macOS."""
    service = "__MACOSX" in name.parts or name.name.startswith(".")
    return not service and name.suffix.casefold() in _READABLE


def _members(archive: zipfile.ZipFile, path: Path, target: Path) -> list[tuple[Path, str]]:
    infos = [info for info in archive.infolist() if not info.is_dir()]
    if {"[Content_Types].xml", "mimetype"} & {info.filename for info in infos}:
        return [(path, str(path))]  # a spreadsheet under another name
    if any(info.flag_bits & _ENCRYPTED for info in infos):
        raise InputError(Phrase("sources.locked_archive", file=path))
    readable = [info for info in infos if _is_readable(PurePosixPath(info.filename))]
    pages = [info for info in infos if PurePosixPath(info.filename).suffix.casefold() in (".html", ".htm")]
    infos = readable or pages[:1]  # of an archive of pages one is told for all
    if len(infos) > _MOST_FILES or sum(info.file_size for info in infos) > _MOST_BYTES:
        most = _MOST_BYTES >> 30
        raise InputError(Phrase("sources.large_archive", file=path, files=_MOST_FILES, most=most))
    if not infos:
        raise InputError(Phrase("sources.no_table_in_archive", file=path, suffixes=_READABLE))
    members = []
    unpack = 0
    for place, info in enumerate(infos):
        folder = (
            target
            if len({PurePosixPath(other.filename).name for other in infos}) == len(infos)
            else target / str(place)
        )
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / PurePosixPath(info.filename).name  # never the path that the archive asks for
        with file.open("wb") as copy:
            for chunk in unpack_member(archive, info, path, unpack, _MOST_BYTES):
                unpack += copy.write(chunk)
        members.append((file, f"{path}: {info.filename}"))
    return members
