"""``--help`` and the sentences of argparse, in both languages."""

import argparse
import ast
from pathlib import Path

import pytest

from kpi_kit.cli.arguments import parser
from kpi_kit.cli.help import OF_ALL, key_of
from kpi_kit.cli.main import main
from kpi_kit.core.phrases import LANGUAGES, speak, templates

OF_PROGRAMMERS = ("conflict", "is an invalid", "must be optional", "not callable", "cannot ", "dest=")
OF_PROGRAMMERS += ("must start with", "not defined", "with mode", "unexpected option")
REPLACED = ("show this help", "show program's version")


@pytest.fixture(autouse=True)
def _spoken_english():
    yield
    speak("en")


def said(words, capsys):
    with pytest.raises(SystemExit):
        main(words)
    written = capsys.readouterr()
    return written.out + written.err


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_option_of_every_command_has_a_line_and_no_line_is_left(language):
    texts = {command: dict(part) for command, part in templates("help", language).items()}
    del texts["argparse"]
    whole = parser("import")
    commands = next(action for action in whole._actions if isinstance(action.choices, dict)).choices
    used = {(OF_ALL, "about"), (OF_ALL, "--version"), *((command, "about") for command in commands)}
    for command, inner in commands.items():
        for action in inner._actions:
            name = key_of(action)
            owner = command if name in texts[command] else OF_ALL
            assert 3 < len(texts[owner][name]) < 140, (command, name)
            used.add((owner, name))
    assert {(command, name) for command, part in texts.items() for name in part} == used


def test_russian_has_every_sentence_that_argparse_may_say_to_a_user():
    sentences = [
        ast.literal_eval(node.args[0])
        for node in ast.walk(ast.parse(Path(argparse.__file__).read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("_", "ngettext")
        if isinstance(node.args[0], ast.Constant)
    ]
    known = templates("help", "ru")["argparse"]
    missing = [text for text in sentences if text not in known and not text.startswith(REPLACED)]
    assert [text for text in missing if not any(part in text for part in OF_PROGRAMMERS)] == []


@pytest.mark.spoken
def test_help_speaks_the_language_of_the_option_of_the_department_and_of_the_locale(
    tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LC_ALL", "en_GB.UTF-8")
    assert "make all reports" in said(["--help"], capsys)
    assert "сделать все отчёты" in said(["--help", "--language=ru"], capsys)
    (tmp_path / "params").mkdir()
    (tmp_path / "params" / "department.yml").write_text("language: ru\n", encoding="utf-8")
    assert "посчитать показатели" in said(["score", "--help"], capsys)
    monkeypatch.setenv("LC_ALL", "C")
    (tmp_path / "params" / "department.yml").unlink()
    assert "SMM-специалистов" in said(["--help"], capsys)


@pytest.mark.spoken
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["score"], "ошибка: не указано обязательное: --specialist"),
        (["scor"], "найдено «scor»"),
        (["run", "--jobs", "two"], "«--jobs»: ожидается число, найдено «two»"),
        (["accounts", "close", "--on", "now"], "ожидается дата, например 2025-10-31, найдено «now»"),
        (["run", "--nothing"], "лишнее в команде: --nothing"),
        (["run", "--period"], "«--period»: нужно значение"),
    ],
)
def test_a_wrong_command_is_explained_in_russian(words, sentence, capsys):
    assert sentence in said([*words, "--language", "ru"], capsys)


def test_argparse_speaks_english_again_after_a_command(capsys):
    said(["--help"], capsys)
    assert argparse._("options") == "options"
