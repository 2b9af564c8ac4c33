"""A run with tiny notebooks, and with notebooks that are broken on purpose, one way each."""

from __future__ import annotations

import errno
import io
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from rich.console import Console

from kpi_kit.batch import execute, processes, publish, warm, workspace
from kpi_kit.batch import run as batch
from kpi_kit.core import errors
from kpi_kit.core.errors import InputError
from kpi_kit.params.records import Brand
from kpi_kit.report import render as rendering
from kpi_kit.scorecard.cohort import Cohort, ForecastRows

HERE = Path(__file__).parents[1]
NOTEBOOKS = HERE / "notebooks"
ANNA = {"anna.html", "anna.ipynb", "anna.json"}
IVAN = {"ivan.html", "ivan.ipynb", "ivan.json"}
BESIDE = {"manifest.json", "backtest.json", "department"}
INDEX = {"index.html", "index.ipynb", *BESIDE}


@pytest.fixture
def people(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Anna and Ivan, without files: params and data have tests of their own."""
    loaded = SimpleNamespace(
        folder=Path("params"),
        department=SimpleNamespace(language="ru", timezone="Europe/Moscow", agency="<Маяк>", brand=Brand()),
        specialists={
            name: SimpleNamespace(name=name.title(), notebook=None, language=None)
            for name in ("anna", "ivan")
        },
        broken={},
    )
    monkeypatch.setattr(batch.settings, "load", lambda folder: loaded)
    monkeypatch.setattr(batch, "_is_unchanged", lambda *_: False)
    monkeypatch.setattr(batch.payout, "write", lambda *_: None)
    with_inputs(monkeypatch, loaded, Always())
    monkeypatch.setattr(batch.cohort, "compute", lambda people, period, **where: (Cohort(), {}))
    return loaded


def with_inputs(monkeypatch: pytest.MonkeyPatch, loaded: object, hashes: object) -> None:
    """Let runs take their inputs from here, without a snapshot."""
    monkeypatch.setattr(batch, "_inputs", lambda run, folder: nullcontext((run, loaded, hashes)))


class Always:
    """Inputs that are never those of the last run."""

    def __init__(self) -> None:
        self.numbers = itertools.count(time.monotonic_ns())

    def specialist(self, name: str, notebook: Path, crossing: Cohort, entry: object) -> dict[str, str]:
        return {"number": str(next(self.numbers))}

    def across(self) -> dict[str, str]:
        return {"number": str(next(self.numbers))}

    def forecasts(self, name: str) -> str:
        return str(next(self.numbers))

    def department(self, notebook: Path, reports: object) -> dict[str, str]:
        return {"number": str(next(self.numbers))}


@pytest.fixture
def go(people: SimpleNamespace, style: Path, tmp_path: Path) -> Callable[..., batch.Outcome]:
    """Run with one of the tiny notebooks as everyone's report."""

    def run(notebook: str = "good", department: str = "department", **options: object) -> batch.Outcome:
        house = tmp_path / "notebooks"
        house.mkdir(exist_ok=True)
        for source, name in ((notebook, "specialist_report"), (department, "department_report")):
            whole = shutil.copy(NOTEBOOKS / f"{source}.ipynb", house / f"{name}.{threading.get_ident()}")
            Path(whole).replace(house / f"{name}.ipynb")  # another run may be reading it
        given = {
            "data": "data",
            "params": "params",
            "out": tmp_path / "out",
            "style": style,
            "engine": "embedded",
        } | options
        if "other" in given:
            given["notebook"] = given.pop("other")
        own = {name: given.pop(name) for name in ("server", "console") if name in given}
        return batch.run(batch.RunOptions("2025-10", notebooks=house, **given), **own)  # type: ignore[arg-type]

    return run


def files(outcome: batch.Outcome) -> set[str]:
    return {path.name for path in outcome.folder.iterdir()}


def manifest(outcome: batch.Outcome) -> dict[str, object]:
    return json.loads((outcome.folder / "manifest.json").read_text(encoding="utf-8"))


def test_every_report_and_the_departments_are_made(go, tmp_path):
    outcome = go()

    assert outcome.failed == {}
    assert outcome.folder == tmp_path / "out" / "2025-10"
    assert files(outcome) == ANNA | IVAN | INDEX
    assert len(outcome.written) == len(set(outcome.written)) == 3 * 2 + 3 + 3
    assert all(path.is_file() for path in outcome.written)
    assert outcome.seconds > 0
    record = manifest(outcome)
    assert {name: (entry["status"], entry["error"]) for name, entry in record.pop("reports").items()} == {
        "anna": ("done", None),
        "ivan": ("done", None),
    }
    assert {record.pop(part)["status"] for part in ("across", "department")} == {"done"}
    assert record == {"schema": 1, "period": "2025-10", "as_of": "2025-11-08T00:00:00+03:00"}
    index = (outcome.folder / "index.html").read_text(encoding="utf-8")
    assert "['anna', 'ivan'] ['anna', 'ivan']" in index


def test_the_list_of_periods_is_made_and_renewed(go, tmp_path):
    out = tmp_path / "out"
    for name in (
        "2025-09/old.json",
        "2025-09/old.html",
        "2025-09/gone.html",
        "notes/a.json",
        "2025-08/a.json",
    ):
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text('{"name": "Ольга <b>"}', encoding="utf-8")
    go(specialists=["anna"])
    page = (out / "index.html").read_text(encoding="utf-8")
    links = re.findall(r'<a href="([^"]*)">(.*?)</a>', page)
    assert links == [
        ("2025-10/index.html", "Октябрь 2025"),
        ("2025-10/anna.html", "Anna"),
        ("2025-09/old.html", "Ольга &lt;b&gt;"),
    ]
    assert "&lt;Маяк&gt;" in page
    assert "<script" not in page
    assert "default-src 'none'" in page
    go(specialists=["ivan"])
    assert '<a href="2025-10/ivan.html">Ivan</a>' in (out / "index.html").read_text(encoding="utf-8")


def test_pdfs_are_made_where_they_are_missing_and_go_with_their_page(go, monkeypatch):
    made: list[str] = []

    def print_it(page: Path, pdf: Path, command: list[str]) -> None:
        made.append(page.name)
        if page.name == "ivan.html":
            raise errors.ReportError("ivan.pdf: Chromium did not end within 60 s")
        pdf.write_bytes(page.read_bytes()[:9])

    monkeypatch.setattr(batch.pdf, "to_pdf", print_it)
    monkeypatch.setattr("kpi_kit.report.pdf.browser", lambda: ["chromium"])
    outcome = go(pdf=True)
    assert sorted(made) == ["anna.html", "index.html", "ivan.html"]
    assert outcome.failed == {"ivan.pdf": "ivan.pdf: Chromium did not end within 60 s"}
    record = manifest(outcome)
    assert set(record["reports"]["anna"]["outputs"]) == {"anna.html", "anna.ipynb", "anna.json", "anna.pdf"}
    assert "index.pdf" in record["department"]["outputs"]
    assert files(outcome) >= {"anna.pdf", "index.pdf"}
    assert "anna.pdf" not in files(go(specialists=["anna"]))
    assert (outcome.folder / "index.pdf").exists() is False


def test_each_report_is_its_own(go):
    outcome = go()
    for name in ("anna", "ivan"):
        assert json.loads((outcome.folder / f"{name}.json").read_text(encoding="utf-8"))["specialist"] == name
        assert f"<h1>Отчёт &amp; {name}</h1>" in (outcome.folder / f"{name}.html").read_text(encoding="utf-8")


def test_no_trace_of_the_scratch_folder_or_of_this_machine_is_kept(go, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    outcome = go(out="out")
    for path in outcome.written:
        text = path.read_text(encoding="utf-8")
        assert ".work-" not in text
        assert str(tmp_path) not in text
    notebook = nbformat.read(outcome.folder / "anna.ipynb", as_version=4)
    assert notebook.metadata.papermill.parameters.out == "out"
    assert 'out = "out"' in notebook.cells[1].source


def test_awkward_folder_names_are_only_names(go, tmp_path):
    outcome = go(out=tmp_path / "my {reports} 'ё'", specialists=["anna"])
    assert outcome.failed == {}
    assert files(outcome) == ANNA | INDEX


def test_the_cut_off_is_passed_on(go):
    outcome = go(as_of="2025-11-01", specialists=["anna"])
    assert manifest(outcome)["as_of"] == "2025-11-01"


def test_noise_of_a_notebook_is_not_in_the_page(go):
    outcome = go("noisy", specialists=["anna"])
    assert outcome.failed == {}
    page = (outcome.folder / "anna.html").read_text(encoding="utf-8")
    assert "nor this" not in page, "warnings and standard error"
    assert "a line that nobody shall see" in page, "what a cell prints is text of the report"
    assert manifest(outcome)["reports"]["anna"]["not_shown"] == ["cell [4]: text on standard error"]


def test_what_pages_cannot_show_is_named_in_the_last_line(go):
    console = Console(file=io.StringIO(), width=200)
    outcome = go("noisy", console=console)
    assert outcome.not_shown == dict.fromkeys(("anna", "ivan"), ["cell [4]: text on standard error"])
    last = console.file.getvalue().splitlines()[-1]
    assert last == "not shown on pages: cell [4]: text on standard error (anna, ivan)"


def test_another_notebook_for_one_client_and_for_one_person(go, people, tmp_path):
    other = tmp_path / "other.ipynb"
    text = (NOTEBOOKS / "good.ipynb").read_text(encoding="utf-8")
    other.write_text(text.replace("Отчёт", "Сводка"), encoding="utf-8")
    outcome = go(other=other, specialists=["anna"])
    assert "Сводка" in (outcome.folder / "anna.html").read_text(encoding="utf-8")

    shutil.copy(other, tmp_path / "notebooks" / "own.ipynb")
    people.specialists["ivan"].notebook = "own.ipynb"
    outcome = go(specialists=["anna", "ivan"])
    pages = {name: (outcome.folder / f"{name}.html").read_text(encoding="utf-8") for name in ("anna", "ivan")}
    assert ["Сводка" in pages[name] for name in ("anna", "ivan")] == [False, True]


def test_another_notebook_is_checked_before_the_run(go, people, tmp_path):
    with pytest.raises(InputError, match="--notebook: there is no file"):
        go(other=tmp_path / "none.ipynb")
    with pytest.raises(InputError, match=r"declares_too_little\.ipynb: its cell tagged 'parameters'"):
        go(other=NOTEBOOKS / "declares_too_little.ipynb")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("notebook", "sentence"),
    [
        (None, "specialists/ivan.yml: notebook: there is no own.ipynb in "),
        ("untagged", "own.ipynb: its cell tagged 'parameters' does not declare as_of"),
    ],
)
def test_an_own_notebook_that_cannot_be_used_fails_one_report(go, people, tmp_path, notebook, sentence):
    (tmp_path / "notebooks").mkdir()
    if notebook:
        shutil.copy(NOTEBOOKS / f"{notebook}.ipynb", tmp_path / "notebooks" / "own.ipynb")
    people.specialists["ivan"].notebook = "own.ipynb"
    people.file_of = lambda name: f"specialists/{name}.yml"
    outcome = go()
    assert set(outcome.failed) == {"ivan"} and sentence in outcome.failed["ivan"]
    assert {"anna.html", "index.html"} <= files(outcome) and "ivan.html" not in files(outcome)
    assert sentence in manifest(outcome)["reports"]["ivan"]["error"]


@pytest.mark.parametrize(
    ("notebook", "sentence"),
    [
        (
            "raises_kit_error",
            "anna.yml: weight: expected a number, found 'x'; anna.yml: no accounts",
        ),
        ("raises_value_error", "specialist_report.ipynb, cell [4]: ValueError: not a sentence"),
        (
            "kills_its_kernel",
            "specialist_report.ipynb: its process was ended from outside, perhaps for want of memory",
        ),
        ("exits_early", "specialist_report.ipynb: it stopped before its last cell, without an error"),
        (
            "saves_nothing",
            "specialist_report.ipynb: it ended without saving a whole scorecard (FileNotFoundError)",
        ),
        (
            "saves_no_json",
            "specialist_report.ipynb: it ended without saving a whole scorecard (JSONDecodeError)",
        ),
        ("saves_another", "specialist_report.ipynb: it saved the scorecard of someone for 2025-10"),
    ],
)
def test_a_broken_notebook_fails_in_one_sentence_and_leaves_the_earlier_report(
    go, notebook, sentence, tmp_path
):
    folder = tmp_path / "out" / "2025-10"
    folder.mkdir(parents=True)
    for name in ANNA:
        (folder / name).write_text("of an earlier run", encoding="utf-8")

    outcome = go(notebook, specialists=["anna"])

    assert outcome.failed == {"anna": sentence}
    assert {(folder / name).read_text(encoding="utf-8") for name in ANNA} == {"of an earlier run"}
    assert files(outcome) == ANNA | INDEX | {"anna.failed.ipynb"}
    nbformat.read(outcome.folder / "anna.failed.ipynb", as_version=4)
    entry = manifest(outcome)["reports"]["anna"]
    assert (entry["status"], entry["error"]) == ("failed", sentence)


def test_a_cell_that_hangs_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(execute, "CELL_TIMEOUT", 1)
    given = {"specialist": "anna", "period": "2025-10", "out": str(tmp_path)}
    report = execute.Report("anna", NOTEBOOKS / "hangs.ipynb", given, tmp_path / "a/b/c/d", tmp_path)
    with warm.Workers(1) as workers:
        assert workers.make(report).error == "hangs.ipynb: a cell did not end within 1 s"


def test_one_failure_leaves_the_others_alone_and_is_forgotten_when_it_is_mended(go):
    outcome = go("fails_for_ivan")
    assert outcome.failed == {"ivan": "specialist_report.ipynb, cell [3]: ValueError: only this one"}
    assert files(outcome) == ANNA | INDEX | {"ivan.failed.ipynb"}

    outcome = go(specialists=["ivan"])
    assert outcome.failed == {}
    assert files(outcome) == ANNA | IVAN | INDEX


def test_a_process_that_is_killed_fails_its_reports_and_not_the_department(go):
    outcome = go("kills_its_worker", specialists=["anna"])
    assert outcome.failed == {
        "anna": "specialist_report.ipynb: its process was ended from outside, perhaps for want of memory"
    }
    assert files(outcome) == INDEX | {"anna.failed.ipynb"}


def test_a_failing_department_leaves_the_reports(go):
    outcome = go(department="department_fails", specialists=["anna"])
    assert outcome.failed == {"index": "department_report.ipynb, cell [3]: ValueError: no department today"}
    assert files(outcome) == ANNA | BESIDE | {"index.failed.ipynb"}


def test_a_page_that_cannot_be_made_fails_its_report(go, monkeypatch):
    def render(notebooks: list[Path], **_: object) -> dict[Path, str]:
        return dict.fromkeys(notebooks, "no ink")

    monkeypatch.setattr(rendering, "choose", lambda engine: "quarto")
    monkeypatch.setattr(rendering, "render", render)
    outcome = go(engine="quarto", specialists=["anna"])
    assert outcome.failed == {"anna": "no ink", "index": "no ink"}
    assert files(outcome) == BESIDE | {"anna.failed.ipynb", "index.failed.ipynb"}


def test_a_specialist_whose_file_is_broken_fails_without_a_notebook(go, people):
    people.broken["olga"] = ("olga.yml: name is missing", "olga.yml: kpis is missing")
    said = io.StringIO()
    outcome = go(console=Console(file=said, width=20))
    sentence = "olga: failed: olga.yml: name is missing; olga.yml: kpis is missing\n"
    assert said.getvalue().count(sentence) == 1
    assert outcome.failed == {"olga": "olga.yml: name is missing; olga.yml: kpis is missing"}
    assert manifest(outcome)["reports"]["olga"]["status"] == "failed"


def test_the_manifest_keeps_earlier_runs_and_drops_who_left(go, people):
    go()
    del people.specialists["ivan"]
    people.specialists["olga"] = SimpleNamespace(name="Olga", notebook=None, language=None)

    outcome = go("raises_value_error", specialists=["olga"])

    statuses = {name: entry["status"] for name, entry in manifest(outcome)["reports"].items()}
    assert statuses == {"anna": "done", "olga": "failed"}
    assert manifest(outcome)["as_of"] == "2025-11-08T00:00:00+03:00"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"specialists": ["ana"]}, "specialist 'ana': no such specialist; did you mean anna?"),
        ({"jobs": 0}, "jobs 0: expected 1 or more"),
        ({"engine": "latex"}, "engine 'latex': expected one of auto, quarto, embedded"),
        ({"notebook": "declares_too_little"}, "does not declare as_of"),
        ({"notebook": "untagged"}, "does not declare as_of, data, out, params, period, specialist"),
        ({"notebook": "no_notebook"}, "cannot be read as a notebook"),
    ],
)
def test_bad_input_stops_the_run_before_it_writes(go, options, sentence, tmp_path):
    with pytest.raises(InputError) as caught:
        go(**options)
    assert sentence in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_department_without_specialists_is_refused(go, people):
    people.specialists.clear()
    with pytest.raises(InputError, match="there are no specialists"):
        go()


def test_a_strange_manifest_is_refused(go, tmp_path):
    strange = tmp_path / "out" / "2025-10" / "manifest.json"
    strange.parent.mkdir(parents=True)
    strange.write_text("[]", encoding="utf-8")
    with pytest.raises(InputError, match="it is no manifest of this kit"):
        go()


def test_without_a_terminal_progress_is_plain_lines(go):
    said = io.StringIO()
    outcome = go("fails_for_ivan", console=Console(file=said, width=20))
    lines = said.getvalue().splitlines()
    assert sorted(line.split(" in ")[0] for line in lines[:2]) == [
        "anna: done",
        "ivan: failed: specialist_report.ipynb, cell [3]: ValueError: only this one",
    ]
    assert lines[2].startswith("index: done in ")
    assert lines[3].startswith(f"2 pages in {outcome.folder} after ")
    assert lines[3].endswith("s; failed: ivan")
    assert len(lines) == 4


def test_on_a_terminal_there_is_a_bar(go):
    said = io.StringIO()
    go(specialists=["anna"], console=Console(file=said, force_terminal=True, width=200))
    assert "1/1" in said.getvalue()
    assert "anna: done in " in said.getvalue()


def test_kernels_run_the_interpreter_and_the_kit_of_the_run(go, tmp_path, monkeypatch):
    """A kernel that the user has installed under the name python3 must not be taken."""
    shadow = tmp_path / "jupyter" / "kernels" / "python3"
    shadow.mkdir(parents=True)
    spec = {"argv": ["false"], "display_name": "another", "language": "python"}
    (shadow / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.chdir(tmp_path)

    outcome = go("shows_its_python", specialists=["anna"], out="out")

    assert outcome.failed == {}
    page = (outcome.folder / "anna.html").read_text(encoding="utf-8")
    assert f"{sys.executable} {Path(errors.__file__)}" in page


def test_quarto_gets_the_reports_in_one_call_and_the_department_in_another(go, monkeypatch):
    calls = []

    def render(notebooks, **options):
        calls.append(sorted(path.name for path in notebooks))
        for path in notebooks:
            path.with_suffix(".html").write_text("page", encoding="utf-8")
        return {}

    monkeypatch.setattr(rendering, "choose", lambda engine: "quarto")
    monkeypatch.setattr(rendering, "render", render)
    assert go(engine="quarto").failed == {}
    assert calls == [["anna.ipynb", "ivan.ipynb"], ["index.ipynb"]]


@pytest.mark.parametrize("engine", ["embedded", pytest.param("quarto", marks=pytest.mark.quarto)])
def test_the_kits_own_notebooks_make_whole_pages_of_the_sample(engine, tmp_path, monkeypatch, browser):
    monkeypatch.chdir(HERE.parent)
    given = {"data": "data/sample", "params": "params", "out": tmp_path, "engine": engine}

    outcome = batch.run(batch.RunOptions("2025-10", specialists=["anna-petrova"], **given))

    assert outcome.failed == {}
    for name, heading in (("anna-petrova", "Анна Петрова"), ("index", "октябрь 2025")):
        said: list[str] = []
        page = browser.new_page()
        page.on("console", lambda message, said=said: said.append(message.text))
        page.on("request", lambda request, said=said: said.append(request.url))
        address = (outcome.folder / f"{name}.html").as_uri()
        page.goto(address)
        assert heading in page.locator("main.kpi-report h1").inner_text()
        assert heading in page.title()
        assert [text for text in said if text != address and not text.startswith("data:")] == []
        page.close()


INTERRUPTED = """
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from kpi_kit.batch import run as batch
from kpi_kit.scorecard.cohort import Cohort

if __name__ == "__main__":
    house, out, style = map(Path, sys.argv[1:])
    department = SimpleNamespace(language="ru", timezone="UTC")
    people = {name: SimpleNamespace(name=name, notebook=None, language=None) for name in ("anna", "ivan")}
    loaded = SimpleNamespace(folder=out, department=department, specialists=people, broken={})
    batch.settings.load = lambda folder: loaded
    nothing = lambda *_: {}
    hashes = SimpleNamespace(specialist=nothing, department=nothing, across=nothing, forecasts=str)
    batch._inputs = lambda run, folder: nullcontext((run, loaded, hashes))
    batch.cohort.compute = lambda people, period, **where: (Cohort(), {})
    folders = {"data": "d", "params": "p", "out": out, "notebooks": house, "style": style}
    try:
        batch.run(batch.RunOptions("2025-10", **folders, engine="embedded"))
    except KeyboardInterrupt:
        sys.exit(130)
"""


@pytest.fixture
def running(tmp_path: Path, style: Path) -> Iterator[SimpleNamespace]:
    """A run whose notebooks hang, with its workers and kernels, as soon as both kernels are there."""
    if not Path("/proc/self/stat").exists():
        pytest.skip("finds processes in /proc")
    house, out = tmp_path / "notebooks", tmp_path / "out"
    house.mkdir()
    shutil.copy(NOTEBOOKS / "hangs.ipynb", house / "specialist_report.ipynb")
    shutil.copy(NOTEBOOKS / "department.ipynb", house / "department_report.ipynb")
    script = tmp_path / "script.py"
    script.write_text(INTERRUPTED, encoding="utf-8")
    temporary = Path(tempfile.mkdtemp(prefix="t"))
    process = subprocess.Popen(
        [sys.executable, str(script), str(house), str(out), str(style)],
        env={**os.environ, "PYTHONPATH": str(HERE.parent), "TMPDIR": str(temporary)}
        | {"PYTHONFAULTHANDLER": "1"},  # told SIGABRT, it says where each of its threads is
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        for _ in range(600):
            if len(kernels := children(str(tmp_path))) == 2:
                break
            if process.poll() is not None:
                pytest.fail("the run ended")
            time.sleep(0.1)
        else:
            pytest.fail("the notebooks did not start")
        yield SimpleNamespace(process=process, out=out, kernels=kernels, temporary=temporary)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stderr.close()
        shutil.rmtree(temporary, ignore_errors=True)


def last_words(process: subprocess.Popen[str]) -> str:
    """What a run that was told to end says on its way; where it does not end, what each thread does."""
    try:
        return process.communicate(timeout=60)[1]
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGABRT)
        pytest.fail(f"the run has not ended: {process.communicate()[1]}")


def session(process: subprocess.Popen[str]) -> set[int]:
    """The processes of a run's session that are alive: workers, the resource tracker, itself."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, number = stat.read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if int(number) == process.pid and state != "Z":
            found.add(int(stat.parent.name))
    return found


def is_server(pid: int) -> bool:
    """Whether a process is a fork server; it may have ended."""
    try:
        return b"forkserver" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def all_end(run: SimpleNamespace) -> bool:
    """Whether nothing of a run is alive after a while; kernels have sessions of their own."""
    for _ in range(150):
        if not session(run.process) and not any(Path(f"/proc/{kernel}").exists() for kernel in run.kernels):
            return True
        time.sleep(0.1)
    return False


def test_ctrl_c_ends_all_and_leaves_nothing(running):
    os.killpg(running.process.pid, signal.SIGINT)
    said = last_words(running.process)
    assert running.process.returncode == 130
    assert "Traceback" not in said
    assert not running.out.exists()
    assert all_end(running)
    assert list(running.temporary.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_being_told_to_end_is_ctrl_c(running, number):
    """As a scheduler tells it: the run alone is told, not its workers."""
    assert len(session(running.process)) >= 3
    running.process.send_signal(number)
    said = last_words(running.process)
    assert (running.process.returncode, "Traceback" in said) == (130, False)
    assert not running.out.exists()
    assert all_end(running)
    assert list(running.temporary.iterdir()) == []


def test_workers_of_a_run_that_is_killed_end_and_the_next_run_sweeps(running, go):
    folder = running.out / "2025-10"
    (left,) = folder.glob(".work-*")
    go(specialists=["anna"], out=running.out)
    assert left.is_dir(), "the scratch folder of a live run stays"

    running.process.kill()
    running.process.communicate(timeout=30)
    assert all_end(running)
    assert left.is_dir()
    assert list(running.temporary.iterdir()) == []

    assert files(go(specialists=["anna"], out=running.out)) == ANNA | INDEX


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_is_stopped_while_it_begins_leaves_nothing(number, tmp_path):
    """Its processes begin before it has imported what it needs itself."""
    if not Path("/proc/self/stat").exists():
        pytest.skip("finds processes in /proc")
    temporary = Path(tempfile.mkdtemp(prefix="t"))  # short enough for the server's socket
    process = subprocess.Popen(
        [sys.executable, "-m", "kpi_kit", "run", "--out", str(tmp_path / "out"), "--period", "2025-10"],
        cwd=HERE.parent,
        env={**os.environ, "TMPDIR": str(temporary), "PYTHONFAULTHANDLER": "1"},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while not any(map(is_server, session(process))) and process.poll() is None:
        time.sleep(0.01)
    os.killpg(process.pid, number) if number == signal.SIGINT else process.send_signal(number)
    said = last_words(process)
    # Python ends itself by SIGINT, which a shell also calls 130, if the signal came in code run by exec()
    assert process.returncode in ((-9,) if number == signal.SIGKILL else (130, -signal.SIGINT))
    assert said in ("", "остановлено\n")
    assert all_end(SimpleNamespace(process=process, kernels=[]))
    assert list(temporary.iterdir()) == []
    temporary.rmdir()
    assert not (tmp_path / "out").exists()


def test_signals_are_as_they_were_after_a_run(go):
    def mine(number: int, frame: object) -> None:
        """Somebody's own."""

    before = signal.signal(signal.SIGHUP, mine)
    try:
        go(specialists=["anna"])
        assert signal.getsignal(signal.SIGHUP) is mine
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("place", ["a file", "a file/below", "2025-10 is a file", "/proc/nowhere"])
def test_an_out_that_cannot_be_used_is_one_sentence(go, place, tmp_path):
    (tmp_path / "a file").write_text("mine", encoding="utf-8")
    (tmp_path / "2025-10 is a file").mkdir()
    (tmp_path / "2025-10 is a file" / "2025-10").write_text("mine", encoding="utf-8")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(InputError, match="reports cannot be written here: ") as caught:
        go(out=tmp_path / place)
    assert len(caught.value.problems) == 1
    after = {path for path in tmp_path.rglob("*") if "notebooks" not in path.parts}
    assert sorted(after) == before


def test_an_out_that_is_read_only_is_one_sentence_and_leaves_no_folder(go, tmp_path, monkeypatch):
    def refuse(*_: object, **__: object) -> int:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(workspace, "_lock", refuse)
    with pytest.raises(InputError, match="2025-10: reports cannot be written here: Read-only file system"):
        go()
    assert not (tmp_path / "out").exists()


def children(folder: str) -> list[int]:
    """The kernels that wrote their process id into a folder."""
    return [int(path.read_text()) for path in Path(folder).glob("kernel-*.pid") if path.read_text()]


def test_what_is_up_to_date_is_not_made_again(go, people, monkeypatch):
    same = SimpleNamespace(
        across=lambda: {"who": "everyone"},
        forecasts=str,
        specialist=lambda name, *_: {"who": name},
        department=lambda *_: {"who": "all"},
    )
    with_inputs(monkeypatch, people, same)
    go()
    said = io.StringIO()

    outcome = go(console=Console(file=said, width=20))

    assert (outcome.written, outcome.unchanged) == (
        [outcome.folder / "manifest.json"],
        ["anna", "ivan", "index"],
    )
    assert said.getvalue().startswith("0 pages, 3 up to date in ")
    (outcome.folder / "ivan.html").write_text("torn", encoding="utf-8")
    assert go().unchanged == ["anna", "index"]
    assert go(force=True, specialists=["anna"]).unchanged == []


FLAKY = """
import os
import signal
from pathlib import Path

marker = Path(out).resolve().parents[3] / f"tried-{specialist}"
first = not marker.exists()
marker.touch()
if first and specialist == "ivan":
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def with_cell(go, tmp_path):
    """Run with a notebook in which one cell more comes first."""

    def run(cell: str, **options: object) -> batch.Outcome:
        notebook = nbformat.read(NOTEBOOKS / "good.ipynb", as_version=4)
        notebook.cells.insert(1, nbformat.v4.new_code_cell(cell, id="more"))
        nbformat.write(notebook, tmp_path / "more.ipynb")
        return go(tmp_path / "more", **options)

    return run


def test_a_kernel_that_dies_costs_a_second_try(with_cell):
    outcome = with_cell(FLAKY)
    assert outcome.failed == {}
    entries = manifest(outcome)["reports"]
    assert {name: entry["attempts"] for name, entry in entries.items()} == {"anna": 1, "ivan": 2}
    assert files(outcome) == ANNA | IVAN | INDEX


HOLDS = """
import ctypes
if specialist == "ivan":
    ctypes.PyDLL(None).sleep(600)
"""


def test_a_notebook_is_ended_inside_code_that_holds_the_interpreter(with_cell):
    """``PyDLL`` keeps the interpreter's lock, so that no thread of the kernel can do anything."""
    outcome = with_cell(HOLDS, deadline=2.5)
    assert outcome.failed == {"ivan": "specialist_report.ipynb: it did not end within 2.5 s"}
    assert files(outcome) == ANNA | INDEX | {"ivan.failed.ipynb"}
    left = nbformat.read(outcome.folder / "ivan.failed.ipynb", as_version=4)
    (failing,) = [cell for cell in left.cells if cell.metadata.get("papermill", {}).get("status") == "failed"]
    assert failing.source == HOLDS
    assert failing.outputs[0].output_type == "error"


def test_the_manifest_says_how_each_report_was_made(go):
    outcome = go(specialists=["anna"])
    entry = manifest(outcome)["reports"]["anna"]
    assert entry["attempts"] == 1
    assert len(entry["cells"]) == 4, "a cell the parameters that papermill adds"
    assert 20 < entry["memory_mib"] < 2000
    assert set(entry["outputs"]) == ANNA
    assert set(entry["inputs"]) == {"number"}


def full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_disk_that_fills_up_fails_reports_and_never_tears_a_file(go, monkeypatch):
    before = go()
    texts = {path.name: path.read_bytes() for path in before.folder.iterdir() if path.is_file()}
    monkeypatch.setattr(publish, "sync", full)
    monkeypatch.setattr(os, "fsync", full)

    outcome = go()

    assert set(outcome.failed) == {"anna", "ivan", "index", "manifest"}
    assert outcome.failed["anna"].endswith(
        f"its files cannot be written to {before.folder}: No space left on device"
    )
    assert "manifest.json: it cannot be written: No space left on device" in outcome.failed["manifest"]
    assert {name: (before.folder / name).read_bytes() for name in texts} == texts
    assert files(before) == texts.keys() | {"department"}


def test_a_disk_that_is_full_is_found_before_the_work(go, monkeypatch):
    monkeypatch.setattr(batch.shutil, "disk_usage", lambda folder: SimpleNamespace(free=3 * 2**20))
    with pytest.raises(InputError, match="2 reports take up to 4 MB, and 3 MB are free"):
        go()


def test_where_there_is_no_fork_ordinary_kernels_serve_after_one_line(go, monkeypatch):
    monkeypatch.setattr(processes, "can_fork", lambda: False)
    said = io.StringIO()
    outcome = go(specialists=["anna"], console=Console(file=said, width=20))
    assert outcome.failed == {}
    assert files(outcome) == ANNA | INDEX
    assert said.getvalue().splitlines()[0] == (
        "reports are made with ordinary kernels, which takes longer: this system has no fork"
    )
    assert said.getvalue().count("ordinary") == 1


def test_two_runs_at_once_keep_each_others_reports(go):
    with ThreadPoolExecutor(2) as both:
        runs = [both.submit(go, specialists=[name]) for name in ("anna", "ivan")]
        outcomes = [run.result() for run in runs]
    assert [outcome.failed for outcome in outcomes] == [{}, {}]
    assert set(manifest(outcomes[0])["reports"]) == {"anna", "ivan"}
    assert files(outcomes[0]) == ANNA | IVAN | INDEX


def only_across(
    monkeypatch: pytest.MonkeyPatch,
    collect: Callable[..., tuple[Cohort, dict[str, ForecastRows]]],
    its: dict[str, str],
    forecasts: Callable[[str], str],
) -> None:
    """Runs compute the pooled back-test and platform shocks once, from the inputs ``its``."""
    hashes = SimpleNamespace(
        specialist=lambda *_: {},
        department=lambda *_: {},
        forecasts=forecasts,
        across=lambda: dict(its),
    )
    with_inputs(monkeypatch, batch.settings.load(Path()), hashes)
    monkeypatch.setattr(batch.cohort, "compute", collect)
    monkeypatch.setattr(batch._Steps, "_make", lambda *_: None)


def test_shocks_are_found_again_only_where_more_than_targets_has_changed(go, monkeypatch):
    """They are about all accounts of the data, which takes a while where those are many."""
    found, asked, its = {"vk": {"views": {}}}, [], {"params": "1", "data": "1"}

    def collect(people: object, period: object, **where: object) -> tuple[Cohort, dict[str, ForecastRows]]:
        asked.append(where.get("shocks"))
        return Cohort({}, found), {}

    only_across(monkeypatch, collect, its, forecasts=str)
    for change in ({}, {}, {"params": "2"}, {"data": "2"}):
        its |= change
        outcome = go()
    (outcome.folder / "department/shocks.json").write_text("{}", encoding="utf-8")
    its["params"] = "3"
    go()
    assert asked == [None, found, None, None]


def test_forecasts_are_made_again_only_for_whom_something_has_changed(go, monkeypatch):
    asked, its = [], {"anna": "1", "ivan": "1"}
    made: dict[str, ForecastRows] = {
        "anna": {"leads": [(0.1 + 0.2, True, False, 0.4)]},
        "ivan": {"leads": [], "sales": [(1e-17, False, True, None)]},
    }

    def collect(people: object, period: object, **where: object) -> tuple[Cohort, dict[str, ForecastRows]]:
        asked.append(where.get("made"))
        return Cohort(), made

    only_across(monkeypatch, collect, its, forecasts=lambda name: its[name])
    for change in ({}, {}, {"anna": "2"}, {"anna": "3", "ivan": "2"}):
        its |= change
        outcome = go()
    go(force=True)
    its["anna"] = "4"
    file = outcome.folder / "department/forecasts.json"
    file.write_text(file.read_text(encoding="utf-8").replace("true", "false"), encoding="utf-8")
    go()
    assert asked == [None, {"ivan": made["ivan"]}, {}, None, None]


def test_a_scorecard_that_a_different_one_replaces_is_kept(go, tmp_path):
    """The tiny notebooks' scorecards tell when they were made, as it were: each run's is another."""
    folder = tmp_path / "out/2025-10"
    go(specialists=["anna"])
    assert not (folder / "history").exists()
    first = (folder / "anna.json").read_bytes()
    (folder / "anna.json").write_bytes(first.replace(b"}", b', "more": 1}', 1))
    altered = (folder / "anna.json").read_bytes()
    go(specialists=["anna"])
    go(specialists=["anna"])
    (kept,) = (folder / "history").iterdir()
    assert (kept.read_bytes(), (folder / "anna.json").read_bytes()) == (altered, first)


@pytest.mark.parametrize("where", ["department", "history", "manifest.json", "anna.json"])
def test_a_link_in_the_folder_of_reports_stops_the_run_and_is_not_followed(go, tmp_path, where):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "forecasts.json").write_text("precious", encoding="utf-8")
    target = elsewhere / "forecasts.json" if where.endswith(".json") else elsewhere
    (tmp_path / "out" / "2025-10").mkdir(parents=True)
    (tmp_path / "out" / "2025-10" / where).symlink_to(target)
    with pytest.raises(InputError, match=rf"{where}: is a link, "):
        go()
    assert [path.name for path in elsewhere.iterdir()] == ["forecasts.json"]
    assert (elsewhere / "forecasts.json").read_text(encoding="utf-8") == "precious"
