"""``kpis.yml``: what it takes, what it refuses, and that agencies do not share formulas."""

from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from kpi_kit.core.errors import InputError, KitError
from kpi_kit.core.model import Better, Unit
from kpi_kit.kpis import CATALOGUE
from kpi_kit.params import Params, check_person, check_target, load
from kpi_kit.params.formula_file import read_formulas
from tests.agency import COST_PER_LEAD, LEADS_PER_VIEWS, entry, formula
from tests.builders import write_params
from tests.payloads import PAYLOADS

SCHEMA = json.loads((Path(__file__).parents[2] / "params/schema/kpis.json").read_text(encoding="utf-8"))


def written(folder: Path, formulas: Any, *kpis: dict[str, Any]) -> Path:
    write_params(folder, None, {"ann": {"kpis": list(kpis) or [entry("leads")]}})
    text = formulas
    if not isinstance(formulas, str):
        with (folder / "kpis.yml").open("w", encoding="utf-8") as stream:
            YAML(typ="safe", pure=True).dump(formulas, stream)
        return folder
    (folder / "kpis.yml").write_text(text, encoding="utf-8")
    return folder


def loaded(folder: Path, formulas: Any, *kpis: dict[str, Any]) -> Params:
    return load(written(folder, formulas, *kpis))


def problems(folder: Path, formulas: Any, *kpis: dict[str, Any]) -> list[str]:
    with pytest.raises(InputError) as fault:
        loaded(folder, formulas, *kpis)
    return [problem.replace(str(folder / "kpis.yml"), "FILE") for problem in fault.value.problems]


def test_a_formula_is_a_kpi_like_any_other(tmp_path: Path) -> None:
    params = loaded(tmp_path, [COST_PER_LEAD, LEADS_PER_VIEWS], entry("cost_per_lead"), entry("leads"))
    assert list(params.catalogue) == [*CATALOGUE, "cost_per_lead", "leads_per_views"]
    own, kit = params.specialists["ann"].kpis
    assert own.definition == params.catalogue["cost_per_lead"]
    assert (own.unit, own.definition.better, own.accruing) == (Unit.MONEY, Better.LOWER, False)
    assert own.definition.tables == ("spend", "leads")
    assert (kit.definition, kit.formula) == (CATALOGUE["leads"], None)


@pytest.mark.parametrize(
    ("family", "group"), [("sales", 5), ("engagement", 3), ("content", 10), ("audience", 1), ("response", 11)]
)
def test_its_group_is_one_of_its_family(family: str, group: int, tmp_path: Path) -> None:
    params = loaded(tmp_path, [formula("mine", "leads", "views", family=family)])
    assert (params.catalogue["mine"].family, params.catalogue["mine"].group) == (family, group)


def test_over_subscribers_it_accrues_like_its_numerator(tmp_path: Path) -> None:
    params = loaded(tmp_path, [formula("mine", "leads", "subscribers")])
    assert params.catalogue["mine"].accruing


def test_one_title_stands_for_both_languages(tmp_path: Path) -> None:
    (mine,) = loaded(tmp_path, [{**COST_PER_LEAD, "title": "CPL"}]).formulas.values()
    assert (mine.title.ru, mine.title.en) == ("CPL", "CPL")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"numerator": "spent"}, "numerator: there is no 'spent'; did you mean spend?"),
        ({"denominator": "lead"}, "denominator: there is no 'lead'; did you mean leads?"),
        ({"numerator": "view_rate"}, "numerator: view_rate is not a sum over accounts; expected one of "),
        ({"denominator": "brand_mentions"}, "denominator: brand_mentions is not a sum over accounts; "),
        (
            {"numerator": "subscribers", "unit": "number"},
            "numerator: subscribers is not a sum over accounts; ",
        ),
        ({"id": "leads"}, "id: leads is a name of the kit; choose another"),
        ({"id": "spend"}, "id: spend is a name of the kit; choose another"),
        ({"numerator": "leads"}, "denominator: leads is the numerator too, and the value always 1"),
        ({"unit": "number"}, "unit: spend is money; expected money, found number"),
        ({"numerator": "views"}, "unit: views is not money; expected number or share, found money"),
        (
            {"numerator": "views", "unit": "share", "per": 100},
            "per: a share is written in per cent and has no per; leave it out, found 100",
        ),
        ({"per": 0}, "per: expected more than 0, found 0"),
        ({"per": "many"}, "per: expected a number, e.g. 40, or a share, e.g. 3%, found 'many'"),
        ({"unit": "leads"}, "unit: found 'leads'; allowed: money, number, share"),
        ({"better": "hihger"}, "better: found 'hihger'; did you mean higher?"),
        ({"family": "sale"}, "family: found 'sale'; did you mean sales?"),
        ({"title": {"ru": "А"}}, "title.en: this key is missing"),
        ({"title": {"ru": "А", "en": "A", "eng": "A"}}, "title.eng: unknown key; did you mean en?"),
        ({"tilte": "A"}, "tilte: unknown key; did you mean title?"),
        ({"idd": "a"}, "idd: unknown key; did you mean id?"),
    ],
)
def test_a_fault_is_one_sentence_with_its_line(change: dict[str, Any], sentence: str, tmp_path: Path) -> None:
    found = problems(tmp_path, [LEADS_PER_VIEWS, {**COST_PER_LEAD, **change}])
    assert len(found) == 1
    name = change.get("id", "cost_per_lead")
    where, _, rest = found[0].partition(": ")
    assert where.startswith("FILE, line ")
    assert rest.startswith(f"entry 2 ({name}), {sentence}")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "FILE: a list of formulas is expected"),
        ("kpis: []", "FILE: a list of formulas is expected"),
        ("- 5", "FILE, line 1: entry 1: keys with values are expected, found int"),
        ("- {id: [a]", "FILE, line 1: this is not YAML"),
        ("- {id: Ы, title: A, numerator: leads, denominator: views,\n"
         "   unit: number, better: higher, family: sales}",
         "FILE, line 1: entry 1 (Ы), id: expected lower-case Latin letters, digits and _"),
    ],
)  # fmt: skip
def test_other_documents_are_refused(text: str, sentence: str, tmp_path: Path) -> None:
    (found,) = problems(tmp_path, text)
    assert found.startswith(sentence)


def test_all_faults_come_together_and_cause_no_others(tmp_path: Path) -> None:
    """An entry of a formula that cannot be read is no unknown KPI."""
    wrong = [{**COST_PER_LEAD, "unit": "x", "per": -1}, {**LEADS_PER_VIEWS, "numerator": "lead"}]
    found = problems(tmp_path, wrong, entry("cost_per_lead"), entry("cost_per_leed"))
    assert len(found) == 4
    assert "there is no KPI 'cost_per_leed'" in found[3]


def test_an_id_stands_once(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, [COST_PER_LEAD, COST_PER_LEAD])
    assert found.endswith("entry 2 (cost_per_lead), id: cost_per_lead is given twice")


def test_an_unknown_kpi_of_a_person_gets_a_hint(tmp_path: Path) -> None:
    params = loaded(tmp_path, [COST_PER_LEAD], entry("cost_per_leed"))
    (problem,) = params.broken["ann"]
    assert problem.endswith("kpi: there is no KPI 'cost_per_leed'; did you mean cost_per_lead?")


def test_the_title_of_a_formula_stands_for_its_id(tmp_path: Path) -> None:
    params = loaded(tmp_path, [COST_PER_LEAD], entry("Показатель cost_per_lead"))
    assert [entry.kpi for entry in params.specialists["ann"].kpis] == ["cost_per_lead"]


def test_a_percent_sign_is_for_shares_alone(tmp_path: Path) -> None:
    params = loaded(tmp_path, [COST_PER_LEAD], entry("cost_per_lead", target={"at_most": "3%"}))
    assert "cost_per_lead is measured in money" in params.broken["ann"][0]


def test_agencies_of_one_process_do_not_share_formulas(tmp_path: Path) -> None:
    """The same text of a specialist's file, with other formulas or none."""
    first = loaded(tmp_path / "1", [COST_PER_LEAD], entry("cost_per_lead"))
    other = {**COST_PER_LEAD, "per": 10, "title": "Другое"}
    second = loaded(tmp_path / "2", [other], entry("cost_per_lead"))
    third = loaded(tmp_path / "3", [LEADS_PER_VIEWS], entry("cost_per_lead"))
    assert first.specialists["ann"].kpis[0].definition.per == 1
    assert second.specialists["ann"].kpis[0].definition.per == 10
    assert "there is no KPI 'cost_per_lead'" in third.broken["ann"][0]
    assert "cost_per_lead" not in CATALOGUE
    again = loaded(tmp_path / "1", [COST_PER_LEAD], entry("cost_per_lead"))
    assert again.specialists["ann"] == first.specialists["ann"]


def test_an_entry_keeps_its_formula(tmp_path: Path) -> None:
    params = loaded(tmp_path, [COST_PER_LEAD], entry("cost_per_lead"))
    ann = params.specialists["ann"]
    mine = ann.kpis[0]
    retargeted = check_target({"at_most": 500}, mine, ann)
    others = pickle.loads(pickle.dumps(mine)), copy.deepcopy(mine), mine.model_copy(update={"weight": 2.0})
    for other in (*others, retargeted):
        assert other.definition is mine.definition
    file = params.file_of("ann")
    assert check_person(file, file.read_text(encoding="utf-8")) == ann


@pytest.mark.parametrize("content", [[COST_PER_LEAD, LEADS_PER_VIEWS], []])
def test_the_schema_takes_what_is_read(content: Any, tmp_path: Path) -> None:
    assert read_formulas(written(tmp_path, content)).problems == ()
    assert list(Draft202012Validator(SCHEMA).iter_errors(content)) == []


@pytest.mark.parametrize("change", [{"id": "leads"}, {"numerator": "view_rate"}, {"unit": "leads"}, {"x": 1}])
def test_the_schema_refuses_what_is_refused(change: dict[str, Any], tmp_path: Path) -> None:
    content = [{**COST_PER_LEAD, **change}]
    assert read_formulas(written(tmp_path, content)).problems
    assert list(Draft202012Validator(SCHEMA).iter_errors(content))


@pytest.mark.parametrize("key", ["id", "title", "numerator", "denominator", "unit", "better", "family"])
def test_any_text_is_taken_or_refused_in_one_line(key: str, tmp_path: Path) -> None:
    """Only a title may be any text."""
    for text in PAYLOADS[::5]:
        written(tmp_path, json.dumps([{**COST_PER_LEAD, key: text}]))
        try:
            problems_of = read_formulas(tmp_path).problems
        except KitError as fault:
            problems_of = fault.problems
        assert key == "title" or problems_of
        for problem in problems_of:
            assert len(problem.splitlines()) == 1 and len(problem) < 2000
