"""Small random agencies, seeded: gaps, unknowns, handovers, absences, every table, odd coverage."""

from __future__ import annotations

import csv
import datetime as dt
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from kpi_kit.kpis import CATALOGUE
from tests.builders import write_params

Row = dict[str, Any]
Begins = dict[str, dt.date]

PEOPLE = ("ann", "bob")
ACCOUNTS = {"vk1": "vk", "vk2": "vk", "tg1": "telegram", "dz1": "dzen"}
BRANDS = ("X", "Y")
FIRST, LAST = dt.date(2023, 12, 1), dt.date(2025, 5, 1)
PERIODS = ("2025-03", "2025-02", "2025-W10", "2025-Q1")
TEXTS = (
    "Подскажите, есть доставка в Тверь?",
    "👍 круто",
    "заходи ко мне в гости скорее",
    "nice one",
    "I really like this blend",
    None,
)
MAY_BE_ABSENT = {
    "audience": "joined left",
    "posts": "views likes comments reposts on_brand stats_at deleted_at",
    "post_stats": "views likes comments reposts",
    "comments": "text meaningful",
    "inquiries": "answered_at",
    "leads": "qualified sold_at sale_amount currency refunded_at",
    "traffic": "",
    "brand_queries": "",
    "mentions": "platform sentiment by_brand",
    "plan": "post_id approved_at cancelled_at",
}
"""Tables that may be absent altogether, each with the columns that may be."""

DAY, HOUR, MINUTE = dt.timedelta(days=1), dt.timedelta(hours=1), dt.timedelta(minutes=1)


def write_agency(folder: Path, seed: int) -> tuple[str, str | None]:
    """Write ``data/`` and ``params/``; the period and the cut-off that fit them."""
    chance = random.Random(seed)
    period = PERIODS[seed % len(PERIODS)]
    as_of = (None, None, "2025-03-07T12:00:00+03:00", "2025-04-03T23:30:00+03:00")[(seed // len(PERIODS)) % 4]
    tables = dict(_tables(chance))
    (folder / "data").mkdir(parents=True)
    for name, rows in tables.items():
        _write(folder / "data" / f"{name}.csv", rows, chance)
    if chance.random() < 0.8:
        _write(folder / "data" / "coverage.csv", list(_coverage(chance, tables)), chance)
    write_params(folder / "params", _department(chance), {who: _person(chance, who, as_of) for who in PEOPLE})
    return period, as_of


def leave_gaps(folder: Path, seed: int) -> None:
    """Take tables and columns from the agency in a folder, and narrow what its entries are about."""
    chance = random.Random(-seed - 1)
    for name in MAY_BE_ABSENT:
        file = folder / "data" / f"{name}.csv"
        if chance.random() < 0.08:
            file.unlink()
            continue
        with file.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        absent = {column for column in MAY_BE_ABSENT[name].split() if chance.random() < 0.1}
        _write(file, [{key: row[key] for key in row if key not in absent} for row in rows], chance)
    yaml = YAML(typ="safe", pure=True)
    for file in sorted((folder / "params" / "specialists").glob("*.yml")):
        person = yaml.load(file.read_text(encoding="utf-8"))
        held = [item if isinstance(item, str) else item["account"] for item in person["accounts"]]
        for entry in person["kpis"]:
            if not entry["kpi"].startswith("brand_"):
                entry |= _narrowed(chance, held)
        with file.open("w", encoding="utf-8") as stream:
            yaml.dump(person, stream)


def _narrowed(chance: random.Random, held: list[str]) -> Row:
    if chance.random() < 0.4:
        return {"accounts": chance.sample(held, chance.randrange(1, len(held) + 1))}
    return {"platforms": [ACCOUNTS[chance.choice(held)]]} if chance.random() < 0.6 else {}


def _write(file: Path, rows: list[Row], chance: random.Random) -> None:
    chance.shuffle(rows)
    names = [name for name in rows[0] if not name.startswith("_")]
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, names, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def _tables(chance: random.Random) -> Iterator[tuple[str, list[Row]]]:
    # an account opened in the middle of an earlier period is a known difference: on a 1st it is in none
    opened = {name: chance.choice([None, None, "2020-01-01", "2025-01-01"]) for name in ACCOUNTS}
    yield (
        "accounts",
        [{"account_id": a, "platform": p, "title": a, "opened": opened[a]} for a, p in ACCOUNTS.items()],
    )
    begins = {a: max(FIRST, dt.date.fromisoformat(opened[a] or "2020-01-01")) for a in ACCOUNTS}
    yield "audience", [row for a in ACCOUNTS for row in _audience(chance, a, begins[a])]
    posts = [row for a in ACCOUNTS for row in _posts(chance, a, begins[a])]
    yield "posts", posts
    none = {"account_id": posts[0]["account_id"], "post_id": "none", "stats_at": "2025-01-01T00:00"}
    yield "post_stats", list(_post_stats(chance, posts)) or [none]
    yield "comments", list(_comments(chance, posts, begins))
    yield "inquiries", list(_inquiries(chance, begins))
    yield "leads", list(_leads(chance, begins))
    yield "traffic", [
        {"date": d, "account_id": a, "visits": chance.randrange(9)}
        for a in ACCOUNTS for d in _days(begins[a], LAST) if chance.random() < 0.8
    ]  # fmt: skip
    yield "brand_queries", list(_queries(chance))
    yield "mentions", list(_mentions(chance))
    yield "plan", list(_plan(chance, posts))


def _days(since: dt.date, until: dt.date) -> Iterator[dt.date]:
    return (since + DAY * n for n in range((until - since).days))


def _maybe(chance: random.Random, unknown: float, value: Any) -> Any:
    return None if chance.random() < unknown else value


def _moment(chance: random.Random, since: dt.date = FIRST, until: dt.date = LAST) -> dt.datetime:
    """A moment in Moscow time, to the minute, now and then at midnight sharp."""
    minutes = chance.randrange((until - since).days * 24 * 60)
    if chance.random() < 0.05:
        minutes -= minutes % (24 * 60)
    return dt.datetime.combine(since, dt.time()) + minutes * MINUTE


def _spelled(chance: random.Random, moment: dt.datetime | None) -> str | None:
    """The same instant as naive local time, with its offset, or in UTC."""
    if moment is None:
        return None
    return chance.choice(
        [moment.isoformat(), f"{moment.isoformat()}+03:00", f"{(moment - 3 * HOUR).isoformat()}Z"]
    )


def _audience(chance: random.Random, account: str, begins: dt.date) -> Iterator[Row]:
    people = chance.randrange(80, 900)
    gap_until, flows_known = FIRST, chance.random() < 0.8
    for day in _days(begins, LAST):
        joined, left = chance.randrange(6), chance.randrange(5)
        people += joined - left
        if day < gap_until:
            continue
        if chance.random() < 0.02:
            gap_until = day + DAY * chance.choice([2, 6, 7, 8, 9, 12, 20])
            continue
        joined, left = ((_maybe(chance, 0.03, flow) if flows_known else None) for flow in (joined, left))
        yield {"date": day, "account_id": account, "subscribers": people, "joined": joined, "left": left}


def _posts(chance: random.Random, account: str, begins: dt.date) -> Iterator[Row]:
    for number in range(chance.choice([60, 160])):
        at = _moment(chance, begins)
        age = chance.choice([3 * DAY, 7 * DAY, 7 * DAY - MINUTE, 20 * DAY, 40 * DAY])
        yield {
            "post_id": f"{account}-{number}",
            "account_id": account,
            "published_at": _spelled(chance, at),
            "views": _maybe(chance, 0.04, chance.randrange(500)),
            "likes": _maybe(chance, 0.04, chance.randrange(50)),
            "comments": _maybe(chance, 0.02, chance.randrange(9)),
            "reposts": _maybe(chance, 0.02, chance.randrange(9)),
            "on_brand": _maybe(chance, 0.08, chance.random() < 0.8),
            "stats_at": _spelled(chance, _maybe(chance, 0.05, at + age)),
            "deleted_at": _spelled(chance, _maybe(chance, 0.95, at + 30 * DAY)),
            "_at": at,
        }


def _post_stats(chance: random.Random, posts: list[Row]) -> Iterator[Row]:
    wanted = chance.choice([0.0, 0.3, 0.9])
    for post in posts:
        if chance.random() > wanted:
            continue
        for days in sorted(chance.sample([1, 3, 6, 7, 8, 15], chance.randrange(1, 4))):
            figures = {name: chance.randrange(99) for name in ("views", "likes", "comments", "reposts")}
            yield {
                "account_id": post["account_id"],
                "post_id": post["post_id"],
                "stats_at": _spelled(chance, post["_at"] + days * DAY),
                **figures,
            }


def _comments(chance: random.Random, posts: list[Row], begins: Begins) -> Iterator[Row]:
    for number in range(700):
        post = chance.choice(posts)
        yield {
            "comment_id": f"c{number}",
            "post_id": post["post_id"],
            "account_id": post["account_id"],
            "created_at": _spelled(chance, _moment(chance, begins[post["account_id"]])),
            "by_brand": _maybe(chance, 0.1, chance.random() < 0.2),
            "text": chance.choice(TEXTS),
            "meaningful": _maybe(chance, 0.6, chance.random() < 0.5),
        }


def _inquiries(chance: random.Random, begins: Begins) -> Iterator[Row]:
    slow = chance.choice([1, 1, 30])
    for number in range(500):
        account = chance.choice(list(ACCOUNTS))
        at = _moment(chance, begins[account])
        wait = chance.choice([24 * HOUR, 24 * HOUR + MINUTE, MINUTE * chance.randrange(2000), slow * DAY])
        yield {
            "inquiry_id": f"q{number}",
            "account_id": account,
            "kind": chance.choice(["comment", "message", "review"]),
            "received_at": _spelled(chance, at),
            "answered_at": _spelled(chance, _maybe(chance, 0.2, at + wait)),
        }


def _leads(chance: random.Random, begins: Begins) -> Iterator[Row]:
    for number in range(600):
        account = chance.choice(list(ACCOUNTS))
        at = _moment(chance, begins[account])
        sold = _maybe(chance, 0.6, at + DAY * chance.randrange(90))
        yield {
            "lead_id": f"l{number}",
            "account_id": account,
            "created_at": _spelled(chance, at),
            "qualified": _maybe(chance, 0.3, chance.random() < 0.5),
            "sold_at": _spelled(chance, sold),
            "sale_amount": None if sold is None else _maybe(chance, 0.04, chance.randrange(1, 9000)),
            "currency": None if sold is None else _maybe(chance, 0.1, "RUB"),
            "refunded_at": _spelled(chance, None if sold is None else _maybe(chance, 0.9, sold + 20 * DAY)),
        }


def _queries(chance: random.Random) -> Iterator[Row]:
    for brand in BRANDS:
        for phrase in ("дом", "сад", "дом отзывы")[: chance.randrange(1, 4)]:
            by_week, gap = chance.random() < 0.3, chance.choice([0.0, 0.0, 0.04])
            for since, until in [*_months(), *(_weeks() if by_week else ())]:
                if chance.random() >= gap:
                    yield {
                        "since": since,
                        "until": until,
                        "brand": brand,
                        "phrase": phrase,
                        "queries": chance.randrange(999),
                    }


def _months() -> Iterator[tuple[dt.date, dt.date]]:
    for month in range((LAST.year - FIRST.year) * 12 + LAST.month - FIRST.month):
        index = FIRST.month - 1 + month
        yield (
            dt.date(FIRST.year + index // 12, index % 12 + 1, 1),
            dt.date(FIRST.year + (index + 1) // 12, (index + 1) % 12 + 1, 1),
        )


def _weeks() -> Iterator[tuple[dt.date, dt.date]]:
    monday = FIRST + DAY * (-FIRST.weekday() % 7)
    while monday + 7 * DAY <= LAST:
        yield monday, monday + 7 * DAY
        monday += 7 * DAY


def _mentions(chance: random.Random) -> Iterator[Row]:
    for number in range(500):
        yield {
            "mention_id": f"m{number}",
            "brand": chance.choice(BRANDS),
            "mentioned_at": _spelled(chance, _moment(chance)),
            "platform": _maybe(chance, 0.03, chance.choice(["vk", "telegram", "other"])),
            "sentiment": _maybe(chance, 0.05, chance.choice(["positive", "neutral", "negative"])),
            "by_brand": _maybe(chance, 0.2, chance.random() < 0.2),
        }


def _plan(chance: random.Random, posts: list[Row]) -> Iterator[Row]:
    for number, post in enumerate(posts):
        due = post["_at"] + chance.choice([DAY, MINUTE, -HOUR, -HOUR - MINUTE, 30 * MINUTE, -DAY, HOUR])
        yield {
            "plan_id": f"n{number}",
            "account_id": post["account_id"],
            "due_at": _spelled(chance, due),
            "approved": chance.random() < 0.95,
            "post_id": _maybe(chance, 0.05, post["post_id"]),
            "approved_at": _spelled(
                chance, _maybe(chance, 0.3, due + chance.choice([-DAY, -DAY, 2 * DAY, 0 * DAY]))
            ),
            "cancelled_at": _spelled(chance, _maybe(chance, 0.9, due + chance.choice([-DAY, DAY, 0 * DAY]))),
        }


def _coverage(chance: random.Random, tables: dict[str, list[Row]]) -> Iterator[Row]:
    for table in tables:
        if table in ("accounts", "post_stats"):
            continue
        for scope in BRANDS if table in ("brand_queries", "mentions") else ACCOUNTS:
            if chance.random() < 0.05:
                continue
            until = chance.choice([LAST, LAST, LAST, dt.date(2025, 3, 29)])
            if chance.random() < 0.15:  # a hole of some days
                hole = dt.date(2025, 1, 1) + DAY * chance.randrange(80)
                yield {"table": table, "scope": scope, "since": FIRST, "until": hole}
                yield {
                    "table": table,
                    "scope": scope,
                    "since": hole + DAY * chance.randrange(1, 6),
                    "until": until,
                }
            else:
                yield {"table": table, "scope": scope, "since": FIRST, "until": until}


def _department(chance: random.Random) -> Row:
    response: Row = {"sla_hours": chance.choice([24, 4])}
    if chance.random() < 0.3:
        response = {"calendar": "business", "sla_hours": 9}
    return {
        "history": {"periods": 3, "weeks": 0},
        "response": response,
        "posts": {"settle_days": chance.choice([7, 7, 3])},
        "scoring": {"not_assessable": chance.choice(["reweight", "zero", "hold"])},
    }


def _person(chance: random.Random, who: str, as_of: str | None) -> Row:
    # of an account that is handed over only after the cut-off the oracle expects a level, the package nothing
    span = 60 if as_of is None or as_of > "2025-04" else 30
    accounts: list[Any] = []
    for name in ACCOUNTS:
        cut = dt.date(2025, 2, 1) + DAY * chance.randrange(span)
        held = chance.choice(["all", "all", "since", "until", "both", "not"])
        if held == "all":
            accounts.append(name)
        elif held in ("since", "until"):
            accounts.append({"account": name, held: cut})
        elif held == "both":
            accounts.append({"account": name, "since": cut, "until": cut + DAY * chance.randrange(1, 30)})
    person: Row = {
        "accounts": accounts or ["vk1"],
        "brands": list(BRANDS[: chance.randrange(1, 3)]),
        "kpis": list(_entries(chance)),
    }
    if chance.random() < 0.5:
        since = dt.date(2025, 2, 20) + DAY * chance.randrange(30)
        deputy = chance.choice([None, *(name for name in PEOPLE if name != who)])
        absence = {"since": since, "until": since + DAY * chance.randrange(1, 15)}
        person["absences"] = [absence | ({"deputy": deputy} if deputy else {})]
    if chance.random() < 0.7:
        person["bonus"] = {"share_of_sales": 0.02} | ({"cap": 300} if chance.random() < 0.5 else {})
    return person


def _entries(chance: random.Random) -> Iterator[Row]:
    for name in CATALOGUE:
        for as_, versus in (
            ("value", "previous"),
            ("change", "previous"),
            ("growth", chance.choice(["previous", "year_ago"])),
        ):
            if as_ != "value" and chance.random() < 0.4:
                continue
            target = _target(chance, name, as_)
            yield {
                "kpi": name,
                "as": as_,
                "versus": versus,
                "target": target,
                "weight": chance.choice([5, 10]),
            }
    yield {
        "kpi": "brand_mentions",
        "brands": ["X"],
        "sentiment": ["positive", "neutral"],
        "target": {"at_least": 3},
        "weight": 5,
    }


def _target(chance: random.Random, name: str, as_: str) -> Row:
    kpi = CATALOGUE[name]
    if kpi.bounded:
        return {"at_most": 0.3, "worst": 0.6} if kpi.better == "lower" else {"at_least": 0.9, "worst": 0.5}
    target: Row = chance.choice([{"at_least": 12}, {"at_most": 20}, {"between": [10, 400]}])
    if kpi.accruing and as_ != "growth":
        target = {**target, "per": chance.choice(["week", "month", "quarter", "year"])}
    return target
