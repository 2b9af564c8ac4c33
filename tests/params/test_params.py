"""Params: what is read, what is refused in which words, what is only warned of."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from builders import write_params

from kpi_kit.core.errors import InputError, KitError
from kpi_kit.core.model import Unit
from kpi_kit.core.periods import Grain, Period
from kpi_kit.core.yaml_io import read_yaml
from kpi_kit.kpis import CATALOGUE, FAMILIES
from kpi_kit.params import Params, load
from kpi_kit.params.targets import Goal, Kind, Milestone, Schedule, Scoring, Target

ROOT = Path(__file__).parents[2]
Broken = Callable[..., tuple[str, ...]]


def entry(target: Any = None, kpi: str = "leads", weight: Any = 10, **keys: Any) -> dict[str, Any]:
    return {"kpi": kpi, "target": target or {"at_least": 40}, "weight": weight, **keys}


@pytest.fixture
def broken(tmp_path: Path) -> Broken:
    """Load one specialist's file and return its problems, without the file's name."""

    def problems(*entries: Any, **keys: Any) -> tuple[str, ...]:
        given: Any = {"kpis": list(entries) or [entry()], **keys}
        params = load(write_params(tmp_path, None, {"anna": given, "ivan": {"kpis": [entry(kpi="sales")]}}))
        assert set(params.specialists) == {"ivan"} | ({"anna"} - set(params.broken)), "others stay usable"
        head = re.compile(rf"{re.escape(str(tmp_path / 'specialists' / 'anna.yml'))}(, line \d+)?: ")
        found = params.broken.get("anna", ())
        assert all(head.match(problem) and "\n" not in problem for problem in found)
        return tuple(head.sub("", problem, count=1) for problem in found)

    return problems


@pytest.fixture
def refused(tmp_path: Path) -> Callable[[Any], tuple[str, ...]]:
    """Load a department that cannot be used and return its problems, without the file's name."""

    def problems(department: Any) -> tuple[str, ...]:
        write_params(tmp_path, department, {"anna": {"kpis": [entry()]}})
        with pytest.raises(InputError) as caught:
            load(tmp_path)
        head = re.compile(rf"{re.escape(str(tmp_path / 'department.yml'))}(, line \d+)?: ")
        assert all(head.match(problem) for problem in caught.value.problems)
        return tuple(head.sub("", problem, count=1) for problem in caught.value.problems)

    return problems


def one(tmp_path: Path, *entries: Any, **keys: Any) -> Any:
    params = load(write_params(tmp_path, None, {"anna": {"kpis": list(entries) or [entry()], **keys}}))
    assert params.broken == {}
    return params.specialists["anna"]


# what is read ------------------------------------------------------------


def test_the_least_that_is_allowed(tmp_path):
    params = load(
        write_params(
            tmp_path,
            "agency: A\n",
            {"anna": "name: Анна\nkpis: [{kpi: leads, target: {at_least: 1}, weight: 1}]\n"},
        )
    )
    department, anna = params.department, params.specialists["anna"]
    # the defaults of the design
    assert (department.agency, department.language, department.timezone) == ("A", "ru", "Europe/Moscow")
    assert department.zone == ZoneInfo("Europe/Moscow")
    assert department.currency == "RUB"
    assert (department.history.periods, department.history.weeks) == (13, 104)
    assert (department.response.sla_hours, department.response.calendar) == (24, "always")
    assert (department.response.hours, department.response.country) == ((10, 19), "RU")
    assert (department.posts.settle_days, department.posts.on_time_tolerance_hours) == (7, 1)
    assert department.coverage.minimum == 0.9
    assert department.scoring.curve() == Scoring(0.8, 0.5, 1.2, "reweight")
    assert (department.directors, department.mail) == ((), None)
    assert (anna.id, anna.name, anna.email, anna.accounts, anna.brands) == ("anna", "Анна", None, (), ())
    assert (anna.duties, anna.bonus, anna.absences) == ((), None, ())
    assert (params.broken, params.warnings) == ({}, ())


DESIGN_DEPARTMENT = """
agency: Агентство «Маяк»
language: ru
timezone: Europe/Moscow
currency: RUB
history: {periods: 13, weeks: 104}
response: {sla_hours: 24, calendar: always}
posts: {settle_days: 7, on_time_tolerance_hours: 1}
coverage: {minimum: 0.9}
scoring: {threshold: 0.8, payout_at_threshold: 0.5, cap: 1.2, not_assessable: reweight}  # or zero, hold
directors:
  - {id: director, name: Ольга Смирнова, email: director@agency.example, specialists: all}
mail: {sender: kpi@agency.example}       # the server comes from the environment, never from a file
"""
DESIGN_SPECIALIST = """
name: Анна Петрова
email: anna@agency.example
duties: [audience, engagement, content, response, sales]
accounts:
  - vk-roastery
  - {account: tg-roastery, since: 2025-03-01}
brands: [roastery]
kpis:
  - {kpi: subscriber_gain, target: {at_least: 1000}, weight: 20}
  - kpi: subscribers
    target: {at_least: 35000, by: 2025-12-31, from: {value: 28000, on: 2024-12-31}}
    weight: 15
  - {kpi: churn_rate, target: {at_most: 3%, worst: 6%}, weight: 10}
  - {kpi: view_rate, target: {between: [25%, 60%]}, weight: 10}
  - {kpi: likes, as: growth, target: {at_least: 10%}, weight: 10}
  - {kpi: leads, target: {schedule: {2025-09: {at_least: 40}, 2025-10: {at_least: 55}}}, weight: 20}
  - {kpi: response_rate, target: {at_least: 100%, worst: 80%}, weight: 15}
  - {kpi: subscribers, platforms: [telegram], as: change, target: {at_least: 300, per: month}, weight: 5}
bonus: {share_of_sales: 2%, cap: 30000}
absences: [{since: 2025-07-14, until: 2025-07-28, deputy: ivan-kuznetsov}]    # no reason is stored
"""


def test_the_files_of_the_design(tmp_path):
    people = {"anna-petrova": DESIGN_SPECIALIST, "ivan-kuznetsov": {"kpis": [entry()]}}
    params = load(write_params(tmp_path, DESIGN_DEPARTMENT, people))
    assert (params.broken, params.warnings) == ({}, ())
    anna = params.specialists["anna-petrova"]
    assert [held.account for held in anna.accounts] == ["vk-roastery", "tg-roastery"]
    assert anna.accounts[0].window == (dt.date.min, dt.date.max)
    assert anna.accounts[1].window == (dt.date(2025, 3, 1), dt.date.max)
    assert [asked.target.ask() for asked in anna.kpis] == [
        Goal(Target(Kind.AT_LEAST, 1000.0, 0.0), Grain.MONTH),
        Milestone(Kind.AT_LEAST, 35000.0, dt.date(2025, 12, 31), 28000.0, dt.date(2024, 12, 31)),
        Goal(Target(Kind.AT_MOST, 0.03, 0.06)),
        Goal(Target(Kind.BETWEEN, (0.25, 0.6), None)),
        Goal(Target(Kind.AT_LEAST, 0.1, 0.0)),
        Schedule(
            {
                Period.parse("2025-09"): Target(Kind.AT_LEAST, 40.0, 0.0),
                Period.parse("2025-10"): Target(Kind.AT_LEAST, 55.0, 0.0),
            }
        ),
        Goal(Target(Kind.AT_LEAST, 1.0, 0.8)),
        Goal(Target(Kind.AT_LEAST, 300.0, 0.0), Grain.MONTH),
    ]
    assert [asked.weight for asked in anna.kpis] == [20, 15, 10, 10, 10, 20, 15, 5]
    assert anna.kpis[7].scope == {"platforms": ["telegram"]}
    assert anna.kpis[0].scope is None
    assert (anna.bonus.share_of_sales, anna.bonus.cap) == (0.02, 30000)
    assert [(person.id, absence.since) for person, absence in params.deputised("ivan-kuznetsov")] == [
        ("anna-petrova", dt.date(2025, 7, 14))
    ]
    assert list(params.deputised("anna-petrova")) == []
    assert params.department.directors[0].specialists is None
    assert params.file_of("anna-petrova") == tmp_path / "specialists" / "anna-petrova.yml"


def test_the_params_of_the_repository_are_sound():
    params = load(ROOT / "params")
    assert params.broken == {}
    assert len(params.specialists) == 6


def test_params_are_frozen(tmp_path):
    anna = one(tmp_path)
    with pytest.raises(ValueError, match="frozen"):
        anna.name = "B"
    with pytest.raises(AttributeError):
        load(tmp_path).folder = tmp_path  # type: ignore[misc]


@pytest.mark.parametrize(
    ("written", "share"),
    [
        ("3%", 0.03),
        ("3 %", 0.03),
        ("3\u00a0%", 0.03),
        ("0,5%", 0.005),
        ("0.5%", 0.005),
        ("7%", 0.07),
        ("29%", 0.29),
        (0.03, 0.03),
        (1, 1.0),
        ("100%", 1.0),
    ],
)
def test_shares_with_and_without_percent(tmp_path, written, share):
    anna = one(tmp_path, entry({"at_least": written}, kpi="response_rate"))
    found = anna.kpis[0].target.ask().target.value
    assert found == share
    assert type(found) is float


def test_all_kinds_are_amounts_that_know_their_defaults(tmp_path):
    anna = one(
        tmp_path,
        entry({"at_most": 5}, kpi="unsubscribed"),
        entry({"at_most": 0, "worst": 4}, kpi="median_response_time"),
        entry({"at_least": -5, "worst": -10}, kpi="subscriber_gain"),
        entry({"at_least": 100, "per": "week"}, kpi="views"),
        entry({"between": [10, 20], "per": "quarter"}, kpi="posts_published"),
        entry(
            {"at_most": 2, "by": "2025-12-31", "from": {"value": 6, "on": "2025-10-31"}}, kpi="subscribers"
        ),
    )
    assert [asked.target.ask() for asked in anna.kpis] == [
        Goal(Target(Kind.AT_MOST, 5.0, 10.0)),
        Goal(Target(Kind.AT_MOST, 0.0, 4.0)),
        Goal(Target(Kind.AT_LEAST, -5.0, -10.0)),
        Goal(Target(Kind.AT_LEAST, 100.0, 0.0), Grain.WEEK),
        Goal(Target(Kind.BETWEEN, (10.0, 20.0), None), Grain.QUARTER),
        Milestone(Kind.AT_MOST, 2.0, dt.date(2025, 12, 31), 6.0, dt.date(2025, 10, 31)),
    ]


def test_ids_that_yaml_takes_for_numbers_stay_text(tmp_path):
    anna = one(tmp_path, entry(accounts=[12345]), accounts=[12345, {"account": 678}], brands=[7])
    assert [held.account for held in anna.accounts] == ["12345", "678"]
    assert anna.brands == ("7",)
    assert anna.kpis[0].accounts == ("12345",)


@pytest.mark.parametrize("kpi", CATALOGUE)
def test_every_kpi_can_be_asked_for(tmp_path, kpi):
    anna = one(
        tmp_path,
        entry({"between": ["1%", "2%"]} if CATALOGUE[kpi].unit is Unit.SHARE else {"between": [1, 2]}, kpi),
    )
    assert anna.kpis[0].definition is CATALOGUE[kpi]
    assert anna.kpis[0].unit is CATALOGUE[kpi].unit


ACCRUING = {
    "subscriber_gain",
    "subscriber_growth",
    "unsubscribed",
    "churn_rate",
    "views",
    "likes",
    "like_rate",
    "meaningful_comments",
    "meaningful_comment_rate",
    "leads",
    "qualified_leads",
    "sales",
    "sales_amount",
    "social_visits",
    "brand_queries",
    "brand_mentions",
    "posts_published",
}
"""By the design: sums and counts, subscriber_growth, churn_rate, like_rate, meaningful_comment_rate."""


@pytest.mark.parametrize("kpi", CATALOGUE)
def test_which_targets_accrue(tmp_path, kpi):
    rows = [entry({"at_least": 0.1}, kpi), entry({"at_least": 0.1}, kpi, **{"as": "change"})]
    value, change, growth = one(tmp_path, *rows, entry({"at_least": "5%"}, kpi, **{"as": "growth"})).kpis
    assert value.accruing is (kpi in ACCRUING)
    assert change.accruing is (kpi in ACCRUING or kpi == "subscribers"), "the change of a level accrues"
    assert growth.accruing is False
    assert growth.unit is Unit.SHARE


# YAML ------------------------------------------------------------


def test_yaml_is_1_2(tmp_path):
    file = tmp_path / "a.yml"
    file.write_text(
        "on: off\nyes: no\nmonth: 2025-09\nday: 2025-10-01\noctal: 010\nbase60: 12:30\n", encoding="utf-8"
    )
    assert read_yaml(file) == {
        "on": "off",
        "yes": "no",
        "month": "2025-09",
        "day": dt.date(2025, 10, 1),
        "octal": 10,
        "base60": "12:30",
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("a: 1\nb: 2\na: 3\n", [", line 3", "duplicate key", '"a"'], id="a key twice"),
        pytest.param(
            "a: 1\nb: {c: 1, c: 2}\n", [", line 2", "duplicate key", '"c"'], id="a nested key twice"
        ),
        pytest.param("a: [1, 2\n", [", line 2"], id="an open bracket"),
        pytest.param("a: 1\n\tb: 2\n", [", line 2"], id="a tab"),
        pytest.param("a: !!python/object/apply:os.getcwd []\n", [", line 1"], id="code"),
        pytest.param("a: 2025-02-30\n", [", line 1", "2025-02-30"], id="a day that is not"),
        pytest.param("--- 1\n--- 2\n", [], id="two documents"),
    ],
)
def test_yaml_that_cannot_be_read_names_file_and_line(tmp_path, text, said):
    file = tmp_path / "a.yml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(KitError) as caught:
        read_yaml(file)
    (problem,) = caught.value.problems
    assert problem.startswith(str(file))
    assert "\n" not in problem
    assert all(part in problem for part in said)


def test_bytes_that_are_no_utf_8(tmp_path):
    file = tmp_path / "a.yml"
    file.write_bytes("name: Анна\n".encode("cp1251"))
    with pytest.raises(KitError, match="UTF-8"):
        read_yaml(file)


# the folder ------------------------------------------------------------


def test_no_folder_at_all_is_one_problem(tmp_path):
    with pytest.raises(InputError) as caught:
        load(tmp_path / "nowhere")
    assert caught.value.problems == (f"{tmp_path / 'nowhere' / 'department.yml'}: this file is missing",)


def test_an_empty_folder_is_two_problems(tmp_path):
    with pytest.raises(InputError) as caught:
        load(tmp_path)
    assert caught.value.problems == (
        f"{tmp_path / 'department.yml'}: this file is missing",
        f"{tmp_path / 'specialists'}: at least one <id>.yml is expected, found none",
    )


def test_one_fault_leaves_the_others_usable(tmp_path):
    people = {"anna": "kpis: [", "ivan": {"kpis": [entry()]}, "olga": "", "petr": "- list\n"}
    params = load(write_params(tmp_path, None, people))
    assert set(params.specialists) == {"ivan"}
    assert set(params.broken) == {"anna", "olga", "petr"}
    assert "keys with values are expected, found nothing" in params.broken["olga"][0]
    assert "keys with values are expected, found a list" in params.broken["petr"][0]


def test_a_department_that_is_broken_stops_the_run_and_everything_is_said_at_once(tmp_path):
    people = {"anna": {"kpis": [entry(weight=0)]}, "ivan": {"kpis": [entry()]}}
    write_params(tmp_path, {"langage": "ru"}, people)
    with pytest.raises(InputError) as caught:
        load(tmp_path)
    department, anna = caught.value.problems
    assert (
        department == f"{tmp_path / 'department.yml'}, line 1: langage: unknown key; did you mean language?"
    )
    assert anna.startswith(f"{tmp_path / 'specialists' / 'anna.yml'}, line ")


@pytest.mark.parametrize(
    "name",
    [
        *("index", "manifest", "backtest", "Index", "-x", ".x", "a b", "a+b", "x" * 101, "щ" * 101),
        *(
            "con",
            "NUL",
            "com1",
            "lpt9.x",
            "a.",
            "anna.failed",
            "a\u202eb",
            "a\nb",
            "\N{GOTHIC LETTER AHSA}" * 51,
        ),
    ],
)
def test_ids_that_no_specialist_can_have(tmp_path, name):
    params = load(write_params(tmp_path, None, {name: {"kpis": [entry()]}, "ivan": {"kpis": [entry()]}}))
    assert set(params.specialists) == {"ivan"}
    (problem,) = params.broken[name]
    assert " ".join(f"{name}.yml".splitlines()) in problem  # a sentence is one line
    assert "cannot be a specialist's id" in problem


@pytest.mark.parametrize("other", ["Anna", "ANNA"])
def test_ids_that_some_disks_take_for_one_are_both_refused(tmp_path, other):
    params = load(write_params(tmp_path, None, {n: {"kpis": [entry()]} for n in ("anna", other, "ivan")}))
    assert set(params.specialists) == {"ivan"}
    assert set(params.broken) == {"anna", other}
    assert all("cannot keep" in problem for (problem,) in params.broken.values())


@pytest.mark.parametrize("name", ["a", "anna-petrova", "anna_2", "a.b", "анна-петрова", "7"])
def test_ids_that_a_specialist_can_have(tmp_path, name):
    params = load(write_params(tmp_path, None, {name: {"kpis": [entry()]}}))
    assert params.specialists[name].id == name


def test_an_id_is_the_name_of_the_file(broken):
    assert broken(id="anna") == ("id: unknown key; the id of a specialist is the name of the file",)


def test_other_endings_are_warned_of(tmp_path):
    write_params(tmp_path, None, {"anna": {"kpis": [entry()]}})
    (tmp_path / "specialists" / "ivan.yaml").write_text("name: I\n")
    (tmp_path / "specialists" / "notes.txt").write_text("x")
    (warning,) = load(tmp_path).warnings
    assert "ivan.yaml" in warning and "<id>.yml" in warning


# the department ------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        # unknown keys, at every level, with the nearest name or all of them
        ({"agncy": 1}, "agncy: unknown key; did you mean agency?"),
        (
            {"kpis": []},
            "kpis: unknown key; allowed: agency, alerts, audience, brand, brands, coverage, currency, "
            "directors, history, language, mail, posts …",
        ),
        ({"history": {"perods": 3}}, "history.perods: unknown key; did you mean periods?"),
        ({"response": {"calender": "always"}}, "response.calender: unknown key; did you mean calendar?"),
        ({"posts": {"setle_days": 1}}, "posts.setle_days: unknown key; did you mean settle_days?"),
        ({"coverage": {"min": 1}}, "coverage.min: unknown key; did you mean minimum?"),
        ({"scoring": {"treshold": 1}}, "scoring.treshold: unknown key; did you mean threshold?"),
        ({"mail": {"sender": "a@b", "server": "x"}}, "mail.server: unknown key; did you mean sender?"),
        (
            {"directors": [{"id": "a", "name": "A", "email": "a@b", "specialist": "all"}]},
            "directors, entry 1, specialist: unknown key; did you mean specialists?",
        ),
        # missing
        ({"mail": {}}, "mail.sender: this key is missing"),
        ({"directors": [{"id": "a", "name": "A"}]}, "directors, entry 1, email: this key is missing"),
        # closed lists
        ({"language": "de"}, "language: found 'de'; allowed: en, ru"),
        ({"language": "eng"}, "language: found 'eng'; did you mean en?"),
        ({"response": {"calendar": "busines"}}, "response.calendar: found 'busines'; did you mean business?"),
        (
            {"scoring": {"not_assessable": "nul"}},
            "scoring.not_assessable: found 'nul'; allowed: hold, reweight, zero",
        ),
        (
            {"timezone": "Europe/Moskow"},
            "timezone: 'Europe/Moskow' is not a time zone; did you mean Europe/Moscow?",
        ),
        # shapes
        (
            {"directors": [{"id": "a", "name": "A", "email": "a@b", "specialists": "anna"}]},
            "directors, entry 1, specialists: a list is expected, found 'anna'; write [anna]",
        ),
        ({"directors": "olga"}, "directors: a list is expected, found 'olga'"),
        ({"history": 13}, "history: keys with values are expected, found 13"),
        # between keys
        (
            {"response": {"hours": [19, 10]}},
            "response.hours: the first hour must be before the second, found [19, 10]",
        ),
        (
            {"response": {"hours": [9, 9]}},
            "response.hours: the first hour must be before the second, found [9, 9]",
        ),
        (
            {"response": {"country": "Россия"}},
            "response.country: expected a country's code such as RU, found 'Россия'",
        ),
        (
            {"response": {"hours": {"mon-fri": [10, 19], "wed": [11, 12]}}},
            "response.hours: expected one entry a weekday, found several for wed",
        ),
        (
            {"response": {"hours": {"sat": [16, 11]}}},
            "response.hours.sat: the first hour must be before the second, found [16, 11]",
        ),
        (
            {"response": {"days": {"2025-12-31": [12, 12]}}},
            "response.days.2025-12-31: the first hour must be before the second, found [12, 12]",
        ),
        (
            {"directors": [{"id": "a", "name": "A", "email": "a@b"}] * 2},
            "directors, entry 2 (a): the id is given twice",
        ),
    ],
)
def test_department_refusals(refused, keys, said):
    assert refused(keys) == (said,)


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("history.periods", [1, 0, 121, 2.5, "many"]),
        ("history.weeks", [-1, 521]),
        ("response.sla_hours", [0, -1, float("nan"), float("inf"), "day"]),
        ("posts.settle_days", [-1, float("nan"), float("inf")]),
        ("posts.on_time_tolerance_hours", [-0.5, float("inf")]),
        ("coverage.minimum", [-0.1, 1.1, "110%", float("nan")]),
        ("scoring.threshold", [0, -0.1, 1.01, "101%", "high", True, float("nan")]),
        ("scoring.payout_at_threshold", [-0.1, 1.1]),
        ("scoring.cap", [0.99, "99%", float("nan"), float("inf")]),
    ],
)
def test_department_numbers_out_of_range_are_refused_by_key(refused, key, values):
    head, _, tail = key.partition(".")
    for value in values:
        (problem,) = refused({head: {tail: value}})
        assert problem.startswith(f"{key}: ")
        assert problem.endswith(f"found {value!r}")


@pytest.mark.parametrize("key", ["currency", "agency", "timezone"])
@pytest.mark.parametrize("value", ["", 5, None, ["RUB"]])
def test_department_texts(refused, key, value):
    (problem,) = refused({"agency": "A", key: value})
    assert problem.startswith(f"{key}: ")
    assert problem.endswith("found nothing" if value is None else f"found {value!r}")


@pytest.mark.parametrize("value", ["rub", "RUBLE", "₽", "RU"])
def test_a_currency_is_three_capitals(refused, value):
    (problem,) = refused({"currency": value})
    assert problem.startswith("currency: ") and problem.endswith(f"found {value!r}")


BRANDS = [
    ({"colour": "#000000"}, ("brand.colour: unknown key",)),
    ("red", ("brand: keys with values are expected, found 'red'",)),
    (
        {"accent": None},
        (
            'brand.accent: a colour in quotation marks such as "#1b5a96" is expected, found nothing '
            "(without quotation marks # begins a comment)",
        ),
    ),
    (
        {"accent": "red", "logo": "logo.gif"},
        (
            "brand.accent: a colour in quotation marks such as \"#1b5a96\" is expected, found 'red'",
            "brand.logo: expected one of .png, .svg, .jpg, .jpeg, .webp, found 'logo.gif'",
        ),
    ),
    # pure yellow is 1.07 : 1 against white, by the definition of WCAG
    (
        {"accent": "#FFFF00"},
        ("brand.accent: a contrast of at least 4.5 against white is needed, found 1.07 of '#FFFF00'",),
    ),
]


@pytest.mark.parametrize(("brand", "said"), BRANDS)
def test_a_brand_that_cannot_be_used(refused, brand, said):
    found = refused({"agency": "A", "brand": brand})
    assert len(found) == len(said)
    assert all(problem.startswith(start) for problem, start in zip(found, said, strict=True))


def test_a_brand_is_optional_and_so_is_each_part_of_it(tmp_path):
    for brand in ({}, {"brand": {}}, {"brand": {"accent": "#0B6B50"}}):
        params = load(write_params(tmp_path, {"agency": "A", **brand}, {"anna": {"kpis": [entry()]}}))
        assert params.department.brand.logo is None
    assert params.department.brand.accent == "#0B6B50"


def test_everything_wrong_with_a_department_is_said_at_once(refused):
    found = refused(
        "agncy: A\nlanguage: fr\ntimezone: Moscow\nscoring: {cap: 0.5, threshold: 2}\n"
        "response: {hours: [5, 3]}\ndirectors: [{id: d, name: D, email: d@b}, {id: d, name: D, email: d@b}]\n"
    )
    heads = sorted(problem.split(":")[0] for problem in found)
    assert heads == [
        "agency",
        "agncy",
        "directors, entry 2 (d)",
        "language",
        "response.hours",
        "scoring.cap",
        "scoring.threshold",
        "timezone",
    ]


@pytest.mark.parametrize("written", ["80%", 0.8, "80 %"])
def test_scoring_may_be_written_in_percent(tmp_path, written):
    scoring = {"threshold": written, "payout_at_threshold": "50%", "cap": "120%", "not_assessable": "hold"}
    write_params(
        tmp_path, {"scoring": scoring, "coverage": {"minimum": "75%"}}, {"anna": {"kpis": [entry()]}}
    )
    department = load(tmp_path).department
    assert department.scoring.curve() == Scoring(0.8, 0.5, 1.2, "hold")
    assert department.coverage.minimum == 0.75


# specialists: shape ------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"nmae": 1}, ["nmae: unknown key; did you mean name?"]),
        (
            {"agency": "A"},
            ["agency: unknown key; allowed: absences, accounts, bonus, brands, duties, email, kpis"],
        ),
        ({"name": ""}, ["name: a text is expected, found ''"]),
        ({"kpis": []}, ["kpis: at least one entry is expected, found none"]),
        ({"kpis": {}}, ["kpis: a list is expected, found {}"]),
        ({"kpis": ["leads"]}, ["kpis, entry 1: keys with values are expected, found 'leads'"]),
        ({"duties": ["sails"]}, ["duties, entry 1: found 'sails'; did you mean sales?"]),
        ({"duties": ["zzz"]}, ["duties, entry 1: found 'zzz'; allowed: " + ", ".join(sorted(FAMILIES))]),
        ({"accounts": [{"account": "a", "form": "2025-01-01"}]}, ["accounts, entry 1, form: unknown key"]),
        ({"accounts": [{"since": "2025-01-01"}]}, ["accounts, entry 1, account: this key is missing"]),
        ({"accounts": [{"account": "a", "since": "March"}]}, ["accounts, entry 1, since: ", "found 'March'"]),
        (
            {"accounts": [{"account": "a", "since": "2025-03-01", "until": "2025-03-01"}]},
            ["accounts, entry 1 (a): since 2025-03-01 must be before until 2025-03-01"],
        ),
        ({"accounts": ["a", "b", "a"]}, ["accounts, entry 3 (a): given twice for the same days"]),
        ({"bonus": {"cap": 5}}, ["bonus.share_of_sales: this key is missing"]),
        ({"bonus": {"share_of_sales": 0}}, ["bonus.share_of_sales: ", "found 0"]),
        ({"bonus": {"share_of_sales": "200%"}}, ["bonus.share_of_sales: ", "found '200%'"]),
        ({"bonus": {"share_of_sales": "2%", "cap": -1}}, ["bonus.cap: ", "found -1"]),
        ({"absences": [{"since": "2025-07-14"}]}, ["absences, entry 1, until: this key is missing"]),
        (
            {"absences": [{"since": "2025-07-14", "until": "2025-07-14"}]},
            ["absences, entry 1: since 2025-07-14 must be before until 2025-07-14"],
        ),
        (
            {"absences": [{"since": "2025-07-14", "until": "2025-07-15", "reason": "ill"}]},
            ["absences, entry 1, reason: unknown key"],
        ),
        (
            {"absences": [{"since": "2025-07-14", "until": "2025-07-15", "deputy": "anna"}]},
            ["absences, entry 1: deputy: nobody can stand in for themselves"],
        ),
    ],
)
def test_specialist_refusals(broken, keys, said):
    (problem,) = broken(**keys)
    assert problem.startswith(said[0])
    assert all(part in problem for part in said)


def test_an_account_may_come_back(tmp_path):
    """Two windows of one account that do not meet are fine; ``until`` is exclusive."""
    anna = one(
        tmp_path,
        accounts=[
            {"account": "vk-a", "until": "2025-03-01"},
            {"account": "vk-a", "since": "2025-03-01", "until": "2025-06-01"},
        ],
    )
    assert [held.window for held in anna.accounts] == [
        (dt.date.min, dt.date(2025, 3, 1)),
        (dt.date(2025, 3, 1), dt.date(2025, 6, 1)),
    ]


# specialists: entries ------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "said"),
    [
        # names
        (
            entry(kpi="chrun_rate"),
            "entry 1 (chrun_rate): kpi: there is no KPI 'chrun_rate'; did you mean churn_rate?",
        ),
        (
            entry(kpi="zzz"),
            "entry 1 (zzz): kpi: there is no KPI 'zzz'; allowed: brand_mentions, brand_queries, churn_rate",
        ),
        (entry(wieght=1), "entry 1 (leads), wieght: unknown key; did you mean weight?"),
        (entry(**{"as": "chnge"}), "entry 1 (leads), as: found 'chnge'; did you mean change?"),
        (entry(versus="last"), "entry 1 (leads), versus: found 'last'; allowed: previous, year_ago"),
        (
            entry(platforms=["telegrm"]),
            "entry 1 (leads), platforms, entry 1: found 'telegrm'; did you mean telegram?",
        ),
        (
            entry(accounts=["vk-b"]),
            "entry 1 (leads): accounts: vk-b is not among this person's accounts; did you mean vk-a?",
        ),
        (
            entry(kpi="brand_mentions", brands=["roastry"]),
            "entry 1 (brand_mentions): brands: roastry is not among this person's brands; "
            "did you mean roastery?",
        ),
        (entry(accounts=[]), "entry 1 (leads), accounts: at least one entry is expected, found none"),
        # missing
        ({"kpi": "leads", "weight": 1}, "entry 1 (leads), target: this key is missing"),
        ({"kpi": "leads", "target": {"at_least": 1}}, "entry 1 (leads), weight: this key is missing"),
        ({"target": {"at_least": 1}, "weight": 1}, "entry 1, kpi: this key is missing"),
        # weights
        (entry(weight=0), "entry 1 (leads): weight: expected a number over 0, found 0"),
        (entry(weight=-5), "entry 1 (leads): weight: expected a number over 0, found -5"),
        (entry(weight="10%"), "entry 1 (leads): weight: expected a number over 0"),
        (
            entry(weight="much"),
            "entry 1 (leads), weight: expected a number, e.g. 40, or a share, e.g. 3%, found 'much'",
        ),
        (entry(weight=True), "entry 1 (leads), weight: expected a number"),
        (entry(weight=float("nan")), "entry 1 (leads), weight: expected a number"),
        (entry(weight=float("inf")), "entry 1 (leads), weight: expected a number"),
        # what goes together
        (entry(versus="year_ago"), "entry 1 (leads): versus: year_ago goes with as: change or as: growth"),
        (
            entry(kpi="brand_mentions", accounts=["vk-a"]),
            "entry 1 (brand_mentions): accounts and platforms cannot narrow",
        ),
        (
            entry(kpi="brand_queries", platforms=["vk"]),
            "entry 1 (brand_queries): accounts and platforms cannot narrow",
        ),
        (
            entry(brands=["roastery"]),
            "entry 1 (leads): brands: cannot narrow a KPI of accounts; allowed: accounts, platforms",
        ),
        (entry(sentiment=["positive"]), "entry 1 (leads): sentiment: goes with brand_mentions only"),
        (
            entry(kpi="brand_mentions", sentiment=["negativ"]),
            "entry 1 (brand_mentions), sentiment, entry 1: found 'negativ'; did you mean negative?",
        ),
    ],
)
def test_entry_refusals(broken, row, said):
    (problem,) = broken(row, brands=["roastery"])
    assert problem.startswith(f"kpis, {said}")


REFUSED_TARGETS = [
    # kpi, target, what is said after "target: " or "target."
    ("leads", {}, "expected exactly one of at_least, at_most, between, schedule, found none"),
    ("leads", {"worst": 5}, "expected exactly one of at_least, at_most, between, schedule, found none"),
    ("leads", {"at_least": 1, "at_most": 2}, "expected exactly one of"),
    ("leads", {"at_least": 1, "between": [1, 2]}, "expected exactly one of"),
    ("leads", {"at_leest": 1}, "at_leest: unknown key; did you mean at_least?"),
    ("leads", 40, "keys with values are expected, found 40"),
    (
        "leads",
        {"at_least": "forty"},
        "at_least: expected a number, e.g. 40, or a share, e.g. 3%, found 'forty'",
    ),
    ("leads", {"at_least": float("nan")}, "at_least: expected a number"),
    ("leads", {"at_least": float("inf")}, "at_least: expected a number"),
    ("leads", {"at_least": 5, "per": "day"}, "per: found 'day'; allowed: month, quarter, week, year"),
    ("leads", {"at_least": 5, "per": "moth"}, "per: found 'moth'; did you mean month?"),
    # target <= base
    ("leads", {"at_least": 0}, "at_least: must be over its base (0"),
    ("leads", {"at_least": -3}, "at_least: must be over its base (0"),
    ("leads", {"at_least": 5, "worst": 5}, "at_least: must be over its base (worst 5), found 5"),
    ("leads", {"at_least": 5, "worst": 6}, "at_least: must be over its base (worst 6), found 5"),
    ("churn_rate", {"at_most": "3%", "worst": "3%"}, "worst: must be over at_most 0.03, found 0.03"),
    ("churn_rate", {"at_most": "3%", "worst": "2%"}, "worst: must be over at_most 0.03, found 0.02"),
    ("churn_rate", {"at_most": 0}, "worst: is needed where at_most is not over 0, found at_most 0"),
    ("subscriber_gain", {"at_most": -1}, "worst: is needed where at_most is not over 0, found at_most -1"),
    # bands
    ("views", {"between": [5, 5]}, "between: the first bound must be under the second, found [5, 5]"),
    ("views", {"between": [6, 5]}, "between: the first bound must be under the second, found [6, 5]"),
    ("views", {"between": [5]}, "between, entry 2: this entry is missing"),
    ("views", {"between": [1, 2, 3]}, "between: at most 2 entries are expected, found [1, 2, 3]"),
    ("views", {"between": 5}, "between: a list is expected, found 5"),
    ("views", {"between": [1, 2], "worst": 0}, "worst: not allowed with between"),
    ("views", {"between": [1, 2], "by": "2025-12-31"}, "by: not allowed with between"),
    # milestones
    ("subscribers", {"at_least": 5, "by": "2025-12-31"}, "by and from go together"),
    ("subscribers", {"at_least": 5, "from": {"value": 1, "on": "2025-01-01"}}, "by and from go together"),
    (
        "subscribers",
        {"at_least": 5, "by": "2025-12-31", "from": {"value": 1}},
        "from.on: this key is missing",
    ),
    (
        "subscribers",
        {"at_least": 5, "by": "2025-12-31", "from": {"value": 1, "on": "2025-12-31"}},
        "from.on: must be before by 2025-12-31, found 2025-12-31",
    ),
    (
        "subscribers",
        {"at_least": 5, "by": "2025-12-31", "from": {"value": 1, "on": "2026-01-01"}},
        "from.on: must be before by 2025-12-31, found 2026-01-01",
    ),
    (
        "subscribers",
        {"at_least": 5, "by": "2025-12-31", "from": {"value": 5, "on": "2025-01-01"}},
        "at_least: must be over from.value 5, found 5",
    ),
    (
        "subscribers",
        {"at_most": 5, "by": "2025-12-31", "from": {"value": 5, "on": "2025-01-01"}},
        "at_most: must be under from.value 5, found 5",
    ),
    (
        "subscribers",
        {"at_least": 5, "worst": 1, "by": "2025-12-31", "from": {"value": 2, "on": "2025-01-01"}},
        "worst: not allowed with from, whose value is the base",
    ),
    (
        "subscribers",
        {"at_most": 5, "worst": 8, "by": "2025-12-31", "from": {"value": 9, "on": "2025-01-01"}},
        "worst: not allowed with from, whose value is the base",
    ),
    (
        "subscribers",
        {"at_least": 5, "per": "year", "by": "2025-12-31", "from": {"value": 1, "on": "2025-01-01"}},
        "per: not allowed with by",
    ),
    # schedules
    ("leads", {"schedule": {}}, "schedule: at least one period is expected, found none"),
    ("leads", {"schedule": [1]}, "schedule: keys with values are expected, found [1]"),
    (
        "leads",
        {"schedule": {"2025-13": {"at_least": 1}}},
        "schedule: period '2025-13': there is no such period",
    ),
    ("leads", {"schedule": {"October": {"at_least": 1}}}, "schedule: period 'October': expected a month"),
    (
        "leads",
        {"schedule": {dt.date(2025, 10, 1): {"at_least": 1}}},
        "schedule: period '2025-10-01': expected a month",
    ),
    (
        "leads",
        {"schedule": {"2025-10": {"at_least": 1}, "2025-Q4": {"at_least": 1}}},
        "schedule: 2025-10 and 2025-Q4 overlap",
    ),
    (
        "leads",
        {"schedule": {"2025": {"at_least": 1}, "2025-12": {"at_least": 1}}},
        "schedule: 2025 and 2025-12 overlap",
    ),
    (
        "leads",
        {"schedule": {"2025-W40": {"at_least": 1}, "2025-10": {"at_least": 1}}},
        "schedule: 2025-W40 and 2025-10 overlap",
    ),
    (
        "leads",
        {"schedule": {"2025-09": {"at_least": 1}, "2025-10": {"at_most": 1}}},
        "schedule: expected one kind of target, found at_least, at_most",
    ),
    (
        "leads",
        {"schedule": {"2025-09": {"at_least": 0}}},
        "schedule.2025-09: at_least: must be over its base",
    ),
    ("leads", {"schedule": {"2025-09": {}}}, "schedule.2025-09: expected exactly one of"),
    (
        "leads",
        {"schedule": {"2025-09": {"at_least": 1, "per": "month"}}},
        "schedule.2025-09: per: not allowed with at_least in a schedule",
    ),
    (
        "leads",
        {"schedule": {"2025-09": {"at_leest": 1}}},
        "schedule.2025-09.at_leest: unknown key; did you mean at_least?",
    ),
    (
        "leads",
        {"schedule": {"2025-09": {"schedule": {"2025-09": {"at_least": 1}}}}},
        "schedule.2025-09: a schedule cannot hold a schedule",
    ),
    ("leads", {"schedule": {"2025-09": {"at_least": 1}}, "worst": 0}, "worst: not allowed with schedule"),
    ("leads", {"schedule": {"2025-09": {"at_least": 1}}, "per": "month"}, "per: not allowed with schedule"),
    # shares
    ("response_rate", {"at_least": "101%"}, "at_least: response_rate cannot be over 100 %, found 101 %"),
    ("response_rate", {"at_least": 95}, "at_least: response_rate cannot be over 100 %, found 9500 %"),
    ("qualified_lead_rate", {"at_least": 1.01}, "at_least: qualified_lead_rate cannot be over 100 %"),
    ("plan_fulfilment", {"at_least": "110%"}, "at_least: plan_fulfilment cannot be over 100 %"),
    ("churn_rate", {"at_most": 3}, "at_most: churn_rate cannot be over 100 %, found 300 %"),
    (
        "response_rate",
        {"between": ["90%", "120%"]},
        "between: response_rate cannot be over 100 %, found 120 %",
    ),
    (
        "response_rate",
        {"schedule": {"2025-10": {"at_least": 95}}},
        "schedule.2025-10.at_least: response_rate cannot be over 100 %",
    ),
    (
        "leads",
        {"at_least": "5%"},
        "at_least: leads is measured in leads; expected a number without %, found 5%",
    ),
    ("median_response_time", {"at_most": "5%"}, "at_most: median_response_time is measured in hours"),
]


@pytest.mark.parametrize(("kpi", "target", "said"), REFUSED_TARGETS)
def test_target_refusals(broken, kpi, target, said):
    row = {"kpi": kpi, "target": target, "weight": 1}
    (problem,) = broken(row)
    where = problem.removeprefix(f"kpis, entry 1 ({kpi})")
    assert (
        where.removeprefix(": target: ").removeprefix(", target: ").removeprefix(", target.").startswith(said)
    )


@pytest.mark.parametrize(
    ("kpi", "as_", "target"),
    [
        ("response_rate", "value", {"at_least": "100%", "worst": "80%"}),
        ("churn_rate", "value", {"at_most": "100%"}),
        ("churn_rate", "value", {"at_most": 0, "worst": "5%"}),
        ("view_rate", "value", {"at_least": "150%"}),
        ("subscriber_growth", "value", {"at_least": 2}),
        ("response_rate", "growth", {"at_least": "150%"}),
        ("churn_rate", "change", {"at_most": "-1%", "worst": "1%"}),
        ("leads", "growth", {"at_least": "300%"}),
        ("leads", "value", {"schedule": {"2025-W40": {"at_least": 1}, "2025-W41": {"at_least": 2}}}),
        ("leads", "value", {"schedule": {"2025-10": {"at_least": 1}, "2025-09": {"at_least": 2}}}),
        ("leads", "value", {"schedule": {2025: {"at_least": 1}, "2026-Q1": {"at_least": 2, "worst": 1}}}),
        ("views", "value", {"between": [-1, 0]}),
        (
            "unsubscribed",
            "value",
            {"at_most": 0, "by": "2025-12-31", "from": {"value": 8, "on": "2025-01-01"}},
        ),
    ],
)
def test_targets_that_are_allowed(broken, kpi, as_, target):
    assert broken(entry(target, kpi, **{"as": as_})) == ()


def test_a_percent_sign_goes_with_growth_of_anything(tmp_path):
    (asked,) = one(tmp_path, entry({"at_least": "10%"}, "likes", **{"as": "growth"})).kpis
    assert asked.target.ask() == Goal(Target(Kind.AT_LEAST, 0.1, 0.0))


# entries are told apart by kpi, as, versus and scope ----------------------------------------


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({}, {}),
        ({}, {"standard": True, "weight": 3, "target": {"at_least": 99}}),
        ({"platforms": ["vk", "telegram"]}, {"platforms": ["telegram", "vk"]}),
        ({"accounts": ["vk-a", "tg-a"]}, {"accounts": ["tg-a", "vk-a"]}),
        ({"as": "value"}, {"versus": "previous"}),
        ({"as": "change", "versus": "year_ago"}, {"as": "change", "versus": "year_ago"}),
    ],
)
def test_two_entries_of_one_key_are_refused(broken, first, second):
    (problem,) = broken(entry() | first, entry(kpi="views"), entry() | second)
    assert (
        problem == "kpis, entry 3 (leads): the same KPI with the same as, versus and scope is entry 1 already"
    )


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({}, {"kpi": "sales"}),
        ({}, {"as": "change"}),
        ({"as": "change"}, {"as": "growth"}),
        ({"as": "change"}, {"as": "change", "versus": "year_ago"}),
        ({}, {"platforms": ["vk"]}),
        ({"platforms": ["vk"]}, {"platforms": ["telegram"]}),
        ({"platforms": ["vk"]}, {"platforms": ["vk", "telegram"]}),
        ({"accounts": ["vk-a"]}, {"platforms": ["vk"]}),
    ],
)
def test_entries_that_differ_are_allowed(broken, first, second):
    assert broken(entry() | first, entry() | second) == ()


def test_everything_wrong_with_a_file_is_said_at_once(broken):
    found = broken(
        entry(weight=0),
        entry(kpi="chrun_rate"),
        entry(kpi="views", tarjet=1),
        entry({"at_least": 5, "worst": 7}, kpi="sales", weight=-1),
        entry(kpi="likes", weight="heavy"),
        entry(),
        entry({"schedule": {"2025-10": {"at_least": 1}, "2025-Q4": {"at_least": 0}}}, kpi="posts_published"),
        nmae="x",
        absences=[{"since": "2025-07-14", "until": "2025-07-01"}],
        duties=["sails"],
        accounts=["vk-a", "vk-a"],
        bonus={"share_of_sales": "300%"},
    )
    for head in (
        "kpis, entry 1 (leads): weight: expected a number over 0",
        "kpis, entry 2 (chrun_rate): kpi: there is no KPI",
        "kpis, entry 3 (views), tarjet: unknown key",
        "kpis, entry 4 (sales): weight: expected a number over 0",
        "kpis, entry 4 (sales): target: at_least: must be over its base",
        "kpis, entry 5 (likes), weight: expected a number",
        "kpis, entry 6 (leads): the same KPI with the same as, versus and scope is entry 1 already",
        "kpis, entry 7 (posts_published): target: schedule: 2025-10 and 2025-Q4 overlap",
        "kpis, entry 7 (posts_published): target: schedule.2025-Q4: at_least: must be over its base",
        "nmae: unknown key",
        "absences, entry 1: since 2025-07-14 must be before until 2025-07-01",
        "duties, entry 1: found 'sails'",
        "accounts, entry 2 (vk-a): given twice",
        "bonus.share_of_sales: ",
    ):
        assert [problem for problem in found if problem.startswith(head)], head
    assert len(found) == 14


def test_nothing_is_held_against_keys_that_cannot_be_read(broken):
    """Accounts with a typo do not make every narrowed entry look wrong."""
    found = broken(entry(accounts=["vk-a"]), accounts=["vk-a", {"acount": "tg-a"}])
    assert len(found) == 2
    assert all(problem.startswith("accounts, entry 2, ac") for problem in found), (
        "account is missing, acount unknown"
    )


# warnings ------------------------------------------------------------


def warned(tmp_path: Path, department: Any = None, **people: Any) -> tuple[Params, tuple[str, ...]]:
    params = load(write_params(tmp_path, department, people))
    return params, params.warnings


def test_the_same_kpi_on_one_account_for_two_people_is_warned_of(tmp_path):
    anna = {"accounts": ["vk-a", "tg-a"], "kpis": [entry(), entry(kpi="views")]}
    ivan = {"accounts": ["tg-a"], "kpis": [entry(), entry(kpi="likes")]}
    params, warnings = warned(tmp_path, anna=anna, ivan=ivan)
    assert warnings == ("anna.yml and ivan.yml: both are judged by leads of the account tg-a",)
    assert set(params.specialists) == {"anna", "ivan"}


def test_each_pair_of_people_is_warned_of_once(tmp_path):
    row = {"accounts": ["vk-a"], "kpis": [entry(), entry(**{"as": "change"})]}
    _, warnings = warned(tmp_path, anna=row, ivan=row, olga=row)
    assert len(warnings) == 3
    assert len(set(warnings)) == 3


@pytest.mark.parametrize(
    ("anna", "ivan"),
    [
        pytest.param({"accounts": ["vk-a"]}, {"accounts": ["tg-a"]}, id="other accounts"),
        pytest.param({"kpis": [entry()]}, {"kpis": [entry(kpi="views")]}, id="other KPIs"),
        pytest.param(
            {"accounts": [{"account": "vk-a", "until": "2025-03-01"}]},
            {"accounts": [{"account": "vk-a", "since": "2025-03-01"}]},
            id="one after the other",
        ),
        pytest.param(
            {"kpis": [entry(accounts=["vk-a"])]},
            {"kpis": [entry(accounts=["tg-a"])]},
            id="entries narrowed to different accounts",
        ),
        pytest.param({"kpis": [entry()], "bogus": 1}, {"kpis": [entry()]}, id="one of them is broken"),
        pytest.param(
            {"brands": ["r"], "kpis": [entry(kpi="brand_mentions")]},
            {"brands": ["r"], "kpis": [entry(kpi="brand_mentions")]},
            id="a KPI of brands has no account",
        ),
    ],
)
def test_people_who_share_nothing_are_not_warned_of(tmp_path, anna, ivan):
    _, warnings = warned(tmp_path, anna={"kpis": [entry()], **anna}, ivan={"kpis": [entry()], **ivan})
    assert warnings == ()


def test_a_director_may_name_whom_we_do_not_know(tmp_path):
    director = {"id": "d", "name": "D", "email": "d@b", "specialists": ["ana", "ivan", "anna"]}
    params, warnings = warned(tmp_path, {"directors": [director]}, anna={"kpis": [entry()]}, ivan="broken: [")
    assert warnings == ("department.yml: director d: there is no specialist 'ana'; did you mean anna?",)
    assert params.department.directors[0].specialists == ("ana", "ivan", "anna")
    assert set(params.broken) == {"ivan"}


def test_a_deputy_whom_we_do_not_know_is_warned_of(tmp_path):
    absences = [{"since": "2025-07-14", "until": "2025-07-28", "deputy": "iwan"}]
    _, warnings = warned(
        tmp_path, anna={"kpis": [entry()], "absences": absences}, ivan={"kpis": [entry(kpi="views")]}
    )
    assert warnings == ("anna.yml: absences: there is no specialist 'iwan' to stand in; did you mean ivan?",)


# beyond sense -----------------------------------------------------------------------------------------------

SOUND = {"accounts": ["vk-a"], "kpis": [{"kpi": "leads", "target": {"at_least": 1}, "weight": 1}]}


@pytest.mark.parametrize(
    ("keys", "where"),
    [
        (
            {"kpis": [{"kpi": "leads", "target": {"at_least": 1e308}, "weight": 1}]},
            "entry 1 (leads), target.at_least",
        ),
        ({"kpis": [{"kpi": "leads", "target": {"at_least": 1e-300}, "weight": 1}]}, "target.at_least"),
        ({"kpis": [{"kpi": "leads", "target": {"at_least": 1}, "weight": 1e300}]}, "weight"),
        ({"kpis": [{"kpi": "leads", "target": {"at_least": 1}, "weight": 1e-300}]}, "weight"),
        (
            {
                "kpis": [
                    {
                        "kpi": "leads",
                        "weight": 1,
                        "target": {
                            "at_least": 9,
                            "by": dt.date(9999, 12, 31),
                            "from": {"value": 1, "on": dt.date(2025, 1, 1)},
                        },
                    }
                ]
            },
            "target.by",
        ),
        ({"accounts": [{"account": "vk-a", "until": dt.date(9999, 12, 31)}]}, "accounts, entry 1, until"),
        (
            {"absences": [{"since": dt.date(1, 1, 1), "until": dt.date(2025, 1, 1)}]},
            "absences, entry 1, since",
        ),
        ({"variable_pay": -5}, "variable_pay"),
        ({"bonus": {"share_of_sales": "2%", "refunds": "ignore"}}, "bonus.refunds"),
    ],
)
def test_what_is_beyond_sense_is_refused_where_it_stands_and_stops_nobody_else(
    keys: dict[str, Any], where: str, tmp_path: Path
) -> None:
    folder = write_params(tmp_path, {}, {"ann": {**SOUND, **keys}, "ben": SOUND})
    loaded = load(folder)
    assert list(loaded.specialists) == ["ben"]
    (problem,) = loaded.broken["ann"]
    assert where in problem
    assert "\n" not in problem


@pytest.mark.parametrize(
    ("keys", "where"),
    [
        ({"response": {"sla_hours": 1e12}}, "response.sla_hours"),
        ({"response": {"sla_hours": 1e-12}}, "response.sla_hours"),
        ({"posts": {"settle_days": 1e9}}, "posts.settle_days"),
        ({"posts": {"on_time_tolerance_hours": 1e9}}, "posts.on_time_tolerance_hours"),
        ({"scoring": {"cap": 1e9}}, "scoring.cap"),
        ({"audience": {"tolerance_days": 4}}, "audience.tolerance_days"),
        ({"audience": {"accept": {"vk-a": [dt.date(9999, 1, 1)]}}}, "audience.accept"),
        ({"response": {"automatic_within_seconds": 1e9}}, "response.automatic_within_seconds"),
        ({"response": {"days": {dt.date(9999, 1, 1): "off"}}}, "response.days.9999-01-01"),
    ],
)
def test_a_department_beyond_sense_is_refused_where_it_stands(
    keys: dict[str, Any], where: str, tmp_path: Path
) -> None:
    folder = write_params(tmp_path, keys, {"ben": SOUND})
    with pytest.raises(InputError) as caught:
        load(folder)
    assert where in caught.value.problems[0]


# rates ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("date,rate\n", "rates.csv: the columns date, currency, rate are expected"),
        ("date,currency,rate\n2025-10-0x,USD,80\n", "line 2: date: a day such as 2025-10-31 is expected"),
        ("date,currency,rate\n2025-10-01,usd,80\n", "line 2: currency: three capital letters"),
        ("date,currency,rate\n2025-10-01,RUB,80\n", "line 2: currency: three capital letters other than RUB"),
        ("date,currency,rate\n2025-10-01,USD,-1\n", "line 2: rate: a number over 0"),
        ("date,currency,rate\n2025-10-01,USD,nan\n", "line 2: rate: a number over 0"),
        ("date,currency,rate\n2025-10-01,USD\n", "line 2: 3 cells are expected, found 2"),
        (
            "date,currency,rate\n2025-10-01,USD,80\n2025-10-01,USD,81\n",
            "line 3: duplicate rates for this date and currency",
        ),
        ("date,currency,rate\n9999-10-01,USD,80\n", "line 2: expected a date of 1990 to 2099"),
    ],
)
def test_rates_that_cannot_be_used_are_refused(text: str, said: str, tmp_path: Path) -> None:
    folder = write_params(tmp_path, {}, {"ben": SOUND})
    (folder / "rates.csv").write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load(folder)
    assert said in caught.value.problems[0]
