"""The cohort: what needs several specialists, namely the pooled back-test and the common shocks.

A run computes it once, writes ``backtest.json`` and ``department/shocks.json`` beside the reports, and
every report of the period reads them.
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

from kpi_kit.core import file_versions
from kpi_kit.core.errors import InputError, KitError, SpecialistError
from kpi_kit.core.files import sha256
from kpi_kit.core.json_io import read_json
from kpi_kit.core.model import Kpi
from kpi_kit.core.periods import Period
from kpi_kit.core.phrases import Phrase
from kpi_kit.data.open_inputs import open_inputs
from kpi_kit.data.snapshot import Snapshot
from kpi_kit.scorecard.department_record import PlatformShocks, WeekOfPlatform
from kpi_kit.scorecard.entry_record import ChanceCheck, ChanceChecks, ShockRecord, required
from kpi_kit.scorecard.windows import cut_off, full_weeks

if TYPE_CHECKING:
    from kpi_kit.scorecard.context import Context
    from kpi_kit.statistics import Forecast

# Statistics are imported inside functions: a run in which every report is up to date does not need them.

Forecasts: TypeAlias = "dict[str, list[Forecast]]"
"""Past forecasts by pool, see :func:`pool_of`."""
ForecastRows: TypeAlias = "dict[str, list[tuple[float, bool, bool, float | None]]]"
"""Past forecasts by pool as plain tuples, for other processes and for the file."""

_KIND = "file of the cohort"
SCHEMA = file_versions.current(_KIND)
"""The schema of the files; a file without a number has this one."""
FILES = {"backtest": Path("backtest.json"), "shocks": Path("department", "shocks.json")}
"""The file of each part, in the folder of the reports."""
FORECASTS = Path("department", "forecasts.json")
"""Past forecasts, which the next run uses again for people whose inputs have not changed."""
_ID = re.compile("[a-z0-9_]+")
_LARGEST_GROUP = 8
"""The most people for whom one call computes forecasts."""


@dataclass(frozen=True)
class Cohort:
    """The pooled back-test and the common shocks, as JSON types.

    Parameters
    ----------
    backtest : mapping
        By pool, see :func:`pool_of`.
    shocks : mapping
        By platform and measure; see :func:`kpi_kit.scorecard.platform_shocks.shocks`.
    """

    backtest: ChanceChecks = field(default_factory=dict)
    shocks: PlatformShocks = field(default_factory=dict)

    @property
    def digest(self) -> str | None:
        """A hash of the content; None for an empty cohort."""
        if not self.backtest and not self.shocks:
            return None
        return "sha256:" + sha256(json.dumps([getattr(self, part) for part in FILES]))  # fast without indents

    def text(self, part: str) -> str:
        """The content of the file of a part, a key of :data:`FILES`."""
        return _dumps({"schema": SCHEMA, **getattr(self, part)})

    def check_of(self, kpi: str, as_: str) -> ChanceCheck | None:
        """The back-test of the chances of a KPI's values, changes or growths; None where there is none."""
        return self.backtest.get(pool_of(kpi, as_))

    def is_reliable(self, kpi: str, as_: str) -> bool:
        """Whether these chances may be shown: the back-test confirms them or has not been made."""
        check = self.check_of(kpi, as_)
        return check is None or check["verdict"] != "not_reliable"

    def shocks_of(self, kpi: Kpi, platforms: Iterable[str], period: Period) -> list[ShockRecord]:
        """The common shocks of a KPI's measure on some platforms, in weeks that overlap a period."""
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


def _dumps(content: Mapping[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def pool_of(kpi: str, as_: str) -> str:
    """The name under which forecasts are pooled: values, changes and growths apart.

    Examples
    --------
    >>> pool_of("leads", "value"), pool_of("leads", "growth")
    ('leads', 'leads__growth')
    """
    return kpi if as_ == "value" else f"{kpi}__{as_}"


def _overlaps(week: Period, period: Period) -> bool:
    return week.start < period.end and period.start < week.end


def read(folder: Path) -> Cohort:
    """The cohort that a run left in a folder of reports; an empty one where there was no run.

    Raises
    ------
    InputError
        Where a file cannot be read.
    """
    parts = {}
    for name, place in FILES.items():
        path = folder / place
        if path.is_file():
            with _faults_as_input_errors(path):
                parts[name] = _checked(name, _content(path))
    return Cohort(**parts)


def read_forecasts(folder: Path, inputs: Mapping[str, str]) -> dict[str, ForecastRows]:
    """The past forecasts of an earlier run, of those people whose inputs have not changed.

    Parameters
    ----------
    folder : Path
        Of the reports.
    inputs : mapping of str to str
        A hash of each person's inputs.

    Raises
    ------
    InputError
        Where the file cannot be read.
    """
    path = folder / FORECASTS
    if not path.is_file():
        return {}
    with _faults_as_input_errors(path):
        by_person = {
            person: {kpi: [_forecast(*row) for row in rows] for kpi, rows in entry["forecasts"].items()}
            for person, entry in _content(path).items()
            if entry["inputs"] == inputs.get(person)
        }
        for kpi in {kpi for forecasts in by_person.values() for kpi in forecasts}:
            if not _ID.fullmatch(kpi):
                raise ValueError(f"{kpi!r} is no KPI")
        return by_person


def _content(path: Path) -> dict[str, Any]:
    """The content of a file without its schema, which must be one that this kit reads."""
    content = read_json(path)
    if not isinstance(content, dict):
        raise TypeError("names with their figures are expected")
    reason = file_versions.problem(_KIND, content.pop("schema", SCHEMA))
    if reason is not None:
        raise ValueError(reason)
    return content


def _forecast(
    probability: float, attained: bool, inside: bool, base: float | None = None
) -> tuple[float, bool, bool, float | None]:
    """A row of the file, checked."""
    if not (0 <= probability <= 1 and attained in (True, False) and inside in (True, False)):
        raise ValueError("a probability and two times true or false are expected")
    if base is not None and not 0 <= base <= 1:
        raise ValueError("a share is expected as the earlier frequency")
    return float(probability), bool(attained), bool(inside), None if base is None else float(base)


def forecasts_text(by_person: Mapping[str, ForecastRows], inputs: Mapping[str, str]) -> str:
    """The content of the file that :func:`read_forecasts` reads, one line a person."""
    lines = (
        f"{json.dumps(person)}: {json.dumps({'inputs': inputs[person], 'forecasts': forecasts})}"
        for person, forecasts in by_person.items()
    )
    return "{\n" + ",\n".join([f'"schema": {SCHEMA}', *lines]) + "\n}\n"


@contextmanager
def _faults_as_input_errors(path: Path) -> Iterator[None]:
    """Turn any fault of a file's content into an error that names the file."""
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, AttributeError, KitError) as fault:
        raise InputError(Phrase("scorecard.not_of_a_run", file=path, fault=fault)) from None


def _checked(name: str, part: Any) -> dict[str, Any]:
    """A part, in which every field that reports read is present."""
    if name == "backtest":
        return {kpi: {**check} for kpi, check in part.items()}
    for measures in part.values():
        for week in (week for shocks in measures.values() for week in shocks.get("weeks", ())):
            Period.parse(week["week"])
            if not {"common", "median", "accounts"} <= week.keys():
                raise KeyError("a week without its figures")
    return dict(part)


def compute(
    people: Iterable[str],
    period: Period,
    *,
    data: Path,
    params: Path,
    as_of: str | None = None,
    snapshot: Snapshot | None = None,
    made: Mapping[str, ForecastRows] | None = None,
    shocks: PlatformShocks | None = None,
    jobs: int = 1,
    submit: Callable[..., Future[Any]],
) -> tuple[Cohort, dict[str, ForecastRows]]:
    """Compute the cohort, some people at a time.

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
        Past forecasts that are not computed again, by person.
    shocks : mapping, optional
        Common shocks that are not computed again.
    jobs : int
        How many calls run at once.
    submit : callable
        Calls a function elsewhere, as an executor's ``submit``.

    Returns
    -------
    Cohort
    dict
        The past forecasts of each person.
    """
    where = {"data": data, "params": params, "as_of": as_of, "snapshot": snapshot}
    # submitted first, because it takes longest on large data
    shocks_call = submit(platform_shocks, period, **where) if shocks is None else None
    everyone, by_person = list(people), {**(made or {})}
    missing = [person for person in everyone if person not in by_person]
    calls = [submit(forecasts, group, period, **where) for group in _groups(missing, jobs)]
    for call in calls:
        by_person |= call.result()
    by_person = {person: by_person[person] for person in everyone if person in by_person}
    backtest = submit(_pooled_rows, list(by_person.values())).result()
    return Cohort(backtest, shocks or {} if shocks_call is None else shocks_call.result()), by_person


def _groups(people: Sequence[str], jobs: int) -> Iterator[Sequence[str]]:
    """Groups of people for one call each; ever smaller, so that all jobs end at about the same time.

    Examples
    --------
    >>> [len(group) for group in _groups("abcdefghijklmnopqrstuvwx", 2)]
    [6, 4, 3, 2, 2, 1, 1, 1, 1, 1, 1, 1]
    """
    done = 0
    while done < len(people):
        size = min(_LARGEST_GROUP, max(1, (len(people) - done) // (2 * jobs)))
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
) -> dict[str, ForecastRows]:
    """The past forecasts of some people, without those whose file cannot be used."""
    from kpi_kit.scorecard.context import prepare

    by_person = {}
    loaded, store = open_inputs(data, params, check=False, snapshot=snapshot)
    with store:
        for person in people:
            with suppress(SpecialistError):  # the person's report fails with the reason
                context = prepare(person, period, params=loaded, store=store, as_of=as_of)
                by_person[person] = {
                    kpi: [astuple(forecast) for forecast in own] for kpi, own in forecasts_of(context).items()
                }
    return by_person


def forecasts_of(context: Context) -> Forecasts:
    """The past forecasts of a prepared context."""
    from kpi_kit.scorecard.chances import past_forecasts
    from kpi_kit.scorecard.entry_facts import Facts

    by_kpi: Forecasts = {}
    for entry in context.person.kpis:
        by_kpi.setdefault(pool_of(entry.kpi, entry.as_), []).extend(past_forecasts(Facts(context, entry)))
    return by_kpi


def pooled(everyone: Iterable[Forecasts]) -> ChanceChecks:
    """The back-test of each KPI, pooled over specialists.

    Examples
    --------
    >>> from kpi_kit.statistics import Forecast
    >>> hit, miss = Forecast(0.8, True, True), Forecast(0.8, False, True)
    >>> pooled([{"leads": [hit] * 20}, {"leads": [hit] * 12 + [miss] * 8}])["leads"]["verdict"]
    'reliable'
    """
    from kpi_kit.statistics import backtest

    pool: Forecasts = {}
    for person in everyone:
        for kpi, own in person.items():
            pool.setdefault(kpi, []).extend(own)
    return {kpi: cast(ChanceCheck, asdict(backtest(pool[kpi]))) for kpi in sorted(pool)}


def _pooled_rows(everyone: Iterable[ForecastRows]) -> ChanceChecks:
    from kpi_kit.statistics import Forecast

    return pooled({kpi: [Forecast(*row) for row in rows] for kpi, rows in own.items()} for own in everyone)


def platform_shocks(
    period: Period,
    *,
    data: Path,
    params: Path,
    as_of: str | None = None,
    snapshot: Snapshot | None = None,
) -> PlatformShocks:
    """The common shocks of all platforms up to a period."""
    from kpi_kit.scorecard.platform_shocks import shocks

    loaded, store = open_inputs(data, params, check=False, whole=True, snapshot=snapshot)
    with store:
        moment: dt.datetime = cut_off(loaded.department, period, store, as_of)
        weeks = full_weeks(loaded.department, period, moment)
        by_platform = shocks(store, loaded.department, weeks, moment)
        store.refuse_changed()  # tables that are read in place are those of the snapshot to the end
        return by_platform
