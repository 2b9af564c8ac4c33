"""The payout statement: its cached values are those of the kit, and LibreOffice computes the same."""

from __future__ import annotations

import copy
import io
import shutil
import subprocess
from pathlib import Path
from typing import Any

import cards
import pytest
from python_calamine import CalamineWorkbook

from kpi_kit.params.targets import Kind, Scoring, Target
from kpi_kit.report import payout
from kpi_kit.report.payout import kopecks, statement

RECALCULATE = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry"><item
 oor:path="/org.openoffice.Office.Calc/Formula/Load"><prop oor:name="OOXMLRecalcMode" oor:op="fuse"
 ><value>0</value></prop></item></oor:items>"""
"""A profile of LibreOffice that recomputes XLSX files; without it cached values stay."""

MONTHS = [
    {"month": "2025-09", "sales_amount": 410_000.5, "refunds": 0, "refunded": 0.0, "refund_share": 0.0},
    {"month": "2025-10", "sales_amount": 9e6, "refunds": 2, "refunded": 5e4, "refund_share": 1000.005},
]


def bonus(rule: str, months: list[dict[str, Any]], cap: float | None = 30_000.0) -> dict[str, Any]:
    made = []
    for month in months:
        sales = month["sales_amount"]
        earned = None if sales is None else max(0.0, min(sales * 0.02, cap or sales))
        kept = earned if earned is None or rule == "report" else max(0.0, earned - month["refund_share"])
        made.append({**month, "earned": earned, "amount": kept})
    amounts = [month["amount"] for month in made]
    whole = None if None in amounts else sum(amounts)
    sales = sum(month["sales_amount"] or 0.0 for month in months)
    return {
        "sales_amount": sales,
        "share": 0.02,
        "cap": cap,
        "refunds": rule,
        "amount": whole,
        "months": made,
    }


def judged(card: dict[str, Any], rule: str, facts: list[float | None], pay: float | None) -> dict[str, Any]:
    """A scorecard whose entries have these facts, each against a target of its own kind."""
    curve = Scoring(not_assessable=rule)
    targets = [
        Target(Kind.AT_LEAST, 55.0, 0.0),
        Target(Kind.AT_MOST, 0.03, 0.06),
        Target(Kind.BETWEEN, (0.25, 0.6), None),
        Target(Kind.AT_LEAST, 33830.13698630137, 28000.0),
        Target(Kind.AT_LEAST, 0.0, 0.0),
        None,
    ]
    card = copy.deepcopy(card)
    first = card["kpis"][0]
    card["kpis"] = []
    for number, (target, fact) in enumerate(zip(targets, facts, strict=True)):
        attainment = None if target is None or fact is None else target.attainment(fact)
        card["kpis"].append(
            {
                **copy.deepcopy(first),
                "value": fact,
                "unit": "share" if number in (1, 2) else "people",
                "target": None if target is None else target.as_dict(),
                "attainment": attainment,
                "payout": None if attainment is None else curve.payout(attainment),
                "weight": 12.5 + number,
                "scope": {"platforms": [("vk", "telegram", "dzen", "ok", "youtube", "tiktok")[number]]},
            }
        )
    with_target = [row for row in card["kpis"] if row["target"] is not None]
    card["total"] = curve.total((row["weight"], row["payout"]) for row in with_target)
    card["scoring"]["not_assessable"] = rule
    card["variable_pay"] = None
    if pay is not None:
        paid = None if card["total"] is None else pay * card["total"]
        card["variable_pay"] = {"monthly": pay, "share": 1.0, "amount": pay, "payout": paid}
    return card


def people() -> list[dict[str, Any]]:
    made = []
    cases: list[tuple[str, list[float | None], float | None, dict[str, Any] | None]] = [
        ("reweight", [67.0, 0.0252, 0.7, 33352.0, 5.0, 3.0], 40_000.0, bonus("deduct", MONTHS)),
        ("reweight", [44.0, 0.036, 0.1, 28000.0, 5.0, None], 33_333.33, bonus("report", MONTHS, None)),
        ("zero", [None, 0.2, 0.3, None, 5.0, 3.0], 40_000.0, bonus("report", MONTHS[:1])),
        ("hold", [None, 0.01, 0.3, 40000.0, 5.0, 3.0], 40_000.0, None),
        ("reweight", [None, None, None, None, None, None], 40_000.0, None),
        (
            "reweight",
            [66.0, 0.03, 0.61, 33830.0, 5.0, 3.0],
            None,
            bonus("report", [{**MONTHS[0], "sales_amount": None}]),
        ),
        ("reweight", [1.0, 0.03, 0.61, 33830.0, 5.0, 3.0], None, None),
    ]
    for number, (rule, facts, pay, earned) in enumerate(cases):
        card = judged(cards.card(), rule, facts, pay)
        card |= {"specialist": f"p{number}", "name": f"=1+{number}' [Анна]: {cards.SCRIPT}", "bonus": earned}
        made.append(card)
    return made


def sheets(content: bytes) -> dict[str, list[list[Any]]]:
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    return {name: book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in book.sheet_names}


@pytest.fixture(scope="module")
def made() -> tuple[list[dict[str, Any]], bytes]:
    team = people()
    return team, statement("2025-10", team, ["@SUM(A1)"], "ru", "RUB")


def test_cached_values_are_those_of_the_kit(made: tuple[list[dict[str, Any]], bytes]) -> None:
    team, content = made
    book = sheets(content)
    rows = iter(next(iter(book.values()))[4:])
    for card in team:
        for record in card["kpis"]:
            row = next(rows)
            known = ("" if value is None else value for value in (record["attainment"], record["payout"]))
            assert (row[0], row[6], row[8]) == (card["name"], *known)
        row, pay, earned = next(rows), card["variable_pay"], card["bonus"]
        assert row[10] == ("" if card["total"] is None else card["total"])
        assert row[13] == ("" if pay is None or pay["payout"] is None else kopecks(pay["payout"]))
        assert row[14] == ("" if earned is None or earned["amount"] is None else kopecks(earned["amount"]))
    assert next(rows)[:2] == ["@SUM(A1)", "отчёта нет"]
    paid = [amount for amount in map(payout.payment, team) if amount is not None]
    assert next(rows)[16] == kopecks(sum(paid))
    assert len(book) == len(team) + 1
    assert statement("2025-10", team, ["@SUM(A1)"], "ru", "RUB") == content


def test_no_text_is_a_formula_or_a_link(made: tuple[list[dict[str, Any]], bytes], tmp_path: Path) -> None:
    (tmp_path / "payout.xlsx").write_bytes(made[1])
    shutil.unpack_archive(tmp_path / "payout.xlsx", tmp_path / "parts", "zip")
    text = "".join(path.read_text(encoding="utf-8") for path in (tmp_path / "parts").rglob("*.xml"))
    assert "<hyperlink" not in text
    assert "<f>1+0" not in text
    assert "SUM(A1)</f>" not in text


def test_libreoffice_computes_the_same(
    made: tuple[list[dict[str, Any]], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All cached values are wrong, and LibreOffice puts the kit's in their place, to the kopeck."""
    if (soffice := shutil.which("soffice")) is None:
        pytest.skip("LibreOffice is not on the PATH")
    team, content = made
    write = payout._Workbook.formula
    monkeypatch.setattr(payout._Workbook, "formula", lambda *given: write(*given[:5], 123.0, given[6]))
    (tmp_path / "payout.xlsx").write_bytes(statement("2025-10", team, ["@SUM(A1)"], "ru", "RUB"))
    (tmp_path / "profile/user").mkdir(parents=True)
    (tmp_path / "profile/user/registrymodifications.xcu").write_text(RECALCULATE, encoding="utf-8")
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    convert = [
        soffice,
        profile,
        "--headless",
        "--convert-to",
        "xlsx",
        "--outdir",
        tmp_path / "new",
        tmp_path / "payout.xlsx",
    ]
    subprocess.run(convert, check=True, capture_output=True, timeout=120)
    kept, computed = sheets(content), sheets((tmp_path / "new" / "payout.xlsx").read_bytes())
    assert list(kept) == list(computed)
    for name, rows in kept.items():
        for number, (row, other) in enumerate(zip(rows, computed[name], strict=True), 1):
            for column, (value, new) in enumerate(zip(row, other, strict=True), 1):
                where = f"{name}, row {number}, column {column}"
                if isinstance(value, float) and isinstance(new, float):
                    assert new == pytest.approx(value, rel=1e-9, abs=1e-9), where
                else:
                    assert new == value, where


@pytest.mark.parametrize(("language", "head"), [("ru", "К выплате"), ("en", "To pay")])
def test_both_languages(language: str, head: str) -> None:
    rows = next(iter(sheets(statement("2025-10", [cards.card(language)], [], language, "RUB")).values()))
    assert head in rows[3]
