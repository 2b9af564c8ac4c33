"""Every command with a closed pipe, without output, and in encodings that lack most characters."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from warm_commands import WarmCommands

from kpi_kit.cli import STOPPED
from kpi_kit.cli.main import main

ROOT = Path(__file__).parents[2]
ANNA = ("--period", "2025-10", "--specialist", "anna-petrova")
COMMANDS = {
    "score": ("score", *ANNA),
    "score as JSON": ("score", "--json", *ANNA),
    "check": ("check", "--period", "2025-10"),
    "catalogue": ("catalogue", "--language", "ru"),
    "verify": ("verify", "нет.json"),
    "mail": ("mail", "--period", "2025-10"),
    "run": ("run", "--period", "2025-10", "--specialist", "анна"),
    "imports": ("imports", "--data", "данные"),
    "what-if": ("what-if", *ANNA, "--kpi", "leads", "--target", "10"),
    "help": ("import", "--help"),
}


@pytest.fixture(scope="module")
def commands() -> Iterator[WarmCommands]:
    with WarmCommands() as commands:
        yield commands


@pytest.fixture(scope="module")
def anna(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The params of the sample with one of its people: to check all six takes seconds."""
    params = tmp_path_factory.mktemp("anna")
    (params / "specialists").mkdir()
    shutil.copy(ROOT / "params/department.yml", params)
    shutil.copy(ROOT / "params/specialists/anna-petrova.yml", params / "specialists")
    return params


@pytest.fixture
def words(anna: Path, tmp_path: Path) -> Callable[[str], list[str]]:
    """The words of a command that reads one person's params and writes nowhere else."""

    def of(command: str) -> list[str]:
        words = list(COMMANDS[command])
        if command not in ("help", "verify"):
            words += ["--out", str(tmp_path / "out")]
        return [*words, "--params", str(anna)] if command == "check" else words

    return of


def start(words: list[str], *before: str, encoding: str = "utf-8", **more: object) -> subprocess.Popen[bytes]:
    """A command as a shell starts it."""
    command = [*before, sys.executable, "-m", "kpi_kit", *words]
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    return subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, **more)  # type: ignore[call-overload,no-any-return]


ENCODINGS = [*((command, "ascii") for command in COMMANDS), ("check", "cp1251")]


@pytest.mark.parametrize(("command", "encoding"), ENCODINGS)
def test_characters_that_an_encoding_lacks_are_escaped(
    command: str, encoding: str, words: Callable[[str], list[str]], commands: WarmCommands
) -> None:
    _, output, problems = commands.run(words(command), encoding=encoding)
    assert b"Traceback" not in output + problems
    assert output + problems
    if command == "score as JSON":
        assert json.loads(output.decode(encoding))["name"] == "Анна Петрова"


def test_a_command_that_a_shell_starts_escapes_them_too(words: Callable[[str], list[str]]) -> None:
    output, problems = start(words("catalogue"), encoding="ascii", stdout=subprocess.PIPE).communicate()
    assert b"\\u" in output
    assert problems == b""


@pytest.mark.parametrize("command", ["score as JSON", "check", "catalogue", "help"])
def test_a_closed_pipe_ends_a_command_without_a_word(
    command: str, words: Callable[[str], list[str]], commands: WarmCommands
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    if command == "help":
        process = start(words(command), stdout=writing)
        _, problems = process.communicate()
        code = process.returncode
    else:
        code, _, problems = commands.run(words(command), stdout=writing)
    os.close(writing)
    assert b"Traceback" not in problems
    assert b"Broken" not in problems
    assert code in (0, 1, 2)


@pytest.mark.parametrize("command", ["score", "mail", "imports", "verify"])
def test_a_command_works_without_standard_output(
    command: str, words: Callable[[str], list[str]], commands: WarmCommands
) -> None:
    if command == "verify":
        process = start(words(command), "sh", "-c", 'exec "$@" >&-', "sh")
        problems, code = process.communicate()[1], process.returncode
    else:
        code, _, problems = commands.run(words(command), closed=True)
    assert b"Traceback" not in problems
    assert code in (0, 1, 2)


def test_a_command_ended_by_a_signal_removes_its_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGTERM ends a command as Ctrl-C does: what is to be removed at its end is removed."""
    removed = []

    def carry_out(options: object) -> int:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(5)
        finally:
            removed.append("rows")
        return 0

    monkeypatch.setattr("kpi_kit.cli.score.carry_out", carry_out)
    assert main(["score", "--specialist", "anna-petrova"]) == STOPPED
    assert removed == ["rows"]


def test_a_log_gets_what_is_printed_and_why_a_command_fails(tmp_path: Path) -> None:
    log = tmp_path / "kit.log"
    assert main(["catalogue", "--log", str(log)]) == 0
    assert main(["check", "--params", str(tmp_path / "none"), "--log", str(log)]) == 2
    text = log.read_text(encoding="utf-8")
    assert text.count("kpi-kit catalogue") == 1 and "churn_rate" in text
    assert "department.yml: this file is missing" in text and "\x1b" not in text
    assert main(["catalogue", "--log", str(tmp_path)]) == 2


def test_periods_may_be_named_from_today(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("kpi_kit.cli.main._now", lambda: dt.datetime(2025, 10, 31, 22, 0, tzinfo=dt.UTC))
    chosen: list[str] = []
    monkeypatch.setattr("kpi_kit.cli.score.carry_out", lambda options: chosen.append(options.period) or 0)
    for name in ("last-month", "this-month", "last-quarter", "last-week", "2025-09"):
        main(["score", "--specialist", "x", "--params", str(tmp_path), "--period", name])
    assert chosen == ["2025-10", "2025-11", "2025-Q3", "2025-W43", "2025-09"]  # November in Moscow


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_shells_complete_commands_and_options(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert "targets" in script and "inbox" in script and "kpi-kit" in script
    if shell == "bash":
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)
