"""Small changes to the formulas, one at a time: do the tests see each?

Run ``python benchmarks/mutants.py`` (or ``make mutants``). cosmic-ray makes the changes; the tests of the
changed module run in a fork of a process that has imported the libraries, but not yet the kit, so that a
change costs its tests and no start of an interpreter. Survivors are printed as what has become of their
line; docs/testing.md explains those that are left.
"""

from __future__ import annotations

import argparse
import ast
import doctest
import importlib.abc
import importlib.util
import os
import random
import re
import signal
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent
PLAN = {
    "targets": ["tests/test_targets.py"],
    **{f"kpis/{name}": [f"tests/kpis/test_{name}.py"] for name in
       ("audience", "content", "demand", "engagement", "response", "sales")},
    "kpis/frame": ["tests/kpis"],
    **{f"statistics/{name}": ["tests/test_statistics.py"] for name in
       ("change", "trend", "chance", "control", "calibration", "discoveries")},
}  # fmt: skip
"""Which tests are to see the changes of a module."""
LIBRARIES = "babel duckdb holidays numpy pandas pydantic ruamel.yaml scipy.stats statsmodels.api".split()
PATIENCE = 120.0


@dataclass(frozen=True)
class Mutant:
    """A module with one change."""

    module: str
    code: str
    line: int
    text: str


def operators() -> list[str]:
    """Those that are of use here: a binary operator gives way to its opposite alone, not to all others."""
    from cosmic_ray.plugins import operator_names

    opposite = {"Add": "Sub", "Sub": "Add", "Mul": "Div", "Div": "Mul", "FloorDiv": "Div", "Mod": "Mul",
                "Pow": "Mul", "BitOr": "BitAnd", "BitAnd": "BitOr"}  # fmt: skip
    chosen = []
    for name in operator_names():
        kind, _, pair = name.removeprefix("core/").partition("_")
        old, _, new = pair.partition("_")
        if kind != "ReplaceBinaryOperator" or opposite.get(old) == new:
            chosen.append(name)
    return [name for name in chosen if not re.search("Decorator|Exception|Variable|_Is", name)]


def meaning(code: str) -> str:
    """A module without its annotations, which nothing but mypy reads."""
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            node.returns = None
        elif isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant(None)
    return ast.dump(tree)


def mutants(module: str) -> list[Mutant]:
    """Every change of a module that leaves it a Python file, each once."""
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator

    path = ROOT / "kpi_kit" / f"{module}.py"
    source = path.read_text(encoding="utf-8")
    tree, unannotated = get_ast(source), meaning(source)
    found: dict[str, Mutant] = {}
    for name in operators():
        operator = get_operator(name)()
        count = sum(len(list(operator.mutation_positions(node))) for node in ast_nodes(tree))
        for occurrence in range(count):
            code = mutate_code(source, operator, occurrence)
            if code is None or meaning(code) == unannotated:
                continue
            pairs = zip(source.splitlines(), code.splitlines(), strict=False)
            line, text = next((n, new) for n, (old, new) in enumerate(pairs, 1) if old != new)
            if "per-file" not in text and text.lstrip()[:1] not in ("#", '"', "@"):
                found.setdefault(
                    code, Mutant(f"kpi_kit.{module.replace('/', '.')}", code, line, text.strip())
                )
    return list(found.values())


def unchanged(module: str) -> Mutant:
    """The module as it is, which its tests must let live."""
    source = (ROOT / "kpi_kit" / f"{module}.py").read_text(encoding="utf-8")
    return Mutant(f"kpi_kit.{module.replace('/', '.')}", source, 1, "")


class Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives the changed module in place of the file."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant
        self._path = ROOT / f"{mutant.module.replace('.', '/')}.py"

    def find_spec(
        self, name: str, path: object, target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != self._mutant.module:
            return None
        return importlib.util.spec_from_file_location(name, self._path, loader=self)

    def create_module(self, spec: object) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self._mutant.code, str(self._path), "exec"), module.__dict__)


def survives(mutant: Mutant, tests: list[str]) -> bool:
    """Whether the tests pass although the module was changed."""
    pid = os.fork()
    if not pid:
        os.setsid()
        signal.alarm(int(PATIENCE))
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        sys.meta_path.insert(0, Changed(mutant))
        import pytest

        given = ["-x", "-q", "-o", "addopts=", "--import-mode=importlib", "-p", "no:cacheprovider", "--tb=no"]
        if doctest.testmod(importlib.import_module(mutant.module)).failed:
            os._exit(1)
        os._exit(int(pytest.main([*given, *tests])) in (1, 2))  # 2: it cannot be imported
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status) == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("modules", nargs="*", choices=[*PLAN, []], help="default: all")
    parser.add_argument("--sample", type=float, default=1.0, help="the share of the changes to try")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    os.chdir(ROOT)
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    for library in ("pytest", *LIBRARIES):
        importlib.import_module(library)
    assert not any(name.startswith("kpi_kit") for name in sys.modules)
    total: Counter[str] = Counter()
    for module in asked.modules or PLAN:
        made = mutants(module)
        chosen = random.Random(asked.seed).sample(made, max(1, round(len(made) * asked.sample)))
        begun, left = time.monotonic(), []
        if not survives(unchanged(module), PLAN[module]):
            raise SystemExit(f"{module}: its tests fail without a change; nothing can be said of changes")
        for mutant in sorted(chosen, key=lambda each: each.line):
            if survives(mutant, PLAN[module]):
                left.append(mutant)
                print(f"  {mutant.module}:{mutant.line}: {mutant.text}", flush=True)
        killed = len(chosen) - len(left)
        total.update(killed=killed, tried=len(chosen), all=len(made))
        print(
            f"{module}: {killed} of {len(chosen)} killed ({killed / len(chosen):.0%}), of {len(made)}; "
            f"{time.monotonic() - begun:.0f} s",
            flush=True,
        )
    print(f"{total['killed']} of {total['tried']} killed ({total['killed'] / total['tried']:.1%})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
