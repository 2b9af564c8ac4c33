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


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["add"], "expected the ID"),
        (["add", "x", "--title", "X"], "--title and --platform"),
        (["rename", "x", "--title", "X"], "there is no account 'x'"),
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
