"""Visits by source -> traffic by account and day, as ``attribution.yml`` or ``--account`` says."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import Any

from kpi_kit.sources.layouts import Context, Values


def visits(
    days: Sequence[dt.date | None],
    counts: Sequence[float | None],
    people: Sequence[float | None] | None,
    named: Mapping[str, Sequence[Any]],
    rows: Sequence[int],
    context: Context,
    social: re.Pattern[str],
) -> Values:
    """Rows of ``traffic``: visits of an account and day are added up; visitors are not, as people repeat.

    Parameters
    ----------
    days, counts, people
        By row: the day, its visits, its visitors.
    named : mapping of str to sequence
        What the visits are split by, such as ``utm_source`` or ``network``.
    rows : sequence of int
    context : Context
        Where ``--account`` is given, all that looks social is its; otherwise the rules tell.
    social : re.Pattern
        Of sources that are social.
    """
    context.unmatched.table = "traffic"
    by_account: dict[tuple[dt.date, str], list[tuple[float, float | None, int]]] = {}
    for place, (day, count, row) in enumerate(zip(days, counts, rows, strict=True)):
        fields = {name: str(values[place] or "") for name, values in named.items()}
        if day is None or count is None:
            continue
        account = _account(fields, context, social)
        if account is None:
            context.unmatched.add(fields)
            continue
        by_account.setdefault((day, account), []).append((count, people[place] if people else None, row))
    made: Values = {name: [] for name in ("date", "account_id", "visits", "visitors", "_row")}
    for (day, account), parts in sorted(by_account.items()):
        total = sum(count for count, _, _ in parts)
        people_alone = parts[0][1] if len(parts) == 1 else None
        if total != int(total):
            context.refuse(parts[0][2], "sources.visits_not_whole", found=total)
            continue
        cells = (day, account, int(total), None if people_alone is None else int(people_alone), parts[0][2])
        for name, value in zip(made, cells, strict=True):
            made[name].append(value)
    return made


def _account(fields: Mapping[str, str], context: Context, social: re.Pattern[str]) -> str | None:
    if context.options.attribution.rules:
        return context.options.attribution.account_of(fields)
    text = " ".join(fields.values())
    return context.options.account if social.search(text) else None
