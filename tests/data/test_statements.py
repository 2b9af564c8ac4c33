"""What several imports state together: identity, order, replacement, undo, edits by hand, upgrade."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import random
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from builders import write_csv, write_params
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from statements import ZONE, frame, lead, moment, post, rows, state, statement, take, values

from kpi_kit.core.errors import InputError
from kpi_kit.data.merge import Import, Origin, add, undo, upgrade
from kpi_kit.data.merge.journal import list_imports
from kpi_kit.data.merge.statements import read_statements
from kpi_kit.data.store import open_store
from kpi_kit.data.validate import doubles
from kpi_kit.scorecard.build import score


class TestIdentity:
    def test_two_portals_number_their_leads_alike(self, tmp_path: Path) -> None:
        mine = statement("mine", source="a.bitrix24.ru", leads=[lead("7", sale_amount=300.0)])
        other = [lead("7", "2025-10-09T10:00", sale_amount=40.0) | {"account_id": "vk-b"}]
        theirs = statement("theirs", source="b.bitrix24.ru", account="vk-b", leads=other)
        for number, order in enumerate(itertools.permutations([mine, theirs])):
            take(tmp_path / str(number), *order)
            assert values(tmp_path / str(number), "leads", "source", "account_id", "sale_amount") == [
                ["a.bitrix24.ru", "vk-a", 300.0],
                ["b.bitrix24.ru", "vk-b", 40.0],
            ]

    def test_a_lead_moves_to_another_account_by_corrected_attribution(self, tmp_path: Path) -> None:
        first = statement("first", 2, source="crm", leads=[lead("7"), lead("8")])
        moved = [lead("7") | {"account_id": "vk-b"}]
        second = statement("second", 3, source="crm", account="vk-b", leads=moved)
        take(tmp_path, first, second)
        assert values(tmp_path, "leads", "lead_id", "account_id") == [["7", "vk-b"], ["8", "vk-a"]]

    def test_one_crm_under_two_names_is_refused_with_the_way_out(self, tmp_path: Path) -> None:
        leads = [lead(str(n), f"2025-10-{n:02d}T10:00") for n in range(1, 6)]
        take(tmp_path, statement("one", source="crm", leads=leads[:3]))
        before = state(tmp_path)
        with pytest.raises(InputError, match=r"3 of 5 are in .* the same CRM, give --source crm"):
            take(tmp_path, statement("two", 2, source="crm-2", leads=leads))
        assert state(tmp_path) == before
        other = [lead(str(n), f"2025-10-{n + 9:02d}T10:00") for n in range(1, 6)]
        take(tmp_path, statement("three", 2, source="crm-2", leads=other))
        assert len(rows(tmp_path, "leads")) == 8

    def test_rows_of_an_unknown_source_are_adopted(self, tmp_path: Path) -> None:
        write_csv(
            tmp_path,
            accounts="account_id,platform,title\nvk-a,vk,A\n",
            leads="lead_id,account_id,created_at,qualified\n7,vk-a,2025-10-03T10:00:00Z,true\n"
            "8,vk-a,2025-10-04T10:00:00Z,false\n",
        )
        imported = [lead("7", sale_amount=5.0), lead("8", "2025-10-24T10:00")]
        take(tmp_path, statement("crm", source="crm", leads=imported))
        assert values(tmp_path, "leads", "source", "lead_id", "qualified", "sale_amount") == [
            ["", "8", False, None],
            ["crm", "7", True, 5.0],
            ["crm", "8", None, None],
        ]
        undo(tmp_path, read_statements(tmp_path).records[-1].id, ZONE)
        assert values(tmp_path, "leads", "source", "lead_id", "qualified") == [
            ["", "7", True],
            ["", "8", False],
        ]

    @pytest.mark.parametrize("table", ["leads", "posts"])
    def test_another_thing_with_the_same_number_is_refused(self, tmp_path: Path, table: str) -> None:
        make, limit = (lead, 24) if table == "leads" else (post, 48)
        take(tmp_path, statement("one", **{table: [make("7", "2025-10-05T00:00")]}))
        near = dt.datetime(2025, 10, 5) + dt.timedelta(hours=limit)
        take(tmp_path, statement("two", 2, **{table: [make("7", near.isoformat())]}))
        far = near + dt.timedelta(hours=limit, seconds=1)
        with pytest.raises(InputError, match="the number is the same, the (row|lead) is another"):
            take(tmp_path, statement("three", 3, **{table: [make("7", far.isoformat())]}))

    def test_the_more_precise_time_stays_in_any_order(self, tmp_path: Path) -> None:
        exact = statement("exact", 1, posts=[post("7", "2025-10-05T12:00:41")])
        day = statement("day", 9, posts=[post("7", "2025-10-04T21:00:00")])  # midnight in Moscow
        for number, order in enumerate(itertools.permutations([exact, day])):
            take(tmp_path / str(number), *order)
            (published,) = rows(tmp_path / str(number), "posts")["published_at"]
            assert published == pd.Timestamp("2025-10-05T12:00:41Z")

    def test_the_earliest_deal_is_one_row_with_its_lead(self, tmp_path: Path) -> None:
        """Further deals are sales of their own, under an id that says whose."""
        leads = statement("leads", source="p", leads=[lead("lead:15", qualified=False)])
        deals = statement(
            "deals",
            2,
            source="p",
            leads=[
                lead("deal:15", "2025-10-20T10:00", status="won", sale_amount=10.0),
                lead("deal:21", "2025-10-11T10:00", status="won", sale_amount=20.0),
                lead("deal:33", "2025-10-12T10:00", status="lost"),
            ],
            deal_leads=[
                {"deal_id": "deal:21", "lead_id": "lead:15"},
                {"deal_id": "deal:33", "lead_id": "lead:15"},
            ],
        )
        for number, order in enumerate(itertools.permutations([leads, deals])):
            folder = tmp_path / str(number)
            take(folder, *order)
            assert values(folder, "leads", "lead_id", "created_at", "qualified", "sale_amount") == [
                ["deal:15", pd.Timestamp("2025-10-20T10:00Z"), None, 10.0],
                ["lead:15", pd.Timestamp("2025-10-03T10:00Z"), False, 20.0],
                ["lead:15/deal:33", pd.Timestamp("2025-10-12T10:00Z"), None, None],
            ]
        undo(tmp_path / "0", "2025-11-02", ZONE)
        assert values(tmp_path / "0", "leads", "lead_id", "sale_amount") == [["lead:15", None]]


class TestOnePost:
    LINKS = ("31", "-5_31", "https://vk.com/wall-5_31", "vk.com/feed?w=wall-5_31%2Fall", "wall-5_31?reply=4")

    def test_every_spelling_of_an_id_is_one_post_completed_in_any_order(self, tmp_path: Path) -> None:
        parts = ({"likes": 3}, {"views": 70}, {"text": "Скидка"}, {"format": "photo"}, {"reach": "50"})
        made = [
            statement(f"s{n}", n + 1, importer=f"i{n}", posts=[post(link, **part)])
            for n, (link, part) in enumerate(zip(self.LINKS, parts, strict=True))
        ]
        seen = set()
        for number in range(3):
            folder = tmp_path / str(number)
            take(folder, *random.Random(number).sample(made, len(made)))
            seen.add(json.dumps(state(folder)["posts"]))
            assert values(folder, "posts", "post_id", "likes", "views", "reach") == [["31", 3, 70, 50]]
        assert len(seen) == 1

    def test_a_number_alone_waits_for_its_post(self, tmp_path: Path) -> None:
        reach = frame([{"account_id": "vk-a", "post_id": "31", "views": 9}])
        alone = statement("reach", 2, posts=[post("1")])
        take(tmp_path, Import({**alone.tables, "posts": reach}, {}, alone.origin))
        assert not len(rows(tmp_path, "posts"))
        take(tmp_path, statement("wall", 3, posts=[post("-5_31", likes=2)]))
        assert values(tmp_path, "posts", "post_id", "views", "likes") == [["31", 9, 2]]

    def test_posts_that_stand_twice_are_named(self, tmp_path: Path) -> None:
        twice = [post("a1", "2025-10-05T12:00:10", text="Новый лот"), post("77", text="Новый лот ")]
        other = [post("78", "2025-10-05T12:01:00", text="Новый лот"), post("79", text="Другой лот")]
        take(tmp_path, statement("posts", posts=[*twice, *other]))
        with open_store(tmp_path, ZONE) as store:
            (sentence,) = doubles(store)
        assert "posts: vk-a: 1 posts stand twice" in sentence and "77, a1" in sentence

    def test_a_post_that_a_complete_export_lacks_counts_as_deleted(self, tmp_path: Path) -> None:
        october = ("2025-10-01", "2025-11-01")
        three = [post(str(n), f"2025-10-{n:02d}T12:00", likes=n) for n in (5, 10, 20)]
        november = post("40", "2025-11-02T12:00")
        first = statement("first", 2, days=october, complete=["posts"], posts=[*three, november])
        second = statement("second", 9, days=october, complete=["posts"], posts=[three[0], three[2]])
        for number, order in enumerate(itertools.permutations([first, second])):
            folder = tmp_path / str(number)
            done = take(folder, *order)
            assert [outcome.gone for outcome in done] == [0, 1 if number == 0 else 0]
            published = pd.Timestamp("2025-10-10T12:00Z")
            assert values(folder, "posts", "post_id", "deleted_at") == [
                ["10", published],
                ["20", None],
                ["40", None],
                ["5", None],
            ]
        undo(tmp_path / "0", "2025-11-09", ZONE)
        assert rows(tmp_path / "0", "posts")["deleted_at"].isna().all()

    def test_a_post_that_is_gone_counts_nowhere_whatever_the_cut_off(self, tmp_path: Path) -> None:
        october = ("2025-10-01", "2025-11-01")
        four = [post(str(n), f"2025-10-{n:02d}T12:00", views=100 + n) for n in (3, 9, 17, 30)]
        first = statement("first", 4, days=october, complete=["posts"], posts=four)
        take(tmp_path, first, statement("second", 14, days=october, complete=["posts"], posts=four[:3]))
        wanted = [
            {"kpi": kpi, "target": {"at_least": 9}, "weight": 1} for kpi in ("views", "posts_published")
        ]
        params = write_params(
            tmp_path / "params",
            {"history": {"periods": 2, "weeks": 0}},
            {"a": {"accounts": ["vk-a"], "kpis": wanted}},
        )
        for as_of in ("2025-11-02", "2025-11-05T12:00", "2025-11-20"):
            card = score("a", "2025-10", data=tmp_path, params=params, as_of=as_of)
            assert [entry["value"] for entry in card["kpis"]] == [329, 3]
            assert [gone["post_id"] for gone in card["sections"]["deleted"]] == ["30"]


class TestLatest:
    def test_lost_after_won_counts_in_any_order(self, tmp_path: Path) -> None:
        won = statement("won", 3, leads=[lead("7", status="won", sale_amount=60.0), lead("8", status="won")])
        lost = statement("lost", 8, leads=[lead("7", status="lost"), lead("8", status="won")])
        for number, order in enumerate(itertools.permutations([won, lost])):
            take(tmp_path / str(number), *order)
            assert values(tmp_path / str(number), "leads", "lead_id", "status") == [
                ["7", "lost"],
                ["8", "won"],
            ]

    def test_equally_late_files_that_differ_are_told(self, tmp_path: Path) -> None:
        one, two = (statement(name, 3, leads=[lead("7", status=name)]) for name in ("lost", "won"))
        assert [done.disputed for done in take(tmp_path, one, two)] == [{}, {"leads": 1}]

    def test_replace_withdraws_what_the_same_importer_said_of_these_days(self, tmp_path: Path) -> None:
        days = ("2025-10-01", "2025-10-16")
        first = statement(
            "first",
            3,
            days=("2025-10-01", "2025-11-01"),
            leads=[lead("1"), lead("2", "2025-10-15T20:59"), lead("3", "2025-10-15T21:00")],
        )
        other = statement("other", 3, importer="form", source="form", leads=[lead("9")])
        again = statement("again", 4, days=days, replace=True, leads=[lead("1", qualified=True)])
        take(tmp_path, first, other)
        before = state(tmp_path)
        take(tmp_path, again)  # the 16th begins at 21:00 UTC in Moscow
        assert values(tmp_path, "leads", "source", "lead_id", "qualified") == [
            ["form", "9", None],
            ["vk-a", "1", True],
            ["vk-a", "3", None],
        ]
        undo(tmp_path, "2025-11-04", ZONE)
        assert state(tmp_path) == before

    def test_a_replaced_file_that_is_imported_again_counts_again(self, tmp_path: Path) -> None:
        october = ("2025-10-01", "2025-11-01")
        first = statement("first", 3, days=october, leads=[lead("1"), lead("2")])
        again = statement("again", 4, days=october, replace=True, leads=[lead("1")])
        take(tmp_path, first, again)
        assert len(rows(tmp_path, "leads")) == 1
        (done,) = take(tmp_path, first)
        assert done.imported_before and len(rows(tmp_path, "leads")) == 2

    def test_a_post_that_a_replacing_import_lacks_is_listed_as_deleted(self, tmp_path: Path) -> None:
        october = ("2025-10-01", "2025-11-01")
        take(tmp_path, statement("first", 3, days=october, posts=[post("1", likes=5), post("2", likes=6)]))
        take(tmp_path, statement("again", 3, days=october, replace=True, posts=[post("1", likes=4)]))
        assert values(tmp_path, "posts", "post_id", "likes", "deleted_at") == [
            ["1", 4, None],
            ["2", 6, pd.Timestamp("2025-10-05T12:00Z")],
        ]


class TestByHand:
    def edit(self, folder: Path, old: str, new: str, table: str = "leads") -> None:
        file = folder / f"{table}.csv"
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new), encoding="utf-8")

    def test_a_correction_stands_until_a_later_file_says_otherwise(self, tmp_path: Path) -> None:
        take(tmp_path, statement("one", 3, leads=[lead("7", qualified=False)]))
        self.edit(tmp_path, ",false,", ",true,")
        older = statement("older", 2, leads=[lead("7", qualified=False), lead("8")])
        take(tmp_path, older)
        assert values(tmp_path, "leads", "lead_id", "qualified") == [["7", True], ["8", None]]
        take(tmp_path, statement("later", 4, leads=[lead("7", qualified=False)]))
        assert values(tmp_path, "leads", "lead_id", "qualified") == [["7", False], ["8", None]]

    def test_rows_and_coverage_that_were_added_or_removed(self, tmp_path: Path) -> None:
        days = ("2025-10-01", "2025-11-01")
        take(tmp_path, statement("one", 3, days=days, leads=[lead("7"), lead("8")]))
        self.edit(tmp_path, "vk-a,8,vk-a", "form,70,vk-a")
        self.edit(tmp_path, "2025-11-01", "2025-10-20", "coverage")
        assert take(tmp_path, statement("two", 4, source="crm", leads=[lead("70", "2025-10-30T10:00")]))
        listed = [["crm", "70"], ["form", "70"], ["vk-a", "7"]]
        assert values(tmp_path, "leads", "source", "lead_id") == listed
        assert values(tmp_path, "coverage", "until") == [[pd.Timestamp("2025-10-20")]]
        undo(tmp_path, "2025-11-03", ZONE)
        assert values(tmp_path, "leads", "source", "lead_id") == listed[:2]

    def test_a_table_that_was_removed_is_derived_again(self, tmp_path: Path) -> None:
        take(tmp_path, statement("one", 3, leads=[lead("7"), lead("8")]))
        (tmp_path / "leads.csv").unlink()
        take(tmp_path, statement("two", 4, leads=[lead("9")]))
        assert len(rows(tmp_path, "leads")) == 3


class TestImports:
    def test_they_are_listed_and_taken_back(self, tmp_path: Path) -> None:
        days = ("2025-10-01", "2025-11-01")
        take(tmp_path, statement("one", 3, days=days, leads=[lead("7")]))
        (line,) = list_imports(tmp_path)
        assert line == (
            "2025-11-03-one000: 2025-11-03 00:00 crm of one.csv: leads 1 for vk-a, 2025-10-01 to 2025-10-31"
        )
        done = undo(tmp_path, "2025-11-03-one000", ZONE)
        assert [(added.table, added.removed) for added in done.added] == [("accounts", 1), ("leads", 1)]
        assert state(tmp_path) == {} and list_imports(tmp_path) == [f"{tmp_path}: nothing has been imported"]

    def test_an_import_that_is_not_there_is_refused_with_those_that_are(self, tmp_path: Path) -> None:
        take(tmp_path, statement("one", 3, leads=[lead("7")]), statement("two", 3, leads=[lead("8")]))
        with pytest.raises(InputError, match="there is no such import; imports: 2025-11-03-one000, 2025"):
            undo(tmp_path, "x", ZONE)
        with pytest.raises(InputError, match="several imports begin so"):
            undo(tmp_path, "2025-11-03", ZONE)

    def test_an_account_outlives_the_import_that_named_it(self, tmp_path: Path) -> None:
        one = statement("one", 3, leads=[lead("7")])
        two = statement("two", 4, leads=[lead("8")])
        take(tmp_path, one, Import({"leads": two.tables["leads"]}, {}, two.origin))
        undo(tmp_path, "2025-11-03", ZONE)
        assert values(tmp_path, "accounts", "account_id", "title") == [["vk-a", "vk-a"]]
        assert values(tmp_path, "leads", "lead_id") == [["8"]]

    def test_a_broken_record_is_named(self, tmp_path: Path) -> None:
        take(tmp_path, statement("one", 3, leads=[lead("7")]))
        record = tmp_path / "imports/statements/2025-11-03-one000/import.json"
        record.write_text(record.read_text().replace('"sequence": 1', '"sequence": "first"'))
        with pytest.raises(InputError, match=r"import\.json: this record of an import cannot be read"):
            take(tmp_path, statement("two", 4, leads=[lead("8")]))


class TestUpgrade:
    GOLDEN = Path(__file__).parents[1] / "golden/1/data"

    def test_tables_stay_value_for_value_and_older_imports_stay(self, tmp_path: Path) -> None:
        folder = tmp_path / "data"
        shutil.copytree(self.GOLDEN, folder)
        write_csv(
            folder,
            post_stats="post_id,stats_at,likes\n101,2025-10-04T09:00:00Z,12\n",
            leads="lead_id,account_id,created_at\n7,vk-cafe,2025-10-03T10:00:00Z\n",
        )
        before = pd.read_csv(folder / "posts.csv", dtype="str", keep_default_na=False)
        with pytest.raises(InputError, match=r"post_stats\.csv: is of an earlier schema: kpi-kit upgrade"):
            rows(folder, "posts")
        said = upgrade(folder, ZONE)
        assert said[0] == "post_stats: each row has its account now"
        after = pd.read_csv(folder / "posts.csv", dtype="str", keep_default_na=False)
        assert after[before.columns].equals(before)
        assert values(folder, "post_stats", "account_id", "post_id", "likes") == [["vk-cafe", "101", 12]]
        assert values(folder, "leads", "source", "lead_id") == [["", "7"]]
        assert upgrade(folder, ZONE) == [f"{folder}: is up to date"]
        (older,) = [line for line in list_imports(folder) if "before the upgrade" in line]
        with pytest.raises(InputError, match="this import cannot be undone: before the upgrade"):
            undo(folder, older.partition(":")[0], ZONE)

    def test_an_older_export_does_not_undo_a_newer_one_from_before(self, tmp_path: Path) -> None:
        folder = tmp_path / "data"
        shutil.copytree(self.GOLDEN, folder)
        old = {"account_id": "vk-cafe", "published_at": "2025-10-02T09:00:00", "views": 1}
        early = frame([{**old, "post_id": "101"}])
        at = moment("2025-10-03T00:00")
        add(folder, [Import({"posts": early}, {}, Origin("csv", ("a.csv",), "a" * 20, at, at))], ZONE)
        assert values(folder, "posts", "views") == [[640], [580]]


# --- any imports, any order


numbers = st.sampled_from(["1", "2", "3"])
links = st.sampled_from(["{}", "-5_{}", "https://vk.com/wall-5_{}"])
little = st.none() | st.integers(0, 4)
flags = st.none() | st.booleans()


@st.composite
def a_lead(draw: st.DrawFn, account: str) -> dict[str, Any]:
    number = draw(numbers)
    hour = draw(st.integers(0, 9))
    return {
        "lead_id": number,
        "account_id": draw(st.sampled_from([account, "vk-a"])),
        "created_at": f"2025-10-{int(number) * 3:02d}T{hour:02d}:{draw(st.sampled_from(['00', '17']))}:00",
        "qualified": draw(flags),
        "status": draw(st.sampled_from([None, "open", "won", "lost"])),
        "sale_amount": draw(st.none() | st.sampled_from([10.0, 20.0])),
    }


@st.composite
def a_post(draw: st.DrawFn, account: str) -> dict[str, Any]:
    number = draw(numbers)
    return {
        "account_id": account,
        "post_id": draw(links).format(number),
        "published_at": f"2025-10-{int(number) * 3:02d}T12:00:{draw(st.sampled_from(['00', '31']))}",
        "likes": draw(little),
        "views": draw(little),
        "stats_at": draw(st.none() | st.sampled_from(["2025-10-20T00:00:00", "2025-10-27T00:00:00"])),
    }


@st.composite
def an_import(draw: st.DrawFn, number: int) -> Import:
    account = draw(st.sampled_from(["vk-a", "vk-b"]))
    leads = draw(st.lists(a_lead(account), max_size=3, unique_by=lambda row: row["lead_id"]))
    posts = draw(st.lists(a_post(account), max_size=3, unique_by=lambda row: row["post_id"][-1]))
    tables = {name: listed for name, listed in (("leads", leads), ("posts", posts)) if listed}
    return statement(
        f"n{number}",
        draw(st.integers(1, 3)),
        importer=draw(st.sampled_from(["crm", "form"])),
        account=account,
        source=draw(st.sampled_from(["p", "q"])),
        days=draw(st.sampled_from([None, ("2025-10-01", "2025-11-01"), ("2025-10-04", "2025-10-10")])),
        replace=draw(st.integers(0, 3)) == 0,
        complete=draw(st.sampled_from([(), ("posts",)])),
        **tables,
    )


some_imports = st.integers(2, 4).flatmap(lambda count: st.tuples(*map(an_import, range(count))))
few = settings(
    max_examples=3,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.generate],  # an example takes seconds: shrinking one would take minutes
)


def fresh(tmp_path: Path) -> Path:
    """A folder that no other example uses."""
    return tmp_path / f"d{len(list(tmp_path.iterdir()))}"


def accepted(folder: Path, imports: Sequence[Import]) -> list[Import]:
    """Add imports one after another; return those that were not refused for another source."""
    kept = []
    for one in imports:
        try:
            add(folder, [one], ZONE)
            kept.append(one)
        except InputError as fault:
            assert all("the same CRM, give" in problem for problem in fault.problems)
    return kept


@few
@given(imports=some_imports, data=st.data())
def test_undoing_an_import_gives_what_the_others_state(
    tmp_path: Path, imports: Sequence[Import], data: st.DataObject
) -> None:
    folder, without = fresh(tmp_path), None
    kept = accepted(folder, imports)
    if not kept:
        return
    undone = data.draw(st.sampled_from(kept))
    assert undone.origin is not None
    (record,) = [one for one in read_statements(folder).records if one.digest == undone.origin.digest]
    undo(folder, record.id, ZONE)
    without = fresh(tmp_path)
    others = [one for one in kept if one is not undone]
    if others:
        assert accepted(without, others) == others
        assert state(folder) == state(without)
    else:
        assert state(folder) == {}
    # and importing it again gives what it was, whatever withdrew it
    add(folder, [undone], ZONE)
    again = fresh(tmp_path)
    take(again, *others, undone)
    assert state(folder) == state(again)


@few
@given(imports=some_imports, data=st.data())
def test_any_order_together_or_apart_gives_the_same(
    tmp_path: Path, imports: Sequence[Import], data: st.DataObject
) -> None:
    plain = [Import(one.tables, one.covered, one.origin, complete=one.complete) for one in imports]
    folder, other = fresh(tmp_path), tmp_path / "other"
    kept = accepted(folder, plain)
    order = data.draw(st.permutations(kept))
    shutil.rmtree(other, ignore_errors=True)
    cut = data.draw(st.integers(0, len(order)))
    try:
        for lot in (order[:cut], order[cut:]):
            if lot:
                add(other, lot, ZONE)
    except InputError as fault:
        assert all("the same CRM, give" in problem for problem in fault.problems)
        return
    if kept:
        assert state(folder) == state(other)


@few
@given(posts=st.lists(a_post("vk-a"), min_size=1, max_size=6), data=st.data())
def test_importing_by_two_sources_equals_importing_by_one(
    tmp_path: Path, posts: list[dict[str, Any]], data: st.DataObject
) -> None:
    """What one source says whole, two say in parts: each some of the columns, under ids of its own."""
    once = list({row["post_id"][-1]: {**row, "stats_at": None} for row in posts}.values())
    whole = fresh(tmp_path)
    take(whole, statement("whole", 2, posts=once))
    parted = fresh(tmp_path)
    spelling = data.draw(links)
    one = [{name: row[name] for name in ("account_id", "post_id", "published_at", "likes")} for row in once]
    two = [
        {"account_id": "vk-a", "post_id": spelling.format(row["post_id"][-1]), "views": row["views"],
         "published_at": row["published_at"]}
        for row in once
    ]  # fmt: skip
    lots = [
        statement("one", 2, importer="wall", posts=one),
        statement("two", 2, importer="tgstat", posts=two),
    ]
    take(parted, *data.draw(st.permutations(lots)))
    assert state(parted) == state(whole)
