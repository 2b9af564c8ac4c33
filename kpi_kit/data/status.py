"""Which data are there: by account or brand, table and month."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from kpi_kit.core.doubtful_counts import doubtful
from kpi_kit.core.errors import InputError, KitError, did_you_mean
from kpi_kit.core.periods import Grain, Period
from kpi_kit.core.phrases import Phrase
from kpi_kit.core.schema import TABLES, covered_table
from kpi_kit.core.yaml_io import read_yaml
from kpi_kit.data.store import Store, Window, as_date
from kpi_kit.params import Params

_STANDS_FOR = {"inquiries": ("messages",)}
"""Tables whose days also count for another one."""
_OPTIONAL = ("accounts", "post_stats", "post_increments", "totals", "coverage")
_MEASURES = {"traffic": "visits", "leads": "leads"}
"""Tables whose sums may stand in the table ``totals``, with their measure."""
MONTHS = 3


class State(StrEnum):
    """How much of a table is there for a month."""

    HERE = "here"
    PARTIAL = "partial"
    MISSING = "missing"
    DOUBTFUL = "doubtful"
    NOT_EXPECTED = "not_expected"


@dataclass(frozen=True)
class Row:
    """The state of one table of an account or brand.

    Parameters
    ----------
    owner, table : str
    states : mapping of Period to State
    title, platform : str
        Those of the account; of a brand its title and nothing.
    """

    owner: str
    table: str
    states: Mapping[Period, State]
    title: str = ""
    platform: str = ""


def expected_tables(loaded: Params, store: Store) -> dict[str, tuple[str, ...]]:
    """The tables that the KPIs of all people need, by account or brand."""
    platforms = {str(name): str(platform) for name, platform in store.accounts["platform"].items()}
    needed: dict[str, set[str]] = {}
    for person in loaded.specialists.values():
        for entry in person.kpis:
            if entry.definition.scope == "brand":
                owners = [brand for brand in person.brands if not entry.brands or brand in entry.brands]
            else:
                owners = [
                    held.account
                    for held in person.accounts
                    if (not entry.accounts or held.account in entry.accounts)
                    and (not entry.platforms or platforms.get(held.account) in entry.platforms)
                ]
            for owner in owners:
                needed.setdefault(owner, set()).update(entry.definition.tables)
    order = list(TABLES)
    return {owner: tuple(sorted(names, key=order.index)) for owner, names in needed.items()}


def read_expected(file: Path) -> dict[str, tuple[str, ...]]:
    """The tables that ``import.yml`` expects each month, by account or brand.

    Raises
    ------
    InputError
        Where the file or its section ``expected`` cannot be read.
    """
    if not file.is_file():
        return {}
    try:
        content = read_yaml(file)
    except KitError as fault:
        raise InputError(fault.problems) from None
    problems: list[str] = []
    expected = expected_of(content.get("expected") if isinstance(content, Mapping) else None, file, problems)
    if problems:
        raise InputError(problems)
    return expected


def expected_of(section: Any, file: Path, problems: list[str]) -> dict[str, tuple[str, ...]]:
    """The section ``expected`` of ``import.yml``; its problems are added to a list."""
    if section is None:
        return {}
    if not isinstance(section, Mapping) or not all(isinstance(listed, list) for listed in section.values()):
        problems.append(Phrase("data.expected_section", file=file, found=section))
        return {}
    dated = [name for name, table in TABLES.items() if table.scope]
    for owner, listed in section.items():
        problems += [
            Phrase("data.expected_table", file=file, owner=owner, name=name, hint=did_you_mean(name, dated))
            for name in listed
            if name not in dated
        ]
    return {str(owner): tuple(map(str, listed)) for owner, listed in section.items()}


def covered_tables(store: Store) -> dict[str, tuple[str, ...]]:
    """The tables that each account or brand has days of, where there are no params."""
    if not store.has_coverage:
        return {}
    rows = store.frame("coverage")
    pairs = {(str(row.scope), covered_table(str(row.table))) for row in rows.itertuples()}
    pairs = {pair for pair in pairs if pair[1] not in _OPTIONAL}
    return {owner: tuple(name for other, name in sorted(pairs) if other == owner) for owner, _ in pairs}


def status(
    store: Store,
    expected: Mapping[str, Sequence[str]],
    months: Sequence[Period],
    accepted: Mapping[str, list[str]] | None = None,
    minimum: float = 0.9,
) -> list[Row]:
    """The state of each expected table.

    Parameters
    ----------
    store : Store
    expected : mapping of str to sequence of str
        Tables by account or brand.
    months : sequence of Period
    accepted : mapping of str to list of str, optional
        Days of an account whose counts are accepted, though they look doubtful.
    minimum : float
        The share of a month's days that is enough for its KPIs.
    """
    covered = store.covered(expected)
    sums = store.frame("totals") if "totals" in store.sources else None
    odd = _doubtful_days(store, list(expected), accepted or {})
    rows = []
    for owner, tables in expected.items():
        for table in tables:
            windows = [
                window
                for name in (table, *_STANDS_FOR.get(table, ()))
                for window in covered.get(name, {}).get(owner, [])
            ]
            if sums is not None and table in _MEASURES:
                own = sums[(sums["account_id"] == owner) & (sums["measure"] == _MEASURES[table])]
                windows += [(as_date(row.since), as_date(row.until)) for row in own.itertuples()]
            bad = set(odd.get(owner, [])) if table == "audience" else set()
            states = {}
            for month in months:
                span = _open_days(store, owner, month)
                doubt = any(month.start <= day < month.end for day in bad)
                states[month] = State.DOUBTFUL if doubt else _state(table, span, windows, minimum)
            rows.append(Row(owner, table, states, *_named(store, owner)))
    return rows


def _named(store: Store, owner: str) -> tuple[str, str]:
    """The title and platform of an account; of a brand its name and nothing."""
    if owner not in store.accounts.index:
        return owner, ""
    account = store.accounts.loc[owner]
    return str(account["title"]), str(account["platform"])


def last_months(
    loaded: Params | None,
    store: Store,
    last: Period,
    expected: Mapping[str, Sequence[str]] | None = None,
) -> list[Row]:
    """The state of each table in a month and the two before.

    Parameters
    ----------
    loaded : Params or None
        Without params the tables that were ever imported are expected.
    store : Store
    last : Period
    expected : mapping of str to sequence of str, optional
        Tables that are expected of an account or brand instead.
    """
    of_kpis = covered_tables(store) if loaded is None else expected_tables(loaded, store)
    months = last.history(MONTHS)
    if loaded is None:
        return status(store, {**of_kpis, **(expected or {})}, months)
    settings = loaded.department
    rows = status(
        store, {**of_kpis, **(expected or {})}, months, settings.audience.accepted, settings.coverage.minimum
    )
    return [
        row if row.platform else replace(row, title=settings.brands.get(row.owner, row.title)) for row in rows
    ]


def _state(table: str, span: Window, windows: Sequence[Window], minimum: float) -> State:
    first, end = span
    days = {day for day in _days(first, end) if any(since <= day < until for since, until in windows)}
    total = (end - first).days
    if total <= 0:
        return State.NOT_EXPECTED
    if not days:
        return State.MISSING
    # counts of subscribers are needed at the ends of months alone
    enough = len(days) >= minimum * total or (table == "audience" and end - dt.timedelta(days=1) in days)
    return State.HERE if enough else State.PARTIAL


def _days(first: dt.date, end: dt.date) -> Iterator[dt.date]:
    for number in range(max((end - first).days, 0)):
        yield first + dt.timedelta(days=number)


def _open_days(store: Store, owner: str, month: Period) -> Window:
    """The days of a month on which an account was open."""
    if owner not in store.accounts.index:
        return month.start, month.end
    closed = store.accounts.loc[owner, "closed"]
    end = as_date(closed) if isinstance(closed, dt.datetime) and closed == closed else month.end
    return max(month.start, store.opened.get(owner, month.start)), min(month.end, end)


def _doubtful_days(
    store: Store, owners: Sequence[str], accepted: Mapping[str, list[str]]
) -> dict[str, list[dt.date]]:
    """Days with counts of subscribers that are not plausible, by account."""
    rows = store.frame("audience", "account_id IN (SELECT unnest(?))", [list(owners)])
    marked = rows[doubtful(rows, accepted)]
    days: dict[str, list[dt.date]] = {}
    for account, day in zip(marked["account_id"], marked["date"].dt.date, strict=True):
        days.setdefault(str(account), []).append(day)
    return days


def last_month(store: Store, today: dt.date) -> Period:
    """The last full month of the calendar; of older data the last one that they cover."""
    calendar = Period.containing(today, Grain.MONTH).previous
    if store.covered_until is None:
        return calendar
    data = Period.containing(store.covered_until, Grain.MONTH).previous
    return calendar if data >= calendar.previous.previous else data
