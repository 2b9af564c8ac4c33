"""The oracle itself, proved on cases small enough to work out by hand. Nothing here touches the package."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from textwrap import dedent
from zoneinfo import ZoneInfo

import pytest

# isort: split
import oracle
from oracle import Goal, Span, attainment, evaluate, grain_factor, payout

Make = Callable[..., dict]

DEPARTMENT = """
    timezone: Europe/Moscow
    currency: RUB
    history: {periods: 3}
    response: {sla_hours: 24, calendar: always}
    posts: {settle_days: 7, on_time_tolerance_hours: 1}
    coverage: {minimum: 0.9}
    scoring: {threshold: 0.8, payout_at_threshold: 0.5, cap: 1.2, not_assessable: reweight}
"""
ACCOUNTS = """
    account_id,platform
    a,vk
    b,telegram
"""


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A data folder, params, and the scorecard of `ann`. All tables given are covered for a, b and X over
    2025 unless a coverage table is given."""

    def write(path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).strip() + "\n", encoding="utf-8")

    def build(
        tables: dict[str, str | None],
        ann: str,
        period: str = "2025-10",
        as_of: str | None = None,
        department: str = DEPARTMENT,
        who: str = "ann",
        spam: str | None = None,
        **colleagues: str,
    ) -> dict:
        tables = {"accounts": ACCOUNTS, **tables}
        if "coverage" not in tables:
            lines = [f"{t},{s},2025-01-01,2026-01-01" for t in tables for s in ("a", "b", "X")]
            tables["coverage"] = "\n".join(["table,scope,since,until", *lines])
        for name, text in tables.items():
            if text is None:
                continue
            write(tmp_path / "data" / f"{name}.csv", text)
        write(tmp_path / "params" / "department.yml", department)
        for name, text in {"ann": ann, **colleagues}.items():
            write(tmp_path / "params" / "specialists" / f"{name}.yml", text)
        phrases = None
        if spam is not None:
            phrases = tmp_path / "spam.txt"
            write(phrases, spam)
        return evaluate(tmp_path / "data", tmp_path / "params", who, period, as_of, phrases)

    return build


def values(card: dict) -> dict[str, object]:
    return {line["kpi"]: line["value"] for line in card["kpis"]}


def ann(*kpis: str, accounts: str = "[a, b]", more: str = "") -> str:
    lines = [f"name: Ann\naccounts: {accounts}\nbrands: [X]\n{more}\nkpis:"]
    return "\n".join(lines + [f"  - {{kpi: {kpi}}}" for kpi in kpis])


# Periods ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("label", "start", "end", "previous", "year_ago"),
    [
        ("2025-01", date(2025, 1, 1), date(2025, 2, 1), "2024-12", "2024-01"),
        ("2025-Q1", date(2025, 1, 1), date(2025, 4, 1), "2024-Q4", "2024-Q1"),
        ("2025-W01", date(2024, 12, 30), date(2025, 1, 6), "2024-W52", "2024-W01"),
        ("2020-W53", date(2020, 12, 28), date(2021, 1, 4), "2020-W52", "2019-W52"),
        ("2025", date(2025, 1, 1), date(2026, 1, 1), "2024", "2024"),
    ],
)
def test_periods(label: str, start: date, end: date, previous: str, year_ago: str) -> None:
    span = Span.parse(label)
    assert (span.start, span.end) == (start, end)
    assert span.previous().label == previous
    assert span.year_ago().label == year_ago


# Audience -----------------------------------------------------------------------------------------

AUDIENCE = """
    date,account_id,subscribers,joined,left
    2025-09-28,a,1000,10,5
    2025-10-10,a,1040,60,20
    2025-10-31,a,1100,90,30
    2025-10-05,b,210,30,20
    2025-10-30,b,250,50,10
"""


def test_audience(make: Make) -> None:
    kpis = ["subscribers", "subscriber_gain", "subscriber_growth", "unsubscribed", "churn_rate"]
    found = values(make({"audience": AUDIENCE}, ann(*kpis)))
    assert found["subscribers"] == 1100 + 250
    # a: 40 + 60; b: first row 30 - 20 = 10, then 40
    assert found["subscriber_gain"] == 150
    # opening: a 1000 (3 days old); b has no earlier row: 210 - 30 + 20 = 200
    assert found["subscriber_growth"] == pytest.approx(150 / 1200)
    assert found["unsubscribed"] == 20 + 30 + 20 + 10
    assert found["churn_rate"] == pytest.approx(80 / 1200)


def test_since_serves_only_the_opening_and_the_first_difference(make: Make) -> None:
    person = ann(
        "subscriber_gain", "subscriber_growth", "unsubscribed", accounts="[{account: a, since: 2025-10-15}]"
    )
    # The count of 13 October holds at the end of that day, a day before the 15th: within the tolerance.
    found = values(make({"audience": AUDIENCE.replace("2025-10-10", "2025-10-13")}, person))
    assert found["subscriber_gain"] == 1100 - 1040
    assert found["unsubscribed"] == 30
    assert found["subscriber_growth"] == pytest.approx(60 / 1000)  # the stock is that at the start of October
    # That of 9 October is 5 days off: there are no daily rows, the gain of October stays whole.
    found = values(make({"audience": AUDIENCE.replace("2025-10-10", "2025-10-09")}, person))
    assert found["subscriber_gain"] == 1100 - 1000
    assert found["unsubscribed"] == 30


def test_until_closes_with_the_last_row_before_it(make: Make) -> None:
    person = ann("subscribers", "subscriber_gain", accounts="[{account: a, until: 2025-10-12}]")
    found = values(make({"audience": AUDIENCE}, person))
    assert found == {"subscribers": 1040, "subscriber_gain": 40}


def test_a_stale_opening_is_unknown(make: Make) -> None:
    # The last row before October is of 20 September (11 days), the next of 10 October (10 days): a stock is
    # never known by silence, though every day is covered.
    rows = AUDIENCE.replace("2025-09-28", "2025-09-20")
    card = make({"audience": rows}, ann("churn_rate", "unsubscribed", "subscriber_gain", accounts="[a]"))
    rate, plain, gain = card["kpis"]
    assert rate["coverage"] == 1
    assert rate["value"] is None
    assert plain["value"] == 50
    assert gain["value"] is None


def test_a_closing_level_older_than_seven_days_is_unknown(make: Make) -> None:
    rows = AUDIENCE.replace("2025-10-31", "2025-10-24").replace("2025-10-30", "2025-10-25")
    found = make({"audience": rows}, ann("subscribers"))["kpis"][0]
    # 24 October is 8 days before 1 November, 25 October 7: one of two accounts is unknown, over 10 %.
    assert found["value"] is None
    assert found["accounts"] == [
        {
            "account_id": "a",
            "value": None,
            "numerator": 0,
            "denominator": None,
            "reasons": found["accounts"][0]["reasons"],
        },
        {"account_id": "b", "value": 250, "numerator": 250, "denominator": None, "reasons": []},
    ]


# Posts --------------------------------------------------------------------------------------------

POSTS = """
    post_id,account_id,published_at,views,likes,comments,reposts,stats_at,deleted_at
    p1,a,2025-10-11T12:00:00,400,40,5,5,2025-10-30T12:00:00,
    p2,a,2025-10-16T12:00:00,200,10,0,0,2025-10-18T12:00:00,
    p3,a,2025-10-12T12:00:00,999,99,9,9,,2025-11-01T00:00:00
    p4,b,2025-10-06T23:30:00,100,10,1,4,,
    p5,a,2025-09-30T22:30:00Z,100,20,0,0,,
"""


def test_posts(make: Make) -> None:
    kpis = ["views", "likes", "view_rate", "engagement_rate", "posts_published", "like_rate"]
    found = values(make({"audience": AUDIENCE, "posts": POSTS}, ann(*kpis)))
    # p3 is deleted; p5 is of 1 October 01:30 in Moscow
    assert found["posts_published"] == 4
    assert found["views"] == 400 + 200 + 100 + 100
    assert found["likes"] == 40 + 10 + 10 + 20
    # p2 was 2 days old: left out. Subscribers: p1 1040 (10 Oct), p4 210 (5 Oct), p5 1000 (28 Sep)
    assert found["view_rate"] == pytest.approx(600 / 2250)
    assert found["engagement_rate"] == pytest.approx((50 + 15 + 20) / 600)
    # means over the rows that exist in October: a (1040 + 1100) / 2, b (210 + 250) / 2
    assert found["like_rate"] == pytest.approx(80 / (1070 + 230))


def test_a_tenth_of_the_rows_may_be_unknown_not_more(make: Make) -> None:
    head = "post_id,account_id,published_at,views\n"
    rows = [f"p{i},a,2025-10-{i:02}T10:00:00,{'' if i == 1 else 10}" for i in range(1, 11)]
    assert values(make({"posts": head + "\n".join(rows)}, ann("views"))) == {"views": 90}
    assert values(make({"posts": head + "\n".join(rows[:9])}, ann("views"))) == {"views": None}


def test_growth_uses_the_snapshots_nearest_to_the_settling_age(make: Make) -> None:
    posts = """
        post_id,account_id,published_at,views,likes,stats_at
        s1,a,2025-09-10T12:00:00,1000,100,2025-12-01T00:00:00
        o1,a,2025-10-10T12:00:00,500,90,2025-10-12T12:00:00
    """
    stats = """
        account_id,post_id,stats_at,views,likes
        a,s1,2025-09-12T12:00:00,300,30
        a,s1,2025-09-18T12:00:00,700,50
        a,o1,2025-10-16T12:00:00,480,80
    """
    person = ann("likes", "likes, as: growth", "likes, as: change", accounts="[a]")
    value, growth, change = make({"posts": posts, "post_stats": stats}, person)["kpis"]
    assert (value["value"], value["previous"]) == (90, 100)
    assert growth["value"] == pytest.approx((80 - 50) / 50)
    assert change["value"] == 30
    # October alone has a snapshot: both sides then use the figures of `posts`.
    alone = "\n".join(stats.splitlines()[:2] + stats.splitlines()[4:])
    growth = make({"posts": posts, "post_stats": alone}, person)["kpis"][1]
    assert growth["value"] == pytest.approx(-0.1)


# Comments -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "meaningful"),
    [
        ("Очень вкусный кофе!", True),
        ("Ну я и ты", False),  # only `ну` and `ты` have two letters
        ("👍👍👍 супер кофе", False),
        ("Смотри https://example.com/very/long вот это", True),
        ("@maria смотри t.me/shop вот", False),
        ("[id123|Анна Иванова], большое вам спасибо", True),
        ("[id123|Анна Иванова], спасибо", False),
        ("Заходите, взаимная подписка, друзья", False),
        ("Привет,как дела", True),
    ],
)
def test_meaningful(text: str, meaningful: bool) -> None:
    assert oracle.is_meaningful(text, ["взаимная подписка"]) is meaningful


def test_comments(make: Make) -> None:
    comments = """
        comment_id,post_id,account_id,created_at,by_brand,text,meaningful
        c1,p3,a,2025-10-02T10:00:00,false,Какая у вас обжарка?,
        c2,p3,a,2025-10-02T11:00:00,true,Очень светлая обжарка сегодня,
        c3,p3,a,2025-10-02T12:00:00,,ок,true
        c4,p3,a,2025-10-02T12:00:00,false,Пишите мне в личку скорее,
        c5,p3,a,2025-11-02T12:00:00,false,Пишите мне скорее ответ,
        c6,p3,a,2025-10-02T12:00:00,false,да,
    """
    kpis = ["meaningful_comments", "meaningful_comment_rate"]
    found = values(
        make(
            {"comments": comments, "audience": AUDIENCE},
            ann(*kpis, accounts="[a]"),
            spam="# спам\nмне в личку",
        )
    )
    assert found["meaningful_comments"] == 2  # c1 and c3
    assert found["meaningful_comment_rate"] == pytest.approx(2 / 1070)


# Leads and sales ----------------------------------------------------------------------------------

LEADS = """
    source,lead_id,account_id,created_at,qualified,status,sold_at,sale_amount,currency,refunded_at
    crm,l1,a,2025-09-20T10:00:00,true,won,2025-10-05T10:00:00,1000.5,RUB,
    crm,l2,a,2025-10-02T10:00:00,true,won,2025-10-06T10:00:00,500,RUB,2025-11-01T10:00:00
    crm,l3,b,2025-10-03T10:00:00,true,,2025-10-31T10:00:00,200,RUB,2025-12-01T00:00:00
    crm,l4,b,2025-10-04T10:00:00,false,lost,2025-10-07T10:00:00,300,RUB,
    crm,l5,b,2025-10-05T10:00:00,,won,2025-11-20T10:00:00,70,RUB,
"""


def test_sales(make: Make, tmp_path: Path) -> None:
    kpis = ["leads", "qualified_leads", "qualified_lead_rate", "sales", "sales_amount"]
    person = ann(*kpis, more="bonus: {share_of_sales: 2%, cap: 20}")
    card = make({"leads": LEADS}, person)
    # l2 is refunded by 8 November; l3, of unknown status, only later; l4 was lost; l5 is not yet sold
    assert values(card) == {
        "leads": 4,
        "qualified_leads": 2,
        "qualified_lead_rate": pytest.approx(2 / 3),
        "sales": 2,
        "sales_amount": 1200.5,
    }
    assert card["bonus"] == {"sales_amount": 1200.5, "share": 0.02, "amount": 20}
    # A sale in euros needs a rate that is at most 14 days old on its day, 31 October.
    foreign = {"leads": LEADS.replace("200,RUB", "200,EUR")}
    for rates, amount in [("", None), ("2025-10-16,EUR,90", None), ("2025-10-17,EUR,90", 1000.5 + 18000)]:
        (tmp_path / "params" / "rates.csv").write_text(f"date,currency,rate\n{rates}\n", encoding="utf-8")
        found = values(make(foreign, person))
        assert (found["sales"], found["sales_amount"]) == (2, amount)


# Demand -------------------------------------------------------------------------------------------


def test_brand_queries(make: Make) -> None:
    queries = """
        since,until,brand,phrase,queries
        2025-10-01,2025-11-01,X,mono,100
        2025-10-01,2025-10-16,X,mono,40
        2025-10-16,2025-11-01,X,mono,50
        2025-10-01,2025-10-16,X,duo,7
        2025-10-16,2025-11-01,X,duo,8
        2025-09-01,2025-10-01,X,mono,80
    """
    value, growth = make({"brand_queries": queries}, ann("brand_queries", "brand_queries, as: growth"))[
        "kpis"
    ]
    assert value["value"] == 100 + 15  # mono once, by its month
    assert growth["value"] == pytest.approx(0.25)  # mono alone is known in both
    gap = queries.replace("2025-10-16,2025-11-01,X,duo", "2025-10-17,2025-11-01,X,duo")
    assert values(make({"brand_queries": gap}, ann("brand_queries"))) == {"brand_queries": None}


def test_mentions_and_visits(make: Make) -> None:
    mentions = """
        mention_id,brand,mentioned_at,platform,sentiment,by_brand
        m1,X,2025-10-01T10:00:00,vk,positive,false
        m2,X,2025-10-01T10:00:00,ok,negative,
        m3,X,2025-10-01T10:00:00,vk,neutral,true
        m4,Y,2025-10-01T10:00:00,vk,neutral,false
        m5,X,2025-10-01T10:00:00,vk,neutral,false
    """
    traffic = "date,account_id,visits\n2025-10-31,a,5\n2025-11-01,a,9\n2025-10-01,b,2"
    kpis = [
        "brand_mentions",
        "social_visits",
        "brand_mentions, sentiment: [positive, neutral], platforms: [vk]",
    ]
    card = make({"mentions": mentions, "traffic": traffic}, ann(*kpis))
    assert [line["value"] for line in card["kpis"]] == [3, 7, 2]


# Content ------------------------------------------------------------------------------------------


def test_plan_fulfilment(make: Make) -> None:
    posts = """
        post_id,account_id,published_at,on_brand,deleted_at
        p1,a,2025-10-02T13:00:00,true,
        p2,a,2025-10-02T13:00:01,true,
        p3,a,2025-10-02T10:00:00,false,
        p4,a,2025-10-02T10:00:00,true,2025-10-09T10:00:00
        p5,a,2025-10-02T10:00:00,,
    """
    head = "plan_id,account_id,due_at,approved,post_id,approved_at,cancelled_at\n"
    rows = [
        "n1,a,2025-10-02T12:00:00,true,p1,,",  # exactly at the end of the tolerance: kept
        "n2,a,2025-10-02T12:00:00,true,p2,,",  # a second late
        "n3,a,2025-10-02T12:00:00,true,p3,,",  # off brand
        "n4,a,2025-10-02T12:00:00,true,p4,,",  # deleted
        "n6,a,2025-10-02T12:00:00,true,,,",  # missing
        "n7,a,2025-10-02T12:00:00,false,p1,,",  # not approved: no item
        "n8,a,2025-10-02T12:00:00,true,,2025-10-03T00:00:00,",  # approved too late: left out
        "n9,a,2025-10-02T12:00:00,true,,,2025-10-01T00:00:00",  # cancelled in time: left out
        "n10,a,2025-10-02T12:00:00,true,,,2025-10-02T12:00:00",  # cancelled too late: counts
    ]
    found = make({"posts": posts, "plan": head + "\n".join(rows)}, ann("plan_fulfilment"))["kpis"][0]
    assert (found["numerator"], found["denominator"]) == (1, 6)
    rows.append("n5,a,2025-10-02T12:00:00,true,p5,,")  # on_brand unknown: 1 of 7 is over 10 %
    found = make({"posts": posts, "plan": head + "\n".join(rows)}, ann("plan_fulfilment"))["kpis"][0]
    assert found["value"] is None


# Response -----------------------------------------------------------------------------------------

INQUIRIES = """
    inquiry_id,account_id,kind,received_at,answered_at
    q1,a,message,2025-10-01T10:00:00,2025-10-01T11:00:00
    q2,a,message,2025-10-01T10:00:00,2025-10-02T10:00:00
    q3,a,message,2025-10-20T10:00:00,2025-10-22T10:00:00
    q4,b,review,2025-10-20T10:00:00,
"""


def test_response(make: Make) -> None:
    found = values(make({"inquiries": INQUIRIES}, ann("response_rate", "median_response_time")))
    assert found["response_rate"] == 0.5  # q1 and q2 (exactly 24 hours)
    # S(1) = 3/4, S(24) = 1/2: the median is 24 hours
    assert found["median_response_time"] == 24
    # At 21 October 09:00 q3 and q4 are not yet due; answers 1 and 24, two censored at 23 hours:
    # S(1) = 3/4; at 24 hours one is at risk and answers: S = 0.
    found = values(
        make(
            {"inquiries": INQUIRIES},
            ann("response_rate", "median_response_time"),
            as_of="2025-10-21T09:00:00",
        )
    )
    assert found == {"response_rate": 1.0, "median_response_time": 24}


def test_median_that_is_never_reached(make: Make) -> None:
    rows = "inquiry_id,account_id,kind,received_at,answered_at\nq1,a,message,2025-10-20T10:00:00,"
    assert values(make({"inquiries": rows}, ann("median_response_time"))) == {"median_response_time": None}


def test_business_hours() -> None:
    zone = ZoneInfo("Europe/Moscow")

    def at(*parts: int, zone: ZoneInfo = zone) -> datetime:
        return datetime(*parts, tzinfo=zone).astimezone(UTC)

    # Friday 31 October 18:00 to Wednesday 5 November 11:00: 1 h on Friday; Saturday 1 November was worked,
    # with Friday's 9 h, for Monday 3 November; Tuesday 4 November is a holiday; 1 h on Wednesday.
    long = at(2025, 10, 31, 18), at(2025, 11, 5, 11)
    worked = oracle.calendar({"calendar": "business", "country": "RU"}, zone)
    assert worked(*long) == timedelta(hours=1 + 9 + 1)
    assert worked(at(2025, 10, 7, 20), at(2025, 10, 8, 9)) == timedelta()
    # That Saturday struck, and the Sunday after it added.
    days = {"2025-11-01": "off", "2025-11-02": [12, 14]}
    worked = oracle.calendar({"calendar": "business", "country": "RU", "days": days}, zone)
    assert worked(*long) == timedelta(hours=1 + 2 + 1)
    # Hours by weekday: 11 October is an ordinary Saturday.
    hours = {"mon-fri": [10, 19], "sat": [11, 16]}
    worked = oracle.calendar({"calendar": "business", "country": "RU", "hours": hours}, zone)
    assert worked(at(2025, 10, 10, 18), at(2025, 10, 13, 11)) == timedelta(hours=1 + 5 + 1)
    # A night of Sunday from 0 to 6 h in Berlin: the clock skips an hour in March and doubles one in October.
    berlin = ZoneInfo("Europe/Berlin")
    worked = oracle.calendar({"calendar": "business", "country": "DE", "hours": {"sun": [0, 6]}}, berlin)
    spring = at(2025, 3, 30, 0, zone=berlin), at(2025, 3, 30, 12, zone=berlin)
    autumn = at(2025, 10, 26, 0, zone=berlin), at(2025, 10, 26, 12, zone=berlin)
    assert (worked(*spring), worked(*autumn)) == (timedelta(hours=5), timedelta(hours=7))


def test_an_absence_leaves_out_its_days_and_gives_the_deputy_nothing(make: Make) -> None:
    gone = "absences: [{since: 2025-10-20, until: 2025-10-25, deputy: bob}]"
    kpis = ["response_rate", "leads, target: {at_least: 31}, weight: 1"]
    bob = "name: Bob\naccounts: []\nkpis: [{kpi: response_rate}]"
    tables = {"inquiries": INQUIRIES, "leads": LEADS}
    rate, leads = make(tables, ann(*kpis, more=gone), bob=bob)["kpis"]
    assert (rate["numerator"], rate["denominator"]) == (2, 2)  # q3 and q4 came while Ann was away
    assert (leads["value"], leads["target"]["value"]) == (4, pytest.approx(26))  # 5 of 31 days away
    deputy = make(tables, ann(*kpis, more=gone), bob=bob, who="bob")["kpis"][0]
    assert (deputy["numerator"], deputy["denominator"], deputy["value"]) == (None, None, None)
    earlier = gone.replace("2025-10-20", "2025-10-04").replace("2025-10-25", "2025-10-09")
    rate, leads = make(tables, ann(*kpis, more=earlier), bob=bob)["kpis"]
    assert (rate["numerator"], rate["denominator"]) == (2, 4)
    assert (leads["value"], leads["target"]["value"]) == (2, pytest.approx(26))  # without l4 and l5


# Coverage, like for like, as_of -------------------------------------------------------------------


def test_coverage_says_whether_no_rows_are_zero(make: Make) -> None:
    head = "table,scope,since,until\n"
    rows = "source,lead_id,account_id,created_at"
    for until, coverage, value in [("2025-10-28", 27 / 31, None), ("2025-10-30", 29 / 31, 0)]:
        found = make(
            {"leads": rows, "coverage": head + f"leads,a,2025-01-01,{until}"}, ann("leads", accounts="[a]"),
            as_of="2025-11-08",
        )["kpis"][0]  # fmt: skip
        assert found["coverage"] == pytest.approx(coverage)
        assert found["value"] == value
    uncovered = {"leads": rows, "coverage": head + "leads,a,2025-01-01,2026-01-01"}
    assert values(make(uncovered, ann("leads"))) == {"leads": None}  # b: one of two accounts, 0.5


def test_without_a_coverage_table(make: Make) -> None:
    # The table is taken as covered from its first row to its last, 2 to 31 October, for both accounts; as_of
    # is the end of that.
    rows = "source,lead_id,account_id,created_at\ncrm,l1,a,2025-10-02T10:00:00\ncrm,l2,b,2025-10-31T23:00:00"
    card = make({"leads": rows, "coverage": None}, ann("leads"))
    assert card["kpis"][0]["coverage"] == pytest.approx(30 / 31)
    assert card["kpis"][0]["value"] == 2
    assert card["as_of"] == "2025-11-01T00:00:00+03:00"
    # An empty coverage table covers nothing.
    assert values(make({"leads": rows, "coverage": "table,scope,since,until"}, ann("leads"))) == {
        "leads": None
    }


def test_like_for_like(make: Make) -> None:
    leads = """
        source,lead_id,account_id,created_at
        crm,l1,a,2025-09-02T10:00:00
        crm,l2,a,2025-10-02T10:00:00
        crm,l3,a,2025-10-03T10:00:00
        crm,l4,b,2025-09-03T10:00:00
        crm,l5,b,2025-10-03T10:00:00
        crm,l6,b,2025-10-20T10:00:00
    """
    coverage = "table,scope,since,until\nleads,a,2025-01-01,2026-01-01\nleads,b,2025-10-01,2026-01-01"
    value, growth = make({"leads": leads, "coverage": coverage}, ann("leads", "leads, as: growth"))["kpis"]
    assert value["value"] == 4
    assert growth["value"] == 1.0  # a alone: 2 after 1; b is not covered in September
    assert growth["left_out"] == ["b"]
    # held for only a part of October: left out, too, but counted in the value from `since`
    held = ann("leads", "leads, as: growth", accounts="[a, {account: b, since: 2025-10-10}]")
    value, growth = make({"leads": leads}, held)["kpis"]
    assert (value["value"], growth["value"]) == (3, 1.0)
    # the history follows the accounts, unclipped
    assert [point["value"] for point in value["history"]] == [0, 2, 3]


def test_interim_and_preliminary(make: Make) -> None:
    person = ann(
        "leads, target: {at_least: 31}, weight: 1", "leads, as: change, target: {at_least: 1}, weight: 1"
    )
    card = make({"leads": LEADS}, person, as_of="2025-10-11")
    assert (card["as_of"], card["interim"], card["preliminary"]) == ("2025-10-11T00:00:00+03:00", True, True)
    value, change = card["kpis"]
    assert value["target"]["value"] == pytest.approx(10)  # 10 of 31 days
    assert value["coverage"] == 1
    assert value["attainment"] == pytest.approx(0.4)
    assert change["value"] is None
    card = make({"leads": LEADS}, person)
    assert (card["as_of"], card["interim"], card["preliminary"]) == (
        "2025-11-08T00:00:00+03:00",
        False,
        False,
    )
    cut = "table,scope,since,until\nleads,a,2025-01-01,2025-11-03\nleads,b,2025-01-01,2025-11-03"
    card = make({"leads": LEADS, "coverage": cut}, person)
    assert (card["as_of"], card["interim"], card["preliminary"]) == ("2025-11-03T00:00:00+03:00", False, True)


# Targets ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("grain", "period", "factor"),
    [
        ("year", "2025-10", Fraction(31, 365)),
        ("quarter", "2025-10", Fraction(31, 92)),
        ("month", "2025-Q4", Fraction(3)),
        ("month", "2025", Fraction(12)),
        ("week", "2025-10", Fraction(31, 7)),
        ("month", "2025-W41", Fraction(7, 31)),
        ("month", "2025-W40", Fraction(2, 30) + Fraction(5, 31)),
        ("month", "2025-10", Fraction(1)),
    ],
)
def test_grains(grain: str, period: str, factor: Fraction) -> None:
    assert grain_factor(grain, Span.parse(period)) == factor


@pytest.mark.parametrize(
    ("goal", "fact", "expected"),
    [
        (Goal("at_least", 1000, 0), 900, 0.9),
        (Goal("at_least", 1.0, 0.8), 0.95, 0.75),
        (Goal("at_least", 1.0, 0.8), 0.7, 0.0),
        (Goal("at_most", 0.03, 0.06), 0.021, 1.3),
        (Goal("at_most", 0.03, 0.06), 0.07, 0.0),
        (Goal("between", (0.2, 0.6), None), 0.6, 1.0),
        (Goal("between", (0.2, 0.6), None), 0.65, 0.75),
        (Goal("between", (0.2, 0.6), None), 0.1, 0.5),
        (Goal("at_least", 0, 0), 5, None),
    ],
)
def test_attainment(goal: Goal, fact: float, expected: float | None) -> None:
    found = attainment(goal, fact)
    assert found is None if expected is None else found == pytest.approx(expected)


@pytest.mark.parametrize(
    ("a", "expected"), [(0.79, 0), (0.8, 0.5), (0.9, 0.75), (1, 1), (1.1, 1.1), (1.3, 1.2)]
)
def test_payout(a: float, expected: float) -> None:
    scoring = {"threshold": 0.8, "payout_at_threshold": 0.5, "cap": 1.2}
    assert payout(a, scoring) == pytest.approx(expected)


def test_milestone_and_schedule(make: Make) -> None:
    line = "subscribers, target: {at_least: 1365, by: 2025-12-31, from: {value: 1000, on: 2024-12-31}}"
    goals = "leads, target: {schedule: {2025-09: {at_least: 40}, 2025-10: {at_least: 31}}}"
    tables = {"audience": AUDIENCE, "leads": LEADS}
    milestone, schedule = make(tables, ann(line, goals))["kpis"]
    # 31 October is day 304 of 365: 1000 + 304; the base is from.value
    assert milestone["target"] == {"kind": "at_least", "value": pytest.approx(1304), "base": 1000}
    assert milestone["attainment"] == pytest.approx(350 / 304)
    assert schedule["target"]["value"] == 31
    assert make(tables, ann(line, goals), period="2025-11")["kpis"][1]["target"] is None
    week = make(tables, ann(line, goals), period="2025-W40")["kpis"][1]["target"]["value"]
    assert week == pytest.approx(2 * 40 / 30 + 5)  # 29 and 30 September, 1 to 5 October


@pytest.mark.parametrize(("rule", "expected"), [("reweight", 1.1), ("zero", 0.55), ("hold", None)])
def test_total(make: Make, rule: str, expected: float | None) -> None:
    person = ann(
        "leads, target: {at_least: 4}, weight: 10",  # 4 of 4: 1
        "sales, target: {at_least: 1}, weight: 10",  # 2 of 1: capped at 1.2
        "views, target: {at_least: 1}, weight: 20",  # no posts table: not assessable
        "qualified_leads, weight: 50",  # no target: not judged
    )
    card = make({"leads": LEADS}, person, department=DEPARTMENT.replace("reweight", rule))
    assert card["total"] == (None if expected is None else pytest.approx(expected))
    assert (card["attained"], card["assessable"]) == (2, 2)
