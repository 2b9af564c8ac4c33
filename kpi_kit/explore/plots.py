"""Plots with matplotlib, for an analyst to go on with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd

from kpi_kit.core.errors import InputError, did_you_mean
from kpi_kit.core.phrases import Phrase
from kpi_kit.scorecard.entry_record import EntryRecord

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_KINDS = ("history", "weeks")
_FACT, _TARGET = "#1b5a96", "#a34a00"


class Drawable(Protocol):
    """What a plot uses of an entry."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def target_text(self) -> str:
        """Its target."""

    @property
    def data(self) -> EntryRecord:
        """Its record."""

    @property
    def history(self) -> pd.DataFrame:
        """Its periods."""

    @property
    def weeks(self) -> pd.DataFrame:
        """Its weeks."""


def drawn(record: Drawable, ax: Axes | None, kind: str) -> Axes:
    """The periods of an entry against its targets, or its weeks.

    Raises
    ------
    InputError
        Where there is no such kind.
    """
    if kind not in _KINDS:
        raise InputError(Phrase("explore.no_kind", name=kind, hint=did_you_mean(kind, _KINDS)))
    steps: Any = record.history if kind == "history" else record.weeks
    axes = _new_axes() if ax is None else ax
    places = np.arange(len(steps))
    axes.plot(
        places, steps["value"].astype("float64"), marker="o", markersize=4, color=_FACT, label=record.name
    )
    if kind == "history":
        low, high = (np.array([_bound(target, side) for target in steps["target"]]) for side in (0, -1))
        axes.step(places, low, where="mid", linestyle="--", color=_TARGET, label=record.target_text)
        if not np.array_equal(low, high, equal_nan=True):
            axes.step(places, high, where="mid", linestyle="--", color=_TARGET)
        axes.legend(frameon=False)
    _finish(axes, list(map(str, steps.index)), str(record.data["unit"]), record.name)
    return axes


def plotted(frame: pd.DataFrame, names: Sequence[str], ax: Axes | None, name: str) -> Axes:
    """Measurements of a tidy frame of one KPI as lines, one a group of ``names``."""
    axes = _new_axes() if ax is None else ax
    periods = sorted(frame["period"].unique())
    places = {period: place for place, period in enumerate(periods)}
    groups = frame.groupby(list(names), sort=False, dropna=False) if names else [((), frame)]
    for key, rows in groups:
        label = " · ".join(map(str, key)) or name
        axes.plot(rows["period"].map(places), rows["value"], marker="o", markersize=4, label=label)
    if names:
        axes.legend(frameon=False)
    unit = frame["unit"].iloc[0] if len(frame) else ""
    _finish(axes, list(map(str, periods)), str(unit), name)
    return axes


def _bound(target: Any, side: int) -> float:
    if isinstance(target, list | tuple):
        return float(target[side])
    return np.nan if target is None else float(target)


def _finish(axes: Axes, labels: list[str], unit: str, title: str) -> None:
    from matplotlib.ticker import PercentFormatter

    step = max(1, round(len(labels) / 8))
    axes.set_xticks(range(0, len(labels), step), labels[::step])
    axes.set_title(title)
    if unit == "share":
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=None))
    else:
        axes.set_ylabel(unit)
    axes.spines[["top", "right"]].set_visible(False)


def _new_axes() -> Axes:
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=(8, 3.5))[1]
