"""``import --inbox``: the outcome of each file, then which data are there and what to export."""

from __future__ import annotations

from pathlib import Path

import pytest
from builders import write_params

from kpi_kit.cli.main import main


def test_prints_the_matrix_and_the_exports_to_fetch(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inbox, data = tmp_path / "inbox", tmp_path / "data"
    (inbox / "vk-a").mkdir(parents=True)
    text = "Подписчики;Сентябрь 2025;Октябрь 2025\nКофе;100;110\n"
    (inbox / "vk-a" / "sheet.csv").write_text(text, encoding="utf-8")
    kpis = [{"kpi": kpi, "target": {"at_least": 1}, "weight": 50} for kpi in ("subscribers", "likes")]
    params = write_params(tmp_path / "params", None, {"anna": {"accounts": ["vk-a"], "kpis": kpis}})
    line = ["import", "--inbox", str(inbox), "--into", str(data), "--params", str(params)]
    assert main(line) == 0
    shown = capsys.readouterr().out
    assert "Загружен 1 новый файл." in shown
    assert "Какие данные есть" in shown
    assert (
        "ВКонтакте, «vk-a», посты, август 2025, сентябрь 2025, октябрь 2025: ответ wall.get (JSON)" in shown
    )
    assert main(["check", "--status", "--data", str(data), "--params", str(params)]) == 0
    assert "ответ wall.get (JSON)" in capsys.readouterr().out
    (inbox / "x.csv").write_text("а;б\n1;2\n", encoding="utf-8")
    assert main(line) == 1
    assert "1 загружен раньше" in capsys.readouterr().out


@pytest.mark.parametrize("words", [[], ["auto"], ["auto", "a.csv", "--inbox", "."]])
def test_needs_files_or_an_inbox(words: list[str], tmp_path: Path) -> None:
    assert main(["import", *words, "--into", str(tmp_path)]) == 2
