"""The shape of the house: who may import whom, who may read the clock, and how thin notebooks are."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
KIT = ROOT / "kpi_kit"
ROOMS = """
    core statistics kpis params data sources scorecard report batch mail explore cli __main__
""".split()
"""A room imports only from the rooms before it. Files of one room never import each other in a circle."""
NOTEBOOKS = ("specialist_report", "department_report", "explore")
CLOCK = re.compile(r"\b(now\(\)|today\(\)|current_(date|time|timestamp)\b)", re.IGNORECASE)


def modules() -> list[Path]:
    return sorted(path for path in KIT.rglob("*.py") if path != KIT / "__init__.py")


def name_of(path: Path, kit: Path = KIT) -> str:
    """The room: the first part of the module's name under the package."""
    return path.relative_to(kit).parts[0].removesuffix(".py")


def imported_names(tree: ast.AST) -> Iterator[str]:
    """The dotted names of the kit that a module imports, wherever in it the imports stand."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide the room"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (name for name in names if name.startswith("kpi_kit."))


def imported(tree: ast.AST) -> Iterator[str]:
    """The rooms that a module imports from."""
    yield from (name.split(".")[1] for name in imported_names(tree))


def wrong_imports(room: str, source: str) -> list[str]:
    place = ROOMS.index(room)
    return [other for other in imported(ast.parse(source)) if other != room and other not in ROOMS[:place]]


def circle(sources: dict[str, str]) -> list[str]:
    """Modules that import each other in a circle, by dotted name; empty where there is none."""
    graph = {}
    for module, source in sources.items():
        targets = {name for name in imported_names(ast.parse(source)) if name in sources}
        targets |= {
            name.rpartition(".")[0]
            for name in imported_names(ast.parse(source))
            if name not in sources and name.rpartition(".")[0] in sources
        }
        # a package's own files may import from it what its __init__ defines itself
        graph[module] = {target for target in targets if not module.startswith(target)}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as fault:
        return list(fault.args[1])
    return []


def clock_reads(source: str) -> list[str]:
    """Calls and SQL that ask what time it is; durations by ``perf_counter`` are no clock."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            owner, _, method = called.rpartition(".")
            if method in ("now", "utcnow", "today") and owner:
                found.append(called)
            if owner == "time" and method in ("time", "time_ns", "localtime", "gmtime", "ctime", "strftime"):
                found.append(called)
            found += [
                arg.value
                for arg in node.args
                if isinstance(arg, ast.Constant) and arg.value in ("now", "today")
            ]
        elif isinstance(node, ast.ImportFrom) and node.module == "time":
            found += [
                alias.name for alias in node.names if not alias.name.startswith(("perf_counter", "monotonic"))
            ]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found += [match[0] for match in CLOCK.finditer(node.value)]
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_from_above(path):
    assert name_of(path) in ROOMS, "give the module a room"
    assert wrong_imports(name_of(path), path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_only_the_command_line_reads_the_clock(path):
    if path != KIT / "cli" / "main.py":
        assert clock_reads(path.read_text(encoding="utf-8")) == []


def test_no_files_import_each_other_in_a_circle():
    names = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for path in modules()
    }
    assert circle({name: path.read_text(encoding="utf-8") for name, path in names.items()}) == []


def test_every_room_is_a_folder_that_says_what_it_holds():
    for room in ROOMS[:-1]:
        assert ast.get_docstring(ast.parse((KIT / room / "__init__.py").read_text(encoding="utf-8")))
    assert {path.stem for path in KIT.glob("*.py")} == {"__init__", "__main__"}


def test_the_importing_test_can_fail():
    assert wrong_imports("core", "from kpi_kit.batch.run import run") == ["batch"]
    assert wrong_imports("params", "from kpi_kit import data as d, core") == ["data"]
    assert wrong_imports("core", "def f():\n    import kpi_kit.report.section") == ["report"]
    source = "from kpi_kit.kpis.engine.unit_frame import units\nfrom kpi_kit.core.model import Kpi"
    assert wrong_imports("kpis", source) == []
    with pytest.raises(AssertionError, match="relative"):
        wrong_imports("core", "from . import errors")


def test_the_circle_test_can_fail():
    one, two = "from kpi_kit.data.b import f", "def g():\n    from kpi_kit.data import a"
    assert set(circle({"kpi_kit.data.a": one, "kpi_kit.data.b": two})) == {"kpi_kit.data.a", "kpi_kit.data.b"}
    assert circle({"kpi_kit.data.a": one, "kpi_kit.data.b": ""}) == []


@pytest.mark.parametrize(
    "source",
    [
        "dt.datetime.now()",
        "datetime.now(tz)",
        "date.today()",
        "pd.Timestamp.now('UTC')",
        "time.time()",
        "from time import time",
        "np.datetime64('now')",
        "db.execute('select now() as x')",
        "db.execute('where date < CURRENT_DATE')",
    ],
)
def test_the_clock_test_can_fail(source):
    assert clock_reads(source)


def test_durations_are_no_clock():
    assert (
        clock_reads("import time\ntime.perf_counter()\nkernel.shutdown(now=True)\n'today'\n'nowhere'") == []
    )


def thick(source: str) -> list[str]:
    """What a notebook should leave to the package."""
    kinds = (
        ast.FunctionDef,
        ast.AsyncFunctionDef,
        ast.ClassDef,
        ast.Lambda,
        ast.For,
        ast.While,
        ast.If,
        ast.Try,
        ast.comprehension,
    )
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, kinds):
            found.append(type(node).__name__)
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        found += [name for name in names if name.split(".")[0] not in ("kpi_kit", "IPython")]
    return found


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_is_thin_and_stripped(name):
    notebook = json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert thick("\n".join("".join(cell["source"]) for cell in code)) == []
    assert [cell["id"] for cell in code if cell["outputs"] or cell["execution_count"] is not None] == []
    assert set(notebook["metadata"]) <= {"kernelspec", "language_info"}
    assert all(set(cell["metadata"]) <= {"tags"} for cell in notebook["cells"])
    tags = [tag for cell in notebook["cells"] for tag in cell["metadata"].get("tags", [])]
    assert tags == ["parameters"]


def test_the_notebook_test_can_fail():
    assert thick("import pandas as pd") == ["pandas"]
    assert thick("def f():\n    pass\n[x for x in y]") == ["FunctionDef", "comprehension"]
    assert thick("from IPython.display import HTML\nfrom kpi_kit import report\nreport.show(1)") == []
