"""Write the pages and schemas that follow from the code; with ``--check`` only say what is stale."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

import kpi_kit
from kpi_kit.core.periods import Grain
from kpi_kit.core.phrases import templates
from kpi_kit.core.yaml_io import read_yaml
from kpi_kit.kpis import CATALOGUE, DENOMINATORS, NUMERATORS
from kpi_kit.params import records
from kpi_kit.params.formulas import Formula
from kpi_kit.params.sentences import HOMES
from kpi_kit.report import THEME, figures
from kpi_kit.report.wording import LANGUAGES, Words, words

ROOT = Path(__file__).parent.parent
MODELS = tuple(
    dict.fromkeys([records.Department, records.Specialist, records.Events, Formula, *HOMES.values()])
)
"""The records of params, each once."""
SCHEMAS = {
    "department": records.Department,
    "specialist": records.Specialist,
    "events": records.Events,
    "kpis": Formula,
}
PICTURES = {
    "noise": ("anna-petrova", "subscriber_gain"),
    "limits": ("anna-petrova", "churn_rate"),
    "trend": ("elena-volkova", "views"),
    "response": ("anna-petrova", None),
}
"""Whose entry each picture shows; without an entry it is the curve of answers."""
KINDS = ("at_least", "at_most", "between", "schedule")
BOUNDS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}
DIALECT = "https://json-schema.org/draft/2020-12/schema"
HEADS = {
    "ru": {
        "kpis": ("Паспорта показателей", "Все показатели набора: что они значат и как считаются."),
        "params-keys": (
            "Ключи настроек",
            "Каждый ключ файлов настроек. Примеры и правила — в [params.md](params.md).",
        ),
        "errors": (
            "Сообщения",
            "Всё, что сообщают команды, и части этих предложений. "
            "В {скобках} — имя файла, строка или значение.",
        ),
        "errors_columns": ("код", "предложение"),
        "made": "Эту страницу пишет `make docs` — править нужно не её, а",
        "group": "Группа {group}",
        "passport": ("формула", "единица", "что лучше", "таблицы", "семейство", "источник формулы"),
        "others": "другие методики",
        "keys": ("ключ", "что можно", "если не задан", "что значит"),
        "required": "обязателен",
    },
    "en": {
        "kpis": ("KPI passports", "Every KPI of the kit: what it means and how it is computed."),
        "params-keys": (
            "Keys of the params",
            "Every key of the params. Examples and rules are in [params.md](params.md).",
        ),
        "errors": (
            "Messages",
            "All that commands report, and the pieces of these sentences. "
            "{Braces} hold a file, a line or a value.",
        ),
        "errors_columns": ("code", "sentence"),
        "made": "`make docs` writes this page; what to change is",
        "group": "Group {group}",
        "passport": ("formula", "unit", "better", "tables", "family", "source of the formula"),
        "others": "other definitions",
        "keys": ("key", "allowed", "by default", "says"),
        "required": "required",
    },
}
UNITS = {
    "ru": {"share": "доля", "hours": "часы", "money": "деньги"},
    "en": {"share": "share", "hours": "hours", "money": "money"},
}


def pages() -> dict[Path, str]:
    """Every file that is made, and what it should say."""
    keys = read_yaml(ROOT / "docs/keys.yml")
    found = {Path("params/schema", f"{name}.json"): _schema(name, keys) for name in SCHEMAS}
    for language in LANGUAGES:
        ending = ".md" if language == "en" else f".{language}.md"
        found[Path("docs", f"kpis{ending}")] = _kpis(words(language), language)
        found[Path("docs", f"params-keys{ending}")] = _keys(language, keys)
        found[Path("docs", f"errors{ending}")] = _errors(language)
    return found


# ---- pages


def _head(page: str, language: str, source: str) -> str:
    title, lead = HEADS[language][page]
    return f"# {title}\n\n{lead}\n\n{HEADS[language]['made']} {source}.\n"


def _kpis(say: Words, language: str) -> str:
    parts, group = [_head("kpis", language, f"`kpi_kit/kpis/`, `kpi_kit/report/locale/{language}.yml`")], 0
    for kpi in CATALOGUE.values():
        if kpi.group != group:
            group = kpi.group
            parts.append(f"## {HEADS[language]['group'].format(group=group)}\n")
        what, formula = (say.text(f"kpi.{kpi.id}.{key}") for key in ("what", "formula"))
        unit = UNITS[language].get(kpi.unit) or say.noun(5, kpi.unit)
        tables = ", ".join(f"`{name}`" for name in kpi.tables)
        values = (
            formula,
            unit,
            say.text(f"better.{kpi.better}"),
            tables,
            f"`{kpi.family}`, {say.text(f'family.{kpi.family}')}",
            kpi.source,
        )
        rows = [f"- {name}: {value}" for name, value in zip(HEADS[language]["passport"], values, strict=True)]
        if kpi.alternatives:
            others = "; ".join(say.text(f"definition.{other.id}") for other in kpi.alternatives)
            rows.append(f"- {HEADS[language]['others']}: {others}")
        title = f"### {say.text(f'kpi.{kpi.id}.name')} · {kpi.id}"
        parts.append("\n".join([title, "", f"{what}.", "", *rows, ""]))
    return "\n".join(parts)


def _errors(language: str) -> str:
    parts = [_head("errors", language, "`kpi_kit/*/locale/`")]
    for folder in sorted(ROOT.glob("kpi_kit/*/locale")):
        room = folder.parent.name
        head, rule = f"| {' | '.join(HEADS[language]['errors_columns'])} |", "|---|---|"
        texts = templates(room, language).items()
        rows = [f"| {room}.{code} | {str(text).replace('|', chr(92) + '|')} |" for code, text in texts]
        parts.append("\n".join([f"## {room}\n", head, rule, *rows, ""]))
    return "\n".join(parts)


def _keys(language: str, keys: Mapping[str, Any]) -> str:
    parts = [_head("params-keys", language, "`kpi_kit/params/records.py`, `docs/keys.yml`")]
    for model in MODELS:
        head = HEADS[language]["keys"]
        lines = [f"## {_place(model)}\n", f"| {' | '.join(head)} |", "|---|---|---|---|"]
        schema = _tidy(model.model_json_schema())
        schema = schema if "properties" in schema else schema["$defs"][model.__name__]
        for name, shape in schema["properties"].items():
            if (model, name) != (records.Specialist, "id"):
                told = keys[model.__name__][name][LANGUAGES.index(language)]
                needed = name in schema.get("required", ())
                default = HEADS[language]["required"] if needed else _default(shape)
                lines.append(f"| `{name}` | {_allowed(shape)} | {default} | {told} |")
        parts.append("\n".join([*lines, ""]))
    return "\n".join(parts)


def _place(model: type[BaseModel]) -> str:
    files = {
        records.Department: "department.yml",
        records.Specialist: "specialists/&lt;id&gt;.yml",
        records.Events: "events.yml",
        Formula: "kpis.yml",
    }
    return files.get(model) or next(f"{name}:" for name, home in HOMES.items() if home is model)


def _default(shape: Mapping[str, Any]) -> str:
    default = shape.get("default")
    return (
        "—"
        if default is None or default in ([], {}) or isinstance(default, dict)
        else f"`{json.dumps(default)}`"
    )


def _allowed(shape: Mapping[str, Any]) -> str:
    """A shape in a few words: ``number ≥ 0``, ``always | business``."""
    if "$ref" in shape:
        name = shape["$ref"].rpartition("/")[2]
        return "month, week, quarter, year" if name == "Grain" else "{…}"
    if "anyOf" in shape:
        ways = [_allowed(way) for way in shape["anyOf"] if way.get("type") != "null"]
        return ", ".join(dict.fromkeys(ways)) + _limits(shape)
    if "const" in shape:
        return f"`{shape['const']}`"
    if "enum" in shape:
        return ", ".join(f"`{name}`" for name in shape["enum"])
    if shape.get("type") == "array":
        inside = shape.get("items") or {"anyOf": shape.get("prefixItems", [])}
        return (
            f"[{_allowed(inside)}, …]" if "items" in shape else f"[{_allowed(inside)}] × {shape['minItems']}"
        )
    if "%" in shape.get("pattern", ""):
        return "`3%`"
    return str(shape.get("format") or shape.get("type") or "{…}") + _limits(shape)


def _limits(shape: Mapping[str, Any]) -> str:
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤"}
    return "".join(f" {sign} {shape[key]}" for key, sign in signs.items() if key in shape)


# ---- schemas


def _schema(name: str, keys: Mapping[str, Any]) -> str:
    model = SCHEMAS[name]
    schema = _tidy(model.model_json_schema())
    if model is records.Specialist:
        del schema["properties"]["id"]  # it is the name of the file
        schema["required"].remove("id")
    homes = {model.__name__: schema, **schema["$defs"]}
    for home, shape in homes.items():
        for key in shape.get("properties", ()):
            shape["properties"][key]["description"] = " / ".join(keys[home][key])
    if model is Formula:
        shape = schema["properties"]
        shape["id"]["not"] = {"enum": list(CATALOGUE)}
        for key, allowed in (("numerator", NUMERATORS), ("denominator", DENOMINATORS)):
            shape[key] |= {"enum": list(allowed)}
        definitions = schema.pop("$defs")
        schema = {"type": "array", "items": schema, "$defs": definitions}
    if "Entry" in homes:
        # an editor completes the kit's KPIs, and takes those of kpis.yml
        homes["Entry"]["properties"]["kpi"]["anyOf"] = [{"enum": list(CATALOGUE)}, {"minLength": 1}]
        homes["Entry"]["properties"]["weight"] = {"type": "number", "exclusiveMinimum": 0} | {
            "description": " / ".join(keys["Entry"]["weight"])
        }
        _shape_targets(homes["TargetParams"], schema["$defs"])
    return json.dumps({"$schema": DIALECT, **schema}, ensure_ascii=False, indent=1) + "\n"


def _shape_targets(target: dict[str, Any], definitions: dict[str, Any]) -> None:
    """What the loader asks of the keys of a target together."""
    target["oneOf"] = [{"required": [kind]} for kind in KINDS]
    target["dependentRequired"] = {"by": ["from"], "from": ["by"]}
    target["dependentSchemas"] = {
        "between": {"properties": dict.fromkeys(("worst", "by", "from"), False)},
        "schedule": {"properties": dict.fromkeys(("worst", "per", "by", "from"), False), "minProperties": 1},
    }
    part = {
        "$ref": "#/$defs/TargetParams",
        "properties": dict.fromkeys(("schedule", "per", "by", "from"), False),
    }
    scheduled = target["properties"]["schedule"]["anyOf"][0]
    scheduled |= {"additionalProperties": part, "minProperties": 1}


def _tidy(shape: Any) -> Any:
    """A schema without titles, and with the bounds of amounts in the words of JSON Schema."""
    if isinstance(shape, list):
        return [_tidy(part) for part in shape]
    if not isinstance(shape, dict):
        return shape
    return {
        BOUNDS.get(key, key): {name: _tidy(part) for name, part in value.items()}
        if key == "properties"
        else _tidy(value)
        for key, value in shape.items()
        if key not in ("title", "description")
    }


# ---- pictures


def pictures() -> Iterator[tuple[Path, str]]:
    """Figures of the sample for the page on statistics; no test compares them byte by byte."""
    agency = kpi_kit.open(ROOT / "data/sample", ROOT / "params")
    for language in LANGUAGES:
        for name, (person, key) in PICTURES.items():
            card = agency.score(person, "2025-10")
            say, colours = words(language, card.data["currency"]), figures.theme(THEME)
            with figures.drawing():
                if key is None:
                    figure = figures.response(card.data["sections"]["response"], say, colours)
                else:
                    figure = figures.history(card[key].data, Grain.MONTH, say, colours)
                assert figure is not None
                yield Path("docs/pictures", f"{name}.{language}.svg"), figures.svg(figure)
    agency.close()


def stale() -> Iterator[str]:
    """The files that do not say what they should."""
    for path, text in pages().items():
        if not (ROOT / path).is_file() or (ROOT / path).read_text(encoding="utf-8") != text:
            yield str(path)


def main(arguments: list[str]) -> int:
    """Write the files, or with ``--check`` name those that are stale."""
    found = list(stale())
    if arguments == ["--check"]:
        for path in found:
            print(f"{path} is stale: make docs writes it anew", file=sys.stderr)
        return int(bool(found))
    for path, picture in pictures():
        (ROOT / path).write_text(picture + "\n", encoding="utf-8")
    for path in found:
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(pages()[Path(path)], encoding="utf-8")
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
