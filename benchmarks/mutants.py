"""Small changes to the formulas, one at a time: do the tests see each?

Run ``python benchmarks/mutants.py`` (or ``make mutants``). cosmic-ray makes the changes; the tests of the
changed module run in a fork of a process that has imported the libraries, but not yet the kit, so that a
change costs its tests and no start of an interpreter. The tests that saw earlier changes come first, then the
quick ones, so that the slow ones run for survivors alone. For a change inside a function only those run that
ever call it: that may let a change live which other tests would have seen, never the reverse. Survivors are
printed as what has become of their line; docs/testing.md explains those that are left.
"""

from __future__ import annotations

import argparse
import ast
import doctest
import importlib.abc
import importlib.util
import json
import os
import random
import re
import signal
import sys
import time
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import FrameType, ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent
PLAN = {
    "params/targets": ["tests/params/test_targets.py"],
    **{f"kpis/{name}": [f"tests/kpis/test_{name}.py", "tests/test_catalogue.py",
                       "tests/scorecard/test_sensitivity.py"]
       for name in ("audience", "content", "demand", "engagement", "response", "sales")},
    "kpis/engine/unit_frame": ["tests/kpis", "tests/test_catalogue.py"],
    **{f"statistics/{name}": ["tests/statistics/test_statistics.py", f"tests/statistics/test_{name}.py"]
       for name in ("change", "trend", "chance", "control", "calibration", "noise")},
    **{f"statistics/{name}": ["tests/statistics/test_trend.py", "tests/statistics/test_noise.py"]
       for name in ("breaks", "season")},
    **{f"statistics/{name}": ["tests/statistics/test_statistics.py", "tests/statistics/test_change.py"]
       for name in ("intervals", "resampling", "roots", "sides")},
    "statistics/backtest": ["tests/statistics/test_statistics.py", "tests/statistics/test_chance.py"],
    "statistics/discoveries": ["tests/statistics/test_statistics.py"],
    "statistics/unusual": ["tests/scorecard/test_unusual_days.py", "tests/statistics/test_unusual.py"],
}  # fmt: skip
"""Which tests are to see the changes of a module."""
IMPORT = "import"
PATIENCE = 5.0
"""How many times the processor time of the module as it is a change may take, and as many seconds on top."""


@dataclass(frozen=True)
class Mutant:
    """A module with one change."""

    module: str
    code: str
    line: int
    text: str


@dataclass(frozen=True)
class Verdict:
    """What the tests said of a change."""

    survived: bool
    killer: str | None = None
    """The test that failed, if one did."""
    seconds: dict[str, float] = field(default_factory=dict)
    called: dict[str, list[int]] = field(default_factory=dict)
    """The first lines of the functions that the import and, where that was asked, each test called."""
    imported: list[str] = field(default_factory=list)
    """The modules that the tests needed besides the kit and themselves."""


class Watch:
    """A plugin of pytest: puts the chosen tests in order, and notes how long each took and which failed."""

    def __init__(self, order: list[str] | None, file: Path) -> None:
        self._order = order
        self._file = str(file)
        self.seconds: dict[str, float] = {}
        self.called: dict[str, list[int]] = {}
        self.killer: str | None = None

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        if self._order is not None:
            place = {test: at for at, test in enumerate(self._order)}
            items[:] = sorted((each for each in items if each.nodeid in place), key=lambda i: place[i.nodeid])

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        if self._order is not None:
            return (yield)
        with self.noted(item.nodeid):
            return (yield)

    @contextmanager
    def noted(self, what: str) -> Iterator[None]:
        """Note which functions of the module are called."""
        called: set[int] = set()

        def note(frame: FrameType, event: str, arg: object) -> None:
            if frame.f_code.co_filename == self._file:
                called.add(frame.f_code.co_firstlineno)

        sys.settrace(note)
        try:
            yield
        finally:
            sys.settrace(None)
            self.called[what] = sorted(called)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0.0) + report.duration
        if report.failed:
            self.killer = report.nodeid


def functions(code: str) -> list[tuple[int, range]]:
    """The first line of each function with its decorators, and the lines of its body; inner ones last."""
    found = []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.FunctionDef):
            first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            found.append((first, range(node.body[0].lineno, (node.end_lineno or 0) + 1)))
    return sorted(found, key=lambda each: each[1].start)


def order(mutant: Mutant, source: str, first: Verdict, kills: Counter[str]) -> list[str]:
    """The tests that may see a change: those that saw earlier ones first, then the quick ones."""
    around = [begins for begins, body in functions(source) if mutant.line in body]
    anywhere = not around or around[0] in first.called[IMPORT]
    able = [test for test in first.seconds if anywhere or around[0] in first.called[test]]
    return sorted(able, key=lambda test: (-kills[test], first.seconds[test]))


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


def is_python(code: str) -> bool:
    """Whether a file still parses: the bare ``*`` of a signature is taken for a multiplication."""
    try:
        ast.parse(code)
    except SyntaxError:
        return False
    return True


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
            if code is None or not is_python(code) or meaning(code) == unannotated:
                continue
            pairs = zip(source.splitlines(), code.splitlines(), strict=False)
            line, text = next((n, new) for n, (old, new) in enumerate(pairs, 1) if old != new)
            if "per-file" not in text and text.lstrip()[:1] not in ("#", '"', "@"):
                found.setdefault(code, Mutant(imported_as(module), code, line, text.strip()))
    return list(found.values())


def unchanged(module: str) -> Mutant:
    """The module as it is, which its tests must let live."""
    source = (ROOT / "kpi_kit" / f"{module}.py").read_text(encoding="utf-8")
    return Mutant(imported_as(module), source, 1, "")


def imported_as(module: str) -> str:
    return f"kpi_kit.{module.replace('/', '.')}".removesuffix(".__init__")


class Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives the changed module in place of the file."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant
        folder = ROOT / mutant.module.replace(".", "/")
        self._package = [str(folder)] if folder.is_dir() else None
        self.path = folder / "__init__.py" if self._package else folder.with_suffix(".py")

    def find_spec(
        self, name: str, path: object, target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != self._mutant.module:
            return None
        return importlib.util.spec_from_file_location(
            name, self.path, loader=self, submodule_search_locations=self._package
        )

    def create_module(self, spec: object) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self._mutant.code, str(self.path), "exec"), module.__dict__)


def judged(mutant: Mutant, tests: list[str], chosen: list[str] | None, patience: float) -> Verdict:
    """What the tests say of the changed module, in a process of its own; all of them where none is chosen."""
    begin, end = os.pipe()
    pid = os.fork()
    if not pid:
        os.setsid()
        os.close(begin)
        signal.setitimer(signal.ITIMER_PROF, patience)  # of the processor: a busy machine is no verdict
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        try:
            with os.fdopen(end, "w") as told:
                json.dump(asdict(_tried(mutant, tests, chosen)), told)
            os._exit(0)
        finally:
            os._exit(1)  # never back into the loop of the process that was forked
    os.close(end)
    with os.fdopen(begin) as heard:
        said = heard.read()
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    if code > 0:
        raise RuntimeError(f"nothing can be said of {mutant.module}:{mutant.line}: {mutant.text}")
    return Verdict(**json.loads(said)) if code == 0 else Verdict(False)  # it had no end, or broke the process


def _tried(mutant: Mutant, tests: list[str], chosen: list[str] | None) -> Verdict:
    known = set(sys.modules)
    finder = Changed(mutant)
    sys.meta_path.insert(0, finder)
    watch = Watch(chosen, finder.path)
    try:
        with watch.noted(IMPORT):
            module = importlib.import_module(mutant.module)
    except Exception:  # whatever a change may lead to
        return Verdict(False)
    if doctest.testmod(module).failed:
        return Verdict(False)
    given = ["-x", "-q", "-o", "addopts=", "--import-mode=importlib", "-p", "no:cacheprovider", "--tb=no"]
    code = int(pytest.main([*given, "--assert=plain", *tests], plugins=[watch]))
    imported = [
        name for name, module in list(sys.modules.items())
        if name not in known and "site-packages" in (getattr(module, "__file__", None) or "")
    ]  # fmt: skip
    # 1: a test failed; 2: the tests cannot be imported
    return Verdict(code not in (1, 2), watch.killer, watch.seconds, watch.called, imported)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("modules", nargs="*", choices=[*PLAN, []], help="default: all")
    parser.add_argument("--sample", type=int, help="at most so many changes of a module, by lot")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    os.chdir(ROOT)
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    total: Counter[str] = Counter()
    for module in asked.modules or PLAN:
        made = mutants(module)
        chosen = random.Random(asked.seed).sample(made, min(len(made), asked.sample or len(made)))
        kills: Counter[str] = Counter()
        first = judged(unchanged(module), PLAN[module], None, 600.0)
        if not first.survived:
            raise SystemExit(f"{module}: its tests fail without a change; nothing can be said of changes")
        for library in first.imported:
            importlib.import_module(library)
        assert not any(name.startswith("kpi_kit") for name in sys.modules)
        patience = PATIENCE * (1 + sum(first.seconds.values()))
        begun, left = time.monotonic(), []
        for mutant in sorted(chosen, key=lambda each: each.line):
            chosen_tests = order(mutant, unchanged(module).code, first, kills)
            verdict = judged(mutant, PLAN[module], chosen_tests, patience)
            kills.update([verdict.killer] if verdict.killer else [])
            if verdict.survived:
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
