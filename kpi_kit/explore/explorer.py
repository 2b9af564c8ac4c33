"""Widgets for an agency in JupyterLab, each beside the one-line call that it stands for.

Where nobody can turn them (a notebook that papermill, nbclient or Quarto runs, an environment without
ipywidgets) they show nothing but that line: the calls in the notebook show the rest.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from kpi_kit.core.errors import InputError, KitError, did_you_mean
from kpi_kit.explore.card import Card, Record
from kpi_kit.explore.page import page
from kpi_kit.explore.widgets import Dropdown, Slider, Turned, Wish, wish_of
from kpi_kit.report import parts
from kpi_kit.report.wording import Words, words

if TYPE_CHECKING:
    from kpi_kit.explore import Agency

FRONTENDS = ("JPY_SESSION_NAME", "VSCODE_PID")
"""Environment variables of kernels that a person's page has started."""

_OUTPUT = "jp-RenderedHTMLCommon jp-RenderedHTML"


def is_live(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether a person can turn widgets: a page has started this kernel, and ipywidgets is there.

    Examples
    --------
    >>> is_live({}), is_live({"JPY_SESSION_NAME": "explore.ipynb"})
    (False, True)
    """
    found = importlib.util.find_spec("ipywidgets")
    return found is not None and any(name in environment for name in FRONTENDS)


@dataclass(frozen=True)
class Choice:
    """What is looked at.

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
        The target that is tried; None where there is none to try.
    """

    specialist: str
    period: str
    kpi: str
    bucket: str
    other: str
    wish: Wish


class Explorer:
    """A choice, and the panels that show it: change one, and all follow.

    In a cell it shows the scorecard; ``figure()``, ``breakdown()``, ``units()``, ``compare()`` and
    ``target()`` show the rest.

    Parameters
    ----------
    agency : Agency
    specialist, period : str
    live : bool
        Whether widgets can be turned.
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

    # ---------------------------------------------------------------- what is chosen

    @property
    def card(self) -> Card:
        """The scorecard that is looked at."""
        return self.agency.score(self.chosen.specialist, self.chosen.period)

    @property
    def record(self) -> Record:
        """The entry that is looked at."""
        return self.card[self.chosen.kpi]

    @property
    def words(self) -> Words:
        """The words of the agency's language."""
        department = self.agency.params.department
        return words(department.language, department.currency)

    def choose(self, **changed: Any) -> None:
        """Look at something else: ``choose(specialist="ivan-kuznetsov")``.

        Raises
        ------
        KitError
            Where there is no such thing.
        """
        names = Choice.__dataclass_fields__
        for name in changed:
            if name not in names:
                raise InputError(f"there is no {name!r} to choose{did_you_mean(name, names)}")
        self.chosen = self._settled(replace(self.chosen, **changed), changed)
        for panel in self._panels:
            panel.refresh()

    def turn(self, **changed: Any) -> None:
        """Choose by a widget: what cannot be shown is said in its place."""
        try:
            self.choose(**changed)
        except KitError as fault:
            for panel in self._panels:
                panel.say(fault)

    def _settled(self, asked: Choice, given: Collection[str]) -> Choice:
        """A choice that can be shown: what does not fit to what was given is set anew."""
        card = self.agency.score(asked.specialist, asked.period)
        kpi = asked.kpi if asked.kpi in card or "kpi" in given else card.keys()[0]
        record = card[kpi]
        bucket = asked.bucket if asked.bucket in record.buckets or "bucket" in given else asked.period
        other = asked.other if asked.other != asked.period and asked.other else str(card.period.previous)
        anew = not given or {"specialist", "period", "kpi"} & set(given)
        wish = wish_of(record) if anew else asked.wish
        return Choice(asked.specialist, asked.period, kpi, bucket, other, wish)

    # ---------------------------------------------------------------- panels

    def figure(self) -> Panel:
        """The figure of an entry."""
        return self._panel(lambda: (self._record, self.record), Dropdown("explore.kpi", "kpi", self._entries))

    def breakdown(self) -> Panel:
        """Every entry by account and brand."""
        return self._panel(lambda: (f"{self._score}.breakdown()", self.card.breakdown()))

    def units(self) -> Panel:
        """The rows of the data behind the number of a period or week."""
        return self._panel(self._rows, Dropdown("explore.bucket", "bucket", self._buckets))

    def compare(self) -> Panel:
        """Two periods side by side."""
        return self._panel(self._compared, Dropdown("explore.other", "other", self._others))

    def target(self) -> Panel:
        """The entry under a target that is tried."""
        return self._panel(self._tried, Slider("explore.target", lambda: self.record))

    def _panel(self, answer: Callable[[], tuple[str, Any]], *turned: Turned) -> Panel:
        panel = Panel(self, answer, turned)
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

    # ---------------------------------------------------------------- what there is to choose

    def _people(self) -> list[tuple[str, str]]:
        return [(person.name, name) for name, person in self.agency.params.specialists.items()]

    def _months(self) -> list[str]:
        return list(dict.fromkeys([self.chosen.period, *self.agency.periods]))

    def _periods(self) -> list[tuple[str, str]]:
        return [(self.words.period(name), name) for name in self._months()]

    def _others(self) -> list[tuple[str, str]]:
        found = dict.fromkeys([self.chosen.other, *self._months()])
        return [(self.words.period(name), name) for name in found if name != self.chosen.period]

    def _buckets(self) -> list[tuple[str, str]]:
        return [(self.words.period(name), name) for name in self.record.buckets]

    def _entries(self) -> list[tuple[str, str]]:
        return [(self.card[key].name, key) for key in self.card]


class Panel:
    """Widgets, the one-line call that they stand for, and what it answers.

    Parameters
    ----------
    view : Explorer
    answer : callable
        The call as text, and its result.
    turned : tuple of Turned
    """

    def __init__(
        self, view: Explorer, answer: Callable[[], tuple[str, Any]], turned: tuple[Turned, ...]
    ) -> None:
        self._view = view
        self._answer = answer
        self._turned = turned
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
            return {"text/plain": self.code}
        if self._box is None:
            self._box = self._built()
        bundle: dict[str, str] = self._box._repr_mimebundle_(include=include, exclude=exclude)
        return bundle

    def html(self) -> str:
        """The call and its answer."""
        say = self._view.words
        try:
            code, found = self._answer()
        except KitError as fault:
            return _problems(fault, say)
        same = page(say, parts.paragraph(say.text("explore.same")), parts.tag("code", code), styled=False)
        shown = str(found._repr_html_())
        # a frame brings no style of its own: Jupyter's is that of its outputs
        return same + (shown if "kpi-report" in shown else f'<div class="{_OUTPUT}">{shown}</div>')

    def refresh(self) -> None:
        """Show what is chosen now."""
        if self._box is not None:
            for turned in self._turned:
                turned.refresh(self._view.chosen)
            self._shown.value = self.html()

    def say(self, fault: KitError) -> None:
        """Say what is wrong, in place of an answer."""
        if self._box is not None:
            self._shown.value = _problems(fault, self._view.words)

    def _built(self) -> Any:
        import ipywidgets

        self._shown = ipywidgets.HTML(self.html())
        controls = [turned.built(self._view) for turned in self._turned]
        return ipywidgets.VBox([*controls, self._shown])


def _problems(fault: KitError, say: Words) -> str:
    return page(say, parts.items(fault.problems), styled=False)
