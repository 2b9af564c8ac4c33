"""A quarter of a minute of ``make fuzz``: attempts that are the same everywhere, and what was ever found."""

from __future__ import annotations

from pathlib import Path

import pytest

from kpi_kit.core.errors import KitError
from tests.fuzz_targets import REGRESSIONS, TARGETS, attempt, regression

pytestmark = pytest.mark.no_cover  # what runs here, other tests reach; being watched doubles its time
COUNTS = {
    "department": 150,
    "specialist": 150,
    "period": 5_000,
    "importer": 120,
    "tables": 50,
    "store": 20,
    "kept": 2_000,
    "message": 50,
    "wide_sheet": 150,
    "merge": 2,
}
"""About a quarter of a minute of processor in all."""


@pytest.mark.parametrize("name", TARGETS)
def test_anything_is_read_or_refused_in_a_sentence(name: str) -> None:
    assert [said for seed in range(COUNTS[name]) if (said := attempt(name, seed)) is not None] == []


@pytest.mark.parametrize(("name", "text"), REGRESSIONS)
def test_what_was_found_is_refused_in_a_sentence(name: str, text: str, tmp_path: Path) -> None:
    try:
        regression(name, text, tmp_path)
    except KitError as fault:
        assert all("\n" not in problem for problem in fault.problems)


def test_a_target_that_fails_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TARGETS, "period", lambda chance, folder: 1 / 0)
    assert "ZeroDivisionError" in str(attempt("period", 1))
