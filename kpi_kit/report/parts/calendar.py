"""The content plan as a calendar: a grid of weeks from Monday, with one small mark an item."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from kpi_kit.core.periods import Grain, Period
from kpi_kit.report.parts.markup import block
from kpi_kit.report.wording import Words
from kpi_kit.scorecard.record import PlanRow

_DAY = dt.timedelta(days=1)
_SHAPES = {"fulfilled": "done", "late": "late", "missing": "gone", "deleted": "gone", "off_brand": "off"}
"""The mark of a status; whatever did not fail and is not fulfilled is ``other``."""


def calendar(plan: Sequence[PlanRow], period: str, words: Words) -> Markup:
    """Draw the days of a period with what became of the items due on them.

    Parameters
    ----------
    plan : sequence of mapping
        Items with ``due_at`` and ``status``.
    period : str
        A week is one row; every other period is a grid a month.
    words : Words
    """
    asked = Period.parse(period)
    by_day: dict[dt.date, list[str]] = defaultdict(list)
    for item in plan:
        by_day[dt.date.fromisoformat(item["due_at"][:10])].append(item["status"])
    spans = [asked] if asked.grain in (Grain.WEEK, Grain.MONTH) else _months(asked)
    return block("calendar", words.weekdays(), [_grid(span, by_day, words) for span in spans])


def plan_mark(status: str) -> Markup:
    """The sign of what became of an item, for beside the words that say it."""
    return block("plan_mark", shape_of(status))


def shape_of(status: str) -> str:
    """The shape of the sign of a status."""
    return _SHAPES.get(status, "other")


def _months(period: Period) -> list[Period]:
    found = [Period.containing(period.start, Grain.MONTH)]
    while found[-1].end < period.end:
        found.append(Period.containing(found[-1].end, Grain.MONTH))
    return found


def _grid(span: Period, by_day: Mapping[dt.date, Sequence[str]], words: Words) -> dict[str, Any]:
    monday = span.start - span.start.weekday() * _DAY
    weeks = (span.last_day - monday).days // 7 + 1
    days = [[monday + (7 * week + day) * _DAY for day in range(7)] for week in range(weeks)]
    return {
        "name": words.period(str(span)),
        "weeks": [[_cell(day, span, by_day.get(day, ()), words) for day in week] for week in days],
    }


def _cell(day: dt.date, span: Period, statuses: Sequence[str], words: Words) -> dict[str, Any] | None:
    if not span.start <= day < span.end:
        return None
    counts = Counter(statuses)
    shown = [status for status in words.lookup("plan_status") if counts[status]]
    text = ", ".join(
        words.text("plan.summary", status=words.text(f"plan_status.{status}"), count=counts[status])
        for status in shown
    )
    shapes = [shape_of(status) for status in shown for _ in range(counts[status])]
    return {"number": day.day, "text": text, "shapes": shapes}
