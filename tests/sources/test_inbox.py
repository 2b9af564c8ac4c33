"""An inbox: what is new goes in, nothing moves, one bad file does not stop the others."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from kpi_kit.core.errors import InputError
from kpi_kit.data.merge import undo
from kpi_kit.data.store import open_store
from kpi_kit.sources import ImportOptions
from kpi_kit.sources.attribution import Attribution
from kpi_kit.sources.import_list import read_import_list
from kpi_kit.sources.inbox import Outcome, import_inbox

AT = dt.datetime(2025, 11, 1, tzinfo=dt.UTC)
SHEET = "Подписчики;Сентябрь 2025;Октябрь 2025\nКофе ВК;{};110\nКофе ТГ;50;55\n"
TITLES = Attribution(titles={"кофе вк": "vk-a", "кофе тг": "tg-a"})
DEALS = (
    "ID,Название сделки,Этап сделки,Дата создания сделки,Дата закрытия,Бюджет ₽\n"
    "7,Сделка,Успешно реализовано,02.10.2025 12:00:00,03.10.2025 12:00:00,500\n"
)


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    (folder / "vk-a").mkdir(parents=True)
    (folder / "sheet.csv").write_text(SHEET.format(100), encoding="utf-8")
    (folder / "vk-a" / "deals.csv").write_text(DEALS, encoding="utf-8")
    (folder / "notes.csv").write_text("Имя;Телефон\nОля;1\n", encoding="utf-8")
    (tmp_path / "data").mkdir()
    accounts = "account_id,platform,title\nvk-a,vk,Кофе ВК\ntg-a,telegram,Кофе ТГ\n"
    (tmp_path / "data" / "accounts.csv").write_text(accounts, encoding="utf-8")
    return folder


def run(inbox: Path, listed: str = "", **options: Any) -> Outcome:
    data = inbox.parent / "data"
    file = inbox.parent / "import.yml"
    file.write_text(listed, encoding="utf-8")
    own = ImportOptions(attribution=TITLES, accounts=frozenset({"vk-a", "tg-a"}))
    return import_inbox(inbox, data, own, read_import_list(file), imported_at=AT, **options)


def test_takes_what_is_new_and_says_what_it_cannot_take(inbox: Path) -> None:
    before = {file: file.read_bytes() for file in inbox.rglob("*.csv")}
    outcome = run(inbox)
    assert set(outcome.imported) == {"sheet.csv", "vk-a/deals.csv"}
    assert "not recognised" in outcome.failed["notes.csv"][0]
    assert {file: file.read_bytes() for file in inbox.rglob("*.csv")} == before
    with open_store(inbox.parent / "data", "Europe/Moscow") as store:
        assert len(store.frame("audience")) == 4
        assert list(store.frame("leads")["account_id"]) == ["vk-a"]
    again = run(inbox, "files: [{name: notes.csv, skip: true}]")
    assert (again.imported, again.known, again.skipped, again.failed) == ({}, 2, 1, {})


def test_a_changed_file_is_new_under_the_same_name(inbox: Path) -> None:
    run(inbox)
    (inbox / "sheet.csv").write_text(SHEET.format(101), encoding="utf-8")
    assert set(run(inbox).imported) == {"sheet.csv"}


def test_what_was_undone_stays_out_until_again(inbox: Path) -> None:
    run(inbox)
    data = inbox.parent / "data"
    lines = (data / "imports" / "inbox.csv").read_text(encoding="utf-8").splitlines()
    (sheet,) = [line.rpartition(",")[2] for line in lines if ",sheet.csv," in line]
    undo(data, sheet, "Europe/Moscow")
    outcome = run(inbox)
    assert outcome.undone == ("sheet.csv",) and not outcome.imported
    assert set(run(inbox, again=True).imported) == {"sheet.csv"}
    assert not run(inbox).undone


def test_nothing_is_written_or_remembered_by_a_dry_run(inbox: Path) -> None:
    assert set(run(inbox, dry_run=True).imported) == {"sheet.csv", "vk-a/deals.csv"}
    assert not (inbox.parent / "data" / "imports").exists()


def test_import_yml_names_the_account_and_is_checked(inbox: Path) -> None:
    (inbox / "vk-a" / "deals.csv").rename(inbox / "deals october.csv")
    listed = "files:\n- {name: 'DEALS*', account: tg-a, currency: RUB}\n"
    run(inbox, listed)
    with open_store(inbox.parent / "data", "Europe/Moscow") as store:
        assert list(store.frame("leads")["account_id"]) == ["tg-a"]
    with pytest.raises(InputError) as fault:
        run(inbox, "files:\n- {name: a, acount: x}\n- {account: y}\nexpected: {vk-a: [post]}\nfile: []\n")
    assert [problem.partition("import.yml")[2][:47] for problem in fault.value.problems] == [
        ", line 5: key 'file' is unknown; did you mean f",
        ", line 2: files, entry 1: key 'acount' is unkno",
        ", line 3: files, entry 2: expected {name: 'vk/*",
        ": expected: vk-a: found 'post'; did you mean po",
    ]
