"""Parameters of a notebook that is run by hand: folders of the project, and nothing saved by default."""

from __future__ import annotations

from pathlib import Path

import pytest

from kpi_kit import report
from kpi_kit.core.errors import InputError
from kpi_kit.report import inputs
from tests.agency import build, entry

ROOT = Path(__file__).parents[2]


def test_relative_folders_are_those_of_the_project_whatever_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert inputs.resolve("data/sample") == ROOT / "data/sample", "without a project, that of the kit"
    (tmp_path / "mine/params").mkdir(parents=True)
    (tmp_path / "mine/params/department.yml").touch()
    (tmp_path / "mine/work/deep").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "mine/work/deep")
    assert inputs.resolve("data") == tmp_path / "mine/data"
    assert inputs.resolve(str(tmp_path)) == tmp_path
    monkeypatch.setenv("KPI_KIT_SNAPSHOT", "…")
    assert inputs.resolve("data") == Path("data"), "a run says what it means"


@pytest.mark.parametrize(
    ("save", "wish"), [(True, True), ("True", True), ("yes", True), (False, False), ("", False)]
)
def test_saving_is_a_wish(save: object, wish: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    assert inputs.saves(save) is wish
    monkeypatch.setenv("KPI_KIT_SNAPSHOT", "…")
    assert inputs.saves(save) is True, "a run of the kit always saves"


def test_a_wish_that_is_neither_is_refused() -> None:
    with pytest.raises(InputError, match="parameter save: expected True or False, found 'perhaps'"):
        inputs.saves("perhaps")


def test_by_hand_nothing_is_written_unless_asked(tmp_path: Path) -> None:
    data, params = build(tmp_path, [entry("leads")], leads=["l1,a,2025-10-01T12:00"])
    given = {"period": "2025-10", "data": str(data), "params": str(params), "out": str(tmp_path / "out")}
    made = report.specialist(specialist="ann", as_of="", **given)
    assert made.card["kpis"][0]["value"] == 1 and not (tmp_path / "out").exists()
    report.specialist(specialist="ann", as_of="", **given, save=True)
    report.department(**given)
    assert [path.name for path in (tmp_path / "out/2025-10").iterdir()] == ["ann.json"]
