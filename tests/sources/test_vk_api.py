"""Answers of the VK API, made up here; the counts of the real samples were taken by eye from their JSON."""

import datetime as dt
import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from kpi_kit.core.errors import InputError
from kpi_kit.sources import SOURCES, Imported, ImportOptions

SAMPLES = Path(__file__).parents[3] / "shared" / "samples" / "vk"
needs_samples = pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"the real exports are not at {SAMPLES}")

OCTOBER_1 = 1759266000  # 2025-10-01T00:00 in Moscow, 2025-09-30T21:00 UTC
DAY = 86400


def post(number: int = 1, **changes: Any) -> dict[str, Any]:
    figures = {
        "likes": {"count": 5},
        "comments": {"count": 2},
        "reposts": {"count": 1},
        "views": {"count": 100},
    }
    made = {
        "id": number,
        "owner_id": -7,
        "from_id": -7,
        "date": OCTOBER_1,
        "post_type": "post",
        "text": "Зёрна",
    }
    return {key: value for key, value in {**made, **figures, **changes}.items() if value is not None}


def comment(number: int = 10, **changes: Any) -> dict[str, Any]:
    made = {
        "id": number,
        "from_id": 3,
        "owner_id": -7,
        "post_id": 1,
        "date": OCTOBER_1,
        "text": "Спасибо, очень вкусно",
    }
    return {
        key: value for key, value in {"parents_stack": [], **made, **changes}.items() if value is not None
    }


def day(number: int, **activity: int) -> dict[str, Any]:
    begin = OCTOBER_1 + (number - 1) * DAY
    return {"period_from": begin, "period_to": begin + DAY - 1, "activity": activity}


def wall(*items: dict[str, Any]) -> dict[str, Any]:
    return {"response": {"count": len(items), "items": list(items)}}


@pytest.fixture
def imported(tmp_path: Path) -> Any:
    def run(*answers: Any, **options: Any) -> Imported:
        paths = [tmp_path / f"answer{number}.json" for number, _ in enumerate(answers)]
        for path, answer in zip(paths, answers, strict=True):
            path.write_text(answer if isinstance(answer, str) else json.dumps(answer), encoding="utf-8")
        return SOURCES["vk-api"].read(paths, ImportOptions(**{"account": "vk-roastery", **options}))

    return run


def refusal(imported: Any, *answers: Any, **options: Any) -> str:
    with pytest.raises(InputError) as caught:
        imported(*answers, **options)
    return str(caught.value)


class TestPosts:
    def test_all_columns(self, imported: Any) -> None:
        found = imported(wall(post()))
        assert found.tables["posts"].to_dict("records") == [
            {
                "post_id": "1",
                "account_id": "vk-roastery",
                "published_at": pd.Timestamp("2025-09-30T21:00Z"),
                "views": 100,
                "likes": 5,
                "comments": 2,
                "reposts": 1,
                "url": "https://vk.com/wall-7_1",
                "text": "Зёрна",
            }
        ]
        assert found.coverage == {}
        assert found.remarks == ("posts: 1 row from 1 item of wall.get",)

    def test_types(self, imported: Any) -> None:
        types = {name: str(dtype) for name, dtype in imported(wall(post())).tables["posts"].dtypes.items()}
        assert types["post_id"] == types["text"] == "str"
        assert types["published_at"] == "datetime64[us, UTC]"
        assert {types[name] for name in ("views", "likes", "comments", "reposts")} == {"Int64"}

    def test_nothing_on_the_wall_is_an_empty_table(self, imported: Any) -> None:
        found = imported(wall()).tables["posts"]
        assert found.empty
        assert str(found["published_at"].dtype) == "datetime64[us, UTC]"

    def test_absent_figures_are_unknown_not_zero(self, imported: Any) -> None:
        posts = imported(wall(post(views=None, likes={}))).tables["posts"]
        assert posts["views"].isna().all()
        assert posts["likes"].isna().all()
        assert posts["reposts"].tolist() == [1]

    def test_a_repost_without_words_has_those_of_the_original(self, imported: Any) -> None:
        silent = post(1, text="", copy_history=[{"text": ""}, {"text": "Из первых рук"}])
        spoken = post(2, text="Своё", copy_history=[{"text": "Чужое"}])
        assert imported(wall(silent, spoken)).tables["posts"]["text"].tolist() == ["Из первых рук", "Своё"]

    @pytest.mark.parametrize(
        "shape",
        [
            lambda pages: [{"response": {"count": 2, "items": page}} for page in pages],
            lambda pages: [{"count": 2, "items": page} for page in pages],
            lambda pages: {"response": {"count": 2, "items": pages[0] + pages[1]}},
            lambda pages: {"response": pages[0] + pages[1]},
        ],
        ids=["wrapped pages", "bare pages", "one answer", "wall.getById"],
    )
    def test_with_and_without_wrapper(self, imported: Any, shape: Any) -> None:
        posts = imported(shape([[post(1)], [post(2)]])).tables["posts"]
        assert posts["post_id"].tolist() == ["1", "2"]

    def test_a_pinned_post_on_two_pages_is_one_post_with_its_newest_figures(self, imported: Any) -> None:
        first, second = wall(post(9), post(2)), wall(post(9, likes={"count": 6}), post(1))
        found = imported([first, second])
        assert found.tables["posts"].set_index("post_id")["likes"].to_dict() == {
            "9": 6,
            "2": 5,
            "1": 5,
        }
        assert any("1 repeated item dropped" in remark for remark in found.remarks)

    def test_the_last_edited_copy_wins_over_the_order_of_files(self, imported: Any) -> None:
        found = imported(wall(post(edited=20, text="новое")), wall(post(edited=10, text="старое")))
        assert found.tables["posts"]["text"].tolist() == ["новое"]

    def test_what_is_not_on_the_wall_is_skipped_and_named(self, imported: Any) -> None:
        found = imported(
            wall(
                post(1), post(2, post_type="postpone"), post(3, post_type="suggest"), post(4, is_deleted=True)
            )
        )
        assert found.tables["posts"]["post_id"].tolist() == ["1"]
        assert "posts: skipped as not published on the wall: 1 postpone, 1 suggest" in found.remarks
        assert any(remark.startswith("posts: 1 deleted post skipped") for remark in found.remarks)

    def test_fetched_at_dates_the_figures(self, imported: Any) -> None:
        fetched = dt.datetime(2025, 10, 9, tzinfo=dt.UTC)
        assert imported(wall(post()), stats_at=fetched).tables["posts"]["stats_at"].tolist() == [fetched]

    def test_a_post_younger_than_its_figures_is_refused(self, imported: Any) -> None:
        said = refusal(imported, wall(post()), stats_at=dt.datetime(2025, 9, 1, tzinfo=dt.UTC))
        assert "post -7_1: published at 2025-09-30T21:00:00+00:00, after --fetched-at 2025-09-01" in said

    def test_two_walls_are_refused(self, imported: Any) -> None:
        said = refusal(imported, wall(post(), post(owner_id=-8)))
        assert said == (
            "posts of 2 walls (owner_id -7 in answer0.json; -8 in answer0.json): import one account at a "
            "time, each with an --account of its own"
        )

    def test_all_broken_posts_are_named_at_once(self, imported: Any) -> None:
        broken = [
            post(1, date=None),
            post(2, likes={"count": "много"}),
            post(3, views={"count": -1}),
            post(4, date=10**20),
        ]
        lines = refusal(imported, wall(*broken)).splitlines()
        assert [line.split("answer0.json: ")[1] for line in lines] == [
            "1: date is missing, expected a whole number",
            "2: likes.count is 'много', expected a whole number of 0 or more",
            "3: views.count is -1, expected a whole number of 0 or more",
            "4: 100000000000000000000 are no Unix seconds of a date",
        ]

    @pytest.mark.parametrize("changes", [{"text": "\ud83d"}, {"likes": {"count": 2**63}}])
    def test_what_no_file_can_hold_is_refused(self, imported: Any, changes: dict[str, Any]) -> None:
        assert (
            "post -7_1: " in (said := refusal(imported, wall(post(**changes)))) and "cannot be stored" in said
        )

    def test_a_strange_copy_history_has_no_words(self, imported: Any) -> None:
        assert imported(wall(post(text="", copy_history=5))).tables["posts"]["text"].tolist() == [""]


class TestComments:
    def test_all_columns_and_threads(self, imported: Any) -> None:
        reply = {
            "id": 11,
            "from_id": -7,
            "date": OCTOBER_1 + 60,
            "text": "Приходите ещё",
            "parents_stack": [10],
        }
        found = imported(wall(comment(thread={"count": 1, "items": [reply]})))
        assert found.tables["comments"].to_dict("records") == [
            {
                "comment_id": "-7_10",
                "post_id": "1",
                "account_id": "vk-roastery",
                "created_at": pd.Timestamp("2025-09-30T21:00Z"),
                "by_brand": False,
                "text": "Спасибо, очень вкусно",
            },
            {
                "comment_id": "-7_11",
                "post_id": "1",
                "account_id": "vk-roastery",
                "created_at": pd.Timestamp("2025-09-30T21:01Z"),
                "by_brand": True,
                "text": "Приходите ещё",
            },
        ]
        assert found.remarks == ("comments: 2 rows from 2 items of wall.getComments",)

    def test_deleted_ones_are_skipped_and_their_replies_kept(self, imported: Any) -> None:
        reply = comment(12, parents_stack=[11])
        deleted = {"id": 11, "date": OCTOBER_1, "deleted": True, "thread": {"count": 1, "items": [reply]}}
        found = imported(wall(comment(10), deleted))
        assert found.tables["comments"]["comment_id"].tolist() == ["-7_10", "-7_12"]
        assert "comments: 1 deleted comment skipped" in found.remarks

    def test_replies_that_were_not_fetched_are_told(self, imported: Any) -> None:
        top = comment(10, thread={"count": 3, "items": [comment(11, parents_stack=[10])]})
        assert "comments: 2 replies in threads not in the files" in imported(wall(top)).remarks[1]
        rest = wall(comment(12, parents_stack=[10]), comment(13, parents_stack=[10]))
        assert len(imported(wall(top), rest).remarks) == 1

    def test_a_sticker_is_a_comment_without_words(self, imported: Any) -> None:
        assert imported(wall(comment(text=""))).tables["comments"]["text"].tolist() == [""]

    def test_none_at_all(self, imported: Any) -> None:
        found = imported({"response": {"count": 0, "items": [], "current_level_count": 0}})
        assert list(found.tables) == ["comments"]
        assert found.tables["comments"].empty

    def test_posts_and_comments_together(self, imported: Any) -> None:
        assert set(imported(wall(post()), wall(comment())).tables) == {"posts", "comments"}

    @pytest.mark.parametrize("items", [5, [5]])
    def test_a_thread_of_something_else_is_refused(self, imported: Any, items: Any) -> None:
        assert "10: its thread holds" in refusal(imported, wall(comment(thread={"count": 1, "items": items})))

    def test_without_its_post_a_comment_is_refused(self, imported: Any) -> None:
        assert "10: post_id is missing" in refusal(imported, wall(comment(post_id=None)))


class TestAudience:
    def test_members_are_reckoned_back(self, imported: Any) -> None:
        days = [day(1, subscribed=10, unsubscribed=4), day(2, unsubscribed=3), day(3, subscribed=5)]
        found = imported({"response": days}, subscribers_at_end=1000)
        table = found.tables["audience"]
        # At the end of the 3rd 1000, of the 2nd 1000 - 5 = 995, of the 1st 995 + 3 = 998.
        assert table["subscribers"].tolist() == [998, 995, 1000]
        assert table["joined"].tolist() == [10, 0, 5]
        assert table["left"].tolist() == [4, 3, 0]
        assert table["date"].tolist() == [pd.Timestamp(2025, 10, number) for number in (1, 2, 3)]
        assert found.coverage["audience"] == ((dt.date(2025, 10, 1), dt.date(2025, 10, 4)),)

    def test_without_members_there_are_no_rows_and_a_remark_says_how(self, imported: Any) -> None:
        found = imported([day(1), day(2)])
        assert set(found.tables) == set(found.coverage) == {"account_stats"}
        assert found.remarks == (
            "audience: no rows, as stats.get does not tell the members; give --subscribers N, the members at "
            "the end of the last day",
        )

    @pytest.mark.parametrize("activity", [{}, [], None], ids=["empty object", "empty list", "null"])
    def test_absent_activity_is_zero(self, imported: Any, activity: Any) -> None:
        table = imported([{**day(1), "activity": activity}], subscribers_at_end=0).tables["audience"]
        assert table[["subscribers", "joined", "left"]].to_numpy().tolist() == [[0, 0, 0]]

    def test_periods_as_text_and_without_activity(self, imported: Any) -> None:
        period = {"period_from": str(OCTOBER_1), "period_to": str(OCTOBER_1)}
        table = imported([period], subscribers_at_end=5).tables["audience"]
        assert table["date"].tolist() == [pd.Timestamp(2025, 10, 1)]

    def test_the_day_is_the_departments(self, imported: Any) -> None:
        table = imported([day(1)], subscribers_at_end=5, timezone=ZoneInfo("UTC")).tables["audience"]
        assert table["date"].tolist() == [pd.Timestamp(2025, 9, 30)]

    def test_before_a_gap_members_are_unknown(self, imported: Any) -> None:
        found = imported([day(1), day(2), day(5), day(6, subscribed=1)], subscribers_at_end=50)
        assert found.tables["audience"]["date"].dt.day.tolist() == [5, 6]
        assert found.coverage["audience"] == ((dt.date(2025, 10, 5), dt.date(2025, 10, 7)),)
        assert "audience: 2 days up to 2025-10-02 left out" in found.remarks[0]

    def test_pages_in_any_order_and_a_day_twice(self, imported: Any) -> None:
        found = imported([day(2, subscribed=2), day(1)], [day(2, subscribed=3)], subscribers_at_end=10)
        assert found.tables["audience"]["subscribers"].tolist() == [7, 10]
        assert "audience: 1 repeated day dropped, the newest is kept" in found.remarks

    def test_an_unfinished_day_is_not_covered(self, imported: Any) -> None:
        fetched = dt.datetime(2025, 10, 2, 9, tzinfo=dt.UTC)
        found = imported([day(1), day(2)], subscribers_at_end=10, stats_at=fetched)
        assert found.coverage["audience"] == ((dt.date(2025, 10, 1), dt.date(2025, 10, 2)),)

    def test_too_few_members_are_refused(self, imported: Any) -> None:
        said = refusal(imported, [day(1, subscribed=9), day(2, subscribed=2)], subscribers_at_end=10)
        assert said == "--subscribers 10: reckoned back, 2025-10-01 would begin with -1"

    def test_other_intervals_are_refused(self, imported: Any) -> None:
        week = {**day(1), "period_to": OCTOBER_1 + 7 * DAY}
        assert "is not a day; the audience needs interval=day" in refusal(
            imported, [week], subscribers_at_end=1
        )


class TestOtherFiles:
    @pytest.mark.parametrize(
        ("answer", "words"),
        [
            ("{", "not valid JSON (line 1, column 2"),
            ('{"response": NaN}', "not valid JSON (NaN is not a number)"),
            ("[" * 100_000, "nested too deeply"),
            ([], "found an empty list"),
            ({}, "found an empty object"),
            (5, "found 5"),
            ([1, 2], "found 1"),
            ({"response": {"items": [{"id": 1, "peer_id": 2, "text": ""}]}}, "keys id, peer_id, text"),
            ([{"post_id": 1, "reach_total": -5}], "reach_total is -5"),
            (wall(post(), comment()), "items of several kinds in one answer"),
            ({"error": {"error_code": 5, "error_msg": "No access"}}, "5: No access"),
        ],
    )  # fmt: skip
    def test_one_sentence_that_names_the_file(self, imported: Any, answer: Any, words: str) -> None:
        said = refusal(imported, answer)
        assert "answer0.json: " in said and words in said
        assert len(said.splitlines()) == 1

    def test_other_bytes(self, tmp_path: Path) -> None:
        path = tmp_path / "wall.json"
        path.write_bytes(json.dumps(wall(post()), ensure_ascii=False).encode("cp1251"))
        with pytest.raises(InputError, match="is not UTF-8"):
            SOURCES["vk-api"].read([path], ImportOptions(account="a"))

    def test_a_byte_order_mark_is_fine(self, imported: Any) -> None:
        assert len(imported("\ufeff" + json.dumps(wall(post()))).tables["posts"]) == 1

    def test_absent_file_and_absent_account(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="none.json: cannot be read"):
            SOURCES["vk-api"].read([tmp_path / "none.json"], ImportOptions(account="a"))
        with pytest.raises(InputError, match="--account is missing"):
            SOURCES["vk-api"].read([], ImportOptions())


@needs_samples
class TestSamples:
    def run(self, name: str, **options: Any) -> Imported:
        return SOURCES["vk-api"].read([SAMPLES / name], ImportOptions(account="vk-x", **options))

    def test_wall(self) -> None:
        posts = self.run("vknet_Wall_GetById_Donut.json").tables["posts"]
        assert posts[["post_id", "views", "likes"]].to_numpy().tolist() == [["123", 9, 0]]

    def test_a_post_of_2014_has_no_views(self) -> None:
        posts = self.run("vknet_Wall_Get_ExtendedVersion_GenerateOutParametersCorrectly.json").tables["posts"]
        assert posts["post_id"].tolist() == ["41"]
        assert posts["views"].isna().all() and posts["likes"].tolist() == [1]

    def test_comments(self) -> None:
        found = self.run("vknet_Wall_GetComments802.json")
        assert found.tables["comments"]["comment_id"].tolist() == ["-69459624_482124", "-69459624_482418"]
        assert "comments: 1 deleted comment skipped" in found.remarks

    @pytest.mark.parametrize(
        ("name", "row"),
        [
            ("vknet_Stats_GetByGroup_NormalCase.json", ["2013-09-08", 1000, 457, 193]),
            ("vknet_Stats_GetByGroup_EmptyActivityCase.json", ["2013-09-08", 1000, 0, 0]),
            ("openintegrations_stats_get_truncated.json", ["2024-10-06", 1000, 0, 0]),
        ],
    )
    def test_audience(self, name: str, row: list[Any]) -> None:
        table = self.run(name, subscribers_at_end=1000).tables["audience"]
        found = table.assign(date=table["date"].dt.strftime("%Y-%m-%d"))
        assert found[["date", "subscribers", "joined", "left"]].to_numpy().tolist() == [row]

    def test_an_unanswered_message(self) -> None:
        rows = self.run("vknet_Messages_GetHistory.json").tables["messages"]
        asked = rows[~rows["by_brand"]].sort_values("at").iloc[0]
        assert (asked["dialog_id"], asked["message_id"]) == ("-123456789", "420")
        assert asked["at"] == pd.Timestamp(1539101588, unit="s", tz="UTC")
        assert not rows["by_brand"].any()

    def test_reach_of_posts(self) -> None:
        """The two posts 214 and 215 were seen by one person each, and by nobody else."""
        name = "openintegrations_stats_getPostReach.json"
        alone = self.run(name)
        assert alone.tables["post_reach"][["number", "reach"]].to_numpy().tolist() == [["214", 1], ["215", 1]]
        assert "posts" not in alone.tables and any("2 posts (214, 215)" in each for each in alone.remarks)
        known = {number: (number, dt.datetime(2024, 10, 6, tzinfo=dt.UTC)) for number in ("214", "215")}
        posts = self.run(name, known_posts=lambda: known).tables["posts"]
        assert posts[["post_id", "reach"]].to_numpy().tolist() == [["214", 1], ["215", 1]]

    def test_figures_of_a_day(self) -> None:
        figures = self.run("vknet_Stats_GetByGroup_NormalCase.json").tables["account_stats"]
        told = dict(zip(figures["measure"], figures["value"], strict=True))
        assert (told["views"], told["visitors"], told["reach"], told["likes"]) == (3688, 2768, 458, 8)
        assert (told["joined"], told["left"], told["comments"]) == (457, 193, 0)
