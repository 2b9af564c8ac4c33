"""What a person turns: a list to choose from, and a slider for a target."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

from kpi_kit.core.model import Unit
from kpi_kit.explore.card import Record

if TYPE_CHECKING:
    from kpi_kit.explore.explorer import Choice, Explorer

Wish: TypeAlias = float | tuple[float, float] | None
"""A target that is tried: a bound, a band, or none."""

_WIDE = "560px"
_STYLE = {"description_width": "150px"}
_STOPS = 100
"""How many stops a slider has, about."""


class Turned(Protocol):
    """A widget that changes one part of the choice, and follows it."""

    def built(self, view: Explorer) -> Any:
        """Make the widget for an explorer."""

    def refresh(self, chosen: Choice) -> None:
        """Follow the choice, which is no turn of its own."""


class Dropdown:
    """A list.

    Parameters
    ----------
    label : str
        The key of its words.
    part : str
        The part of the choice that it turns.
    options : callable
        What can be chosen now: pairs of a name and a value.
    """

    def __init__(self, label: str, part: str, options: Callable[[], list[tuple[str, str]]]) -> None:
        self._label = label
        self._part = part
        self._options = options
        self._following = _Following()

    def built(self, view: Explorer) -> Any:
        """Make the widget for an explorer."""
        import ipywidgets

        self._list = ipywidgets.Dropdown(
            description=view.words.text(self._label), style=_STYLE, layout=ipywidgets.Layout(width=_WIDE)
        )
        self.refresh(view.chosen)
        self._list.observe(self._following.unless(lambda value: view.turn(**{self._part: value})), "value")
        return self._list

    def refresh(self, chosen: Choice) -> None:
        """Follow the choice, which is no turn of its own."""
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
        The key of its words.
    record : callable
        The entry that is looked at now.
    """

    def __init__(self, label: str, record: Callable[[], Record]) -> None:
        self._label = label
        self._record = record
        self._following = _Following()

    def built(self, view: Explorer) -> Any:
        """Make the widget for an explorer."""
        import ipywidgets

        self._view = view
        self._of: Record | None = None
        self._box = ipywidgets.VBox()
        self.refresh(view.chosen)
        return self._box

    def refresh(self, chosen: Choice) -> None:
        """Follow the choice; another entry gets a slider of its own."""
        if chosen.wish is None:
            self._of, self._box.children = None, ()
        elif self._of is not self._record():
            self._of = self._record()
            self._box.children = (self._made(self._of, chosen.wish),)
        else:
            with self._following.on():
                self._box.children[0].value = chosen.wish

    def _made(self, record: Record, wish: Wish) -> Any:
        import ipywidgets

        span = span_of(record)
        kind = ipywidgets.FloatRangeSlider if isinstance(wish, tuple) else ipywidgets.FloatSlider
        made = kind(
            value=wish,
            min=span.low,
            max=span.high,
            step=span.step,
            readout_format=span.written,
            description=self._view.words.text(self._label),
            continuous_update=False,
            style=_STYLE,
            layout=ipywidgets.Layout(width=_WIDE),
        )
        made.observe(self._following.unless(lambda value: self._view.turn(wish=_plain(value))), "value")
        return made


class Span(NamedTuple):
    """Where a slider goes from and to, its step, and how it writes a number."""

    low: float
    high: float
    step: float
    written: str


def span_of(record: Record) -> Span:
    """What a slider has to reach: a half more than facts and targets have, in round steps."""
    steps = record.history
    bounds = [bound for target in steps["target"].dropna() for bound in _bounds(target)]
    known = [*map(float, steps["value"].dropna()), *bounds]
    low, high = min(0.0, 1.5 * min(known)), max(1.5 * max(known), 1e-6)
    is_share = record.data["unit"] == Unit.SHARE
    if is_share and record.kpi.bounded and record.entry.as_ == "value":
        high = min(high, 1.0)
    step = _round_step((high - low) / _STOPS)
    written = ".1%" if is_share else ",.0f" if step >= 1 else ".2f"
    return Span(math.floor(low / step) * step, math.ceil(round(high / step, 6)) * step, step, written)


def wish_of(record: Record) -> Wish:
    """Where a slider begins: the target of the period."""
    return None if record.target is None else _plain(record.target["value"])


def _plain(value: Any) -> Wish:
    """A target without the dust of binary fractions."""
    if isinstance(value, list | tuple):
        return float(f"{value[0]:.6g}"), float(f"{value[1]:.6g}")
    return float(f"{value:.6g}")


def _bounds(target: Any) -> list[float]:
    return [float(bound) for bound in target] if isinstance(target, list) else [float(target)]


def _round_step(rough: float) -> float:
    """The largest of 1, 2 and 5 times a power of ten that is not over a rough step."""
    power = 10.0 ** math.floor(math.log10(rough))
    return float(f"{max(times * power for times in (1, 2, 5) if times * power <= rough * 1.000001):.6g}")


class _Following:
    """Whether a widget is being set by the choice, and so has not been turned by a person."""

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
        def turned(change: Any) -> None:
            if not self._holds:
                turn(change["new"])

        return turned
