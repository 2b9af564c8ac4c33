"""All sentences of errors: every code in both languages, with example fields."""

import ast
import pickle
import re
import string
from functools import cache
from pathlib import Path

import pytest

from kpi_kit.core.errors import InputError
from kpi_kit.core.phrases import LANGUAGES, Phrase, in_language, renamed, speak, templates

KIT = Path(__file__).parents[1] / "kpi_kit"
ROOMS = sorted(path.parent.parent.name for path in KIT.glob("*/locale/en.yml"))


@cache
def nodes():
    """The nodes of all modules, by kind, each with the name of its module."""
    sorted_nodes = {ast.Call: [], ast.Constant: [], ast.ClassDef: []}
    for path in KIT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if type(node) in sorted_nodes:
                sorted_nodes[type(node)].append((str(path.relative_to(KIT)), node))
    return sorted_nodes


def codes():
    return [
        (f"{room}.{key}", {language: str(templates(room, language)[key]) for language in LANGUAGES})
        for room in ROOMS
        for key in templates(room, "en")
    ]


def fields_of(template):
    fields = {name: spec for _, name, spec, _ in string.Formatter().parse(template) if name}
    for spec in fields.copy().values():
        fields |= {name: "" for _, name, *_ in string.Formatter().parse(spec) if name}
    return fields


def example(name, spec):
    if "|" in spec or spec.endswith(("g", "f", "n")):
        return 12
    return {"hint": "", "more": "", "file": "params/specialists/anna.yml", "kpi": "leads"}.get(name, name[:6])


@cache
def used():
    """The codes that the package uses, and the beginnings of those that it puts together."""
    whole, begun = {}, set()
    for module, node in nodes()[ast.Call]:
        if isinstance(node.func, ast.Name) and node.func.id == "Phrase" and node.args:
            for part in ast.walk(node.args[0]):
                if isinstance(part, ast.JoinedStr):
                    begun.add(str(part.values[0].value))
                elif isinstance(part, ast.Constant) and "." in str(part.value):
                    names = {keyword.arg for keyword in node.keywords}
                    whole.setdefault(str(part.value), []).append((f"{module}:{node.lineno}", names))
    return whole, begun


def test_both_languages_have_the_same_codes():
    for room in ROOMS:
        assert templates(room, "ru").keys() == templates(room, "en").keys()


@pytest.mark.parametrize("room", ROOMS)
def test_a_sentence_is_whole_in_both_languages(room):
    for code, both in codes():
        if code.startswith(f"{room}."):
            assert faults(code, both) == [], code


def faults(code, both):
    own = {language: fields_of(text) for language, text in both.items()}
    specs = {
        name: max(own[language].get(name, "") for language in LANGUAGES) for name in own["ru"] | own["en"]
    }
    phrase = Phrase(code, **{name: example(name, spec) for name, spec in specs.items()})
    # Russian may leave out what English needs, such as the words of libraries
    listed = ["other fields"] if set(own["ru"]) - set(own["en"]) else []
    for language, template in both.items():
        text = in_language(phrase, language)
        listed += ["a field is left"] if "{" in text and "{{" not in template else []
        listed += ["not one line of 1 to 240"] if not 0 < len(text) < 240 or "\n" in text else []
        listed += ["several sentences"] if re.search(r"[.!?] [A-ZА-Я]", text) else []
    words = "".join(text for text, *_ in string.Formatter().parse(both["en"]))
    same = both["ru"] == both["en"] and re.search(r"[a-z]{2}", words)
    return listed + (["not translated"] if same and not re.fullmatch(r"(: )?[a-z.]+: |{.*}", words) else [])


def test_every_code_is_used_and_every_used_code_exists():
    whole, begun = used()
    existing = {code for code, _ in codes()}
    own = {code for code in whole if code.split(".")[0] in ROOMS} - begun
    assert own - existing == set()
    named = {node.value for _, node in nodes()[ast.Constant] if isinstance(node.value, str)}
    unused = {code for code in existing - own - named if not code.startswith(tuple(begun))}
    assert unused == set()


def test_every_field_of_a_sentence_is_given():
    templates_of = dict(codes())
    for code, places in used()[0].items():
        for place, names in places:
            if code in templates_of and None not in names:  # **fields are seen at run time alone
                assert names >= fields_of(templates_of[code]["en"]).keys(), (code, place)


def errors():
    """The names of the errors of the kit that users see."""
    names = {"KitError", "Setback"}
    classes = [(node.name, {ast.unparse(base) for base in node.bases}) for _, node in nodes()[ast.ClassDef]]
    while more := {name for name, bases in classes if bases & names} - names:
        names |= more
    return names


def literals(node):
    """The parts of an argument that are sentences in one language."""
    if isinstance(node, ast.Call):
        is_joined = isinstance(node.func, ast.Attribute) and node.func.attr in ("join", "format")
        return [node] if is_joined else []
    if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str)):
        return [node]
    return [found for part in ast.iter_child_nodes(node) for found in literals(part)]


def test_no_error_has_a_sentence_in_one_language():
    names = errors()
    left = [
        f"{module}:{node.lineno}"
        for module, node in nodes()[ast.Call]
        if isinstance(node.func, ast.Name) and node.func.id in names
        if any(map(literals, node.args))
    ]
    assert left == []


def test_a_phrase_crosses_processes_with_its_fields():
    inner = Phrase("core.did_you_mean", name="leads")
    fault = pickle.loads(pickle.dumps(InputError(Phrase("core.within", where=["kpis", "x"], problem=inner))))
    assert str(fault) == "kpis, x: ; did you mean leads?"
    assert in_language(fault.problems[0], "ru") == "kpis, x: ; возможно, вы имели в виду «leads»?"


def test_names_of_folders_are_replaced_in_fields():
    phrase = renamed(Phrase("core.file_missing", file=Path("/tmp/a/posts.csv")), {"/tmp/a": "data"})
    assert in_language(phrase, "ru") == "data/posts.csv: файла нет"


@pytest.mark.spoken
def test_a_command_speaks_the_language_of_the_option_of_the_department_and_of_the_locale(
    tmp_path, capsys, monkeypatch
):
    from kpi_kit.cli.main import main

    monkeypatch.setenv("LC_ALL", "en_GB.UTF-8")
    place = ["--data", str(tmp_path / "none"), "--params", str(tmp_path)]
    try:
        main(["check", *place])
        assert "this file is missing" in capsys.readouterr().err
        (tmp_path / "department.yml").write_text("agency: А\nweight: [\n", encoding="utf-8")
        main(["check", *place])
        assert "файл не читается как YAML" in capsys.readouterr().err
        main(["check", *place, "--language", "en"])
        assert "this is not YAML" in capsys.readouterr().err
    finally:
        speak("en")
