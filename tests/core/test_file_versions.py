"""Files of every version that there was: each is read or refused in a sentence; newer ones are refused."""

from __future__ import annotations

import datetime as dt
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from kpi_kit import params
from kpi_kit.batch.manifest import Manifest
from kpi_kit.core.errors import KitError
from kpi_kit.core.file_versions import READABLE, problem
from kpi_kit.data.merge import Import, Origin, add
from kpi_kit.data.store import open_store
from kpi_kit.mail.journal import Journal
from kpi_kit.report import SpecialistReport
from kpi_kit.scorecard import build, json_file
from tests.shown import sections

GOLDEN = Path(__file__).parents[1] / "golden"
VERSIONS = sorted(int(path.name) for path in GOLDEN.iterdir())
AT = dt.datetime(2025, 11, 9, 10, tzinfo=dt.UTC)


@pytest.fixture(params=VERSIONS)
def sample(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The files of a version, to be read and changed."""
    shutil.copytree(GOLDEN / str(request.param), tmp_path / "sample")
    return tmp_path / "sample"


def take_in_a_post(sample: Path) -> None:
    rows = pd.DataFrame(
        [{"post_id": "103", "account_id": "vk-cafe", "published_at": pd.Timestamp(AT), "views": 5.0}]
    )
    origin = Origin("csv", ("more.csv",), "digest", AT, AT)
    add(sample / "data", [Import({"posts": rows}, {}, origin)], "Europe/Moscow")


def journal(sample: Path) -> int:
    folder = sample / "outbox"
    folder.mkdir(exist_ok=True)
    shutil.copy(sample / "mail.jsonl", folder / "journal.jsonl")
    with Journal(folder, lambda: AT) as opened:
        return opened.state("director:olga").count


def test_there_is_a_sample_of_every_version() -> None:
    assert sorted({version for readable in READABLE.values() for version in readable}) == VERSIONS


def test_a_sample_is_read(sample: Path) -> None:
    card = json_file.load(sample / "scorecard.json")
    assert [row["value"] for row in card["kpis"]] == [2.0, 53.0]
    assert "Ольга Белова" in "".join(sections(SpecialistReport(card)))
    (sample / "2025-10").mkdir()
    shutil.copy(sample / "manifest.json", sample / "2025-10")
    assert Manifest(sample / "2025-10", "2025-10", ["olga"]).reports["olga"]["status"] == "done"
    assert params.load(sample / "params").department.agency == "Кафе «Утро»"
    with open_store(sample / "data", "Europe/Moscow") as store:
        assert store.frame("posts")["likes"].sum() == 53
    assert journal(sample) == 1
    take_in_a_post(sample)
    with open_store(sample / "data", "Europe/Moscow") as store:
        assert len(store.frame("posts")) == 3


def test_a_sample_measured_anew_says_what_it_said(sample: Path) -> None:
    card = build.score("olga", "2025-10", data=sample / "data", params=sample / "params", as_of="2025-11-08")
    said = json_file.load(sample / "scorecard.json")
    assert [row["value"] for row in card["kpis"]] == [row["value"] for row in said["kpis"]]
    assert card["total"] == said["total"]


def spoil(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


READERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "scorecard": ("scorecard.json", lambda sample: json_file.load(sample / "scorecard.json")),
    "manifest": ("manifest.json", lambda sample: Manifest(sample, "2025-10", ["olga"])),
    "params": ("params/department.yml", lambda sample: params.load(sample / "params")),
    "data folder": ("data/imports/schema.json", lambda sample: open_store(sample / "data", "UTC")),
    "journal of the mail": ("mail.jsonl", journal),
}


@pytest.mark.parametrize("kind", READERS)
def test_a_newer_one_is_refused_in_a_sentence(kind: str, sample: Path) -> None:
    name, read = READERS[kind]
    text = (sample / name).read_text(encoding="utf-8")
    newer, count = re.subn(r'(schema"?: )\d+', r"\g<1>99", text, count=1)
    assert count == 1
    (sample / name).write_text(newer, encoding="utf-8")
    with pytest.raises(KitError) as caught:
        read(sample)
    (sentence,) = caught.value.problems
    assert Path(name).name in sentence or "journal.jsonl" in sentence
    readable = ", ".join(map(str, READABLE[kind]))
    assert f"schema {readable} is expected, found 99; it was made by a newer kit" in sentence


def test_a_journal_of_imports_with_other_columns_is_refused_and_nothing_changes(sample: Path) -> None:
    spoil(sample / "data/imports/journal.csv", "digest,", "hash,")
    before = (sample / "data/posts.csv").read_bytes()
    with pytest.raises(KitError, match=r"journal\.csv: is no journal of schema 1: columns digest, "):
        take_in_a_post(sample)
    assert (sample / "data/posts.csv").read_bytes() == before


def test_files_that_say_no_schema_are_of_the_first(sample: Path) -> None:
    (sample / "data/imports/schema.json").unlink()
    for name in ("manifest.json", "mail.jsonl"):
        spoil(sample / name, '"schema": 1, ' if name == "mail.jsonl" else '"schema": 1,', "")
    spoil(sample / "params/department.yml", "schema: 1\n", "")
    for kind in set(READERS) - {"scorecard"}:
        READERS[kind][1](sample)


@pytest.mark.parametrize("found", [None, "1", 1.0, True, 0, -1, [], 3, 10**30])
def test_other_schemas_are_no_schema(found: object) -> None:
    for kind, readable in READABLE.items():
        listed = ", ".join(map(str, readable))
        assert f"{kind} of schema {listed} is expected, found " in str(problem(kind, found))
    assert json.dumps(READABLE["scorecard"]) == "[1]"
