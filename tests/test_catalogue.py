"""Promises that every KPI keeps, checked over the whole catalogue, and proof that these checks can fail."""

from __future__ import annotations

import ast
import inspect
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML

from kpi_kit import kpis
from kpi_kit.core.model import Kpi
from kpi_kit.kpis import CATALOGUE, FAMILIES
from kpi_kit.kpis.engine.unit_frame import Setting, Tables, UnitFrame
from kpi_kit.params.formulas import Formula
from kpi_kit.scorecard.context import Context
from kpi_kit.scorecard.entry_facts import Facts
from tests.agency import (
    COST_PER_LEAD,
    LEADS_PER_VIEWS,
    SCOPES,
    build,
    case_of,
    codes,
    cover,
    entry,
    formula,
    measure,
)

# section 4 of the design, written out again: group, id, unit, better, interval
TABLE = """
 1 subscribers             people   higher none
 1 subscriber_gain         people   higher flow
 1 subscriber_growth       share    higher flow
 2 unsubscribed            people   lower  flow
 2 churn_rate              share    lower  flow
 3 views                   views    higher posts
 3 view_rate               share    higher posts
 3 engagement_rate         share    higher posts
 4 likes                   likes    higher posts
 4 like_rate               share    higher posts
 4 meaningful_comments     comments higher counts
 4 meaningful_comment_rate share    higher counts
 5 leads                   leads    higher counts
 5 qualified_leads         leads    higher counts
 5 qualified_lead_rate     share    higher binary
 6 sales                   sales    higher counts
 6 sales_amount            money    higher flow
 7 social_visits           visits   higher flow
 8 brand_queries           queries  higher none
 9 brand_mentions          mentions higher counts
10 posts_published         posts    higher none
10 plan_fulfilment         share    higher binary
11 response_rate           share    higher binary
11 median_response_time    hours    lower  units
"""
ROWS = [line.split() for line in TABLE.strip().splitlines()]
# section 5
ACCRUING_RATES = {"subscriber_growth", "churn_rate", "like_rate", "meaningful_comment_rate"}
STANDING = {
    "subscribers", "view_rate", "engagement_rate", "qualified_lead_rate", "plan_fulfilment", "response_rate",
    "median_response_time",
}  # fmt: skip
BOUNDED = {"churn_rate", "qualified_lead_rate", "plan_fulfilment", "response_rate"}
DELEGABLE = {"plan_fulfilment", "response_rate", "median_response_time"}
# with every table covered and empty: what the KPIs that are sums say, and why the others say nothing
REASONS = {
    "subscribers": "level_unknown",
    "subscriber_gain": "gain_unknown",  # subscribers are never known by silence
    "subscriber_growth": "gain_unknown",
    "unsubscribed": "no_counts",
    "churn_rate": "no_counts",
    "view_rate": "zero_denominator",
    "engagement_rate": "zero_denominator",
    "like_rate": "mean_unknown",
    "meaningful_comment_rate": "mean_unknown",
    "qualified_lead_rate": "zero_denominator",
    "brand_queries": "not_tiled",
    "plan_fulfilment": "zero_denominator",
    "response_rate": "zero_denominator",
    "median_response_time": "no_rows",
    "cost_per_lead": "zero_denominator",
    "leads_per_views": "zero_denominator",
    "leads_per_people": "level_unknown",
    "cost_per_gain": "gain_unknown",
}
FORMULAS = [
    COST_PER_LEAD,
    LEADS_PER_VIEWS,
    formula("leads_per_people", "leads", "subscribers", per=1000),
    formula("cost_per_gain", "spend", "subscriber_gain"),
]

AGENCY = {
    "audience": [f"2025-10-{day:02d},{account},{100 + day},3,2" for day in range(1, 32) for account in "ab"],
    "posts": [
        f"p{n},a,2025-10-{n:02d}T12:00,{n * 10},{n},{n % 3},1,{('true', 'false', '')[n % 3]},"
        f"{'' if n == 5 else f'2025-11-{n % 7 + 1:02d}T12:00'},{'2025-10-20T12:00' if n == 6 else ''}"
        for n in range(1, 32)
    ],
    "post_stats": ["a,p1,2025-10-08T12:00,9,1,1,1"],
    "comments": [
        f"c{n},p1,a,2025-10-{n:02d}T12:00,,Где купить ваш кофе?,{('', 'true')[n % 2]}" for n in range(1, 9)
    ],
    "inquiries": [
        f"q{n},a,message,2025-10-{n:02d}T12:00,{('', f'2025-10-{n:02d}T1{n}:00')[n > 3]}"
        for n in range(2, 10)
    ],
    "leads": [
        f"l{n},a,2025-10-{n:02d}T12:00,{('', 'true', 'false')[n % 3]},2025-10-{n + 1:02d}T12:00,{n}00,RUB"
        for n in range(1, 9)
    ],
    "traffic": [f"2025-10-{n:02d},a,{n}" for n in range(1, 32)],
    "brand_queries": ["2025-10-01,2025-11-01,X,кофе,100"],
    "mentions": [f"m{n},X,2025-10-{n:02d}T12:00,vk,{('', 'negative')[n % 2]}," for n in range(1, 9)],
    "plan": [f"n{n},a,2025-10-{n:02d}T12:00,true,p{n}" for n in range(1, 20)],
    "spend": [f"2025-10-{n:02d},a,{n}00,RUB" for n in range(1, 32)],
}
EVERY_KPI = pytest.mark.parametrize("kpi", CATALOGUE.values(), ids=list(CATALOGUE))
BY_FORMULA = [Formula.model_validate(given).definition for given in FORMULAS]
WITH_FORMULAS = pytest.mark.parametrize("kpi", [*CATALOGUE.values(), *BY_FORMULA], ids=lambda kpi: kpi.id)
"""The KPIs of the kit, and four by formula."""
Promise = Callable[[Kpi, Tables, Setting], None]


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    """A tiny agency with rows in every table."""
    kpis = [entry(kpi) for kpi in (*CATALOGUE, *(given["id"] for given in FORMULAS))]
    data, params = build(tmp_path_factory.mktemp("agency"), kpis, formulas=FORMULAS, **AGENCY)
    with case_of(data, params) as found:
        yield found


def frames(tables: Tables) -> dict[str, pd.DataFrame]:
    return {name: table.copy(deep=True) for name, table in tables.items()}


# promises that a formula keeps ------------------------------------------------------------------------------


def has_the_columns(kpi: Kpi, tables: Tables, setting: Setting) -> None:
    frame = kpi.units(tables, setting)
    assert {"at", kpi.scope, "numerator", "denominator", "excluded", "remark"} <= set(frame.columns)
    assert isinstance(frame["at"].dtype, pd.DatetimeTZDtype)
    assert frame["numerator"].dtype == frame["denominator"].dtype == np.dtype("float64")
    assert frame["at"].notna().all()
    assert np.isfinite(
        frame[["numerator", "denominator"]].to_numpy()[(frame["excluded"] == "").to_numpy()]
    ).any()
    assert not np.isinf(frame[["numerator", "denominator"]].to_numpy()).any()


def mutates_nothing(kpi: Kpi, tables: Tables, setting: Setting) -> None:
    given = frames(tables)
    kpi.units(given, setting)
    assert given.keys() == tables.keys()
    for name, table in given.items():
        pd.testing.assert_frame_equal(table, tables[name])


def ignores_the_order_of_rows(kpi: Kpi, tables: Tables, setting: Setting) -> None:
    shuffled = {
        name: table.sample(frac=1, random_state=7).reset_index(drop=True) for name, table in tables.items()
    }
    one, other = (_sorted(kpi.units(given, setting)) for given in (tables, shuffled))
    pd.testing.assert_frame_equal(one, other)


def _sorted(frame: UnitFrame) -> UnitFrame:
    return frame.sort_values(list(frame.columns)).reset_index(drop=True)


def reads_declared_tables_only(kpi: Kpi, tables: Tables, setting: Setting) -> None:
    declared = {name: tables[name] for name in kpi.tables}
    pd.testing.assert_frame_equal(kpi.units(declared, setting), kpi.units(tables, setting))


def answers_for_empty_tables(kpi: Kpi, tables: Tables, setting: Setting) -> None:
    frame = kpi.units({name: table.iloc[:0] for name, table in tables.items()}, setting)
    assert len(frame) == 0
    assert isinstance(frame["at"].dtype, pd.DatetimeTZDtype)


PROMISES: list[Promise] = [
    has_the_columns,
    mutates_nothing,
    ignores_the_order_of_rows,
    reads_declared_tables_only,
    answers_for_empty_tables,
]


@WITH_FORMULAS
@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
def test_promise(promise: Promise, kpi: Kpi, case: Context) -> None:
    promise(kpi, case.tables, case.setting)


def _forgets_a_column(tables: Tables, setting: Setting) -> UnitFrame:
    return CATALOGUE["leads"].units(tables, setting).drop(columns="remark")


def _is_infinite(tables: Tables, setting: Setting) -> UnitFrame:
    return CATALOGUE["leads"].units(tables, setting).assign(numerator=math.inf)


def _mutates(tables: Tables, setting: Setting) -> UnitFrame:
    tables["leads"]["qualified"] = True
    return CATALOGUE["leads"].units(tables, setting)


def _counts_rows(tables: Tables, setting: Setting) -> UnitFrame:
    frame = CATALOGUE["leads"].units(tables, setting)
    return frame.assign(numerator=np.arange(len(frame), dtype="float64"))


def _peeks(tables: Tables, setting: Setting) -> UnitFrame:
    return CATALOGUE["leads"].units(tables, setting).assign(numerator=float(len(tables["posts"])))


def _chokes_on_nothing(tables: Tables, setting: Setting) -> UnitFrame:
    frame = CATALOGUE["leads"].units(tables, setting)
    return frame.assign(numerator=frame["numerator"] / frame["numerator"].iloc[0])


@pytest.mark.parametrize(
    ("promise", "formula", "fault"),
    [
        (has_the_columns, _forgets_a_column, AssertionError),
        (has_the_columns, _is_infinite, AssertionError),
        (mutates_nothing, _mutates, AssertionError),
        (ignores_the_order_of_rows, _counts_rows, AssertionError),
        (reads_declared_tables_only, _peeks, KeyError),
        (answers_for_empty_tables, _chokes_on_nothing, IndexError),
    ],
)
def test_a_broken_promise_is_noticed(
    promise: Promise, formula: Callable[..., UnitFrame], fault: type[Exception], case: Context
) -> None:
    with pytest.raises(fault):
        promise(replace(CATALOGUE["leads"], units=formula), frames(case.tables), case.setting)


# the declarations -------------------------------------------------------------------------------------------


def test_the_catalogue_is_the_table_of_the_design() -> None:
    assert [[str(k.group), k.id, k.unit, k.better, k.interval] for k in CATALOGUE.values()] == ROWS


def test_accruing_bounded_and_delegable_kpis() -> None:
    assert {kpi.id for kpi in CATALOGUE.values() if not kpi.accruing} == STANDING
    assert {kpi.id for kpi in CATALOGUE.values() if kpi.accruing and kpi.unit == "share"} == ACCRUING_RATES
    assert {kpi.id for kpi in CATALOGUE.values() if kpi.bounded} == BOUNDED
    assert {kpi.id for kpi in CATALOGUE.values() if kpi.delegable} == DELEGABLE


def test_families_are_the_files() -> None:
    folder = Path(kpis.__file__).parent
    assert set(FAMILIES) == {file.stem for file in folder.glob("*.py")} - {"__init__"}


def test_every_family_has_a_case_table() -> None:
    assert {file.stem for file in (Path(__file__).parent / "kpis").glob("test_*.py")} == {
        f"test_{f}" for f in FAMILIES
    }


def test_every_kpi_has_a_case() -> None:
    texts = {
        family: (Path(__file__).parent / "kpis" / f"test_{family}.py").read_text("utf-8")
        for family in FAMILIES
    }
    assert [kpi.id for kpi in CATALOGUE.values() if f'"{kpi.id}"' not in texts[kpi.family]] == []


@EVERY_KPI
@pytest.mark.parametrize("language", ["ru", "en"])
def test_words(kpi: Kpi, language: str) -> None:
    file = Path(kpis.__file__).parents[1] / "report" / "locale" / f"{language}.yml"
    words = YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8"))["kpi"][kpi.id]
    assert {"name", "what", "formula"} <= set(words)
    assert all(isinstance(text, str) and text.strip() for text in words.values())


@EVERY_KPI
def test_no_clock(kpi: Kpi) -> None:
    module = inspect.getmodule(kpi.units)
    assert module is not None
    assert list(clocks(inspect.getsource(module))) == []


def clocks(source: str) -> Iterator[str]:
    """Calls that ask what time it is."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in (
            "now",
            "today",
            "utcnow",
            "time_ns",
            "localtime",
        ):
            yield ast.unparse(node)
        if isinstance(node, ast.Import) and any(name.name == "time" for name in node.names):
            yield ast.unparse(node)


def test_a_clock_is_noticed() -> None:
    assert list(clocks("import time\nx = dt.datetime.now()")) == ["import time", "dt.datetime.now"]


# what the kit makes of them ---------------------------------------------------------------------------------


def _every_table() -> dict[str, list[str]]:
    return {name: [] for name in AGENCY if name != "post_stats"}


@WITH_FORMULAS
def test_covered_and_empty_is_0_or_has_a_reason(kpi: Kpi, tmp_path: Path) -> None:
    measured = measure(tmp_path, kpi.id, formulas=FORMULAS, **_every_table())
    if kpi.id in REASONS:
        assert (measured.value, codes(measured.notes)[0]) == (None, REASONS[kpi.id])
    else:
        assert (measured.value, measured.units, measured.coverage) == (0, 0, 1)


@WITH_FORMULAS
def test_uncovered_is_not_assessable_whatever_the_rows(kpi: Kpi, tmp_path: Path) -> None:
    others = [line for line in cover(*AGENCY, scopes=SCOPES) if line.split(",")[0] != kpi.tables[0]]
    measured = measure(tmp_path, kpi.id, formulas=FORMULAS, coverage=others, **AGENCY)
    assert (measured.value, measured.coverage, codes(measured.notes)[0]) == (None, 0, "not_covered")


@WITH_FORMULAS
def test_an_absent_table_is_uncovered(kpi: Kpi, tmp_path: Path) -> None:
    measured = measure(tmp_path, kpi.id, formulas=FORMULAS, coverage=cover(*AGENCY))
    assert (measured.value, measured.coverage, codes(measured.notes)[0]) == (None, 0, "not_covered")


@WITH_FORMULAS
def test_nobody_is_not_assessable(kpi: Kpi, tmp_path: Path) -> None:
    gone = {"accounts": [{"account": "a", "until": "2025-09-01"}], "brands": []}
    measured = measure(tmp_path, kpi.id, formulas=FORMULAS, person=gone, **AGENCY)
    assert (measured.value, measured.coverage, codes(measured.notes)[0]) == (None, None, "no_days")


@WITH_FORMULAS
def test_a_value_is_finite_and_the_lack_of_one_has_a_note(kpi: Kpi, case: Context) -> None:
    found = Facts(case, next(asked for asked in case.person.kpis if asked.kpi == kpi.id)).measurement
    assert found.assessable == (found.value is not None)
    assert found.notes if found.value is None else math.isfinite(found.value)


def test_the_tiny_agency_makes_every_kpi_assessable(case: Context) -> None:
    lacking = [asked.kpi for asked in case.person.kpis if not Facts(case, asked).measurement.assessable]
    assert lacking == ["plan_fulfilment"]  # a third of its posts is not reviewed
