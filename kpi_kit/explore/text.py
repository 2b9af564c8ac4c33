"""A scorecard as plain text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console

from kpi_kit.report.parts import terminal


def printed(record: Mapping[str, Any]) -> str:
    """The scorecard as plain text, as wide as it needs to be up to 120 letters."""
    console = Console(width=120, color_system=None, force_jupyter=False)
    with console.capture() as captured:
        console.print(terminal.scorecard(record))
    return captured.get().rstrip("\n")
