"""The record that every number of a report comes from."""

from __future__ import annotations

import datetime as dt
import json
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kpi_kit.core.errors import InputError
from kpi_kit.kpis import CATALOGUE
from kpi_kit.scorecard import verdict
from kpi_kit.scorecard.build import score
from kpi_kit.scorecard.json_file import SCHEMA, dumps, load, save
from tests.agency import ACCOUNTS, AS_OF, Json, build, codes, cover, detail, entry, scored
from tests.test_catalogue import AGENCY

NUMBER, TEXT = (int, float), str
LEADS = [f"l{n},a,2025-10-10T12:00,true" for n in range(12)]


def asked(kpi: str = "leads", weight: float = 1, **target: Any) -> Json:
    return entry(kpi, target=target, weight=weight)


def line(folder: Path, given: Json, **agency: Any) -> Json:
    """The only line of a scorecard."""
    (found,) = scored(folder, given, **({"leads": LEADS} | agency))["kpis"]
    return found


# the JSON ---------------------------------------------------------------------------------------------------

# section 7 of the design, key by key
HEAD = {
    "schema": int, "specialist": str, "period": str, "as_of": str, "interim": bool, "preliminary": bool,
    "total": (float, None), "attained": int, "assessable": int, "kpis": list, "bonus": (dict, None),
    "provenance": dict,
}  # fmt: skip
LINE = {
    "kpi": str, "as": str, "versus": str, "scope": (dict, None), "unit": str, "value": (float, None),
    "numerator": (float, None), "denominator": (float, None), "units": int, "coverage": (float, None),
    "assessable": bool, "notes": list, "previous": (float, None), "change": (dict, None),
    "year_ago": (dict, None), "trend": (dict, None), "target": (dict, None), "attained": (bool, None),
    "attainment": (float, None), "payout": (float, None), "weight": float, "chance": (float, None),
    "smart": (dict, None), "history": list, "accounts": list,
}  # fmt: skip


def fits(value: Any, kinds: Any) -> bool:
    """Whether a value is of one of some types; None stands for null."""
    if not isinstance(kinds, tuple):
        kinds = (kinds,)
    return any(value is None if kind is None else type(value) is kind for kind in kinds)


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Json:
    """A scorecard with every KPI as a value, a change and a growth."""
    forms: list[Json] = [{}, {"as": "change"}, {"as": "growth", "versus": "year_ago"}]
    kpis = [entry(kpi, **form) for kpi in CATALOGUE for form in forms]
    person = {"bonus": {"share_of_sales": "2%"}}
    return scored(
        tmp_path_factory.mktemp("full"), *kpis, person=person, department={"history": {"weeks": 3}}, **AGENCY
    )


def test_head(full: Json) -> None:
    assert {key: fits(full[key], kinds) for key, kinds in HEAD.items()} == dict.fromkeys(HEAD, True)
    assert (full["schema"], full["specialist"], full["period"]) == (1, "ann", "2025-10")
    assert full["as_of"] == "2025-11-08T00:00:00+03:00"
    assert set(full["provenance"]) == {
        "kit", "source", "libraries", "data", "params", "across", "notebook", "tables", "settings", "cells",
        "imported", "seal",
    }  # fmt: skip
    assert full["provenance"]["data"].startswith("sha256:")


def test_lines(full: Json) -> None:
    for row in full["kpis"]:
        assert {key: fits(row[key], kinds) for key, kinds in LINE.items()} == dict.fromkeys(LINE, True), row[
            "kpi"
        ]
        assert row["assessable"] == (row["value"] is not None)
        assert all(fits(note["code"], str) for note in row["notes"])
        if row["value"] is None:
            assert row["notes"]
            assert row["attainment"] is row["attained"] is row["payout"] is None
        assert set(row["target"]) == {"kind", "value", "base"}
        assert row["year_ago"] is None or set(row["year_ago"]) == {"value", "change"}
        assert all({"period", "value"} <= set(point) for point in row["history"])
        assert row["history"][-1]["value"] == row["value"]
        owners = {"account_id": row["accounts"], "brand": row["brands"]}
        for key, parts in owners.items():
            assert all(set(part) == {key, "value", "numerator", "denominator"} for part in parts)


def test_units_are_those_of_the_form(full: Json) -> None:
    for row in full["kpis"]:
        assert row["unit"] == ("share" if row["as"] == "growth" else CATALOGUE[row["kpi"]].unit)


def numbers(value: Any) -> Iterator[float]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from numbers(part)
    elif isinstance(value, float):
        yield value


def test_nothing_is_nan_or_infinite(full: Json) -> None:
    assert all(map(math.isfinite, numbers(full)))
    assert json.loads(dumps(full)) == full


def test_nan_is_refused(full: Json) -> None:
    with pytest.raises(ValueError, match="JSON"):
        dumps({**full, "total": math.nan})


def test_two_runs_give_the_same_bytes(tmp_path: Path) -> None:
    data, params = build(tmp_path, [entry(kpi) for kpi in CATALOGUE], **AGENCY)
    first, second = (dumps(score("ann", "2025-10", data=data, params=params)) for _ in range(2))
    assert first == second


def test_provenance_follows_the_inputs(tmp_path: Path) -> None:
    data, params = build(
        tmp_path, [asked(at_least=1)], leads=LEADS, colleagues={"bob": {"kpis": [asked(at_least=1)]}}
    )
    before = score("ann", "2025-10", data=data, params=params)["provenance"]
    (params / "specialists" / "bob.yml").write_text("name: somebody else\n", encoding="utf-8")
    assert score("ann", "2025-10", data=data, params=params)["provenance"] == before
    file = params / "specialists" / "ann.yml"
    file.write_text(file.read_text(encoding="utf-8") + "# a remark\n", encoding="utf-8")
    after = score("ann", "2025-10", data=data, params=params, notebook=data / "leads.csv")["provenance"]
    assert after["params"] != before["params"]
    assert after["data"] == before["data"]
    assert (before["notebook"], after["notebook"][:7]) == (None, "sha256:")


def test_scope_is_as_given(tmp_path: Path) -> None:
    assert line(tmp_path / "none", asked(at_least=1))["scope"] is None
    narrowed = line(tmp_path / "vk", {**asked(at_least=1), "platforms": ["vk"]})
    assert narrowed["scope"] == {"platforms": ["vk"]}


def test_sentiment_is_noted(tmp_path: Path) -> None:
    mention = ["m,X,2025-10-10T12:00,vk,positive"]
    found = line(
        tmp_path, {**asked("brand_mentions", at_least=1), "sentiment": ["positive"]}, mentions=mention
    )
    assert detail(found["notes"], "sentiment_filter") == {"sentiments": ["positive"]}


# targets ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "expected", "attained", "attainment", "payout"),
    [
        ({"at_least": 12}, {"kind": "at_least", "value": 12, "base": 0}, True, 1, 1),
        ({"at_least": 10}, {"kind": "at_least", "value": 10, "base": 0}, True, 1.2, 1.2),
        (
            {"at_least": 6},
            {"kind": "at_least", "value": 6, "base": 0},
            True,
            2,
            1.2,
        ),  # attainment is before the cap
        ({"at_least": 15}, {"kind": "at_least", "value": 15, "base": 0}, False, 0.8, 0.5),
        ({"at_least": 16}, {"kind": "at_least", "value": 16, "base": 0}, False, 0.75, 0),
        ({"at_least": 20, "worst": 4}, {"kind": "at_least", "value": 20, "base": 4}, False, 0.5, 0),
        ({"at_most": 12}, {"kind": "at_most", "value": 12, "base": 24}, True, 1, 1),
        ({"at_most": 8}, {"kind": "at_most", "value": 8, "base": 16}, False, 0.5, 0),
        ({"at_most": 10, "worst": 20}, {"kind": "at_most", "value": 10, "base": 20}, False, 0.8, 0.5),
        ({"between": [10, 14]}, {"kind": "between", "value": [10, 14], "base": None}, True, 1, 1),
        ({"between": [13, 23]}, {"kind": "between", "value": [13, 23], "base": None}, False, 0.8, 0.5),
    ],
)
def test_target(
    target: Json, expected: Json, attained: bool, attainment: float, payout: float, tmp_path: Path
) -> None:
    found = line(tmp_path, asked(**target))
    assert found["target"] == expected
    assert found["attained"] is attained
    assert (found["attainment"], found["payout"]) == (pytest.approx(attainment), pytest.approx(payout))


@pytest.mark.parametrize(
    ("target", "period", "value"),
    [
        ({"at_least": 365, "per": "year"}, "2025-10", 31),
        ({"at_least": 92, "per": "quarter"}, "2025-10", 31),
        ({"at_least": 7, "per": "week"}, "2025-10", 31),
        ({"at_least": 30}, "2025-Q4", 90),
        ({"at_least": 31}, "2025-W41", 7),
        ({"at_least": 10, "per": "week"}, "2025-W41", 10),
        ({"schedule": {"2025-10": {"at_least": 50}, "2025-11": {"at_least": 60}}}, "2025-10", 50),
        ({"schedule": {"2025-09": {"at_least": 50}}}, "2025-10", None),
        (
            {
                "schedule": {
                    "2025-10": {"at_least": 5},
                    "2025-11": {"at_least": 6},
                    "2025-12": {"at_least": 7},
                }
            },
            "2025-Q4",
            18,
        ),
    ],
)
def test_target_of_a_grain(target: Json, period: str, value: float | None, tmp_path: Path) -> None:
    found = line(tmp_path, asked(**target), period=period, as_of="2026-01-08")
    assert (found["target"] and found["target"]["value"]) == (value and pytest.approx(value))
    assert ("no_target" in codes(found["notes"])) == (value is None)


@pytest.mark.parametrize(
    ("period", "value"),
    [
        ("2025-10", 1000 + 365 * 304 / 365),  # 304 days after 31 December
        ("2025-12", 1365),
        ("2026-01", 1365),  # the final value after `by`
        ("2024-12", 1000),
        ("2024-11", None),  # no target before `on`
    ],
)
def test_milestone(period: str, value: float | None, tmp_path: Path) -> None:
    target = {
        "at_least": 1365,
        "by": dt.date(2025, 12, 31),
        "from": {"value": 1000, "on": dt.date(2024, 12, 31)},
    }
    found = line(
        tmp_path,
        asked("subscribers", **target),
        period=period,
        as_of="2026-02-08",
        audience=["2025-10-31,a,1200"],
    )
    expected = None if value is None else {"kind": "at_least", "value": pytest.approx(value), "base": 1000}
    assert found["target"] == expected


def test_the_history_carries_its_targets(tmp_path: Path) -> None:
    target = {"schedule": {"2025-09": {"between": [4, 5]}, "2025-10": {"between": [6, 7]}}}
    found = line(tmp_path, asked(**target), department={"history": {"periods": 3}})
    assert [point["target"] for point in found["history"]] == [None, [4, 5], [6, 7]]


# interim, preliminary, absent -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("as_of", "interim", "preliminary"),
    [
        ("2025-10-31T23:59", True, True),
        ("2025-11-01", False, True),
        ("2025-11-07T23:59", False, True),
        ("2025-11-08", False, False),
    ],
)
def test_interim_and_preliminary(as_of: str, interim: bool, preliminary: bool, tmp_path: Path) -> None:
    card = scored(tmp_path, asked(at_least=1), leads=LEADS, as_of=as_of)
    assert (card["interim"], card["preliminary"]) == (interim, preliminary)
    told = "interim" if interim else "preliminary"
    assert [code for code in codes(card["notes"]) if code in ("interim", "preliminary")] == [
        told
    ] * preliminary


@pytest.mark.parametrize(
    ("kpi", "as_of", "value"),
    [
        ("leads", "2025-10-11T15:00", 10),  # ten days of 31 are over
        ("leads", "2025-10-01T09:00", 0),
        ("qualified_lead_rate", "2025-10-11T15:00", 31),  # does not accrue
    ],
)
def test_interim_targets_are_prorated(kpi: str, as_of: str, value: float, tmp_path: Path) -> None:
    unbounded = {"at_least": 31} if kpi == "leads" else {"at_least": 0.31}
    found = line(tmp_path, asked(kpi, **unbounded), as_of=as_of)
    assert found["target"]["value"] == pytest.approx(value if kpi == "leads" else value / 100)
    assert ("target_prorated" in codes(found["notes"])) == (kpi == "leads")


def test_an_absence_prorates(tmp_path: Path) -> None:
    away = {"absences": [{"since": "2025-10-25", "until": "2025-11-20"}]}
    card = scored(
        tmp_path,
        asked(at_least=31),
        asked("churn_rate", at_most="3.1%", worst="6.2%"),
        leads=LEADS,
        person=away,
    )
    leads, churn = card["kpis"]
    assert leads["target"] == {"kind": "at_least", "value": 24, "base": 0}  # 7 of 31 days away
    assert churn["target"] == {"kind": "at_most", "value": pytest.approx(0.024), "base": pytest.approx(0.048)}
    assert detail(leads["notes"], "target_prorated")["why"] == "absence"
    assert verdict.whole_target(leads) == 24, "the whole plan of somebody who is away is smaller"
    assert "absence" in codes(card["notes"])


@pytest.mark.parametrize("target", [{"at_least": 31}, {"between": [10, 20]}, {"at_most": 5}])
def test_away_for_all_of_it(target: Json, tmp_path: Path) -> None:
    away = {"absences": [{"since": "2025-10-01", "until": "2025-11-01"}]}
    card = scored(tmp_path, asked(**target), leads=LEADS, person=away)
    assert (card["kpis"][0]["value"], codes(card["kpis"][0]["notes"])[0]) == (None, "absent")
    assert (card["kpis"][0]["attainment"], card["kpis"][0]["payout"], card["total"]) == (None, None, None)


# total and bonus --------------------------------------------------------------------------------------------

# payouts of 1.2, 0.5 and 0, and one that is not assessable
FOUR = [
    asked(at_least=10, weight=10),
    asked("qualified_leads", at_least=15, weight=20),
    asked("sales", at_least=1, weight=30),
    asked("views", at_least=1, weight=40),
]


@pytest.mark.parametrize(
    ("rule", "total"), [("reweight", (12 + 10) / 60), ("zero", (12 + 10) / 100), ("hold", None)]
)
def test_total(rule: str, total: float | None, tmp_path: Path) -> None:
    house = {"scoring": {"not_assessable": rule}}
    card = scored(tmp_path, *FOUR, leads=LEADS, department=house)
    assert [row["payout"] for row in card["kpis"]] == [pytest.approx(1.2), pytest.approx(0.5), 0, None]
    assert card["total"] == (total and pytest.approx(total))
    assert (card["attained"], card["assessable"]) == (1, 3)


def test_nothing_assessable_has_no_total(tmp_path: Path) -> None:
    assert scored(tmp_path, asked("views", at_least=1), leads=LEADS)["total"] is None


def test_an_entry_without_a_target_for_the_period_is_no_part_of_the_total(tmp_path: Path) -> None:
    unasked = asked("qualified_leads", schedule={"2025-09": {"at_least": 50}})
    card = scored(
        tmp_path, asked(at_least=10), unasked, leads=LEADS, department={"scoring": {"not_assessable": "hold"}}
    )
    assert (card["total"], card["assessable"]) == (pytest.approx(1.2), 1)


SALES = [
    "s1,a,2025-10-05T12:00,true,2025-10-06T12:00,1000,RUB",
    "s2,a,2025-10-05T12:00,true,2025-10-06T12:00,500,RUB,2025-10-20T12:00",  # refunded
    "s3,b,2025-10-05T12:00,true,2025-10-06T12:00,7000,RUB",  # not Ann's
]


@pytest.mark.parametrize(("cap", "amount"), [(None, 20), (30, 20), (15, 15)])
def test_bonus(cap: float | None, amount: float, tmp_path: Path) -> None:
    rule = {"share_of_sales": "2%"} | ({} if cap is None else {"cap": cap})
    card = scored(tmp_path, asked(at_least=1), leads=SALES, person={"bonus": rule})
    expected = {"sales_amount": 1000, "share": 0.02, "amount": amount}
    assert {key: card["bonus"][key] for key in expected} == expected


def test_bonus_is_off_or_unknown(tmp_path: Path) -> None:
    assert scored(tmp_path / "off", asked(at_least=1), leads=SALES)["bonus"] is None
    uncovered = scored(
        tmp_path / "?", asked(at_least=1), traffic=[], person={"bonus": {"share_of_sales": "2%"}}
    )
    assert (uncovered["bonus"]["sales_amount"], uncovered["bonus"]["amount"]) == (None, None)


# coverage ---------------------------------------------------------------------------------------------------


def test_a_missing_coverage_table_is_said(tmp_path: Path) -> None:
    data, params = build(
        tmp_path, [asked(at_least=1)], leads=["l1,a,2025-10-01T12:00", "l2,a,2025-10-29T12:00"]
    )
    (data / "coverage.csv").unlink()
    card = score("ann", "2025-10", data=data, params=params, as_of=AS_OF)
    assert codes(card["notes"]) == ["coverage_inferred"]
    (found,) = card["kpis"]
    assert (found["value"], found["coverage"]) == (
        2,
        pytest.approx(29 / 31),
    )  # from the first to the last row


def test_days_before_opened_are_not_expected(tmp_path: Path) -> None:
    accounts = [f"{ACCOUNTS[0]},opened", f"{ACCOUNTS[1]},2025-10-20"]
    told = cover("leads", scopes="a", since="2025-10-20")
    opened = line(tmp_path / "opened", asked(at_least=1), accounts=accounts, coverage=told)
    assert (opened["value"], opened["coverage"]) == (12, 1)
    unknown = line(tmp_path / "unknown", asked(at_least=1), coverage=told)
    assert (unknown["value"], unknown["coverage"]) == (None, pytest.approx(12 / 31))


def test_copies_are_counted(tmp_path: Path) -> None:
    card = scored(tmp_path, asked(at_least=1), leads=[*LEADS, LEADS[0]])
    assert card["kpis"][0]["value"] == 12
    assert detail(card["notes"], "duplicates_dropped") == {"table": "leads", "count": 1}


def test_the_report_names_the_deputy(tmp_path: Path) -> None:
    away = {"since": "2025-10-10", "until": "2025-10-13", "deputy": "ann"}
    bob = {"accounts": ["b"], "kpis": [asked(at_least=1)], "absences": [away]}
    card = scored(tmp_path, asked(at_least=1), leads=LEADS, colleagues={"bob": bob})
    assert detail(card["notes"], "deputy") == {"for": "bob", "since": "2025-10-10", "until": "2025-10-13"}
    assert list(card["called"]) == ["bob"]


# files ------------------------------------------------------------------------------------------------------


def test_saved_and_loaded(full: Json, tmp_path: Path) -> None:
    save(full, tmp_path / "ann.json")
    assert load(tmp_path / "ann.json") == full
    assert [file.name for file in tmp_path.iterdir()] == ["ann.json"]


def test_a_save_that_fails_leaves_the_old_file(
    full: Json, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "ann.json"
    save(full, file)
    before = file.read_bytes()

    def fails(descriptor: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(OSError, match="no space"):
        save({**full, "total": 0.5}, file)
    assert file.read_bytes() == before


@pytest.mark.parametrize("text", ["", "[]", '{"schema": 2}', "{"])
def test_what_is_no_scorecard_is_refused(text: str, tmp_path: Path) -> None:
    file = tmp_path / "ann.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="scorecard"):
        load(file)
    with pytest.raises(InputError, match="scorecard"):
        load(tmp_path / "nobody.json")


def test_every_problem_of_the_data_is_told(tmp_path: Path) -> None:
    bad = ["l1,a,yesterday", "l2,nobody,2025-10-10T12:00", "l3,a,2025-10-10T12:00,perhaps"]
    with pytest.raises(InputError) as caught:
        scored(tmp_path, asked(at_least=1), leads=bad)
    text = "\n".join(caught.value.problems)
    assert all(word in text for word in ("yesterday", "nobody", "perhaps"))


def test_the_schema_is_the_one_that_is_written() -> None:
    assert SCHEMA == 1
