"""Commands raise the limit of open files where they may, and name it where they may not."""

from __future__ import annotations

import pytest

from kpi_kit.core.errors import InputError
from kpi_kit.core.open_files import allow_files


@pytest.mark.parametrize(
    ("now", "most", "then"),
    [(64, 64, None), (64, 4096, 256), (64, -1, 256), (100, 128, 128), (1024, 4096, None), (-1, -1, None)],
)
def test_a_run_may_open_enough_files(now, most, then, monkeypatch):
    resource = pytest.importorskip("resource")
    limits = []
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (now, most))
    monkeypatch.setattr(resource, "setrlimit", lambda kind, pair: limits.append(pair))
    allow_files()
    assert limits in ([] if then is None else [(then, most)], [(now, most)])


def test_too_few_open_files_are_told_in_a_sentence(monkeypatch):
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (10, 16))
    with pytest.raises(
        InputError, match=r"allows a process 16 open files, and the kit needs 32; ulimit -n 1024$"
    ):
        allow_files()
