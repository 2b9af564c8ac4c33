"""The threat list names tests that exist, and the lock has what it promises."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
NAMED = re.compile(r"`((?:\w+/)*test_\w+\.py)::(\w+)`")


def names_of_tests(text: str) -> list[tuple[str, str]]:
    return NAMED.findall(text)


def missing(named: list[tuple[str, str]]) -> list[str]:
    """Those that are in no file of tests."""
    gone = []
    for file, name in named:
        path = ROOT / "tests" / file
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        if not re.search(rf"^(?:def|class) {name}\b", text, re.MULTILINE):
            gone.append(f"{file}::{name}")
    return gone


def test_every_claim_of_the_threat_list_has_tests_that_exist() -> None:
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    rows = [
        line for line in text.splitlines() if line.startswith("| ") and not line.startswith("| who writes")
    ]
    assert len(rows) > 12
    assert [row[:60] for row in rows if not names_of_tests(row)] == []
    assert missing(names_of_tests(text)) == []


def test_a_test_that_is_gone_would_be_seen() -> None:
    assert missing([("test_security_docs.py", "test_nothing"), ("test_none.py", "test_x")]) == [
        "test_security_docs.py::test_nothing",
        "test_none.py::test_x",
    ]


def test_every_pinned_package_has_hashes() -> None:
    lock = (ROOT / "requirements-dev.lock").read_text(encoding="utf-8")
    blocks = re.split(r"^(?=[a-z0-9._-]+==)", lock, flags=re.MULTILINE)[1:]
    assert len(blocks) > 100
    assert [block.split("\n")[0] for block in blocks if "--hash=sha256:" not in block] == []
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    installs = [line for line in makefile.splitlines() if "pip install" in line and " -r " in line]
    assert installs
    assert [line for line in installs if "--require-hashes" not in line] == []
    assert "--generate-hashes" in makefile
