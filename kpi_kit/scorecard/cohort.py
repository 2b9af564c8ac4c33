"""What crosses specialists: how well chances came true for all of them, and shocks of a platform.

Made once a batch, kept as ``backtest.json`` and ``department/shocks.json`` beside the reports, and read
by every report of the period.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import asdict, astuple, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from kpi_kit.core.errors import InputError, KitError, SpecialistError
from kpi_kit.core.files import sha256
from kpi_kit.core.json_io import read_json
from kpi_kit.core.model import Kpi
from kpi_kit.core.periods import Period
from kpi_kit.data.open_inputs import open_inputs
from kpi_kit.data.snapshot import Snapshot
from kpi_kit.scorecard.record import (
    ChanceCheck,
    ChanceChecks,
    PlatformShocks,
    ShockRecord,
    WeekOfPlatform,
    required,
)
from kpi_kit.scorecard.windows import cut_off, full_weeks

if TYPE_CHECKING:
    from kpi_kit.scorecard.context import Context
    from kpi_kit.statistics import Forecast

# What computes is imported where it is needed: a run in which all is up to date computes nothing.

Forecasts: TypeAlias = "dict[str, list[Forecast]]"
"""By KPI."""
Plain: TypeAlias = "dict[str, list[tuple[float, bool, bool]]]"
"""The same as it goes from one process or run to another, without the module that made it."""

FILES = {"backtest": Path("backtest.json"), "shocks": Path("department", "shocks.json")}
"""Where the parts are kept, in the folder of the reports."""
FORECASTS = Path("department", "forecasts.json")
"""Where the next run finds the past forecasts of those for whom nothing has changed."""
_ID = re.compile("[a-z0-9_]+")
_TOGETHER = 8
"""For how many people a call makes forecasts, at the most."""


@dataclass(frozen=True)
class Cohort:
    """What crosses specialists, as JSON types.

    Parameters
    ----------
    backtest : mapping
        KPI to ``n``, ``brier``, ``base_brier``, ``coverage80`` and ``verdict``.
    shocks : mapping
        As :func:`kpi_kit.scorecard.platform_shocks.shocks` gives them.
    """

    backtest: ChanceChecks = field(default_factory=dict)
    shocks: PlatformShocks = field(default_factory=dict)

    @property
    def digest(self) -> str | None:
        """A hash of the content; None where nothing crosses."""
        if not self.backtest and not self.shocks:
            return None
        return "sha256:" + sha256("".join(map(self.text, FILES)))

    def text(self, part: str) -> str:
        """The content of the file of a part."""
        return json.dumps(getattr(self, part), ensure_ascii=False, indent=1, allow_nan=False) + "\n"

    def is_reliable(self, kpi: str) -> bool:
        """Whether nothing is known against the chances of a KPI."""
        return kpi not in self.backtest or self.backtest[kpi]["verdict"] != "not_reliable"

    def shocks_of(self, kpi: Kpi, platforms: Iterable[str], period: Period) -> list[ShockRecord]:
        """The weeks that overlap a period in which all accounts of a platform moved as the KPI does."""
        return [
            {
                "platform": platform,
                "week": week["week"],
                "direction": week["common"],
                "median": required(week["median"]),
                "accounts": week["accounts"],
            }
            for platform in sorted(set(platforms))
            for week in self._weeks(platform, kpi.shock)
            if week["common"] in ("fell", "rose") and _overlaps(Period.parse(week["week"]), period)
        ]

    def _weeks(self, platform: str, measure: str | None) -> Sequence[WeekOfPlatform]:
        shocks = self.shocks.get(platform, {}).get(measure or "")
        return () if shocks is None else shocks.get("weeks", ())


def _overlaps(week: Period, period: Period) -> bool:
    return week.start < period.end and period.start < week.end


def read(folder: Path) -> Cohort:
    """What a batch left beside its reports; nothing where there was none.

    Raises
    ------
    InputError
        Where a file cannot be read.
    """
    found = {}
    for name, place in FILES.items():
        path = folder / place
        if not path.is_file():
            continue
        with _told(path):
            found[name] = _checked(name, read_json(path))
    return Cohort(**found)


def remembered(folder: Path, inputs: Mapping[str, str]) -> dict[str, Plain]:
    """The past forecasts that an earlier run has left, as far as they were made from the same.

    Parameters
    ----------
    folder : Path
        Of the reports.
    inputs : mapping of str to str
        For each person a hash of what the forecasts are made from.

    Raises
    ------
    InputError
        Where the file cannot be read.
    """
    path = folder / FORECASTS
    if not path.is_file():
        return {}
    with _told(path):
        found = {
            person: {kpi: [_forecast(*each) for each in made] for kpi, made in entry["forecasts"].items()}
            for person, entry in read_json(path).items()
            if entry["inputs"] == inputs.get(person)
        }
        for kpi in {kpi for made in found.values() for kpi in made}:
            if not _ID.fullmatch(kpi):
                raise ValueError(f"{kpi!r} is no KPI")
        return found


def _forecast(probability: float, attained: bool, inside: bool) -> tuple[float, bool, bool]:
    """One of these, as it is in the file."""
    if not (0 <= probability <= 1 and attained in (True, False) and inside in (True, False)):
        raise ValueError("a probability and two times true or false are expected")
    return float(probability), bool(attained), bool(inside)


def to_remember(made: Mapping[str, Plain], inputs: Mapping[str, str]) -> str:
    """The content of the file in which :func:`remembered` finds them, a line a person."""
    lines = (
        f"{json.dumps(person)}: {json.dumps({'inputs': inputs[person], 'forecasts': found})}"
        for person, found in made.items()
    )
    return "{\n" + ",\n".join(lines) + "\n}\n"


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Say of a file that it is none of the kit's."""
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, AttributeError, KitError) as fault:
        why = "what a run of the kit wrote is expected, and it cannot be read"
        raise InputError(f"{path}: {why} ({fault}); remove it and run again") from None


def _checked(name: str, found: Any) -> dict[str, Any]:
    """A part whose every value is where reports look for it."""
    if name == "backtest":
        return {kpi: {**check} for kpi, check in found.items()}
    for week in (
        week for measures in found.values() for told in measures.values() for week in told.get("weeks", ())
    ):
        Period.parse(week["week"])
        if not {"common", "median", "accounts"} <= week.keys():
            raise KeyError("a week without its figures")
    return dict(found)


def collect(
    people: Iterable[str],
    period: Period,
    *,
    data: Path,
    params: Path,
    as_of: str | None = None,
    snapshot: Snapshot | None = None,
    made: Mapping[str, Plain] | None = None,
    shocked: PlatformShocks | None = None,
    jobs: int = 1,
    submit: Callable[..., Future[Any]],
) -> tuple[Cohort, dict[str, Plain]]:
    """Find what crosses specialists, some people at a time.

    Parameters
    ----------
    people : iterable of str
        Everyone whose file can be used.
    period : Period
    data, params : Path
    as_of : str, optional
        The data cut-off, see :func:`kpi_kit.scorecard.windows.cut_off`.
    snapshot : Snapshot, optional
        The snapshot of data and params from which the run computes.
    made : mapping, optional
        The past forecasts of those of whom they are known already.
    shocked : mapping, optional
        The shocks, where they have been found already: all accounts are looked at for them.
    jobs : int
        How many calls are made at once.
    submit : callable
        How a function is called elsewhere, as an executor's ``submit``.

    Returns
    -------
    Cohort
    dict
        The past forecasts of each person.
    """
    where = {"data": data, "params": params, "as_of": as_of, "snapshot": snapshot}
    # the longest, where there is much data
    finding = submit(common, period, **where) if shocked is None else None
    everyone, made = list(people), made or {}
    missing = [person for person in everyone if person not in made]
    calls = [submit(forecasts, some, period, **where) for some in _groups(missing, jobs)]
    found = {**made}
    for call in calls:
        found |= call.result()
    told = {person: found[person] for person in everyone if person in found}
    backtest = submit(_pooled, list(told.values())).result()
    return Cohort(backtest, shocked or {} if finding is None else finding.result()), told


def _groups(people: Sequence[str], jobs: int) -> Iterator[Sequence[str]]:
    """Several people a call, for what a call costs; ever fewer, for all calls to end at about one time.

    Examples
    --------
    >>> [len(group) for group in _groups("abcdefghijklmnopqrstuvwx", 2)]
    [6, 4, 3, 2, 2, 1, 1, 1, 1, 1, 1, 1]
    """
    done = 0
    while done < len(people):
        size = min(_TOGETHER, max(1, (len(people) - done) // (2 * jobs)))
        yield people[done : done + size]
        done += size


def forecasts(
    people: Sequence[str],
    period: Period,
    *,
    data: Path,
    params: Path,
    as_of: str | None = None,
    snapshot: Snapshot | None = None,
) -> dict[str, Plain]:
    """What would have been said of every past period of some people.

    Of a person whose file cannot be used there is nothing, and no report either: that says so itself.
    """
    from kpi_kit.scorecard.context import prepare

    made = {}
    loaded, store = open_inputs(data, params, check=False, snapshot=snapshot)
    with store:
        for person in people:
            with suppress(SpecialistError):
                made[person] = _plain(prepare(person, period, params=loaded, store=store, as_of=as_of))
    return made


def _plain(context: Context) -> Plain:
    return {kpi: [astuple(forecast) for forecast in found] for kpi, found in of_case(context).items()}


def of_case(context: Context) -> Forecasts:
    """The forecasts of a prepared context."""
    from kpi_kit.scorecard.entry_facts import Facts
    from kpi_kit.scorecard.inference import past_forecasts

    made: Forecasts = {}
    for entry in context.person.kpis:
        made.setdefault(entry.kpi, []).extend(past_forecasts(Facts(context, entry)))
    return made


def pooled(everyone: Iterable[Forecasts]) -> ChanceChecks:
    """The back-test of each KPI over all specialists.

    Examples
    --------
    >>> from kpi_kit.statistics import Forecast
    >>> hit, miss = Forecast(0.9, True, True), Forecast(0.2, False, True)
    >>> pooled([{"leads": [hit] * 20}, {"leads": [miss] * 20}])["leads"]["verdict"]
    'reliable'
    """
    from kpi_kit.statistics import backtest

    pool: Forecasts = {}
    for person in everyone:
        for kpi, made in person.items():
            pool.setdefault(kpi, []).extend(made)
    return {kpi: cast(ChanceCheck, asdict(backtest(pool[kpi]))) for kpi in sorted(pool)}


def _pooled(everyone: Iterable[Plain]) -> ChanceChecks:
    from kpi_kit.statistics import Forecast

    return pooled({kpi: [Forecast(*each) for each in made] for kpi, made in own.items()} for own in everyone)


def common(
    period: Period,
    *,
    data: Path,
    params: Path,
    as_of: str | None = None,
    snapshot: Snapshot | None = None,
) -> PlatformShocks:
    """The shocks of all platforms up to a period."""
    from kpi_kit.scorecard.platform_shocks import shocks

    loaded, store = open_inputs(data, params, check=False, whole=True, snapshot=snapshot)
    with store:
        moment: dt.datetime = cut_off(loaded.department, period, store, as_of)
        weeks = full_weeks(loaded.department, period, moment)
        common_weeks = shocks(store, loaded.department, weeks, moment)
        store.refuse_changed()  # tables that are read in place are those of the snapshot to the end
        return common_weeks
