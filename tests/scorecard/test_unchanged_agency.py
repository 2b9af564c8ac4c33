"""An agency in which nothing changes, from daily rows to the verdict: seldom is a change called real."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tests.agency import entry, scored

FIRST = dt.date(2024, 8, 1)
DAYS = (dt.date(2025, 11, 1) - FIRST).days
AGENCIES = 14


def weeks(rng: np.random.Generator) -> Iterator[tuple[dt.date, float]]:
    """Every day with the factor of its week: weeks vary by 20 % and resemble the one before."""
    level = rng.standard_normal()
    for day in range(DAYS):
        if day % 7 == 0:
            level = 0.5 * level + np.sqrt(0.75) * rng.standard_normal()
        yield FIRST + dt.timedelta(days=day), float(np.exp(0.2 * level))


def unchanged(folder: Path, seed: int) -> list[bool | None]:
    """Whether the changes of leads, views and answers in time are real, in an agency of its own."""
    rng = np.random.default_rng([19, seed])
    leads, posts, inquiries = [], [], []
    for day, factor in weeks(rng):
        leads += [f"l{day}-{n},a,{day}T12:00,true" for n in range(rng.poisson(5 * factor))]
        for n in range(rng.poisson(0.7 * factor)):
            views = int(rng.lognormal(6, 0.7))
            posts.append(f"p{day}-{n},a,{day}T12:00,{views},5,0,0,,2025-11-08T00:00")
        good = 0.95 if rng.random() < 0.85 else 0.3
        for n in range(rng.poisson(2)):
            answered = f"{day}T{13 if rng.random() < good else 23}:00"
            inquiries.append(f"i{day}-{n},a,message,{day}T12:30,{answered}")
    card = scored(
        folder,
        *(entry(kpi) for kpi in ("leads", "views", "response_rate")),
        leads=leads,
        posts=posts,
        inquiries=inquiries,
        department={"history": {"periods": 12, "weeks": 60}},
    )
    assert all(row["change"] is not None for row in card["kpis"])
    return [change["real"] for row in card["kpis"] for change in [row["change"]] if change is not None]


def test_an_unchanged_agency_has_few_real_changes(tmp_path: Path) -> None:
    by_agency = [unchanged(tmp_path / str(seed), seed) for seed in range(AGENCIES)]
    assert all(real is not None for agency in by_agency for real in agency), by_agency
    false = sum(any(agency) for agency in by_agency)
    # at most 8 % of reports, and two binomial errors: of fourteen three
    assert false <= 3, by_agency
