"""An account gets another id: in every table and statement, all or nothing, and back again."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import duckdb
import pytest
from statements import ZONE, lead, post, state, statement, take

import kpi_kit.data.merge.rename as module
from kpi_kit.core.errors import InputError
from kpi_kit.data.merge import Import, undo
from kpi_kit.data.merge.rename import rename_account
from kpi_kit.data.merge.statements import read_statements

OLD, NEW = "vk-a", "кофе.1"


def imports() -> list[Import]:
    """Exports of three kinds, of two accounts."""
    days = ("2025-10-01", "2025-11-01")
    visits = [{"date": dt.date(2025, 10, 3), "account_id": OLD, "visits": 5.0}]
    return [
        statement("posts", importer="vk", days=days, posts=[post("1", likes=3), post("2")]),
        statement("crm", 2, leads=[lead("7", sale_amount=5.0), lead("8")]),
        statement("visits", 3, days=days, traffic=visits),
        statement("other", 4, account="vk-b", posts=[post("1") | {"account_id": "vk-b"}]),
        statement("again", 5, importer="vk", days=days, replace=True, posts=[post("1", likes=9)]),
    ]


def holding(folder: Path, account: str) -> list[str]:
    """The files in which an id stands."""
    found = []
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        if file.suffix == ".parquet":
            rows = duckdb.sql(f"SELECT CAST(t AS VARCHAR) FROM read_parquet('{file}') t").fetchall()
            text = " ".join(row[0] for row in rows)
        else:
            text = file.read_text("utf-8")
        if account in text:
            found.append(file.relative_to(folder).as_posix())
    return found


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("imported") / "data"
    take(data, *imports())
    return data


@pytest.fixture
def folder(imported: Path, tmp_path: Path) -> Path:
    data = Path(shutil.copytree(imported, tmp_path / "data"))
    posts = data / "posts.csv"
    posts.write_text(posts.read_text("utf-8").replace(",9,", ",11,"), encoding="utf-8")  # edited by hand
    return data


def contents(folder: Path) -> dict[str, bytes]:
    files = (file for file in sorted(folder.rglob("*")) if file.is_file() and file.suffix != ".parquet")
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


def test_everywhere_and_back(folder: Path) -> None:
    before, tables = contents(folder), state(folder)
    renamed = rename_account(folder, OLD, NEW, ZONE, {})
    assert {"accounts", "posts", "leads", "traffic", "coverage"} <= set(renamed)
    assert {Path(name).stem for name in holding(folder, OLD)} == {"accounts"}  # as the title alone
    assert [row[0] for row in state(folder)["accounts"]] == ["vk-b", NEW]
    assert "vk-b" in (folder / "posts.csv").read_text("utf-8")
    rename_account(folder, NEW, OLD, ZONE, {})
    assert contents(folder) == before
    assert state(folder) == tables


def test_what_comes_later_finds_the_account(folder: Path, imported: Path, tmp_path: Path) -> None:
    """An import that is undone after the account was renamed leaves what it leaves before."""
    last = read_statements(folder).records[-2].id
    rename_account(folder, OLD, NEW, ZONE, {})
    undo(folder, last, ZONE)
    rename_account(folder, NEW, OLD, ZONE, {})
    other = Path(shutil.copytree(imported, tmp_path / "other"))
    undo(other, last, ZONE)
    renamed, usual = state(folder), state(other)
    assert renamed.pop("posts") != usual.pop("posts")  # the edit by hand stays
    assert renamed == usual
    take(folder, statement("later", 6, leads=[lead("7", sale_amount=6.0)]))  # not refused as another CRM
    assert len(state(folder)["leads"]) == 2


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [(OLD, "vk-b", "the id 'vk-b' is in use already, in accounts"), ("vk-x", "vk-y", "no account 'vk-x'")],
)
def test_refused(folder: Path, old: str, new: str, said: str) -> None:
    before = contents(folder)
    with pytest.raises(InputError, match=said):
        rename_account(folder, old, new, ZONE, {})
    assert contents(folder) == before


def test_all_or_nothing(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = tmp_path / "one.yml", tmp_path / "none" / "two.yml"
    one.write_text("accounts: [vk-a]", encoding="utf-8")
    before = contents(folder)
    with pytest.raises(InputError, match="nothing has changed"):
        rename_account(folder, OLD, NEW, ZONE, {one: "new", two: "new"})

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(module.Work, "publish", fail)
    with pytest.raises(InputError, match="disk full"):
        rename_account(folder, OLD, NEW, ZONE, {one: "new"})
    assert one.read_text("utf-8") == "accounts: [vk-a]"
    assert contents(folder) == before
