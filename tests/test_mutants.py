"""The measurement of the tests leaves no formula out, and changes what it says."""

from __future__ import annotations

import ast
import dataclasses

import pytest

from benchmarks import mutants

KIT = mutants.ROOT / "kpi_kit"
CODE = '''
def first(a: int, *, b: int = 2) -> int:
    """Words."""
    return a + b


LIMIT = 5
'''


def test_every_formula_is_measured() -> None:
    modules = {
        path.relative_to(KIT).with_suffix("").as_posix()
        for folder in ("kpis", "statistics")
        for path in (KIT / folder).glob("*.py")
        if path.name != "__init__.py"  # these collect and export: there is nothing to change in them
    }
    assert set(mutants.PLAN) >= modules
    assert set(mutants.PLAN) - modules == {"kpis/engine/unit_frame", "params/targets"}
    for tests in mutants.PLAN.values():
        assert tests and all((mutants.ROOT / test).exists() for test in tests)


@pytest.mark.parametrize("module", ["kpis/__init__", "statistics/__init__"])
def test_a_package_has_nothing_to_change(module: str) -> None:
    assert mutants.mutants(module) == []


def test_a_change_that_is_no_python_is_no_change(tmp_path, monkeypatch) -> None:
    """cosmic-ray takes the bare ``*`` of a signature for a multiplication."""
    monkeypatch.setattr(mutants, "ROOT", tmp_path)
    (tmp_path / "kpi_kit").mkdir()
    (tmp_path / "kpi_kit" / "some.py").write_text(CODE, encoding="utf-8")
    made = mutants.mutants("some")
    assert "return a - b" in {mutant.text for mutant in made}
    assert {mutant.line for mutant in made} == {2, 4, 7}
    for mutant in made:
        ast.parse(mutant.code)


def test_a_change_in_a_function_is_shown_to_the_tests_that_call_it() -> None:
    first = mutants.Verdict(
        True,
        seconds={"quick": 0.1, "slow": 9.0, "other": 0.1},
        called={"import": [], "quick": [2], "slow": [2], "other": []},
    )
    inside, outside = (mutants.Mutant("kpi_kit.some", CODE, line, "") for line in (4, 7))
    assert mutants.order(inside, CODE, first, mutants.Counter()) == ["quick", "slow"]
    assert mutants.order(inside, CODE, first, mutants.Counter(slow=1)) == ["slow", "quick"]
    assert set(mutants.order(outside, CODE, first, mutants.Counter())) == {"quick", "slow", "other"}
    imported = dataclasses.replace(first, called={**first.called, "import": [2]})
    assert set(mutants.order(inside, CODE, imported, mutants.Counter())) == {"quick", "slow", "other"}
