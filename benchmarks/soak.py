"""Runs in which things go wrong at random: every other report must come out byte for byte as without.

Run ``python benchmarks/soak.py`` (or ``make soak``). For each seed a batch of tiny notebooks is made in
which some fail in every way that is known, and the batch itself is stopped or killed in its middle; then
it is run again. What must hold afterwards:

- a report that nothing happened to, and one whose process or server died once, is that of a calm run;
- a report that failed has left its notebook, and neither a page nor a scorecard;
- the manifest says which is which;
- no process and no temporary file is left.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat
import psutil

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "tests/notebooks"
DEADLINE = 4.0
FATAL = {
    "raises": "raise ValueError('stormy')",
    "process dies": "os.kill(os.getpid(), signal.SIGKILL)",
    "hangs": "time.sleep(600)",
    "holds the interpreter": "ctypes.PyDLL(None).sleep(600)",
    "exits": "sys.exit(0)",
    "full disk": "resource.setrlimit(resource.RLIMIT_FSIZE, (8, 8)); marker.write_text('x' * 99)",
    "read-only folder": "open('/proc/nowhere', 'w')",
    "no memory": "resource.setrlimit(resource.RLIMIT_AS, (1, 1)); bytearray(10**9)",
}
"""Ways to fail for good."""
ONCE = {
    "process dies once": "os.kill(os.getpid(), signal.SIGKILL)",
    "server dies once": "os.kill(os.getppid(), signal.SIGKILL)",
}
"""Ways that a second try gets over."""
BROKEN = "a corrupt params file"
ENDS = ("none", "SIGINT", "SIGTERM", "SIGKILL")
"""What becomes of the first batch itself, in its middle."""
CELL = """
import ctypes, json, os, resource, signal, sys, time
from pathlib import Path

storm = Path(data)
code, once = json.loads((storm / "storm.json").read_text()).get(specialist, ["", False])
marker = storm / f"met-{specialist}"
if code and not (once and marker.exists()):
    marker.touch()
    exec(code)
"""
RUN = """
import json, sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from kpi_kit.batch import run as batch

storm, out, deadline = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
names = json.loads((storm / "names.json").read_text())
broken = {name: (f"{name}.yml: it is corrupt",) for name in json.loads((storm / "broken.json").read_text())}
one = SimpleNamespace(name="", notebook=None, language=None)
people = {name: one for name in names if name not in broken}
department = SimpleNamespace(language="ru", timezone="UTC")
loaded = SimpleNamespace(folder=storm, department=department, specialists=people, broken=broken)
batch.settings.load = lambda folder: loaded
same = lambda name="", *_: {"of": str(name)}
its = lambda notebook, reports: {"of": json.dumps(reports)}
hashes = SimpleNamespace(forecasts=str, specialist=same, across=same, department=its)
batch.payout.write = batch.periods_index.renew = lambda *_: None
batch._is_unchanged = lambda *_: False
batch._inputs = lambda run, folder: nullcontext((run, loaded, hashes))
batch.cohort.compute = lambda people, period, **where: (batch.Cohort(), {})
if __name__ == "__main__":
    try:
        given = dict(data=str(storm), params="p", out=out, notebooks=storm, engine="embedded")
        outcome = batch.run(batch.RunOptions("2025-10", **given, jobs=2, deadline=deadline))
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(1 if outcome.failed else 0)
"""


def prepare(folder: Path, names: list[str], met: dict[str, str]) -> None:
    """The notebook, the script, and what is to happen to whom."""
    notebook = nbformat.read(NOTEBOOKS / "good.ipynb", as_version=4)
    notebook.cells.insert(1, nbformat.v4.new_code_cell(CELL, id="storm"))
    nbformat.write(notebook, folder / "specialist_report.ipynb")
    shutil.copy(NOTEBOOKS / "department.ipynb", folder / "department_report.ipynb")
    codes = {
        who: [FATAL.get(what) or ONCE[what], what in ONCE] for who, what in met.items() if what != BROKEN
    }
    for name, content in (
        ("names", names),
        ("broken", [who for who, what in met.items() if what == BROKEN]),
        ("storm", codes),
    ):
        (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    (folder / "run.py").write_text(RUN, encoding="utf-8")


def begin(folder: Path, temporary: Path) -> subprocess.Popen[bytes]:
    """Start a batch."""
    return subprocess.Popen(
        [sys.executable, str(folder / "run.py"), str(folder), "out", str(DEADLINE)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(temporary), "KPI_SOAK": str(folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def stop(process: subprocess.Popen[bytes], how: str, out: Path, enough: int) -> None:
    """Stop a batch when it has made some reports."""
    while how != "none" and process.poll() is None:
        if len(list(out.glob("*/*.html"))) >= enough:
            process.send_signal(getattr(signal, how))
            break
        time.sleep(0.01)
    process.wait(300)


def left_over(folder: Path) -> list[str]:
    """The processes of a batch that are still there, after a while."""
    found: list[str] = []
    for _ in range(100):
        found = []
        for process in psutil.process_iter(["environ", "status"]):
            if (process.info["environ"] or {}).get("KPI_SOAK") == str(folder) and process.info[
                "status"
            ] != "zombie":
                found.append(str(process))
        if not found:
            break
        time.sleep(0.1)
    return found


def pages(out: Path) -> dict[str, bytes]:
    """The pages and scorecards of all specialists."""
    kinds = (*out.glob("*/person-*.html"), *out.glob("*/person-*.json"))
    return {path.name: path.read_bytes() for path in kinds}


def storm(seed: int, reports: int, faults: int, end: str | None = None) -> list[str]:
    """What did not hold."""
    dice = random.Random(seed)
    names = [f"person-{number:03}" for number in range(reports)]
    kinds = [*FATAL, *ONCE, BROKEN]
    met = {who: kinds[(seed + n) % len(kinds)] for n, who in enumerate(dice.sample(names, faults))}
    with contextlib.ExitStack() as stack:
        calm, wild, temporary = (
            Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="s"))) for _ in range(3)
        )
        for folder, happens in ((calm, {}), (wild, met)):
            prepare(folder, names, happens)
        begin(calm, temporary).wait(600)
        how = end or dice.choice(ENDS)
        stop(begin(wild, temporary), how, wild / "out", dice.randrange(1, reports // 2))
        torn = [name for name, text in pages(wild / "out").items() if text != pages(calm / "out").get(name)]
        processes = left_over(wild)
        begin(wild, temporary).wait(600)
        return [
            *(f"after {how}, {name} is not that of a calm run" for name in torn),
            *(f"after {how}, {process} is left" for process in processes),
            *judged(calm / "out", wild / "out", names, met),
            *(f"{path} is left" for path in temporary.iterdir()),
            *(f"{process} is left" for process in left_over(wild)),
        ]


def judged(calm: Path, wild: Path, names: list[str], met: dict[str, str]) -> list[str]:
    """What is not as it must be in the end."""
    wanted, found, problems = pages(calm), pages(wild), []
    entries = json.loads((wild / "2025-10/manifest.json").read_text(encoding="utf-8"))["reports"]
    for who in names:
        what = met.get(who, "nothing")
        failed = what in FATAL or what == BROKEN
        status = entries.get(who, {}).get("status")
        if status != ("failed" if failed else "done"):
            problems.append(f"{who} ({what}): the manifest says {status}")
        for kind in ("html", "json"):
            name = f"{who}.{kind}"
            if found.get(name) != (None if failed else wanted[name]):
                problems.append(f"{name} ({what}): not what a calm run makes")
        if what in FATAL and not (wild / f"2025-10/{who}.failed.ipynb").is_file():
            problems.append(f"{who} ({what}): no notebook is left for reading")
    if not (wild / "2025-10/index.html").is_file():
        problems.append("the department has no page")
    return problems


def main() -> int:
    """Every seed, and a line for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--reports", type=int, default=60)
    parser.add_argument("--faults", type=int, default=12)
    asked = parser.parse_args()
    bad = 0
    for seed in range(asked.seeds):
        begun = time.perf_counter()
        problems = storm(seed, asked.reports, asked.faults)
        bad += bool(problems)
        print(
            f"seed {seed}: {'; '.join(problems) or 'all right'} ({time.perf_counter() - begun:.0f} s)",
            flush=True,
        )
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
