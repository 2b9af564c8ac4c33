"""``accounts``: add, rename and close; the person's file keeps its comments."""

from __future__ import annotations

from pathlib import Path

import pytest
from builders import write_params

from kpi_kit.cli.main import main
from kpi_kit.data.store import open_store
from kpi_kit.params import load

PERSON = """
name: Anna    # the head
accounts:
  - vk-a    # since ever
kpis:
  - {kpi: likes, target: {at_least: 1}, weight: 1}
"""


def test_add_rename_and_close(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    params = write_params(tmp_path / "params", None, {"anna": PERSON})
    places = ["--data", str(tmp_path / "data"), "--params", str(params)]

    def run(*words: str) -> int:
        return main(["accounts", *words, *places])

    assert run("add", "vk-a", "--title", "Кофе", "--platform", "vk") == 0
    assert run("add", "tg-a", "--title", "Кофе ТГ", "--platform", "telegram", "--person", "anna") == 0
    assert run("rename", "vk-a", "--title", "Чай") == 0
    assert run("close", "tg-a", "--on", "2025-11-01") == 0
    with open_store(tmp_path / "data", "Europe/Moscow") as store:
        assert dict(store.accounts["title"]) == {"vk-a": "Чай", "tg-a": "Кофе ТГ"}
        assert str(store.accounts.loc["tg-a", "closed"].date()) == "2025-11-01"
    loaded = load(params)
    assert [held.account for held in loaded.specialists["anna"].accounts] == ["vk-a", "tg-a"]
    assert "# since ever" in (params / "specialists" / "anna.yml").read_text("utf-8")
    capsys.readouterr()
    assert run() == 0
    assert "tg-a: Кофе ТГ (telegram), closed 2025-11-01" in capsys.readouterr().out


def test_an_id_is_renamed_in_data_and_params(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    params = write_params(tmp_path / "params", None, {"anna": PERSON})
    texts = {
        "attribution.yml": "rules:\n- {field: any, match: vk, account: vk-a}    # all of VK\n"
        "titles:\n  'vk-a': \"vk-a\"    # a title of that name\n",
        "import.yml": "files:\n- {name: 'vk-a/*', account: vk-a}\nexpected:\n  vk-a: [posts]    # monthly\n",
        "events.yml": "events:\n- {title: T, on: 2025-10-01, accounts: [vk-a, tg-a]}\n",
    }
    for name, text in texts.items():
        (params / name).write_text(text, encoding="utf-8")
    files = {path: path.read_text("utf-8") for path in params.rglob("*.yml")}
    places = ["--data", str(tmp_path / "data"), "--params", str(params)]
    assert main(["accounts", "add", "vk-a", "--title", "Кофе", "--platform", "vk", *places]) == 0
    assert main(["accounts", "rename", "vk-a", "--to", "кофе", "--title", "Чай", *places]) == 0
    with open_store(tmp_path / "data", "Europe/Moscow") as store:
        assert dict(store.accounts["title"]) == {"кофе": "Чай"}
    assert [held.account for held in load(params).specialists["anna"].accounts] == ["кофе"]
    read = {name: (params / name).read_text("utf-8") for name in texts}
    assert read["attribution.yml"] == texts["attribution.yml"].replace(
        "account: vk-a", "account: кофе"
    ).replace('"vk-a"', '"кофе"')
    assert "{name: 'vk-a/*', account: кофе}\nexpected:\n  кофе: [posts]    # monthly" in read["import.yml"]
    assert "accounts: [кофе, tg-a]" in read["events.yml"]
    capsys.readouterr()
    assert main(["accounts", "rename", "кофе", "--to", "vk-a", *places]) == 0
    assert "renamed to vk-a in accounts" in capsys.readouterr().out
    assert {path: path.read_text("utf-8") for path in params.rglob("*.yml")} == files


def test_a_file_that_names_both_ids_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    person = PERSON.replace("  - vk-a    # since ever", "  - vk-a\n  - vk-b")
    params = write_params(tmp_path / "params", None, {"anna": person})
    places = ["--data", str(tmp_path / "data"), "--params", str(params)]
    assert main(["accounts", "add", "vk-a", "--title", "A", "--platform", "vk", *places]) == 0
    assert main(["accounts", "rename", "vk-a", "--to", "vk-b", *places]) == 2
    assert "anna.yml: names both vk-a and vk-b" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["add"], "expected the ID"),
        (["add", "x", "--title", "X"], "--title and --platform"),
        (["rename", "x", "--title", "X"], "there is no account 'x'"),
        (["rename", "x", "--to", "y"], "there is no account 'x'"),
        (["rename", "x", "--to", " "], "--to: expected an id"),
        (["add", "x", "--title", "X", "--platform", "vk", "--person", "ana"], "did you mean anna?"),
    ],
)
def test_one_sentence_each(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    params = write_params(tmp_path / "params", None, {"anna": PERSON})
    assert main(["accounts", *words, "--data", str(tmp_path / "data"), "--params", str(params)]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "data" / "accounts.csv").exists()
