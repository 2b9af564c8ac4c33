"""Importing into a data folder: recognised, merged in any order, all or nothing, one at a time."""

from __future__ import annotations

import datetime as dt
import json
import random
import re
import threading
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
from fuzzing import ACCOUNT_OF
from twins import BITRIX, FILES, VK_POSTS, zipped

from kpi_kit.core.errors import InputError
from kpi_kit.core.schema import TABLES
from kpi_kit.data import merge as merging
from kpi_kit.data import transaction
from kpi_kit.data.merge import writing
from kpi_kit.data.store import open_store
from kpi_kit.sources import ImportOptions
from kpi_kit.sources.attribution import Attribution, Rule
from kpi_kit.sources.pipeline import import_files
from kpi_kit.sources.resolve_account import NewAccount

ZONE = "Europe/Moscow"
AT = dt.datetime(2025, 11, 1, tzinfo=dt.UTC)
NEW = NewAccount("Кофе")


def run(
    files: Sequence[Path], into: Path, source: str = "auto", dry_run: bool = False, **options: Any
) -> list[str]:
    given: dict[str, Any] = {"account": "vk-a", **options}
    return import_files(
        source, files, into, ImportOptions(**given), NEW, imported_at=AT, dry_run=dry_run
    ).sentences


def wall(*posts: Mapping[str, Any]) -> bytes:
    made = [
        {
            "owner_id": -7,
            "post_type": "post",
            "text": "",
            "date": 1759309200,
            **post,
            "likes": {"count": post["likes"]},
        }
        for post in posts
    ]
    return json.dumps({"response": {"count": len(made), "items": made}}).encode()


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(folder.glob("*.csv"))}


def table(folder: Path, name: str) -> pd.DataFrame:
    with open_store(folder, ZONE) as store:
        return store.frame(name)


@pytest.fixture
def put(tmp_path: Path) -> Any:
    def write(name: str, content: bytes | str) -> Path:
        path = tmp_path / "files" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


class TestOrder:
    def files(self, put: Any) -> list[Path]:
        """Exports that overlap: two states of a wall, three months of a table, a brand's queries, leads."""
        posts = [
            "id,date,likes,comments,reposts,views\n7,2025-10-01 "
            "12:00:00,97,0,4,2495\n6,2025-09-30 09:00:00,5,1,0,40\n",
            "id,date,likes,comments,reposts,views\n8,2025-10-09 12:00:00,3,0,0,9\n7,2025-10-01 "
            "12:00:00,99,1,4,2600\n",
            "id,date,likes,comments,reposts,views\n7,2025-10-01 12:00:00,98,1,4,\n6,2025-09-30 "
            "09:00:00,6,1,0,40\n",
        ]
        walls = [
            wall({"id": 1, "likes": 5}),
            wall({"id": 1, "likes": 4}, {"id": 2, "likes": 1, "date": 1759409200}),
        ]
        words = FILES["wordstat_months.csv"][1].decode()
        queries = [words, words.replace("сентябрь 2025;968", "октябрь 2025;12")]
        made = [put(f"posts{n}.csv", text) for n, text in enumerate(posts)]
        made += [put(f"wall{n}.json", content) for n, content in enumerate(walls)]
        made += [put(f"queries{n}.csv", text) for n, text in enumerate(queries)]
        return [*made, put("bitrix.csv", BITRIX)]

    def test_any_order_some_twice_gives_the_same_bytes(self, put: Any, tmp_path: Path) -> None:
        files = self.files(put)
        chance = random.Random(3)
        seen = set()
        for number, cut in enumerate((2, 5, 9)):  # make fuzz tries twenty orders of thirty files
            order = chance.sample(files, len(files)) + chance.sample(files, 2)
            into = tmp_path / f"data{number}"
            for lot in (order[:cut], order[cut:]):  # some together, some apart
                run(lot, into)
            seen.add(tuple(contents(into).items()))
        assert len(seen) == 1
        rows = table(tmp_path / "data0", "posts").set_index("post_id")
        # of post 7 the file that speaks of the 9th of October is the newest
        assert rows.loc["7", ["likes", "views"]].tolist() == [99, 2600]
        # two files end on the 1st of October, so of post 6 the larger figure stands
        assert rows.loc["6", "likes"] == 6
        assert rows.loc["1", "likes"] == 4, "the answer that speaks of the later moment"

    def test_the_same_file_again_changes_nothing(self, put: Any, tmp_path: Path) -> None:
        file = put("posts.csv", VK_POSTS)
        run([file], tmp_path / "d")
        files = {path: path.read_bytes() for path in (tmp_path / "d").rglob("*") if path.is_file()}
        said = run([file], tmp_path / "d")
        assert "these files had been imported before" in said
        assert "posts: 0 rows added, 0 brought up to date, 2 were there already" in said
        assert {path: path.read_bytes() for path in (tmp_path / "d").rglob("*") if path.is_file()} == files


def platform(folder: Path, account: str) -> str:
    with open_store(folder, ZONE) as store:
        return str(store.accounts.loc[account, "platform"])


class TestWhose:
    """An account is on one platform, whoever says so first."""

    VIDEOS = FILES["yt_videos.csv"][1].decode()
    SITE = FILES["ga4.csv"][1].decode()

    @pytest.mark.parametrize("turned", [False, True])
    def test_files_of_two_platforms_are_refused_in_any_order(
        self, put: Any, tmp_path: Path, turned: bool
    ) -> None:
        files = [put("posts.csv", VK_POSTS), put("videos.csv", self.VIDEOS)]
        files = files[::-1] if turned else files
        told = (
            "account 'acc' would be on several platforms: vk by posts.csv; youtube by videos.csv; give the "
            "files of each platform an --account of their own"
        )
        with pytest.raises(InputError) as caught:
            run(files, tmp_path / "together", account="acc")
        assert caught.value.problems == (told,)
        run(files[:1], tmp_path / "d", account="acc")
        with pytest.raises(InputError) as caught:
            run(files[1:], tmp_path / "d", account="acc")
        assert caught.value.problems == (told,)

    @pytest.mark.parametrize("turned", [False, True])
    def test_a_file_that_says_nothing_decides_nothing(self, put: Any, tmp_path: Path, turned: bool) -> None:
        files = [put("ga4.csv", self.SITE), put("posts.csv", VK_POSTS)]
        for file in files[::-1] if turned else files:
            run([file], tmp_path / "d", account="acc")
        assert platform(tmp_path / "d", "acc") == "vk"
        said = (tmp_path / "d/imports/account_platforms.csv").read_text()
        assert said == "account_id,platform,said_by\nacc,vk,posts.csv\n"

    def test_what_was_written_by_hand_and_the_name_count(self, put: Any, tmp_path: Path) -> None:
        file = put("posts.csv", VK_POSTS)
        (tmp_path / "d").mkdir()
        (tmp_path / "d/accounts.csv").write_text("account_id,platform,title\ntg-a,vk,К\nb,telegram,К\n")
        run([file], tmp_path / "d", account="tg-a")
        with pytest.raises(InputError, match="telegram by the table accounts; vk by posts.csv"):
            run([file], tmp_path / "d", account="b")
        with pytest.raises(InputError, match=r"telegram by its name \(--platform says otherwise\); vk by"):
            run([file], tmp_path / "e", account="tg-a")

    def test_an_account_that_only_the_rules_name(self, put: Any, tmp_path: Path) -> None:
        rules = Attribution([Rule("network", re.compile("ВКонтакте"), "vk-x")])
        file = put("metrica.csv", FILES["metrica.csv"][1])
        with pytest.raises(InputError) as caught:
            run([file], tmp_path / "d", account=None, attribution=rules)
        (told,) = caught.value.problems
        assert told == (
            f"{file}: rows belong to the account 'vk-x', which {tmp_path / 'd'} does not have: import a file "
            "of that account with --account first, or write it into accounts.csv there"
        )

    def test_two_walls_are_named_by_file(self, put: Any, tmp_path: Path) -> None:
        walls = [wall({"id": 1, "likes": 5, "owner_id": owner}) for owner in (-7, -8)]
        files = [put(f"{number}.json", content) for number, content in enumerate(walls)]
        with pytest.raises(InputError, match=r"2 walls \(owner_id -7 in 0.json; -8 in 1.json\)"):
            run(files, tmp_path / "d")

    def test_two_imports_at_the_same_time_are_found_out_when_they_are_written(self, tmp_path: Path) -> None:
        """Each has looked before the other wrote."""

        def add(platform: str) -> None:
            row = {"account_id": ["a"], "platform": [platform]}
            tables = {
                "accounts": pd.DataFrame({**row, "title": ["А"]}),
                merging.ACCOUNT_PLATFORMS: pd.DataFrame({**row, "said_by": [f"{platform}.csv"]}),
            }
            merging.merge(tmp_path / "d", tables, {}, ZONE)

        add("vk")
        with pytest.raises(InputError, match="telegram by telegram.csv, vk by vk.csv"):
            add("telegram")
        assert platform(tmp_path / "d", "a") == "vk"


class TestReach:
    @pytest.mark.parametrize("order", ["wall reach", "both", "reach more wall", "more wall reach"])
    def test_it_comes_to_the_posts_in_any_order(self, put: Any, tmp_path: Path, order: str) -> None:
        def reach(count: int) -> str:
            return json.dumps([{"post_id": 1, "reach_total": count, "reach_subscribers": 30}])

        files = {
            "wall": put("wall.json", wall({"id": 1, "likes": 5})),
            "reach": put("reach.json", reach(40)),
            "more": put("more.json", reach(50)),
        }
        lots = [["reach", "wall"]] if order == "both" else [[name] for name in order.split()]
        for lot in lots:
            run([files[name] for name in lot], tmp_path / "d")
        expected = 50 if "more" in order else 40
        assert table(tmp_path / "d", "posts")[["likes", "reach"]].to_numpy().tolist() == [[5, expected]]
        kept = (tmp_path / "d/imports/post_reach.csv").read_text()
        assert kept == f"account_id,number,reach\nvk-a,1,{expected}\n"


class TestPhrases:
    """The number of a wide phrase counts the queries of the narrow ones, too."""

    WIDE = FILES["wordstat_months.csv"][1].decode()
    NARROW = WIDE.replace("«кофе в зёрнах»", "«кофе в зернах купить»")

    @pytest.mark.parametrize("turned", [False, True])
    def test_a_narrow_phrase_beside_the_wide_one_is_refused(
        self, put: Any, tmp_path: Path, turned: bool
    ) -> None:
        files = [put("wide.csv", self.WIDE), put("narrow.csv", self.NARROW)]
        first, second = files[::-1] if turned else files
        run([first], tmp_path / "d", account=None, brand="утро")
        with pytest.raises(InputError) as caught:
            run([second], tmp_path / "d", account=None, brand="утро")
        (told,) = caught.value.problems
        assert told.startswith(
            "brand 'утро': the queries of «кофе в зернах купить» are counted in those of «кофе в зёрнах»"
        )
        assert "the data" in told and second.name in told
        run([first], tmp_path / "d", account=None, brand="утро")  # what is there may come again
        run([second], tmp_path / "d", account=None, brand="утро, покупка")


class TestSnapshots:
    def test_a_newer_one_replaces_and_the_older_stays_in_history(self, put: Any, tmp_path: Path) -> None:
        first, second = put("a.json", wall({"id": 1, "likes": 5})), put("b.json", wall({"id": 1, "likes": 9}))
        early, late = (dt.datetime(2025, 10, day, tzinfo=dt.UTC) for day in (3, 8))
        for number, order in enumerate([[(first, early), (second, late)], [(second, late), (first, early)]]):
            into = tmp_path / f"d{number}"
            for file, at in order:
                run([file], into, stats_at=at)
            assert table(into, "posts")[["likes", "stats_at"]].to_numpy().tolist() == [
                [9.0, pd.Timestamp(late)]
            ]
            assert table(into, "post_stats")[["likes", "stats_at"]].to_numpy().tolist() == [
                [5.0, pd.Timestamp(early)]
            ]
        assert contents(tmp_path / "d0") == contents(tmp_path / "d1")

    def test_figures_of_unknown_age_do_not_take_the_age_of_others(self, put: Any, tmp_path: Path) -> None:
        early = dt.datetime(2025, 10, 3, tzinfo=dt.UTC)
        run([put("a.json", wall({"id": 1, "likes": 5}))], tmp_path / "d", stats_at=early)
        later = wall({"id": 1, "likes": 9}, {"id": 2, "likes": 0, "date": 1759909200})
        run([put("b.json", later)], tmp_path / "d")
        posts = table(tmp_path / "d", "posts").set_index("post_id")
        assert posts.loc["1", "likes"] == 9 and pd.isna(posts.loc["1", "stats_at"])

    def test_what_was_written_by_hand_stays_where_no_file_knows_it(self, put: Any, tmp_path: Path) -> None:
        run([put("posts.csv", VK_POSTS)], tmp_path / "d")
        posts = pd.read_csv(tmp_path / "d/posts.csv", dtype=str).assign(on_brand="true")
        posts.to_csv(tmp_path / "d/posts.csv", index=False)
        run([put("later.csv", VK_POSTS.replace("97", "98"))], tmp_path / "d")
        rows = table(tmp_path / "d", "posts")
        assert rows["on_brand"].tolist() == [True, True] and sorted(rows["likes"]) == [5, 98]


class TestTold:
    def test_a_restatement_is_listed_and_written_down(self, put: Any, tmp_path: Path) -> None:
        words = FILES["wordstat_months.csv"][1].decode()
        run([put("a.csv", words)], tmp_path / "d", account=None, brand="утро")
        changed = words.replace("968", "1 968")
        said = run([put("b.csv", changed)], tmp_path / "d", account=None, brand="утро")
        (told,) = [sentence for sentence in said if sentence.startswith("restated")]
        assert told.endswith("queries was 968, is 1968") and "2025-09-01" in told
        assert "1968" in (tmp_path / "d/imports/restated.csv").read_text()

    def test_the_journal_says_what_was_imported(self, put: Any, tmp_path: Path) -> None:
        run([put("posts.csv", VK_POSTS)], tmp_path / "d")
        journal = pd.read_csv(tmp_path / "d/imports/journal.csv")
        line = journal.loc[0, ["imported_at", "source", "files", "table", "rows"]].tolist()
        assert line == ["2025-11-01T00:00:00+00:00", "vk-posts", "posts.csv", "posts", 2]

    def test_coverage_is_what_the_file_covers_not_its_rows(self, put: Any, tmp_path: Path) -> None:
        social = FILES["ga4_social.csv"][1].decode().replace("End date: 20251002", "End date: 20251031")
        run([put("ga4.csv", social)], tmp_path / "d")
        assert (tmp_path / "d/coverage.csv").read_text().splitlines()[1:] == [
            "traffic,vk-a,2025-10-01,2025-11-01"
        ]

    def test_an_empty_answer_covers_no_days_unless_they_are_given(self, put: Any, tmp_path: Path) -> None:
        told = run([put("empty.json", wall())], tmp_path / "d", "vk-api")
        assert any(line.startswith("coverage of posts: none, as there are no rows") for line in told)
        days = {"since": dt.date(2025, 10, 1), "until": dt.date(2025, 11, 1)}
        told = run([put("empty.json", wall())], tmp_path / "d", "vk-api", **days)
        assert "coverage of posts for vk-a: 2025-10-01 to 2025-10-31 (--since and --until)" in told

    def test_dry_run_writes_nothing(self, put: Any, tmp_path: Path) -> None:
        said = run([put("posts.csv", VK_POSTS)], tmp_path / "d", dry_run=True)
        assert any("recognised as vk-posts by" in sentence for sentence in said)
        assert "posts: 2 rows" in said and not (tmp_path / "d").exists()

    def test_days_of_queries_are_those_of_the_same_archive(self, put: Any, tmp_path: Path) -> None:
        queries = "Top queries,Clicks,Impressions,CTR,Position\nкофе,5,100,5%,2.5\n"
        parts = {
            "Queries__csv": queries,
            "Dates__csv": FILES["gsc.csv"][1].decode(),
            "Filters__csv": "Filter,Value\na,b\n",
        }
        run([put("gsc.zip", zipped(**parts))], tmp_path / "d", account="site")
        stats = pd.read_csv(tmp_path / "d/imports/account_stats.csv").set_index(["item", "measure"])
        assert stats.loc[("кофе", "clicks"), ["since", "until", "value"]].tolist() == [
            "2025-10-01",
            "2025-10-03",
            5,
        ]

    def test_an_archive_is_looked_into(self, put: Any, tmp_path: Path) -> None:
        archive = zipped(
            Table_data__csv=FILES["yt_table.csv"][1].decode(), Totals__csv=FILES["yt_totals.csv"][1].decode()
        )
        said = run([put("studio.zip", archive)], tmp_path / "d", account="yt-a")
        assert any("studio.zip: Table data.csv: recognised as youtube" in sentence for sentence in said)
        stats = pd.read_csv(tmp_path / "d/imports/account_stats.csv")
        assert stats[stats["measure"] == "views"].groupby("item")["value"].sum()["all"] == 300

    def test_every_source_says_what_it_covers_and_how_that_is_known(self, put: Any, tmp_path: Path) -> None:
        undated = ("yt_table.csv", "gsc_compared.csv")
        days = {"since": dt.date(2025, 7, 1), "until": dt.date(2025, 10, 1)}
        for name in FILES:
            file = put(name, FILES[name][1])
            account = ACCOUNT_OF.get(name, ACCOUNT_OF.get(FILES[name][0], "site"))
            given = days if name in undated else {}
            said = run([file], tmp_path / "d", dry_run=True, account=account, **given)
            filled = {sentence.partition(":")[0] for sentence in said if sentence.endswith((" rows", " row"))}
            told = {line.split()[2] for line in said if line.startswith("coverage of ")}
            scoped = {table for table in filled if table in TABLES and TABLES[table].scope}
            assert told == scoped, name
            ways = (
                "(stated in the export)",
                "(--since and --until)",
                "(from the first to the last day in the file)",
            )
            assert all(line.endswith(ways) for line in said if line.startswith("coverage of ")), name


class TestGuessed:
    DZEN = (
        "Дата "
        "публикации;Заголовок;Ссылка;Показы;Дочитывания;Лайки;Комментарии\n01.10.2025;Лот;dzen.ru/a/1;900;120;7;1\n"
    )

    def test_it_is_shown_first_and_used_when_confirmed(self, put: Any, tmp_path: Path) -> None:
        file, own = put("dzen.csv", self.DZEN), tmp_path / "params/mappings"
        take = partial(run, account="dzen-a")
        with pytest.raises(InputError) as caught:
            take([file], tmp_path / "d", mappings=own)
        said = "\n".join(caught.value.problems)
        assert "views: 'Дочитывания'" in said and "repeat with --yes" in said
        shown = take([file], tmp_path / "d", mappings=own, dry_run=True)
        assert "  views: 'Дочитывания'" in shown
        assert not (tmp_path / "d").exists() and not own.exists()
        take([file], tmp_path / "d", mappings=own, confirmed=True)
        assert (own / "dzen.yml").is_file(), "kept, to be edited"
        assert table(tmp_path / "d", "posts")["views"].tolist() == [120]
        take([file], tmp_path / "d", mappings=own)  # its own mapping needs no second word

    @pytest.mark.parametrize(
        "name", ["vk-statistics", "livedune", "popsters", "smmplanner", "webmaster", "ok"]
    )
    def test_the_mappings_of_the_kit_are_sound(self, name: str) -> None:
        from kpi_kit.sources.synonym_mapping import mappings

        assert name in {mapping.file.stem for mapping in mappings(None)}


class TestAllOrNothing:
    def test_one_bad_file_of_several_stops_all(self, put: Any, tmp_path: Path) -> None:
        good, bad = put("a.csv", VK_POSTS), put("b.csv", VK_POSTS.replace("97", "many"))
        with pytest.raises(InputError, match="b.csv: row 2: column 'likes'"):
            run([good, bad], tmp_path / "d")
        assert not (tmp_path / "d").exists()

    def test_an_interrupted_import_is_finished_by_the_next(
        self, put: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run([put("a.csv", VK_POSTS)], tmp_path / "d")
        monkeypatch.setattr(transaction, "finish", lambda folder: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            run([put("b.csv", VK_POSTS.replace("7,2025", "9,2025"))], tmp_path / "d")
        monkeypatch.undo()
        written = (tmp_path / "d" / "posts.csv").read_text(encoding="utf-8").splitlines()
        assert len(written) == 1 + 2, "decided on, and not yet in its place"
        assert len(table(tmp_path / "d", "posts")) == 3, "whoever reads first puts it there"
        run([put("c.csv", VK_POSTS.replace("7,2025", "10,2025"))], tmp_path / "d")
        assert sorted(table(tmp_path / "d", "posts")["post_id"]) == ["10", "6", "7", "9"]

    def test_two_imports_at_once_lose_no_rows(self, put: Any, tmp_path: Path) -> None:
        run([put("0.csv", VK_POSTS)], tmp_path / "d")
        files = [put(f"{n}.csv", VK_POSTS.replace("7,2025", f"{n}0,2025")) for n in range(1, 4)]
        threads = [threading.Thread(target=run, args=([file], tmp_path / "d")) for file in files]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(table(tmp_path / "d", "posts")["post_id"]) == ["10", "20", "30", "6", "7"]

    def test_who_waits_too_long_is_told(self, tmp_path: Path) -> None:
        with (
            transaction.exclusive(tmp_path / "d"),
            pytest.raises(
                InputError, match=r"d: another import has been writing to it for 0 seconds; try again"
            ),
            transaction.exclusive(tmp_path / "d", patience=0.05),
        ):
            pass


def test_a_large_table_becomes_parts_by_month(
    put: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "LARGE", 2)
    run([put("a.csv", VK_POSTS)], tmp_path / "d")
    assert (tmp_path / "d/posts.csv").is_file()
    more = "id,date,likes,comments,reposts,views\n" + "".join(
        f"{n},2025-{n:02d}-05 12:00:00,{n},0,0,9\n" for n in range(8, 13)
    )
    run([put("b.csv", more)], tmp_path / "d")
    assert not (tmp_path / "d/posts.csv").exists()
    months = sorted(file.parent.name for file in (tmp_path / "d/posts").rglob("*.parquet"))
    assert months == [f"month=2025-{n:02d}" for n in range(8, 13)]
    run([put("c.csv", more.replace(",8,0,0,9", ",80,0,0,9"))], tmp_path / "d")
    assert table(tmp_path / "d", "posts")["likes"].sum() == 97 + 5 + 80 + 9 + 10 + 11 + 12


class TestLarge:
    """Of a large table only what comes in is looked at; what holds across rows holds all the same."""

    @pytest.fixture
    def large(self, put: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setattr(writing, "LARGE", 2)
        run([put("a.csv", BITRIX), put("posts.csv", self.posts(8, 12))], tmp_path / "d")
        assert (tmp_path / "d/posts").is_dir() and (tmp_path / "d/leads").is_dir()
        return tmp_path / "d"

    @staticmethod
    def posts(first: int, last: int, likes: int = 0) -> str:
        rows = (f"{n},2025-{n:02d}-05 12:00:00,{likes or n},0,0,9\n" for n in range(first, last))
        return "id,date,likes,comments,reposts,views\n" + "".join(rows)

    def test_a_second_currency_stands_beside_the_first(self, put: Any, large: Path) -> None:
        """One foreign sale stops nobody else: rates convert it."""
        text = "\n".join(BITRIX.splitlines()[:1] + [BITRIX.splitlines()[3]]) + "\n"
        run([put("b.csv", text.replace('"8"', '"77"').replace("Российский рубль", "Доллар США"))], large)
        leads = table(large, "leads")
        assert set(leads["currency"].dropna()) == {"RUB", "USD"}

    def test_an_account_that_is_not_known(self, large: Path) -> None:
        stranger = pd.DataFrame({"post_id": ["1"], "account_id": ["nobody"]})
        stranger["published_at"] = pd.to_datetime(["2025-10-01T09:00Z"], utc=True)
        with pytest.raises(InputError, match="account_id 'nobody' is not in the table accounts"):
            merging.merge(large, {"posts": stranger}, {}, ZONE)

    def test_a_key_stands_once_also_when_its_month_changes(self, put: Any, large: Path) -> None:
        last = self.posts(8, 9).replace("8,2025-08-05 12:00:00", "5,2025-08-31 23:00:00")
        run([put("b.csv", last)], large)
        run([put("c.csv", last.replace("2025-08-31 23:00:00", "2025-09-01 11:00:07"))], large)
        parts = str(large / "posts/*/*.parquet")
        found = duckdb.sql(f"SELECT post_id, month(published_at) FROM read_parquet('{parts}') ORDER BY ALL")
        assert found.fetchall() == [("10", 10), ("11", 11), ("5", 9), ("8", 8), ("9", 9)]

    def test_a_number_that_comes_with_another_time_is_refused(self, put: Any, large: Path) -> None:
        moved = self.posts(8, 10, likes=50).replace("2025-08-05", "2025-11-05")
        before = sorted(large.rglob("*"))
        with pytest.raises(InputError, match="the row is another; give the --account"):
            run([put("b.csv", moved)], large)
        assert sorted(large.rglob("*")) == before

    def test_coverage_of_a_brand_that_is_called_like_an_account(self, put: Any, large: Path) -> None:
        run([put("words.csv", FILES["wordstat_months.csv"][1])], large)
        more = FILES["wordstat_months.csv"][1].decode().replace("08.2025", "06.2025")
        run([put("more.csv", more.replace("август", "июнь").replace("сентябрь", "июль"))], large)
        assert (large / "brand_queries").is_dir()
        run([put("again.csv", self.posts(8, 12, likes=60))], large)
