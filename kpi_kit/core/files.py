"""Files that are written whole or not at all, and hashes of files and texts."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a stream whose bytes replace a file when the block ends without an error.

    A reader sees the old file or the new one, never a part; after an error the old one stays.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with temporary.open("xb") as stream:  # the umask decides who may read it
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_file(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all; text is encoded as UTF-8."""
    with replacing(path) as stream:
        stream.write(_bytes(content))


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
