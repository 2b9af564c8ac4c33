"""A snapshot gives the rows that the data would give, and goes on giving them when the data change."""

from __future__ import annotations

import datetime as dt
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from pandas.testing import assert_frame_equal

import kpi_kit.data.snapshot
from kpi_kit.batch.fingerprints import slices
from kpi_kit.core.errors import InputError
from kpi_kit.core.files import sha256
from kpi_kit.data import open_inputs, validate
from kpi_kit.data.merge import journal
from kpi_kit.data.snapshot import JOURNAL, Snapshot, narrowed, open_snapshot, take
from kpi_kit.data.store import Store, open_store
from kpi_kit.params import comment_file
from kpi_kit.params import load as load_params
from kpi_kit.params.comments import MOST_BYTES
from tests.builders import write_data, write_params

ZONE = "Europe/Moscow"
OWN = {"account_id": {"vk-a"}, "brand": {"X"}}
SINCE, AS_OF = (dt.datetime.fromisoformat(f"{day}T00:00:00+03:00") for day in ("2025-09-01", "2025-11-01"))

LEADS = {"kpi": "leads", "target": {"at_least": 1}, "weight": 1}


def moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(f"{text}T12:00:00+03:00")


def rows(**changed: Any) -> dict[str, list[dict[str, Any]]]:
    """Account ``vk-a`` and brand ``X``, and others; old rows and new ones."""
    accounts = [{"account_id": name, "platform": "vk", "title": name} for name in ("vk-a", "vk-b")]
    days = ["2024-01-05", "2025-09-30", "2025-10-20", "2025-11-03"]
    posts = [
        {"post_id": f"{who}{day}", "account_id": f"vk-{who}", "published_at": moment(day), "views": 5}
        for who in "ab"
        for day in days
    ]
    stats = [
        {"post_id": post["post_id"], "stats_at": post["published_at"] + dt.timedelta(days=2), "views": 3}
        for post in posts
    ]
    audience = [
        {"date": dt.date.fromisoformat(day), "account_id": f"vk-{who}", "subscribers": 9}
        for who in "ab"
        for day in days
    ]
    mentions = [
        {"mention_id": f"{brand}{day}", "brand": brand, "mentioned_at": moment(day)}
        for brand in "XY"
        for day in days
    ]
    tables = {
        "accounts": accounts,
        "audience": audience,
        "posts": posts,
        "post_stats": stats,
        "mentions": mentions,
    }
    return tables | changed


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Any]:
    stores: list[Store] = []

    def go(fmt: str, **changed: Any) -> Store:
        stores.append(
            open_store(write_data(tmp_path / f"data-{fmt}", rows(**changed), fmt=fmt), ZONE, also=(tmp_path,))
        )
        return stores[-1]

    yield go
    for store in stores:
        store.close()


def own(store: Store, folder: Path) -> Store:
    return narrowed(store, OWN, SINCE, folder)


def since(loaded: object, store: object) -> dt.datetime:
    return SINCE


@pytest.fixture
def folders(tmp_path: Path) -> Callable[..., tuple[Path, Path]]:
    """A data folder in a format, and params of ``ann``, who has the account ``vk-a`` and the brand ``X``."""

    def write(fmt: str = "csv", **changed: Any) -> tuple[Path, Path]:
        data = write_data(tmp_path / f"inputs-{fmt}", rows(**changed), fmt=fmt)
        ann = {"accounts": ["vk-a"], "brands": ["X"], "kpis": [LEADS]}
        return data, write_params(tmp_path / "params", None, {"ann": ann})

    return write


def taken(data: Path, params: Path, name: str = "snapshot") -> Snapshot:
    return take(data, params, params.parent / name, since)


@pytest.mark.parametrize("fmt", ["parts", "parquet", "csv"])
def test_what_a_report_reads_is_the_same(opened, folders, fmt):
    live = opened(fmt)
    _, store = open_snapshot(taken(*folders(fmt)), Path("params"))
    with store:
        whole, part = (each.slice(["vk-a"], ["X"], SINCE, AS_OF) for each in (live, store))
        for name, frame in whole.items():
            assert_frame_equal(frame, part[name])
        assert len(whole["posts"]) == len(whole["post_stats"]) == len(whole["mentions"]) == 2
        assert len(whole["audience"]) == 3, "of any age"
        assert slices(live, OWN, SINCE, AS_OF) == slices(store, OWN, SINCE, AS_OF)
        assert store.fingerprint == live.fingerprint
        assert store.inferred_coverage == live.inferred_coverage
        assert store.covered_until == dt.date(2025, 11, 6)
        assert set(store.frame("posts")["account_id"]) == {"vk-a"}
        assert set(store.frame("accounts")["account_id"]) == {"vk-a", "vk-b"}


@pytest.mark.parametrize("fmt", ["parts", "parquet", "csv"])
def test_the_rows_of_all_accounts_can_be_read_too(opened, folders, fmt):
    live = opened(fmt)
    _, store = open_snapshot(taken(*folders(fmt)), Path("params"), whole=True)
    with store:
        for name in live.sources:
            assert_frame_equal(live.frame(name), store.frame(name))
        assert store.fingerprint == live.fingerprint


def test_a_database_is_read_like_a_folder(opened, folders, tmp_path):
    data, params = folders("csv")
    database = tmp_path / "data.duckdb"
    with duckdb.connect(str(database)) as connection:
        for file in data.glob("*.csv"):
            connection.execute(f"CREATE TABLE {file.stem} AS FROM read_csv('{file}', all_varchar = true)")
    snapshot = taken(database, params)
    live = opened("csv")
    for whole in (False, True):
        _, store = open_snapshot(snapshot, params, whole=whole)
        with store:
            part = store.slice(["vk-a"], ["X"], SINCE, AS_OF)
            for name, frame in live.slice(["vk-a"], ["X"], SINCE, AS_OF).items():
                assert_frame_equal(frame, part[name])


def test_copies_of_a_row_are_counted_as_in_the_data(opened, folders):
    twice = [*rows()["posts"], rows()["posts"][1]]
    live = opened("csv", posts=twice)
    _, store = open_snapshot(taken(*folders("csv", posts=twice)), Path("params"))
    with store:
        assert validate.duplicates(store, OWN) == validate.duplicates(live, OWN)
        assert validate.duplicates(store, OWN)["posts"] == 1
        assert len(store.frame("posts")) == 4
        assert "audience" in store.facts.distinct
        assert "posts" not in store.facts.distinct


# ---- what changes after it was taken


def test_inputs_that_change_during_a_run_change_nothing_in_it(folders, monkeypatch):
    data, params = folders("csv")
    snapshot = taken(data, params)
    monkeypatch.setenv(open_inputs.SNAPSHOT, str(snapshot))
    (data / "posts.csv").unlink()
    (data / "audience.csv").write_text("nonsense")
    file = params / "specialists/ann.yml"
    file.write_text(file.read_text("utf-8").replace("at_least: 1", "at_least: 99"), "utf-8")
    loaded, store = open_inputs.open_inputs(data, params)
    with store:
        assert len(store.frame("posts")) == 4
        assert loaded.specialists["ann"].kpis[0].target.at_least == 1
    assert open_inputs.folders(data, params) == (snapshot.data, snapshot.params)
    # other folders are read as they are
    other = shutil.copytree(params, params.with_name("other"))
    assert open_inputs.folders(data, other) == (data, other)
    with pytest.raises(InputError, match=r"audience\.csv"):
        open_inputs.open_inputs(data, other)


def test_a_table_in_parts_that_changes_is_refused_where_all_of_its_rows_are_read(folders):
    data, params = folders("parts")
    snapshot = taken(data, params)
    part = data / "posts/month=2025-10/part.parquet"
    status = part.stat()
    with part.open("r+b") as stream:  # in place, of the same size and times
        stream.write(b"PAR1")
    os.utime(part, ns=(status.st_atime_ns, status.st_mtime_ns))
    _, store = open_snapshot(snapshot, params)
    store.close()
    with pytest.raises(InputError, match="has changed since the run began; run again"):
        open_snapshot(snapshot, params, whole=True)


def test_an_import_that_lands_meanwhile_is_in_it_whole(folders, monkeypatch):
    data, params = folders("csv")
    copy, landed = kpi_kit.data.snapshot._copy, []

    def copying(file: Path, target: Path, most: int | None = None) -> str:
        digest = copy(file, target, most)
        if file.name == "audience.csv" and not landed:
            landed.append(file)
            text = (data / "posts.csv").read_text("utf-8")
            (data / "new").write_text("".join(text.splitlines(keepends=True)[:-1]), "utf-8")
            (data / "new").replace(data / "posts.csv")
        return digest

    monkeypatch.setattr(kpi_kit.data.snapshot, "_copy", copying)
    _, store = open_snapshot(taken(data, params), params)
    with store, open_store(data, ZONE) as now:
        assert landed
        assert store.fingerprint == now.fingerprint


@pytest.mark.parametrize("file", ["snapshot.json", "data/posts.parquet", "params/department.yml"])
def test_a_snapshot_that_is_not_the_one_that_was_taken_is_refused(folders, monkeypatch, file):
    data, params = folders("csv")
    snapshot = taken(data, params)
    monkeypatch.setenv(open_inputs.SNAPSHOT, str(snapshot))
    path = snapshot.folder / file
    content = path.read_bytes()
    path.write_bytes(content)  # another time of writing, as another machine may see it
    open_inputs.open_inputs(data, params)[1].close()
    path.write_bytes(content[:-1] + b"\n ")
    with pytest.raises(InputError, match="is not the snapshot that its run has made; run again"):
        open_inputs.open_inputs(data, params)
    path.unlink()
    with pytest.raises(InputError, match=re.escape(str(path))):
        open_inputs.open_inputs(data, params)


def test_a_snapshot_of_a_newer_kit_is_refused(folders):
    snapshot = taken(*folders("csv"))
    place = snapshot.folder / "snapshot.json"
    text = place.read_text("utf-8").replace('"schema": 1', '"schema": 2')
    place.write_text(text, "utf-8")
    with pytest.raises(InputError, match="a snapshot of schema 1 is expected, found 2"):
        open_snapshot(Snapshot(snapshot.folder, sha256(text)), Path("params"))


def test_nobody_else_can_read_a_snapshot(folders):
    assert taken(*folders("csv")).folder.stat().st_mode & 0o777 == 0o700


# ---- params


def test_sentences_name_the_folder_of_the_user(folders):
    data, params = folders("csv")
    (params / "specialists/eve.yml").mkdir()
    (params / "specialists/bob.yml").write_text("name: [", "utf-8")
    loaded, store = open_snapshot(taken(data, params), params)
    store.close()
    assert loaded.broken == load_params(params).broken
    assert loaded.warnings == load_params(params).warnings
    (params / "department.yml").write_text("language: xx\n", "utf-8")
    with pytest.raises(InputError) as caught:
        taken(data, params, "second")
    assert all(problem.startswith(str(params)) for problem in caught.value.problems)


@pytest.mark.parametrize("logo", ["logo.svg", "art/for/logo.svg", "../logo.svg"])
def test_a_logo_is_in_it_wherever_it_lies(folders, logo):
    data, params = folders("csv")
    file = params / logo
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text('<svg xmlns="http://www.w3.org/2000/svg"/>', "utf-8")
    write_params(params, {"brand": {"logo": logo}}, {})
    loaded, store = open_snapshot(taken(data, params), params)
    store.close()
    assert (loaded.folder / logo).read_bytes() == file.read_bytes()


def test_the_journal_of_imports_is_in_it(folders):
    assert JOURNAL == journal.JOURNAL
    data, params = folders("csv")
    (data / JOURNAL).parent.mkdir()
    (data / JOURNAL).write_text(",".join(journal._COLUMNS) + "\n", "utf-8")
    snapshot = taken(data, params)
    assert (snapshot.data / JOURNAL).read_bytes() == (data / JOURNAL).read_bytes()


# ---- the check


def test_rows_of_others_are_not_looked_through_and_own_ones_keep_their_numbers(opened, folders, tmp_path):
    bad = {"post_id": "bad", "account_id": "vk-b", "published_at": moment("2025-10-02"), "views": -1}
    mine = {**bad, "post_id": "mine", "account_id": "vk-a"}
    store = opened("parts", posts=[*rows()["posts"], bad, mine])
    october = store.place / "posts/month=2025-10/part.parquet"
    sentence = f"{october}: row 4: column views: expected 0 or more, found -1"
    assert validate.problems(own(store, tmp_path / "rows")) == [sentence]
    assert len(validate.problems(store)) == 2, "the check of everything finds both"
    data, params = folders("parts", posts=[*rows()["posts"], bad, mine])
    with pytest.raises(InputError) as caught:
        taken(data, params)
    assert caught.value.problems == (sentence.replace(str(store.place), str(data)),)


def test_problems_of_copied_files_name_the_files(folders):
    bad = {"post_id": "bad", "account_id": "vk-b", "published_at": moment("2025-10-02"), "views": -1}
    data, params = folders("csv", posts=[*rows()["posts"], bad])
    with pytest.raises(InputError) as caught:
        taken(data, params)
    sentence = f"{data / 'posts.csv'}: row 10: column views: expected 0 or more, found -1"
    assert caught.value.problems == (sentence,)


def test_inputs_are_those_of_the_people_in_params(tmp_path, monkeypatch):
    monkeypatch.delenv(open_inputs.SNAPSHOT, raising=False)
    bad = {"post_id": "bad", "account_id": "vk-b", "published_at": moment("2025-10-02"), "views": -1}
    data = write_data(tmp_path / "data", rows(posts=[*rows()["posts"], bad]), fmt="parts")
    params = write_params(tmp_path / "params", None, {"ann": {"accounts": ["vk-a"], "kpis": [LEADS]}})
    _, store = open_inputs.open_inputs(data, params)
    with store:
        assert set(store.frame("posts")["account_id"]) == {"vk-a"}
        scratch = store.sources["posts"].extract.parent
        assert scratch.is_dir()
    assert not scratch.exists()
    with pytest.raises(InputError, match="found -1"):
        open_inputs.open_inputs(data, params, whole=True)


def test_parts_of_other_times_are_not_opened(opened):
    """Row groups whose statistics exclude them are not read: their pages may be anything."""
    store = opened("parts")
    old = store.place / "posts/month=2024-01/part.parquet"
    data = bytearray(old.read_bytes())
    footer = int.from_bytes(data[-8:-4], "little") + 8
    data[4 : len(data) - footer] = bytes(len(data) - footer - 4)  # no page is whole any more
    old.write_bytes(data)
    with open_store(store.place, ZONE) as torn:
        assert len(torn.slice(["vk-a"], ["X"], SINCE, AS_OF)["posts"]) == 2
        with pytest.raises(Exception, match=r"(?i)parquet|page|invalid"):
            torn.frame("posts")


def test_of_comments_those_of_the_period_are_copied_whatever_their_size(folders):
    data, params = folders("csv")
    for period, text in {"2025-10": "x" * (5 << 20), "2025-09": "earlier"}.items():
        file = comment_file(params, period, "ann")
        file.parent.mkdir(parents=True)
        file.write_text(text, encoding="utf-8")
    snapshot = take(data, params, params.parent / "snapshot", since, period="2025-10")
    assert comment_file(snapshot.params, "2025-10", "ann").stat().st_size > MOST_BYTES
    assert not comment_file(snapshot.params, "2025-09", "ann").exists()
