"""Files that are written whole or not at all, folders without links, and hashes of files and texts."""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from kpi_kit.core.errors import InputError, reason_of
from kpi_kit.core.phrases import Phrase

_BY_DESCRIPTOR = os.open in os.supports_dir_fd and hasattr(os, "O_NOFOLLOW")
"""Whether this system opens files relative to an open folder; Windows does not."""
_NO_LINK: int = getattr(os, "O_NOFOLLOW", 0)
_FOLDER: int = getattr(os, "O_DIRECTORY", 0) | _NO_LINK
_NAME_SURROGATE = 0x20000000
"""The bit of a Windows reparse tag that says that the entry stands for another: symbolic link or junction."""


@contextmanager
def replacing(path: Path, folder: Folder | None = None) -> Iterator[BinaryIO]:
    """Open a stream whose bytes replace a file when the block ends without an error.

    A reader sees the old file or the new one, never a part; after an error the old one stays.

    Parameters
    ----------
    path : Path
    folder : Folder or None
        The open folder of the file; None where the folder may be a link.
    """
    descriptor = None if folder is None else folder.descriptor
    name = path if descriptor is None else Path(path.name)
    temporary = name.with_name(f".{name.name}.{secrets.token_hex(8)}")

    def opener(place: str, flags: int) -> int:
        return os.open(place, flags, 0o666, dir_fd=descriptor)

    try:
        with open(temporary, "xb", opener=opener) as stream:  # the umask decides who may read it
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, name, src_dir_fd=descriptor, dst_dir_fd=descriptor)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=descriptor)
        raise


def write_file(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all; text is encoded as UTF-8."""
    with replacing(path) as stream:
        stream.write(_bytes(content))


def sync(path: Path) -> None:
    """Make a file, or the names in a folder, durable; Windows has no such call for folders."""
    if not path.is_dir():
        with path.open("r+b") as stream:  # Windows flushes no file that is open for reading
            os.fsync(stream.fileno())
    elif _BY_DESCRIPTOR:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


class Folder:
    """A folder that is no link, and its files, none of which is reached by a link.

    Where the system can, the folder is open by a descriptor, and each file is named relative to it: a link
    that takes the place of the folder later changes nothing.

    Parameters
    ----------
    path : Path
    within : Folder or None
        The open folder in which it lies, where that may not be a link either.
    make : bool
        Make the folder where there is none.

    Raises
    ------
    InputError
        Where the folder is a link.
    OSError
    """

    def __init__(self, path: Path, within: Folder | None = None, *, make: bool = False) -> None:
        self.path = path
        self.descriptor: int | None = None
        outer = None if within is None else within.descriptor
        name = path if outer is None else Path(path.name)
        if make:
            with suppress(FileExistsError):
                os.mkdir(name, dir_fd=outer)
        _refuse_link(path, os.stat(name, dir_fd=outer, follow_symlinks=False))
        if _BY_DESCRIPTOR:
            self.descriptor = os.open(name, os.O_RDONLY | _FOLDER, dir_fd=outer)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.descriptor is not None:
            os.close(self.descriptor)

    def folder(self, name: str) -> Folder:
        """A folder in it, which is made where there is none."""
        return Folder(self.path / name, self, make=True)

    def names(self) -> list[str]:
        """The names of its files and folders, in order."""
        return sorted(os.listdir(self.path if self.descriptor is None else self.descriptor))  # noqa: PTH208

    def open(self, name: str, flags: int, mode: int = 0o666) -> int:
        """A descriptor of a file; a link and what is no ordinary file are refused."""
        with suppress(FileNotFoundError):
            _refuse_link(self.path / name, self._stat(name))
        return os.open(self._place(name), flags | _NO_LINK, mode, dir_fd=self.descriptor)

    def read(self, name: str) -> bytes:
        """The bytes of a file."""
        with os.fdopen(self.open(name, os.O_RDONLY | getattr(os, "O_BINARY", 0)), "rb") as stream:
            return stream.read()

    def write(self, name: str, content: str | bytes) -> None:
        """Write a file whole or not at all; text is encoded as UTF-8."""
        with replacing(self.path / name, self) as stream:
            stream.write(_bytes(content))

    def remove(self, name: str) -> None:
        """Remove a file."""
        os.unlink(self._place(name), dir_fd=self.descriptor)

    def move(self, name: str, other: Folder, new: str) -> None:
        """Move a file into another folder."""
        os.replace(
            self._place(name), other._place(new), src_dir_fd=self.descriptor, dst_dir_fd=other.descriptor
        )

    def sync(self) -> None:
        """Make the names in it durable, where the system can."""
        if self.descriptor is not None:
            os.fsync(self.descriptor)

    def _place(self, name: str) -> Path:
        return self.path / name if self.descriptor is None else Path(name)

    def _stat(self, name: str) -> os.stat_result:
        return os.stat(self._place(name), dir_fd=self.descriptor, follow_symlinks=False)


def refuse_links(path: Path) -> None:
    """Refuse a folder that is a link or holds one at any depth; nothing where there is no folder.

    What is no ordinary file, such as a pipe, is refused too. Hidden folders are scratch of the kit, whose
    names nobody can guess; they are not looked into.

    Raises
    ------
    InputError
        Names the first link, or a folder that cannot be read.
    """
    try:
        with Folder(path) as folder:
            _refuse_links_in(folder)
    except FileNotFoundError:
        return
    except OSError as fault:
        raise InputError(Phrase("core.reports_not_writable", path=path, reason=reason_of(fault))) from None


def _refuse_links_in(folder: Folder) -> None:
    for name in folder.names():
        with suppress(FileNotFoundError):  # another run has moved it meanwhile
            status = folder._stat(name)
            _refuse_link(folder.path / name, status)
            if stat.S_ISDIR(status.st_mode) and not name.startswith("."):
                with Folder(folder.path / name, folder) as inner:
                    _refuse_links_in(inner)


def _refuse_link(path: Path, status: os.stat_result) -> None:
    """Refuse what is neither a file nor a folder of its own."""
    tag: int = getattr(status, "st_reparse_tag", 0)
    if stat.S_ISLNK(status.st_mode) or tag & _NAME_SURROGATE:
        raise InputError(Phrase("core.is_a_link", path=path))
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
        raise InputError(Phrase("core.not_ordinary_or_folder", path=path))


def sha256(content: str | bytes) -> str:
    """The SHA-256 of a text or of bytes, in hexadecimal digits.

    Examples
    --------
    >>> sha256("kpi")[:8] == sha256(b"kpi")[:8]
    True
    """
    return hashlib.sha256(_bytes(content)).hexdigest()


def sha256_of_file(path: Path) -> str:
    """The SHA-256 of a file's bytes.

    Raises
    ------
    OSError
        Where the file cannot be read.
    """
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sha256_of_files(files: Iterable[Path]) -> str:
    """One hash of the bytes of some files, in the order of their names."""
    return join_digests(sha256_of_file(file) for file in sorted(files))


def join_digests(digests: Iterable[str]) -> str:
    """One hash of several, in the given order."""
    return f"sha256:{sha256(b''.join(map(bytes.fromhex, digests)))}"


def _bytes(content: str | bytes) -> bytes:
    return content.encode("utf-8") if isinstance(content, str) else content
