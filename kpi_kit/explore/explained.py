"""What a change between two periods is made of: parts that add up to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import compress
from typing import Any

import numpy as np
import pandas as pd

from kpi_kit.core.errors import InputError, did_you_mean
from kpi_kit.core.model import Aggregation
from kpi_kit.core.periods import Period
from kpi_kit.core.phrases import Phrase
from kpi_kit.explore.by_units import DIMENSIONS, counted, dimension, refuse_stocks
from kpi_kit.kpis.engine.day_grid import Bools, local_days
from kpi_kit.kpis.engine.tally import Tally
from kpi_kit.scorecard.entry_facts import Facts, Tallies

_OWNERS = ("account", "brand", "platform")


def explained(facts: Facts, versus: Period, by: str | Iterable[str]) -> pd.DataFrame:
    """The parts of the change of an entry's quantity since an earlier period.

    A sum changes by the differences of its parts. The change of a ratio is split into what the ratios of the
    parts did (``rate``) and what their weights did (``mix``); ``change`` is the sum of both.

    Parameters
    ----------
    facts : Facts
    versus : Period
        The earlier period.
    by : str or iterable of str
        ``account``, ``brand``, ``platform``, ``weekday``, ``hour``, ``post``, ``source`` …

    Raises
    ------
    InputError
        Where the KPI has no such parts, or one of the periods cannot be assessed.
    """
    names = [by] if isinstance(by, str) else list(dict.fromkeys(by))
    allowed = [*_OWNERS, *DIMENSIONS]
    unknown = [name for name in names if name not in allowed]
    if unknown or not names:
        hint = did_you_mean(unknown[0], allowed) if unknown else ""
        raise InputError(Phrase("explore.by", allowed=allowed, hint=hint))
    now, earlier = _sides(facts, versus, names)
    parts = now.add_suffix("_now").join(earlier.add_suffix("_before"), how="outer").fillna(0.0)
    return _decomposed(parts, facts, is_ratio=facts.kpi.aggregation is Aggregation.RATIO)


def _sides(facts: Facts, versus: Period, by: Sequence[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Numerators and denominators by part in the period and in the earlier one, like for like."""
    context = facts.context
    if versus not in context.buckets or versus == context.period:
        first, last = context.buckets[0], context.buckets[-2]
        raise InputError(Phrase("explore.versus", versus=versus, first=first, last=last))
    sides = facts.comparison(versus)
    for period, side in ((context.period, sides.now), (versus, sides.earlier)):
        if side.value is None:
            raise InputError(
                Phrase("explore.not_assessable", kpi=facts.kpi.id, period=period, reason=side.notes[0].code)
            )
    compared = facts.comparable(versus)
    is_value = facts.entry.as_ == "value"
    tallies = facts.latest if is_value else facts.equally_mature(context.period, versus, compared)
    measure = _by_owner if set(by) <= set(_OWNERS) else _by_unit
    now, earlier = (measure(facts, tallies, period, compared, by) for period in (context.period, versus))
    return now, earlier


def _by_owner(
    facts: Facts, tallies: Tallies, period: Period, compared: Bools, by: Sequence[str]
) -> pd.DataFrame:
    history: Tally = tallies.history
    bucket = facts.context.buckets.index(period)
    platforms = facts.context.store.accounts["platform"]
    is_brand = facts.kpi.scope == "brand"
    if facts.kpi.aggregation is Aggregation.MEDIAN:
        raise InputError(Phrase("explore.median", kpi=facts.kpi.id))
    if is_brand != ("brand" in by) or (is_brand and len(by) > 1):
        allowed = ["brand"] if is_brand else ["account", "platform"]
        raise InputError(Phrase("explore.by_one", kpi=facts.kpi.id, allowed=allowed))
    rows = []
    for place in np.flatnonzero(compared):
        name = history.grid.owners[place]
        part = history.measure(bucket, np.arange(len(compared)) == place)
        keys = {"account": name, "brand": name, "platform": None if is_brand else platforms[name]}
        rows.append({key: keys[key] for key in by} | _sums(part.numerator, part.denominator))
    return pd.DataFrame(rows).groupby(list(by))[["numerator", "denominator"]].sum()


def _sums(numerator: float | None, denominator: float | None) -> dict[str, float]:
    return {"numerator": numerator or 0.0, "denominator": denominator or 0.0}


def _by_unit(
    facts: Facts, tallies: Tallies, period: Period, compared: Bools, by: Sequence[str]
) -> pd.DataFrame:
    kpi, context = facts.kpi, facts.context
    refuse_stocks(kpi, by)
    if kpi.aggregation is Aggregation.MEDIAN:
        raise InputError(Phrase("explore.median", kpi=kpi.id))
    owners = tuple(compress(tallies.history.grid.owners, compared))
    grid = context.grid(owners, [period])
    units = counted(tallies.frame)
    units = units[grid.cells(units[kpi.scope], local_days(units["at"], grid.zone)) >= 0]
    rows, keys = context.tables[kpi.tables[0]], {}
    for name in by:
        if name in DIMENSIONS:
            keys[name] = dimension(units, name, kpi, rows, grid.zone).to_numpy()
        else:
            owner = units[kpi.scope]
            keys[name] = (
                owner.map(context.store.accounts["platform"]) if name == "platform" else owner
            ).to_numpy()
    table = pd.DataFrame(keys).assign(
        numerator=units["numerator"].to_numpy(), denominator=units["denominator"].to_numpy()
    )
    return table.groupby(list(by), dropna=False)[["numerator", "denominator"]].sum()


def _decomposed(parts: pd.DataFrame, facts: Facts, *, is_ratio: bool) -> pd.DataFrame:
    top, top_before = parts["numerator_now"], parts["numerator_before"]
    bottom, bottom_before = parts["denominator_now"], parts["denominator_before"]
    if not is_ratio:
        frame = pd.DataFrame({"before": top_before, "now": top, "change": top - top_before})
    else:
        frame = _of_ratio(top, bottom, top_before, bottom_before)
    total = frame["change"].sum()
    frame["share"] = frame["change"] / total if total else np.nan
    frame = frame.sort_values("change", key=np.abs, ascending=False, kind="stable")
    frame.attrs["unit"], frame.attrs["change"] = str(facts.kpi.unit), float(total)
    return frame


def _of_ratio(top: Any, bottom: Any, top_before: Any, bottom_before: Any) -> pd.DataFrame:
    whole, whole_before = bottom.sum(), bottom_before.sum()
    rate, rate_before = top / bottom.where(bottom != 0), top_before / bottom_before.where(bottom_before != 0)
    # a part that is there on one side only changes the mix, not its rate
    full, full_before = rate.fillna(rate_before).fillna(0.0), rate_before.fillna(rate).fillna(0.0)
    weight, weight_before = bottom / whole, bottom_before / whole_before
    middle = (top.sum() / whole + top_before.sum() / whole_before) / 2
    of_rate = (full - full_before) * (weight + weight_before) / 2
    of_mix = (weight - weight_before) * ((full + full_before) / 2 - middle)
    columns = {"before": rate_before, "now": rate, "weight_before": weight_before, "weight": weight}
    return pd.DataFrame({**columns, "rate": of_rate, "mix": of_mix, "change": of_rate + of_mix})
