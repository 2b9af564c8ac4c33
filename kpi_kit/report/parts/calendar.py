"""The content plan as a calendar: a grid of weeks from Monday, with one small mark an item."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from markupsafe import Markup

from kpi_kit.core.periods import Grain, Period
from kpi_kit.report.parts.markup import tag
from kpi_kit.report.wording import Words
from kpi_kit.scorecard.record import PlanRow

_DAY = dt.timedelta(days=1)
_MARKS = {
    "done": '<circle cx="6" cy="6" r="6"/><path d="M3 6.2 5.2 8.4 9 4" class="k-cut"/>',
    "late": '<circle cx="6" cy="6" r="5" class="k-line"/><path d="M6 3v3.4l2.4 1.5" class="k-line"/>',
    "gone": '<path d="M1.5 1.5l9 9m0-9-9 9" class="k-cross"/>',
    "off": '<path d="M6 .5 12 11.5H0z"/><path d="M6 4.2v3.4M6 9v.9" class="k-cut"/>',
    "other": '<circle cx="6" cy="6" r="5" class="k-dash"/>',
}
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
    return tag("div", *(_grid(span, by_day, words) for span in spans), class_="k-calendar")


def plan_mark(status: str) -> Markup:
    """The sign of what became of an item, for beside the words that say it."""
    shape = _SHAPES.get(status, "other")
    return tag(
        "svg", Markup(_MARKS[shape]), viewBox="0 0 12 12", class_=f"k-icon k-plan-{shape}", aria_hidden="true"
    )


def _months(period: Period) -> list[Period]:
    found = [Period.containing(period.start, Grain.MONTH)]
    while found[-1].end < period.end:
        found.append(Period.containing(found[-1].end, Grain.MONTH))
    return found


def _grid(span: Period, by_day: Mapping[dt.date, Sequence[str]], words: Words) -> Markup:
    monday = span.start - span.start.weekday() * _DAY
    weeks = (span.last_day - monday).days // 7 + 1
    days = [[monday + (7 * week + day) * _DAY for day in range(7)] for week in range(weeks)]
    head = tag("tr", *(tag("th", name, scope="col") for name in words.weekdays()))
    rows = [tag("tr", *(_cell(day, span, by_day.get(day, ()), words) for day in week)) for week in days]
    return tag("table", tag("caption", words.period(str(span))), tag("thead", head), tag("tbody", *rows))


def _cell(day: dt.date, span: Period, statuses: Sequence[str], words: Words) -> Markup:
    if not span.start <= day < span.end:
        return Markup('<td class="k-out"></td>')
    counts = Counter(statuses)
    shown = [status for status in words.lookup("plan_status") if counts[status]]
    told = ", ".join(
        words.text("plan.summary", status=words.text(f"plan_status.{status}"), count=counts[status])
        for status in shown
    )
    marks = [plan_mark(status) for status in shown for _ in range(counts[status])]
    content = (
        tag("span", *marks, class_="k-marks", role="img", aria_label=told, title=told) if marks else None
    )
    return tag("td", tag("b", str(day.day)), content)
