"""Subscribers by day, counted back from the number at the end of the last day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence

from kpi_kit.core.errors import InputError
from kpi_kit.core.phrases import Phrase
from kpi_kit.sources.layouts import Context, Values

_DAY = dt.timedelta(days=1)


def count_back(changes: Mapping[dt.date, tuple[int, int]], at_end: int) -> dict[dt.date, int]:
    """Subscribers at the end of each day, up to the last gap; before a gap they are unknown.

    Parameters
    ----------
    changes : mapping of date to (joined, left)
    at_end : int
        Subscribers at the end of the last day.

    Raises
    ------
    InputError
        Where a day would begin with fewer than 0.

    Examples
    --------
    >>> day = dt.date(2025, 10, 1)
    >>> list(count_back({day: (5, 1), day + _DAY: (3, 2)}, 100).values())
    [99, 100]
    """
    counts: dict[dt.date, int] = {}
    count = at_end
    for day in sorted(changes, reverse=True):
        if counts and day + _DAY not in counts:
            break
        joined, left = changes[day]
        counts[day] = count
        count += left - joined
        if count < 0:
            fields = {"count": at_end, "day": day, "found": count}
            raise InputError(Phrase("sources.subscribers_below_0", **fields))
    return dict(sorted(counts.items()))


def reckoned(
    days: Sequence[dt.date | None],
    values: Values,
    rows: Sequence[int],
    context: Context,
    people: str,
    or_import: str = "",
) -> dict[str, Values]:
    """The audience by days of which a table has who joined and left; empty where it is unknown.

    Parameters
    ----------
    days : sequence of date or None
    values : Values
    rows : sequence of int
    context : Context
    people, or_import : str
        See :func:`no_members`.
    """
    members = context.options.subscribers_at_end
    if not rows or "joined" not in values or "left" not in values:
        return {}
    if members is None:
        context.remarks.append(no_members(people, or_import=or_import))
        return {}
    changes = dict(zip(days, zip(values["joined"], values["left"], rows, strict=True), strict=True))
    known = {day: change for day, change in changes.items() if day is not None}
    after = max((day for day, change in known.items() if None in change), default=dt.date.min)
    flows = {day: (int(joined), int(left)) for day, (joined, left, _) in known.items() if day > after}
    counts = count_back(flows, members)
    if left_out := known.keys() - counts.keys():
        context.remarks.append(before_gap(people, left_out))
    audience: Values = {"date": list(counts), "subscribers": list(counts.values())}
    audience["joined"], audience["left"] = ([flows[day][place] for day in counts] for place in (0, 1))
    return {"audience": {**audience, "_row": [known[day][2] for day in counts]}}


def no_members(people: str, last: dt.date | None = None, or_import: str = "") -> Phrase:
    """The remark that subscribers by day are unknown, as only their changes are.

    Parameters
    ----------
    people : str
        What subscribers are called: a key of the locale after ``people_``.
    last : date or None
        The last day of the changes, where it is known.
    or_import : str
        Another export that has the number.
    """
    day = last or Phrase("sources.last_day")
    more = Phrase("sources.or_import", name=or_import) if or_import else ""
    return Phrase("sources.no_members", people=Phrase(f"sources.people_{people}"), day=day, or_import=more)


def before_gap(people: str, days: Iterable[dt.date]) -> Phrase:
    """The remark on days before a gap, which are left out."""
    return Phrase("sources.days_before_gap", people=Phrase(f"sources.people_{people}"), day=max(days))
