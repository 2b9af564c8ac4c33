"""A scorecard as plain text."""

from __future__ import annotations

from rich.console import Console

from kpi_kit.report.parts import terminal
from kpi_kit.scorecard.record import Scorecard


def printed(record: Scorecard) -> str:
    """The scorecard as plain text, up to 120 characters wide."""
    console = Console(width=120, color_system=None, force_jupyter=False)
    with console.capture() as captured:
        console.print(terminal.scorecard(record))
    return captured.get().rstrip("\n")
