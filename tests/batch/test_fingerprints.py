"""Which change of the inputs makes which report stale."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kpi_kit import params
from kpi_kit.batch import fingerprints
from kpi_kit.batch.fingerprints import changed_inputs, up_to_date
from kpi_kit.core import versions
from kpi_kit.data.store import open_store
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
FORMULA = (
    "- {id: x, title: X, numerator: leads, denominator: views, unit: share, better: higher, family: sales}"
)
SETTINGS = {"period": "2025-10", "language": "ru", "engine": "embedded"}


def hashes(
    folder: Path, as_of: str = "", crossing: Cohort | None = None, **settings: str
) -> dict[str, dict[str, str]]:
    loaded = params.load(folder / "params")
    with open_store(folder / "data", loaded.department.timezone) as store:
        fresh = fingerprints.InputHashes(
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
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True) if file.exists() else []
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
        ("data/mentions.csv", add("linen,m-new,2025-12-01T12:00:00+03:00,vk,neutral,false"), set()),
        (
            "data/mentions.csv",
            add("linen,m-new,2025-10-05T12:00:00+03:00,vk,neutral,false"),
            {"ivan-kuznetsov", "timur-safin"},
        ),
        ("data/accounts.csv", renamed, {"maria-sokolova"}),
        ("data/coverage.csv", add("posts,yt-linen,2010-01-01,2010-01-02"), {"elena-volkova"}),
        ("params/specialists/dmitry-orlov.yml", add("# a word"), {"dmitry-orlov"}),
        ("params/specialists/anna-petrova.yml", add("# a word"), {"anna-petrova", "ivan-kuznetsov"}),
        ("params/department.yml", add("# a word"), EVERYONE),
        ("params/kpis.yml", add(FORMULA), EVERYONE),
        ("params/comments/2025-10/anna-petrova.md", add("Хорошо."), {"anna-petrova"}),
        ("params/comments/2025-09/anna-petrova.md", add("Хорошо."), set()),
        ("params/comments/2025-10/department.md", add("Хорошо."), set()),
        ("notebook.ipynb", add(" "), EVERYONE),
        ("theme.css", add("p {}"), EVERYONE),
    ],
    ids=[
        "nothing", "the order of rows", "an account that nobody has", "after the cut-off", "a brand of two",
        "a title", "coverage", "a person's params", "those of one with a deputy", "the department's params",
        "a KPI by formula", "a comment", "a comment of another period", "the department's comment",
        "the notebook", "the look",
    ],
)  # fmt: skip
def test_a_change_makes_those_reports_stale_that_show_it(before, tmp_path, file, change, stale):
    folder, was = before
    shutil.copytree(folder, tmp_path / "after")
    edited(tmp_path / "after" / file, change)
    now = hashes(tmp_path / "after")
    assert {name for name in was if changed_inputs({"inputs": was[name]}, now[name])} == stale


def test_a_snapshot_of_a_posts_figures_belongs_to_the_posts_account(before, tmp_path):
    folder, was = before
    shutil.copytree(folder, tmp_path / "after")
    posts = (folder / "data/posts.csv").read_text(encoding="utf-8").splitlines()
    post = next(line.split(",")[1] for line in posts if re.match(r"dzen-tours,\w+,2025-10", line))
    header = (folder / "data/post_stats.csv").read_text(encoding="utf-8").splitlines()[0]
    row = {"account_id": "dzen-tours", "post_id": post, "stats_at": "2025-11-01T00:00:00+03:00", "views": "7"}
    edited(
        tmp_path / "after/data/post_stats.csv", add(",".join(row.get(name, "") for name in header.split(",")))
    )
    now = hashes(tmp_path / "after")
    assert {name for name in was if changed_inputs({"inputs": was[name]}, now[name])} == {"elena-volkova"}


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


def test_a_persons_file_is_read_again_when_it_has_changed(before, tmp_path):
    folder, _ = before
    shutil.copytree(folder / "params", tmp_path / "params")
    file = tmp_path / "params/specialists/timur-safin.yml"
    first = params.load(tmp_path / "params").specialists["timur-safin"]
    assert params.load(tmp_path / "params").specialists["timur-safin"] is first
    file.write_text(file.read_text(encoding="utf-8").replace("name: ", "name: Дед "), encoding="utf-8")
    assert params.load(tmp_path / "params").specialists["timur-safin"].name == f"Дед {first.name}"


def test_rows_are_read_again_only_where_a_file_of_data_is_another(before, tmp_path, monkeypatch):
    """An entry of the manifest shows by one hash that files, params, cut-off and rows belong together."""
    folder, was = before
    loaded = params.load(folder / "params")
    entry = {"inputs": was["anna-petrova"]}
    with open_store(folder / "data", loaded.department.timezone) as store:
        monkeypatch.setattr(fingerprints, "slices", lambda *_: pytest.fail("rows were read"))

        def again(recorded: dict[str, Any], as_of: str = "") -> dict[str, str]:
            given = {"loaded": loaded, "store": store, "as_of": as_of, "files": [folder / "theme.css"]}
            hashes = fingerprints.InputHashes(SETTINGS, **given)
            return hashes.specialist("anna-petrova", folder / "notebook.ipynb", Cohort(), recorded)

        assert again(entry) == was["anna-petrova"]
        for recorded, as_of in (
            ({"inputs": {**entry["inputs"], "data": "forged"}}, ""),
            ({"inputs": {**entry["inputs"], "files": "forged"}}, ""),
            (entry, "2025-11-01"),
            ({}, ""),
        ):
            with pytest.raises(pytest.fail.Exception):
                again(recorded, as_of)


def test_other_rows_in_the_same_files_are_another_input_whatever_their_times_are(before, tmp_path):
    """A file of the same size and times, written in place."""
    folder, was = before
    shutil.copytree(folder, tmp_path / "after")
    file = tmp_path / "after/data/traffic.csv"
    status, text = file.stat(), file.read_text(encoding="utf-8")
    row = next(line for line in text.splitlines() if line.startswith("2025-10-") and ",vk-tours," in line)
    with file.open("r+", encoding="utf-8") as stream:
        stream.write(text.replace(row, row[:-1] + str((int(row[-1]) + 1) % 10)))
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (status.st_size, status.st_mtime_ns)
    now = hashes(tmp_path / "after")
    assert {name for name in was if was[name]["data"] != now[name]["data"]} == {"maria-sokolova"}
