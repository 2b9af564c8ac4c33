"""Comments of the head of department: which file is read, and what is refused in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from builders import write_params

from kpi_kit.core.errors import SpecialistError
from kpi_kit.params import comment_file, load, read_comment
from kpi_kit.params.comments import MOST_BYTES


def written(folder: Path, content: bytes, name: str = "anna") -> Path:
    file = comment_file(folder, "2025-10", name)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


def test_the_comment_is_the_text_of_the_periods_file(tmp_path: Path) -> None:
    assert read_comment(tmp_path, "2025-10", "anna") is None
    written(tmp_path, "\ufeffХороший *месяц*.\r\n\n".encode())
    assert read_comment(tmp_path, "2025-10", "anna") == "Хороший *месяц*."
    assert read_comment(tmp_path, "2025-11", "anna") is None
    written(tmp_path, b" \n ")
    assert read_comment(tmp_path, "2025-10", "anna") is None


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"a" * (MOST_BYTES + 1), "expected up to 4 kB, found a larger file"),
        (
            "Хорошо".encode("cp1251"),
            "expected UTF-8 text, found what looks like Windows-1251; save the file as UTF-8",
        ),
    ],
    ids=["too large", "no text"],
)
def test_a_bad_comment_is_one_sentence(tmp_path: Path, content: bytes, fault: str) -> None:
    file = written(tmp_path, content)
    with pytest.raises(SpecialistError) as caught:
        read_comment(tmp_path, "2025-10", "anna")
    assert caught.value.problems == (f"{file}: {fault}",)


def test_a_folder_in_place_of_a_comment_is_one_sentence(tmp_path: Path) -> None:
    comment_file(tmp_path, "2025-10", "anna").mkdir(parents=True)
    with pytest.raises(SpecialistError, match="an ordinary file is expected"):
        read_comment(tmp_path, "2025-10", "anna")


def test_comments_that_no_report_shows_are_warnings(tmp_path: Path) -> None:
    entry = {"kpi": "leads", "target": {"at_least": 1}, "weight": 1}
    params = write_params(tmp_path, None, {"anna": {"kpis": [entry]}})
    for name in ("anna", "department", "ana"):
        written(params, b"text", name)
    (params / "comments/2025-10/anna.txt").write_text("text", encoding="utf-8")
    (params / "comments/october").mkdir()
    home = params / "comments"
    assert load(params).warnings == (
        f"{home / '2025-10/ana.md'}: there is no specialist 'ana'; did you mean anna?",
        f"{home / '2025-10/anna.txt'}: only files named <specialist>.md are read",
        f"{home / 'october'}: a folder named after a period such as 2025-10 is expected, so it is not read",
    )
