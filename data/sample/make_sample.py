"""Draw the sample data of the agency «Маяк»: seeded, synthetic, the same bytes on every run.

Six SMM specialists look after sixteen accounts of four clients on VK, Telegram, Dzen, OK and YouTube:
a coffee roaster (roastery), a maker of linen (linen), a school of English (school) and an operator of
short trips to the North (tours). The tables run from 2023-10-01 to 2025-11-30, in Moscow time.

`agency.yml` says how large everything is, `texts.yml` what people write, README.md what trouble is
planted where. Every table and account draws from a stream of its own, so that a change to one of them
leaves the others as they were.

    python data/sample/make_sample.py [--out DIR]
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from ruamel.yaml import YAML
from sample_days import (
    DAYS,
    END,
    MONTH,
    START,
    daily_counts,
    days_between,
    first_day,
    hours,
    in_office_hours,
    numbered,
    rhythm,
    stream,
    times_of,
)
from sample_posts import (
    PLAN_SINCE,
    SNAPSHOTS_SINCE,
    VIRAL,
    count_comments,
    finish_posts,
    make_comments,
    make_plan,
    make_post_stats,
    make_posts,
)

from kpi_kit.core.schema import TABLES

HERE = Path(__file__).parent
NAIVE = {"inquiries", "plan"}  # their exports give local time without an offset
TIMES = {"inquiries": "received_at", "mentions": "mentioned_at"}  # the others of the gaps have `date`

BOTS = {"account": "tg-roastery", "since": "2025-04-05", "joined": 700, "days": 3, "purged": 0.9}
INVITED = (310, 140, 60, 25)  # people who follow their channel's call into a new one, a day
ABSENCE = ("vk-roastery", "tg-roastery"), "2025-07-14", "2025-07-28", 2.0  # a deputy answers more slowly

KIDS_PHRASE, KIDS_SINCE = "вслух дети английский", pd.Timestamp("2025-05-01")
DAILY_PHRASE = "зерно и пар кофе", pd.Timestamp("2025-09-01")
WEEKLY_PHRASE = "вслух английский", pd.Timestamp("2025-09-01")  # a Monday
LATE_PHRASE = "зерно и пар кофе", "2025-11"  # its month is not published yet, its days are


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=HERE, help="folder that receives the CSV files")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    for name, frame in make_tables(load("agency.yml"), load("texts.yml")).items():
        frame.to_csv(out / f"{name}.csv", index=False, lineterminator="\n", encoding="utf-8")


def load(name: str) -> dict:
    return YAML(typ="safe").load((HERE / name).read_text(encoding="utf-8"))


def make_tables(agency: dict, texts: dict) -> dict[str, pd.DataFrame]:
    """All twelve tables, in the order of the design, ready to be written."""
    accounts, brands = agency["accounts"], agency["brands"]
    for account in accounts.values():
        account["demand"] = brands[account["brand"]]
    audience = make_audience(accounts)
    posts = make_posts(accounts, audience, texts)
    comments = make_comments(accounts, posts, texts)
    posts = count_comments(posts, comments)
    tables = {
        "accounts": make_accounts(accounts),
        "audience": audience,
        "posts": finish_posts(accounts, posts),
        "post_stats": make_post_stats(posts),
        "comments": comments,
        "inquiries": make_inquiries(accounts),
        "leads": make_leads(accounts),
        "traffic": make_traffic(accounts),
        "brand_queries": make_brand_queries(brands),
        "mentions": make_mentions(brands),
        "plan": make_plan(accounts, posts),
        "coverage": make_coverage(accounts, brands, agency["gaps"]),
    }
    for gap in agency["gaps"]:
        tables[gap["table"]] = without_gap(tables[gap["table"]], gap)
    return {
        name: write_times(in_order(name, frame), "" if name in NAIVE else "+03:00")
        for name, frame in tables.items()
    }


def in_order(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """The columns in the order of the data contract."""
    return frame[[column for column in TABLES[name].names if column in frame]]


# The tables


def make_accounts(accounts: dict) -> pd.DataFrame:
    rows = [
        (name, a["platform"], a["title"], f"https://{a['platform']}.example/{name}", a.get("opened"))
        for name, a in accounts.items()
    ]
    return pd.DataFrame(rows, columns=["account_id", "platform", "title", "url", "opened"])


def make_audience(accounts: dict) -> pd.DataFrame:
    frames = []
    for name, account in accounts.items():
        rng = stream("audience", name)
        joined = daily_counts(rng, account, account["joins"], weekend=0.85, holiday=0.65)
        unrest = rhythm(rng, {**account["demand"], "yearly": 0.0, "launches": []}, 0.95, 0.8)
        opened = np.flatnonzero(first_day(account) <= DAYS)[0]
        if account["start"] == 0:  # a new account starts with an invitation in its parent
            joined[opened : opened + len(INVITED)] += INVITED
        joined += extra_joined(name)
        left, subscribers, size = np.zeros_like(joined), np.zeros_like(joined), account["start"]
        purged = purged_bots(name)
        for day in range(opened, len(DAYS)):
            quits = rng.poisson(size * account["churn"] / MONTH * unrest[day]) if day > opened else 0
            left[day] = quits + purged[day]
            size += joined[day] - left[day]
            subscribers[day] = size
        frame = pd.DataFrame({"date": DAYS, "account_id": name, "subscribers": subscribers})
        known = account["platform"] != "dzen"  # Dzen's export has no joined and left
        frame["joined"] = pd.Series(joined if known else pd.NA, frame.index, "Int64")
        frame["left"] = pd.Series(left if known else pd.NA, frame.index, "Int64")
        frames.append(frame[opened:])
    return pd.concat(frames, ignore_index=True).sort_values(["date", "account_id"], ignore_index=True)


def extra_joined(name: str) -> np.ndarray:
    extra = np.zeros(len(DAYS), int)
    if name == BOTS["account"]:
        extra[days_from(BOTS["since"], BOTS["days"])] = BOTS["joined"]
    if name == VIRAL["account"]:
        extra[days_from(VIRAL["at"], 6)] = (240, 430, 260, 130, 80, 40)
    return extra


def purged_bots(name: str) -> np.ndarray:
    """Telegram removes most of the bots over the ten days after the wave."""
    purged = np.zeros(len(DAYS), int)
    if name == BOTS["account"]:
        total = BOTS["joined"] * BOTS["days"] * BOTS["purged"]
        purged[days_from(pd.Timestamp(BOTS["since"]) + pd.Timedelta(days=BOTS["days"] + 1), 10)] = total / 10
    return purged


def days_from(since: str | pd.Timestamp, number: int) -> slice:
    first = DAYS.get_loc(pd.Timestamp(since).normalize())
    return slice(first, first + number)


def make_inquiries(accounts: dict) -> pd.DataFrame:
    frames = []
    for name, account in accounts.items():
        if "inquiries" not in account:
            continue
        rng = stream("inquiries", name)
        received = times_of(rng, daily_counts(rng, account, account["inquiries"], weekend=0.9))
        kinds = rng.choice(["comment", "message", "review"], len(received), p=[0.3, 0.62, 0.08])
        answered = received + answering_delay(rng, name, account["reply"], received)
        frame = pd.DataFrame({"account_id": name, "kind": kinds, "received_at": received})
        kept = (rng.random(len(received)) > account["reply"]["forgotten"]) & (answered < END)
        frames.append(frame.assign(answered_at=pd.Series(answered).where(kept)))
    return number_rows(frames, "inquiry_id", "q", "received_at")


def answering_delay(
    rng: np.random.Generator, name: str, reply: dict, received: pd.DatetimeIndex
) -> pd.TimedeltaIndex:
    """Fast between 10 and 19; otherwise from the next morning, and at weekends perhaps from Monday."""
    clock = received.hour + received.minute / 60
    wait = np.select([clock < 10, clock >= 19], [10 - clock, 34 - clock], 0.0)
    at_weekend = (received.day_of_week >= 5) & (rng.random(len(received)) < reply["weekend"])
    wait = np.where(at_weekend, 24 * (7 - received.day_of_week) + 10 - clock, wait)
    work = reply["hours"] * 0.85 ** ((received - START).days / 365) * rng.lognormal(0, 1.1, len(received))
    absent, since, until, slower = ABSENCE
    if name in absent:
        work = np.where((received >= since) & (received < until), work * slower, work)
    return hours(wait + np.maximum(work, 1 / 60))


def make_leads(accounts: dict) -> pd.DataFrame:
    frames = []
    for name, account in accounts.items():
        if "leads" not in account:
            continue
        rng, demand = stream("leads", name), account["demand"]
        created = times_of(rng, daily_counts(rng, account, account["leads"], weekend=0.65, holiday=0.4))
        qualified = pd.Series(rng.random(len(created)) < demand["qualified"], dtype="boolean")
        paid = in_office_hours(rng, created + hours(24 * rng.gamma(1.6, 6.0, len(created))))
        sold = paid.where(paid > created, created + hours(np.full(len(created), 0.5)))
        bought = qualified & (rng.random(len(created)) < demand["sold"]) & (sold < END)
        refunded = in_office_hours(rng, sold + hours(24 * rng.uniform(1, 25, len(created))))
        returned = bought & (rng.random(len(created)) < 0.07) & (refunded < END)
        age = days_between(pd.Series(created), pd.Series(END, range(len(created))))
        waiting = rng.random(len(created)) < np.select([age < 10, age < 30], [0.6, 0.25], 0.015)
        amount = np.round(demand["check"] * rng.lognormal(0, 0.5, len(created)), -1).astype(int)
        untold = rng.random(len(created)) < 0.012
        columns = {
            "account_id": name,
            "created_at": created,
            "qualified": qualified.mask(waiting & ~bought),
            "sold_at": pd.Series(sold).where(bought),
            "sale_amount": pd.Series(amount, dtype="Int64").where(bought & ~untold),
            "currency": pd.Series("RUB", range(len(created))).where(bought),
            "refunded_at": pd.Series(refunded).where(returned),
            "status": np.where(bought, "won", "open"),
            "source": f"crm.{account['brand']}.example",
        }
        frames.append(pd.DataFrame(columns))
    return number_rows(frames, "lead_id", "l", "created_at")


def make_traffic(accounts: dict) -> pd.DataFrame:
    """A day without visits has no row: Metrica exports none."""
    frames = []
    for name, account in accounts.items():
        if "visits" in account:
            rng = stream("traffic", name)
            visits = daily_counts(rng, account, account["visits"], weekend=0.75, holiday=0.45)
            frame = pd.DataFrame({"date": DAYS, "account_id": name, "visits": visits})
            frames.append(frame.assign(visitors=rng.binomial(visits, 0.84)))
    traffic = pd.concat(frames)
    return traffic[traffic["visits"] > 0].sort_values(["date", "account_id"], ignore_index=True)


def make_brand_queries(brands: dict) -> pd.DataFrame:
    """Months for every phrase; weeks and days of the last months for some. They add up to the same days."""
    rows = []
    for brand, demand in brands.items():
        for phrase, monthly in demand["phrases"].items():
            rng = stream("queries", phrase)
            queries = pd.Series(rng.poisson(monthly / MONTH * rhythm(rng, demand, 0.85, 0.6)), DAYS)
            queries = queries[KIDS_SINCE if phrase == KIDS_PHRASE else START :]
            months = queries.resample("MS").sum()
            months = months[[(phrase, f"{m:%Y-%m}") != LATE_PHRASE for m in months.index]]
            rows += [(m, m + pd.DateOffset(months=1), brand, phrase, n) for m, n in months.items()]
            if phrase == WEEKLY_PHRASE[0]:
                weeks = queries[WEEKLY_PHRASE[1] :].resample("W-MON", label="left", closed="left").sum()
                rows += [(w, w + pd.Timedelta(days=7), brand, phrase, n) for w, n in weeks.items()]
            if phrase == DAILY_PHRASE[0]:
                days = queries[DAILY_PHRASE[1] :]
                rows += [(d, d + pd.Timedelta(days=1), brand, phrase, n) for d, n in days.items()]
    frame = pd.DataFrame(rows, columns=["since", "until", "brand", "phrase", "queries"])
    return frame.sort_values(["since", "until", "brand", "phrase"], ignore_index=True)


def make_mentions(brands: dict) -> pd.DataFrame:
    frames = []
    for brand, demand in brands.items():
        rng = stream("mentions", brand)
        at = times_of(rng, rng.poisson(demand["mentions"] / MONTH * rhythm(rng, demand, 0.85, 0.6)))
        platforms = ["vk", "telegram", "dzen", "ok", "youtube", "other"]
        feelings = rng.choice(["positive", "neutral", "negative"], len(at), p=[0.37, 0.5, 0.13])
        own = pd.Series(rng.random(len(at)) < 0.09, dtype="boolean")
        columns = {
            "brand": brand,
            "mentioned_at": at,
            "platform": rng.choice(platforms, len(at), p=[0.36, 0.24, 0.09, 0.08, 0.08, 0.15]),
            "sentiment": pd.Series(feelings).where(rng.random(len(at)) > 0.03),
            "by_brand": own.mask(rng.random(len(at)) < 0.04),
        }
        frames.append(pd.DataFrame(columns))
    return number_rows(frames, "mention_id", "m", "mentioned_at")


def make_coverage(accounts: dict, brands: dict, gaps: list[dict]) -> pd.DataFrame:
    """What was imported: everything that the accounts and brands have, less the gaps."""
    held_with = {"comments": "talk", "traffic": "visits"}  # the other tables are named as their rate
    since = {"post_stats": SNAPSHOTS_SINCE, "plan": PLAN_SINCE}
    rows = []
    for name, account in accounts.items():
        optional = ("comments", "inquiries", "leads", "traffic", "plan")
        held = ["audience", "posts", "post_stats", *(t for t in optional if held_with.get(t, t) in account)]
        rows += [(t, name, max(since.get(t, START), first_day(account))) for t in held]
    rows += [(table, brand, START) for table in ("brand_queries", "mentions") for brand in brands]
    parts = []
    for table, scope, since in rows:
        for gap in gaps:
            if gap["table"] == table and scope in gap["scopes"]:
                parts.append((table, scope, since, pd.Timestamp(gap["since"])))
                since = pd.Timestamp(gap["until"])
        parts.append((table, scope, since, END))
    frame = pd.DataFrame(parts, columns=["table", "scope", "since", "until"])
    return frame.sort_values(["table", "scope", "since"], ignore_index=True)


# Writing


def number_rows(frames: list[pd.DataFrame], key: str, prefix: str, time: str) -> pd.DataFrame:
    frame = pd.concat(frames).sort_values(time, kind="stable", ignore_index=True)
    frame.insert(0, key, numbered(prefix, len(frame)))
    return frame


def without_gap(frame: pd.DataFrame, gap: dict) -> pd.DataFrame:
    time = frame[TIMES.get(gap["table"], "date")]
    scope = frame["brand" if "brand" in frame else "account_id"]
    lost = scope.isin(gap["scopes"]) & (time >= str(gap["since"])) & (time < str(gap["until"]))
    return frame[~lost]


def write_times(frame: pd.DataFrame, offset: str) -> pd.DataFrame:
    """Dates as YYYY-MM-DD, times as ISO 8601, truth as true and false."""
    written = frame.copy()
    for column in frame.columns:
        values = frame[column]
        if column in ("date", "since", "until"):
            written[column] = values.dt.strftime("%Y-%m-%d")
        elif pd.api.types.is_datetime64_any_dtype(values):
            written[column] = values.dt.strftime("%Y-%m-%dT%H:%M:%S") + offset
        elif pd.api.types.is_bool_dtype(values):
            written[column] = values.astype("object").map({True: "true", False: "false"})
    return written


if __name__ == "__main__":
    main()
