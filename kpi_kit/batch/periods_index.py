"""Renew ``<out>/index.html``, the list of periods, at the end of a run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, cast

from kpi_kit.batch.plan import Run
from kpi_kit.batch.workspace import PERIODS, locked
from kpi_kit.core.files import write_file
from kpi_kit.core.json_io import read_json
from kpi_kit.core.periods import Period
from kpi_kit.params import Params, brand_record
from kpi_kit.scorecard.record import Brand

if TYPE_CHECKING:
    from kpi_kit.report.periods_page import PeriodPages


def renew(run: Run, loaded: Params) -> None:
    """Write the list of all periods that have pages; nothing where it is the same, or there are none.

    Raises
    ------
    OSError
        Where it cannot be written.
    """
    from kpi_kit.report.periods_page import listed_pages, periods_page

    if not run.out.is_dir():
        return
    with locked(run.out):
        pages = listed_pages([*_files(run.out), *run.options.published])
        if not pages:
            return
        brand = cast(Brand, brand_record(loaded.department.brand, loaded.folder))
        text = periods_page(
            pages,
            _names(pages, run.out, loaded),
            loaded.department.agency,
            brand,
            language=run.language,
            theme=(run.options.style / "theme.css").read_text(encoding="utf-8"),
        )
        file = run.out / PERIODS
        if not file.is_file() or file.read_text(encoding="utf-8", errors="replace") != text:
            write_file(file, text)


def _files(out: Path) -> Iterator[str]:
    for folder in out.iterdir():
        if Period.is_name(folder.name) and folder.is_dir():
            yield from (f"{folder.name}/{file.name}" for file in folder.iterdir() if file.is_file())


def _names(pages: list[PeriodPages], out: Path, loaded: Params) -> dict[str, str]:
    """The names of people: of those in params, and of others as their latest scorecard has them."""
    names = {person: specialist.name for person, specialist in loaded.specialists.items()}
    for page in sorted(pages, key=lambda page: page.period.end, reverse=True):
        for person in page.people:
            if person not in names:
                names[person] = person
                with suppress(OSError, ValueError, LookupError, TypeError):  # the page has the name anyway
                    names[person] = str(read_json(out / str(page.period) / f"{person}.json")["name"])
    return names
