"""The scorecard of a person and a period, and its entries, as objects to look into."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from functools import cached_property
from typing import Any

import pandas as pd

from kpi_kit.core.errors import InputError, did_you_mean
from kpi_kit.core.model import Kpi
from kpi_kit.core.periods import Period
from kpi_kit.explore.page import page
from kpi_kit.explore.text import printed
from kpi_kit.explore.trial_target import with_target
from kpi_kit.explore.units import units_in
from kpi_kit.params import Entry
from kpi_kit.report import Section, SpecialistReport, parts
from kpi_kit.report.wording import Words, verdicts, words
from kpi_kit.scorecard import build
from kpi_kit.scorecard.attainment import outcome, target_in
from kpi_kit.scorecard.cohort import Cohort
from kpi_kit.scorecard.context import Context
from kpi_kit.scorecard.entry_facts import Facts
from kpi_kit.scorecard.record import EntryRecord, HistoryPoint, Scorecard, TargetRecord

_OUTCOMES = ("attained", "attainment", "payout")


class Card:
    """A scorecard: a mapping of its entries, shown as a table.

    Parameters
    ----------
    case : Context
    cohort : Cohort

    Examples
    --------
    >>> import kpi_kit as kk
    >>> card = kk.open("data/sample", "params").score("anna-petrova", "2025-10")
    >>> card.keys()[:3]
    ['subscriber_gain', 'subscribers', 'churn_rate']
    >>> card["chrun_rate"]
    Traceback (most recent call last):
    kpi_kit.core.errors.InputError: anna-petrova 2025-10 has no entry 'chrun_rate'; did you mean churn_rate?
    """

    def __init__(self, case: Context, cohort: Cohort) -> None:
        self.case = case
        self._cohort = cohort
        self.data: Scorecard = build.scorecard(case, cohort)
        """The record: what the scorecard JSON of a report says."""

    def __repr__(self) -> str:
        return printed(self.data)

    def _repr_html_(self) -> str:
        return page(self.words, parts.scorecard(self.data, self.words))

    # ---------------------------------------------------------------- entries

    @cached_property
    def _records(self) -> dict[str, Record]:
        keys = _keys(self.case.person.kpis)
        return {key: Record(self, key, number) for number, key in enumerate(keys)}

    def __getitem__(self, key: str) -> Record:
        if key not in self._records:
            who = f"{self.specialist} {self.period}"
            raise InputError(f"{who} has no entry {key!r}{did_you_mean(key, self._records)}")
        return self._records[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._records)

    def __len__(self) -> int:
        return len(self._records)

    def __contains__(self, key: object) -> bool:
        return key in self._records

    def keys(self) -> list[str]:
        """The keys of the entries: their KPIs, with more words where entries share one."""
        return list(self._records)

    def _ipython_key_completions_(self) -> list[str]:
        return self.keys()

    # ---------------------------------------------------------------- results

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
        return self.data["total"]

    @property
    def words(self) -> Words:
        """The words of the report's language."""
        return words(self.data["language"], self.data["currency"])

    @property
    def frame(self) -> pd.DataFrame:
        """One row an entry: name, value, target, attained, attainment, payout, weight, chance."""
        columns = ("value", "attained", "attainment", "payout", "weight", "chance")
        rows = {
            key: {
                "name": record.name,
                "target": record.target_text,
                **{name: dict(record.data)[name] for name in columns},
            }
            for key, record in self._records.items()
        }
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("kpi")

    @property
    def report(self) -> SpecialistReport:
        """Every section of the person's report: ``card.report.posts()``."""
        return SpecialistReport(self.data)

    def plot(self) -> Shown:
        """The figure of every entry."""
        return Shown(self.words, self.report.figures())

    def breakdown(self) -> Shown:
        """Every entry by account, and those of brands by brand."""
        return Shown(self.words, self.report.accounts())

    # ---------------------------------------------------------------- what if

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
        >>> import kpi_kit as kk
        >>> card = kk.open("data/sample", "params").score("anna-petrova", "2025-10")
        >>> card.what_if("leads", at_least=30)["leads"].attained
        True
        >>> card.what_if("leads", at_lest=30)
        Traceback (most recent call last):
        kpi_kit.core.errors.InputError: leads: target.at_lest: unknown key; did you mean at_least?
        """
        person = with_target(self.case.person, self[key].number, key, target)
        return Card(replace(self.case, person=person), self._cohort)


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

    @property
    def data(self) -> EntryRecord:
        """The entry's record in the scorecard JSON."""
        return self.card.data["kpis"][self.number]

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
        return self.data["value"]

    @property
    def target(self) -> TargetRecord | None:
        """The target of the period: ``kind``, ``value``, ``base``."""
        return self.data["target"]

    @property
    def target_text(self) -> str:
        """The target as a report writes it."""
        return self.card.words.target(self.data) if self.target else "—"

    @property
    def attained(self) -> bool | None:
        """Whether the target is attained."""
        return self.data["attained"]

    @property
    def attainment(self) -> float | None:
        """The attainment, before the cap."""
        return self.data["attainment"]

    @property
    def payout(self) -> float | None:
        """The payout."""
        return self.data["payout"]

    @property
    def chance(self) -> float | None:
        """The chance of the next period; None where the history is too short."""
        return self.data["chance"]

    @property
    def history(self) -> pd.DataFrame:
        """For each period: value, its target, attained, attainment, payout."""
        past = [self._past(step) for step in self.data["history"][:-1]]
        last = {**self.data["history"][-1], **{name: dict(self.data)[name] for name in _OUTCOMES}}
        columns = ["period", "value", "target", *_OUTCOMES]
        return pd.DataFrame([*past, last], columns=columns).set_index("period")

    def _past(self, step: HistoryPoint) -> dict[str, Any]:
        """A period of the history, with the outcome under the target of that time."""
        context = self.card.case
        target = target_in(context, self.entry, Period.parse(step["period"]))
        return {**step, **asdict(outcome(context, target, step["value"]))}

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

    @cached_property
    def _facts(self) -> Facts:
        return Facts(self.card.case, self.entry)

    @property
    def units(self) -> pd.DataFrame:
        """The unit frame of the period: one row a sampling unit, including excluded ones.

        Examples
        --------
        >>> import kpi_kit as kk
        >>> record = kk.open("data/sample", "params").score("anna-petrova", "2025-10")["leads"]
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

    def plot(self) -> Shown:
        """Its figure: periods against target, and under them the weeks."""
        return Shown(self.card.words, self.card.report.figures([self.number + 1]))

    def what_if(self, **target: Any) -> Record:
        """The entry under another target, see :meth:`Card.what_if`."""
        return self.card.what_if(self.key, **target)[self.key]


class Shown:
    """A section of a report that a notebook shows in the report's style.

    Parameters
    ----------
    words : Words
    section : Section or None
        None where there is nothing to show.
    """

    def __init__(self, words: Words, section: Section | None) -> None:
        self._words = words
        self._section = section

    def __repr__(self) -> str:
        return repr(self._section)

    def _repr_html_(self) -> str:
        return page(self._words, None if self._section is None else self._section.html)


def _keys(entries: tuple[Entry, ...]) -> list[str]:
    """The KPI of each entry; with ``as``, ``versus`` and scope where entries share a KPI.

    Examples
    --------
    >>> entry = {"kpi": "leads", "target": {"at_least": 1}, "weight": 1}
    >>> _keys(tuple(Entry.model_validate(raw) for raw in (entry, {**entry, "platforms": ["vk"]})))
    ['leads', 'leads vk']
    """
    shared = [entry.kpi for entry in entries]
    return [entry.kpi if shared.count(entry.kpi) == 1 else _full_key(entry) for entry in entries]


def _full_key(entry: Entry) -> str:
    options = ((entry.as_, "value"), (entry.versus, "previous"))
    how = [str(value) for value, default in options if value != default]
    scope = [name for names in (entry.scope or {}).values() for name in names]
    return " ".join([entry.kpi, *how, *scope])
