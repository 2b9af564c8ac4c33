"""Time the figures of a report with eleven KPIs, and SVG beside PNG.

Run ``python benchmarks/figures.py``. It draws every figure of a made-up specialist with eleven KPIs
(13 months and 104 weeks each) and the department's funnel, and prints CPU seconds of a warm process:
the median of several rounds, by kind of figure, as SVG and as PNG of twice the pixels, in one run.
The acceptance is 1.2 s for all figures of the specialist; the ratios hold on any machine.
"""

from __future__ import annotations

import io
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from kpi_kit.core.periods import Grain
from kpi_kit.report import THEME, figures
from kpi_kit.report.wording import words

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = 7
KPIS = 11
ACCEPTED = 1.2


def records() -> list[dict[str, Any]]:
    """Eleven entries with everything that a figure can show."""
    from tests import cards

    found = [record for record in cards.entries() if record["value"] is not None]
    found = [found[number % len(found)] for number in range(KPIS)]
    return [trended(record | {"weeks": cards.weeks(record["value"] or 1.0, 104)}) for record in found]


def trended(record: dict[str, Any]) -> dict[str, Any]:
    """An entry with a trend, a shock, and a fact outside its limits."""
    weeks = record["weeks"]
    low = min(week["value"] for week in weeks if week["value"] is not None)
    line = {
        "first": 0,
        "last": len(weeks) - 1,
        "start": [low, low * 1.1, low * 1.2],
        "middle": low * 1.15,
        "end": [low * 1.1, low * 1.2, low * 1.3],
    }
    past = [*record["history"][:-2], record["history"][-2] | {"outside": True}, record["history"][-1]]
    shock = {"platform": "vk", "week": weeks[-3]["week"], "direction": "fell", "median": -0.2, "accounts": 9}
    return record | {"trend": {"grain": "week", "line": line}, "history": past, "shocks": [shock]}


def funnel() -> dict[str, Any]:
    """A department of twelve."""
    people = [
        {"name": f"Person {n}", "value": 0.03 + n / 400, "volume": 150.0 * (n + 1), "outside": "usual"}
        for n in range(12)
    ]
    people[3]["outside"], people[9]["outside"] = "unusual", "exceptional"
    curve = [
        {
            "volume": volume,
            **{f"low{level}": 0.045 - z / volume**0.5 / 5 for level, z in (("95", 1.96), ("998", 3.09))},
            **{f"high{level}": 0.045 + z / volume**0.5 / 5 for level, z in (("95", 1.96), ("998", 3.09))},
        }
        for volume in range(150, 1900, 50)
    ]
    return {"unit": "share", "centre": 0.045, "points": people, "curve": curve}


def png(figure: Figure) -> bytes:
    """The figure as PNG, at two pixels for one of the page."""
    out = io.BytesIO()
    figure.set_dpi(192)
    FigureCanvasAgg(figure).print_png(out)
    return out.getvalue()


def cpu(draw: Callable[[], list[int]]) -> tuple[float, int]:
    """CPU seconds of the median round, and the bytes that came out."""
    seconds, size = [], 0
    for _ in range(ROUNDS + 1):
        begun = time.process_time()
        size = sum(draw())
        seconds.append(time.process_time() - begun)
    return statistics.median(seconds[1:]), size


def main() -> int:
    """Print the table; exit 1 where a specialist's figures take longer than the acceptance."""
    sys.path.insert(0, str(ROOT))
    from tests import cards

    say, colours = words("ru", "RUB"), figures.theme(THEME)
    entries, answered = records(), cards.sections()["response"]
    without_weeks = [record | {"weeks": []} for record in entries]
    one = funnel()
    kinds: dict[str, Callable[[], list[Figure]]] = {
        "periods": lambda: [drawn(record, say, colours) for record in without_weeks],
        "periods and weeks": lambda: [drawn(record, say, colours) for record in entries],
        "response": lambda: [figures.response(answered, say, colours)],
        "funnel": lambda: [figures.funnel(one, "inquiries", say, colours)],
    }
    found = {}
    heads = ("count", "draw, s", "SVG, s", "SVG, KB", "PNG, s", "PNG, KB")
    print(f"{'figures':18}", *(f"{head:>8}" for head in heads))
    with figures.drawing():
        for kind, draw in kinds.items():
            bare, _ = cpu(lambda draw=draw: [0 for _ in draw()])  # type: ignore[misc]  # the default binds the loop's
            vector, light = cpu(lambda draw=draw: [len(figures.svg(one)) for one in draw()])  # type: ignore[misc]  # likewise
            pixels, heavy = cpu(lambda draw=draw: [len(png(one)) for one in draw()])  # type: ignore[misc]  # likewise
            found[kind] = vector
            numbers = f"{bare:8.3f} {vector:8.3f} {light / 1e3:8.0f} {pixels:8.3f} {heavy / 1e3:8.0f}"
            print(f"{kind:18} {len(draw()):8} {numbers}")
    total = found["periods and weeks"] + found["response"]
    shares = ", ".join(f"{kind} {found[kind] / total:.0%}" for kind in ("periods and weeks", "response"))
    print(f"a report of {KPIS} KPIs: {total:.2f} s of CPU ({shares}); accepted are {ACCEPTED} s")
    return int(total > ACCEPTED)


def drawn(record: dict[str, Any], say: Any, colours: figures.Theme) -> Figure:
    """The figure of an entry, which has facts."""
    figure = figures.history(record, Grain.MONTH, say, colours)
    assert figure is not None
    return figure


if __name__ == "__main__":
    sys.exit(main())
