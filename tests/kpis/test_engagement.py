"""Groups 3 and 4: posts and comments to values worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from kpi_kit.kpis import CATALOGUE
from kpi_kit.kpis.engagement import is_meaningful
from tests.agency import build, case_of, codes, detail, entry, measure

EMPTY: list[str] = []
# post_id, account_id, published_at, views, likes, comments, reposts, on_brand, stats_at, deleted_at
SETTLED = "p1,a,2025-10-10T12:00,200,20,5,3,,2025-10-17T12:00"  # 7 days to the minute
YOUNG = "p2,a,2025-10-30T12:00,50,10,1,1,,2025-11-06T11:59"  # a minute less than 7 days
AGELESS = "p3,a,2025-10-11T12:00,100,1,0,0"  # stats_at unknown counts as settled
DELETED = "p4,a,2025-10-12T12:00,900,90,9,9,,2025-11-01T12:00,2025-11-08T00:00"  # by as_of
DELETED_LATER = "p5,a,2025-10-12T12:00,300,30,3,3,,2025-11-01T12:00,2025-11-08T00:01"
FLAT = [f"f{n},a,2025-10-{n:02d}T12:00,100,10,0,0,,2025-11-07T12:00" for n in range(1, 6)]
OUTSIDE = [
    "o1,a,2025-09-30T23:59,1,1,1,1,,2025-11-01T00:00",
    "o2,a,2025-11-01T00:00,1,1,1,1,,2025-11-08T00:00",
]
EDGES = [
    "e1,a,2025-10-01T00:00,1,1,1,1,,2025-11-01T00:00",
    "e2,a,2025-10-31T23:59,2,2,2,2,,2025-11-07T23:59",
]
AUDIENCE = ["2025-10-01,a,400", "2025-10-10,a,500"]


@pytest.mark.parametrize(
    ("kpi", "posts", "value"),
    [
        ("views", EMPTY, 0),
        ("views", [SETTLED], 200),
        ("views", FLAT, 500),
        ("views", [SETTLED, YOUNG, AGELESS], 350),
        ("views", [SETTLED, DELETED, DELETED_LATER], 500),
        ("views", [*OUTSIDE, *EDGES], 3),
        ("likes", EMPTY, 0),
        ("likes", [SETTLED], 20),
        ("likes", FLAT, 50),
        ("likes", [SETTLED, YOUNG, DELETED], 30),
        ("engagement_rate", [SETTLED], 28 / 200),
        ("engagement_rate", FLAT, 0.1),
        ("engagement_rate", [SETTLED, YOUNG, DELETED, AGELESS], (28 + 1) / 300),
        ("view_rate", [SETTLED], 200 / 500),
        ("view_rate", [SETTLED, YOUNG, DELETED, AGELESS], 300 / 1000),
        ("view_rate", FLAT, 500 / 2000),
        ("like_rate", EMPTY, 0),
        ("like_rate", [SETTLED, YOUNG, DELETED], 30 / 450),  # the mean of the two rows that exist
    ],
)
def test_value(kpi: str, posts: list[str], value: float, tmp_path: Path) -> None:
    assert measure(tmp_path, kpi, posts=posts, audience=AUDIENCE).value == pytest.approx(value)


@pytest.mark.parametrize(
    ("kpi", "posts", "audience", "reason"),
    [
        ("engagement_rate", EMPTY, AUDIENCE, "zero_denominator"),
        ("engagement_rate", [YOUNG], AUDIENCE, "zero_denominator"),
        ("engagement_rate", ["p,a,2025-10-10T12:00,0,0,0,0"], AUDIENCE, "zero_denominator"),
        ("engagement_rate", ["p,a,2025-10-10T12:00,9,1,,1"], AUDIENCE, "too_many_unknown"),
        ("view_rate", EMPTY, AUDIENCE, "zero_denominator"),
        ("view_rate", [SETTLED], EMPTY, "too_many_unknown"),
        ("like_rate", [SETTLED], EMPTY, "mean_unknown"),
        ("views", ["p,a,2025-10-10T12:00"], AUDIENCE, "too_many_unknown"),
    ],
)
def test_not_assessable(kpi: str, posts: list[str], audience: list[str], reason: str, tmp_path: Path) -> None:
    measured = measure(tmp_path, kpi, posts=posts, audience=audience)
    assert measured.value is None
    assert codes(measured.notes)[0] == reason


@pytest.mark.parametrize(("known", "value"), [(9, 90), (8, None)])
def test_a_tenth_of_unknown_likes_is_left_out_and_more_is_too_much(
    known: int, value: float | None, tmp_path: Path
) -> None:
    posts = [f"k{n},a,2025-10-10T12:00,100,10,0,0" for n in range(known)] + ["u,a,2025-10-10T12:00,100,,0,0"]
    measured = measure(tmp_path, "likes", posts=posts)
    assert measured.value == value
    code = "too_many_unknown" if value is None else "unknown_left_out"
    assert detail(measured.notes, code).items() >= {"count": 1, "total": known + 1}.items()


@pytest.mark.parametrize(
    ("row", "value"),
    [
        ("2025-10-10,a,500", 0.4),  # that day's row
        ("2025-10-03,a,500", 0.4),  # 7 days before
        ("2025-10-02,a,500", None),  # 8 days before
        ("2025-10-11,a,500", None),  # the day after does not count
    ],
)
def test_subscribers_on_the_day_of_publication(row: str, value: float | None, tmp_path: Path) -> None:
    assert measure(tmp_path, "view_rate", posts=[SETTLED], audience=["2025-09-28,a,1", row]).value == value


def test_the_day_of_publication_is_the_local_one(tmp_path: Path) -> None:
    at_one_in_moscow = "p,a,2025-10-09T22:00:00Z,200,0,0,0,,2025-10-20T00:00Z"
    assert measure(tmp_path, "view_rate", posts=[at_one_in_moscow], audience=AUDIENCE).value == 200 / 500


def test_what_is_left_out_is_noted(tmp_path: Path) -> None:
    measured = measure(tmp_path, "view_rate", posts=[SETTLED, YOUNG, DELETED, AGELESS], audience=AUDIENCE)
    assert detail(measured.notes, "posts_unsettled") == {"count": 1}
    assert detail(measured.notes, "posts_deleted") == {"count": 1}
    assert detail(measured.notes, "posts_age_unknown") == {"count": 1}
    assert "posts_unsettled" not in codes(
        measure(tmp_path, "views", posts=[SETTLED, YOUNG], audience=AUDIENCE).notes
    )


@pytest.mark.parametrize(("days", "value"), [(3, 28 + 12), (7, 28)])
def test_settle_days_of_the_department(days: int, value: float, tmp_path: Path) -> None:
    three_days = "p2,a,2025-10-20T12:00,50,10,1,1,,2025-10-23T12:00"
    measured = measure(
        tmp_path, "engagement_rate", posts=[SETTLED, three_days], department={"posts": {"settle_days": days}}
    )
    assert measured.numerator == value


# comment_id, post_id, account_id, created_at, by_brand, text, meaningful
SAID = "c1,p1,a,2025-10-10T12:00,false,,true"
NOT_SAID = "c2,p1,a,2025-10-10T12:00,false,Где купить ваш кофе?,false"
BY_RULE = "c3,p1,a,2025-10-10T12:00,,Где купить ваш кофе?"  # by_brand unknown is not by the brand
BY_BRAND = "c4,p1,a,2025-10-10T12:00,true,Где купить ваш кофе?,true"
EMOJI = "c5,p1,a,2025-10-10T12:00,false,👍👍👍"
UNKNOWN = "c6,p1,a,2025-10-10T12:00,false"


@pytest.mark.parametrize(
    ("rows", "value"),
    [
        (EMPTY, 0),
        ([SAID], 1),
        ([NOT_SAID], 0),
        ([BY_RULE], 1),
        ([BY_BRAND], 0),
        ([SAID, NOT_SAID, BY_RULE, BY_BRAND, EMOJI], 2),
        ([SAID, UNKNOWN], None),
        ([f"s{n},p1,a,2025-10-10T12:00,false,,true" for n in range(9)] + [UNKNOWN], 9),
        (["c,p1,a,2025-09-30T23:59,false,,true", "d,p1,a,2025-11-01T00:00,false,,true"], 0),
    ],
)
def test_meaningful_comments(rows: list[str], value: float | None, tmp_path: Path) -> None:
    assert measure(tmp_path, "meaningful_comments", comments=rows).value == value


def test_meaningful_comments_per_mean_subscriber(tmp_path: Path) -> None:
    assert (
        measure(tmp_path, "meaningful_comment_rate", comments=[SAID, BY_RULE], audience=AUDIENCE).value
        == 2 / 450
    )


def test_comments_under_deleted_posts_count(tmp_path: Path) -> None:
    under = SAID.replace("p1", "p4")
    assert measure(tmp_path, "meaningful_comments", comments=[under], posts=[DELETED]).value == 1


def test_the_share_decided_by_rule_is_printed(tmp_path: Path) -> None:
    measured = measure(tmp_path / "some", "meaningful_comments", comments=[SAID, NOT_SAID, BY_RULE, EMOJI])
    assert detail(measured.notes, "comments_by_rule") == {"count": 2, "share": 0.5}
    measured = measure(tmp_path / "none", "meaningful_comments", comments=[SAID])
    assert detail(measured.notes, "comments_by_rule") == {"count": 0, "share": 0}


@pytest.mark.parametrize(
    ("text", "meaningful"),
    [
        ("", False),
        ("Спасибо", False),
        ("Очень вкусный кофе", True),
        ("Очень вкусный", False),
        ("я и ты", False),  # words of one letter do not count
        ("Do you deliver?", True),
        ("so good", False),
        ("100 200 300 400", False),  # no letters
        ("👍🔥😍 очень 👍 вкусный 👍 кофе", True),
        ("👍🏽👍🏽👍🏽", False),
        ("Ну!!! Очень... вкусно???", True),
        ("@ivan @maria @petr", False),
        ("@ivan посмотри какая красота", True),
        ("[id123|Иван Иванов Петрович], да", False),
        ("[club5|Кофе], подскажите пожалуйста, где вы", True),
        ("https://shop.example/очень/вкусный/кофе да", False),
        ("www.example.com/one/two/three here", False),
        ("vk.com/wall one two", False),
        ("смотрите vk.com/wall там всё есть", True),
        ("Подпишись на меня, будет весело", False),
        ("подпишись  НА, меня! будет весело", False),
        ("Лёгкие деньги каждый день дома", False),  # ё is е in the list
        ("Follow me for more coffee", False),
        ("I follow medium roasts only", True),  # "follow me" is not a part of a word
        ("Делаем накрутка лайков недорого", False),
        ("Great post! Link in bio for you", False),
        ("Кофе\u0438\u0306 вкусный тут был", True),  # a combining breve
    ],
)
def test_rule(text: str, meaningful: bool) -> None:
    assert is_meaningful(text) is meaningful


def test_what_is_said_of_a_post_beside_its_figures(tmp_path: Path) -> None:
    """Remarks and traits, by which notes and other usual definitions take posts out or in."""
    after = "p6,a,2025-10-13T12:00,10,1,0,0,,2025-11-08T00:01,,77"  # read a minute after the cut-off
    sharp = "p7,a,2025-10-14T12:00,10,1,0,0,,2025-11-08T00:00,,88"
    data, params = build(
        tmp_path, [entry("views")], posts=[SETTLED, YOUNG, AGELESS, DELETED, DELETED_LATER, after, sharp]
    )
    with case_of(data, params) as case:
        rows = {
            kpi: CATALOGUE[kpi].units(case.tables, case.setting).set_index(case.tables["posts"]["post_id"])
            for kpi in ("views", "likes", "engagement_rate", "like_rate")
        }
    free, settled = rows["views"], rows["engagement_rate"]
    for frame in rows.values():
        assert frame["trait"].to_dict() == dict.fromkeys(frame.index, "") | {"p2": "unsettled"}
        assert frame["reach"].dropna().to_dict() == {"p6": 77, "p7": 88}
    assert free["remark"].to_dict() == dict.fromkeys(free.index, "") | {"p6": "stats_after_cutoff"}
    assert settled["remark"].to_dict() == free["remark"].to_dict() | {"p3": "posts_age_unknown"}
    assert rows["like_rate"]["remark"].to_dict() == free["remark"].to_dict()
    assert free["excluded"].to_dict() == dict.fromkeys(free.index, "") | {"p4": "posts_deleted"}
    assert settled["excluded"].to_dict() == free["excluded"].to_dict() | {"p2": "posts_unsettled"}
    assert rows["like_rate"]["excluded"].to_dict() == free["excluded"].to_dict()
    for kpi in ("views", "likes", "like_rate"):  # of a sum each post is one unit
        assert set(rows[kpi]["denominator"]) == {1.0}


def test_whose_author_is_unknown_is_said_of_a_comment(tmp_path: Path) -> None:
    data, params = build(
        tmp_path, [entry("meaningful_comments")], comments=[SAID, NOT_SAID, BY_RULE, BY_BRAND, EMOJI, UNKNOWN]
    )
    with case_of(data, params) as case:
        rows = CATALOGUE["meaningful_comments"].units(case.tables, case.setting)
        rows = rows.set_index(case.tables["comments"]["comment_id"].loc[rows.index])
    assert rows["trait"].to_dict() == {"c1": "", "c2": "", "c3": "unsigned", "c5": "", "c6": ""}
    by_rule = dict.fromkeys(("c3", "c5"), "comments_by_rule")
    assert rows["remark"].to_dict() == {"c1": "", "c2": "", "c6": ""} | by_rule
    assert rows["numerator"].dropna().to_dict() == {"c1": 1, "c2": 0, "c3": 1, "c5": 0}
