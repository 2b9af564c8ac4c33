"""Which change of the inputs makes which report stale."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from kpi_kit import params
from kpi_kit.batch import fingerprints
from kpi_kit.batch.manifest import up_to_date
from kpi_kit.core import versions
from kpi_kit.core.errors import InputError
from kpi_kit.data import open_inputs
from kpi_kit.data.known import Known
from kpi_kit.data.store import Store, open_store
from kpi_kit.data.validate import duplicates
from kpi_kit.scorecard.cohort import Cohort

ROOT = Path(__file__).parents[2]
EVERYONE = {
    "anna-petrova",
    "dmitry-orlov",
    "elena-volkova",
    "ivan-kuznetsov",
    "maria-sokolova",
    "timur-safin",
}
SETTINGS = {"period": "2025-10", "language": "ru", "engine": "embedded"}


def hashes(
    folder: Path, as_of: str = "", crossing: Cohort | None = None, **settings: str
) -> dict[str, dict[str, str]]:
    loaded = params.load(folder / "params")
    with open_store(folder / "data", loaded.department.timezone) as store:
        fresh = fingerprints.Freshness(
            SETTINGS | settings, loaded=loaded, store=store, as_of=as_of, files=[folder / "theme.css"]
        )
        return {
            name: fresh.specialist(name, folder / "notebook.ipynb", crossing or Cohort())
            for name in loaded.specialists
        }


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, dict[str, str]]]:
    folder = tmp_path_factory.mktemp("before")
    (folder / "data").mkdir()
    for file in (ROOT / "data/sample").glob("*.csv"):
        shutil.copy(file, folder / "data")
    shutil.copytree(ROOT / "params", folder / "params")
    for name in ("notebook.ipynb", "theme.css"):
        (folder / name).write_text("{}", encoding="utf-8")
    return folder, hashes(folder)


def edited(file: Path, change: Callable[[list[str]], list[str]]) -> None:
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    file.write_text("".join(change(lines)), encoding="utf-8")


def add(line: str) -> Callable[[list[str]], list[str]]:
    return lambda lines: [*lines, line + "\n"]


def turned(lines: list[str]) -> list[str]:
    return [lines[0], *reversed(lines[1:])]


def renamed(lines: list[str]) -> list[str]:
    return [line.replace("vk-tours,vk,", "vk-tours,vk,!") for line in lines]


@pytest.mark.parametrize(
    ("file", "change", "stale"),
    [
        ("data/posts.csv", lambda lines: lines, set()),
        ("data/posts.csv", turned, set()),
        ("data/traffic.csv", add("2025-10-31,nobodys,5,3"), set()),
        ("data/mentions.csv", add("m-new,linen,2025-12-01T12:00:00+03:00,vk,neutral,false"), set()),
        (
            "data/mentions.csv",
            add("m-new,linen,2025-10-05T12:00:00+03:00,vk,neutral,false"),
            {"ivan-kuznetsov", "timur-safin"},
        ),
        ("data/accounts.csv", renamed, {"maria-sokolova"}),
        ("data/coverage.csv", add("posts,yt-linen,2010-01-01,2010-01-02"), {"elena-volkova"}),
        ("params/specialists/dmitry-orlov.yml", add("# a word"), {"dmitry-orlov"}),
        ("params/specialists/anna-petrova.yml", add("# a word"), {"anna-petrova", "ivan-kuznetsov"}),
        ("params/department.yml", add("# a word"), EVERYONE),
        ("notebook.ipynb", add(" "), EVERYONE),
        ("theme.css", add("p {}"), EVERYONE),
    ],
    ids=[
        "nothing", "the order of rows", "an account that nobody has", "after the cut-off", "a brand of two",
        "a title", "coverage", "a person's params", "those of one with a deputy", "the department's params",
        "the notebook", "the look",
    ],
)  # fmt: skip
def test_a_change_makes_those_reports_stale_that_show_it(before, tmp_path, file, change, stale):
    folder, was = before
    shutil.copytree(folder, tmp_path / "after")
    edited(tmp_path / "after" / file, change)
    now = hashes(tmp_path / "after")
    assert {name for name in was if was[name] != now[name]} == stale


def test_a_snapshot_of_a_posts_figures_belongs_to_the_posts_account(before, tmp_path):
    folder, was = before
    shutil.copytree(folder, tmp_path / "after")
    posts = (folder / "data/posts.csv").read_text(encoding="utf-8").splitlines()
    post = next(line.split(",")[0] for line in posts if ",dzen-tours,2025-10" in line)
    header = (folder / "data/post_stats.csv").read_text(encoding="utf-8").splitlines()[0]
    row = {"post_id": post, "stats_at": "2025-11-01T00:00:00+03:00", "views": "7"}
    edited(
        tmp_path / "after/data/post_stats.csv", add(",".join(row.get(name, "") for name in header.split(",")))
    )
    now = hashes(tmp_path / "after")
    assert {name for name in was if was[name] != now[name]} == {"elena-volkova"}


def test_what_was_asked_for_is_an_input(before):
    folder, was = before
    assert hashes(folder) == was
    for other in (
        hashes(folder, language="en"),
        hashes(folder, engine="quarto"),
        hashes(folder, as_of="2025-11-01"),
    ):
        assert all(other[name]["settings"] != was[name]["settings"] for name in EVERYONE)


def test_the_kits_own_files_are_inputs(tmp_path):
    (tmp_path / "module.py").write_text("1", encoding="utf-8")
    one = versions.source.__wrapped__(tmp_path)
    (tmp_path / "module.py").write_text("2", encoding="utf-8")
    assert versions.source.__wrapped__(tmp_path) != one


@pytest.mark.parametrize(
    ("entry", "fresh"),
    [
        (None, False),
        ({}, False),
        ({"status": "done", "error": None, "seconds": 1.0}, False),
        ({"status": "failed", "inputs": {"data": "1"}, "outputs": {}}, False),
        ({"status": "done", "inputs": {"data": "1"}, "outputs": {}}, False),
        ({"status": "done", "inputs": {"data": "2"}, "outputs": {"anna.html": "right"}}, False),
        ({"status": "done", "inputs": {"data": "1"}, "outputs": {"anna.html": "wrong"}}, False),
        ({"status": "done", "inputs": {"data": "1"}, "outputs": {"gone.html": "right"}}, False),
        ({"status": "done", "inputs": {"data": "1"}, "outputs": {"anna.html": "right"}}, True),
    ],
)
def test_a_report_is_up_to_date_while_inputs_and_outputs_are_those_of_the_last_run(tmp_path, entry, fresh):
    page = tmp_path / "anna.html"
    page.write_text("page", encoding="utf-8")
    if entry and "anna.html" in entry.get("outputs", {}) and entry["outputs"]["anna.html"] == "right":
        entry = {**entry, "outputs": {"anna.html": fingerprints.of_file(page)}}
    assert up_to_date(entry, {"data": "1"}, tmp_path) is fresh


def test_data_that_a_run_has_found_sound_are_not_looked_through_again(before, tmp_path, monkeypatch):
    folder, _ = before
    shutil.copytree(folder, tmp_path / "after")
    data, people = tmp_path / "after/data", tmp_path / "after/params"

    def look_through() -> None:
        _, store = open_inputs.open_inputs(data, people)
        store.close()

    loaded, store = open_inputs.open_inputs(data, people)
    with store:
        name = open_inputs.pass_on(store.learn(), loaded)
    monkeypatch.setattr(open_inputs.validate, "problems", lambda *_: ["looked through"])
    with pytest.raises(InputError, match="looked through"):
        look_through()
    monkeypatch.setenv(open_inputs.CHECKED, name)
    look_through()
    edited(data / "traffic.csv", add("2025-10-31,vk-tours,5,3"))
    with pytest.raises(InputError, match="looked through"):
        look_through()


def test_a_persons_file_is_read_again_when_it_has_changed(before, tmp_path):
    folder, _ = before
    shutil.copytree(folder / "params", tmp_path / "params")
    file = tmp_path / "params/specialists/timur-safin.yml"
    first = params.load(tmp_path / "params").specialists["timur-safin"]
    assert params.load(tmp_path / "params").specialists["timur-safin"] is first
    file.write_text(file.read_text(encoding="utf-8").replace("name: ", "name: Дед "), encoding="utf-8")
    assert params.load(tmp_path / "params").specialists["timur-safin"].name == f"Дед {first.name}"


def test_a_run_tells_in_which_tables_no_row_is_twice(before, tmp_path):
    folder = tmp_path / "twice"
    shutil.copytree(before[0], folder)
    edited(folder / "data/posts.csv", lambda lines: [*lines, lines[1]])
    loaded = params.load(folder / "params")
    with open_store(folder / "data", loaded.department.timezone, also=(tmp_path / "rows",)) as store:
        known = fingerprints.Freshness(
            SETTINGS, loaded=loaded, store=store, as_of="", files=[], folder=tmp_path / "rows"
        ).known
        told = store.knowing(known)
        assert set(store.sources) - set(known.single) == {"posts"}
        everyone = open_inputs.owned(loaded)
        assert duplicates(told, everyone) == duplicates(store, everyone) == {"posts": 1}


def test_rows_that_one_process_of_a_run_has_read_are_there_for_the_next(before, tmp_path, monkeypatch):
    folder, _ = before
    loaded = params.load(folder / "params")
    span = (dt.datetime(2024, 1, 1, tzinfo=dt.UTC), dt.datetime(2025, 11, 8, tzinfo=dt.UTC))
    wanted = (["vk-tours", "vk-roastery"], ["roastery"], *span)
    with open_store(folder / "data", loaded.department.timezone, also=(tmp_path / "rows",)) as store:
        known = fingerprints.Freshness(
            SETTINGS, loaded=loaded, store=store, as_of="", files=[], folder=tmp_path / "rows", kept=tmp_path
        ).known
        alone = store.slice(*wanted)
        first = store.knowing(known).slice(*wanted)
        monkeypatch.setenv(open_inputs.CHECKED, open_inputs.pass_on(known, loaded))
    monkeypatch.setattr(Store, "frame", lambda *_: pytest.fail("it was read again"))
    _, again = open_inputs.open_inputs(folder / "data", folder / "params")
    with again:
        second = again.slice(*wanted)
        with pytest.raises(pytest.fail.Exception):
            again.slice(wanted[0][:1], *wanted[1:])
    for name, rows in alone.items():
        pd.testing.assert_frame_equal(first[name], rows)
        pd.testing.assert_frame_equal(second[name], rows)
    assert len(alone["posts"])


def test_where_a_run_keeps_what_it_has_read_no_file_can_say(before, tmp_path):
    """A manifest is a file beside the reports; what is kept is unpickled."""
    known = Known("1", "2", kept=tmp_path)
    assert Known.loads(known.dumps()).kept is None
