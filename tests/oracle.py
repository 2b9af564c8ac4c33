"""An independent second reading of the design: the scorecard, recomputed in plain Python.

This file was written from the design alone and shares no code with the package. It is slow, plain and
literal on purpose: where it and the package disagree, one of them has misread the design.

    evaluate(Path("data/sample"), Path("params"), "anna-petrova", "2025-10")

The words used below:

* a *day set* says on which dates an account counts for the person in a period;
* a *lens* is everything a KPI may look at: the data known at `as_of`, a period, and the day sets;
* a KPI is a small function from a lens to a `Sum`; `measure` adds coverage and the 10 % rule.

Choices made where the design can be read in two ways are marked `[n]`; the list is `CHOICES`, at the end.
"""

from __future__ import annotations

import csv
import re
import statistics
import sys
import unicodedata
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from functools import cached_property
from math import fsum
from pathlib import Path
from zoneinfo import ZoneInfo

import holidays
from ruamel.yaml import YAML

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
FRESH = 7  # days: how old a subscriber row may be to stand for a later day
UNKNOWN_AT_MOST = Fraction(1, 10)
LATER_FIGURES_ARE_UNKNOWN = False  # [3] "a value uses the figures in `posts`", also those taken after as_of

Days = frozenset[date]
Number = int | float


class OracleError(ValueError):
    """Data or params that the design refuses."""


# --------------------------------------------------------------------------------------------------
# Periods
# --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Span:
    """A month, quarter, ISO week or year: [start, end) in local dates."""

    label: str
    kind: str
    start: date
    end: date

    @classmethod
    def parse(cls, text: object) -> Span:
        text = str(text)
        if m := re.fullmatch(r"(\d{4})", text):
            year = int(m[1])
            return cls(text, "year", date(year, 1, 1), date(year + 1, 1, 1))
        if m := re.fullmatch(r"(\d{4})-Q([1-4])", text):
            year, quarter = int(m[1]), int(m[2])
            return cls(text, "quarter", date(year, 3 * quarter - 2, 1), _month_start(year, 3 * quarter + 1))
        if m := re.fullmatch(r"(\d{4})-W(\d{2})", text):
            monday = date.fromisocalendar(int(m[1]), int(m[2]), 1)
            return cls(text, "week", monday, monday + 7 * DAY)
        if m := re.fullmatch(r"(\d{4})-(\d{2})", text):
            year, month = int(m[1]), int(m[2])
            return cls(text, "month", date(year, month, 1), _month_start(year, month + 1))
        raise OracleError(f"no period: {text!r}")

    @classmethod
    def around(cls, day: date, kind: str) -> Span:
        """The period of this kind that holds the day."""
        if kind == "year":
            return cls.parse(f"{day.year:04}")
        if kind == "quarter":
            return cls.parse(f"{day.year:04}-Q{(day.month + 2) // 3}")
        if kind == "month":
            return cls.parse(f"{day.year:04}-{day.month:02}")
        if kind == "week":
            iso = day.isocalendar()
            return cls.parse(f"{iso.year:04}-W{iso.week:02}")
        raise OracleError(f"no kind of period: {kind!r}")

    @property
    def length(self) -> int:
        return (self.end - self.start).days

    @property
    def days(self) -> list[date]:
        return [self.start + i * DAY for i in range(self.length)]

    def previous(self) -> Span:
        return Span.around(self.start - DAY, self.kind)

    def year_ago(self) -> Span:
        """The same month, quarter or week number a year earlier [1]."""
        if self.kind == "week":
            iso = self.start.isocalendar()
            last = date(iso.year - 1, 12, 28).isocalendar().week  # 28 December is always in the last week
            return Span.parse(f"{iso.year - 1:04}-W{min(iso.week, last):02}")
        return Span.around(self.start.replace(year=self.start.year - 1), self.kind)

    def history(self, n: int) -> list[Span]:
        """The n periods that end with this one, oldest first."""
        spans = [self]
        while len(spans) < n:
            spans.append(spans[-1].previous())
        return spans[::-1]


def _month_start(year: int, month: int) -> date:
    return date(year + (month - 1) // 12, (month - 1) % 12 + 1, 1)


# --------------------------------------------------------------------------------------------------
# Reading
# --------------------------------------------------------------------------------------------------

KEYS = {
    "accounts": ["account_id"],
    "audience": ["date", "account_id"],
    "posts": ["account_id", "post_id"],
    "post_stats": ["account_id", "post_id", "stats_at"],
    "post_increments": ["account_id", "post_id", "since", "until"],
    "comments": ["account_id", "comment_id"],
    "messages": ["account_id", "dialog_id", "message_id"],
    "inquiries": ["account_id", "inquiry_id"],
    "leads": ["source", "lead_id"],
    "totals": ["account_id", "measure", "since", "until"],
    "traffic": ["date", "account_id"],
    "brand_queries": ["since", "until", "brand", "phrase"],
    "mentions": ["brand", "mention_id"],
    "plan": ["account_id", "plan_id"],
    "coverage": ["table", "scope", "since"],
}
DATES = {"date", "since", "until", "opened", "closed"}
TIMES = {
    "published_at",
    "stats_at",
    "deleted_at",
    "created_at",
    "received_at",
    "answered_at",
    "sold_at",
    "refunded_at",
    "mentioned_at",
    "due_at",
    "approved_at",
    "cancelled_at",
    "at",
}
NUMBERS = {
    "subscribers",
    "joined",
    "left",
    "views",
    "likes",
    "comments",
    "reposts",
    "reach",
    "visits",
    "visitors",
    "sale_amount",
    "queries",
    "value",
}
FLAGS = {"on_brand", "by_brand", "meaningful", "qualified", "approved", "automatic", "closing"}

# The column by which a row belongs to a day, and by which it is known or not yet known at `as_of`.
WHEN = {
    "audience": "date",
    "posts": "published_at",
    "comments": "created_at",
    "inquiries": "received_at",
    "leads": "created_at",
    "traffic": "date",
    "mentions": "mentioned_at",
    "plan": "due_at",
}


class Row(dict):
    """A table row; a missing column is unknown."""

    def __missing__(self, key: str) -> None:
        return None


def _cell(column: str, text: str | None, zone: ZoneInfo) -> object:
    text = (text or "").strip()
    if text == "":
        return None
    if column in DATES:
        return date.fromisoformat(text[:10])
    if column in TIMES:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    if column in NUMBERS:
        number = float(text)
        return int(number) if number.is_integer() else number
    if column in FLAGS:
        if text.lower() in {"true", "1", "yes"}:
            return True
        if text.lower() in {"false", "0", "no"}:
            return False
        raise OracleError(f"{column}: neither true nor false: {text!r}")
    return text


def read_table(folder: Path, name: str, zone: ZoneInfo) -> list[Row] | None:
    """The rows of a table, identical ones once; None where the table is absent."""
    path = folder / f"{name}.csv"
    if not path.exists():
        return None
    rows: dict[tuple, Row] = {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        for raw in csv.DictReader(file):
            row = Row({column: _cell(column, text, zone) for column, text in raw.items() if column})
            key = tuple(row[column] for column in KEYS[name])
            if key in rows and rows[key] != row:
                raise OracleError(f"{path}: two different rows with the key {key}")
            rows[key] = row
    return list(rows.values())


def read_yaml(path: Path) -> dict:
    return YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8")) or {}


def number(value: object) -> Number:
    """`3%` or `0.03`."""
    if isinstance(value, str):
        text = value.strip()
        if text.endswith("%"):
            return float(Fraction(text[:-1].strip()) / 100)
        return float(text)
    return value


def day(value: object) -> date | None:
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else date.fromisoformat(str(value)[:10])


# --------------------------------------------------------------------------------------------------
# The data as they were known at as_of
# --------------------------------------------------------------------------------------------------


@dataclass
class Book:
    """All tables, with everything that is timed after `as_of` made unknown."""

    tables: dict[str, list[Row] | None]
    zone: ZoneInfo
    as_of: datetime
    settle: timedelta
    tolerance: timedelta
    sla: timedelta
    minimum: float
    worked: Callable[[datetime, datetime], timedelta]
    phrases: list[str]
    count_tolerance: int = 2
    accepted: dict[str, list[date]] = field(default_factory=dict)
    automatic: timedelta = timedelta(seconds=5)
    currency: str = "RUB"
    rates: list[tuple[date, str, float]] = field(default_factory=list)
    index: dict[str, dict[str, tuple[list[date], list[Row]]]] = field(default_factory=dict)
    covered_cache: dict[tuple[str, str], Days] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.today = self.as_of.astimezone(self.zone).date()  # this day is not over yet [2]
        self.accounts = {row["account_id"]: row for row in self.tables.get("accounts") or []}
        known = {name: self._known(name) for name in WHEN}
        known["audience"] = self._credible(known["audience"])
        known["inquiries"] = self._inquiries(known["inquiries"], self._talk())
        sold = [
            Row(row, day=self.local(row["sold_at"]))
            for row in known["leads"]
            if row["sold_at"] is not None and row["status"] not in ("open", "lost")
        ]
        posts = {(row["account_id"], row["post_id"]): self._grown(row) for row in known["posts"]}
        self.live_posts = {
            key: row for key, row in posts.items() if not self.happened(row["deleted_at"])
        }  # "deleted posts (deleted_at <= as_of) count nowhere"
        known["posts"] = list(self.live_posts.values())
        for name, rows in known.items():
            self.index[name] = self._by_account(rows, "brand" if name == "mentions" else "account_id")
        self.index["sold"] = self._by_account(sold, "account_id")

    @cached_property
    def snapshots(self) -> dict[str, list[Row]]:
        found = defaultdict(list)
        for row in self.tables.get("post_stats") or []:
            if row["stats_at"] <= self.as_of:
                found[row["account_id"], row["post_id"]].append(row)
        return found

    def _credible(self, rows: list[Row]) -> list[Row]:
        """Doubtful counts are unknown, these rows alone [29]: 0 after more than 100, until the counts have
        stayed
        under half the old level for 14 days; more than double or under half (the larger over 100) that is
        back
        within 20 % inside 14 days. The last count that is not doubtful is the old level."""
        found = []
        for account in sorted({row["account_id"] for row in rows}):
            own = sorted((row for row in rows if row["account_id"] == account), key=lambda row: row["day"])
            level, wrong = None, set()
            for i, row in enumerate(own):
                count, accepted = row["subscribers"], row["day"] in self.accepted.get(account, [])
                if level is None or accepted or not _jump(level, count) or i in wrong:
                    level = level if i in wrong else count
                    continue
                later = [r for r in own[i:] if (r["day"] - row["day"]).days <= 14]
                back = next(
                    (k for k, r in enumerate(later) if abs(r["subscribers"] - level) * 5 <= level), None
                )
                if back is not None:
                    wrong |= {
                        i + k
                        for k, r in enumerate(later[:back])
                        if _jump(level, r["subscribers"]) and r["day"] not in self.accepted.get(account, [])
                    }
                    continue
                low = [r for r in own[i:] if (r["day"] - row["day"]).days <= 14]
                ended = any((r["day"] - row["day"]).days >= 14 for r in own[i:])
                if (
                    first := next((r for r in own[i:] if (r["day"] - row["day"]).days >= 14), None)
                ) is not None:
                    low = [r for r in own[i:] if r["day"] <= first["day"]]
                stays = ended and all(2 * r["subscribers"] < level for r in low)
                if count == 0 and not stays:
                    wrong.add(i)
                else:
                    level = count
            found += [Row(row, subscribers=None) if i in wrong else row for i, row in enumerate(own)]
        return found

    def _talk(self) -> list[Row]:
        rows = [row for row in self.tables.get("messages") or [] if row["at"] <= self.as_of]
        return [Row(row, day=self.local(row["at"])) for row in rows]

    def _inquiries(self, rows: list[Row], messages: list[Row]) -> list[Row]:
        """Rows of `inquiries`, but for the account and kind on days that `messages` cover; and what the
        conversations hold: an inquiry opens with the first message of the other side that is not a closing
        one,
        and is answered by the first message of the brand after it that is not automatic [30]."""
        if not messages:
            return rows
        kinds = {(row["account_id"], row["kind"]) for row in messages}
        kept = [
            row
            for row in rows
            if (row["account_id"], row["kind"]) not in kinds
            or row["day"] not in self.covered("messages", row["account_id"])
        ]
        for talk in {(row["account_id"], row["dialog_id"]) for row in messages}:
            said = [row for row in messages if (row["account_id"], row["dialog_id"]) == talk]
            said.sort(key=lambda row: (row["at"], _as_number(row["message_id"])))
            writers = {row["author"] for row in said if not row["by_brand"] and row["author"] is not None}
            of = {row["message_id"]: row["author"] if len(writers) > 1 else None for row in said}
            waiting: list[Row] = []
            asked = None
            for row in said:
                if not row["by_brand"]:
                    asked, author = row["at"], of[row["message_id"]]
                    own = [one for one in waiting if one["author"] == author]
                    if own and row["at"] - own[-1]["last"] <= 72 * HOUR:
                        own[-1]["last"] = row["at"]
                    elif not row["closing"]:
                        waiting.append(
                            Row(
                                account_id=talk[0],
                                received_at=row["at"],
                                day=row["day"],
                                author=author,
                                last=row["at"],
                                answered_at=None,
                            )
                        )
                        kept.append(waiting[-1])
                    continue
                quick = row["author"] is None and asked is not None and row["at"] - asked <= self.automatic
                if row["automatic"] if row["automatic"] is not None else quick:
                    continue
                to = row["reply_to"]
                one_only = len(writers) > 1 and to in of and not _is_brand(said, to)
                for one in [one for one in waiting if not one_only or one["author"] == of[to]]:
                    one["answered_at"] = row["at"]
                    waiting.remove(one)
        return kept

    def _grown(self, post: Row) -> Row:
        """The figure at `as_of`: the one at the latest `stats_at` before it (0 at publication) plus the
        fewest
        increments that tile from there; where they do not, unknown."""
        own = [
            row
            for row in self.tables.get("post_increments") or []
            if (row["account_id"], row["post_id"]) == (post["account_id"], post["post_id"])
            and row["until"] <= self.today
        ]
        grown, ends = Row(post), []
        for name in ("views", "likes", "comments", "reposts"):
            steps = [row for row in own if row[name] is not None]
            if not steps or (post[name] is not None and post["stats_at"] is None):
                continue
            base = [] if post[name] is None else [(post["stats_at"], post[name])]
            shots = self.snapshots.get((post["account_id"], post["post_id"]), [])
            base += [(row["stats_at"], row[name]) for row in shots if row[name] is not None]
            at, figure = max(base, key=lambda pair: pair[0], default=(None, 0))
            first = self.local(post["published_at"] if at is None else at)
            midnight = datetime.combine(first, time(0), self.zone).astimezone(UTC)
            later = [row for row in steps if row["until"] > first]
            if not later:
                grown[name] = figure
                continue
            last = max(row["until"] for row in later)
            tiles = tiling(later, first, last) if at is None or at == midnight else None
            grown[name] = None if tiles is None else figure + sum(row[name] for row in tiles)
            ends.append(last)
        if ends:  # the figures are those of the day up to which all are known
            grown["stats_at"] = datetime.combine(min(ends), time(0), self.zone).astimezone(UTC)
        return grown

    def rate(self, currency: str | None, day: date) -> float | None:
        """The latest rate on or before the day, at most 14 days old."""
        if currency in (None, self.currency):
            return 1
        fit = [(when, rate) for when, unit, rate in self.rates if unit == currency and when <= day]
        when, rate = max(fit, default=(None, None))
        return rate if when is not None and (day - when).days <= 14 else None

    def month_settled(self, moment: datetime) -> datetime:
        """The end of the calendar month of a moment + `settle_days`."""
        first = self.local(moment).replace(day=1)
        end = Span.around(first, "month").end
        return datetime.combine(end, time(0), self.zone).astimezone(UTC) + self.settle

    def local(self, moment: datetime) -> date:
        return moment.astimezone(self.zone).date()

    def happened(self, moment: datetime | None) -> bool:
        """Values timed after `as_of` are unknown."""
        return moment is not None and moment <= self.as_of

    def _known(self, name: str) -> list[Row]:
        rows = []
        for row in self.tables.get(name) or []:
            at = row[WHEN[name]]
            if isinstance(at, datetime):
                if at > self.as_of:
                    continue
                row = Row(row, day=self.local(at))
            else:
                if at >= self.today:
                    continue
                row = Row(row, day=at)
            for column in ("answered_at", "sold_at", "refunded_at", "deleted_at", "cancelled_at"):
                if row[column] is not None and row[column] > self.as_of:
                    row[column] = None
            late = name == "posts" and row["stats_at"] is not None and row["stats_at"] > self.as_of
            if late and LATER_FIGURES_ARE_UNKNOWN:
                row.update(views=None, likes=None, comments=None, reposts=None, reach=None)
            rows.append(row)
        return rows

    @staticmethod
    def _by_account(rows: Iterable[Row], column: str) -> dict[str, tuple[list[date], list[Row]]]:
        groups = defaultdict(list)
        for row in rows:
            groups[row[column]].append(row)
        found = {}
        for key, group in groups.items():
            group.sort(key=lambda row: row["day"])
            found[key] = ([row["day"] for row in group], group)
        return found

    def rows(self, name: str, scope: str, days: Days) -> Iterator[Row]:
        """The rows of an account (or brand) on these days."""
        if not days or scope not in self.index[name]:
            return
        dates, rows = self.index[name][scope]
        first, last = bisect_left(dates, min(days)), bisect_right(dates, max(days))
        yield from (row for row in rows[first:last] if row["day"] in days)

    # audience ------------------------------------------------------------------------------------

    def counts(self, account: str) -> list[Row]:
        """The rows of an account whose subscribers are known, by day."""
        rows = self.index["audience"].get(account, ([], []))[1]
        return [row for row in rows if row["subscribers"] is not None]

    def last_before(self, account: str, when: date) -> Row | None:
        """The account's last count dated before this day, however old."""
        return next((row for row in reversed(self.counts(account)) if row["day"] < when), None)

    def at(self, account: str, when: date, end: date) -> tuple[Number, date] | None:
        """Subscribers at the start of a day, and the day of the row that says so: the last row before it
        within
        the tolerance (a row holds at the end of its day); else the first row after it, less its `joined` and
        plus
        its `left` where known, else its count, within the same tolerance; at the start of an account with no
        earlier row at all: its first row's subscribers - joined + left [9]."""
        rows = self.counts(account)
        earlier = [row for row in rows if row["day"] < when]
        later = [row for row in rows if row["day"] >= when]
        if earlier and (when - (earlier[-1]["day"] + DAY)).days <= self.count_tolerance:
            return earlier[-1]["subscribers"], earlier[-1]["day"]
        if not later:
            return None
        row = later[0]
        known = row["joined"] is not None and row["left"] is not None
        before = row["subscribers"] - row["joined"] + row["left"] if known else None
        if ((row["day"] + DAY) - when).days <= self.count_tolerance:
            return (row["subscribers"] if before is None else before), row["day"]
        if not earlier and row["day"] < end and before is not None:
            return before, row["day"]
        return None

    def gain(self, account: str, since: date, until: date) -> Number | None:
        """Subscribers at the end - at the start, from different rows."""
        start, end = self.at(account, since, until), self.at(account, until, until)
        return None if start is None or end is None or start[1] == end[1] else end[0] - start[0]

    # coverage ------------------------------------------------------------------------------------

    def covered(self, name: str, scope: str) -> Days:
        """The days of a table that were imported for an account or brand."""
        key = (name, scope)
        if key not in self.covered_cache:
            self.covered_cache[key] = frozenset(self._covered(name, scope))
        return self.covered_cache[key]

    def _covered(self, name: str, scope: str) -> Iterator[date]:
        absent = self.tables.get("audience" if name == "left" else name) is None
        if absent and not (name == "inquiries" and self.tables.get("messages") is not None):
            return  # "an absent table is uncovered, not an error"
        # "coverage of `messages` is coverage of inquiries"; counts alone say nothing of who left [35]
        also = {"inquiries": ("inquiries", "messages"), "audience": ("audience", "subscribers")}
        names = ("audience",) if name == "left" else also.get(name, (name,))
        if self.tables.get("coverage") is not None:
            for row in self.tables["coverage"]:
                if row["table"] in names and row["scope"] == scope:
                    yield from _dates(row["since"], row["until"])
            return
        for one in names:
            bounds = table_bounds(self.tables.get(one) or [], one, self.zone)
            if bounds:
                yield from _dates(*bounds)


def _jump(level: Number, count: Number) -> bool:
    """More than double or under half, the larger over 100."""
    return max(level, count) > 100 and (count > 2 * level or 2 * count < level)


def _as_number(text: str) -> tuple[int, str]:
    return (int(text), "") if text.isdigit() else (0, text)


def _is_brand(said: list[Row], message: str) -> bool:
    return any(row["message_id"] == message and row["by_brand"] for row in said)


def _dates(since: date, until: date) -> Iterator[date]:
    while since < until:
        yield since
        since += DAY


def table_bounds(rows: list[Row], name: str, zone: ZoneInfo) -> tuple[date, date] | None:
    """Without a coverage table: from the table's first to its last row, for every scope [4]."""
    if name == "brand_queries":
        return (min(r["since"] for r in rows), max(r["until"] for r in rows)) if rows else None
    column = "at" if name == "messages" else WHEN.get(name)
    if column is None:
        return None
    moments = [row[column] for row in rows]
    days = [m.astimezone(zone).date() if isinstance(m, datetime) else m for m in moments]
    return (min(days), max(days) + DAY) if days else None


def end_of_coverage(tables: dict[str, list[Row] | None], zone: ZoneInfo) -> date | None:
    """The last `until` of the whole table `coverage` [5]."""
    if tables.get("coverage") is not None:
        return max((row["until"] for row in tables["coverage"]), default=None)
    bounds = [table_bounds(rows, name, zone) for name, rows in tables.items() if rows]
    return max((b[1] for b in bounds if b), default=None)


# --------------------------------------------------------------------------------------------------
# The working calendar
# --------------------------------------------------------------------------------------------------


def always(start: datetime, end: datetime) -> timedelta:
    return end - start


def business(zone: ZoneInfo, hours: Callable[[date], tuple[int, int] | None]):
    """Only working hours; hours that a clock change skips or doubles count as they pass: minute by minute of
    the clock on the wall, hour by hour of the world's [6]."""

    whole_days: dict[date, timedelta] = {}

    def worked(start: datetime, end: datetime) -> timedelta:
        """Whole days of the world's clock are counted once."""
        total, at = timedelta(), start
        while at < end:
            if at.time() == time(0) and end - at >= DAY:
                if at.date() not in whole_days:
                    whole_days[at.date()] = half_hours(at, at + DAY)
                total, at = total + whole_days[at.date()], at + DAY
            else:
                then = min(end, datetime.combine(at.date() + DAY, time(0), at.tzinfo))
                total, at = total + half_hours(at, then), then
        return total

    def half_hours(start: datetime, end: datetime) -> timedelta:
        total, at = timedelta(), start
        while at < end:
            then = min(end, at + timedelta(minutes=30) - timedelta(seconds=at.timestamp() % 1800))
            local = at.astimezone(zone)
            open_ = hours(local.date())
            if open_ is not None and open_[0] <= local.hour < open_[1]:
                total += then - at
            at = then
        return total

    return worked


def calendar(response: dict, zone: ZoneInfo) -> Callable[[datetime, datetime], timedelta]:
    """`response.calendar`: default 10-19, Mon-Fri; public holidays of the country and its transferred working
    days; hours by weekday, days by date; a transferred working Saturday has Friday's hours."""
    if response.get("calendar", "always") == "always":
        return always
    names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    given = response.get("hours") or [10, 19]
    week: list[tuple[int, int] | None] = [None] * 7
    for text, hours in (given if isinstance(given, dict) else {"mon-fri": given}).items():
        first, _, last = text.partition("-")
        for number in range(names.index(first), names.index(last or first) + 1):
            week[number] = None if hours == "off" else tuple(hours)
    days = {
        day(key): None if hours == "off" else tuple(hours)
        for key, hours in (response.get("days") or {}).items()
    }
    known = holidays.country_holidays(response.get("country", "RU"))

    def hours_of(when: date) -> tuple[int, int] | None:
        if when in days:
            return days[when]
        if when.weekday() in known.weekend and known.is_working_day(when):
            return week[4] or week[when.weekday()]
        return None if when in known else week[when.weekday()]

    cache: dict[date, tuple[int, int] | None] = {}
    return business(
        zone, lambda when: cache[when] if when in cache else cache.setdefault(when, hours_of(when))
    )


# --------------------------------------------------------------------------------------------------
# Meaningful comments
# --------------------------------------------------------------------------------------------------

LINK = re.compile(r"(?:https?://|www\.)\S+|\b(?:[a-z0-9-]+\.)+[a-z]{2,}\b(?:/\S*)?", re.IGNORECASE)
MENTION = re.compile(r"\[(?:id|club|public)\d+\|[^\]]*\]|(?<!\w)@[\w.]+", re.IGNORECASE)


def plain_words(text: str) -> list[str]:
    """What is left after removing links, mentions, emoji and punctuation (each leaves a gap [7])."""
    text = unicodedata.normalize("NFC", text)
    text = LINK.sub(" ", MENTION.sub(" ", text)).casefold()
    kept = (c if unicodedata.category(c)[0] in "LN" else " " for c in text)
    return "".join(kept).split()


def is_meaningful(text: str, phrases: list[str]) -> bool:
    """At least 3 words of 2 or more letters, and none of the spam phrases (as whole words [8])."""
    words = plain_words(text)
    if sum(sum(c.isalpha() for c in word) >= 2 for word in words) < 3:
        return False
    line = f" {' '.join(words)} "
    return not any(f" {phrase} " in line for phrase in phrases)


def read_rates(path: Path) -> list[tuple[date, str, float]]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [(day(row["date"]), row["currency"], float(row["rate"])) for row in csv.DictReader(file)]


def read_phrases(path: Path | None) -> list[str]:
    if path is None:
        return []
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    phrases = [" ".join(plain_words(line)) for line in lines if not line.strip().startswith("#")]
    return [phrase for phrase in phrases if phrase]


# --------------------------------------------------------------------------------------------------
# A lens, and what a KPI returns
# --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Lens:
    """What one KPI may look at for one period."""

    book: Book
    span: Span
    days: dict[str, Days]  # account -> the days of P on which it is the person's
    duty: dict[str, Days]  # the same, without the person's absences and with those they stand in for
    brands: tuple[str, ...] = ()
    platforms: tuple[str, ...] | None = None  # only mentions need this; accounts are narrowed already
    sentiment: tuple[str, ...] | None = None
    change: bool = False  # a side of a change: rates compare settled posts only
    snapshots: bool = False  # a side of a change whose both sides have snapshots
    tiled: frozenset[tuple[str, str]] | None = None  # the (brand, phrase) known on both sides
    away: Days = frozenset()  # the days that do not count for brands
    clipped: bool = False  # P as it is held, and no side of a comparison

    def rows(self, name: str, account: str) -> Iterator[Row]:
        return self.book.rows(name, account, self.days[account])

    def bounds(self, account: str) -> tuple[date, date]:
        """P, from the account's opening to its closing and the cut-off."""
        row = self.book.accounts[account]
        start = max(self.span.start, row["opened"] or self.span.start)
        end = min(self.span.end, row["closed"] or self.span.end, self.book.today)
        return start, max(start, end)


@dataclass
class Sum:
    """A numerator, perhaps a denominator, and what was left out of them."""

    numerator: Number | None = 0
    denominator: Number | None = None
    units: int = 0
    value: Number | None = None  # only where it is not numerator / denominator
    unknown: dict[str, tuple[int, int]] = field(default_factory=dict)  # what: (left out, of all)
    reasons: list[str] = field(default_factory=list)

    def left_out(self, what: str, missing: int, total: int) -> None:
        before = self.unknown.get(what, (0, 0))
        self.unknown[what] = (before[0] + missing, before[1] + total)


@dataclass
class Measured:
    value: Number | None
    numerator: Number | None
    denominator: Number | None
    units: int
    coverage: float | None
    reasons: list[str]


def add_known(found: Sum, rows: Iterable[Row], column: str) -> Sum:
    """A row whose needed value is unknown is left out and counted."""
    values = [row[column] for row in rows]
    known = [v for v in values if v is not None]
    found.numerator = fsum([found.numerator, *known])
    found.units += len(known)
    found.left_out(column, len(values) - len(known), len(values))
    return found


# Audience -----------------------------------------------------------------------------------------


def opening(lens: Lens, account: str) -> Number | None:
    """Subscribers at the start of P (not of the days held: "those at P's start"), as `Book.at` reads them,
    but
    within 7 days; an account that opens inside P: at its opening [9]."""
    start, end = lens.bounds(account)
    rows = lens.book.counts(account)
    earlier = [row for row in rows if row["day"] < start]
    later = [row for row in rows if start <= row["day"] < end]
    if earlier and (start - earlier[-1]["day"]).days <= FRESH:
        return earlier[-1]["subscribers"]
    if not later:
        return None
    row = later[0]
    known = row["joined"] is not None and row["left"] is not None
    near = ((row["day"] + DAY) - start).days <= FRESH
    if known and (near or not earlier):
        return row["subscribers"] - row["joined"] + row["left"]
    return row["subscribers"] if near else None


def mean_subscribers(lens: Lens, account: str) -> Number | None:
    """Mean daily subscribers in P (whatever days of it are held): over the rows that exist, from the opening
    of the account to its closing."""
    start, end = lens.bounds(account)
    values = [row["subscribers"] for row in lens.book.counts(account) if start <= row["day"] < end]
    return statistics.fmean(values) if values else None


def per_stock(lens: Lens, flow: Callable[[Lens], Sum], stock: Callable[[Lens, str], Number | None]) -> Sum:
    """Sum over accounts of a flow, over the sum of a stock. An account without the stock is left out of
    both [10]."""
    kept, denominator = {}, 0
    for account, days in lens.days.items():
        level = stock(lens, account)
        if level is not None:
            kept[account] = days
            denominator += level
    found = flow(replace(lens, days=kept))
    found.denominator = denominator
    found.left_out("accounts without subscribers", len(lens.days) - len(kept), len(lens.days))
    return found


def subscribers(lens: Lens) -> Sum:
    """Sum over accounts of the last `subscribers` in P (at most 7 days before its end); with `until` inside
    P the closing level is the last row before it."""
    found = Sum()
    for account, days in lens.days.items():
        end = min(max(days) + DAY, lens.book.today, lens.book.accounts[account]["closed"] or date.max)
        rows = [
            r for r in lens.rows("audience", account) if r["day"] < end and (end - r["day"]).days <= FRESH
        ]
        rows = [r for r in rows if r["subscribers"] is not None]
        if rows:
            found.numerator += rows[-1]["subscribers"]
            found.units += 1
        found.left_out("closing level", not rows, 1)
    return found


def runs(days: Days) -> list[tuple[date, date]]:
    """Consecutive days as [since, until)."""
    found: list[tuple[date, date]] = []
    for when in sorted(days):
        if found and found[-1][1] == when:
            found[-1] = found[-1][0], when + DAY
        else:
            found.append((when, when + DAY))
    return found


def own_gain(lens: Lens, account: str) -> tuple[Number | None, bool]:
    """The gain over the days that count, and whether it is that of all of P because there are no daily
    rows."""
    start, end = lens.bounds(account)
    days = frozenset(d for d in lens.days[account] if start <= d < end)
    gains = [lens.book.gain(account, *run) for run in runs(days)]
    if None not in gains:
        return sum(gains), False
    rows = [row for row in lens.book.counts(account) if start <= row["day"] < end]
    if runs(days) != [(start, end)] and len(rows) * 7 < (end - start).days:
        return lens.book.gain(account, start, end), True
    return None, False


def subscriber_gain(lens: Lens) -> Sum:
    """Sum over accounts, subscribers at the end of the bucket - at its start."""
    found = Sum()
    for account in lens.days:
        gain, _ = own_gain(lens, account)
        found.left_out("gain", gain is None, 1)
        if gain is not None:
            found.numerator += gain
        found.units += sum(
            row["day"] - DAY in {r["day"] for r in lens.book.counts(account)}
            for row in lens.rows("audience", account)
            if row["subscribers"] is not None
        )
    return found


def subscriber_growth(lens: Lens) -> Sum:
    """subscriber_gain / sum over accounts of the subscribers at the start of P; an account of which either is
    unknown is left out of both."""

    def both(inner: Lens, account: str) -> Number | None:
        return None if own_gain(inner, account)[0] is None else opening(inner, account)

    return per_stock(lens, subscriber_gain, both)


def unsubscribed(lens: Lens) -> Sum:
    """Sum of `left`; an account without any known one is not known by silence [31]."""
    found = Sum()
    for account in lens.days:
        rows = list(lens.rows("audience", account))
        add_known(found, rows, "left")
        found.left_out("accounts without rows", all(row["left"] is None for row in rows), 1)
    return found


def churn_rate(lens: Lens) -> Sum:
    """Sum of `left` / sum over accounts of the subscribers at the start of P."""

    def counted(inner: Lens, account: str) -> Number | None:
        rows = inner.rows("audience", account)
        return opening(inner, account) if any(row["left"] is not None for row in rows) else None

    return per_stock(lens, unsubscribed, counted)


# Posts --------------------------------------------------------------------------------------------


def posts_in(lens: Lens) -> list[Row]:
    """Posts published in P, not deleted by `as_of`."""
    return [row for account in lens.days for row in lens.rows("posts", account)]


def snapshot(lens: Lens, post: Row) -> Row | None:
    """A change uses, where there are snapshots [11], the one nearest to `settle_days` of age."""
    found = lens.book.snapshots.get((post["account_id"], post["post_id"])) if lens.snapshots else None
    if not found:
        return None
    wanted = post["published_at"] + lens.book.settle
    return min(found, key=lambda row: (abs(row["stats_at"] - wanted), row["stats_at"]))


def figures(lens: Lens, post: Row) -> Row:
    """A value uses the figures in `posts`; a change the snapshot."""
    return snapshot(lens, post) or post


def settled(lens: Lens, posts: list[Row]) -> list[Row]:
    """Posts younger at `stats_at` than `settle_days` are left out; unknown `stats_at` counts as settled. In
    a change a snapshot speaks for the post, unless the post had not reached that age at `as_of` [12]."""
    kept = []
    for post in posts:
        shot = snapshot(lens, post)
        at = shot["stats_at"] if shot else post["stats_at"]
        old = shot and post["published_at"] + lens.book.settle <= lens.book.as_of
        if old or at is None or at - post["published_at"] >= lens.book.settle:
            kept.append(post)
    return kept


def views(lens: Lens) -> Sum:
    """Sum of the views of posts published in P."""
    return add_known(Sum(), [figures(lens, post) for post in posts_in(lens)], "views")


def view_rate(lens: Lens) -> Sum:
    """Sum of views / sum over the same posts of the account's subscribers on the day of publication: that
    day's row, or else the last row of the 7 days before; without one the post is left out. Settled posts."""
    found = Sum(denominator=0)
    for post in settled(lens, posts_in(lens)):
        row = lens.book.last_before(post["account_id"], post["day"] + DAY)
        seen = figures(lens, post)["views"]
        known = seen is not None and row is not None and (post["day"] - row["day"]).days <= FRESH
        found.left_out("views or subscribers of a post", not known, 1)
        if known:
            found.numerator += seen
            found.denominator += row["subscribers"]
            found.units += 1
    return found


def engagement_rate(lens: Lens) -> Sum:
    """Sum of (likes + comments + reposts) / sum of views, settled posts."""
    found = Sum(denominator=0)
    for post in settled(lens, posts_in(lens)):
        row = figures(lens, post)
        reactions = [row["likes"], row["comments"], row["reposts"]]
        known = None not in [*reactions, row["views"]]
        found.left_out("figures of a post", not known, 1)
        if known:
            found.numerator += sum(reactions)
            found.denominator += row["views"]
            found.units += 1
    return found


def likes(lens: Lens) -> Sum:
    """Sum of the likes of posts published in P."""
    return add_known(Sum(), [figures(lens, post) for post in posts_in(lens)], "likes")


def like_rate(lens: Lens) -> Sum:
    """likes / sum over accounts of the mean daily subscribers in P. As a side of a change without
    snapshots: settled posts only."""

    def flow(inner: Lens) -> Sum:
        posts = posts_in(inner)
        if inner.change and not inner.snapshots:
            posts = settled(inner, posts)
        return add_known(Sum(), [figures(inner, post) for post in posts], "likes")

    return per_stock(lens, flow, mean_subscribers)


def meaningful_comments(lens: Lens) -> Sum:
    """Comments made in P, not by the brand, meaningful. Unknown `by_brand` counts as not by the brand;
    comments under deleted posts count."""
    found = Sum()
    for account in lens.days:
        for row in lens.rows("comments", account):
            if row["by_brand"]:
                continue
            verdict = row["meaningful"]
            if verdict is None and row["text"] is not None:
                verdict = is_meaningful(row["text"], lens.book.phrases)
            found.left_out("meaning of a comment", verdict is None, 1)
            found.numerator += bool(verdict)
            found.units += bool(verdict)
    return found


def meaningful_comment_rate(lens: Lens) -> Sum:
    """The same / sum over accounts of the mean daily subscribers in P."""
    return per_stock(lens, meaningful_comments, mean_subscribers)


# Sales --------------------------------------------------------------------------------------------


def leads_in(lens: Lens) -> list[Row]:
    return [row for account in lens.days for row in lens.rows("leads", account)]


def leads(lens: Lens) -> Sum:
    """Leads created in P."""
    rows = leads_in(lens)
    return Sum(len(rows), units=len(rows))


def qualified_leads(lens: Lens) -> Sum:
    """Of these, qualified (unknown until someone qualifies the lead: outside of the 10 % rule)."""
    count = sum(row["qualified"] is True for row in leads_in(lens))
    return Sum(count, units=count)


def qualified_lead_rate(lens: Lens) -> Sum:
    """Qualified / leads whose qualification is known."""
    known = [row["qualified"] for row in leads_in(lens) if row["qualified"] is not None]
    return Sum(sum(known), len(known), units=len(known))


def sold_in(lens: Lens) -> list[Row]:
    """Won leads with `sold_at` in P; a sale refunded before the end of its month + `settle_days` [32] counts
    nowhere, a later refund leaves it as it was."""
    rows = (row for account in lens.days for row in lens.rows("sold", account))
    return [row for row in rows if not refunded_in_time(lens.book, row)]


def refunded_in_time(book: Book, row: Row) -> bool:
    return row["refunded_at"] is not None and row["refunded_at"] <= book.month_settled(row["sold_at"])


def sales(lens: Lens) -> Sum:
    """Won leads with `sold_at` in P."""
    rows = sold_in(lens)
    return Sum(len(rows), units=len(rows))


def sales_amount(lens: Lens) -> Sum:
    """Sum of the sale_amount of these in the department's currency by the rate of the day of the sale;
    without a
    rate not assessable."""
    rows = [Row(row, rate=lens.book.rate(row["currency"], row["day"])) for row in sold_in(lens)]
    priced = [row for row in rows if row["sale_amount"] is not None]
    found = add_known(
        Sum(),
        [
            Row(
                amount=None
                if row["sale_amount"] is None or row["rate"] is None
                else row["sale_amount"] * row["rate"]
            )
            for row in rows
        ],
        "amount",
    )
    if any(row["rate"] is None for row in priced):
        found.reasons.append("no rate")
    return found


# Demand -------------------------------------------------------------------------------------------


def social_visits(lens: Lens) -> Sum:
    """Sum of visits."""
    found = Sum()
    for account in lens.days:
        add_known(found, lens.rows("traffic", account), "visits")
    return found


def tiling(rows: list[Row], start: date, end: date) -> list[Row] | None:
    """The fewest rows that tile [start, end) exactly; None where there is no such set."""
    best: dict[date, list[Row]] = {start: []}
    for row in sorted(rows, key=lambda row: row["since"]):
        if row["since"] in best and row["until"] <= end:
            way = [*best[row["since"]], row]
            if row["until"] not in best or len(way) < len(best[row["until"]]):
                best[row["until"]] = way
    return best.get(end)


def tilings(lens: Lens) -> dict[tuple[str, str], list[Row] | None]:
    """For each (brand, phrase) with a row that touches P: its tiling of P."""
    touching = defaultdict(list)
    for row in lens.book.tables.get("brand_queries") or []:
        inside = row["since"] < lens.span.end and row["until"] > lens.span.start
        if row["brand"] in lens.brands and inside and row["until"] <= lens.book.today:
            touching[row["brand"], row["phrase"]].append(row)
    return {key: tiling(rows, lens.span.start, lens.span.end) for key, rows in touching.items()}


def brand_queries(lens: Lens) -> Sum:
    """Sum of the queries of rows that tile P exactly; otherwise not assessable. Each (brand, phrase) is
    tiled once, by its coarsest rows. A phrase with rows in P that do not tile it spoils the KPI [13]."""
    found = Sum()
    tiles = tilings(lens)
    if lens.tiled is not None:
        tiles = {key: rows for key, rows in tiles.items() if key in lens.tiled}
    for brand in lens.brands:
        if not any(key[0] == brand for key in tiles):
            found.reasons.append(f"no rows tile the period for brand {brand}")
    for key, rows in tiles.items():
        if rows is None:
            found.reasons.append(f"rows do not tile the period for {key}")
        else:
            add_known(found, rows, "queries")
    return found


def brand_mentions(lens: Lens) -> Sum:
    """Mentions in P, not by the brand (unknown `by_brand`: not by the brand); `sentiment` and `platforms`
    narrow it [14]."""
    found = Sum()
    for brand in lens.brands:
        for row in lens.book.rows("mentions", brand, frozenset(lens.span.days) - lens.away):
            if row["by_brand"]:
                continue
            unknown = (lens.sentiment is not None and row["sentiment"] is None) or (
                lens.platforms is not None and row["platform"] is None
            )
            wanted = (lens.sentiment is None or row["sentiment"] in lens.sentiment) and (
                lens.platforms is None or row["platform"] in lens.platforms
            )
            found.left_out("sentiment or platform", unknown, 1)
            found.numerator += wanted and not unknown
            found.units += wanted and not unknown
    return found


# Content ------------------------------------------------------------------------------------------


def posts_published(lens: Lens) -> Sum:
    """Posts published in P, not deleted by `as_of`."""
    count = len(posts_in(lens))
    return Sum(count, units=count)


def plan_fulfilment(lens: Lens) -> Sum:
    """Approved plan items due in P that were published by `due_at` + tolerance and are on brand / items due.
    Due: `due_at` + tolerance <= `as_of`. Left out: cancelled before `due_at`, approved only after it. A
    missing, late or deleted post is not fulfilled whatever its `on_brand`; unknown `on_brand`: left out."""
    found = Sum(denominator=0)
    book = lens.book
    for account, days in lens.duty.items():
        for item in book.rows("plan", account, days):
            deadline = item["due_at"] + book.tolerance
            if not item["approved"] or deadline > book.as_of:
                continue
            if item["cancelled_at"] is not None and item["cancelled_at"] < item["due_at"]:
                continue
            if item["approved_at"] is not None and item["approved_at"] > item["due_at"]:
                continue
            post = book.live_posts.get((item["account_id"], item["post_id"]))
            in_time = post is not None and post["published_at"] <= deadline
            # "posts.on_brand wins over plan.on_brand"
            on_brand = (
                None
                if post is None
                else post["on_brand"]
                if post["on_brand"] is not None
                else item["on_brand"]
            )
            unknown = in_time and on_brand is None
            found.left_out("on_brand", unknown, 1)
            if not unknown:
                found.numerator += bool(in_time and on_brand)
                found.denominator += 1
                found.units += 1
    return found


# Response -----------------------------------------------------------------------------------------


def inquiries_in(lens: Lens) -> list[Row]:
    found = lens.duty.items()
    return [row for account, days in found for row in lens.book.rows("inquiries", account, days)]


def response_rate(lens: Lens) -> Sum:
    """Inquiries received in P answered within the SLA (<=) / those whose deadline is not after `as_of`."""
    found = Sum(denominator=0)
    worked, sla = lens.book.worked, lens.book.sla
    for row in inquiries_in(lens):
        if worked(row["received_at"], lens.book.as_of) < sla:
            continue  # the deadline is still ahead
        answered = row["answered_at"]
        found.numerator += answered is not None and worked(row["received_at"], answered) <= sla
        found.denominator += 1
        found.units += 1
    return found


def median_response_time(lens: Lens) -> Sum:
    """Kaplan-Meier median of hours to the answer of inquiries received in P, censored at `as_of`: the
    smallest t with S(t) <= 0.5; where that is never reached, not assessable."""
    times = []
    for row in inquiries_in(lens):
        end = row["answered_at"] or lens.book.as_of
        times.append((lens.book.worked(row["received_at"], end), row["answered_at"] is not None))
    found = Sum(None, units=len(times))
    survival, ends = Fraction(1), sorted(t for t, _ in times)
    answers = Counter(t for t, answered in times if answered)
    for moment in sorted(answers):
        at_risk = len(ends) - bisect_left(
            ends, moment
        )  # open at `moment`; who is censored there still counts
        survival *= 1 - Fraction(answers[moment], at_risk)
        if survival <= Fraction(1, 2):
            found.value = moment / HOUR
            return found
    found.reasons.append("no median: too few answers")
    return found


@dataclass(frozen=True)
class Rule:
    formula: Callable[[Lens], Sum]
    tables: tuple[str, ...]
    accruing: bool
    of_brand: bool = False
    on_duty: bool = False
    total: str | None = None  # the measure of `totals` that stands for missing rows


KPIS = {
    "subscribers": Rule(subscribers, ("audience",), False),
    "subscriber_gain": Rule(subscriber_gain, ("audience",), True),
    "subscriber_growth": Rule(subscriber_growth, ("audience",), True),
    "unsubscribed": Rule(unsubscribed, ("left",), True, total="left"),
    "churn_rate": Rule(churn_rate, ("left",), True),
    "views": Rule(views, ("posts",), True, total="views"),
    "view_rate": Rule(view_rate, ("posts", "audience"), False),
    "engagement_rate": Rule(engagement_rate, ("posts",), False),
    "likes": Rule(likes, ("posts",), True, total="likes"),
    "like_rate": Rule(like_rate, ("posts", "audience"), True),
    "meaningful_comments": Rule(meaningful_comments, ("comments",), True),
    "meaningful_comment_rate": Rule(meaningful_comment_rate, ("comments", "audience"), True),
    "leads": Rule(leads, ("leads",), True, total="leads"),
    "qualified_leads": Rule(qualified_leads, ("leads",), True, total="qualified_leads"),
    "qualified_lead_rate": Rule(qualified_lead_rate, ("leads",), False),
    "sales": Rule(sales, ("leads",), True, total="sales"),
    "sales_amount": Rule(sales_amount, ("leads",), True, total="sales_amount"),
    "social_visits": Rule(social_visits, ("traffic",), True, total="visits"),
    "brand_queries": Rule(brand_queries, ("brand_queries",), True, of_brand=True),
    "brand_mentions": Rule(brand_mentions, ("mentions",), True, of_brand=True),
    "posts_published": Rule(posts_published, ("posts",), True, total="posts"),
    "plan_fulfilment": Rule(plan_fulfilment, ("plan", "posts"), False, on_duty=True),
    "response_rate": Rule(response_rate, ("inquiries",), False, on_duty=True),
    "median_response_time": Rule(median_response_time, ("inquiries",), False, on_duty=True),
}


def coverage(kpi: str, lens: Lens) -> float | None:
    """The share of the expected account-days (or brand-days) that are covered; the lowest of the tables.
    Expected: inside P, inside the assignment, from `opened`, and over at `as_of` [2]."""
    rule, book = KPIS[kpi], lens.book
    expected: dict[str, Days] = {}
    if rule.of_brand:
        expected = dict.fromkeys(lens.brands, frozenset(lens.span.days) - lens.away)
    else:
        expected = dict(lens.duty if rule.on_duty and lens.clipped else lens.days)
        for account, days in expected.items():
            opened, closed = (
                book.accounts[account]["opened"] or date.min,
                book.accounts[account]["closed"] or date.max,
            )
            expected[account] = frozenset(d for d in days if opened <= d < closed)
    expected = {scope: frozenset(d for d in days if d < book.today) for scope, days in expected.items()}
    total = sum(len(days) for days in expected.values())
    if total == 0:
        return None
    shares = []
    for name in rule.tables:
        covered = 0
        for scope, days in expected.items():
            by_total = name == rule.tables[0] and total_of(kpi, lens, scope) is not None
            covered += len(days if by_total else days & book.covered(name, scope))
        shares.append(covered / total)
    return min(shares)


def total_of(kpi: str, lens: Lens, account: str) -> Number | None:
    """A total of an account whose own rows are missing: they serve periods that they tile exactly; rows of
    the
    proper table win [33]."""
    rule, book = KPIS[kpi], lens.book
    rows = [
        row
        for row in book.tables.get("totals") or []
        if (row["account_id"], row["measure"]) == (account, rule.total) and row["until"] <= book.today
    ]
    if not rows or rule.total is None or account not in lens.days:
        return None
    name = "audience" if rule.tables[0] == "left" else rule.tables[0]
    name = "sold" if kpi in ("sales", "sales_amount") else name
    bounds = lens.bounds(account)
    days = frozenset(d for d in lens.days[account] if bounds[0] <= d < bounds[1])
    covered = len(days & book.covered(rule.tables[0], account))
    if list(lens.rows(name, account)) or not days or covered >= book.minimum * len(days) - 1e-9:
        return None
    tiles = tiling(rows, lens.span.start, lens.span.end)
    return None if tiles is None else sum(row["value"] for row in tiles)


def measure(kpi: str, lens: Lens) -> Measured:
    """A KPI with its coverage; undefined is not assessable, with a reason."""
    lens = replace(
        lens,
        days={a: d for a, d in lens.days.items() if d and _takes_part(kpi, lens, a, d)},
        duty={a: d for a, d in lens.duty.items() if d},
    )
    share = coverage(kpi, lens)
    if share is None:
        return Measured(None, None, None, 0, None, ["nothing is expected in this scope and period"])
    totals = {account: total_of(kpi, lens, account) for account in lens.days} if KPIS[kpi].total else {}
    totals = {account: amount for account, amount in totals.items() if amount is not None}
    found = KPIS[kpi].formula(replace(lens, days={a: d for a, d in lens.days.items() if a not in totals}))
    found.numerator = found.numerator if not totals else found.numerator + sum(totals.values())
    found.units += len(totals)
    reasons = list(found.reasons)
    if share < lens.book.minimum:
        reasons.append(f"coverage {share:.3f}")
    for what, (missing, total) in found.unknown.items():
        if total and Fraction(missing, total) > UNKNOWN_AT_MOST:
            reasons.append(f"unknown: {what}, {missing} of {total}")
    value = found.value
    if value is None and not found.reasons:
        if found.denominator is None:
            value = found.numerator
        elif found.denominator > 0:
            value = found.numerator / found.denominator
        else:
            reasons.append("nothing to divide by")
    if reasons:
        value = None
    return Measured(value, found.numerator, found.denominator, found.units, share, reasons)


def _takes_part(kpi: str, lens: Lens, account: str, days: Days) -> bool:
    """An account that is not open on any of these days is not expected in them; what it has counts [36]."""
    row = lens.book.accounts[account]
    if (row["opened"] or date.min) <= max(days) and min(days) < (row["closed"] or date.max):
        return True
    return KPIS[kpi].formula(replace(lens, days={account: days}, duty={account: days})).units > 0


# --------------------------------------------------------------------------------------------------
# Who has which account on which day
# --------------------------------------------------------------------------------------------------


def inside(spans: Iterable[tuple[date | None, date | None]], period: Span) -> Days:
    """The days of the period that are in any of these [since, until)."""
    found: set[date] = set()
    for since, until in spans:
        found |= set(_dates(max(since or period.start, period.start), min(until or period.end, period.end)))
    return frozenset(found)


def assignments(person: dict) -> dict[str, list[tuple[date | None, date | None]]]:
    found = defaultdict(list)
    for item in person.get("accounts") or []:
        item = {"account": item} if isinstance(item, str) else item
        found[item["account"]].append((day(item.get("since")), day(item.get("until"))))
    return dict(found)


def absences(person: dict) -> list[tuple[date | None, date | None]]:
    return [(day(a.get("since")), day(a.get("until"))) for a in person.get("absences") or []]


@dataclass
class Desk:
    """One specialist at work: makes the lenses."""

    book: Book
    people: dict[str, dict]
    who: str
    period: Span

    @property
    def person(self) -> dict:
        return self.people[self.who]

    def held(self) -> dict[str, Days]:
        """The accounts that the specialist has in P, with the days of P."""
        days = {account: inside(spans, self.period) for account, spans in assignments(self.person).items()}
        return {account: found for account, found in days.items() if found}

    def in_scope(self, entry: dict, account: str) -> bool:
        if account not in self.book.accounts:
            raise OracleError(f"unknown account {account!r}")
        if entry.get("accounts") is not None and account not in entry["accounts"]:
            return False
        platform = self.book.accounts[account]["platform"]
        return entry.get("platforms") is None or platform in entry["platforms"]

    def brands(self, entry: dict) -> tuple[str, ...]:
        wanted = entry.get("brands")
        return tuple(b for b in self.person.get("brands") or [] if wanted is None or b in wanted)

    def lens(self, entry: dict, span: Span, **more: object) -> Lens:
        """P as it is held; earlier periods with the same accounts, unclipped."""
        unclipped = more.pop("unclipped", False)
        current = span == self.period and not unclipped
        only = more.pop("only", None)
        held = {a: d for a, d in self.held().items() if self.in_scope(entry, a)}
        days = held if current else dict.fromkeys(held, frozenset(span.days))
        away = inside(absences(self.person), span)
        duty = {account: found - away for account, found in days.items()}
        own = current and own_days(entry)
        if own:
            days = duty
        brands = self.brands(entry)
        if only is not None:
            days = {a: d for a, d in days.items() if a in only}
            duty = {a: d for a, d in duty.items() if a in only}
            brands = tuple(b for b in brands if b in only)
        platforms, sentiment = entry.get("platforms"), entry.get("sentiment")
        return Lens(
            self.book,
            span,
            days,
            duty,
            brands,
            None if platforms is None else tuple(platforms),
            None if sentiment is None else tuple(sentiment),
            away=away if own else frozenset(),
            clipped=current,
            **more,
        )

    # like for like -------------------------------------------------------------------------------

    def comparable(self, entry: dict, now: Span, then: Span) -> tuple[set[str], list[str]]:
        """Accounts (or brands) on both sides of a change, and those left out: held for only a part of P, or
        not covered earlier (their own coverage is under the minimum [17])."""
        kpi, kept, left_out = entry["kpi"], set(), []
        if KPIS[kpi].of_brand:
            scopes = list(self.brands(entry))
        else:
            scopes = [a for a in self.held() if self.in_scope(entry, a)]
        for scope in scopes:
            whole = True
            if now == self.period and not KPIS[kpi].of_brand:
                whole = len(self.held()[scope]) == now.length
            share = coverage(kpi, self.lens(entry, then, only={scope}, unclipped=True))
            if whole and share is not None and share >= self.book.minimum:
                kept.add(scope)
            else:
                left_out.append(scope)
        return kept, left_out

    def shared_phrases(self, entry: dict, now: Span, then: Span) -> frozenset[tuple[str, str]] | None:
        """Changes of brand queries use the phrases known in both periods."""
        if entry["kpi"] != "brand_queries":
            return None
        a, b = (tilings(self.lens(entry, span, unclipped=True)) for span in (now, then))
        return frozenset(k for k in a if a[k] is not None and b.get(k) is not None)

    def sides(self, entry: dict, now: Span, then: Span, only: set[str] | None = None, change: bool = True):
        """Both sides of a change, like for like, and what was left out."""
        kept, left_out = self.comparable(entry, now, then)
        if only is not None:
            kept &= only
        tiled = self.shared_phrases(entry, now, then)
        lenses = [
            self.lens(entry, span, only=kept, change=change, tiled=tiled, unclipped=True)
            for span in (now, then)
        ]
        if change and all(
            any((post["account_id"], post["post_id"]) in self.book.snapshots for post in posts_in(lens))
            for lens in lenses
        ):  # "on both sides, so that young and old posts are equally mature" [11]
            lenses = [replace(lens, snapshots=True) for lens in lenses]
        a, b = (measure(entry["kpi"], lens) for lens in lenses)
        return a, b, left_out

    def result(self, entry: dict, span: Span, only: set[str] | None = None) -> Measured:
        """An entry's figure in a period: as value, as change or as growth."""
        how = entry.get("as", "value")
        if how == "value":
            return measure(entry["kpi"], self.lens(entry, span, only=only))
        if self.book.today < span.end:
            return Measured(None, None, None, 0, None, ["the period is not over: no change yet"])
        then = span.previous() if entry.get("versus", "previous") == "previous" else span.year_ago()
        now_side, then_side, _ = self.sides(entry, span, then, only)
        reasons = [f"{span.label}: {r}" for r in now_side.reasons]
        reasons += [f"{then.label}: {r}" for r in then_side.reasons]
        shares = [s.coverage for s in (now_side, then_side) if s.coverage is not None]
        share = min(shares) if shares else None
        if reasons:
            return Measured(None, None, None, now_side.units, share, reasons)
        difference = now_side.value - then_side.value
        if how == "change":
            return Measured(difference, difference, None, now_side.units, share, [])
        if then_side.value == 0:
            return Measured(None, difference, 0, now_side.units, share, ["growth from zero"])
        ratio = difference / then_side.value
        return Measured(ratio, difference, then_side.value, now_side.units, share, [])


# --------------------------------------------------------------------------------------------------
# Targets
# --------------------------------------------------------------------------------------------------


@dataclass
class Goal:
    kind: str
    value: float | tuple[float, float]
    base: float | None

    def scaled(self, factor: Fraction) -> Goal:
        share = float(factor)
        if self.kind == "between":
            return Goal(self.kind, (self.value[0] * share, self.value[1] * share), None)
        return Goal(self.kind, self.value * share, self.base * share)

    def plus(self, other: Goal) -> Goal:
        if self.kind != other.kind:
            raise OracleError("a schedule mixes kinds of target")
        if self.kind == "between":
            return Goal(self.kind, (self.value[0] + other.value[0], self.value[1] + other.value[1]), None)
        return Goal(self.kind, self.value + other.value, self.base + other.base)


def simple_goal(spec: dict) -> Goal:
    """base = 0 for `at_least` (or `worst`); `worst` (default twice the target) for `at_most`."""
    worst = None if spec.get("worst") is None else number(spec["worst"])
    if "at_least" in spec:
        return Goal("at_least", number(spec["at_least"]), 0.0 if worst is None else worst)
    if "at_most" in spec:
        value = number(spec["at_most"])
        if worst is None and value == 0:
            raise OracleError("at_most 0 needs a `worst`")
        return Goal("at_most", value, 2 * value if worst is None else worst)
    if "between" in spec:
        low, high = (number(v) for v in spec["between"])
        return Goal("between", (low, high), None)
    raise OracleError(f"no kind of target: {spec}")


def milestone(spec: dict, period: Span) -> Goal | None:
    """The point of the straight line that a period should have reached at its end: by days to P's last day;
    no target before `on`, the final value after `by`. The base is `from.value`, in both directions [18]."""
    goal = simple_goal(spec)
    start = spec.get("from")
    if start is None:
        return goal
    by, on, first = day(spec["by"]), day(start["on"]), number(start["value"])
    last = period.end - DAY
    if last < on:
        return None
    share = min(Fraction((last - on).days, (by - on).days), Fraction(1))
    value = float(Fraction(first) + (Fraction(goal.value) - Fraction(first)) * share)
    return Goal(goal.kind, value, first)


def accrues(entry: dict) -> bool:
    """Sums, counts and the four rates accrue; so does a change of these. A growth does not; the change of
    `subscribers` to the previous period does: it is a sum of gains [19]."""
    how, versus = entry.get("as", "value"), entry.get("versus", "previous")
    if how == "growth":
        return False
    if how == "change" and entry["kpi"] == "subscribers":
        return versus == "previous"
    return KPIS[entry["kpi"]].accruing


def own_days(entry: dict) -> bool:
    """Facts that count the days on which the person holds the account and is present: those of accruing KPIs
    as a
    value; not milestones, nor what has no daily rows (`brand_queries`) [34]."""
    as_value = entry.get("as", "value") == "value"
    return (
        as_value
        and KPIS[entry["kpi"]].accruing
        and entry["kpi"] != "brand_queries"
        and "by" not in (entry.get("target") or {})
    )


def scheduled(schedule: dict, period: Span, accruing: bool) -> Goal | None:
    """A target per period; for a period of another grain an accruing one is summed day by day, another one
    is that of the period's last day [20]."""
    entries = {Span.parse(key): simple_goal(spec) for key, spec in schedule.items()}
    if period in entries:
        return entries[period]

    def of(when: date) -> Span | None:
        holding = [span for span in entries if span.start <= when < span.end]
        return min(holding, key=lambda span: span.length, default=None)

    if not accruing:
        span = of(period.end - DAY)
        return entries[span] if span else None
    counts: dict[Span, int] = defaultdict(int)
    for when in period.days:
        span = of(when)
        if span is None:
            return None
        counts[span] += 1
    goal = None
    for span, n in counts.items():
        part = entries[span].scaled(Fraction(n, span.length))
        goal = part if goal is None else goal.plus(part)
    return goal


def grain_factor(grain: str, period: Span) -> Fraction:
    """A grain larger than P counts by the share of its days, a smaller one by the sum of its parts: both
    are the sum over the days of P of 1 / the length of the grain's period around that day."""
    return sum((Fraction(1, Span.around(d, grain).length) for d in period.days), Fraction(0))


def goal_for(entry: dict, period: Span, desk: Desk) -> Goal | None:
    """The target of an entry for P: its grain, an interim period and own days scale what accrues."""
    spec = entry.get("target")
    if not spec:
        return None
    accruing = accrues(entry)
    if "schedule" in spec:
        goal = scheduled(spec["schedule"], period, accruing)
    else:
        goal = milestone(spec, period) if "by" in spec else simple_goal(spec)
        if goal is not None and accruing and "by" not in spec:
            goal = goal.scaled(grain_factor(spec.get("per", "month"), period))
    if goal is None or not accruing:
        return goal
    share = own_share(entry, period, desk)
    return goal if share == 1 else goal.scaled(share)


def own_share(entry: dict, period: Span, desk: Desk) -> Fraction:
    """The share of P's days that count, a mean over the entry's accounts; those without daily rows stay
    whole."""
    past = frozenset(d for d in period.days if d < desk.book.today)
    if not own_days(entry):
        return Fraction(len(past), period.length)
    lens = desk.lens(entry, period)
    if KPIS[entry["kpi"]].of_brand:
        return Fraction(len(past - lens.away), period.length)
    shares = []
    for account, days in lens.days.items():
        whole = False
        if entry["kpi"] in ("subscriber_gain", "subscriber_growth") and days:
            whole = own_gain(lens, account)[1]
        elif KPIS[entry["kpi"]].total and days:
            full = days == frozenset(period.days)
            whole = not full and total_of(entry["kpi"], lens, account) is not None
        shares.append(Fraction(len(past if whole else days & past), period.length))
    return sum(shares, Fraction(0)) / len(shares) if shares else Fraction(len(past), period.length)


def attainment(goal: Goal, fact: float) -> float | None:
    """a = (fact - base) / (target - base), not below 0; `between`: 1 inside, falling linearly to 0 half the
    band's width outside it."""
    if goal.kind == "between":
        low, high = goal.value
        outside = max(low - fact, fact - high, 0.0)
        if outside == 0:
            return 1.0
        return max(0.0, 1 - outside / ((high - low) / 2)) if high > low else 0.0
    if goal.value == goal.base:
        return None
    return max(0.0, (fact - goal.base) / (goal.value - goal.base))


def is_attained(goal: Goal, fact: float) -> bool:
    """The plain comparison of fact and target."""
    if goal.kind == "between":
        return goal.value[0] <= fact <= goal.value[1]
    return fact >= goal.value if goal.kind == "at_least" else fact <= goal.value


def payout(a: float, scoring: dict) -> float:
    """0 below `threshold`, from `payout_at_threshold` linearly to 1 at a = 1, then a, up to `cap`."""
    threshold = number(scoring.get("threshold", 0.8))
    at_threshold = number(scoring.get("payout_at_threshold", 0.5))
    if a >= 1:
        return min(a, number(scoring.get("cap", 1.2)))
    if a < threshold:
        return 0.0
    return at_threshold + (1 - at_threshold) * (a - threshold) / (1 - threshold)


def total(lines: list[dict], rule: str) -> float | None:
    """Sum of weight x payout / sum of weight; null under `hold`, or where nothing is assessable. Entries
    without a target for P are no part of it [21]."""
    targeted = [line for line in lines if line["target"] is not None]
    judged = [line for line in targeted if line["payout"] is not None]
    if not judged or (rule == "hold" and len(judged) < len(targeted)):
        return None
    counted = targeted if rule == "zero" else judged
    weight = sum(Fraction(line["weight"]) for line in counted)
    if weight == 0:
        return None
    return float(sum(Fraction(line["weight"]) * Fraction(line["payout"] or 0.0) for line in counted) / weight)


# --------------------------------------------------------------------------------------------------
# The scorecard
# --------------------------------------------------------------------------------------------------


def evaluate(
    data: Path,
    params: Path,
    specialist: str,
    period: str,
    as_of: str | None = None,
    spam_phrases: Path | None = None,
) -> dict:
    """The scorecard of section 7, without the statistics."""
    department = read_yaml(Path(params) / "department.yml")
    people = {path.stem: read_yaml(path) for path in sorted((Path(params) / "specialists").glob("*.yml"))}
    zone = ZoneInfo(department.get("timezone", "Europe/Moscow"))
    posts, response = department.get("posts") or {}, department.get("response") or {}
    settle_days = posts.get("settle_days", 7)
    span = Span.parse(period)
    tables = {name: read_table(Path(data), name, zone) for name in KEYS}

    def midnight(when: date) -> datetime:
        return datetime.combine(when, time(0), zone)

    if as_of:
        cut = datetime.fromisoformat(as_of)
        cut = cut if cut.tzinfo else cut.replace(tzinfo=zone)
    else:
        last = end_of_coverage(tables, zone)
        wanted = span.end + settle_days * DAY
        cut = midnight(min(wanted, last) if last else wanted)
    book = Book(
        tables=tables,
        zone=zone,
        as_of=cut.astimezone(UTC),
        settle=timedelta(days=settle_days),
        tolerance=timedelta(hours=posts.get("on_time_tolerance_hours", 1)),
        sla=timedelta(hours=response.get("sla_hours", 24)),
        minimum=number((department.get("coverage") or {}).get("minimum", 0.9)),
        worked=calendar(response, zone),
        phrases=read_phrases(spam_phrases),
        count_tolerance=(department.get("audience") or {}).get("tolerance_days", 2),
        accepted={
            account: [day(when) for when in days]
            for account, days in ((department.get("audience") or {}).get("accept") or {}).items()
        },
        automatic=timedelta(seconds=response.get("automatic_within_seconds", 5)),
        currency=department.get("currency", "RUB"),
        rates=read_rates(Path(params) / "rates.csv"),
    )
    desk = Desk(book, people, specialist, span)
    scoring = department.get("scoring") or {}
    n_history = (department.get("history") or {}).get("periods", 13)
    lines = [line_of(desk, entry, n_history, scoring) for entry in desk.person.get("kpis") or []]
    return {
        "specialist": specialist,
        "period": span.label,
        "as_of": cut.astimezone(zone).isoformat(),
        "interim": cut < midnight(span.end),
        "preliminary": cut < midnight(span.end + settle_days * DAY),
        "total": total(lines, scoring.get("not_assessable", "reweight")),
        "attained": sum(line["attained"] is True for line in lines),
        "assessable": sum(line["attained"] is not None for line in lines),
        "bonus": bonus_of(desk),
        "kpis": lines,
    }


def line_of(desk: Desk, entry: dict, n_history: int, scoring: dict) -> dict:
    """One KPI entry of the scorecard."""
    period = desk.period
    entry = dict(entry)
    fact = desk.result(entry, period)
    goal = goal_for(entry, period, desk)
    a = None if goal is None or fact.value is None else attainment(goal, fact.value)
    as_value = entry.get("as", "value") == "value"
    previous, year_ago = (
        desk.sides(entry, period, then, change=not as_value)[1].value
        for then in (period.previous(), period.year_ago())
    )  # the other side of the change [22]
    left_out = desk.comparable(entry, period, period.previous())[1]
    return {
        "kpi": entry["kpi"],
        "as": entry.get("as", "value"),
        "versus": entry.get("versus", "previous"),
        "scope": {k: entry[k] for k in ("accounts", "platforms", "brands") if entry.get(k) is not None}
        or None,
        "value": fact.value,
        "numerator": fact.numerator,
        "denominator": fact.denominator,
        "units": fact.units,
        "coverage": fact.coverage,
        "assessable": fact.value is not None,
        "reasons": fact.reasons,
        "previous": previous,
        "year_ago": None if year_ago is None else {"value": year_ago},
        "left_out": left_out,
        "target": None
        if goal is None
        else {
            "kind": goal.kind,
            "value": list(goal.value) if goal.kind == "between" else goal.value,
            "base": goal.base,
        },
        "attained": None if goal is None or fact.value is None else is_attained(goal, fact.value),
        "attainment": a,
        "payout": None if a is None else payout(a, scoring),
        "weight": number(entry.get("weight", 0)),
        "history": [
            {"period": span.label, "value": desk.result(entry, span).value}
            for span in period.history(n_history)
        ],
        "accounts": breakdown(desk, entry),
    }


def breakdown(desk: Desk, entry: dict) -> list[dict]:
    """The same figure for each account alone; brands have none."""
    if KPIS[entry["kpi"]].of_brand:
        return []
    lens = desk.lens(entry, desk.period)
    accounts = dict.fromkeys([*lens.days, *(lens.duty if KPIS[entry["kpi"]].on_duty else [])])
    found = []
    for account in accounts:
        one = desk.result(entry, desk.period, only={account})
        found.append(
            {
                "account_id": account,
                "value": one.value,
                "numerator": one.numerator,
                "denominator": one.denominator,
                "reasons": one.reasons,
            }
        )
    return found


def bonus_of(desk: Desk) -> dict | None:
    """A share of the sales of a calendar month, at most `cap`; quarters and years show the sum of their
    months, a
    week its sales and no bonus. Late refunds are reported, or deducted from their month, not below 0 [35]."""
    spec = desk.person.get("bonus")
    if not spec:
        return None
    amounts = [] if desk.period.kind == "week" else [bonus_of_month(desk, m, spec) for m in months_of(desk)]
    amount = None if not amounts or None in amounts else sum(amounts)
    return {"sales_amount": sales_held(desk), "share": number(spec["share_of_sales"]), "amount": amount}


def months_of(desk: Desk) -> list[Span]:
    """The calendar months of P that have begun."""
    months = list(dict.fromkeys(Span.around(when, "month") for when in desk.period.days))
    zone, cut = desk.book.zone, desk.book.as_of
    return [m for m in months if datetime.combine(m.start, time(0), zone).astimezone(UTC) < cut] or months[:1]


def sales_held(desk: Desk) -> Number | None:
    """Sales of the accounts on the days on which they are the person's, present or not."""
    entry = {"kpi": "sales_amount"}
    lens = replace(desk.lens(entry, desk.period), days=desk.held())
    return measure("sales_amount", lens).value


def bonus_of_month(desk: Desk, month: Span, spec: dict) -> Number | None:
    own = Desk(desk.book, desk.people, desk.who, month)
    amount, share = sales_held(own), number(spec["share_of_sales"])
    if amount is None:
        return None
    earned = max(
        0.0, min(amount * share, number(spec["cap"]) if spec.get("cap") is not None else amount * share)
    )
    if spec.get("refunds", "report") == "report":
        return earned
    late = [
        (row["sale_amount"], desk.book.rate(row["currency"], row["day"]))
        for account, days in own.held().items()
        for row in desk.book.index["sold"].get(account, ([], []))[1]
        if row["refunded_at"] is not None
        and not refunded_in_time(desk.book, row)
        and desk.book.local(row["refunded_at"]) in days
    ]
    if any(amount is None or rate is None for amount, rate in late):
        return None  # what is deducted is unknown
    return max(0.0, earned - share * sum(amount * rate for amount, rate in late))


CHOICES = """\
 1 Weeks a year ago: the same ISO week number (W53 -> W52 where there is none), not 52 weeks before.
 2 "Expected are the days inside P": of an interim period only the days that were over at `as_of`; else no
   interim report could reach 90 %. A row dated on the unfinished day of `as_of` is not known yet. Targets
   are pro-rated by the same whole days, not by hours.
 3 "A value uses the figures in `posts`" wins over "values timed after `as_of` are unknown": figures whose
   `stats_at` is after `as_of` stand (LATER_FIGURES_ARE_UNKNOWN turns it round). In post_stats, snapshots
   after `as_of` do not count.
 4 Without the table `coverage`: first to last row of the whole table, for every account, not per account.
 5 "Not beyond the end of coverage": the latest `until` of the whole coverage table, not of the KPI's tables
   or the specialist's accounts. An `as_of` that is given is not cut.
 6 Hours of the business calendar: half an hour at a time, by what the clock on the wall shows then.
 7 Removed links, mentions, emoji, punctuation leave a gap ("из-за" is two words), they do not glue words.
   A bare Latin domain is a link; a hashtag's word stays; `[id1|Name]` is a mention.
 8 A spam phrase is matched as whole words, case folded, in the cleaned text; not as a substring of the raw.
 9 A row holds at the end of its day, so its distance to an instant is that of the next midnight. "Within 7
   days" of levels and openings counts from the date of the row, as "at most 7 days before its end" does.
10 An account whose stock is unknown is left out of numerator and denominator; over 10 % of the accounts: not
   assessable. The same for a closing level. (Not: a missing account counts 0.)
11 Snapshots: used where both sides have some; then post by post, a post without one keeps its figures in
   `posts`. Not: one side with snapshots, the other without. A tie in age: the younger.
12 A snapshot speaks for a post of which more could have been known; one too young at the cut-off stays out
   of the rates over posts. Without snapshots only settled posts are in changes of rates.
   "Rates" there includes like_rate.
13 A (brand, phrase) with rows touching P that do not tile it makes brand_queries not assessable, it is not
   just skipped; a phrase without any row in P is no part of P. A row with `until` after `as_of` is unknown,
   so an interim period is never assessable. In changes untiled phrases are dropped.
14 `platforms` narrows brand_mentions by the mention's own platform; unknown sentiment or platform under such
   a filter falls under the 10 % rule. `accounts` and `platforms` do not touch brand_queries; `brands` does
   not touch account KPIs. `sentiment` is not part of `scope` (the design lists three keys).
15 (Gone: nobody counts for a deputy any more.)
16 (Gone likewise.)
17 "Not covered earlier": the account's own coverage in the earlier period (lowest of the tables) is under
   `coverage.minimum`, or nothing was expected (not opened yet). Opened within the earlier period: it stays.
   Low coverage in P itself leaves no account out. In the history of a change no account is "held for a part".
18 The base of a milestone is `from.value`; `worst` does not go with it.
19 Accruing is what the entry measures: `growth` never; `change` where the KPI accrues; and the change of
   `subscribers` to the previous period, being a sum of gains (the design's example says `per: month`).
20 A schedule's key is its grain. Another grain: summed day by day if accruing (a day without target: none),
   else the entry that holds P's last day. Scaling of any grain: sum over P's days of 1 / length of the
   grain's period around that day, so a week across two months takes from both.
21 No target for P (before `on`, not in the schedule): no part of the total, even under zero and hold, nor of
   `assessable`. target = base: attainment undefined, treated as not assessable. No `weight`: 0.
22 `previous` and `year_ago` are the like-for-like other side; for `value` with the figures of `posts`, for
   change and growth the very side that was used (snapshots). So they may differ from `history`.
23 `history` of a change or growth holds changes or growths; it is computed for all accounts, unclipped.
24 The 10 % rule counts rows after all exclusions (deleted, unsettled, by the brand, cancelled, late). A post
   without subscribers on its day counts as unknown. `breakdown` applies coverage and 10 % account by account.
25 Sum of nothing covered is 0, but not of `left`; a ratio of nothing is not assessable.
26 Growth from 0 is not assessable; from a negative previous it is divided as written.
27 `since` and `until` of a post_stats snapshot, coverage of post_stats: not looked at; its rows decide.
28 Scaling takes the days that count and are over at `as_of`, over P's days; bands of accruing KPIs too.
29 Doubtful counts: "back inside 14 days" of the doubtful row itself; "stayed under half for 14 days" up to
   the first row 14 or more days after it. The last count that is not doubtful is the level.
30 A message within 72 hours of the last one of an unanswered inquiry belongs to it, a closing one too.
31 `left` of an account without any known one in P is unknown, covered or not: a table of daily counts is no
   table of events, and the account's stock must not stand in a denominator alone.
32 "Before the end": a refund at that very instant is still in time, as one at `as_of` is known.
33 Of rows and coverage: the rows of a sale are those sold in P. The cut-off must not lie before the end.
35 Coverage of `subscribers` is that of the counts in `audience` alone; `left` needs coverage of `audience`.
34 `brand_queries` and milestones are neither counted nor scaled by own days.
35 The sales of a bonus are those of the days held, also while the person is away.
36 Rows of an account that is not open on any day held count, with its stock; without rows it is no part.
37 Days of an absence are expected on the sides of a comparison and in earlier periods, not in P itself.
"""

if __name__ == "__main__":
    import json

    arguments = sys.argv[1:]
    card = evaluate(Path(arguments[0]), Path(arguments[1]), *arguments[2:5])
    print(json.dumps(card, ensure_ascii=False, indent=1))
