"""What an entry is compared with: handovers, like for like, snapshots, interim periods, absences."""

from __future__ import annotations

import datetime as dt
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from kpi_kit.scorecard.attainment import outcome, target_of
from kpi_kit.scorecard.entry_facts import Facts
from tests.agency import ACCOUNTS, build, case_of, codes, cover, days, detail, entry, measure, scored

CHANGE, GROWTH = {"as": "change"}, {"as": "growth"}
AGO = {"versus": "year_ago"}


def leads(**months: int) -> list[str]:
    """So many leads of an account on the 10th of a month: ``leads(a_2025_10=3)``."""
    made = []
    for name, count in months.items():
        account, year, month = name.split("_")
        made += [f"{name}-{n},{account},{year}-{month}-10T12:00,true" for n in range(count)]
    return made


# change and growth ------------------------------------------------------------------------------------------

SOME = leads(a_2025_10=6, a_2025_09=4, a_2024_10=3)


@pytest.mark.parametrize(
    ("more", "value"),
    [
        ({}, 6),
        (CHANGE, 2),
        (GROWTH, 0.5),
        (CHANGE | AGO, 3),
        (GROWTH | AGO, 1),
    ],
)
def test_change_and_growth(more: dict[str, Any], value: float, tmp_path: Path) -> None:
    assert measure(tmp_path, "leads", leads=SOME, more=more).value == value


def test_growth_is_written_as_a_fraction_of_the_previous(tmp_path: Path) -> None:
    measured = measure(tmp_path, "leads", leads=SOME, more=GROWTH)
    assert (measured.numerator, measured.denominator) == (2, 4)


def test_growth_from_nothing_or_less(tmp_path: Path) -> None:
    measured = measure(tmp_path / "zero", "leads", leads=leads(a_2025_10=6), more=GROWTH)
    assert (measured.value, codes(measured.notes)[0]) == (None, "zero_previous")
    assert measure(tmp_path / "change", "leads", leads=leads(a_2025_10=6), more=CHANGE).value == 6
    shrunk = ["2025-08-31,a,100", "2025-09-30,a,90", "2025-10-31,a,95"]
    measured = measure(tmp_path / "negative", "subscriber_gain", audience=shrunk, more=GROWTH)
    assert (measured.value, codes(measured.notes)[0]) == (None, "negative_previous")
    assert measure(tmp_path / "gain", "subscriber_gain", audience=shrunk, more=CHANGE).value == 15


def test_a_previous_that_is_not_assessable(tmp_path: Path) -> None:
    measured = measure(tmp_path, "qualified_lead_rate", leads=leads(a_2025_10=6), more=CHANGE)
    assert (measured.value, codes(measured.notes)[0]) == (None, "previous_not_assessable")
    assert detail(measured.notes, "previous_not_assessable") == {"period": "2025-09"}


def test_levels_change_too(tmp_path: Path) -> None:
    rows = ["2025-09-30,a,100", "2025-10-31,a,130"]
    assert measure(tmp_path, "subscribers", audience=rows, more=CHANGE).value == 30
    assert measure(tmp_path, "subscribers", audience=rows, more=GROWTH).value == 0.3


@pytest.mark.parametrize(("as_of", "value"), [("2025-10-31T23:59", None), ("2025-11-01", 2)])
def test_an_interim_period_has_no_change(as_of: str, value: float | None, tmp_path: Path) -> None:
    measured = measure(tmp_path, "leads", leads=SOME, more=CHANGE, as_of=as_of)
    assert measured.value == value
    assert (codes(measured.notes) == ["interim_change"]) == (value is None)


# handover ---------------------------------------------------------------------------------------------------

HANDED = {"accounts": ["a", {"account": "b", "since": "2025-10-16"}]}
UNTIL = {"accounts": [{"account": "a", "until": "2025-10-16"}]}
LEVELS = [
    "2025-09-30,a,100",
    "2025-10-01,a,102,2,0",
    "2025-10-15,a,110,9,1",
    "2025-10-16,a,120,12,2",
    "2025-10-31,a,150,33,3",
]


@pytest.mark.parametrize(
    ("kpi", "value"),
    [
        ("subscribers", 150),
        ("subscriber_gain", 10 + 30),  # the difference on the 16th is to the row of the 15th
        ("subscriber_growth", 40 / 100),  # the opening is the one at the start of the period
        ("unsubscribed", 2 + 3),
        ("churn_rate", 5 / 100),
    ],
)
def test_since_clips_the_period(kpi: str, value: float, tmp_path: Path) -> None:
    person = {"accounts": [{"account": "a", "since": "2025-10-16"}]}
    assert measure(tmp_path, kpi, audience=LEVELS, person=person).value == pytest.approx(value)


@pytest.mark.parametrize(
    ("kpi", "value"),
    [
        ("subscribers", 110),  # the last row before `until`
        ("subscriber_gain", 2 + 8),
        ("subscriber_growth", 10 / 100),
        ("unsubscribed", 0 + 1),
    ],
)
def test_until_clips_the_period(kpi: str, value: float, tmp_path: Path) -> None:
    assert measure(tmp_path, kpi, audience=LEVELS, person=UNTIL).value == pytest.approx(value)


def test_rows_of_the_days_not_held_are_not_counted(tmp_path: Path) -> None:
    rows = ["l1,b,2025-10-15T23:59", "l2,b,2025-10-16T00:00", "l3,a,2025-10-02T12:00"]
    measured = measure(tmp_path, "leads", leads=rows, person=HANDED)
    assert (measured.value, measured.coverage) == (2, 1)


def test_history_is_unclipped(tmp_path: Path) -> None:
    rows = leads(a_2025_10=1, b_2025_10=9, a_2025_09=2, b_2025_09=4)
    data, params = build(
        tmp_path, [entry("leads")], leads=rows, person=HANDED, department={"history": {"periods": 3}}
    )
    with case_of(data, params) as case:
        past = Facts(case, case.person.kpis[0]).history
    # b's leads of 10 October came before the handover; those of September follow the account
    assert [(str(period), value) for period, value in past] == [
        ("2025-08", 0),
        ("2025-09", 6),
        ("2025-10", 1),
    ]


# like for like ----------------------------------------------------------------------------------------------


def test_an_account_held_for_a_part_is_in_neither_side_and_named(tmp_path: Path) -> None:
    rows = leads(a_2025_10=5, a_2025_09=3, b_2025_10=9, b_2025_09=100)
    measured = measure(tmp_path, "leads", leads=rows, person=HANDED, more=CHANGE)
    assert measured.value == 2
    assert detail(measured.notes, "account_left_out") == {"account_id": "b", "reason": "partly_held"}


def test_an_account_not_covered_earlier_is_in_neither_side_and_named(tmp_path: Path) -> None:
    rows = leads(a_2025_10=5, a_2025_09=3, b_2025_10=9)
    told = [*cover("leads", scopes="a"), *cover("leads", scopes="b", since="2025-09-20")]
    measured = measure(
        tmp_path, "leads", leads=rows, person={"accounts": ["a", "b"]}, more=CHANGE, coverage=told
    )
    assert measured.value == 2
    assert detail(measured.notes, "account_left_out") == {"account_id": "b", "reason": "not_covered_earlier"}


@pytest.mark.parametrize(("opened", "value"), [("2025-09-04", 2), ("2025-09-05", None)])
def test_an_account_opened_in_the_earlier_period_is_not_comparable(
    opened: str, value: float | None, tmp_path: Path
) -> None:
    accounts = [f"{ACCOUNTS[0]},opened", f"{ACCOUNTS[1]},{opened}"]  # 27 of 30 days are 90 %
    measured = measure(
        tmp_path, "leads", leads=leads(a_2025_10=5, a_2025_09=3), accounts=accounts, more=CHANGE
    )
    assert measured.value == value
    if value is None:
        assert codes(measured.notes)[0] == "no_comparable_accounts"
        assert detail(measured.notes, "account_left_out")["reason"] == "not_covered_earlier"


def test_previous_and_year_ago_are_like_for_like(tmp_path: Path) -> None:
    rows = leads(a_2025_10=5, a_2025_09=3, a_2024_10=2, b_2025_10=9, b_2025_09=100)
    told = [*cover("leads", scopes="a"), *cover("leads", scopes="b", since="2025-01-01")]
    person = {"accounts": ["a", "b"]}
    data, params = build(tmp_path, [entry("leads")], leads=rows, person=person, coverage=told)
    with case_of(data, params) as case:
        facts = Facts(case, case.person.kpis[0])
        assert (facts.measurement.value, facts.previous, facts.year_ago) == (14, 103, 2)
        against = facts.comparison(case.period.year_ago)
        assert (against.now.value, against.earlier.value) == (5, 2)


# equally mature posts ---------------------------------------------------------------------------------------

# post_id, account_id, published_at, views, likes, comments, reposts, on_brand, stats_at
POSTS = [
    "new,a,2025-10-10T12:00,100,10,0,0,,2025-11-05T12:00",
    "fresh,a,2025-10-30T12:00,40,4,0,0,,2025-11-01T12:00",  # unsettled
    "old,a,2025-09-10T12:00,80,8,0,0,,2025-10-30T12:00",
]
SHOT_NEW = [
    "a,new,2025-10-16T12:00,60,6,0,0",
    "a,new,2025-10-17T12:00,70,7,0,0",
    "a,new,2025-10-20T12:00,90,9,0,0",
]
SHOT_TIE = ["a,new,2025-10-18T12:00,71,7,0,0", "a,new,2025-10-16T12:00,69,6,0,0"]
SHOT_OLD = ["a,old,2025-09-17T12:00,50,2,0,0"]
SHOT_VIEWS = ["a,new,2025-10-17T12:00,70,,0,0", "a,old,2025-09-17T12:00,50,,0,0"]  # likes are not known
SHOT_OF_B = ["b,other,2025-10-17T12:00,1,1,0,0"]


@pytest.mark.parametrize(
    ("kpi", "shots", "more", "value"),
    [
        ("views", [], {}, 140),
        ("views", [*SHOT_NEW, *SHOT_OLD], {}, 140),  # a value uses the figures in posts
        ("views", [], CHANGE, 140 - 80),
        ("views", [*SHOT_NEW, *SHOT_OLD], CHANGE, 70 + 40 - 50),  # the nearest to 7 days of age
        ("views", [*SHOT_TIE, *SHOT_OLD], CHANGE, 69 + 40 - 50),  # of two as near the earlier
        ("views", SHOT_NEW, CHANGE, 140 - 80),  # only one side has snapshots
        ("views", SHOT_OLD, CHANGE, 140 - 80),
        ("views", [*SHOT_OF_B, *SHOT_OLD], CHANGE, 140 - 80),  # those of a left-out account do not count
        ("likes", [*SHOT_NEW, *SHOT_OLD], GROWTH, (7 + 4 - 2) / 2),
        ("engagement_rate", [], CHANGE, 10 / 100 - 8 / 80),  # rates compare settled posts only
        ("engagement_rate", [*SHOT_NEW, *SHOT_OLD], CHANGE, 7 / 70 - 2 / 50),
        ("views", SHOT_VIEWS, CHANGE, 70 + 40 - 50),
        # a snapshot speaks only where it knows all that is needed: else likes and views would differ in age
        ("engagement_rate", SHOT_VIEWS, CHANGE, 10 / 100 - 8 / 80),
        ("likes", SHOT_VIEWS, CHANGE, 14 - 8),
        ("like_rate", SHOT_VIEWS, CHANGE, 10 / 100 - 8 / 100),
        ("likes", [SHOT_VIEWS[0], SHOT_NEW[0], *SHOT_OLD], CHANGE, 6 + 4 - 2),
        ("like_rate", [], {}, 14 / 100),
        ("like_rate", [], CHANGE, 10 / 100 - 8 / 100),  # the unsettled post is in no change of a rate
    ],
)
def test_snapshots(kpi: str, shots: list[str], more: dict[str, Any], value: float, tmp_path: Path) -> None:
    other = "other,b,2025-10-10T12:00,1000,1000,0,0,,2025-11-05T12:00"
    person = {
        "accounts": ["a", {"account": "b", "since": "2025-10-20"}]
    }  # b is held for a part: in no change
    measured = measure(
        tmp_path,
        kpi,
        posts=[*POSTS, other],
        post_stats=shots,
        audience=["2025-09-10,a,100", "2025-09-28,a,100", "2025-10-10,a,100", "2025-10-25,b,0"],
        person=person,
        more=more,
    )
    assert measured.value == pytest.approx(value)


def test_a_deleted_post_has_no_say_in_snapshots(tmp_path: Path) -> None:
    gone = "gone,a,2025-10-11T12:00,9,9,0,0,,2025-10-20T12:00,2025-10-21T12:00"
    shots = ["a,gone,2025-10-18T12:00,1,1,0,0", *SHOT_OLD]
    measured = measure(tmp_path, "views", posts=[*POSTS, gone], post_stats=shots, more=CHANGE)
    assert measured.value == 140 - 80


def test_a_snapshot_speaks_for_a_young_post(tmp_path: Path) -> None:
    shots = ["a,fresh,2025-11-06T12:00,50,10,0,0", *SHOT_OLD]
    measured = measure(tmp_path, "engagement_rate", posts=POSTS, post_stats=shots, more=CHANGE)
    assert measured.value == pytest.approx((10 + 10) / (100 + 50) - 2 / 50)


def test_a_snapshot_after_the_cut_off_is_not_known(tmp_path: Path) -> None:
    shots = ["a,new,2025-11-08T00:01,1,1,0,0", *SHOT_OLD]
    assert measure(tmp_path, "views", posts=POSTS, post_stats=shots, more=CHANGE).value == 140 - 80


# absences ---------------------------------------------------------------------------------------------------

AWAY = {"since": "2025-10-10", "until": "2025-10-13", "deputy": "bob"}
INQUIRIES = [
    "q1,a,message,2025-10-09T23:59,2025-10-10T00:00",
    "q2,a,message,2025-10-10T00:00",
    "q3,a,message,2025-10-12T23:59,2025-10-13T01:00",
    "q4,a,message,2025-10-13T00:00,2025-10-13T01:00",
    "q5,b,message,2025-10-11T12:00,2025-10-11T13:00",
]
PLAN = [f"n{n},a,2025-10-{n}T12:00,true,p{n}" for n in (9, 10, 12, 13)] + ["n11,b,2025-10-11T12:00,true,p11"]
PLANNED = [
    f"p{n},a,2025-10-{n}T11:00,,,,,{flag}"
    for n, flag in ((9, "true"), (10, "false"), (12, "true"), (13, "true"))
]


@pytest.mark.parametrize("deputy", [{}, {"deputy": "bob"}])
@pytest.mark.parametrize(
    ("who", "kpi", "numerator", "denominator"),
    [
        ("ann", "response_rate", 2, 2),
        ("bob", "response_rate", 1, 1),
        ("ann", "plan_fulfilment", 2, 2),
        ("bob", "plan_fulfilment", 0, 1),
    ],
)
def test_inquiries_and_plan_items_of_an_absence_count_for_nobody(
    who: str, kpi: str, numerator: int, denominator: int, deputy: dict[str, str], tmp_path: Path
) -> None:
    measured = measure(
        tmp_path,
        kpi,
        who=who,
        inquiries=INQUIRIES,
        plan=PLAN,
        posts=PLANNED,
        person={"absences": [{**AWAY, **deputy}]},
        colleagues={"bob": {"accounts": ["b"], "kpis": [entry(kpi)]}},
    )
    assert (measured.numerator, measured.denominator) == (numerator, denominator)
    assert ("absence_left_out" in codes(measured.notes)) == (who == "ann")


def test_units_that_accrue_count_on_own_days_only(tmp_path: Path) -> None:
    agency: dict[str, Any] = {
        "leads": [f"l{n},a,2025-10-{n:02d}T12:00" for n in (9, 11, 13)],
        "person": {"absences": [AWAY]},
        "colleagues": {"bob": {"accounts": ["b"], "kpis": [entry("leads")]}},
    }
    assert measure(tmp_path / "ann", "leads", **agency).value == 2
    assert measure(tmp_path / "bob", "leads", who="bob", **agency).value == 0


def test_a_deputy_sees_the_entries_of_the_absent_over_those_days(tmp_path: Path) -> None:
    card = scored(
        tmp_path,
        entry("leads", target={"at_least": 31}),
        entry("response_rate"),
        entry("subscribers"),
        entry("leads", **CHANGE),
        who="bob",
        leads=[f"l{n},a,2025-10-{n:02d}T12:00" for n in (9, 11, 12, 13)],
        inquiries=INQUIRIES,
        audience=["2025-10-31,a,5"],
        person={"absences": [{**AWAY, "until": "2025-11-05"}]},
        colleagues={"bob": {"accounts": ["b"], "kpis": [entry("leads")]}},
    )
    (shown,) = card["deputy_for"]
    assert (shown["specialist"], shown["since"], shown["until"]) == ("ann", "2025-10-10", "2025-11-01")
    assert [(row["kpi"], row["value"]) for row in shown["kpis"]] == [("leads", 3), ("response_rate", 2 / 3)]
    assert card["kpis"][0]["value"] == 0  # bob's own
    assert card["total"] == 0


OWN = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 15)), max_size=3)


@given(
    absences=OWN,
    held=st.tuples(st.integers(0, 30), st.integers(1, 31)),
    per_day=st.integers(1, 3),
)
@settings(max_examples=12, deadline=None)
def test_the_same_pace_gives_the_same_attainment(
    absences: list[tuple[int, int]], held: tuple[int, int], per_day: int
) -> None:
    """So many leads a day, with random absences, by somebody who joins and leaves on random days."""
    first = dt.date(2025, 10, 1)
    since, until = (first + dt.timedelta(days=day) for day in (held[0], min(31, sum(held))))
    away = [(first + dt.timedelta(days=day), first + dt.timedelta(days=day + n)) for day, n in absences]
    own = [
        day
        for day in (first + dt.timedelta(days=number) for number in range(31))
        if since <= day < until and not any(begin <= day < end for begin, end in away)
    ]
    leads = [f"l{n}-{k},a,2025-10-{n:02d}T12:00" for n in range(1, 32) for k in range(per_day)]
    with tempfile.TemporaryDirectory() as folder:
        (row,) = scored(
            Path(folder),
            entry("leads", target={"at_least": 31 * per_day}),
            leads=leads,
            person={
                "accounts": [{"account": "a", "since": since, "until": until}],
                "absences": [{"since": begin, "until": end} for begin, end in away],
            },
        )["kpis"]
    if own:
        assert (row["value"], row["attainment"]) == (per_day * len(own), pytest.approx(1))
        assert row["target"]["value"] == pytest.approx(per_day * len(own))
    else:
        assert (row["value"], row["payout"]) == (None, None)


def test_splitting_a_persons_days_into_two_leaves_each_attainment(tmp_path: Path) -> None:
    leads = [f"l{n},a,2025-10-{n:02d}T12:00" for n in range(1, 32, 2)]  # one every second day
    whole, first, second = (
        scored(
            tmp_path / name,
            entry("leads", target={"at_least": 15.5}),
            leads=leads,
            person={"accounts": [{"account": "a", **held}]},
        )["kpis"][0]
        for name, held in (
            ("whole", {}),
            ("first", {"until": "2025-10-17"}),
            ("second", {"since": "2025-10-17"}),
        )
    )
    assert whole["attainment"] == pytest.approx(16 / 15.5)
    assert first["attainment"] == pytest.approx(8 / 8)
    assert second["attainment"] == pytest.approx(8 / 7.5)


def october(per_day: int) -> dict[str, list[str]]:
    """The same on every day: leads that are qualified and sold, visits, a post, comments, departures."""
    tables: dict[str, list[str]] = {
        name: [] for name in ("leads", "traffic", "posts", "comments", "audience")
    }
    for n, day in enumerate(["2025-09-30", *days(1, 31)]):
        tables["audience"].append(f"{day},a,{1000 + n * per_day},{per_day + 2},2")
        tables["traffic"].append(f"{day},a,{per_day}")
        tables["posts"].append(f"p{n},a,{day}T12:00,{70 * per_day},{per_day},1,1,,2025-11-07")
        for k in range(per_day):
            tables["leads"].append(f"l{n}-{k},a,{day}T12:00,true,{day}T15:00,50,RUB")
            tables["comments"].append(f"c{n}-{k},p{n},a,{day}T13:00,false,,true")
    return tables


PACED = ("leads", "qualified_leads", "sales", "sales_amount", "social_visits", "views", "likes") + (
    "posts_published",
    "meaningful_comments",
    "unsubscribed",
    "subscriber_gain",
)


@example(cuts={4, 9, 17, 26}, pace=2)
@given(cuts=st.sets(st.integers(2, 31), min_size=1, max_size=6), pace=st.integers(1, 3))
@settings(max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_two_people_who_share_the_days_of_one_attain_what_one_does(
    tmp_path: Path, cuts: set[int], pace: int
) -> None:
    """Of sums and counts with the same pace: the values add up, and each attainment is as it was."""
    edges = [dt.date(2025, 10, 1), *(dt.date(2025, 10, cut) for cut in sorted(cuts)), dt.date(2025, 11, 1)]
    spans = [
        {"account": "a", "since": since, "until": until}
        for since, until in zip(edges, edges[1:], strict=False)
    ]
    entries = [entry(kpi, target={"at_least": 40}) for kpi in PACED]
    data, params = build(
        tmp_path / str(len(list(tmp_path.iterdir()))),
        entries,
        **october(pace),
        colleagues={
            "odd": {"accounts": spans[::2], "kpis": entries},
            "even": {"accounts": spans[1::2], "kpis": entries},
        },
    )
    whole, odd, even = (attainments(data, params, who) for who in ("ann", "odd", "even"))
    for kpi in PACED:
        assert odd[kpi][0] + even[kpi][0] == pytest.approx(whole[kpi][0]), kpi
        assert odd[kpi][1] == pytest.approx(whole[kpi][1]) == even[kpi][1], kpi


def attainments(data: Path, params: Path, who: str) -> dict[str, tuple[float, float]]:
    """The value and the attainment of each entry of a person."""
    found = {}
    with case_of(data, params, who=who) as case:
        for asked in case.person.kpis:
            value = Facts(case, asked).measurement.value
            attained = outcome(case, target_of(case, asked)[0], value).attainment
            assert value is not None and attained is not None
            found[asked.kpi] = value, attained
    return found


def test_a_gain_over_own_days_is_that_between_the_counts_at_their_ends(tmp_path: Path) -> None:
    rows = [
        f"2025-{month}-{day:02d},a,{1000 + number}"
        for number, (month, day) in enumerate(
            [(month, day) for month, length in (("09", 30), ("10", 31)) for day in range(1, length + 1)]
        )
    ]
    away = {"absences": [{"since": "2025-10-11", "until": "2025-10-21"}]}
    gain, growth = scored(
        tmp_path,
        entry("subscriber_gain", target={"at_least": 31}),
        entry("subscriber_growth", target={"at_least": "3.1%"}),
        audience=rows,
        person=away,
    )["kpis"]
    assert (gain["value"], gain["target"]["value"]) == (21, pytest.approx(21))
    assert growth["denominator"] == 1029  # the subscribers at the start of the period
    assert growth["target"]["value"] == pytest.approx(0.031 * 21 / 31)


def test_a_gain_without_daily_counts_stays_whole(tmp_path: Path) -> None:
    (row,) = scored(
        tmp_path,
        entry("subscriber_gain", target={"at_least": 31}),
        audience=["2025-09-30,a,100", "2025-10-31,a,140"],
        person={"absences": [{"since": "2025-10-11", "until": "2025-10-21"}]},
    )["kpis"]
    assert (row["value"], row["target"]["value"]) == (40, 31)
    assert "whole_period" in codes(row["notes"])


def test_levels_rates_milestones_changes_and_growths_are_not_scaled(tmp_path: Path) -> None:
    milestone = {"at_least": 40, "by": "2025-12-31", "from": {"value": 20, "on": "2025-09-30"}}
    rows = scored(
        tmp_path,
        entry("subscribers", target={"at_least": 100}),
        entry("qualified_lead_rate", target={"at_least": 0.5}),
        entry("leads", target=milestone),
        entry("leads", target={"at_least": 2, "worst": -5}, **CHANGE),
        entry("leads", target={"at_least": 0.1}, **GROWTH),
        leads=[f"l{m}{n},a,2025-{m}-{n:02d}T12:00,true" for m in ("09", "10") for n in range(1, 31)],
        audience=["2025-10-31,a,100"],
        person={"absences": [AWAY]},
    )["kpis"]
    assert [row["value"] for row in rows] == [100, 1, 30, 0, 0]
    expected = [100, 0.5, pytest.approx(20 + 20 * 31 / 92), 2, 0.1]
    assert [row["target"]["value"] for row in rows] == expected


# scopes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scope", "value"),
    [({}, 5), ({"accounts": ["b"]}, 2), ({"platforms": ["vk"]}, 3), ({"platforms": ["vk", "telegram"]}, 5)],
)
def test_scope(scope: dict[str, Any], value: float, tmp_path: Path) -> None:
    rows = leads(a_2025_10=3, b_2025_10=2, c_2025_10=9)
    assert measure(tmp_path, "leads", leads=rows, person={"accounts": ["a", "b"]}, more=scope).value == value


def test_brands(tmp_path: Path) -> None:
    rows = [f"m{n},{brand},2025-10-10T12:00,vk,positive," for n, brand in enumerate("XXYYY")]
    agency: dict[str, Any] = {"mentions": rows, "person": {"brands": ["X", "Y"]}}
    assert measure(tmp_path / "all", "brand_mentions", **agency).value == 5
    assert measure(tmp_path / "one", "brand_mentions", more={"brands": ["Y"]}, **agency).value == 3


def test_parts_and_weeks(tmp_path: Path) -> None:
    rows = leads(a_2025_10=3, b_2025_10=2)
    data, params = build(
        tmp_path,
        [entry("leads")],
        leads=rows,
        person={"accounts": ["a", "b"]},
        department={"history": {"weeks": 4}},
    )
    with case_of(data, params) as case:
        facts = Facts(case, case.person.kpis[0])
        assert [(part.owner, part.measurement.value) for part in facts.parts] == [("a", 3), ("b", 2)]
        # 10 October is in week 41
        assert [(str(week), value) for week, value in facts.weeks] == [
            ("2025-W40", 0), ("2025-W41", 5), ("2025-W42", 0), ("2025-W43", 0),
        ]  # fmt: skip


def test_a_change_has_no_weeks(tmp_path: Path) -> None:
    data, params = build(
        tmp_path, [entry("leads", **CHANGE)], leads=SOME, department={"history": {"weeks": 4}}
    )
    with case_of(data, params) as case:
        assert Facts(case, case.person.kpis[0]).weeks == []


def test_history_of_a_growth(tmp_path: Path) -> None:
    rows = leads(a_2025_07=1, a_2025_08=2, a_2025_09=3, a_2025_10=6)
    data, params = build(
        tmp_path, [entry("leads", **GROWTH)], leads=rows, department={"history": {"periods": 4}}
    )
    with case_of(data, params) as case:
        past = Facts(case, case.person.kpis[0]).history
    assert [value for _, value in past] == [None, 1, 0.5, 1]  # June had none to grow from


def test_mean_and_opening_of_earlier_periods(tmp_path: Path) -> None:
    audience = [f"{day},a,100,0,1" for day in days(1, 30, "2025-09")] + [
        f"{day},a,200,0,1" for day in days(1, 31)
    ]
    data, params = build(tmp_path, [entry("churn_rate")], audience=audience)
    with case_of(data, params) as case:
        past = Facts(case, case.person.kpis[0]).history
    # September opens with its first row: 100 − 0 + 1
    assert [value for _, value in past] == [pytest.approx(30 / 101), pytest.approx(31 / 100)]
