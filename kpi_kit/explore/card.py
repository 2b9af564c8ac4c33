"""The scorecard of a person and a period, and its entries, as objects to look into."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import pandas as pd

from kpi_kit import report
from kpi_kit.core.errors import InputError, did_you_mean
from kpi_kit.core.model import Kpi
from kpi_kit.core.periods import Period
from kpi_kit.core.phrases import Phrase
from kpi_kit.explore.explained import explained
from kpi_kit.explore.frames import anomalies, bonus, entries
from kpi_kit.explore.keys import keys_of
from kpi_kit.explore.page import Shown, page
from kpi_kit.explore.plots import drawn
from kpi_kit.explore.text import printed
from kpi_kit.explore.trial import FromRecord, Measured, same_data, trial_record
from kpi_kit.explore.trial_target import with_target
from kpi_kit.explore.units import units_in
from kpi_kit.explore.when import When, period_of
from kpi_kit.params import Entry, Params, Specialist
from kpi_kit.params.targets import Kind, Target
from kpi_kit.report import parts
from kpi_kit.report.wording import Words, verdicts, words
from kpi_kit.scorecard import build
from kpi_kit.scorecard.attainment import Outcome, outcome, target_in, target_of
from kpi_kit.scorecard.cohort import Cohort
from kpi_kit.scorecard.context import Context
from kpi_kit.scorecard.entry_facts import Facts
from kpi_kit.scorecard.entry_record import EntryRecord, HistoryPoint, TargetRecord
from kpi_kit.scorecard.record import Scorecard

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kpi_kit.report import SpecialistReport

_OUTCOMES = ("attained", "attainment", "payout")


class Card(Mapping[str, "Record"]):
    """A scorecard: a mapping of its entries, shown as a table.

    Two cards are equal where their records are; a card can be pickled.

    Parameters
    ----------
    case : Context
    cohort : Cohort
    base : Card, optional
        The scorecard of which this one has another target.
    number : int, optional
        The place of the entry with the other target, counted from 0.

    Examples
    --------
    >>> card = agency.score("anna-petrova", "2025-10")
    >>> card.keys()[:3]
    ['subscriber_gain', 'subscribers', 'churn_rate']
    >>> card["chrun_rate"]
    Traceback (most recent call last):
    kpi_kit.core.errors.InputError: anna-petrova 2025-10 has no entry 'chrun_rate'; did you mean churn_rate?
    """

    def __init__(
        self, case: Context, cohort: Cohort, base: Card | None = None, number: int | None = None
    ) -> None:
        self.case = case
        self.cohort = cohort
        self._base = base
        self._number = number
        self._measured: dict[int, Measured] = {}
        self.is_stale: Callable[[], bool] = _never
        """Whether data or params have changed since the card was computed."""
        if base is None:
            _ = self.data  # now, while the data are open

    @cached_property
    def data(self) -> Scorecard:
        """The record: what the scorecard JSON of a report says."""
        if self._base is None or self._number is None:
            return build.scorecard(self.case, self.cohort)
        measured = self._base.measured(self._number)
        return trial_record(self._base.data, self.case, self._number, self.cohort, measured)

    def measured(self, number: int) -> Measured:
        """The facts and statistics of an entry, counted from 0; computed once."""
        if self._base is not None and number != self._number:
            return self._base.measured(number)
        if number not in self._measured:
            self._measured[number] = Measured(self.case, number)
        return self._measured[number]

    def facts(self, number: int) -> Facts:
        """The facts of an entry, counted from 0."""
        if self._base is None:
            return self.measured(number).facts
        facts = Facts(self.case, self.case.person.kpis[number])
        first = self._base.facts(number)
        facts.__dict__.update(first.__dict__ | {"context": self.case, "entry": facts.entry})
        return facts

    def __repr__(self) -> str:
        note = self.words.text("explore.stale") + "\n" if self.is_stale() else ""
        return note + printed(self.data)

    def _repr_html_(self) -> str:
        note = parts.paragraph(self.words.text("explore.stale"), "k-note") if self.is_stale() else None
        return page(self.words, note, parts.scorecard(self.data, self.words))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Card) and self.data == other.data

    def __hash__(self) -> int:
        return hash((self.specialist, str(self.period), self.data["as_of"], self.total))

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickled, (self.data, self.case.person, self.case.params)

    @cached_property
    def _records(self) -> dict[str, Record]:
        keys = keys_of(self.case.person.kpis)
        return {key: Record(self, key, number) for number, key in enumerate(keys)}

    def __getitem__(self, key: str) -> Record:
        if key not in self._records:
            hint = did_you_mean(key, self._records)
            raise InputError(
                Phrase("explore.no_entry_in", name=self.specialist, period=self.period, key=key, hint=hint)
            )
        return self._records[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._records)

    def __len__(self) -> int:
        return len(self._records)

    def __contains__(self, key: object) -> bool:
        return key in self._records

    def get(self, key: str, default: Any = None) -> Any:
        """The entry of a key; the default where there is none."""
        return self._records.get(key, default)

    def keys(self) -> list[str]:  # type: ignore[override]  # a list is shown in a notebook
        """The keys of the entries: their KPIs, with more words where entries share one."""
        return list(self._records)

    def _ipython_key_completions_(self) -> list[str]:
        return self.keys()

    @property
    def specialist(self) -> str:
        """The id of the person."""
        return self.case.person.id

    @property
    def period(self) -> Period:
        """The period."""
        return self.case.period

    @property
    def total(self) -> float | None:
        """The weighted payout; None where there is none."""
        if self._base is None or "data" in self.__dict__:
            return self.data["total"]
        curve = self.case.department.scoring.curve()
        scored = [record for record in self._records.values() if record.target is not None]
        return curve.total((float(record.entry.weight), record.payout) for record in scored)

    @property
    def words(self) -> Words:
        """The words of the report's language."""
        return words(self.data["language"], self.data["currency"])

    @property
    def frame(self) -> pd.DataFrame:
        """One row an entry: name, value, target, attained, attainment, payout, weight, chance."""
        shown = {key: (record.name, record.target_text, record.data) for key, record in self._records.items()}
        return entries(shown)

    @property
    def report(self) -> SpecialistReport:
        """Every section of the person's report: ``card.report.posts()``."""
        return report.SpecialistReport(self.data)

    @property
    def anomalies(self) -> pd.DataFrame:
        """The unusual days of the period, with the events of these days."""
        return anomalies(self.data)

    @property
    def bonus(self) -> pd.DataFrame:
        """The bonus by calendar month: sales, share, earned, refunds, amount."""
        return bonus(self.data)

    def plot(self) -> Shown:
        """The figure of every entry."""
        return Shown(self.words, self.report.figures())

    def breakdown(self) -> Shown:
        """Every entry by account, and those of brands by brand."""
        return Shown(self.words, self.report.accounts())

    def what_if(self, key: str, **target: Any) -> Card:
        """The same scorecard under another target of one entry; nothing is written.

        Parameters
        ----------
        key : str
            An entry.
        **target
            As in params: ``at_least=60``, ``at_most="3%"``, ``between=(0.25, 0.6)``, ``worst=…``. Missing
            keys, such as ``worst``, are kept where the kind of target stays the same.

        Raises
        ------
        KitError
            Where params would refuse the target.

        Examples
        --------
        >>> card = agency.score("anna-petrova", "2025-10")
        >>> card.what_if("leads", at_least=30)["leads"].attained
        True
        >>> card.what_if("leads", at_lest=30)
        Traceback (most recent call last):
        kpi_kit.core.errors.InputError: leads: target.at_lest: unknown key; did you mean at_least?
        """
        number = self[key].number
        person = with_target(self.case.person, number, key, target)
        case = same_data(self.case, person)
        if self._base is not None and number != self._number:
            return Card(case, self.cohort)  # two entries with other targets
        return Card(case, self.cohort, self._base or self, number)


class Record:
    """An entry of a scorecard: its figures, and the units behind them.

    Parameters
    ----------
    card : Card
    key : str
    number : int
        Its place, counted from 0.
    """

    def __init__(self, card: Card, key: str, number: int) -> None:
        self.card = card
        self.key = key
        self.number = number

    def __repr__(self) -> str:
        return f"{self.name}: {self.message}"

    def _repr_html_(self) -> str:
        figure = self.card.report.figures([self.number + 1])
        outlook = parts.paragraph(self.outlook, "k-legend")
        return page(self.card.words, None if figure is None else figure.html, outlook)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Record) and (self.key, self.card) == (other.key, other.card)

    def __hash__(self) -> int:
        return hash((self.key, self.card))

    @property
    def data(self) -> EntryRecord:
        """The entry's record in the scorecard JSON."""
        return self.card.data["kpis"][self.number]

    @property
    def _first(self) -> Record:
        """The entry of the scorecard that was measured: facts do not depend on targets."""
        return self if self.card._base is None else self.card._base[self.key]

    @cached_property
    def scaled_target(self) -> Target | None:
        """The target of the period, scaled to the days that count."""
        if self.card._base is not None:
            return target_of(self.card.case, self.entry)[0]
        target = self.data["target"]
        if target is None:
            return None
        value = target["value"]
        bounds = (value[0], value[1]) if isinstance(value, list) else value
        return Target(Kind(target["kind"]), bounds, target["base"])

    @cached_property
    def _outcome(self) -> Outcome:
        if self.card._base is not None:
            return outcome(self.card.case, self.scaled_target, self.value)
        data = self.data
        return Outcome(data["attained"], data["attainment"], data["payout"])

    @property
    def entry(self) -> Entry:
        """The entry of the params."""
        return self.card.case.person.kpis[self.number]

    @property
    def kpi(self) -> Kpi:
        """The declaration of its KPI."""
        return self.entry.definition

    @property
    def name(self) -> str:
        """Its name in reports."""
        return parts.names(self.card.data, self.card.words)[self.number]

    @property
    def message(self) -> str:
        """The message of its figure, in one sentence."""
        return self.card.report.message(self.data)

    @property
    def outlook(self) -> str:
        """How often targets were attained so far, the chance of the next one, and the payout."""
        say, total = self.card.words, self.card.total
        attained = self.history["attained"].dropna()
        sentences = [say.plural("explore.outlook", len(attained), attained=say.number(int(attained.sum())))]
        sentences += verdicts.chance_sentences(self.data, say)
        if self.payout is not None and total is not None:
            paid = say.number(self.payout, 3)
            sentences.append(say.text("explore.payout", payout=paid, total=say.total(total)))
        return " ".join(sentences)

    @property
    def value(self) -> float | None:
        """The fact; None where it is not assessable."""
        return self._first.data["value"]

    @property
    def target(self) -> TargetRecord | None:
        """The target of the period: ``kind``, ``value``, ``base``."""
        target = self.scaled_target
        return None if target is None else cast(TargetRecord, target.as_dict())

    @property
    def target_text(self) -> str:
        """The target as a report writes it."""
        return self.card.words.target(self.data) if self.target else "—"

    @property
    def attained(self) -> bool | None:
        """Whether the target is attained."""
        return self._outcome.attained

    @property
    def attainment(self) -> float | None:
        """The attainment, before the cap."""
        return self._outcome.attainment

    @property
    def payout(self) -> float | None:
        """The payout."""
        return self._outcome.payout

    @property
    def chance(self) -> float | None:
        """The chance of the next period; None where the history is too short."""
        return self.data["chance"]

    @property
    def history(self) -> pd.DataFrame:
        """For each period: value, its target, attained, attainment, payout."""
        steps, target = self._first.data["history"], self.target
        bounds = None if target is None else target["value"]
        last = {**steps[-1], "target": bounds, **asdict(self._outcome)}
        columns = ["period", "value", "target", *_OUTCOMES]
        return pd.DataFrame([*map(self._past, steps[:-1]), last], columns=columns).set_index("period")

    def _past(self, step: HistoryPoint) -> dict[str, Any]:
        """A period of the history, with the outcome under the target of that time."""
        context = self.card.case
        target = target_in(context, self.entry, Period.parse(step["period"]))
        bounds = None if target is None else target.as_dict()["value"]
        return {**step, "target": bounds, **asdict(outcome(context, target, step["value"]))}

    @property
    def weeks(self) -> pd.DataFrame:
        """The value of each full week."""
        weeks = {step["week"]: step["value"] for step in self.data["weeks"]}
        return pd.DataFrame({"value": pd.Series(weeks, dtype="float64")}).rename_axis("week")

    @property
    def accounts(self) -> pd.DataFrame:
        """The value of each account or brand alone, with numerator and denominator."""
        rows = [*self.data["accounts"], *self.data["brands"]]
        return pd.DataFrame(rows, columns=[self.kpi.scope, "value", "numerator", "denominator"]).set_index(
            self.kpi.scope
        )

    @property
    def buckets(self) -> list[str]:
        """The periods and weeks that :meth:`units_in` accepts, the latest first."""
        periods = [step["period"] for step in self.data["history"]]
        return [*reversed(periods), *reversed([step["week"] for step in self.data["weeks"]])]

    @property
    def _facts(self) -> Facts:
        return self.card.facts(self.number)

    def explain(self, versus: When | None = None, by: str | Iterable[str] = "account") -> pd.DataFrame:
        """What the change since an earlier period is made of; the parts add up to it.

        Both periods cover the same accounts, as in the report. A sum changes by the differences of its parts.
        The change of a ratio is split into ``rate``, what the ratios of the parts did, and ``mix``, what
        their weights did. ``share`` is the part of the whole change.

        Parameters
        ----------
        versus : str or period, optional
            The earlier period; by default the one before.
        by : str or iterable of str
            ``account``, ``brand``, ``platform``, ``weekday`` (1 is Monday), ``hour``, ``day``, ``post``,
            ``source``, ``kind``, ``format``, or several of them.

        Raises
        ------
        InputError
            Where the KPI has no such parts, or one of the periods cannot be assessed.

        Examples
        --------
        >>> record = agency.score("anna-petrova", "2025-10")["leads"]
        >>> parts = record.explain("2025-09", by="account")
        >>> float(parts["change"].sum())
        17.0
        """
        earlier = self.card.period.previous if versus is None else period_of(versus)
        return explained(self._facts, earlier, by)

    @property
    def units(self) -> pd.DataFrame:
        """The unit frame of the period: one row a sampling unit, including excluded ones.

        Examples
        --------
        >>> record = agency.score("anna-petrova", "2025-10")["leads"]
        >>> len(record.units) == record.value
        True
        """
        return self.units_in(str(self.card.period))

    def units_in(self, bucket: str) -> pd.DataFrame:
        """The unit frame of another period or week within the history.

        Parameters
        ----------
        bucket : str
            ``2025-09``, ``2025-Q3``, ``2025-W41`` …

        Raises
        ------
        InputError
            Where the history does not reach there.
        """
        return units_in(self._facts, Period.parse(bucket))

    def rows_in(self, bucket: str | None = None) -> pd.DataFrame:
        """The rows of the data behind a bucket, each with its unit; by default those of the period."""
        units = self.units_in(str(self.card.period) if bucket is None else bucket)
        source = self.card.case.tables[self.kpi.tables[0]]
        return units.join(source[source.columns.difference(units.columns, sort=False)])

    def plot(self, ax: Axes | None = None, kind: str = "history") -> Axes:
        """Draw the periods against the target, or the weeks, with matplotlib.

        Parameters
        ----------
        ax : Axes, optional
            By default the axes of a new figure.
        kind : str
            ``history`` or ``weeks``.
        """
        return drawn(self, ax, kind)

    def what_if(self, **target: Any) -> Record:
        """The entry under another target, see :meth:`Card.what_if`."""
        return self.card.what_if(self.key, **target)[self.key]


def _never() -> bool:
    return False


def _unpickled(data: Scorecard, person: Specialist, params: Params) -> Card:
    """A card from its record: it has no data behind it, so it shows and compares, and measures nothing."""
    case = FromRecord(params, person, Period.parse(data["period"]), dt.datetime.fromisoformat(data["as_of"]))
    card = Card.__new__(Card)
    card.__dict__.update(case=case, cohort=Cohort(), _base=None, _number=None, _measured={}, is_stale=_never)
    card.__dict__["data"] = data
    return card
