"""The list of periods, ``<out>/index.html``: for each one the department's page and those of its people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from markupsafe import Markup

from kpi_kit.core.periods import Period
from kpi_kit.core.sanitize import isolated
from kpi_kit.report import parts
from kpi_kit.report.wording import words
from kpi_kit.scorecard.record import Brand


@dataclass(frozen=True)
class PeriodPages:
    """The pages of a period.

    Parameters
    ----------
    period : Period
    has_department : bool
    people : tuple of str
        Ids of the specialists that have a page.
    """

    period: Period
    has_department: bool
    people: tuple[str, ...]


def periods_page(
    pages: Sequence[PeriodPages],
    names: Mapping[str, str],
    agency: str,
    brand: Brand,
    *,
    language: str,
    theme: str,
) -> str:
    """The page as HTML, the latest period first.

    Parameters
    ----------
    pages : sequence of PeriodPages
    names : mapping of str to str
        The names of the specialists by their ids.
    agency : str
    brand : mapping
    language, theme : str
        The language of the page, and its stylesheet.
    """
    say = words(language)
    title = say.text("periods.title")
    ordered = sorted(pages, key=lambda page: (page.period.end, page.period.days), reverse=True)
    content = parts.page_part(
        "periods",
        language=language,
        brand=parts.branded(brand, isolated(agency), title),
        title=title,
        agency=isolated(agency),
        periods=[
            {
                "name": say.sentence(say.period(str(page.period))),
                "address": f"{page.period}/index.html" if page.has_department else None,
                "people": sorted(
                    (isolated(names[person]), f"{page.period}/{quote(person)}.html") for person in page.people
                ),
            }
            for page in ordered
        ],
    )
    page = {"language": language, "title": title, "theme": Markup(theme), "outputs": [content]}
    return f"{parts.page_part('report/index', resources={'page': page})}\n"


def listed_pages(files: Sequence[str]) -> list[PeriodPages]:
    """The pages among files, by their periods.

    Parameters
    ----------
    files : sequence of str
        Paths below the folder of reports, such as ``2025-10/index.html``.

    Examples
    --------
    >>> [page] = listed_pages(["2025-10/index.html", "2025-10/anna.html", "2025-10/anna.json", "old/a.html"])
    >>> str(page.period), page.has_department, page.people
    ('2025-10', True, ('anna',))
    """
    by_period: dict[str, set[str]] = {}
    for file in files:
        folder, _, name = file.partition("/")
        if "/" not in name and Period.is_name(folder):
            by_period.setdefault(folder, set()).add(name)
    pages = []
    for folder, named in by_period.items():
        people = sorted(Path(name).stem for name in named if name.endswith(".json"))
        with_page = tuple(person for person in people if f"{person}.html" in named)
        if with_page or "index.html" in named:
            pages.append(PeriodPages(Period.parse(folder), "index.html" in named, with_page))
    return pages
