"""What a month of reports costs: the kit, beside the ways in which people usually make them.

Run ``python benchmarks/batch.py``. The specialists of the sample are copied until there are 24, and every
way makes the very same pages of notebook, data and params:

- *loop*: ``papermill`` and ``jupyter nbconvert`` from the shell, a report after the other;
- *API*: ``papermill.execute_notebook`` with stock kernels and one HTML exporter, one and two at a time;
- *kit*: ``python -m kpi_kit run``, from the first import to the last file, the department's page included;
- *limit*: the same ``kpi_kit`` calls in two warm plain processes that have checked the data, no Jupyter,
  nothing written; the back-test and the department's page, which no loop makes, included;
- *Quarto loop*: ``papermill`` and ``quarto render``, and the kit with Quarto, where that is on the PATH.

Rounds are interleaved, and each number is a median: wall-clock and CPU seconds a report. Of the ways that
start everything anew for each report, four reports a round are timed, unless ``--whole`` asks for all.
``--scale`` adds runs of 10, 100 and 1 000 tiny notebooks. Results go to ``benchmarks/results.json``, too.
"""

from __future__ import annotations

import argparse
import atexit
import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from importlib import metadata
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

if TYPE_CHECKING:
    from kpi_kit.scorecard.cohort import Cohort

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks/results.json"
PERIOD, DATA = "2025-10", "data/sample"
REPORTS, SHORT, JOBS = 24, 4, 2
SECTIONS = (
    "header summary total scorecard figures accounts audience plan response funnel posts notes definitions "
    "provenance"
).split()
DEPARTMENT = "header summary exceptions heatmap funnels shocks totals".split()
BIN = Path(sys.executable).parent
NOTEBOOK = ROOT / "notebooks/specialist_report.ipynb"
TEN_TIMES, OF_THE_LIMIT, SIX_TIMES, UNCHANGED, PRIVATE = 10.0, 1.3, 6.0, 2.0, 120

Way = Callable[[Sequence[str], Path, Path], None]
"""Makes the reports of some specialists with a folder of params, into another folder."""


def agency(folder: Path, reports: int) -> tuple[Path, list[str]]:
    """Params of as many specialists as are asked for: those of the sample, again and again."""
    params = folder / "params"
    (params / "specialists").mkdir(parents=True)
    shutil.copy(ROOT / "params/department.yml", params)
    sample = sorted((ROOT / "params/specialists").glob("*.yml"))
    names = []
    for number in range(reports):
        file = sample[number % len(sample)]
        names.append(f"{file.stem}-{number // len(sample) + 1:03}")
        shutil.copy(file, params / "specialists" / f"{names[-1]}.yml")
    return params, names


def call(*command: object, **options: Any) -> None:
    """Run a command in silence; what it says is shown where it fails."""
    done = subprocess.run(
        [str(part) for part in command], cwd=ROOT, capture_output=True, text=True, **options
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {done.stderr[-2000:]}")


def given(name: str, params: Path, out: Path) -> dict[str, str]:
    """The parameters of a notebook."""
    return {
        "specialist": name,
        "period": PERIOD,
        "data": DATA,
        "params": str(params),
        "out": str(out),
        "as_of": "",
    }


def loop(names: Sequence[str], params: Path, out: Path) -> None:
    """What people write in a shell."""
    for name in names:
        executed = _papermill(name, params, out)
        call(BIN / "jupyter", "nbconvert", "--to", "html", "--no-input", executed)


def quarto_loop(names: Sequence[str], params: Path, out: Path) -> None:
    """The same with Quarto."""
    for name in names:
        executed = _papermill(name, params, out)
        call("quarto", "render", executed, "--to", "html", "-M", "embed-resources:true", "--no-execute")


def _papermill(name: str, params: Path, out: Path) -> Path:
    executed = out / f"{name}.ipynb"
    options = [part for key, value in given(name, params, out).items() for part in ("-p", key, value)]
    call(BIN / "papermill", NOTEBOOK, executed, *options, "--cwd", ROOT)
    return executed


def api_one(names: Sequence[str], params: Path, out: Path) -> None:
    """papermill's API, one process."""
    call(sys.executable, __file__, "--api", json.dumps([list(names), str(params), str(out)]))


def api_two(names: Sequence[str], params: Path, out: Path) -> None:
    """papermill's API, two processes."""
    halves = [names[half::JOBS] for half in range(JOBS)]
    threads = [threading.Thread(target=api_one, args=(half, params, out)) for half in halves if half]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def api(names: Sequence[str], params: Path, out: Path) -> None:
    """In a process of its own: execute and render, the exporter made once."""
    import papermill
    from nbconvert import HTMLExporter

    exporter = HTMLExporter(exclude_input=True)
    for name in names:
        executed = out / f"{name}.ipynb"
        papermill.execute_notebook(
            NOTEBOOK, executed, parameters=given(name, params, out), progress_bar=False, cwd=ROOT
        )
        page, _ = exporter.from_filename(str(executed))
        executed.with_suffix(".html").write_text(page, encoding="utf-8")


def kit(names: Sequence[str], params: Path, out: Path, *more: str) -> None:
    """The kit, whatever else it makes included."""
    chosen = [part for name in names for part in ("--specialist", name)]
    folders = ("--data", DATA, "--params", params, "--out", out)
    command = (sys.executable, "-m", "kpi_kit", "run", *folders, "--period", PERIOD)
    call(*command, "--jobs", JOBS, "--engine", "embedded", "--quiet", *chosen, *more)


def kit_quarto(names: Sequence[str], params: Path, out: Path) -> None:
    """The kit with Quarto."""
    kit(names, params, out, "--engine", "quarto")


def sound(params: str) -> None:
    """Take a snapshot once, as a run does for all its notebooks."""
    from kpi_kit.data import open_inputs, snapshot

    folder = Path(tempfile.mkdtemp()) / "snapshot"
    atexit.register(shutil.rmtree, folder.parent)
    taken = snapshot.take(ROOT / DATA, Path(params), folder, lambda loaded, store: None)
    os.environ[open_inputs.SNAPSHOT] = str(taken)


def plain(name: str, params: str, crossing: Cohort | None = None) -> dict[str, Any]:
    """All sections of a report as HTML, in this process; returns the scorecard."""
    from kpi_kit.core.periods import Period
    from kpi_kit.data import open_inputs
    from kpi_kit.report import SpecialistReport
    from kpi_kit.scorecard import build
    from kpi_kit.scorecard.context import prepare

    loaded, store = open_inputs.open_inputs(ROOT / DATA, Path(params))
    with store:
        case = prepare(name, Period.parse(PERIOD), params=loaded, store=store)
        card = build.scorecard(case, crossing, NOTEBOOK)
    _show(SpecialistReport(card), SECTIONS)
    return card


def plain_department(cards: Sequence[dict[str, Any]]) -> None:
    """All sections of the department's report as HTML, in this process."""
    from kpi_kit.report import DepartmentReport

    _show(DepartmentReport(PERIOD, cards, {}, "ru", "RUB"), DEPARTMENT)


def _show(report: Any, names: Sequence[str]) -> None:
    for name in names:
        section = getattr(report, name)()
        assert section is None or section._repr_html_()


@contextmanager
def limit(params: Path, name: str) -> Iterator[Way]:
    """Two plain processes that have each made a report already."""
    from kpi_kit.core.periods import Period
    from kpi_kit.scorecard import cohort

    one_thread = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1")
    os.environ.update(one_thread)
    with ProcessPoolExecutor(JOBS, get_context("spawn"), sound, (str(params),)) as pool:
        list(pool.map(plain, [name] * JOBS * 2, [str(params)] * JOBS * 2))
        for variable in one_thread:
            del os.environ[variable]
        pids = list(pool._processes)  # their CPU seconds are theirs until they end

        def way(names: Sequence[str], params: Path, out: Path) -> None:
            where = {"data": ROOT / DATA, "params": params}
            crossing, _ = cohort.compute(names, Period.parse(PERIOD), jobs=JOBS, submit=pool.submit, **where)
            cards = list(pool.map(plain, names, [str(params)] * len(names), [crossing] * len(names)))
            pool.submit(plain_department, cards).result()

        way.pids = pids  # type: ignore[attr-defined]
        yield way


def timed(way: Way, names: Sequence[str], params: Path) -> tuple[float, float]:
    """Wall-clock and CPU seconds a report."""
    with tempfile.TemporaryDirectory() as folder:
        begun, used = time.perf_counter(), _cpu(way)
        way(names, params, Path(folder))
        wall, cpu = time.perf_counter() - begun, _cpu(way) - used
        if not hasattr(way, "pids"):
            made = {page.stem for page in Path(folder).rglob("*.html")}
            assert made >= set(names), f"{way.__name__} did not make {set(names) - made}"
    return wall / len(names), cpu / len(names)


def _cpu(way: Way) -> float:
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    alive = [psutil.Process(pid).cpu_times() for pid in getattr(way, "pids", ())]
    return ended.ru_utime + ended.ru_stime + sum(times.user + times.system for times in alive)


def private(pid: int) -> int:
    """Bytes that a process shares with no other."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("Private_"))


def watched(params: Path, names: Sequence[str]) -> dict[str, Any]:
    """The memory of a run: of its own process, of the server, and of each forked process."""
    peak = {"run": 0, "server": 0, "worker": 0}
    with tempfile.TemporaryDirectory() as out:
        thread = threading.Thread(target=kit, args=(names, params, Path(out)))
        thread.start()
        while thread.is_alive():
            with suppress(psutil.NoSuchProcess):  # it has ended by now
                _watch(peak)
            time.sleep(0.1)
    return {f"{name}_mib": round(size / 2**20) for name, size in peak.items()}


def _watch(peak: dict[str, int]) -> None:
    for run in psutil.Process().children():
        for server in run.children():
            forked = server.children()
            peak["server"] = max(peak["server"], private(server.pid))
            peak["worker"] = max([peak["worker"], *(private(one.pid) for one in forked)])
        peak["run"] = max(peak["run"], private(run.pid))


def again(params: Path, names: Sequence[str]) -> dict[str, Any]:
    """A second run, with nothing changed and with one person's params changed."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        kit(names, params, out)
        seconds = []
        for _ in range(5):
            begun = time.perf_counter()
            kit(names, params, out)
            seconds.append(time.perf_counter() - begun)
        stamps = {page: page.stat().st_mtime_ns for page in out.rglob("*.html")}
        file = params / "specialists" / f"{names[1]}.yml"
        text = file.read_text(encoding="utf-8")
        file.write_text(text + "# a word\n", encoding="utf-8")
        begun = time.perf_counter()
        kit(names, params, out)
        changed = time.perf_counter() - begun
        file.write_text(text, encoding="utf-8")
        made = sorted(page.stem for page in out.rglob("*.html") if page.stat().st_mtime_ns != stamps[page])
    return {"unchanged_s": statistics.median(seconds), "one_changed_s": changed, "made_again": made}


TINY = """
import os, sys, tempfile, time
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from kpi_kit.batch import run as batch
import psutil

number, out, notebooks = int(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
department = SimpleNamespace(language="ru", timezone="UTC")
people = {f"person-{n:04}": None for n in range(number)}
loaded = SimpleNamespace(department=department, specialists=people, broken={})
batch.settings.load = lambda folder: loaded
nothing = lambda *_: {}
hashes = SimpleNamespace(forecasts=str, specialist=nothing, department=nothing, across=nothing)
batch._inputs = lambda run, folder: nullcontext((run, loaded, hashes))
batch.cohort.compute = lambda people, period, **where: (batch.Cohort(), {})
me = psutil.Process()
close = batch.Publisher.close
def watch(publisher):
    close(publisher)
    server = next(one for one in me.children() if any("forkserver" in word for word in one.cmdline()))
    print(me.memory_info().rss >> 20, me.num_fds(), me.num_threads(), server.num_fds(), server.num_threads())
batch.Publisher.close = watch
if __name__ == "__main__":
    begun = time.perf_counter()
    folders = {"data": "d", "params": "p", "out": out, "notebooks": notebooks}
    batch.run(batch.RunOptions("2025-10", **folders, engine="embedded", jobs=2))
    print(time.perf_counter() - begun)
"""


def scale(reports: int) -> dict[str, Any]:
    """A run of tiny notebooks: what the machinery itself costs, and what it holds at the end."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "notebooks").mkdir()
        for source, name in (("good", "specialist_report"), ("department", "department_report")):
            shutil.copy(ROOT / f"tests/notebooks/{source}.ipynb", place / f"notebooks/{name}.ipynb")
        (place / "run.py").write_text(TINY, encoding="utf-8")
        command = [
            sys.executable,
            str(place / "run.py"),
            str(reports),
            str(place / "out"),
            str(place / "notebooks"),
        ]
        said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    seconds, (memory, files, threads, server_files, server_threads) = float(said[-1]), map(int, said[:5])
    return {
        "reports": reports,
        "seconds": seconds,
        "seconds_a_report": seconds / reports,
        "run": {"rss_mib": memory, "files": files, "threads": threads},
        "server": {"files": server_files, "threads": server_threads},
    }


def rounds(number: int, whole: bool, params: Path, names: list[str]) -> dict[str, list[tuple[float, float]]]:
    """Every way once a round, in an order that turns from round to round."""
    short = names if whole else names[:SHORT]
    found: dict[str, list[tuple[float, float]]] = {}
    with limit(params, names[0]) as warm:
        ways: list[tuple[str, Way, list[str]]] = [
            ("loop", loop, short),
            ("API, one at a time", api_one, short),
            ("API, two at a time", api_two, short),
            ("kit", kit, names),
            ("limit", warm, names),
        ]
        if shutil.which("quarto"):
            ways += [("Quarto loop", quarto_loop, short), ("kit with Quarto", kit_quarto, names)]
        for turn in range(number):
            for name, way, whose in ways[turn % len(ways) :] + ways[: turn % len(ways)]:
                found.setdefault(name, []).append(timed(way, whose, params))
                wall, cpu = found[name][-1]
                print(f"  round {turn + 1}: {name:20} {wall:6.2f} s {cpu:6.2f} CPU s", flush=True)
    return {name: found[name] for name, _, _ in ways}


def shown(found: dict[str, list[tuple[float, float]]]) -> dict[str, dict[str, Any]]:
    """Medians, and how many times as fast the kit is."""
    wall = {name: statistics.median(one for one, _ in times) for name, times in found.items()}
    cpu = {name: statistics.median(one for _, one in times) for name, times in found.items()}
    print(f"\n{'a report':22} {'wall, s':>8} {'spread':>13} {'CPU, s':>8} {'kit is faster':>14}")
    rows = {}
    for name, times in found.items():
        low, high = min(one for one, _ in times), max(one for one, _ in times)
        ratio = wall[name] / wall["kit"]
        print(f"{name:22} {wall[name]:8.2f} {low:6.2f}–{high:6.2f} {cpu[name]:8.2f} {ratio:13.2f}×")
        rows[name] = {"wall_s": wall[name], "cpu_s": cpu[name], "wall_low_s": low, "wall_high_s": high}
    return rows


def verdicts(results: dict[str, Any]) -> list[tuple[str, bool]]:
    """What must hold, and whether it does."""
    ways = results["ways"]
    kit_s = ways["kit"]["wall_s"]
    held = [
        (f"at least {TEN_TIMES:g} times as fast as the loop", ways["loop"]["wall_s"] >= TEN_TIMES * kit_s),
        (f"within {OF_THE_LIMIT:g} times the limit", kit_s <= OF_THE_LIMIT * ways["limit"]["wall_s"]),
        (f"nothing changed: under {UNCHANGED:g} s", results["again"]["unchanged_s"] < UNCHANGED),
        ("one file changed: that report and the department's", len(results["again"]["made_again"]) == 2),
        (f"at most {PRIVATE} MiB private a worker", results["memory"]["worker_mib"] <= PRIVATE),
    ]
    if "Quarto loop" in ways:
        faster = ways["Quarto loop"]["wall_s"] >= SIX_TIMES * ways["kit with Quarto"]["wall_s"]
        held.append((f"at least {SIX_TIMES:g} times as fast as papermill and quarto", faster))
    return held


def main() -> int:
    """Measure, print, write; exit 1 where something does not hold that must."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--whole", action="store_true", help="time all reports of every way")
    parser.add_argument("--scale", action="store_true", help="also 10, 100 and 1 000 tiny notebooks")
    parser.add_argument("--api", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.api:
        names, params, out = json.loads(asked.api)
        api(names, Path(params), Path(out))
        return 0
    libraries = ("papermill", "nbconvert", "ipykernel", "pandas", "matplotlib", "duckdb")
    results: dict[str, Any] = {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
        "versions": {name: metadata.version(name) for name in libraries},
        "reports": REPORTS,
        "reports_of_the_loops": REPORTS if asked.whole else SHORT,
        "rounds": asked.rounds,
    }
    with tempfile.TemporaryDirectory() as folder:
        params, names = agency(Path(folder), REPORTS)
        results["ways"] = shown(rounds(asked.rounds, asked.whole, params, names))
        results["again"] = again(params, names)
        results["memory"] = watched(params, names)
    if asked.scale:
        results["scale"] = [scale(reports) for reports in (10, 100, 1000)]
        for one in results["scale"]:
            print(json.dumps(one))
    print(f"\nagain: {json.dumps(results['again'])}\nmemory: {json.dumps(results['memory'])}\n")
    held = verdicts(results)
    results["held"] = dict(held)
    for what, holds in held:
        print(f"{'yes' if holds else 'NO ':3} {what}")
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return int(not all(holds for _, holds in held))


if __name__ == "__main__":
    sys.exit(main())
