"""The arithmetic of total and bonus: every printed computation gives what is printed beside it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpi_kit.params.targets import Kind, Scoring, Target
from kpi_kit.report.wording import LANGUAGES, words
from kpi_kit.report.wording.arithmetic import Sheet, bonus, sheet
from tests.calculator import agrees, computations, numbers

Card = dict[str, Any]


def entry(
    value: float | None, target: Target | None, weight: float = 10.0, unit: str = "leads", as_: str = "value"
) -> Card:
    """A line of a scorecard, scored by the rules of :mod:`kpi_kit.params.targets`."""
    attainment = None if value is None or target is None else target.attainment(value)
    return {
        "value": value,
        "target": None if target is None else target.as_dict(),
        "attainment": attainment,
        "weight": weight,
        "unit": unit,
        "as": as_,
    }


def card(*kpis: Card, **rules: Any) -> Card:
    """A scorecard with its payouts and total."""
    scoring = Scoring(**rules)
    for record in kpis:
        reached = record["attainment"]
        record["payout"] = None if reached is None else scoring.payout(reached)
    paid = [(record["weight"], record["payout"]) for record in kpis if record["target"] is not None]
    return {
        "kpis": list(kpis),
        "total": scoring.total(paid),
        "scoring": {
            "threshold": scoring.threshold,
            "payout_at_threshold": scoring.payout_at_threshold,
            "cap": scoring.cap,
            "not_assessable": scoring.not_assessable,
        },
        "bonus": None,
    }


def at_least(bound: float, base: float = 0.0) -> Target:
    return Target(Kind.AT_LEAST, bound, base)


def lines(found: Sheet) -> list[str | None]:
    return [text for line in found.lines for text in (line.attainment, line.points, line.product)] + list(
        found.sums
    )


def assert_it_computes(found: Card, language: str) -> None:
    """Each computation is right, the sums are of the products and weights, the total is the scorecard's."""
    made = sheet(found, words(language))
    assert made is not None
    done = computations(lines(made), language)
    assert [one for one in done if not agrees(*one)] == []
    products = [computations([line.product], language)[0] for line in made.lines if line.product]
    sums, weights, total = (computations([line], language)[0] for line in made.sums)
    assert [abs(part) for _, part in products] == numbers(sums[0])
    assert [numbers(left)[0] for left, _ in products] == numbers(weights[0])
    assert numbers(total[0]) == [sums[1], weights[1]]
    assert made.sums[-1].endswith(words(language).total(found["total"]))


# by hand: 0.925 pays 0.5 + 0.5 · 0.125 / 0.2 = 0.8125; 45 is half the way from 50 to 40; 1.125 pays itself
HAND = [
    entry(111.0, at_least(120.0), 30.0),
    entry(45.0, Target(Kind.AT_MOST, 40.0, 50.0), 30.0),
    entry(90.0, at_least(80.0), 40.0),
]


def test_the_lines_by_hand() -> None:
    found = sheet(card(*HAND), words("en"))
    assert found is not None
    first, second, third = found.lines
    assert first.given == "actual 111, target ≥ 120, counted from 0"
    assert first.attainment == "(111 − 0) ÷ (120 − 0) = 0.925"
    assert first.points == "0.5 + (1 − 0.5) × (0.925 − 0.8) ÷ (1 − 0.8) = 0.8125"
    assert first.product == "30 × 0.8125 = 24.375"
    assert second.attainment == "(45 − 50) ÷ (40 − 50) = 0.5"
    assert (second.points, second.product) == ("under the threshold of 0.8: 0", "30 × 0 = 0")
    assert (third.points, third.product) == ("points equal attainment: 1.125", "40 × 1.125 = 45")
    assert found.sums == [
        "Sum of weight × points: 24.375 + 0 + 45 = 69.375",
        "Sum of weights: 30 + 30 + 40 = 100",
        "Total: 69.375 ÷ 100 = 0.6938, that is 69.4%",
    ]


def band(low: float, high: float) -> Target:
    return Target(Kind.BETWEEN, (low, high), None)


UNDER, FULL = "under the threshold of 0.8: 0", "points equal attainment: 1"
CAPPED = "over the cap, so capped at 1.2"


@pytest.mark.parametrize(
    ("record", "attainment", "points"),
    [
        (entry(0.5, at_least(0.4), unit="share"), "(50 − 0) ÷ (40 − 0) = 1.25", CAPPED),
        (entry(-5.0, at_least(5.0)), "(−5 − 0) ÷ (5 − 0) = −1; never below 0: 0", UNDER),
        (entry(5.0, at_least(10.0, -10.0)), "(5 − (−10)) ÷ (10 − (−10)) = 0.75", UNDER),
        (entry(15.0, band(10.0, 20.0)), "inside the band: 1", FULL),
        (entry(9.5, band(10.0, 20.0)), "1 − (10 − 9.5) ÷ ((20 − 10) ÷ 2) = 0.9", None),
        (entry(24.0, band(10.0, 20.0)), "1 − (24 − 20) ÷ ((20 − 10) ÷ 2) = 0.2", UNDER),
        (entry(-11.0, band(-10.0, 10.0)), "1 − (−10 − (−11)) ÷ ((10 − (−10)) ÷ 2) = 0.9", None),
    ],
)
def test_each_kind_of_line(record: Card, attainment: str, points: str | None) -> None:
    found = sheet(card(record), words("en"))
    assert found is not None
    assert found.lines[0].attainment == attainment
    assert points is None or found.lines[0].points == points
    assert_it_computes(card(record), "en")


UNKNOWN = entry(None, at_least(10.0), 20.0)


def test_each_rule_for_what_cannot_be_assessed_is_named() -> None:
    en = words("en")
    for rule, total, said in (
        ("reweight", "0.6938, that is 69.4%", "share its weight"),
        ("zero", "0.5781, that is 57.8%", "has 0 points"),
        ("hold", None, "no total yet"),
    ):
        found = sheet(card(*HAND, UNKNOWN, not_assessable=rule), en)
        assert found is not None
        assert said in found.lines[3].given
        assert found.lines[3].product == ("20 × 0 = 0" if rule == "zero" else None)
        if total is None:
            assert found.sums == ["The total is on hold: every KPI has to be assessable first."]
        else:
            assert total in found.sums[-1]


def test_without_a_target_or_with_one_that_is_its_base() -> None:
    en = words("en")
    found = sheet(card(*HAND, entry(3.0, None), entry(3.0, at_least(0.0))), en)
    assert found is not None
    assert "no target" in found.lines[3].given and found.lines[3].product is None
    assert "equals its base" in found.lines[4].given and found.lines[4].product is None
    assert "= 100" in found.sums[1]
    assert sheet(card(UNKNOWN), en) is None
    assert sheet(card(), en) is None


facts = st.floats(-2e6, 2e6, allow_nan=False).map(lambda value: round(value, 6))
weights = st.sampled_from([1.0, 5.0, 7.5, 10.0, 33.333])
bounds = st.tuples(st.floats(0.001, 1e6), st.floats(0.001, 1e6)).filter(lambda pair: pair[1] > 1.01 * pair[0])
targets = st.one_of(
    bounds.map(lambda pair: Target(Kind.AT_LEAST, pair[1], pair[0])),
    bounds.map(lambda pair: Target(Kind.AT_MOST, pair[0], pair[1])),
    bounds.map(lambda pair: Target(Kind.BETWEEN, pair, None)),
)


@st.composite
def entries(draw: st.DrawFn) -> Card:
    """A KPI near its target, where the payout curve bends, or anywhere."""
    target = draw(targets)
    near = draw(st.sampled_from(target.facts_at(draw(st.sampled_from([0.0, 0.79, 0.8, 0.9, 1.0])))))
    unit = draw(st.sampled_from(["leads", "share", "money", "hours"]))
    value = draw(st.one_of(st.none(), st.just(near), facts))
    return entry(value, target, draw(weights), unit, draw(st.sampled_from(["value", "change"])))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(entries(), min_size=1, max_size=8),
    st.sampled_from(LANGUAGES),
    st.sampled_from(["reweight", "zero"]),
)
def test_any_scorecard_can_be_computed_again(kpis: list[Card], language: str, rule: str) -> None:
    found = card(*kpis, not_assessable=rule)
    if any(record["payout"] is not None for record in kpis):
        assert_it_computes(found, language)


@pytest.mark.parametrize(
    ("sales", "share", "cap", "amount", "said"),
    [
        (410_000.0, 0.02, 30_000, 8_200.0, "is not exceeded"),
        (410_000.0, 0.02, None, 8_200.0, None),
        (437_270.0, 0.03, 10_000, 10_000.0, "so the bonus is the cap"),
        (1_200.55, 0.025, None, 30.01375, None),
        (-500.0, 0.02, 100, 0.0, "never below 0"),
        (0.0, 0.02, 100, 0.0, "is not exceeded"),
    ],
)
def test_the_bonus(sales: float, share: float, cap: float | None, amount: float, said: str | None) -> None:
    rule = {"sales_amount": sales, "share": share, "cap": cap, "amount": amount}
    found = bonus({"bonus": rule}, words("en", "RUB"))
    (done,) = computations(found, "en")
    assert agrees(*done)
    assert numbers(done[0])[1] == Decimal(str(share)) * 100
    assert found[-1].endswith("Nothing is deducted from it.")
    assert (said in found[1]) if said else len(found) == 2


def test_no_bonus_and_one_that_cannot_be_computed() -> None:
    assert bonus({"bonus": None}, words("ru")) == []
    rule = {"sales_amount": None, "share": 0.02, "cap": None, "amount": None}
    (said,) = bonus({"bonus": rule, "period": "2025-10"}, words("ru"))
    assert said == "Премию посчитать нельзя: сумма продаж неизвестна (октябрь 2025)."
    months = [{"month": "2025-05", "amount": 5.0}, {"month": "2025-06", "amount": None}]
    (said,) = bonus(
        {"bonus": {**rule, "sales_amount": 9.0, "months": months}, "period": "2025-Q2"}, words("ru")
    )
    assert said == "Премию посчитать нельзя: сумма продаж неизвестна (июнь 2025)."
    (said,) = bonus({"bonus": {**rule, "sales_amount": 9.0, "months": []}, "period": "2025-W41"}, words("ru"))
    assert said == "Премия считается за календарный месяц, за неделю её нет."


def test_a_wrong_line_is_noticed() -> None:
    assert computations(["Сумма: 1\u202f200,5 + 3 = 1\u202f203,5"], "ru") == [
        ("1200.5 + 3", Decimal("1203.5"))
    ]
    assert agrees("1200.5 + 3", Decimal("1203.5"))
    assert not agrees("2 / 3", Decimal("0.66")) and agrees("2 / 3", Decimal("0.67"))
