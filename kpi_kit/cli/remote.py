"""Data and reports at a URL that fsspec knows, such as ``s3://bucket/folder``.

Commands work on a copy on this machine: it is fetched before a command, and published after a run.
Only files that have changed are transferred.
"""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from kpi_kit.batch.workspace import PERIODS, locked
from kpi_kit.core.errors import InputError
from kpi_kit.core.files import sha256, write_file
from kpi_kit.core.json_io import read_json
from kpi_kit.core.phrases import Phrase

_URL = re.compile(r"[a-zA-Z][\w+.-]+(://|::)")
_SECRET = re.compile(r"(?<=://)[^/@]*@")
_NEXT = ("s3://", "gs://", "az://", "https://", "memory://")
_LAST = "manifest.json"
"""The file that speaks of the others is put when they are there."""
_REASONS = {
    "NoCredentialsError": "no_credentials",
    "PermissionError": "no_permission",
    "FileNotFoundError": "no_place",
    "EndpointConnectionError": "unreachable",
    "ConnectTimeoutError": "unreachable",
    "ClientConnectorError": "unreachable",
    "ConnectionError": "unreachable",
    "TimeoutError": "unreachable",
}


def is_url(place: Path | str) -> bool:
    """Whether a place is not a folder on this machine.

    Examples
    --------
    >>> is_url("s3://bucket/data"), is_url("data/sample"), is_url("C:/data"), is_url(Path("data"))
    (True, False, False, False)
    """
    return isinstance(place, str) and _URL.match(place) is not None


def shown(url: str) -> str:
    """A URL as it may be printed.

    Examples
    --------
    >>> shown("sftp://anna:secret@files.example/data")
    'sftp://files.example/data'
    """
    return _SECRET.sub("", url)


def copy_of(url: str) -> Path:
    """Where the copy of a URL is on this machine."""
    return user_cache_path("kpi-kit") / sha256(url)[:16]


class RemoteError(OSError):
    """A place at a URL cannot be read or written."""


class Remote:
    """A folder at a URL, with its copy on this machine.

    Parameters
    ----------
    url : str

    Raises
    ------
    InputError
        Where no library knows such a URL.
    """

    def __init__(self, url: str) -> None:
        self.name = shown(url).rstrip("/")
        self.folder = copy_of(url)
        try:
            core: Any = importlib.import_module("fsspec.core")
            self._files, root = core.url_to_fs(url, use_listings_cache=False, skip_instance_cache=True)
        except ImportError as fault:
            library = fault.name or "fsspec"
            raise InputError(Phrase("cli.no_library", name=self.name, library=library)) from None
        except (ValueError, TypeError) as fault:
            examples = ", ".join(_NEXT)
            raise InputError(
                Phrase("cli.bad_url", name=self.name, examples=examples, reason=_word(fault))
            ) from None
        self._root = str(root).rstrip("/")

    def below(self, name: str) -> Remote:
        """A folder in this one."""
        inner = object.__new__(Remote)
        inner.name, inner.folder = f"{self.name}/{name}", self.folder / name
        inner._files, inner._root = self._files, f"{self._root}/{name}"
        return inner

    def fetch(self, *, must_exist: bool = True) -> Path:
        """Bring the copy up to date; files that are no longer at the URL go.

        Raises
        ------
        RemoteError
            Where that cannot be done, or nothing is there though something must be.
        """
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with locked(self.folder):
            there, index = self._listed(), self._read_index()
            if must_exist and not there:
                raise RemoteError(Phrase("cli.nothing_at_url", name=self.name))
            gone = _files_in(self.folder) - there.keys()
            # what a run could not put there stays for the next one
            for name in gone if must_exist else gone & index.keys():
                (self.folder / name).unlink()
            for name, version in there.items():
                if index.get(name) != [version, *_stamp(self.folder / name)]:
                    self._get(name)
            self._remember(there)
        return self.folder

    def _get(self, name: str) -> None:
        target = self.folder / name
        coming = target.with_name(f".{target.name}.coming")
        with self._reasons("read"):
            target.parent.mkdir(parents=True, exist_ok=True)
            self._files.get_file(f"{self._root}/{name}", str(coming))
        coming.replace(target)

    def check_writable(self) -> None:
        """Find out before the work.

        Raises
        ------
        RemoteError
        """
        probe = f"{self._root}/.writable"
        with self._reasons("write"):
            self._files.pipe_file(probe, b"")
            self._files.rm_file(probe)

    def publish(self) -> None:
        """Put at the URL what is new in the copy, the manifest last; what is gone from it goes there, too.

        Raises
        ------
        RemoteError
        """
        with locked(self.folder):
            index, here = self._read_index(), _files_in(self.folder)
            stale = {name for name in here if index.get(name, [None])[1:] != list(_stamp(self.folder / name))}
            gone = index.keys() - here
            with self._reasons("write"):
                for name in sorted(stale, key=lambda name: (name == _LAST, name)):
                    stamp = _stamp(self.folder / name)
                    self._files.put_file(str(self.folder / name), f"{self._root}/{name}")
                    version = _version(self._files.info(f"{self._root}/{name}"))
                    index[name] = [version, *stamp]
                for name in gone:
                    self._files.rm_file(f"{self._root}/{name}")
                    del index[name]
            if stale or gone:
                self._save(index)

    def put(self, name: str) -> None:
        """Put one file of the copy at the URL, where the copy has it.

        Raises
        ------
        RemoteError
        """
        if (self.folder / name).is_file():
            with self._reasons("write"):
                self._files.put_file(str(self.folder / name), f"{self._root}/{name}")

    def listed(self) -> list[str]:
        """The names of the files at the URL.

        Raises
        ------
        RemoteError
        """
        return list(self._listed())

    def _listed(self) -> dict[str, str]:
        """The version of each file by its name."""
        with self._reasons("read"):
            self._files.invalidate_cache()
            try:
                listing = self._files.find(self._root, detail=True)
            except FileNotFoundError:  # folders that are not there yet may be made
                return {}
        names = {path[len(self._root) :].strip("/"): info for path, info in listing.items()}
        return {name: _version(info) for name, info in names.items() if name and not _is_hidden(Path(name))}

    @property
    def _index(self) -> Path:
        return self.folder / ".index.json"

    def _read_index(self) -> dict[str, list[Any]]:
        """Of each file of the copy its version at the URL, and its stamp when they were the same."""
        try:
            return dict(read_json(self._index))
        except (OSError, ValueError, TypeError):
            return {}

    def _remember(self, there: dict[str, str]) -> None:
        self._save({name: [version, *_stamp(self.folder / name)] for name, version in there.items()})

    def _save(self, index: dict[str, list[Any]]) -> None:
        write_file(self._index, json.dumps(index))

    @contextmanager
    def _reasons(self, done: str) -> Iterator[None]:
        """One sentence of what went wrong; messages of libraries may hold credentials."""
        try:
            yield
        except Exception as fault:  # each file system has errors of its own
            raise RemoteError(Phrase(f"cli.url_{done}", name=self.name, reason=_word(fault))) from None


def _word(fault: BaseException) -> str:
    """Why, by the kind of a fault or of what caused it."""
    chain: list[BaseException] = [fault]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) is not None and cause not in chain:
        chain.append(cause)
    kinds = [kind.__name__ for link in chain for kind in type(link).__mro__]
    reasons = (Phrase(f"cli.url_{_REASONS[kind]}") for kind in kinds if kind in _REASONS)
    return next(reasons, type(fault).__name__)


def _version(info: dict[str, Any]) -> str:
    """What changes when a file changes."""
    marks = [info.get(key) for key in ("ETag", "etag", "LastModified", "mtime", "created", "size")]
    return sha256(repr(marks[:2] if any(marks[:2]) else marks))[:16]


def _stamp(path: Path) -> tuple[int, int, int]:
    """What changes when a file of the copy changes; programs cannot set the last part."""
    try:
        status = path.stat()
    except OSError:
        return (-1, -1, -1)
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _is_hidden(name: Path) -> bool:
    return any(part.startswith(".") for part in name.parts)


def _files_in(folder: Path) -> set[str]:
    """The files of a copy; scratch folders and notes are none of it."""
    files = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {path.as_posix() for path in files if not _is_hidden(path)}


def fetched(url: str) -> Path:
    """A folder on this machine with the data at a URL.

    Raises
    ------
    InputError
        Where they cannot be read.
    """
    try:
        return Remote(url).fetch()
    except RemoteError as fault:
        raise InputError(fault.args[0]) from None


@contextmanager
def output(out: Path | str, period: str) -> Iterator[tuple[Path, dict[str, str]]]:
    """A folder on this machine for the reports of a period, and its name in them if it is a copy.

    What is new in the copy of a URL is put there when the block ends, however it ends.

    Raises
    ------
    InputError
        Where the URL cannot be written to, before the block.
    RemoteError
        Where that fails after it; the files stay in the copy, and the next run puts them.
    """
    if not is_url(out):
        yield Path(out), {}
        return
    whole = Remote(str(out))
    try:
        target = whole.below(period)
        target.fetch(must_exist=False)
        target.check_writable()
    except RemoteError as fault:
        raise InputError(fault.args[0]) from None
    try:
        yield whole.folder, {str(whole.folder): whole.name}
    finally:
        target.publish()
        whole.put(PERIODS)


def listed(out: Path | str) -> list[str]:
    """The names of the files at a URL of reports; none for a folder on this machine.

    Raises
    ------
    RemoteError
    """
    return Remote(str(out)).listed() if is_url(out) else []
