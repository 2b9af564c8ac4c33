"""Without fork, sessions, groups of processes and file locks: import, reports and a preview of the mail."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from contextlib import nullcontext, suppress
from pathlib import Path

import pytest
from builders import write_params

from kpi_kit.cli.arguments import parser

WITHOUT = """
import fcntl, multiprocessing, multiprocessing.context as contexts, os, shutil, sys
for name in ("O_DIRECTORY", "O_NOFOLLOW", "geteuid", "sched_getaffinity"):
    delattr(os, name)
os.supports_dir_fd = set()
shutil._use_fd_functions = False
opens, syncs, flags_of = os.open, os.fsync, fcntl.fcntl
def opened(path, flags, mode=0o777, *, dir_fd=None):
    if dir_fd is not None or os.path.isdir(path):
        raise PermissionError(13, "Permission denied", str(path))
    return opens(path, flags, mode)
def synced(descriptor):
    if not isinstance(descriptor, int) or flags_of(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
        raise OSError(9, "Bad file descriptor")
    syncs(descriptor)
os.open, os.fsync = opened, synced
for name in ("fork", "forkpty", "setsid", "killpg", "getpgid", "setpgid"):
    if hasattr(os, name):
        delattr(os, name)
sys.modules["fcntl"] = None
for name in ("fork", "forkserver"):
    contexts._concrete_contexts.pop(name, None)
contexts._default_context._default_context = contexts._concrete_contexts["spawn"]
contexts.DefaultContext.get_all_start_methods = lambda self: ["spawn"]
multiprocessing.get_all_start_methods = lambda: ["spawn"]
"""
"""What Windows lacks, taken away from every Python of the test."""

RUN = """
import sys
from kpi_kit.cli.main import main
folder = sys.argv[1]
places = ["--params", f"{folder}/params", "--data", f"{folder}/data", "--out", f"{folder}/reports"]
inbox = ["import", "--inbox", f"{folder}/inbox", "--into", f"{folder}/data", "--params", f"{folder}/params"]
month = ["--period", "2025-10"]
codes = [
    main(inbox),
    main(["run", *places, *month, "--jobs", "1", "--engine", "embedded"]),
    main(["mail", *places, *month, "--preliminary"]),
    main(["mail", *places, *month, "--resolve", "again"]),
]
print("codes", codes)
"""


@pytest.mark.parametrize("page", ["windows.md", "windows.ru.md"])
def test_commands_of_the_documents_are_those_of_the_kit(page: str) -> None:
    text = (Path(__file__).parents[1] / "docs" / page).read_text(encoding="utf-8")
    commands = re.findall(r'^kpi-kit (.+)$|-Argument "(.+?)"', text, re.MULTILINE)
    assert len(commands) >= 5
    for words in (shlex.split((line or argument).replace("\\", "/")) for line, argument in commands):
        with suppress(SystemExit) if words == ["--version"] else nullcontext():
            parser(words[0]).parse_args(words)


def test_reports_and_a_preview_need_nothing_that_windows_lacks(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(WITHOUT, encoding="utf-8")
    (tmp_path / "inbox" / "vk-a").mkdir(parents=True)
    sheet = "Подписчики;Авг 2025;Сен 2025;Окт 2025\nКофе;100;110;120\n"
    (tmp_path / "inbox" / "vk-a" / "sheet.csv").write_text(sheet, encoding="utf-8")
    director = {"id": "olga", "name": "Ольга", "email": "olga@agency.example", "specialists": "all"}
    department = {"directors": [director], "mail": {"sender": "kpi@agency.example"}}
    entry = {"kpi": "subscriber_gain", "target": {"at_least": 5}, "weight": 100}
    write_params(tmp_path / "params", department, {"anna": {"accounts": ["vk-a"], "kpis": [entry]}})
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", RUN, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site"), "PYTHONIOENCODING": "cp1251"},
        capture_output=True,
        text=True,
        encoding="cp1251",
        timeout=240,
        check=False,
    )
    assert "codes [0, 0, 0, 2]" in done.stdout, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "блокировки файлов" in done.stderr  # sending and resolving say what they need
    month = tmp_path / "reports" / "2025-10"
    assert (month / "anna.html").is_file() and (month / "index.html").is_file()
    assert list((month / "outbox").glob("*.eml"))
