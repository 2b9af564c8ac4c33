"""What one process of a run tells the others about data, so that none finds it out again."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from kpi_kit.core.json_io import parse_json

Window = tuple[dt.date, dt.date]
"""Days, the last one excluded."""


@dataclass(frozen=True)
class Known:
    """What has been found out about data: it holds as long as no file is written to.

    Parameters
    ----------
    stamp : str
        Names the files, their sizes and when they were written.
    fingerprint : str
        A hash of their content.
    spans : mapping of str to Window
        The first and the last row of each table, where there is no table ``coverage``.
    types : mapping of str to mapping of str to str
        The types of the columns of each Parquet table.
    extracts : mapping of str to Path
        Files with those rows of tables that are to be read in place of all.
    single : tuple of str
        Tables in which no row of anybody in params is there twice.
    kept : Path or None
        A folder into which nobody else can write, where processes of a run keep what they have read.
    """

    stamp: str
    fingerprint: str
    spans: Mapping[str, Window] = field(default_factory=dict)
    types: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    extracts: Mapping[str, Path] = field(default_factory=dict)
    single: tuple[str, ...] = ()
    kept: Path | None = None

    @property
    def homes(self) -> tuple[Path, ...]:
        """The folders of the extracts."""
        return tuple(sorted({path.parent for path in self.extracts.values()}))

    def dumps(self) -> str:
        """What is known, as text; but for what is kept, which only its run may trust.

        Examples
        --------
        >>> span = (dt.date(2025, 1, 1), dt.date(2025, 2, 1))
        >>> types, paths = {"posts": {"views": "BIGINT"}}, {"posts": Path("p")}
        >>> known = Known("1", "2", {"posts": span}, types, paths, ("posts",))
        >>> Known.loads(known.dumps()) == known
        True
        """
        spans = {table: [day.isoformat() for day in span] for table, span in self.spans.items()}
        extracts = {table: str(path) for table, path in self.extracts.items()}
        types = {table: dict(kinds) for table, kinds in self.types.items()}
        return json.dumps([self.stamp, self.fingerprint, spans, types, extracts, self.single])

    @classmethod
    def loads(cls, text: str) -> Self:
        """From text; that of an older kit does not know of single rows.

        Raises
        ------
        ValueError, TypeError, AttributeError
            Where it is none of these.
        """
        stamp, fingerprint, spans, types, extracts, *single = parse_json(text)
        days = {name: (dt.date.fromisoformat(a), dt.date.fromisoformat(b)) for name, (a, b) in spans.items()}
        paths = {name: Path(path) for name, path in extracts.items()}
        return cls(stamp, fingerprint, days, types, paths, tuple(*single))
