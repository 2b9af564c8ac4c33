"""Params: ``department.yml`` and ``specialists/<id>.yml`` to frozen records; unknown keys are refused."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

import holidays
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    StringConstraints,
    ValidationError,
)
from pydantic_core import ErrorDetails

from kpi_kit.errors import InputError, KitError, did_you_mean
from kpi_kit.kpis import CATALOGUE, FAMILIES
from kpi_kit.model import Kpi, Unit
from kpi_kit.periods import Grain, Period
from kpi_kit.tables import PLATFORMS, SENTIMENTS
from kpi_kit.targets import Ask, Goal, Kind, Milestone, Schedule, Scoring, Target
from kpi_kit.yaml_files import read_yaml

RESERVED_IDS = ("index", "manifest", "backtest")
"""File names beside the reports; no specialist can be called so."""

_ID = re.compile(r"[\w][\w.-]{0,99}")
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


Amount = Annotated[float, PlainValidator(_amount)]
Id = Annotated[str, BeforeValidator(_text_id), StringConstraints(min_length=1)]
Text = Annotated[str, StringConstraints(min_length=1)]
Ids = Annotated[tuple[Id, ...], Field(min_length=1)]


class _Record(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        populate_by_name=False,
        arbitrary_types_allowed=True,
        allow_inf_nan=False,
    )


class History(_Record):
    """How far back figures and statistics look."""

    periods: Annotated[int, Field(ge=2, le=120)] = 13
    weeks: Annotated[int, Field(ge=0, le=520)] = 104


class Response(_Record):
    """The deadline of an answer and the clock that measures it."""

    sla_hours: Annotated[float, Field(gt=0)] = 24.0
    calendar: Literal["always", "business"] = "always"
    hours: tuple[Annotated[int, Field(ge=0, le=23)], Annotated[int, Field(ge=1, le=24)]] = (10, 19)
    country: Text = "RU"


class Posts(_Record):
    """When the figures of a post are settled, and how late a planned post may be."""

    settle_days: Annotated[float, Field(ge=0)] = 7.0
    on_time_tolerance_hours: Annotated[float, Field(ge=0)] = 1.0


class Coverage(_Record):
    """The covered share of days under which a value is not assessable."""

    minimum: Annotated[Amount, Field(ge=0, le=1)] = 0.9


class ScoringParams(_Record):
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


class Director(_Record):
    """Who gets which reports; ``specialists`` None is all of them."""

    id: Id
    name: Text
    email: Text
    specialists: Annotated[tuple[Id, ...] | None, BeforeValidator(_all_or_ids)] = None


class Mail(_Record):
    """How reports are sent; the server comes from the environment."""

    sender: Text
    to_specialists: bool = False


class Department(_Record):
    """``department.yml``."""

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
    mail: Mail | None = None

    @property
    def zone(self) -> ZoneInfo:
        """The department's time zone."""
        return ZoneInfo(self.timezone)


class Assignment(_Record):
    """An account in somebody's care; ``until`` is exclusive."""

    account: Id
    since: dt.date | None = None
    until: dt.date | None = None

    @property
    def window(self) -> tuple[dt.date, dt.date]:
        """The days of the assignment as a range."""
        return self.since or dt.date.min, self.until or dt.date.max


class From(_Record):
    """Where a milestone sets out."""

    value: Amount
    on: dt.date


class TargetParams(_Record):
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
            return Schedule({Period.parse(period): part._plain() for period, part in self.schedule.items()})
        if self.by is not None and self.from_ is not None:
            kind, bound = self._kind_and_bound()
            worst = None if self.worst is None else float(self.worst)
            return Milestone(kind, bound, self.by, float(self.from_.value), self.from_.on, worst)
        return Goal(self._plain(), self.per or Grain.MONTH)

    def _kind_and_bound(self) -> tuple[Kind, float]:
        if self.at_most is not None:
            return Kind.AT_MOST, float(self.at_most)
        return Kind.AT_LEAST, float(self.at_least or 0.0)

    def _plain(self) -> Target:
        if self.between is not None:
            return Target(Kind.BETWEEN, (float(self.between[0]), float(self.between[1])), None)
        kind, bound = self._kind_and_bound()
        default = 2 * bound if kind is Kind.AT_MOST else 0.0
        return Target(kind, bound, default if self.worst is None else float(self.worst))


class Entry(_Record):
    """One KPI of a person: what is measured, over which scope, and what is asked of it."""

    kpi: Text
    as_: Annotated[Literal["value", "change", "growth"], Field(alias="as")] = "value"
    versus: Literal["previous", "year_ago"] = "previous"
    accounts: Ids | None = None
    platforms: Annotated[tuple[Literal[PLATFORMS], ...], Field(min_length=1)] | None = None  # type: ignore[valid-type]  # a literal made of the closed list
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


class Bonus(_Record):
    """A share of the sales; printed, never deducted."""

    share_of_sales: Annotated[Amount, Field(gt=0, le=1)]
    cap: Annotated[Amount, Field(gt=0)] | None = None


class Absence(_Record):
    """When somebody else answers and publishes; no reason is stored."""

    since: dt.date
    until: dt.date
    deputy: Id | None = None


class Specialist(_Record):
    """``specialists/<id>.yml``."""

    id: Id
    name: Text
    email: Text | None = None
    duties: tuple[Literal[FAMILIES], ...] = ()  # type: ignore[valid-type]  # a literal made of the catalogue
    accounts: tuple[Annotated[Assignment, BeforeValidator(_one_account)], ...] = ()
    brands: tuple[Id, ...] = ()
    kpis: Annotated[tuple[Entry, ...], Field(min_length=1)]
    bonus: Bonus | None = None
    absences: tuple[Absence, ...] = ()


class _Rest(Specialist):
    """What is left of a specialist's file without the keys and entries that cannot be read."""

    name: Text = "?"
    kpis: tuple[Entry, ...] = ()


class _RestOfDepartment(Department):
    """What is left of ``department.yml``, likewise."""

    agency: Text = "?"


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
    """

    folder: Path
    department: Department
    specialists: Mapping[str, Specialist]
    broken: Mapping[str, tuple[str, ...]]
    warnings: tuple[str, ...]

    def file_of(self, specialist: str) -> Path:
        """The file of a person."""
        return self.folder / "specialists" / f"{specialist}.yml"

    def deputised(self, deputy: str) -> Iterator[tuple[Specialist, Absence]]:
        """The absences in which a person stands in for somebody."""
        for person in self.specialists.values():
            yield from ((person, absence) for absence in person.absences if absence.deputy == deputy)


def load(folder: Path) -> Params:
    """Read and check a folder of params.

    Parameters
    ----------
    folder : Path
        Holds ``department.yml`` and ``specialists/``.

    Returns
    -------
    Params

    Raises
    ------
    InputError
        Where ``department.yml`` cannot be used, or there are no specialists at all.
    """
    faults: list[str] = []
    try:
        department = _department(folder / "department.yml")
    except KitError as fault:
        faults += fault.problems
    files = sorted((folder / "specialists").glob("*.yml"))
    if not files and folder.is_dir():
        faults.append(f"{folder / 'specialists'}: at least one <id>.yml is expected, found none")
    people: dict[str, Specialist] = {}
    broken: dict[str, tuple[str, ...]] = {}
    for file in files:
        try:
            people[file.stem] = _specialist(file)
        except KitError as fault:
            broken[file.stem] = fault.problems
    if faults:
        raise InputError([*faults, *(problem for problems in broken.values() for problem in problems)])
    warnings = (*_unknown_names(department, people, broken), *_shared_kpis(people))
    strays = sorted((folder / "specialists").glob("*.yaml"))
    stray_names = tuple(f"{file}: only files named <id>.yml are read" for file in strays)
    return Params(folder, department, people, broken, (*warnings, *stray_names))


def _department(file: Path) -> Department:
    if not file.is_file():
        raise KitError(f"{file}: this file is missing")
    raw = _read_mapping(file)
    findings = _findings(Department, raw)
    rest = _RestOfDepartment.model_validate(_without(raw, findings))
    problems = [*(_sentence(error, raw, Department) for error in findings), *_problems_of_department(rest)]
    if problems:
        raise KitError([f"{file}: {problem}" for problem in problems])
    return Department.model_validate(raw)


def _problems_of_department(department: Department) -> Iterator[str]:
    if department.timezone not in available_timezones():
        hint = did_you_mean(department.timezone, available_timezones())
        yield f"timezone: {department.timezone!r} is not a time zone{hint}"
    opens, closes = department.response.hours
    if opens >= closes:
        yield f"response.hours: the first hour must be before the second, found [{opens}, {closes}]"
    country = department.response.country
    if country not in holidays.list_supported_countries():
        yield f"response.country: allowed is a country's code such as RU, found {country!r}"
    seen: set[str] = set()
    for director in department.directors:
        if director.id in seen:
            yield f"directors: the id {director.id} is given twice"
        seen.add(director.id)


def _specialist(file: Path) -> Specialist:
    if not _ID.fullmatch(file.stem) or file.stem in RESERVED_IDS:
        raise KitError(
            f"{file}: a specialist's id is letters, digits, - and _, and none of {', '.join(RESERVED_IDS)}"
        )
    raw = _read_mapping(file)
    problems = []
    if "id" in raw:
        problems.append("id: unknown key; the id of a specialist is the name of the file")
    raw = {**raw, "id": file.stem}
    findings = _findings(Specialist, raw)
    problems += [_sentence(error, raw, Specialist) for error in findings]
    rest = _without(raw, findings)
    entries = raw.get("kpis")
    unread = {error["loc"][1] for error in findings if error["loc"][0] == "kpis" and len(error["loc"]) > 1}
    sound = [i for i in range(len(entries) if isinstance(entries, list) else 0) if i not in unread]
    if isinstance(entries, list):
        rest["kpis"] = [entries[i] for i in sound]
    problems += _problems(
        _Rest.model_validate(rest), [i + 1 for i in sound], {str(error["loc"][0]) for error in findings}
    )
    if problems:
        raise KitError([f"{file}: {problem}" for problem in problems])
    return Specialist.model_validate(raw)


def _read_mapping(file: Path) -> dict[str, Any]:
    raw = read_yaml(file)
    if not isinstance(raw, dict):
        raise KitError(f"{file}: keys with values are expected, found {type(raw).__name__}")
    return raw


def _findings(model: type[BaseModel], raw: dict[str, Any]) -> list[ErrorDetails]:
    """What keeps a file from being read as a model."""
    try:
        model.model_validate(raw)
    except ValidationError as fault:
        # a list whose entries were all refused is reported as empty, too: that is no finding of its own
        return [error for error in fault.errors() if not (error["type"] == "too_short" and error["input"])]
    return []


def _without(raw: dict[str, Any], findings: Sequence[ErrorDetails]) -> dict[str, Any]:
    """The keys of a file that nothing was found in."""
    faulty = {error["loc"][0] for error in findings}
    return {key: value for key, value in raw.items() if key not in faulty}


def _sentence(error: ErrorDetails, raw: object, model: type[BaseModel]) -> str:
    """One of pydantic's findings as a sentence: where, what, what was allowed and found."""
    where = _where(error["loc"], raw)
    match error["type"]:
        case "extra_forbidden":
            allowed = _siblings(error["loc"][:-1], model)
            return f"{where}: unknown key{did_you_mean(error['loc'][-1], allowed)}"
        case "missing":
            return f"{where}: this key is missing"
        case "literal_error" | "enum":
            allowed = [name.strip("'") for name in re.findall(r"'[^']*'", str(error["ctx"]["expected"]))]
            return f"{where}: found {error['input']!r}{did_you_mean(error['input'], allowed)}"
        case "too_short":
            return f"{where}: at least one entry is expected, found none"
        case "too_long":
            most = error["ctx"]["max_length"]
            return f"{where}: at most {most} entries are expected, found {error['input']!r}"
        case "tuple_type":
            return f"{where}: a list is expected, found {error['input']!r}"
        case "model_type" | "dict_type":
            return f"{where}: keys with values are expected, found {error['input']!r}"
        case "value_error":
            return f"{where}: {error['ctx']['error']}, found {error['input']!r}"
        case _:
            return f"{where}: {error['msg'][0].lower()}{error['msg'][1:]}, found {error['input']!r}"


def _where(loc: tuple[int | str, ...], raw: object) -> str:
    """The way to a key as a person counts: ``kpis, entry 3 (churn_rate), target.at_most``."""
    words: list[str] = []
    for step in loc:
        if isinstance(step, int):
            raw = raw[step] if isinstance(raw, list) and step < len(raw) else None
            name = raw.get("kpi") if isinstance(raw, dict) else None
            words.append(f"entry {step + 1}" + (f" ({name})" if isinstance(name, str) else ""))
        else:
            raw = raw.get(step) if isinstance(raw, dict) else None
            if words and not words[-1].startswith("entry "):
                words[-1] = f"{words[-1]}.{step}"
            else:
                words.append(str(step))
    return ", ".join(words)


def _siblings(loc: tuple[int | str, ...], model: type[BaseModel]) -> list[str]:
    """The keys allowed where an unknown one was found."""
    homes: dict[str, type[BaseModel]] = {
        "history": History, "response": Response, "posts": Posts, "coverage": Coverage, "scoring": ScoringParams,
        "directors": Director, "mail": Mail, "accounts": Assignment, "kpis": Entry, "target": TargetParams,
        "schedule": TargetParams, "from": From, "bonus": Bonus, "absences": Absence,
    }  # fmt: skip
    named = [step for step in loc if isinstance(step, str) and step in homes]
    home = homes[named[-1]] if named else model
    return [field.alias or name for name, field in home.model_fields.items() if name != "id" or named]


def _problems(person: Specialist, numbers: Sequence[int], unread: Set[str]) -> Iterator[str]:
    """What is wrong between keys that can be read each for itself.

    Parameters
    ----------
    person : Specialist
        What can be read of the file.
    numbers : sequence of int
        The places of the KPI entries in the file.
    unread : set of str
        Keys of the file that cannot be read, so that nothing is held against them.
    """
    yield from _problems_of_accounts(person)
    for absence in person.absences:
        if absence.since >= absence.until:
            yield f"absences: since {absence.since} must be before until {absence.until}"
        if absence.deputy == person.id:
            yield "absences: deputy: nobody can stand in for themselves"
    seen: dict[tuple[object, ...], int] = {}
    for number, entry in zip(numbers, person.kpis, strict=True):
        where = f"kpis, entry {number} ({entry.kpi})"
        yield from (f"{where}: {problem}" for problem in _problems_of_entry(entry, person, unread))
        if entry.key in seen:
            yield f"{where}: the same KPI with the same as, versus and scope is entry {seen[entry.key]} already"
        seen.setdefault(entry.key, number)


def _problems_of_accounts(person: Specialist) -> Iterator[str]:
    for index, held in enumerate(person.accounts):
        since, until = held.window
        if since >= until:
            yield f"accounts: {held.account}: since {since} must be before until {until}"
        for other in person.accounts[:index]:
            if other.account == held.account and other.window[0] < until and since < other.window[1]:
                yield f"accounts: {held.account}: given twice for the same days"


def _problems_of_entry(entry: Entry, person: Specialist, unread: Set[str]) -> Iterator[str]:
    if entry.kpi not in CATALOGUE:
        yield f"kpi: there is no KPI {entry.kpi!r}{did_you_mean(entry.kpi, CATALOGUE)}"
        return
    if entry.weight <= 0 or isinstance(entry.weight, Percent):
        yield f"weight: a number over 0 is allowed, found {float(entry.weight):g}"
    if entry.as_ == "value" and entry.versus == "year_ago":
        yield "versus: year_ago goes with as: change or as: growth, found as: value"
    if entry.definition.scope == "brand":
        if entry.accounts or (entry.platforms and entry.kpi != "brand_mentions"):
            yield "accounts and platforms cannot narrow a KPI of brands; allowed: brands"
        if "brands" not in unread:
            yield from _strangers("brands", entry.brands, person.brands)
    else:
        if entry.brands:
            yield "brands: cannot narrow a KPI of accounts; allowed: accounts, platforms"
        if "accounts" not in unread:
            yield from _strangers("accounts", entry.accounts, [held.account for held in person.accounts])
    if entry.sentiment and entry.kpi != "brand_mentions":
        yield "sentiment: goes with brand_mentions only"
    yield from (f"target: {problem}" for problem in _problems_of_target(entry.target))
    yield from (f"target: {problem}" for problem in _problems_of_shares(entry))


def _strangers(key: str, given: tuple[str, ...] | None, own: Any) -> Iterator[str]:
    for name in given or ():
        if name not in own:
            yield f"{key}: {name} is not among this person's {key}{did_you_mean(name, own)}"


def _problems_of_target(target: TargetParams, *, nested: bool = False) -> Iterator[str]:
    """What is wrong with the shape of a target."""
    kinds = [
        key for key in ("at_least", "at_most", "between", "schedule") if getattr(target, key) is not None
    ]
    if len(kinds) != 1:
        yield f"exactly one of at_least, at_most, between, schedule is allowed, found {', '.join(kinds) or 'none'}"
        return
    extras = [
        key
        for key, given in (
            ("worst", target.worst),
            ("per", target.per),
            ("by", target.by),
            ("from", target.from_),
        )
        if given is not None
    ]
    allowed = {"schedule": (), "between": ("per",)}.get(kinds[0], ("worst", "per", "by", "from"))
    refused = [key for key in extras if key not in allowed or (nested and key != "worst")]
    if refused:
        yield f"{', '.join(refused)}: not allowed with {kinds[0]}{' in a schedule' if nested else ''}"
        return
    if target.schedule is not None:
        yield from _problems_of_schedule(target.schedule)
    elif target.between is not None:
        low, high = target.between
        if low >= high:
            yield f"between: the first bound must be under the second, found [{low:g}, {high:g}]"
    elif target.by is not None or target.from_ is not None:
        yield from _problems_of_milestone(target)
    else:
        yield from _problems_of_bound(target)


def _problems_of_bound(target: TargetParams) -> Iterator[str]:
    if target.at_least is not None:
        base = 0.0 if target.worst is None else target.worst
        if target.at_least <= base:
            yield f"at_least: must be over its base ({'worst' if target.worst is not None else '0; give worst to set another'} {base:g}), found {target.at_least:g}"
    if target.at_most is not None:
        if target.worst is None and target.at_most <= 0:
            yield f"worst: is needed where at_most is not over 0, found at_most {target.at_most:g}"
        elif target.worst is not None and target.worst <= target.at_most:
            yield f"worst: must be over at_most {target.at_most:g}, found {target.worst:g}"


def _problems_of_milestone(target: TargetParams) -> Iterator[str]:
    if target.by is None or target.from_ is None:
        yield "by and from go together: the date to reach it by, and the value and date to set out from"
        return
    if target.per is not None:
        yield "per: not allowed with by, which has a time of its own"
    if target.worst is not None and target.at_least is not None:
        yield "worst: not allowed with at_least and from, whose value is the base"
    if target.worst is not None and target.at_most is not None and target.worst <= target.from_.value:
        yield f"worst: must be over from.value {target.from_.value:g}, found {target.worst:g}"
    if target.from_.on >= target.by:
        yield f"from.on: must be before by {target.by}, found {target.from_.on}"
    if target.at_least is not None and target.at_least <= target.from_.value:
        yield f"at_least: must be over from.value {target.from_.value:g}, found {target.at_least:g}"
    if target.at_most is not None and target.at_most >= target.from_.value:
        yield f"at_most: must be under from.value {target.from_.value:g}, found {target.at_most:g}"
    if target.worst is None and target.at_most is not None and target.at_most <= 0:
        yield f"worst: is needed where at_most is not over 0, found at_most {target.at_most:g}"


def _problems_of_schedule(schedule: Mapping[Any, TargetParams]) -> Iterator[str]:
    if not schedule:
        yield "schedule: at least one period is expected, found none"
    periods: list[Period] = []
    kinds: set[str] = set()
    for given, part in schedule.items():
        yield from (f"schedule.{given}: {problem}" for problem in _problems_of_target(part, nested=True))
        kinds |= {key for key in ("at_least", "at_most", "between") if getattr(part, key) is not None}
        if part.schedule is not None:
            yield f"schedule.{given}: a schedule cannot hold a schedule"
        try:
            period = Period.parse(given)
        except InputError as fault:
            yield f"schedule: {fault}"
            continue
        for other in periods:
            if other.start < period.end and period.start < other.end:
                yield f"schedule: {other} and {period} overlap"
        periods.append(period)
    if len(kinds) > 1:
        yield f"schedule: one kind of target is allowed, found {', '.join(sorted(kinds))}"


def _problems_of_shares(entry: Entry) -> Iterator[str]:
    """Percent signs where there is no share, and more than 100 % of a share that is at most 1."""
    for key, amount in entry.target.amounts():
        if isinstance(amount, Percent) and entry.unit is not Unit.SHARE:
            yield f"{key}: {entry.kpi} is counted in {entry.unit}; a number without % is allowed, found {amount * 100:g}%"
        if entry.definition.bounded and entry.as_ == "value" and amount > 1 and not key.endswith("worst"):
            yield f"{key}: {entry.kpi} cannot be over 100 %, found {amount * 100:g} %; write 3% or 0.03 for three percent"


def _unknown_names(
    department: Department, people: Mapping[str, Specialist], broken: Mapping[str, tuple[str, ...]]
) -> Iterator[str]:
    known = [*people, *broken]
    for director in department.directors:
        for name in director.specialists or ():
            if name not in known:
                yield f"department.yml: director {director.id}: there is no specialist {name!r}{did_you_mean(name, known)}"
    for person in people.values():
        for absence in person.absences:
            if absence.deputy is not None and absence.deputy not in known:
                hint = did_you_mean(absence.deputy, known)
                yield f"{person.id}.yml: absences: there is no specialist {absence.deputy!r} to stand in{hint}"


def _shared_kpis(people: Mapping[str, Specialist]) -> Iterator[str]:
    """The same KPI on the same account, at the same time, for two people."""
    claims: dict[tuple[str, str], list[tuple[str, Assignment]]] = {}
    for person in people.values():
        for held in person.accounts:
            entries = [entry for entry in person.kpis if entry.definition.scope == "account_id"]
            for kpi in dict.fromkeys(e.kpi for e in entries if not e.accounts or held.account in e.accounts):
                claims.setdefault((kpi, held.account), []).append((person.id, held))
    for (kpi, account), held_by in claims.items():
        for index, (name, held) in enumerate(held_by):
            for other, theirs in held_by[:index]:
                if name != other and held.window[0] < theirs.window[1] and theirs.window[0] < held.window[1]:
                    yield f"{other}.yml and {name}.yml: both are judged by {kpi} of the account {account}"
