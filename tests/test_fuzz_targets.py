"""Half a minute of ``make fuzz``, in attempts that are the same everywhere, and all that was ever found."""

from __future__ import annotations

from pathlib import Path

import pytest

from kpi_kit.core.errors import KitError
from tests.fuzz_targets import REGRESSIONS, TARGETS, attempt, regression

pytestmark = pytest.mark.no_cover  # what runs here, other tests reach; being watched doubles its time
COUNTS = {
    "department": 250,
    "specialist": 250,
    "period": 10_000,
    "importer": 300,
    "tables": 100,
    "store": 30,
    "kept": 4_000,
    "message": 100,
    "wide_sheet": 300,
    "merge": 4,
}
"""About half a minute of processor in all."""


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
