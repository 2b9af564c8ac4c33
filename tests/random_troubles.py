"""Troubles that agencies have, added at random to an agency in a folder.

Counts that are not plausible or taken at ends of months only, accounts that close, lost leads, foreign
sales, conversations, increments of posts, totals in place of rows, working hours by weekday, late refunds,
milestones downward, posts that a later export lacks.
"""

from __future__ import annotations

import csv
import datetime as dt
import random
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

Row = dict[str, Any]
DAY = dt.timedelta(days=1)
FIRST, LAST = dt.date(2023, 12, 1), dt.date(2025, 5, 1)


def add_troubles(folder: Path, seed: int) -> None:
    """Change the data and params of a folder that ``write_agency`` made."""
    chance = random.Random(10_000 + seed)
    data = folder / "data"
    accounts = _read(data / "accounts.csv")
    closed = chance.choice(accounts)["account_id"] if chance.random() < 0.4 else None
    for row in accounts:
        row["closed"] = "2025-03-20" if row["account_id"] == closed else ""
    _write(data / "accounts.csv", accounts)
    names = [row["account_id"] for row in accounts]
    _audience(chance, data, names)
    _leads(chance, data)
    _plan(chance, data)
    _posts(chance, data)
    _messages(chance, data, names)
    _increments(chance, data)
    _totals(chance, data, names)
    _params(chance, folder / "params")
    if chance.random() < 0.5:
        _sheet(chance, data, chance.choice(names))


def _read(file: Path) -> list[Row]:
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _write(file: Path, rows: list[Row]) -> None:
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _audience(chance: random.Random, data: Path, names: list[str]) -> None:
    rows = _read(data / "audience.csv")
    monthly = chance.choice(names) if chance.random() < 0.4 else None
    kept = []
    for row in rows:
        day = dt.date.fromisoformat(row["date"])
        if row["account_id"] == monthly and (day + DAY).day != 1:
            continue
        if chance.random() < 0.01:
            factor = chance.choice([0, 0, 0.1, 0.4, 2.5, 9])
            row["subscribers"] = str(round(int(row["subscribers"]) * factor))
        kept.append(row)
    _write(data / "audience.csv", kept)


def _sheet(chance: random.Random, data: Path, account: str) -> None:
    """From some day on an account has only the counts of month ends, from a sheet that covers all months."""
    cut = (dt.date(2025, 1, 1) + chance.randrange(120) * DAY).isoformat()
    kept = []
    for row in _read(data / "audience.csv"):
        if row["account_id"] == account and row["date"] >= cut:
            if (dt.date.fromisoformat(row["date"]) + DAY).day != 1:
                continue
            row |= {"joined": "", "left": ""}
        kept.append(row)
    _write(data / "audience.csv", kept)
    if (data / "coverage.csv").exists():
        rows = _read(data / "coverage.csv")
        daily = [row for row in rows if (row["table"], row["scope"]) == ("audience", account)]
        others = [row for row in rows if row not in daily]
        daily = [row | {"until": min(row["until"], cut)} for row in daily if row["since"] < cut]
        sheet = {"table": "subscribers", "scope": account, "since": FIRST, "until": LAST}
        _write(data / "coverage.csv", [*others, *daily, sheet])


def _leads(chance: random.Random, data: Path) -> None:
    rows = _read(data / "leads.csv")
    foreign = chance.choice([0.0, 0.0, 0.01, 0.2])
    for row in rows:
        row["status"] = chance.choice(["", "won", "won", "open", "lost"])
        if row["sold_at"] and chance.random() < foreign:
            row["currency"] = "USD"
        if row["sold_at"] and chance.random() < 0.2:
            sold = dt.datetime.fromisoformat(row["sold_at"])
            row["refunded_at"] = (sold + chance.choice([2, 10, 40]) * DAY).isoformat()
    _write(data / "leads.csv", rows)


def _posts(chance: random.Random, data: Path) -> None:
    """Posts that a later export lacks are deleted at their publication."""
    rows = _read(data / "posts.csv")
    for row in rows:
        if chance.random() < 0.02:
            row["deleted_at"] = row["published_at"]
    _write(data / "posts.csv", rows)


def _plan(chance: random.Random, data: Path) -> None:
    rows = _read(data / "plan.csv")
    for row in rows:
        row["on_brand"] = chance.choice(["", "true", "false"])
    _write(data / "plan.csv", rows)


def _cover(data: Path, table: str, names: list[str]) -> None:
    """Add coverage of a table, where there is a table of coverage."""
    if (data / "coverage.csv").exists():
        rows = _read(data / "coverage.csv")
        rows += [{"table": table, "scope": name, "since": FIRST, "until": LAST} for name in names]
        _write(data / "coverage.csv", rows)


def _messages(chance: random.Random, data: Path, names: list[str]) -> None:
    if chance.random() < 0.3:
        return
    rows: list[Row] = []
    for dialog in range(60):
        account, at = (
            chance.choice(names),
            dt.datetime(2024, 12, 1) + dt.timedelta(hours=chance.randrange(3000)),
        )
        people = chance.choice([["u"], ["u"], [""], ["u", "v", "w"], ["u", "v", ""]])
        kind = chance.choice(["message", "message", "comment"])
        for number in range(chance.randrange(1, 12)):
            at += dt.timedelta(seconds=chance.choice([2, 5, 6, 600, 7200, 90_000, 259_200, 300_000]))
            by_brand = chance.random() < 0.45
            author = chance.choice(["", "smm"]) if by_brand else chance.choice(people)
            rows.append(
                {
                    "account_id": account,
                    "dialog_id": f"d{dialog}",
                    "message_id": str(9 + number),
                    "kind": kind,
                    "at": at.isoformat(),
                    "by_brand": by_brand,
                    "author": author,
                    "reply_to": str(9 + chance.randrange(number + 1)) if chance.random() < 0.3 else "",
                    "automatic": chance.choice(["", "", "", "true", "false"]) if by_brand else "",
                    "closing": "" if by_brand else chance.choice(["", "", "false", "true"]),
                }
            )
    _write(data / "messages.csv", rows)
    _cover(data, "messages", chance.sample(names, 2))


def _increments(chance: random.Random, data: Path) -> None:
    rows: list[Row] = []
    for post in chance.sample(_read(data / "posts.csv"), 30):
        begin = dt.date(2025, 1, 1) + DAY * chance.randrange(90)
        for _ in range(chance.randrange(1, 4)):
            end = begin + DAY * chance.choice([7, 10, 28])
            figures = {name: chance.choice(["", chance.randrange(-9, 99)]) for name in ("views", "likes")}
            rows.append(
                {"account_id": post["account_id"], "post_id": post["post_id"], "since": begin, "until": end}
                | figures
                | {"comments": "", "reposts": ""}
            )
            begin = end if chance.random() < 0.8 else end + DAY
    _write(data / "post_increments.csv", rows)


TOTALS = {
    "visits": "traffic",
    "leads": "leads",
    "qualified_leads": "leads",
    "sales": "leads",
    "sales_amount": "leads",
    "views": "posts",
    "likes": "posts",
    "posts": "posts",
    "left": "audience",
}
"""Measures of totals, with the table whose rows they stand for."""


def _totals(chance: random.Random, data: Path, names: list[str]) -> None:
    rows: list[Row] = []
    for measure in chance.sample(sorted(TOTALS), 2):
        account = chance.choice(names)
        _empty(chance, data, TOTALS[measure], account)
        months = [dt.date(2024 + month // 12, month % 12 + 1, 1) for month in range(17)]
        parts = list(zip(months, months[1:], strict=False))
        parts += [(since, since + 15 * DAY) for since in months] + [
            (since + 15 * DAY, until) for since, until in zip(months, months[1:], strict=False)
        ]
        rows += [
            {
                "account_id": account,
                "measure": measure,
                "since": since,
                "until": until,
                "value": chance.randrange(99),
            }
            for since, until in parts
            if chance.random() < 0.9
        ]
    _write(data / "totals.csv", rows)


def _empty(chance: random.Random, data: Path, table: str, account: str) -> None:
    """Take most rows of an account from a table, or all, and its coverage."""
    kept = chance.choice([0.0, 0.0, 0.02])
    rows = [
        row for row in _read(data / f"{table}.csv") if row["account_id"] != account or chance.random() < kept
    ]
    _write(data / f"{table}.csv", rows)
    if (data / "coverage.csv").exists():
        held = [
            row for row in _read(data / "coverage.csv") if (row["table"], row["scope"]) != (table, account)
        ]
        _write(data / "coverage.csv", held)


def _params(chance: random.Random, folder: Path) -> None:
    yaml = YAML(typ="safe", pure=True)
    file = folder / "department.yml"
    department = yaml.load(file.read_text(encoding="utf-8"))
    department["audience"] = {"tolerance_days": chance.choice([0, 1, 2, 3])}
    if chance.random() < 0.3:
        department["audience"]["accept"] = {"vk1": [dt.date(2025, 2, 1) + DAY * n for n in range(0, 60, 3)]}
    if department["response"].get("calendar") == "business" and chance.random() < 0.7:
        department["response"]["hours"] = {"mon-thu": [9, 18], "fri": [9, 17], "sat": [11, 16]}
        department["response"]["days"] = {dt.date(2025, 3, 8): [10, 12], dt.date(2025, 3, 12): "off"}
    with file.open("w", encoding="utf-8") as stream:
        yaml.dump(department, stream)
    for file in sorted((folder / "specialists").glob("*.yml")):
        person = yaml.load(file.read_text(encoding="utf-8"))
        if "bonus" in person:
            person["bonus"]["refunds"] = chance.choice(["report", "deduct"])
        start = {"value": 900, "on": dt.date(2024, 12, 31)}
        person["kpis"].append(
            {
                "kpi": "subscribers",
                "accounts": [_account(person["accounts"][0])],
                "target": {"at_most": 100, "by": dt.date(2025, 12, 31), "from": start},
                "weight": chance.choice([1e-9, 1, 1e9]),
            }
        )
        with file.open("w", encoding="utf-8") as stream:
            yaml.dump(person, stream)
    days = [dt.date(2024, 1, 1) + DAY * chance.randrange(480) for _ in range(chance.choice([5, 60]))]
    lines = [f"{day},USD,{chance.choice([80, 90.5])}" for day in sorted(set(days))]
    (folder / "rates.csv").write_text("\n".join(["date,currency,rate", *lines, ""]), encoding="utf-8")


def _account(held: Any) -> str:
    return str(held if isinstance(held, str) else held["account"])
