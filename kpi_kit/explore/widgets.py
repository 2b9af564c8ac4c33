"""The controls of an explorer: a list, and a slider for a target."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeAlias

from kpi_kit.core.model import Unit
from kpi_kit.explore.card import Record
from kpi_kit.report.wording import Words

TrialTarget: TypeAlias = float | tuple[float, float] | None
"""A trial target: a bound, a band, or none."""

_WIDE = "560px"
_STYLE = {"description_width": "150px"}
_STOPS = 100
"""The approximate number of steps of a slider."""


@dataclass(frozen=True)
class Choice:
    """What the panels show.

    Parameters
    ----------
    specialist, period : str
    kpi : str
        The key of an entry.
    bucket : str
        The period or week whose units are shown.
    other : str
        The period to compare with.
    wish : float, (float, float) or None
        The trial target; None where the entry has no target.
    """

    specialist: str
    period: str
    kpi: str
    bucket: str
    other: str
    wish: TrialTarget


class View(Protocol):
    """What controls use of an explorer."""

    chosen: Choice

    @property
    def words(self) -> Words:
        """The words of the agency's language."""

    def turn(self, **changed: Any) -> None:
        """Change the choice."""


class Control(Protocol):
    """A widget that shows and changes one part of the choice."""

    def built(self, view: View) -> Any:
        """Make the widget for an explorer."""

    def refresh(self, chosen: Choice) -> None:
        """Show the choice; this does not count as a change by the user."""


class Dropdown:
    """A list to choose from.

    Parameters
    ----------
    label : str
        The key of its text.
    part : str
        The field of the choice that it changes.
    options : callable
        The current options: pairs of a name and a value.
    """

    def __init__(self, label: str, part: str, options: Callable[[], list[tuple[str, str]]]) -> None:
        self._label = label
        self._part = part
        self._options = options
        self._following = _Following()

    def built(self, view: View) -> Any:
        """Make the widget for an explorer."""
        import ipywidgets

        self._list = ipywidgets.Dropdown(
            description=view.words.text(self._label), style=_STYLE, layout=ipywidgets.Layout(width=_WIDE)
        )
        self.refresh(view.chosen)
        self._list.observe(self._following.unless(lambda value: view.turn(**{self._part: value})), "value")
        return self._list

    def refresh(self, chosen: Choice) -> None:
        """Show the choice; this does not count as a change by the user."""
        with self._following.on():
            options = tuple(self._options())
            if tuple(self._list.options) != options:
                self._list.options = options
            self._list.value = getattr(chosen, self._part)


class Slider:
    """A slider for the target of an entry, with two handles where the target is a band.

    Parameters
    ----------
    label : str
        The key of its text.
    record : callable
        The chosen entry.
    """

    def __init__(self, label: str, record: Callable[[], Record]) -> None:
        self._label = label
        self._record = record
        self._following = _Following()

    def built(self, view: View) -> Any:
        """Make the widget for an explorer."""
        import ipywidgets

        self._view = view
        self._of: Record | None = None
        self._box = ipywidgets.VBox()
        self.refresh(view.chosen)
        return self._box

    def refresh(self, chosen: Choice) -> None:
        """Show the choice; another entry gets a new slider."""
        if chosen.wish is None:
            self._of, self._box.children = None, ()
        elif self._of is not self._record():
            self._of = self._record()
            self._box.children = (self._slider(self._of, chosen.wish),)
        else:
            with self._following.on():
                self._box.children[0].value = chosen.wish

    def _slider(self, record: Record, wish: TrialTarget) -> Any:
        import ipywidgets

        span = span_of(record)
        kind = ipywidgets.FloatRangeSlider if isinstance(wish, tuple) else ipywidgets.FloatSlider
        slider = kind(
            value=wish,
            min=span.low,
            max=span.high,
            step=span.step,
            readout_format=span.number_format,
            description=self._view.words.text(self._label),
            continuous_update=False,
            style=_STYLE,
            layout=ipywidgets.Layout(width=_WIDE),
        )
        slider.observe(self._following.unless(lambda value: self._view.turn(wish=_plain(value))), "value")
        return slider


class Span(NamedTuple):
    """The ends of a slider, its step and its number format."""

    low: float
    high: float
    step: float
    number_format: str


def span_of(record: Record) -> Span:
    """The span of a slider: a half more than facts and targets, in round steps."""
    steps = record.history
    bounds = [bound for target in steps["target"].dropna() for bound in _bounds(target)]
    values = [*map(float, steps["value"].dropna()), *bounds]
    low, high = min(0.0, 1.5 * min(values)), max(1.5 * max(values), 1e-6)
    is_share = record.data["unit"] == Unit.SHARE
    if is_share and record.kpi.bounded and record.entry.as_ == "value":
        high = min(high, 1.0)
    step = _round_step((high - low) / _STOPS)
    number_format = ".1%" if is_share else ",.0f" if step >= 1 else ".2f"
    return Span(math.floor(low / step) * step, math.ceil(round(high / step, 6)) * step, step, number_format)


def first_trial(record: Record) -> TrialTarget:
    """The first value of a slider: the target of the period."""
    return None if record.target is None else _plain(record.target["value"])


def _plain(value: Any) -> TrialTarget:
    """A target rounded to six digits."""
    if isinstance(value, list | tuple):
        return float(f"{value[0]:.6g}"), float(f"{value[1]:.6g}")
    return float(f"{value:.6g}")


def _bounds(target: Any) -> list[float]:
    return [float(bound) for bound in target] if isinstance(target, list) else [float(target)]


def _round_step(rough: float) -> float:
    """The largest 1, 2 or 5 times a power of ten up to a rough step."""
    power = 10.0 ** math.floor(math.log10(rough))
    return float(f"{max(times * power for times in (1, 2, 5) if times * power <= rough * 1.000001):.6g}")


class _Following:
    """Tells changes by code from changes by the user."""

    def __init__(self) -> None:
        self._holds = False

    @contextmanager
    def on(self) -> Iterator[None]:
        self._holds = True
        try:
            yield
        finally:
            self._holds = False

    def unless(self, turn: Callable[[Any], None]) -> Callable[[Any], None]:
        def observer(change: Any) -> None:
            if not self._holds:
                turn(change["new"])

        return observer
