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
from kpi_kit.core.phrases import Phrase
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
        yield Phrase("params.at_schema", problem=wrong)
    if department.timezone not in _timezones():
        near = did_you_mean(department.timezone, _timezones())
        hint = near if "did you mean" in near else Phrase("params.such_as_moscow")
        yield Phrase("params.timezone", timezone=department.timezone, hint=hint)
    yield from _problems_of_hours(department.response)
    country = department.response.country
    # only the registry: the list with subdivisions imports the rules of every country
    if country not in EntityLoader.get_country_codes():
        yield Phrase("params.country", country=country)
    seen: set[str] = set()
    for number, director in enumerate(department.directors, 1):
        if director.id in seen:
            where = Phrase("params.entry_of", number=number, kpi=director.id)
            yield Phrase("params.id_twice", where=["directors", where])
        seen.add(director.id)


def _problems_of_hours(response: Response) -> Iterator[str]:
    """Problems of the hours of the business calendar."""
    by_days = response.hours if isinstance(response.hours, dict) else {"": response.hours}
    listed = [("hours" + (f".{key}" if key else ""), hours) for key, hours in by_days.items()]
    listed += [(f"days.{day}", hours) for day, hours in response.days.items()]
    for where, hours in listed:
        if hours != "off" and hours[0] >= hours[1]:
            yield Phrase("params.first_hour", where=where, hours=list(hours))
    numbers = [number for key in by_days if key for number in weekday_numbers(key)]
    twice = sorted({WEEKDAYS[number] for number in numbers if numbers.count(number) > 1})
    if twice:
        yield Phrase("params.weekday_twice", days=", ".join(twice))


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
        where = ["absences", Phrase("params.entry", number=number)]
        if absence.since >= absence.until:
            yield Phrase("params.days_order", where=where, since=absence.since, until=absence.until)
        if absence.deputy == person.id:
            yield Phrase("params.own_deputy", where=where)
    seen: dict[tuple[object, ...], int] = {}
    for number, entry in zip(numbers, person.kpis, strict=True):
        at = ["kpis", Phrase("params.entry_of", number=number, kpi=entry.kpi)]
        yield from (
            Phrase("core.within", where=at, problem=problem)
            for problem in problems_of_entry(entry, person, unread, formulas)
        )
        if entry.key in seen:
            same = Phrase("params.entry", number=seen[entry.key])
            yield Phrase("params.entry_twice", where=at, same=same)
        seen.setdefault(entry.key, number)


def _problems_of_accounts(person: Specialist) -> Iterator[str]:
    for index, held in enumerate(person.accounts):
        since, until = held.window
        where = ["accounts", Phrase("params.entry_of", number=index + 1, kpi=held.account)]
        if since >= until:
            yield Phrase("params.days_order", where=where, since=since, until=until)
        for other in person.accounts[:index]:
            if other.account == held.account and other.window[0] < until and since < other.window[1]:
                yield Phrase("params.account_twice", where=where)


def problems_of_entry(
    entry: Entry, person: Specialist, unread: Set[str] = frozenset(), formulas: Formulas = NO_FORMULAS
) -> Iterator[str]:
    """Problems of an entry that can be read."""
    if entry.kpi not in CATALOGUE and entry.formula is None:
        if entry.kpi not in formulas.unread:
            hint = did_you_mean(entry.kpi, [*CATALOGUE, *formulas.valid])
            yield Phrase("params.no_kpi", kpi=entry.kpi, hint=hint)
        return
    if entry.weight <= 0 or isinstance(entry.weight, Percent):
        percent = isinstance(entry.weight, Percent)
        yield Phrase(
            "params.weight_percent" if percent else "params.weight",
            found=entry.weight * (100 if percent else 1),
        )
    if entry.as_ == "value" and entry.versus == "year_ago":
        yield Phrase("params.versus_value")
    if entry.definition.scope == "brand":
        if entry.accounts or (entry.platforms and entry.kpi != "brand_mentions"):
            yield Phrase("params.brand_scope")
        if "brands" not in unread:
            yield from _strangers("brands", entry.brands, person.brands)
    else:
        if entry.brands:
            yield Phrase("params.account_scope")
        if "accounts" not in unread:
            yield from _strangers("accounts", entry.accounts, [held.account for held in person.accounts])
    if entry.sentiment and entry.kpi != "brand_mentions":
        yield Phrase("params.sentiment_scope")
    yield from (Phrase("params.at_target", problem=problem) for problem in _problems_of_target(entry.target))
    yield from (Phrase("params.at_target", problem=problem) for problem in _problems_of_shares(entry))


def _strangers(key: str, names: tuple[str, ...] | None, own: Any) -> Iterator[str]:
    for name in names or ():
        if name not in own:
            yield Phrase("params.stranger", key=key, name=name, hint=did_you_mean(name, own))


def _problems_of_target(target: TargetParams, *, nested: bool = False) -> Iterator[str]:
    """Problems of the shape of a target."""
    kinds = [
        key for key in ("at_least", "at_most", "between", "schedule") if getattr(target, key) is not None
    ]
    if len(kinds) != 1:
        yield Phrase("params.one_kind", found=kinds or Phrase("core.none"))
        return
    further = {"worst": target.worst, "per": target.per, "by": target.by, "from": target.from_}
    extras = [key for key, value in further.items() if value is not None]
    allowed = {"schedule": (), "between": ("per",)}.get(kinds[0], ("worst", "per", "by", "from"))
    refused = [key for key in extras if key not in allowed or (nested and key != "worst")]
    if refused:
        yield Phrase(f"params.not_with{'_nested' if nested else ''}", keys=refused, kind=kinds[0])
        return
    if target.schedule is not None:
        yield from _problems_of_schedule(target.schedule)
    elif target.between is not None:
        low, high = target.between
        if low >= high:
            yield Phrase("params.between_order", low=low, high=high)
    elif target.by is not None or target.from_ is not None:
        yield from _problems_of_milestone(target)
    else:
        yield from _problems_of_bound(target)


def _problems_of_bound(target: TargetParams) -> Iterator[str]:
    if target.at_least is not None:
        base = 0.0 if target.worst is None else target.worst
        if target.at_least <= base:
            named = (
                Phrase("params.base_0") if target.worst is None else Phrase("params.base_worst", base=base)
            )
            yield Phrase("params.at_least_base", base=named, at_least=target.at_least)
    if target.at_most is not None:
        if target.worst is None and target.at_most <= 0:
            yield Phrase("params.worst_needed", at_most=target.at_most)
        elif target.worst is not None and target.worst <= target.at_most:
            yield Phrase("params.worst_under", at_most=target.at_most, worst=target.worst)


def _problems_of_milestone(target: TargetParams) -> Iterator[str]:
    if target.by is None or target.from_ is None:
        yield Phrase("params.by_and_from")
        return
    if target.per is not None:
        yield Phrase("params.per_with_by")
    if target.worst is not None:
        yield Phrase("params.worst_with_from")
    if target.from_.on >= target.by:
        yield Phrase("params.from_on", by=target.by, on=target.from_.on)
    if target.at_least is not None and target.at_least <= target.from_.value:
        yield Phrase("params.over_from", value=target.from_.value, at_least=target.at_least)
    if target.at_most is not None and target.at_most >= target.from_.value:
        yield Phrase("params.under_from", value=target.from_.value, at_most=target.at_most)


def _problems_of_schedule(schedule: Mapping[Any, TargetParams]) -> Iterator[str]:
    if not schedule:
        yield Phrase("params.schedule_empty")
    periods: list[Period] = []
    kinds: set[str] = set()
    for key, part in schedule.items():
        yield from (
            Phrase("params.at_schedule_key", key=key, problem=problem)
            for problem in _problems_of_target(part, nested=True)
        )
        kinds |= {kind for kind in ("at_least", "at_most", "between") if getattr(part, kind) is not None}
        if part.schedule is not None:
            yield Phrase("params.schedule_nested", key=key)
        try:
            period = Period.parse(key)
        except InputError as fault:
            yield Phrase("params.at_schedule", problem=fault)
            continue
        for other in periods:
            if other.start < period.end and period.start < other.end:
                yield Phrase("params.schedule_overlap", other=other, period=period)
        periods.append(period)
    if len(kinds) > 1:
        yield Phrase("params.schedule_kinds", kinds=", ".join(sorted(kinds)))


def _problems_of_shares(entry: Entry) -> Iterator[str]:
    """Percent signs of numbers that are no shares, and more than 100 % of a bounded share."""
    for key, amount in entry.target.amounts():
        if isinstance(amount, Percent) and entry.unit is not Unit.SHARE:
            fields = {"key": key, "kpi": entry.kpi, "unit": str(entry.unit), "found": amount * 100}
            yield Phrase("params.no_percent", **fields)
        if entry.definition.bounded and entry.as_ == "value" and amount > 1 and not key.endswith("worst"):
            yield Phrase("params.over_share", key=key, kpi=entry.kpi, found=amount * 100)


def large_shares(people: Mapping[str, Specialist]) -> Iterator[str]:
    """Warnings about shares over 1 without a percent sign: 10 is most likely meant as 10 %."""
    for person in people.values():
        for number, entry in enumerate(person.kpis, start=1):
            for key, amount in entry.target.amounts():
                if entry.unit is Unit.SHARE and amount > 1 and not isinstance(amount, Percent):
                    yield (
                        Phrase(
                            "params.large_share",
                            file=person.id,
                            number=number,
                            kpi=entry.kpi,
                            key=key,
                            amount=amount,
                            percent=amount * 100,
                        )
                    )


def unknown_names(
    department: Department, people: Mapping[str, Specialist], broken: Mapping[str, tuple[str, ...]]
) -> Iterator[str]:
    """Warnings about directors and absences that name unknown specialists, and titles of unknown brands."""
    existing = [*people, *broken]
    brands = dict.fromkeys(brand for person in people.values() for brand in person.brands)
    for brand in department.brands:
        if brand not in brands and not broken:
            yield Phrase("params.no_brand", brand=brand, hint=did_you_mean(brand, brands))
    for director in department.directors:
        for name in director.specialists or ():
            if name not in existing:
                hint = did_you_mean(name, existing)
                yield Phrase("params.director_of", id=director.id, name=name, hint=hint)
    for person in people.values():
        for absence in person.absences:
            if absence.deputy is not None and absence.deputy not in existing:
                hint = did_you_mean(absence.deputy, existing)
                yield Phrase("params.deputy", file=f"{person.id}.yml", name=absence.deputy, hint=hint)


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
                    yield Phrase("params.shared_kpi", first=other, second=name, kpi=kpi, account=account)
