"""One small storm; ``make soak`` raises twenty large ones."""

from __future__ import annotations

import pytest

from benchmarks import soak


@pytest.mark.skipif(not soak.Path("/proc/self/environ").exists(), reason="finds processes in /proc")
def test_a_batch_killed_in_a_storm_is_made_whole_by_the_next(monkeypatch):
    monkeypatch.setattr(soak, "FATAL", {"exits": soak.FATAL["exits"], "full disk": soak.FATAL["full disk"]})
    assert soak.storm(seed=0, reports=6, faults=4, end="SIGKILL") == []


def test_the_storm_can_be_lost(tmp_path):
    """A page that is not that of a calm run is found."""
    for folder, page in (("calm", "right"), ("wild", "wrong")):
        place = tmp_path / folder / "2025-10"
        place.mkdir(parents=True)
        (place / "person-000.html").write_text(page, encoding="utf-8")
        (place / "person-000.json").write_text("{}", encoding="utf-8")
        (place / "manifest.json").write_text(
            '{"reports": {"person-000": {"status": "done"}}}', encoding="utf-8"
        )
    assert soak.judged(tmp_path / "calm", tmp_path / "wild", ["person-000"], {}) == [
        "person-000.html (nothing): not what a calm run makes",
        "the department has no page",
    ]
