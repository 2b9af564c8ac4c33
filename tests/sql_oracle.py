"""A third reading of the design, in SQL: the facts of every KPI from the canonical tables.

The SQL in ``tests/sql/`` was written from the design, and from the notes on how it is read where it is
silent, without the formulas of the package or of ``tests/oracle.py``; DuckDB runs it. This module only loads
the cells as text, binds the params and names the working hours. Targets, attainment and payout are not
computed: ``tests/oracle.py`` does that.

    measure(Path("data/sample"), Path("params"), "2025-10")["anna-petrova"].kpis
"""

from __future__ import annotations

import csv
import datetime as dt
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import holidays
from ruamel.yaml import YAML

HERE = Path(__file__).parent / "sql"
FILES = (
    "01_tables", "02_periods", "doubtful", "03_coverage", "own_rows", "04_asks", "audience", "increments",
    "engagement", "rates", "sales", "demand", "content", "conversations", "response", "totals", "results",
)  # fmt: skip
SCRIPT = "\n".join((HERE / f"{name}.sql").read_text(encoding="utf-8") for name in FILES)

COLUMNS = {
    "accounts": "account_id platform opened closed",
    "audience": "date account_id subscribers joined left",
    "posts": "post_id account_id published_at views likes comments reposts on_brand stats_at deleted_at",
    "post_increments": "account_id post_id since until views likes comments reposts",
    "post_stats": "account_id post_id stats_at views likes comments reposts",
    "comments": "comment_id account_id created_at by_brand text meaningful",
    "messages": "account_id dialog_id message_id kind at by_brand author reply_to automatic closing",
    "inquiries": "inquiry_id account_id kind received_at answered_at",
    "leads": "source lead_id account_id status created_at qualified sold_at sale_amount currency refunded_at",
    "traffic": "date account_id visits",
    "brand_queries": "since until brand phrase queries",
    "mentions": "mention_id brand mentioned_at platform sentiment by_brand",
    "plan": "plan_id account_id due_at approved post_id on_brand approved_at cancelled_at",
    "totals": "account_id measure since until value",
    "coverage": "table scope since until",
}
HOUR = 3_600_000_000  # in microseconds


@dataclass
class Card:
    """What SQL says of one person: a record for each entry, and the standing of the period."""

    as_of: str
    interim: bool
    preliminary: bool
    kpis: list[dict[str, Any]] = field(default_factory=list)


def measure(
    data: Path,
    params: Path,
    period: str,
    as_of: str | None = None,
    *,
    spam: Path | None = None,
    people: Collection[str] | None = None,
) -> dict[str, Card]:
    """Every figure of these people, by default of everybody."""
    with duckdb.connect() as db:
        department = _read(params / "department.yml")
        db.execute("SET threads = 1")
        db.execute(f"SET TimeZone = '{department.get('timezone', 'Europe/Moscow')}'")
        for table in COLUMNS:
            _load(db, data / f"{table}.csv", table)
        there = [(table,) for table in COLUMNS if (data / f"{table}.csv").exists()]
        _fill(db, "present(tbl VARCHAR)", there)
        _bind(db, department, period, as_of, (data / "coverage.csv").exists())
        _rates(db, params / "rates.csv")
        everybody = {file.stem: _read(file) for file in sorted((params / "specialists").glob("*.yml"))}
        _people(db, everybody, everybody if people is None else people)
        _fill(db, "spam(phrase VARCHAR)", [(phrase,) for phrase in _phrases(spam)])
        db.execute(SCRIPT)
        return _cards(db)


def _read(file: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8"))
    return loaded


def _phrases(file: Path | None) -> list[str]:
    if file is None:
        return []
    lines = (line.strip() for line in file.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _load(db: duckdb.DuckDBPyConnection, file: Path, table: str) -> None:
    """Cells as text; columns and tables that are absent have none."""
    there: list[str] = []
    if file.exists():
        with file.open(encoding="utf-8", newline="") as stream:
            there = next(csv.reader(stream))
    cells = ", ".join(
        f'"{name}"' if name in there else f'CAST(NULL AS VARCHAR) AS "{name}"'
        for name in COLUMNS[table].split()
    )
    source = "range(0)"
    if file.exists():
        kinds = ", ".join(f"'{name}': 'VARCHAR'" for name in there)
        source = f"read_csv('{file}', header = true, auto_detect = false, delim = ',', quote = '\"', "
        source += f"escape = '\"', nullstr = '', columns = {{{kinds}}})"
    db.execute(f"CREATE TABLE raw_{table} AS SELECT {cells} FROM {source}")


def _fill(db: duckdb.DuckDBPyConnection, table: str, rows: list[tuple[Any, ...]]) -> None:
    db.execute(f"CREATE TABLE {table}")
    if rows:
        marks = ", ".join("?" * len(rows[0]))
        db.executemany(f"INSERT INTO {table.split('(')[0]} VALUES ({marks})", rows)


def _bind(
    db: duckdb.DuckDBPyConnection, department: dict[str, Any], period: str, as_of: str | None, covered: bool
) -> None:
    posts, response = department.get("posts") or {}, department.get("response") or {}
    grain, start, end = _bounds(period)
    _fill(
        db,
        "department(grain VARCHAR, start_ DATE, end_ DATE, as_of VARCHAR, has_coverage BOOLEAN, "
        "minimum DECIMAL(9, 6), settle_days INTEGER, tolerance_us BIGINT, sla_us BIGINT, periods INTEGER, "
        "tolerance INTEGER, currency VARCHAR, automatic_us BIGINT)",
        [
            (
                *(grain, start, end, as_of, covered),
                (department.get("coverage") or {}).get("minimum", 0.9),
                posts.get("settle_days", 7),
                round(posts.get("on_time_tolerance_hours", 1) * HOUR),
                round(response.get("sla_hours", 24) * HOUR),
                (department.get("history") or {}).get("periods", 13),
                (department.get("audience") or {}).get("tolerance_days", 2),
                department.get("currency", "RUB"),
                round(response.get("automatic_within_seconds", 5) * 1_000_000),
            )
        ],
    )
    accepted = (department.get("audience") or {}).get("accept") or {}
    days = [(account, day) for account, listed in accepted.items() for day in listed]
    _fill(db, "accepted(account_id VARCHAR, day DATE)", days)
    zone = ZoneInfo(department.get("timezone", "Europe/Moscow"))
    db.execute("CREATE TABLE shifts(opens BIGINT, closes BIGINT)")
    db.execute(f"INSERT INTO shifts VALUES {', '.join(map(str, _shifts(response, zone)))}")


def _rates(db: duckdb.DuckDBPyConnection, file: Path) -> None:
    """The exchange rates by day."""
    rows: list[tuple[Any, ...]] = []
    if file.exists():
        with file.open(encoding="utf-8", newline="") as stream:
            rows = [(row["date"], row["currency"], float(row["rate"])) for row in csv.DictReader(stream)]
    _fill(db, "rates(day DATE, currency VARCHAR, rate DOUBLE)", rows)


def _bounds(period: str) -> tuple[str, dt.date, dt.date]:
    year = int(period[:4])
    if found := re.fullmatch(r"\d{4}-W(\d\d)", period):
        monday = dt.date.fromisocalendar(year, int(found[1]), 1)
        return "week", monday, monday + dt.timedelta(days=7)
    first, length, grain = 1, 12, "year"
    if found := re.fullmatch(r"\d{4}-Q(\d)", period):
        first, length, grain = 3 * int(found[1]) - 2, 3, "quarter"
    elif found := re.fullmatch(r"\d{4}-(\d\d)", period):
        first, length, grain = int(found[1]), 1, "month"
    after = first + length
    end = dt.date(year + 1, 1, 1) if after > 12 else dt.date(year, after, 1)
    return grain, dt.date(year, first, 1), end


def _shifts(response: dict[str, Any], zone: ZoneInfo) -> Iterator[tuple[int, int]]:
    """The working intervals in microseconds: all of the time, or working days.

    These are Monday to Friday but for public holidays, and days that were moved to a weekend.
    """
    if response.get("calendar", "always") == "always":
        yield 0, 10**18
        return
    since, until = dt.date(2022, 1, 1), dt.date(2027, 1, 1)
    closed = holidays.country_holidays(response.get("country", "RU"), years=range(since.year, until.year))
    week = _week(response.get("hours", [10, 19]))
    by_date = {dt.date.fromisoformat(str(key)): hours for key, hours in (response.get("days") or {}).items()}
    for number in range((until - since).days):
        day = since + dt.timedelta(days=number)
        hours = None
        if day in by_date:
            hours = by_date[day]
        elif closed.is_working_day(day):  # a transferred Saturday has Friday's hours
            moved = day.weekday() in closed.weekend
            hours = week.get(4) or week.get(day.weekday()) if moved else week.get(day.weekday())
        elif day not in closed:  # a weekend on which the agency works
            hours = week.get(day.weekday())
        if hours and hours != "off":
            midnight = dt.datetime.combine(day, dt.time(), zone)
            opens, closes = (midnight + dt.timedelta(hours=hour) for hour in hours)
            yield round(opens.timestamp()) * 1_000_000, round(closes.timestamp()) * 1_000_000


def _week(hours: Any) -> dict[int, Any]:
    """Working hours by weekday: ``[10, 19]``, or ``{mon-fri: [10, 19], sat: [11, 16]}``."""
    names = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    week: dict[int, Any] = {}
    for span, open_ in (hours if isinstance(hours, dict) else {"mon-fri": hours}).items():
        first, _, last = span.partition("-")
        week |= dict.fromkeys(range(names.index(first), names.index(last or first) + 1), open_)
    return week


def _people(
    db: duckdb.DuckDBPyConnection, everybody: dict[str, dict[str, Any]], asked: Collection[str]
) -> None:
    held, brands, absences, entries = [], [], [], []
    for who, person in everybody.items():
        for account in person.get("accounts") or []:
            item = account if isinstance(account, dict) else {"account": account}
            held.append((who, item["account"], item.get("since"), item.get("until")))
        brands += [(who, brand) for brand in person.get("brands") or []]
        absences += [
            (who, away.get("since"), away.get("until"), away.get("deputy"))
            for away in person.get("absences") or []
        ]
        if who not in asked:
            continue
        entries += [
            (
                *(who, number, entry["kpi"], entry.get("as", "value"), entry.get("versus", "previous")),
                *(entry.get(key) for key in ("accounts", "platforms", "brands", "sentiment")),
            )
            for number, entry in enumerate(person["kpis"])
        ]
    _fill(db, "assignments(person VARCHAR, account_id VARCHAR, since DATE, until_ DATE)", held)
    _fill(db, "brands(person VARCHAR, brand VARCHAR)", brands)
    _fill(db, "absences(person VARCHAR, since DATE, until_ DATE, deputy VARCHAR)", absences)
    _fill(
        db,
        "entries(person VARCHAR, entry INTEGER, kpi VARCHAR, form VARCHAR, versus VARCHAR, "
        "accounts VARCHAR[], platforms VARCHAR[], brands VARCHAR[], sentiment VARCHAR[])",
        entries,
    )


def _cards(db: duckdb.DuckDBPyConnection) -> dict[str, Card]:
    standing = db.execute(
        "SELECT strftime(as_of, '%Y-%m-%dT%H:%M:%S'), interim, preliminary FROM cutoff, standing"
    ).fetchall()[0]
    cards: dict[str, Card] = {}
    rows = db.execute("SELECT * FROM result ORDER BY person, entry")
    names = [column[0] for column in rows.description or ()]
    for row in rows.fetchall():
        record = dict(zip(names, row, strict=True)) | {"history": [], "accounts": {}}
        cards.setdefault(record["person"], Card(*standing)).kpis.append(record)
    for person, entry, _, value in db.execute("SELECT * FROM history ORDER BY nr DESC").fetchall():
        cards[person].kpis[entry]["history"].append(value)
    for person, entry, account, value in db.execute("SELECT * EXCLUDE reason FROM by_account").fetchall():
        cards[person].kpis[entry]["accounts"][account] = value
    return cards
