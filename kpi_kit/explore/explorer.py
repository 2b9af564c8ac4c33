"""Widgets for an agency in JupyterLab, each with the equivalent one-line call.

Without a user (a notebook that papermill, nbclient or Quarto runs) or without ipywidgets they show the result
for the first choice.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kpi_kit.core.errors import InputError, KitError, did_you_mean
from kpi_kit.core.phrases import Phrase
from kpi_kit.explore.card import Card, Record
from kpi_kit.explore.page import page
from kpi_kit.explore.widgets import Choice, Control, Dropdown, Slider, first_trial
from kpi_kit.report import parts
from kpi_kit.report.wording import Words, words

if TYPE_CHECKING:
    from kpi_kit.explore import Agency

FRONTENDS = ("JPY_SESSION_NAME", "VSCODE_PID")
"""Environment variables of kernels that a browser page or an editor has started."""

_OUTPUT = "jp-RenderedHTMLCommon jp-RenderedHTML"


def is_live(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether widgets can be used: a page has started this kernel, and ipywidgets is installed.

    Examples
    --------
    >>> is_live({}), is_live({"JPY_SESSION_NAME": "explore.ipynb"})
    (False, True)
    """
    return importlib.util.find_spec("ipywidgets") is not None and any(
        name in environment for name in FRONTENDS
    )


class Explorer:
    """A choice, and the panels that show it.

    In a cell it shows the scorecard; ``figure()``, ``breakdown()``, ``units()``, ``compare()`` and
    ``target()`` show the rest.

    Parameters
    ----------
    agency : Agency
    specialist, period : str
    live : bool
        Whether widgets are shown.
    """

    def __init__(self, agency: Agency, specialist: str, period: str, *, live: bool) -> None:
        self.agency = agency
        self.live = live
        self._panels: list[Panel] = []
        self.chosen = self._settled(Choice(specialist, period, "", "", "", None), ())
        self._scorecard = self._panel(
            lambda: (self._score, self.card),
            Dropdown("explore.specialist", "specialist", self._people),
            Dropdown("explore.period", "period", self._periods),
        )

    def __repr__(self) -> str:
        return repr(self._scorecard)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return self._scorecard._repr_mimebundle_(include, exclude)

    # ---------------------------------------------------------------- choice

    @property
    def card(self) -> Card:
        """The chosen scorecard."""
        return self.agency.score(self.chosen.specialist, self.chosen.period)

    @property
    def record(self) -> Record:
        """The chosen entry."""
        return self.card[self.chosen.kpi]

    @property
    def words(self) -> Words:
        """The words of the agency's language."""
        department = self.agency.params.department
        return words(department.language, department.currency)

    def choose(self, **changed: Any) -> None:
        """Change the choice: ``choose(specialist="ivan-kuznetsov")``.

        Raises
        ------
        KitError
            Where there is no such specialist, period, entry or bucket.
        """
        names = Choice.__dataclass_fields__
        for name in changed:
            if name not in names:
                raise InputError(Phrase("explore.no_choice", name=name, hint=did_you_mean(name, names)))
        self.chosen = self._settled(replace(self.chosen, **changed), changed)
        for panel in self._panels:
            panel.refresh()

    def turn(self, **changed: Any) -> None:
        """Change the choice by a widget; a fault is shown in the panels."""
        try:
            self.choose(**changed)
        except KitError as fault:
            for panel in self._panels:
                panel.say(fault)

    def _settled(self, choice: Choice, changed: Collection[str]) -> Choice:
        """A valid choice: fields that do not fit to the changed ones get defaults."""
        card = self.agency.score(choice.specialist, choice.period)
        kpi = choice.kpi if choice.kpi in card or "kpi" in changed else card.keys()[0]
        record = card[kpi]
        bucket = choice.bucket if choice.bucket in record.buckets or "bucket" in changed else choice.period
        other = choice.other if choice.other != choice.period and choice.other else str(card.period.previous)
        is_new = not changed or {"specialist", "period", "kpi"} & set(changed)
        wish = first_trial(record) if is_new else choice.wish
        return Choice(choice.specialist, choice.period, kpi, bucket, other, wish)

    # ---------------------------------------------------------------- panels

    def figure(self) -> Panel:
        """The figure of an entry."""
        return self._panel(lambda: (self._record, self.record), Dropdown("explore.kpi", "kpi", self._entries))

    def breakdown(self) -> Panel:
        """Every entry by account and brand."""
        return self._panel(lambda: (f"{self._score}.breakdown()", self.card.breakdown()))

    def units(self) -> Panel:
        """The rows of the data behind the value of a period or week."""
        return self._panel(self._rows, Dropdown("explore.bucket", "bucket", self._buckets))

    def compare(self) -> Panel:
        """Two periods side by side."""
        return self._panel(self._compared, Dropdown("explore.other", "other", self._others))

    def target(self) -> Panel:
        """The entry under a trial target."""
        return self._panel(self._tried, Slider("explore.target", lambda: self.record))

    def _panel(self, answer: Callable[[], tuple[str, Any]], *controls: Control) -> Panel:
        panel = Panel(self, answer, controls)
        self._panels.append(panel)
        return panel

    def _rows(self) -> tuple[str, Any]:
        bucket = self.chosen.bucket
        return f'{self._record}.rows_in("{bucket}")', self.record.rows_in(bucket)

    def _compared(self) -> tuple[str, Any]:
        who, periods = self.chosen.specialist, sorted([self.chosen.other, self.chosen.period])
        shown = ", ".join(f'"{name}"' for name in (who, *periods))
        return f"agency.compare({shown})", self.agency.compare(who, *periods)

    def _tried(self) -> tuple[str, Any]:
        if self.record.target is None or self.chosen.wish is None:
            return self._record, self.record
        kind, wish = self.record.target["kind"], self.chosen.wish
        return f"{self._record}.what_if({kind}={wish})", self.record.what_if(**{kind: wish})

    @property
    def _score(self) -> str:
        return f'agency.score("{self.chosen.specialist}", "{self.chosen.period}")'

    @property
    def _record(self) -> str:
        return f'{self._score}["{self.chosen.kpi}"]'

    # ---------------------------------------------------------------- options

    def _people(self) -> list[tuple[str, str]]:
        return [(person.name, name) for name, person in self.agency.params.specialists.items()]

    def _months(self) -> list[str]:
        return list(dict.fromkeys([self.chosen.period, *self.agency.periods]))

    def _periods(self) -> list[tuple[str, str]]:
        return [(self.words.period(name), name) for name in self._months()]

    def _others(self) -> list[tuple[str, str]]:
        names = dict.fromkeys([self.chosen.other, *self._months()])
        return [(self.words.period(name), name) for name in names if name != self.chosen.period]

    def _buckets(self) -> list[tuple[str, str]]:
        return [(self.words.period(name), name) for name in self.record.buckets]

    def _entries(self) -> list[tuple[str, str]]:
        return [(self.card[key].name, key) for key in self.card]


class Panel:
    """Controls, the equivalent one-line call, and its result.

    Parameters
    ----------
    view : Explorer
    answer : callable
        The call as text, and its result.
    controls : tuple of Control
    """

    def __init__(
        self, view: Explorer, answer: Callable[[], tuple[str, Any]], controls: tuple[Control, ...]
    ) -> None:
        self._view = view
        self._answer = answer
        self._controls = controls
        self._box: Any = None
        self._shown: Any = None

    @property
    def code(self) -> str:
        """The one-line call."""
        return self._answer()[0]

    def __repr__(self) -> str:
        return self.code

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        if not self._view.live:
            return {"text/plain": self.code, "text/html": self.html()}
        if self._box is None:
            self._box = self._built()
        bundle: dict[str, str] = self._box._repr_mimebundle_(include=include, exclude=exclude)
        return bundle

    def html(self) -> str:
        """The result, and the call folded away below it."""
        say = self._view.words
        try:
            code, result = self._answer()
        except KitError as fault:
            return _problems(fault, say)
        same = page(say, parts.details(say.text("explore.same"), parts.tag("code", code)), styled=False)
        shown = str(result._repr_html_())
        # a DataFrame has no style of its own, so it gets that of Jupyter's outputs
        return (shown if "kpi-report" in shown else f'<div class="{_OUTPUT}">{shown}</div>') + same

    def refresh(self) -> None:
        """Show the current choice."""
        if self._box is not None:
            for control in self._controls:
                control.refresh(self._view.chosen)
            self._shown.value = self.html()

    def say(self, fault: KitError) -> None:
        """Show a fault in place of the result."""
        if self._box is not None:
            self._shown.value = _problems(fault, self._view.words)

    def _built(self) -> Any:
        import ipywidgets

        self._shown = ipywidgets.HTML(self.html())
        widgets = [control.built(self._view) for control in self._controls]
        return ipywidgets.VBox([*widgets, self._shown])


def _problems(fault: KitError, say: Words) -> str:
    return page(say, parts.items(fault.problems), styled=False)
