"""Time all KPIs of one person, with 13 months and 104 weeks of history, once the tables are read.

Run ``python benchmarks/kpis.py``. For each specialist of the sample agency it gives every KPI of the
catalogue to that person and measures CPU seconds, the median of several rounds: reading the tables,
measuring all KPIs, and the same with the plain-Python oracle of the tests, side by side. The
acceptance is 0.3 s for all KPIs; the ratios hold on any machine.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from ruamel.yaml import YAML

from kpi_kit.core.periods import Period
from kpi_kit.data.store import Store, open_store
from kpi_kit.kpis import CATALOGUE
from kpi_kit.params import Params, load
from kpi_kit.scorecard.context import Context, prepare
from kpi_kit.scorecard.entry_facts import Facts

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = 5
PERIOD = "2025-10"


def every_kpi(folder: Path) -> Path:
    """A copy of the params in which everybody has every KPI of the catalogue."""
    yaml = YAML(typ="safe", pure=True)
    target = folder / "params"
    (target / "specialists").mkdir(parents=True)
    (target / "department.yml").write_bytes((ROOT / "params/department.yml").read_bytes())
    for file in (ROOT / "params/specialists").glob("*.yml"):
        person = yaml.load(file.read_text(encoding="utf-8"))
        person["kpis"] = [{"kpi": kpi, "target": {"at_least": 0.5}, "weight": 1} for kpi in CATALOGUE]
        with (target / "specialists" / file.name).open("w", encoding="utf-8") as stream:
            yaml.dump(person, stream)
    return target


def cpu(work: Callable[[], object]) -> float:
    """CPU seconds of one call."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def measure(case: Context) -> None:
    """Value, comparisons, history and weeks of every entry."""
    for entry in case.person.kpis:
        facts = Facts(case, entry)
        _ = facts.measurement, facts.previous, facts.year_ago, facts.history, facts.weeks, facts.parts


def rounds(person: str, params: Params, store: Store) -> tuple[float, float]:
    """Median CPU seconds of reading the tables and of measuring."""
    reading, measuring = [], []
    for _ in range(ROUNDS):
        case = prepare(person, Period.parse(PERIOD), params=params, store=store)
        reading.append(cpu(lambda case=case: case.tables))  # type: ignore[misc]  # the default binds the loop's case
        measuring.append(cpu(lambda case=case: measure(case)))  # type: ignore[misc]  # likewise
    return statistics.median(reading), statistics.median(measuring)


def main() -> int:
    """Print the table; exit 1 where a person's KPIs take longer than the acceptance."""
    sys.path.insert(0, str(ROOT / "tests"))
    import oracle

    slow = 0
    print(f"{'specialist':16} {'read, s':>8} {'24 KPIs, s':>11} {'oracle, s':>10} {'oracle / kit':>13}")
    with tempfile.TemporaryDirectory() as folder:
        params = every_kpi(Path(folder))
        loaded = load(params)
        with open_store(ROOT / "data/sample", loaded.department.timezone) as store:
            for person in loaded.specialists:
                reading, measuring = rounds(person, loaded, store)
                plain = cpu(lambda who=person: oracle.evaluate(ROOT / "data/sample", params, who, PERIOD))
                print(f"{person:16} {reading:8.3f} {measuring:11.3f} {plain:10.2f} {plain / measuring:13.1f}")
                slow += measuring > 0.3
    return int(slow > 0)


if __name__ == "__main__":
    sys.exit(main())
