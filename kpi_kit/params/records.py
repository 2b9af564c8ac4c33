"""Records of ``department.yml``, ``specialists/<id>.yml`` and ``events.yml``, as written."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr, StringConstraints

from kpi_kit.core.model import Kpi, Unit
from kpi_kit.core.periods import Grain, Period
from kpi_kit.core.schema import SENTIMENTS
from kpi_kit.kpis import CATALOGUE, FAMILIES
from kpi_kit.kpis.engine.business_clock import WorkingTime
from kpi_kit.kpis.engine.rates import Rates
from kpi_kit.params.fields import (
    WEEKDAYS,
    Address,
    Amount,
    Day,
    Hours,
    Id,
    Ids,
    Platforms,
    Record,
    Text,
    WeekdaysText,
    all_or_ids,
    one_account,
    web_address,
    weekday_numbers,
)
from kpi_kit.params.formulas import Formula, InBoth, catalogue_of
from kpi_kit.params.targets import Ask, Goal, Kind, Milestone, Schedule, Scoring, Target


class History(Record):
    """How many periods and weeks figures and statistics cover."""

    periods: Annotated[int, Field(ge=2, le=120)] = 13
    weeks: Annotated[int, Field(ge=0, le=520)] = 104


class Response(Record):
    """The deadline of an answer and the calendar that measures it."""

    sla_hours: Annotated[float, Field(ge=0.01, le=8784)] = 24.0
    calendar: Literal["always", "business"] = "always"
    hours: Hours | dict[WeekdaysText, Hours | Literal["off"]] = (10, 19)
    days: dict[Day, Hours | Literal["off"]] = {}
    country: Text = "RU"
    automatic_within_seconds: Annotated[float, Field(ge=0, le=3600)] = 5.0

    @property
    def working(self) -> WorkingTime:
        """The working hours of the business calendar."""
        week: list[tuple[int, int] | None] = [None] * len(WEEKDAYS)
        by_days = self.hours if isinstance(self.hours, dict) else {"mon-fri": self.hours}
        for text, hours in by_days.items():
            for number in weekday_numbers(text):
                week[number] = None if hours == "off" else hours
        days = {day: None if hours == "off" else hours for day, hours in self.days.items()}
        return WorkingTime(tuple(week), self.country, days)


class Audience(Record):
    """How counts of subscribers are read."""

    tolerance_days: Annotated[int, Field(ge=0, le=3)] = 2
    accept: dict[Id, tuple[Day, ...]] = {}

    @property
    def accepted(self) -> dict[str, list[str]]:
        """The accepted days of each account as ISO dates."""
        return {account: [day.isoformat() for day in days] for account, days in self.accept.items()}


class Posts(Record):
    """When figures of a post are settled, and the tolerance of planned posts."""

    settle_days: Annotated[float, Field(ge=0, le=366)] = 7.0
    on_time_tolerance_hours: Annotated[float, Field(ge=0, le=8784)] = 1.0


class Coverage(Record):
    """The coverage below which a value is not assessable."""

    minimum: Annotated[Amount, Field(ge=0, le=1)] = 0.9


class ScoringParams(Record):
    """The payout curve."""

    threshold: Annotated[Amount, Field(gt=0, le=1)] = 0.8
    payout_at_threshold: Annotated[Amount, Field(ge=0, le=1)] = 0.5
    cap: Annotated[Amount, Field(ge=1, le=100)] = 1.2
    not_assessable: Literal["reweight", "zero", "hold"] = "reweight"

    def curve(self) -> Scoring:
        """The curve as a plain record."""
        return Scoring(
            float(self.threshold), float(self.payout_at_threshold), float(self.cap), self.not_assessable
        )


Chat = Annotated[int, Field(gt=0, lt=2**52)]
"""The number of a private chat in Telegram; those of groups and channels are negative."""


class Director(Record):
    """A recipient of reports; ``specialists`` None means all."""

    id: Id
    name: Text
    email: Address
    telegram: Chat | None = None
    language: Literal["ru", "en"] | None = None
    specialists: Annotated[
        tuple[Id, ...] | None,
        BeforeValidator(all_or_ids, json_schema_input_type=Literal["all"] | tuple[Id, ...] | None),
    ] = None


class Mail(Record):
    """How reports are mailed; the server comes from the environment."""

    sender: Address
    to_specialists: bool = False
    errors_to: Address | None = None
    attach_limit_mb: Annotated[float, Field(gt=0, le=100)] = 10.0
    base_url: Annotated[str, AfterValidator(web_address)] | None = None
    payroll: bool = False
    attach: Literal["html", "pdf"] = "html"


class Alerts(Record):
    """Digests of what is at risk: directors get those of their specialists."""

    by_mail: bool = True
    to_specialists: bool = False
    files: bool = False


class Brand(Record):
    """White label: a logo in the params folder, and the colour of facts."""

    logo: Text | None = None
    accent: str | None = None


class Department(Record):
    """``department.yml``."""

    schema_: Annotated[Any, Field(alias="schema")] = 1
    agency: Text
    language: Literal["ru", "en"] = "ru"
    timezone: Text = "Europe/Moscow"
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = "RUB"
    history: History = History()
    response: Response = Response()
    audience: Audience = Audience()
    posts: Posts = Posts()
    coverage: Coverage = Coverage()
    scoring: ScoringParams = ScoringParams()
    directors: tuple[Director, ...] = ()
    brand: Brand = Brand()
    brands: dict[Id, Text] = {}
    mail: Mail | None = None
    alerts: Alerts = Alerts()

    @property
    def zone(self) -> ZoneInfo:
        """The department's time zone."""
        return ZoneInfo(self.timezone)


class Assignment(Record):
    """An account of a specialist; ``until`` is exclusive."""

    account: Id
    since: Day | None = None
    until: Day | None = None

    @property
    def window(self) -> tuple[dt.date, dt.date]:
        """The days of the assignment as a range."""
        return self.since or dt.date.min, self.until or dt.date.max


class From(Record):
    """The starting point of a milestone."""

    value: Amount
    on: Day


class TargetParams(Record):
    """A target as written: one of at_least, at_most, between, schedule, and their further keys."""

    at_least: Amount | None = None
    at_most: Amount | None = None
    between: tuple[Amount, Amount] | None = None
    schedule: dict[Any, TargetParams] | None = None
    worst: Amount | None = None
    per: Grain | None = None
    by: Day | None = None
    from_: Annotated[From | None, Field(alias="from")] = None

    def amounts(self) -> Iterator[tuple[str, float]]:
        """All numbers of the target with their keys."""
        for key in ("at_least", "at_most", "worst"):
            if getattr(self, key) is not None:
                yield key, getattr(self, key)
        yield from (("between", bound) for bound in self.between or ())
        if self.from_ is not None:
            yield "from.value", self.from_.value
        for period, part in (self.schedule or {}).items():
            yield from ((f"schedule.{period}.{key}", amount) for key, amount in part.amounts())

    def ask(self) -> Ask:
        """The target that can be evaluated for a period; the params must have been checked."""
        if self.schedule is not None:
            return Schedule({Period.parse(period): part.plain() for period, part in self.schedule.items()})
        if self.by is not None and self.from_ is not None:
            kind, bound = self._kind_and_bound()
            return Milestone(kind, bound, self.by, float(self.from_.value), self.from_.on)
        return Goal(self.plain(), self.per or Grain.MONTH)

    def _kind_and_bound(self) -> tuple[Kind, float]:
        if self.at_most is not None:
            return Kind.AT_MOST, float(self.at_most)
        return Kind.AT_LEAST, float(self.at_least or 0.0)

    def plain(self) -> Target:
        """The target of one period; not for schedules and milestones."""
        if self.between is not None:
            return Target(Kind.BETWEEN, (float(self.between[0]), float(self.between[1])), None)
        kind, bound = self._kind_and_bound()
        default = 2 * bound if kind is Kind.AT_MOST else 0.0
        return Target(kind, bound, default if self.worst is None else float(self.worst))


def entry_name(kpi: str, as_: str, versus: str, scope: Mapping[str, Iterable[str]] | None) -> str:
    """The name of an entry as in the params: its KPI and the keys that are not the default."""
    how = [] if as_ == "value" else [f"as: {as_}", f"versus: {versus}"]
    return ", ".join([kpi, *how, *(f"{key}: {' '.join(names)}" for key, names in (scope or {}).items())])


class Entry(Record):
    """A KPI of a specialist: what is measured, its scope, target and weight."""

    kpi: Text
    as_: Annotated[Literal["value", "change", "growth"], Field(alias="as")] = "value"
    versus: Literal["previous", "year_ago"] = "previous"
    accounts: Ids | None = None
    platforms: Platforms | None = None
    brands: Ids | None = None
    sentiment: Annotated[tuple[Literal[SENTIMENTS], ...], Field(min_length=1)] | None = None  # type: ignore[valid-type]  # likewise
    target: TargetParams
    weight: Amount
    standard: bool = False
    _formula: Formula | None = PrivateAttr(default=None)

    def model_post_init(self, context: Mapping[str, Any] | None, /) -> None:
        """Take the formula of the KPI from the agency's ``formulas`` in the context of the validation."""
        self._formula = (context or {}).get("formulas", {}).get(self.kpi)

    @property
    def formula(self) -> Formula | None:
        """The formula of the KPI; None for a KPI of the kit."""
        return self._formula

    @property
    def named_by(self) -> dict[str, Any]:
        """What names a KPI by formula in records: ``formula``; empty for a KPI of the kit."""
        return {} if self._formula is None else {"formula": self._formula.record()}

    @property
    def scope(self) -> dict[str, list[str]] | None:
        """The narrowing keys as written, or None."""
        keys = ("accounts", "platforms", "brands")
        return {key: list(getattr(self, key)) for key in keys if getattr(self, key)} or None

    @property
    def key(self) -> tuple[object, ...]:
        """The key that identifies an entry."""
        scope = tuple((key, tuple(sorted(names))) for key, names in (self.scope or {}).items())
        return self.kpi, self.as_, self.versus, scope

    @property
    def called(self) -> str:
        """The name of the entry, with what distinguishes it from others of the same KPI.

        Examples
        --------
        >>> raw = {"kpi": "leads", "as": "growth", "target": {"at_least": 5}, "weight": 1}
        >>> Entry.model_validate({**raw, "platforms": ["vk", "ok"]}).called
        'leads, as: growth, versus: previous, platforms: vk ok'
        """
        narrowed = {**(self.scope or {}), **({"sentiment": self.sentiment} if self.sentiment else {})}
        return entry_name(self.kpi, self.as_, self.versus, narrowed)

    @property
    def definition(self) -> Kpi:
        """The declaration of the KPI."""
        return CATALOGUE[self.kpi] if self._formula is None else self._formula.definition

    @property
    def unit(self) -> Unit:
        """The unit of the fact; a growth is a share."""
        return Unit.SHARE if self.as_ == "growth" else self.definition.unit

    @property
    def accruing(self) -> bool:
        """Whether the target scales with the length of the period.

        The change of a level accrues, a growth does not.
        """
        if self.as_ == "growth":
            return False
        return self.definition.accruing or (self.as_ == "change" and self.definition.aggregation == "level")


class Bonus(Record):
    """A share of the sales of a calendar month."""

    share_of_sales: Annotated[Amount, Field(gt=0, le=1)]
    cap: Annotated[Amount, Field(gt=0)] | None = None
    refunds: Literal["report", "deduct"] = "report"


class Absence(Record):
    """Days away, with a deputy; no reason is stored."""

    since: Day
    until: Day
    deputy: Id | None = None


class Specialist(Record):
    """``specialists/<id>.yml``."""

    id: Id
    name: Text
    email: Address | None = None
    telegram: Chat | None = None
    language: Literal["ru", "en"] | None = None
    duties: tuple[Literal[FAMILIES], ...] = ()  # type: ignore[valid-type]  # a literal made of the catalogue
    accounts: tuple[
        Annotated[Assignment, BeforeValidator(one_account, json_schema_input_type=Id | Assignment)], ...
    ] = ()
    brands: tuple[Id, ...] = ()
    kpis: Annotated[tuple[Entry, ...], Field(min_length=1)]
    variable_pay: Annotated[Amount, Field(ge=0)] | None = None
    bonus: Bonus | None = None
    absences: tuple[Absence, ...] = ()
    notebook: Annotated[str, Field(pattern=r"^[\w][\w .-]*\.ipynb$", max_length=100)] | None = None


class SoundSpecialist(Specialist):
    """A specialist's file without its invalid keys and entries."""

    name: Text = "?"
    kpis: tuple[Entry, ...] = ()


class SoundDepartment(Department):
    """``department.yml`` without its invalid keys."""

    agency: Text = "?"


class Event(Record):
    """An event outside the specialist's work: on one day, or from ``since`` to before ``until``."""

    title: InBoth
    kind: Literal["campaign", "blocking", "holiday", "other"] = "other"
    on: Day | None = None
    since: Day | None = None
    until: Day | None = None
    accounts: Ids | None = None
    platforms: Platforms | None = None
    brands: Ids | None = None

    @property
    def first(self) -> dt.date:
        """The first day."""
        return self.on or self.since or dt.date.min

    @property
    def end(self) -> dt.date:
        """The day after the last one."""
        return self.until or self.first + dt.timedelta(days=1)

    def called(self, language: str) -> str:
        """The title in a language."""
        return self.title.ru if language == "ru" else self.title.en

    def concerns(self, account: str, platform: str, brands: tuple[str, ...]) -> bool:
        """Whether the event concerns an account of a specialist with these brands.

        An event without a scope concerns all. Accounts have no brand in the data, so an event of a brand
        without accounts concerns all accounts of the specialists of that brand.
        """
        named = self.accounts is not None or self.platforms is not None
        return (
            (self.accounts is None or account in self.accounts)
            and (self.platforms is None or platform in self.platforms)
            and (self.brands is None or named or any(brand in self.brands for brand in brands))
        )


class Events(Record):
    """``events.yml``."""

    events: tuple[Event, ...] = ()


@dataclass(frozen=True)
class Params:
    """A folder of params.

    Parameters
    ----------
    folder : Path
    department : Department
    specialists : dict of str to Specialist
        The specialists with valid files.
    broken : dict of str to tuple of str
        The problems of invalid files, by specialist.
    warnings : tuple of str
        What is allowed but probably a mistake.
    events : tuple of Event
        Sorted by first day.
    rates : Rates
    formulas : dict of str to Formula
        The KPIs of ``kpis.yml`` by id.
    """

    folder: Path
    department: Department
    specialists: Mapping[str, Specialist]
    broken: Mapping[str, tuple[str, ...]]
    warnings: tuple[str, ...]
    events: tuple[Event, ...] = ()
    rates: Rates = Rates("RUB")
    formulas: Mapping[str, Formula] = field(default_factory=dict)

    @property
    def catalogue(self) -> dict[str, Kpi]:
        """The KPIs of the kit and those of ``kpis.yml``, by id."""
        return catalogue_of(self.formulas)

    @property
    def common_files(self) -> list[Path]:
        """The files that all reports depend on, present or not."""
        logo = self.department.brand.logo
        own = [] if logo is None else [self.folder / logo]
        return [
            *(self.folder / name for name in ("department.yml", "events.yml", "kpis.yml", "rates.csv")),
            *own,
        ]

    def file_of(self, specialist: str) -> Path:
        """The file of a specialist."""
        return self.folder / "specialists" / f"{specialist}.yml"

    def deputised(self, deputy: str) -> Iterator[tuple[Specialist, Absence]]:
        """The absences in which a specialist is the deputy, with whose they are."""
        for person in self.specialists.values():
            yield from ((person, absence) for absence in person.absences if absence.deputy == deputy)
