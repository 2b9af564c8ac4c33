"""The records of params: ``department.yml``, ``specialists/<id>.yml``, ``events.yml`` as they are written."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from email_validator import EmailNotValidError, validate_email
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    StringConstraints,
)

from kpi_kit.core.model import Kpi, Unit
from kpi_kit.core.periods import Grain, Period
from kpi_kit.core.schema import PLATFORMS, SENTIMENTS
from kpi_kit.kpis import CATALOGUE, FAMILIES
from kpi_kit.params.targets import Ask, Goal, Kind, Milestone, Schedule, Scoring, Target

_PERCENT = re.compile(r"\s*-?\d+(?:[.,]\d+)?\s?%\s*")


class Percent(float):
    """A share that was written with a percent sign."""


def _amount(value: object) -> float:
    """A number, or a text such as ``3%``."""
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    if isinstance(value, str) and _PERCENT.fullmatch(value):
        return Percent(Decimal(value.strip().rstrip("% ").replace(",", ".")) / 100)
    raise ValueError("allowed is a number such as 40 or a share such as 3%")


def _text_id(value: object) -> object:
    """Ids are text, also where YAML reads them as numbers."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _all_or_ids(value: object) -> object:
    return None if value == "all" else value


def _one_account(value: object) -> object:
    return value if isinstance(value, dict) else {"account": value}


def _address(value: str) -> str:
    """An address as servers take it: one, in ASCII; hosts of one's own network may be without a dot."""
    try:
        found = validate_email(
            value, allow_smtputf8=False, check_deliverability=False, globally_deliverable=False
        )
    except EmailNotValidError as fault:
        why = str(fault).rstrip(".")
        raise ValueError(f"allowed is one address such as name@agency.example ({why})") from None
    return str(found.ascii_email)


def _web_address(value: str) -> str:
    parts = urlsplit(value)
    plain = not (parts.query or parts.fragment or parts.username) and not re.search(r"[\s<>\"']", value)
    if parts.scheme not in ("https", "http") or not parts.hostname or not plain:
        raise ValueError("allowed is an address such as https://reports.agency.example/kpi")
    return value.rstrip("/")


Text = Annotated[str, StringConstraints(min_length=1)]
PercentText = Annotated[str, StringConstraints(pattern=f"^{_PERCENT.pattern}$")]
Amount = Annotated[float, PlainValidator(_amount, json_schema_input_type=float | PercentText)]
Id = Annotated[
    str, BeforeValidator(_text_id, json_schema_input_type=Text | int), StringConstraints(min_length=1)
]
Address = Annotated[str, AfterValidator(_address)]
Ids = Annotated[tuple[Id, ...], Field(min_length=1)]
Platforms = Annotated[tuple[Literal[PLATFORMS], ...], Field(min_length=1)]  # type: ignore[valid-type]  # a literal made of the closed list


class Record(BaseModel):
    """A frozen record; unknown keys are refused."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        populate_by_name=False,
        arbitrary_types_allowed=True,
        allow_inf_nan=False,
    )


class History(Record):
    """How far back figures and statistics look."""

    periods: Annotated[int, Field(ge=2, le=120)] = 13
    weeks: Annotated[int, Field(ge=0, le=520)] = 104


class Response(Record):
    """The deadline of an answer and the clock that measures it."""

    sla_hours: Annotated[float, Field(gt=0)] = 24.0
    calendar: Literal["always", "business"] = "always"
    hours: tuple[Annotated[int, Field(ge=0, le=23)], Annotated[int, Field(ge=1, le=24)]] = (10, 19)
    country: Text = "RU"


class Posts(Record):
    """When the figures of a post are settled, and how late a planned post may be."""

    settle_days: Annotated[float, Field(ge=0)] = 7.0
    on_time_tolerance_hours: Annotated[float, Field(ge=0)] = 1.0


class Coverage(Record):
    """The covered share of days under which a value is not assessable."""

    minimum: Annotated[Amount, Field(ge=0, le=1)] = 0.9


class ScoringParams(Record):
    """The payout curve."""

    threshold: Annotated[Amount, Field(gt=0, le=1)] = 0.8
    payout_at_threshold: Annotated[Amount, Field(ge=0, le=1)] = 0.5
    cap: Annotated[Amount, Field(ge=1)] = 1.2
    not_assessable: Literal["reweight", "zero", "hold"] = "reweight"

    def curve(self) -> Scoring:
        """The scoring as a plain record."""
        return Scoring(
            float(self.threshold), float(self.payout_at_threshold), float(self.cap), self.not_assessable
        )


class Director(Record):
    """Who gets which reports; ``specialists`` None is all of them."""

    id: Id
    name: Text
    email: Address
    specialists: Annotated[
        tuple[Id, ...] | None,
        BeforeValidator(_all_or_ids, json_schema_input_type=Literal["all"] | tuple[Id, ...] | None),
    ] = None


class Mail(Record):
    """How reports are sent; the server comes from the environment."""

    sender: Address
    to_specialists: bool = False
    errors_to: Address | None = None
    attach_limit_mb: Annotated[float, Field(gt=0, le=100)] = 10.0
    base_url: Annotated[str, AfterValidator(_web_address)] | None = None


class Brand(Record):
    """White label: a logo in the folder of the params, and the colour of facts."""

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
    posts: Posts = Posts()
    coverage: Coverage = Coverage()
    scoring: ScoringParams = ScoringParams()
    directors: tuple[Director, ...] = ()
    brand: Brand = Brand()
    mail: Mail | None = None

    @property
    def zone(self) -> ZoneInfo:
        """The department's time zone."""
        return ZoneInfo(self.timezone)


class Assignment(Record):
    """An account in somebody's care; ``until`` is exclusive."""

    account: Id
    since: dt.date | None = None
    until: dt.date | None = None

    @property
    def window(self) -> tuple[dt.date, dt.date]:
        """The days of the assignment as a range."""
        return self.since or dt.date.min, self.until or dt.date.max


class From(Record):
    """Where a milestone sets out."""

    value: Amount
    on: dt.date


class TargetParams(Record):
    """A target as it is written: one of at_least, at_most, between, schedule, and what goes with it."""

    at_least: Amount | None = None
    at_most: Amount | None = None
    between: tuple[Amount, Amount] | None = None
    schedule: dict[Any, TargetParams] | None = None
    worst: Amount | None = None
    per: Grain | None = None
    by: dt.date | None = None
    from_: Annotated[From | None, Field(alias="from")] = None

    def amounts(self) -> Iterator[tuple[str, float]]:
        """Every number of the target with its key."""
        for key in ("at_least", "at_most", "worst"):
            if getattr(self, key) is not None:
                yield key, getattr(self, key)
        yield from (("between", bound) for bound in self.between or ())
        if self.from_ is not None:
            yield "from.value", self.from_.value
        for period, part in (self.schedule or {}).items():
            yield from ((f"schedule.{period}.{key}", amount) for key, amount in part.amounts())

    def ask(self) -> Ask:
        """The target as a record that can be asked of a period; call it on checked params only."""
        if self.schedule is not None:
            return Schedule({Period.parse(period): part.plain() for period, part in self.schedule.items()})
        if self.by is not None and self.from_ is not None:
            kind, bound = self._kind_and_bound()
            worst = None if self.worst is None else float(self.worst)
            return Milestone(kind, bound, self.by, float(self.from_.value), self.from_.on, worst)
        return Goal(self.plain(), self.per or Grain.MONTH)

    def _kind_and_bound(self) -> tuple[Kind, float]:
        if self.at_most is not None:
            return Kind.AT_MOST, float(self.at_most)
        return Kind.AT_LEAST, float(self.at_least or 0.0)

    def plain(self) -> Target:
        """The target of one period, where it is neither a schedule nor a milestone."""
        if self.between is not None:
            return Target(Kind.BETWEEN, (float(self.between[0]), float(self.between[1])), None)
        kind, bound = self._kind_and_bound()
        default = 2 * bound if kind is Kind.AT_MOST else 0.0
        return Target(kind, bound, default if self.worst is None else float(self.worst))


def entry_name(kpi: str, as_: str, versus: str, scope: Mapping[str, Iterable[str]] | None) -> str:
    """What an entry is called where people write params: its KPI, and what is not the default."""
    how = [] if as_ == "value" else [f"as: {as_}", f"versus: {versus}"]
    return ", ".join([kpi, *how, *(f"{key}: {' '.join(names)}" for key, names in (scope or {}).items())])


class Entry(Record):
    """One KPI of a person: what is measured, over which scope, and what is asked of it."""

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

    @property
    def scope(self) -> dict[str, list[str]] | None:
        """The narrowing keys as given, or None."""
        given = {
            key: list(getattr(self, key)) for key in ("accounts", "platforms", "brands") if getattr(self, key)
        }
        return given or None

    @property
    def key(self) -> tuple[object, ...]:
        """What tells entries apart."""
        scope = tuple((key, tuple(sorted(names))) for key, names in (self.scope or {}).items())
        return self.kpi, self.as_, self.versus, scope

    @property
    def called(self) -> str:
        """The entry as its file has it, with what tells it from others of the same KPI.

        Examples
        --------
        >>> given = {"kpi": "leads", "as": "growth", "target": {"at_least": 5}, "weight": 1}
        >>> Entry.model_validate({**given, "platforms": ["vk", "ok"]}).called
        'leads, as: growth, versus: previous, platforms: vk ok'
        """
        narrowed = {**(self.scope or {}), **({"sentiment": self.sentiment} if self.sentiment else {})}
        return entry_name(self.kpi, self.as_, self.versus, narrowed)

    @property
    def definition(self) -> Kpi:
        """The KPI that is measured."""
        return CATALOGUE[self.kpi]

    @property
    def unit(self) -> Unit:
        """The unit of the fact: a growth is a share whatever the KPI counts."""
        return Unit.SHARE if self.as_ == "growth" else self.definition.unit

    @property
    def accruing(self) -> bool:
        """Whether the target scales with the length of the period.

        The change of a level accrues like a flow; a growth is a ratio of two periods and does not.
        """
        if self.as_ == "growth":
            return False
        return self.definition.accruing or (self.as_ == "change" and self.definition.aggregation == "level")


class Bonus(Record):
    """A share of the sales; printed, never deducted."""

    share_of_sales: Annotated[Amount, Field(gt=0, le=1)]
    cap: Annotated[Amount, Field(gt=0)] | None = None


class Absence(Record):
    """When somebody else answers and publishes; no reason is stored."""

    since: dt.date
    until: dt.date
    deputy: Id | None = None


class Specialist(Record):
    """``specialists/<id>.yml``."""

    id: Id
    name: Text
    email: Address | None = None
    duties: tuple[Literal[FAMILIES], ...] = ()  # type: ignore[valid-type]  # a literal made of the catalogue
    accounts: tuple[
        Annotated[Assignment, BeforeValidator(_one_account, json_schema_input_type=Id | Assignment)], ...
    ] = ()
    brands: tuple[Id, ...] = ()
    kpis: Annotated[tuple[Entry, ...], Field(min_length=1)]
    bonus: Bonus | None = None
    absences: tuple[Absence, ...] = ()


class SoundSpecialist(Specialist):
    """What is left of a specialist's file without the keys and entries that cannot be read."""

    name: Text = "?"
    kpis: tuple[Entry, ...] = ()


class SoundDepartment(Department):
    """What is left of ``department.yml``, likewise."""

    agency: Text = "?"


class Title(Record):
    """A title in both languages."""

    ru: Text
    en: Text


def _both(value: object) -> object:
    """One title stands for both languages."""
    if isinstance(value, str):
        return {"ru": value, "en": value}
    if isinstance(value, dict):
        return value
    raise ValueError("allowed is a text, or one each for ru and en")


class Event(Record):
    """What happened outside the specialist's work: on one day, or from ``since`` up to ``until``."""

    title: Annotated[Title, BeforeValidator(_both, json_schema_input_type=Text | Title)]
    kind: Literal["campaign", "blocking", "holiday", "other"] = "other"
    on: dt.date | None = None
    since: dt.date | None = None
    until: dt.date | None = None
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
        """Whether an event is about an account of somebody who looks after some brands.

        One without a scope is about all. An account belongs to no brand in the data: an event of a brand that
        names no accounts is about every account of those who look after it.
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
        Those whose file can be used.
    broken : dict of str to tuple of str
        The problems of the files that cannot.
    warnings : tuple of str
        What is allowed but probably not meant.
    events : tuple of Event
        By their first day.
    """

    folder: Path
    department: Department
    specialists: Mapping[str, Specialist]
    broken: Mapping[str, tuple[str, ...]]
    warnings: tuple[str, ...]
    events: tuple[Event, ...] = ()

    @property
    def common_files(self) -> list[Path]:
        """The files that everybody's report is made with, whether they are there or not."""
        logo = self.department.brand.logo
        own = [] if logo is None else [self.folder / logo]
        return [self.folder / "department.yml", self.folder / "events.yml", *own]

    def file_of(self, specialist: str) -> Path:
        """The file of a person."""
        return self.folder / "specialists" / f"{specialist}.yml"

    def deputised(self, deputy: str) -> Iterator[tuple[Specialist, Absence]]:
        """The absences in which a person stands in for somebody."""
        for person in self.specialists.values():
            yield from ((person, absence) for absence in person.absences if absence.deputy == deputy)
