"""Check params that can be read: rules between keys and between files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from holidays.registry import EntityLoader

from kpi_kit.core import file_versions
from kpi_kit.core.errors import InputError, did_you_mean
from kpi_kit.core.model import Unit
from kpi_kit.core.periods import Period
from kpi_kit.kpis import CATALOGUE
from kpi_kit.params.fields import WEEKDAYS, Percent, weekday_numbers
from kpi_kit.params.formula_file import Formulas
from kpi_kit.params.records import Assignment, Department, Entry, Response, Specialist, TargetParams

NO_FORMULAS = Formulas()


@cache
def _timezones() -> frozenset[str]:
    return frozenset(available_timezones())


def problems_of_department(department: Department) -> Iterator[str]:
    """Problems of a ``department.yml`` that can be read."""
    if wrong := file_versions.problem("params", department.schema_):
        yield f"schema: {wrong}"
    if department.timezone not in _timezones():
        near = did_you_mean(department.timezone, _timezones())
        hint = near if "did you mean" in near else "; write one such as Europe/Moscow"
        yield f"timezone: {department.timezone!r} is not a time zone{hint}"
    yield from _problems_of_hours(department.response)
    country = department.response.country
    # only the registry: the list with subdivisions imports the rules of every country
    if country not in EntityLoader.get_country_codes():
        yield f"response.country: expected a country's code such as RU, found {country!r}"
    seen: set[str] = set()
    for number, director in enumerate(department.directors, 1):
        if director.id in seen:
            yield f"directors, entry {number} ({director.id}): the id is given twice"
        seen.add(director.id)


def _problems_of_hours(response: Response) -> Iterator[str]:
    """Problems of the hours of the business calendar."""
    by_days = response.hours if isinstance(response.hours, dict) else {"": response.hours}
    listed = [("hours" + (f".{key}" if key else ""), hours) for key, hours in by_days.items()]
    listed += [(f"days.{day}", hours) for day, hours in response.days.items()]
    for where, hours in listed:
        if hours != "off" and hours[0] >= hours[1]:
            yield f"response.{where}: the first hour must be before the second, found {list(hours)}"
    numbers = [number for key in by_days if key for number in weekday_numbers(key)]
    twice = sorted({WEEKDAYS[number] for number in numbers if numbers.count(number) > 1})
    if twice:
        yield f"response.hours: expected one entry a weekday, found several for {', '.join(twice)}"


def problems_of_specialist(
    person: Specialist, numbers: Sequence[int], unread: Set[str], formulas: Formulas
) -> Iterator[str]:
    """Problems between keys of a specialist that are valid by themselves.

    Parameters
    ----------
    person : Specialist
        The valid part of the file.
    numbers : sequence of int
        The numbers of the KPI entries in the file.
    unread : set of str
        Invalid keys of the file, which are not checked again.
    formulas : Formulas
    """
    yield from _problems_of_accounts(person)
    for number, absence in enumerate(person.absences, 1):
        where = f"absences, entry {number}"
        if absence.since >= absence.until:
            yield f"{where}: since {absence.since} must be before until {absence.until}"
        if absence.deputy == person.id:
            yield f"{where}: deputy: nobody can stand in for themselves"
    seen: dict[tuple[object, ...], int] = {}
    for number, entry in zip(numbers, person.kpis, strict=True):
        where = f"kpis, entry {number} ({entry.kpi})"
        yield from (f"{where}: {problem}" for problem in problems_of_entry(entry, person, unread, formulas))
        if entry.key in seen:
            same = f"entry {seen[entry.key]}"
            yield f"{where}: the same KPI with the same as, versus and scope is {same} already"
        seen.setdefault(entry.key, number)


def _problems_of_accounts(person: Specialist) -> Iterator[str]:
    for index, held in enumerate(person.accounts):
        since, until = held.window
        where = f"accounts, entry {index + 1} ({held.account})"
        if since >= until:
            yield f"{where}: since {since} must be before until {until}"
        for other in person.accounts[:index]:
            if other.account == held.account and other.window[0] < until and since < other.window[1]:
                yield f"{where}: given twice for the same days"


def problems_of_entry(
    entry: Entry, person: Specialist, unread: Set[str] = frozenset(), formulas: Formulas = NO_FORMULAS
) -> Iterator[str]:
    """Problems of an entry that can be read."""
    if entry.kpi not in CATALOGUE and entry.formula is None:
        if entry.kpi not in formulas.unread:
            hint = did_you_mean(entry.kpi, [*CATALOGUE, *formulas.valid])
            yield f"kpi: there is no KPI {entry.kpi!r}{hint}"
        return
    if entry.weight <= 0 or isinstance(entry.weight, Percent):
        percent = isinstance(entry.weight, Percent)
        shown = f"{entry.weight * 100:g}%; write {entry.weight * 100:g}" if percent else f"{entry.weight:g}"
        yield f"weight: expected a number over 0{' without %' if percent else ''}, found {shown}"
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


def _strangers(key: str, names: tuple[str, ...] | None, own: Any) -> Iterator[str]:
    for name in names or ():
        if name not in own:
            yield f"{key}: {name} is not among this person's {key}{did_you_mean(name, own)}"


def _problems_of_target(target: TargetParams, *, nested: bool = False) -> Iterator[str]:
    """Problems of the shape of a target."""
    kinds = [
        key for key in ("at_least", "at_most", "between", "schedule") if getattr(target, key) is not None
    ]
    if len(kinds) != 1:
        yield (
            "expected exactly one of at_least, at_most, between, schedule, "
            f"found {', '.join(kinds) or 'none'}"
        )
        return
    further = {"worst": target.worst, "per": target.per, "by": target.by, "from": target.from_}
    extras = [key for key, value in further.items() if value is not None]
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
            named = "0; give worst to set another" if target.worst is None else f"worst {base:g}"
            yield f"at_least: must be over its base ({named}), found {target.at_least:g}"
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
    if target.worst is not None:
        yield "worst: not allowed with from, whose value is the base"
    if target.from_.on >= target.by:
        yield f"from.on: must be before by {target.by}, found {target.from_.on}"
    if target.at_least is not None and target.at_least <= target.from_.value:
        yield f"at_least: must be over from.value {target.from_.value:g}, found {target.at_least:g}"
    if target.at_most is not None and target.at_most >= target.from_.value:
        yield f"at_most: must be under from.value {target.from_.value:g}, found {target.at_most:g}"


def _problems_of_schedule(schedule: Mapping[Any, TargetParams]) -> Iterator[str]:
    if not schedule:
        yield "schedule: at least one period is expected, found none"
    periods: list[Period] = []
    kinds: set[str] = set()
    for key, part in schedule.items():
        yield from (f"schedule.{key}: {problem}" for problem in _problems_of_target(part, nested=True))
        kinds |= {kind for kind in ("at_least", "at_most", "between") if getattr(part, kind) is not None}
        if part.schedule is not None:
            yield f"schedule.{key}: a schedule cannot hold a schedule"
        try:
            period = Period.parse(key)
        except InputError as fault:
            yield f"schedule: {fault}"
            continue
        for other in periods:
            if other.start < period.end and period.start < other.end:
                yield f"schedule: {other} and {period} overlap"
        periods.append(period)
    if len(kinds) > 1:
        yield f"schedule: expected one kind of target, found {', '.join(sorted(kinds))}"


def _problems_of_shares(entry: Entry) -> Iterator[str]:
    """Percent signs of numbers that are no shares, and more than 100 % of a bounded share."""
    for key, amount in entry.target.amounts():
        if isinstance(amount, Percent) and entry.unit is not Unit.SHARE:
            rule = f"{entry.kpi} is counted in {entry.unit}; expected a number without %"
            yield f"{key}: {rule}, found {amount * 100:g}%"
        if entry.definition.bounded and entry.as_ == "value" and amount > 1 and not key.endswith("worst"):
            hint = "write 3% or 0.03 for three percent"
            yield f"{key}: {entry.kpi} cannot be over 100 %, found {amount * 100:g} %; {hint}"


def large_shares(people: Mapping[str, Specialist]) -> Iterator[str]:
    """Warnings about shares over 1 without a percent sign: 10 is most likely meant as 10 %."""
    for person in people.values():
        for number, entry in enumerate(person.kpis, start=1):
            for key, amount in entry.target.amounts():
                if entry.unit is Unit.SHARE and amount > 1 and not isinstance(amount, Percent):
                    yield (
                        f"{person.id}.yml: kpis, entry {number} ({entry.kpi}): target: {key}: {amount:g} is "
                        f"{amount * 100:g} %; write {amount:g}% if that is meant, else {amount * 100:g}%"
                    )


def unknown_names(
    department: Department, people: Mapping[str, Specialist], broken: Mapping[str, tuple[str, ...]]
) -> Iterator[str]:
    """Warnings about directors and absences that name unknown specialists, and titles of unknown brands."""
    existing = [*people, *broken]
    brands = dict.fromkeys(brand for person in people.values() for brand in person.brands)
    for brand in department.brands:
        if brand not in brands and not broken:
            yield f"department.yml: brands: nobody has the brand {brand!r}{did_you_mean(brand, brands)}"
    for director in department.directors:
        for name in director.specialists or ():
            if name not in existing:
                hint = did_you_mean(name, existing)
                yield f"department.yml: director {director.id}: there is no specialist {name!r}{hint}"
    for person in people.values():
        for absence in person.absences:
            if absence.deputy is not None and absence.deputy not in existing:
                stand_in = f"{absence.deputy!r} to stand in{did_you_mean(absence.deputy, existing)}"
                yield f"{person.id}.yml: absences: there is no specialist {stand_in}"


def shared_kpis(people: Mapping[str, Specialist]) -> Iterator[str]:
    """Warnings about a KPI of an account that two specialists have at the same time."""
    claims: dict[tuple[str, str], list[tuple[str, Assignment]]] = {}
    for person in people.values():
        for held in person.accounts:
            entries = [entry for entry in person.kpis if entry.definition.scope == "account_id"]
            for kpi in dict.fromkeys(e.kpi for e in entries if not e.accounts or held.account in e.accounts):
                claims.setdefault((kpi, held.account), []).append((person.id, held))
    for (kpi, account), holders in claims.items():
        for index, (name, held) in enumerate(holders):
            for other, theirs in holders[:index]:
                if name != other and held.window[0] < theirs.window[1] and theirs.window[0] < held.window[1]:
                    yield f"{other}.yml and {name}.yml: both are judged by {kpi} of the account {account}"
