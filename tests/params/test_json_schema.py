"""The JSON Schemas for editors: they take what the loader takes, and refuse the shapes that it refuses."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from kpi_kit.core.yaml_io import read_yaml
from kpi_kit.kpis import CATALOGUE
from kpi_kit.params import load
from kpi_kit.params.sentences import HOMES
from tests.builders import write_params

ROOT = Path(__file__).parents[2]
SCHEMAS = {
    name: json.loads((ROOT / f"params/schema/{name}.json").read_text(encoding="utf-8"))
    for name in ("department", "specialist")
}
SPEC = importlib.util.spec_from_file_location("generate", ROOT / "docs/generate.py")
assert SPEC and SPEC.loader
generate = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(generate)


def refused(name: str, content: Any) -> list[str]:
    """What an editor underlines: YAML's dates are text to it, and keys always are."""
    plain = json.loads(json.dumps(content, default=str))
    validator = Draft202012Validator(SCHEMAS[name], format_checker=FormatChecker())
    return [fault.message for fault in validator.iter_errors(plain)]


def test_the_pages_and_schemas_are_not_stale() -> None:
    assert list(generate.stale()) == [], "make docs writes them anew"


def test_a_stale_page_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(generate, "pages", lambda: {Path("docs/kpis.md"): "another"})
    assert generate.main(["--check"]) == 1
    assert capsys.readouterr().err == "docs/kpis.md is stale: make docs writes it anew\n"


def test_every_key_says_what_it_is_for() -> None:
    told = {home: set(keys) for home, keys in read_yaml(ROOT / "docs/keys.yml").items()}
    there = {
        model.__name__: {field.alias or name for name, field in model.model_fields.items()}
        for model in generate.MODELS
    }
    there["Specialist"].discard("id")
    assert told == there
    assert set(HOMES.values()) <= set(generate.MODELS)


def test_the_sample_says_its_schema_and_holds_to_it() -> None:
    files = [ROOT / "params/department.yml", *sorted((ROOT / "params/specialists").glob("*.yml"))]
    for file in files:
        first = file.read_text(encoding="utf-8").splitlines()[0]
        schema = file.parent / first.removeprefix("# yaml-language-server: $schema=")
        assert json.loads(schema.read_text(encoding="utf-8")) == SCHEMAS[schema.stem], file
        assert refused(schema.stem, read_yaml(file)) == [], file


def test_an_editor_completes_the_kpis_and_takes_titles_and_those_of_kpis_yml() -> None:
    ways = SCHEMAS["specialist"]["$defs"]["Entry"]["properties"]["kpi"]["anyOf"]
    assert ways[0] == {"enum": list(CATALOGUE)}
    assert refused("specialist", person(kpi="cost_per_lead")) == []
    assert refused("specialist", person(kpi="Доля отписок")) == []


SOUND = {"name": "A", "accounts": ["a"], "kpis": [{"kpi": "leads", "target": {"at_least": 1}, "weight": 1}]}


def person(**entry: Any) -> dict[str, Any]:
    return SOUND | {"kpis": [{"kpi": "leads", "target": {"at_least": 1}, "weight": 1} | entry]}


@pytest.mark.parametrize(
    "content",
    [
        {},
        SOUND | {"kpis": []},
        SOUND | {"id": "ann"},
        SOUND | {"nmae": "A"},
        SOUND | {"name": 3},
        SOUND | {"duties": ["audiense"]},
        SOUND | {"accounts": [{"acount": "a"}]},
        SOUND | {"accounts": [{"account": "a", "since": "soon"}]},
        SOUND | {"bonus": {"share_of_sales": 2}},
        SOUND | {"absences": [{"since": "2025-07-01"}]},
        person(kpi=""),
        person(weight=0),
        person(weight="3%"),
        person(versus="last"),
        person(platforms=[]),
        person(platforms=["fax"]),
        person(target={}),
        person(target={"at_least": 1, "at_most": 2}),
        person(target={"at_least": "many"}),
        person(target={"at_least": "1 %%"}),
        person(target={"between": [1]}),
        person(target={"between": [1, 2], "worst": 0}),
        person(target={"at_least": 5, "by": "2025-12-31"}),
        person(target={"at_least": 5, "per": "day"}),
        person(target={"schedule": {}}),
        person(target={"schedule": {"2025-10": {"at_least": 1}}, "per": "month"}),
        person(target={"schedule": {"2025-10": {"at_least": 1, "per": "month"}}}),
    ],
    ids=lambda content: json.dumps(content)[-60:],
)
def test_both_refuse_it(content: dict[str, Any], tmp_path: Path) -> None:
    assert refused("specialist", content)
    plain = {"name": "B", "accounts": ["b"], **SOUND}
    folder = write_params(tmp_path, None, {"sound": plain})
    (folder / "specialists/ann.yml").write_text(json.dumps(content), encoding="utf-8")
    assert "ann" in load(folder).broken


@pytest.mark.parametrize(
    "content",
    [
        SOUND,
        SOUND | {"accounts": [123, {"account": "b", "until": "2025-10-16"}]},
        person(kpi="churn_rate", target={"at_most": "3 %", "worst": "6,5%"}),
        person(target={"schedule": {"2025": {"at_least": 1, "worst": 0}}}),
        person(target={"at_least": 9, "by": "2025-12-31", "from": {"value": 1, "on": "2024-12-31"}}),
    ],
    ids=lambda content: json.dumps(content)[-60:],
)
def test_both_take_it(content: dict[str, Any], tmp_path: Path) -> None:
    assert refused("specialist", content) == []
    text = json.dumps(content)
    for day in ("2025-10-16", "2025-12-31", "2024-12-31"):
        text = text.replace(f'"{day}"', day)  # in YAML a day is written without quotation marks
    folder = write_params(tmp_path, None, {"ann": text})
    assert load(folder).broken == {}


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"agency": ""},
        {"agency": "A", "langauge": "ru"},
        {"agency": "A", "language": "fr"},
        {"agency": "A", "currency": "rubles"},
        {"agency": "A", "history": {"periods": 1}},
        {"agency": "A", "coverage": {"minimum": 2}},
        {"agency": "A", "scoring": {"cap": 0.5}},
        {"agency": "A", "directors": [{"id": "x"}]},
        {"agency": "A", "response": {"hours": [10]}},
    ],
    ids=json.dumps,
)
def test_both_refuse_the_department(content: dict[str, Any], tmp_path: Path) -> None:
    assert refused("department", content)
    folder = write_params(tmp_path, json.dumps(content), {"ann": SOUND})
    with pytest.raises(Exception, match=r"department\.yml"):
        load(folder)
