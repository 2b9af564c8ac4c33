"""The data and params of an agency, opened once and then explored."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import pandas as pd

from kpi_kit.core.errors import InputError, did_you_mean
from kpi_kit.core.periods import Grain, Period, midnight
from kpi_kit.core.phrases import Phrase, shown, speak
from kpi_kit.core.schema import TABLES
from kpi_kit.data.open_inputs import open_inputs
from kpi_kit.data.store import Stamps, Store, stamps_of
from kpi_kit.explore import forecasts, frames, measure, other_rules, rows, tidy
from kpi_kit.explore.card import Card
from kpi_kit.explore.comparison import Comparison
from kpi_kit.explore.explained import explained
from kpi_kit.explore.explorer import Explorer, is_live
from kpi_kit.explore.measured import Known, Measurer, plain_entry
from kpi_kit.explore.plots import plotted
from kpi_kit.explore.when import When, period_of, periods_of
from kpi_kit.params import Params
from kpi_kit.report import wording
from kpi_kit.scorecard import cohort
from kpi_kit.scorecard.cohort import Cohort
from kpi_kit.scorecard.context import Context, prepare
from kpi_kit.scorecard.windows import last_full_month

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Agency:
    """Opened data and params; :func:`kpi_kit.explore.open` makes one.

    After an import or a change of params the next call reads them anew; cards that were computed before
    say so.

    Parameters
    ----------
    params : Params
    store : Store
    out : Path
    """

    def __init__(self, params: Params, store: Store, out: Path) -> None:
        self._take(params, store)
        self._out = out
        self._reads = 0

    def _take(self, params: Params, store: Store) -> None:
        speak(params.department.language)
        self.params = params
        self.store = store
        self._cards: dict[tuple[str, str, str | None], Card] = {}
        self._measurer = Measurer(params, store)
        self._backtest: dict[str, Cohort] = {}
        self._params_seen = _stamps(params)

    @property
    def is_stale(self) -> bool:
        """Whether data or params have changed since they were read."""
        return self.store.has_changed() or _stamps(self.params) != self._params_seen

    def refresh(self) -> Self:
        """Read data and params anew; the next call does the same where they have changed.

        Raises
        ------
        KitError
            With every problem of the params and the data; the agency then keeps what it has.
        """
        loaded, store = open_inputs(self.store.place, self.params.folder)
        self.store.close()
        self._take(loaded, store)
        self.__dict__.pop("periods", None)
        self._reads += 1
        return self

    def _fresh(self) -> Self:
        return self.refresh() if self.is_stale else self

    def __repr__(self) -> str:
        people, broken = len(self.params.specialists), len(self.params.broken)
        parts = [Phrase("explore.specialists", count=people)]
        parts += [Phrase("explore.accounts_of", count=len(self.store.accounts))]
        parts += [Phrase("explore.broken_files", count=broken)] if broken else []
        until = self.store.covered_until
        last = None if until is None else until - dt.timedelta(days=1)
        parts += [Phrase("explore.data_through", day=last) if last else Phrase("explore.no_data")]
        return shown(Phrase("explore.agency", name=self.params.department.agency, parts=parts))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the data."""
        self.store.close()

    # ---------------------------------------------------------------- contents

    @property
    def specialists(self) -> pd.DataFrame:
        """The people by id: name, accounts, brands, and how many KPIs they have.

        Files that cannot be used are in ``agency.params.broken``, with their problems.
        """
        return frames.people(self._fresh().params.specialists)

    @property
    def kpis(self) -> pd.DataFrame:
        """The catalogue by id: name, formula, family, unit, and which way is better."""
        return frames.catalogue(self.params, wording.words(self.params.department.language))

    @property
    def accounts(self) -> pd.DataFrame:
        """The table ``accounts``."""
        return self.table("accounts")

    @property
    def tables(self) -> tuple[str, ...]:
        """The names of the tables that the data have."""
        return tuple(self.store.sources)

    def table(self, name: str) -> pd.DataFrame:
        """A whole table of the data; a column that the files lack is all unknown.

        Examples
        --------
        >>> agency.table("post")
        Traceback (most recent call last):
        kpi_kit.core.errors.InputError: there is no table 'post'; did you mean posts?
        """
        if name not in TABLES:
            raise InputError(Phrase("explore.no_table", name=name, hint=did_you_mean(name, TABLES)))
        return self._fresh().store.frame(name)

    @cached_property
    def periods(self) -> tuple[str, ...]:
        """The full months that the data cover, the latest first."""
        begins = [span[0] for span in self.store.inferred_coverage.values()]
        if not begins:
            return ()
        months = [last_full_month(self.store)]
        first = Period.containing(min(begins), Grain.MONTH)
        while months[-1].previous.start > first.start:
            months.append(months[-1].previous)
        return tuple(map(str, months))

    # ---------------------------------------------------------------- results

    def score(self, specialist: str, period: When | None = None, *, as_of: str | None = None) -> Card:
        """The scorecard of a person and a period; a second call returns the same object.

        Parameters
        ----------
        specialist : str
            The id: one of ``agency.specialists.index``.
        period : str, pandas.Period, pandas.Timestamp or date, optional
            ``2025-10``, ``2025-Q4``, ``2025-W41`` or ``2025``, or a day of the month; by default the last
            full month.
        as_of : str, optional
            The data cut-off; by default the end of the period plus the settling days.

        Raises
        ------
        KitError
            Where there is no such specialist or period, or their file cannot be used.

        Examples
        --------
        >>> agency.score("ana-petrova")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        kpi_kit.core.errors.InputError: specialist 'ana-petrova': ...; did you mean anna-petrova?
        """
        self._fresh()
        when = last_full_month(self.store) if period is None else period_of(period)
        key = (specialist, str(when), as_of)
        if key not in self._cards:
            case = prepare(specialist, when, params=self.params, store=self.store, as_of=as_of)
            card = Card(case, cohort.read(self._out / str(when)))
            reads = self._reads
            card.is_stale = lambda: self._reads != reads or self.is_stale
            self._cards[key] = card
        return self._cards[key]

    def __getitem__(self, key: str | tuple[str, When]) -> Card:
        """``agency["anna-petrova", "2025-10"]``, with both completed by Tab; alone, the last full month."""
        return self.score(key) if isinstance(key, str) else self.score(*key)

    def _ipython_key_completions_(self) -> list[tuple[str, str]]:
        return [(person, period) for person in self.params.specialists for period in self.periods]

    def compare(self, specialist: str, *periods: When | Iterable[When]) -> Comparison:
        """The scorecards of a person side by side, by default of the last full month and the one before.

        Each column is the scorecard of its period: its targets, and the accounts of that time. Whether
        a change is real is what the scorecard itself says, like for like.

        Examples
        --------
        >>> found = agency.compare("anna-petrova", ["2025-09", "2025-10"])
        >>> list(found.frame.columns)
        ['2025-09', '2025-10', 'difference']
        """
        if not isinstance(specialist, str):
            raise InputError(Phrase("explore.compare_one", found=specialist))
        last = last_full_month(self._fresh().store)
        chosen: list[Period] = []
        for when in periods or (last.previous, last):
            chosen += periods_of(when, last)
        return Comparison([self.score(specialist, period) for period in chosen])

    # ---------------------------------------------------------------- measurements

    def tidy(
        self,
        kpis: str | Iterable[str] = "all",
        specialists: str | Iterable[str] | None = None,
        periods: int | When | Iterable[When] = 12,
        by: str | Iterable[str] = "specialist",
        accounts: str = "then",
    ) -> pd.DataFrame:
        """Measurements as one frame: a row a measurement.

        Parameters
        ----------
        kpis : str or iterable of str
            Ids; ``all``: the catalogue, and the entries of params; ``own``: the entries of params alone.
        specialists : str or iterable of str, optional
            By default everyone.
        periods : int, str, period or iterable of these
            The last so many, or which.
        by : str or iterable of str
            ``specialist``, ``account``, ``platform``, ``brand``; ``week``, ``month``, ``quarter``, ``year``
            for the grain of the periods; and for what happens at a moment ``weekday`` (1 is Monday),
            ``hour``, ``day``, ``post``, ``source``, ``kind``, ``format``: groups without units have no row.
        accounts : str
            Whose accounts the earlier periods have. ``then``: those of the person at that time, by the
            cut-off of that time, as the scorecard of that period has them. ``today``: those of the last of
            the periods, by its cut-off, as the history of its report has them.

        Returns
        -------
        DataFrame
            ``period`` is a period of pandas, ``unit`` the unit of ``value``; ``attrs["units"]`` has them by
            KPI. Of an entry ``as: growth``, ``value`` is the growth, and ``current`` and ``previous`` are the
            quantities. ``target`` is a number of ``target_kind``, a band's upper bound is ``target_high``.
            ``reason`` says why a value is unknown.

        Raises
        ------
        InputError
            With every name that is not known, and what is allowed.

        Examples
        --------
        >>> frame = agency.tidy("leads", "anna-petrova", ["2025-09", "2025-10"])
        >>> frame[["period", "value", "target", "attained"]]
            period  value  target  attained
        0  2025-09   50.0    45.0      True
        1  2025-10   67.0    55.0      True
        """
        self._fresh()
        return tidy.tidy(
            self._measurer, tidy.question(self._measurer, kpis, specialists, periods, by, accounts)
        )

    def measure(
        self,
        kpi: str,
        *,
        account: str | Iterable[str] | None = None,
        brand: str | Iterable[str] | None = None,
        platform: str | Iterable[str] | None = None,
        specialist: str | None = None,
        periods: int | When | Iterable[When] = 12,
    ) -> pd.DataFrame:
        """A KPI of some accounts or brands by period, whatever params say; by default of all of them.

        Parameters
        ----------
        kpi : str
            An id of ``agency.kpis``.
        account, brand, platform : str or iterable of str, optional
        specialist : str, optional
            The accounts and brands that are theirs at the time.
        periods : int, str, period or iterable of these
            The last so many months, or which.

        Examples
        --------
        >>> agency.measure("leads", account="vk-roastery", periods=2)["value"].tolist()
        [39.0, 16.0]
        """
        self._fresh()
        chosen = {"account": account, "brand": brand, "platform": platform}
        return measure.measured(self._measurer, kpi, chosen, specialist, periods)

    def explain(
        self,
        kpi: str,
        specialist: str | None = None,
        period: When | None = None,
        *,
        versus: When | None = None,
        by: str | Iterable[str] = "account",
    ) -> pd.DataFrame:
        """What the change of a KPI since an earlier period is made of, whatever params say.

        Parameters
        ----------
        kpi : str
        specialist : str, optional
            Whose accounts; by default all.
        period, versus : str or period, optional
            By default the last full month, and the period before ``period``.
        by : str or iterable of str
            See :meth:`kpi_kit.explore.card.Record.explain`.
        """
        when = last_full_month(self._fresh().store) if period is None else period_of(period)
        asked = tidy.question(self._measurer, kpi, specialist, [when], (), "then")
        known = self._measurer.at(self._measurer.cut_off(when), when)
        context = (
            known.everyone(when) if specialist is None else known.context(asked.people[specialist], when)
        )
        facts = known.facts(context, plain_entry(self.params, asked.kpis[0]))
        return explained(facts, when.previous if versus is None else period_of(versus), by)

    def what_if(
        self,
        *,
        weights: Mapping[str, Any] | None = None,
        targets: Mapping[str, Any] | None = None,
        scoring: Mapping[str, Any] | None = None,
        bonus: Mapping[str, Any] | None = None,
        period: When | None = None,
    ) -> pd.DataFrame:
        """Everybody's total, payout and bonus under other rules; nothing is written.

        Parameters
        ----------
        weights, targets : mapping, optional
            By entry, for everyone who has it, or by person and entry: ``{"leads": 30}``,
            ``{"anna-petrova": {"leads": {"at_least": 60}}}``.
        scoring : mapping, optional
            Keys of ``scoring`` in ``department.yml``, such as ``{"cap": 1.5}``.
        bonus : mapping, optional
            Keys of ``bonus``, for everyone who has one, such as ``{"share_of_sales": 0.03}``.
        period : str or period, optional
            By default the last full month.

        Raises
        ------
        InputError
            Where a rule could not stand in params, or names an entry that nobody has.
        """
        known, everyone = self._everyone(period)
        return other_rules.under(
            known, everyone, weights=weights, targets=targets, scoring=scoring, bonus=bonus
        )

    def forecast(self, period: When | None = None) -> pd.DataFrame:
        """The forecast of every entry for a coming period: median, 80 % band and chance of the target.

        ``inside``, ``reliable`` and ``forecasts`` are the back-test over everyone: the share
        of past facts inside the band, whether chances may be trusted, and of how many forecasts.

        Parameters
        ----------
        period : str or period, optional
            By default the month after the last full one.
        """
        last = last_full_month(self._fresh().store)
        ahead = last.next if period is None else period_of(period)
        latest = min(ahead.previous, Period.containing(last.start, ahead.grain)) if ahead > last else last
        known, everyone = self._everyone(latest)
        return forecasts.forecast(known, everyone, ahead, self._backtested(everyone, str(latest)))

    def _everyone(self, period: When | None) -> tuple[Known, list[Context]]:
        """The contexts of everyone in a period, by the cut-off of its scorecards."""
        self._fresh()
        when = last_full_month(self.store) if period is None else period_of(period)
        known = self._measurer.at(self._measurer.cut_off(when), when)
        return known, [known.context(person, when) for person in self.params.specialists.values()]

    def _backtested(self, contexts: list[Context], period: str) -> Cohort:
        """The back-test that a run has left, else one that is made now."""
        if period not in self._backtest:
            left = cohort.read(self._out / period).backtest
            self._backtest[period] = Cohort(left or cohort.pooled(map(cohort.forecasts_of, contexts)))
        return self._backtest[period]

    def plot(
        self, kpi: str, *, by: str | Iterable[str] = "specialist", ax: Axes | None = None, **chosen: Any
    ) -> Axes:
        """Draw a KPI by period with matplotlib, a line a group; ``chosen`` as in :meth:`tidy`."""
        frame = self.tidy(kpi, by=by, **chosen)
        frame = frame[frame["as"] == "value"] if "as" in frame else frame
        names = [name for name in ([by] if isinstance(by, str) else by) if name not in tidy.GRAINS]
        return plotted(frame, names, ax, str(self.kpis.loc[kpi, "name"]))

    # ---------------------------------------------------------------- rows

    def posts(self, period: When | None = None) -> pd.DataFrame:
        """Posts with local time, hour, weekday, platform, subscribers of their day, and rates.

        ``joined`` is who joined the account on the day of the post and the day after; ``joined_over`` is how
        many more than usual.
        """
        return self._within(rows.posts(*self._latest()), period)

    def inquiries(self, period: When | None = None) -> pd.DataFrame:
        """Inquiries with local time, hours to the answer by the response calendar, and ``late``.

        ``state`` is ``in time``, ``late``, ``overdue`` (unanswered after the deadline) or ``waiting``.
        """
        return self._within(rows.inquiries(*self._latest()), period)

    def leads(self, period: When | None = None) -> pd.DataFrame:
        """Leads with local time, hour, weekday, platform, whether they are sold, and days to the sale."""
        return self._within(rows.leads(*self._latest()), period)

    def cohorts(self, what: str = "leads") -> pd.DataFrame:
        """Leads by the month in which they came: qualified, sold, and shares sold within so many months."""
        return rows.cohorts(*self._latest(), what)

    @property
    def events(self) -> pd.DataFrame:
        """The events of ``events.yml``, by first day."""
        params = self._fresh().params
        return frames.events(params.events, params.department.language)

    def _within(self, frame: pd.DataFrame, period: When | None) -> pd.DataFrame:
        """The rows of a period, by local time; all of them without a period."""
        if period is None:
            return frame
        start, end = period_of(period).bounds(self.params.department.zone)
        return frame[(frame["local"] >= start) & (frame["local"] < end)]

    def _latest(self) -> tuple[Known, Period]:
        """All rows up to the end of the data."""
        last = last_full_month(self._fresh().store)
        first = Period.parse(self.periods[-1]) if self.periods else last
        end = self.store.covered_until or last.end
        as_of = midnight(end, self.params.department.zone)
        return self._measurer.at(as_of, first), last

    def explore(
        self, specialist: str | None = None, period: When | None = None, *, live: bool | None = None
    ) -> Explorer:
        """Widgets to choose a person, a period and a KPI, and panels that show them.

        Parameters
        ----------
        specialist, period : str, optional
            The first choice; by default the first person and the last full month.
        live : bool, optional
            Whether widgets are shown; by default where a browser page has started the kernel and
            ipywidgets is installed.

        Examples
        --------
        >>> view = agency.explore("anna-petrova", "2025-10")
        >>> view.choose(kpi="leads")
        >>> view.figure()
        agency.score("anna-petrova", "2025-10")["leads"]
        """
        first = next(iter(self.params.specialists), "") if specialist is None else specialist
        when = str(last_full_month(self.store) if period is None else period_of(period))
        return Explorer(self, first, when, live=is_live() if live is None else live)


def _stamps(params: Params) -> Stamps:
    """The stamps of every file of the params."""
    people = {*params.specialists, *params.broken}
    listed = sorted((params.folder / "specialists").glob("*.yml"))
    return stamps_of([*params.common_files, *listed, *(params.file_of(name) for name in sorted(people))])
