"""``init``: from a pile of exports to params that pass the check, with proposed targets."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from small_agency import TITLES, write_exports

from kpi_kit.cli.main import main
from kpi_kit.params import load
from kpi_kit.scorecard.smart_audit import FEW, MANY

ANSWERS = ["Маяк", "Анна Петрова", "", "Иван Кузнецов", "", "Мария Соколова", "", "", "Дмитрий Орлов", ""]


@pytest.fixture(scope="module")
def agency(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("agency")
    write_exports(folder / "exports")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", io.StringIO("\n".join(ANSWERS) + "\n"))
        assert main(["init", str(folder / "mine"), "--from", str(folder / "exports")]) == 0
    return folder


def people(agency: Path) -> dict[str, dict[str, Any]]:
    folder = agency / "mine" / "params" / "specialists"
    return {file.stem: YAML(typ="safe").load(file.read_text("utf-8")) for file in folder.glob("*.yml")}


def test_four_people_with_their_accounts_and_whole_weights(agency: Path) -> None:
    loaded = load(agency / "mine" / "params")
    assert not loaded.broken and not loaded.warnings
    assert {person.name for person in loaded.specialists.values()} == {a for a in ANSWERS[1:] if a}
    assert sum(len(person.accounts) for person in loaded.specialists.values()) == len(TITLES)
    for person in people(agency).values():
        assert sum(entry["weight"] for entry in person["kpis"]) == 100
        assert len(person["kpis"]) <= MANY
    anna = loaded.specialists["anna-petrova"]
    assert len(anna.kpis) >= FEW
    assert {entry.kpi for entry in anna.kpis} >= {"subscriber_gain", "leads", "sales_amount", "social_visits"}
    assert loaded.department.agency == "Маяк"


def test_each_target_has_its_reason_and_about_half_a_chance(agency: Path) -> None:
    chances = []
    for file in (agency / "mine" / "params" / "specialists").glob("*.yml"):
        lines = file.read_text("utf-8").splitlines()
        for above, line in zip(lines, lines[1:], strict=False):
            if line.startswith("  - {kpi:"):
                assert above.startswith("  # ") and "окт 25" in above
                chances += [int(percent) for percent in re.findall(r"месяце: (\d+)", above)]
    assert len(chances) >= 10
    assert all(10 <= chance <= 90 for chance in chances)
    assert sum(40 <= chance <= 60 for chance in chances) >= 0.7 * len(chances)


def test_the_result_passes_the_check(agency: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = agency / "mine"
    places = ["--data", str(mine / "data"), "--params", str(mine / "params")]
    assert main(["check", *places, "--out", str(agency / "reports")]) == 0
    assert "Нельзя оценить" not in capsys.readouterr().out


def test_the_next_month_needs_no_new_answers(agency: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = agency / "mine"
    line = ["import", "--inbox", str(agency / "exports"), "--into", str(mine / "data")]
    assert main([*line, "--params", str(mine / "params")]) == 0
    assert "5 загружено раньше" in capsys.readouterr().out


def test_params_that_are_there_stay(agency: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = ["init", str(agency / "mine"), "--from", str(agency / "exports"), "--defaults"]
    assert main(line) == 2
    assert "--overwrite" in capsys.readouterr().err


def test_a_question_without_an_answer_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sheet.csv").write_text("Подписчики;Сен 2025;Окт 2025\nКофе ВК;10;11\n", encoding="utf-8")
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert main(["init", str(tmp_path / "mine"), "--from", str(tmp_path / "sheet.csv")]) == 2
    assert "--defaults" in capsys.readouterr().err
    assert not (tmp_path / "mine").exists()
    assert main(["init", str(tmp_path / "mine"), "--from", str(tmp_path / "none")]) == 2


def test_defaults_and_little_data_make_params_that_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "sheet.csv").write_text("Подписчики;Сен 2025;Окт 2025\nКофе ВК;10;11\n", encoding="utf-8")
    line = ["init", str(tmp_path / "mine"), "--from", str(tmp_path / "sheet.csv"), "--defaults"]
    assert main([*line, "--language", "en"]) == 0
    loaded = load(tmp_path / "mine" / "params")
    assert list(loaded.specialists) == ["specialist"] and loaded.department.language == "en"
