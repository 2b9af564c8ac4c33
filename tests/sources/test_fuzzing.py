"""Damaged files end in the same figures or in one clear sentence (many more by ``make fuzz``)."""

from __future__ import annotations

from pathlib import Path

import pytest
from fuzzing import FUZZED, attempts, verdict

from kpi_kit.core.errors import InputError
from kpi_kit.sources import Imported


def test_damaged_files_are_read_or_refused(tmp_path: Path) -> None:
    seen = attempts(5 * len(FUZZED), 11, tmp_path)
    assert set(seen) == {"read", "refused"}, "\n".join(seen)


@pytest.mark.parametrize("fault", [ValueError("no"), InputError(""), InputError([])])
def test_it_can_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Exception) -> None:
    def broken(_path: Path) -> Imported:
        raise fault

    monkeypatch.setattr("fuzzing.imported", broken)
    assert verdict("plan.csv", bytes, tmp_path / "plan.csv", {}) not in ("read", "refused")  # type: ignore[arg-type]
