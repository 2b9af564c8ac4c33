"""What the examples in docstrings share: the sample agency, opened once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(scope="session")
def opened_sample() -> Iterator[Any]:
    """The sample agency; a test that changes what it holds opens one of its own."""
    import kpi_kit as kk

    with kk.open("data/sample", "params") as agency:
        yield agency


@pytest.fixture(autouse=True)
def _names_of_examples(request: pytest.FixtureRequest) -> None:
    """``agency`` in the docstrings of ``kpi_kit.explore``."""
    if type(request.node).__name__ == "DoctestItem" and "explore" in request.node.path.parts:
        names = request.getfixturevalue("doctest_namespace")
        names["agency"] = request.getfixturevalue("opened_sample")
