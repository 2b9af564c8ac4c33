"""The shape of the house: who may import whom, who may read the clock, and how thin notebooks are."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
KIT = ROOT / "kpi_kit"
ORDER = """
    errors untrusted json_text schemas card_files earlier model periods tables yaml_files edition statistics
    kpis grid measure targets params commits kept known table_files store extract checks opening upsert
    horizon case facts robustness sections verdicts smart shocks across anomalies provenance scorecard
    what_if restatement department wording display verify figures report agency render kernels execute
    workers cluster machine freshness manifest progress scratch remote plan batch mail sources owners intake
    commands __main__
""".split()
"""A module imports only from those before it; modules of one package may import each other."""
NOTEBOOKS = ("specialist_report", "department_report", "explore")
CLOCK = re.compile(r"\b(now\(\)|today\(\)|current_(date|time|timestamp)\b)", re.IGNORECASE)


def modules() -> list[Path]:
    return sorted(path for path in KIT.rglob("*.py") if path != KIT / "__init__.py")


def name_of(path: Path, kit: Path = KIT) -> str:
    """The layer: the first part of the module's name under the package."""
    return path.relative_to(kit).parts[0].removesuffix(".py")


def imported(tree: ast.AST) -> Iterator[str]:
    """The layers that a module imports from, wherever in it the imports stand."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide the layer"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (name.split(".")[1] for name in names if name.startswith("kpi_kit."))


def wrong_imports(layer: str, source: str) -> list[str]:
    place = ORDER.index(layer)
    return [other for other in imported(ast.parse(source)) if other != layer and other not in ORDER[:place]]


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
    assert name_of(path) in ORDER, "give the module its place in ORDER"
    assert wrong_imports(name_of(path), path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_only_main_reads_the_clock(path):
    if name_of(path) != "__main__":
        assert clock_reads(path.read_text(encoding="utf-8")) == []


def test_the_importing_test_can_fail():
    assert wrong_imports("periods", "from kpi_kit.batch import run") == ["batch"]
    assert wrong_imports("periods", "from kpi_kit import store as s, errors") == ["store"]
    assert wrong_imports("periods", "def f():\n    import kpi_kit.report.section") == ["report"]
    assert wrong_imports("kpis", "from kpi_kit.kpis.frame import units\nfrom kpi_kit.model import Kpi") == []
    with pytest.raises(AssertionError, match="relative"):
        wrong_imports("periods", "from . import errors")


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
