"""The package against two independent readings of the design, figure by figure.

One is in plain Python (``tests/oracle.py``: the whole scorecard), one in SQL (``tests/sql_oracle.py``: the
facts of every KPI; how it reads what the design leaves open stands in ``tests/sql_agreement.py``).

Deliberate differences from the one in Python, kept out by the narrow rules of :func:`disagreements`:

* an account opened in the middle of the *earlier* period of a comparison is left out by the package and kept
  by the oracle: in the sample this is ``tg-school-kids``, opened on 2025-05-12;
* the coverage of a deputy counts the stand-in days in the package, and not in the oracle;
* a growth against a negative previous is not assessable in the package, and divided by the oracle;
* the coverage of a change is that of the period in the package, the lower of both sides in the oracle;
* where the last row before an opening is older than 7 days, the days up to the next row are uncovered for
  every KPI of the table ``audience`` in the package, for three KPIs only in the oracle's choice 9;
* a snapshot that does not know what a KPI needs is left out by the package, and unknown in the oracle; random
  agencies have such snapshots only where columns are absent;
* a band that an absence of the whole period scales to nothing has no attainment in the package, 0 or 1 in the
  oracle; of these two :func:`readings_of_the_package` gives the oracle the package's reading.
"""

from __future__ import annotations

import functools
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ruamel.yaml import YAML

from kpi_kit.core.periods import Period
from kpi_kit.data.open_inputs import open_inputs
from kpi_kit.kpis import CATALOGUE
from kpi_kit.scorecard import build
from kpi_kit.scorecard.build import score
from kpi_kit.scorecard.context import prepare
from kpi_kit.scorecard.json_file import dumps
from kpi_kit.scorecard.smart_audit import Audit
from tests import oracle, sql_oracle
from tests.random_agency import PEOPLE, leave_gaps, write_agency
from tests.random_troubles import add_troubles
from tests.sql_agreement import compared, in_sql

pytestmark = pytest.mark.no_cover  # what runs here, other tests reach; being watched doubles its time

ROOT = Path(__file__).parents[1]
SAMPLE, PARAMS = ROOT / "data" / "sample", ROOT / "params"
SPAM = ROOT / "kpi_kit" / "kpis" / "spam_phrases.txt"
SIX = ("anna-petrova", "dmitry-orlov", "elena-volkova", "ivan-kuznetsov", "maria-sokolova", "timur-safin")

OPENED_LATE = {"dmitry-orlov": {"2025-05", "2025-Q2", "2025-W20"}}
"""Earlier periods in whose middle one of the person's accounts was opened."""

HEAD = ("as_of", "interim", "preliminary", "total", "attained", "assessable")
LINE = ("kpi", "as", "versus", "scope", "value", "attained", "attainment", "payout", "weight", "previous")
SUMS = ("numerator", "denominator", "units")


def disagreements(mine: dict[str, Any], theirs: dict[str, Any]) -> Iterator[str]:
    """Every figure on which the two do not agree."""
    lines = list(zip(mine["kpis"], theirs["kpis"], strict=True))
    differ = any(deliberate(line, wanted) for line, wanted in lines)
    for key in HEAD:
        if not (differ and key in ("total", "attained", "assessable")):
            yield from compared(key, mine[key], theirs[key])
    ours, other = mine["bonus"], theirs["bonus"]
    yield from compared("bonus", ours and ours["amount"], other and other["amount"])
    yield from compared("sales of the bonus", ours and ours["sales_amount"], other and other["sales_amount"])
    for line, wanted in lines:
        name = " ".join(str(line[key]) for key in ("kpi", "as", "versus", "scope"))
        if not deliberate(line, wanted):
            for problem in of_line(line, wanted, mine["specialist"]):
                yield f"{name}: {problem}; notes {line['notes']}, reasons {wanted['reasons']}"


def deliberate(line: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Values on which the two may differ: growth against a negative previous."""
    if line["as"] == "growth" and wanted["value"] is not None and wanted["denominator"] < 0:
        assert line["notes"][0]["code"] == "negative_previous"
        return True
    return False


def of_line(line: dict[str, Any], wanted: dict[str, Any], who: str) -> Iterator[str]:
    if line["as"] == "value":
        yield from compared("coverage", line["coverage"], wanted["coverage"])
    for key in LINE + (SUMS if line["value"] is not None else ()):
        yield from compared(key, line[key], wanted[key])
    year_ago = [card["year_ago"] and card["year_ago"]["value"] for card in (line, wanted)]
    yield from compared("year_ago", *year_ago)
    targets = [
        card["target"] and [card["target"][key] for key in ("kind", "value", "base")]
        for card in (line, wanted)
    ]
    yield from compared("target", *targets)
    yield from of_history(line, wanted, who)
    if line["as"] == "value":
        theirs = {part["account_id"]: part["value"] for part in wanted["accounts"]}
        yield from compared(
            "accounts", sorted(part["account_id"] for part in line["accounts"]), sorted(theirs)
        )
        for part in line["accounts"]:
            yield from compared(
                f"account {part['account_id']}", part["value"], theirs.get(part["account_id"])
            )


def of_history(line: dict[str, Any], wanted: dict[str, Any], who: str) -> Iterator[str]:
    for ours, theirs in zip(line["history"], wanted["history"], strict=True):
        yield from compared("period", ours["period"], theirs["period"])
        asked = oracle.Span.parse(ours["period"])
        earlier = asked.previous() if line["versus"] == "previous" else asked.year_ago()
        if line["as"] != "value" and earlier.label in OPENED_LATE.get(who, ()):
            continue
        if (
            line["as"] == "growth"
            and line["kpi"] in ("subscriber_gain", "subscriber_growth")
            and ours["value"] is None
        ):
            continue  # a gain may have been negative, and growth from there is no growth
        yield from compared(f"history {ours['period']}", ours["value"], theirs["value"])


def measured(
    data: Path, params: Path, people: tuple[str, ...], period: str, as_of: str | None
) -> dict[str, dict[str, Any]]:
    """The scorecards that :func:`kpi_kit.scorecard.build.score` makes, of data that are opened once."""
    loaded, store = open_inputs(data, params)
    with store:
        asked = {"params": loaded, "store": store, "as_of": as_of}
        cards = {who: build.scorecard(prepare(who, Period.parse(period), **asked)) for who in people}
    for card in cards.values():
        dumps(card)
    return cards


def agree(mine: dict[str, Any], data: Path, params: Path, who: str, period: str, as_of: str | None) -> None:
    theirs = oracle.evaluate(data, params, who, period, as_of, spam_phrases=SPAM)
    differ = list(disagreements(mine, theirs))
    assert not differ, "\n".join([who, *differ[:9]])


def both_agree(data: Path, params: Path, people: tuple[str, ...], period: str, as_of: str | None) -> None:
    theirs = sql_oracle.measure(data, params, period, as_of, spam=SPAM, people=people)
    for who, mine in measured(data, params, people, period, as_of).items():
        agree(mine, data, params, who, period, as_of)
        assert list(in_sql(mine, theirs[who])) == []


@functools.cache
def _tables(folder: Path, name: str, zone: Any) -> Any:
    return _read_table(folder, name, zone)


_read_table = oracle.read_table


def _attainment(goal: oracle.Goal, fact: float) -> float | None:
    return None if goal.kind == "between" and goal.value[0] == goal.value[1] else _any_attainment(goal, fact)


_any_attainment = oracle.attainment


@pytest.fixture(autouse=True)
def readings_of_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty band."""
    without_verdicts(monkeypatch)


def without_verdicts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the oracle the package's readings, and the package none of the statistics that it has not."""
    monkeypatch.setattr(oracle, "attainment", _attainment)

    # the package's bootstraps would only cost time here
    names = ("change", "year_ago_change", "trend", "chance", "chance_band", "chance_period", "control")
    none = dict.fromkeys(names)
    monkeypatch.setattr(build, "verdicts", lambda facts: SimpleNamespace(chance=None, history=facts.history))
    monkeypatch.setattr(build, "robustness", lambda facts, target: None)
    monkeypatch.setattr(build, "with_verdicts", lambda record: record)
    monkeypatch.setattr(build.unusual_days, "unusual", lambda case, happened: [])
    monkeypatch.setattr(build, "audit", lambda facts, said, reliable: Audit({}, []))
    monkeypatch.setattr(
        build, "verdict_records", lambda found: [{**none, "outside": [None] * len(f.history)} for f in found]
    )


@pytest.fixture
def read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oracle reads the sample once a process."""
    monkeypatch.setattr(oracle, "read_table", _tables)


@pytest.fixture(scope="module")
def every_kpi(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample's people, each with every KPI as a value, a change and a growth."""
    folder = tmp_path_factory.mktemp("every") / "params"
    (folder / "specialists").mkdir(parents=True)
    yaml = YAML(typ="safe", pure=True)
    department = yaml.load((PARAMS / "department.yml").read_text(encoding="utf-8"))
    department["history"] = {"periods": 7, "weeks": 0}
    with (folder / "department.yml").open("w", encoding="utf-8") as stream:
        yaml.dump(department, stream)
    forms = (("value", "previous"), ("change", "previous"), ("growth", "year_ago"))
    for file in (PARAMS / "specialists").glob("*.yml"):
        person = yaml.load(file.read_text(encoding="utf-8"))
        person["kpis"] = [_asked(kpi, *form) for kpi in CATALOGUE for form in forms]
        with (folder / "specialists" / file.name).open("w", encoding="utf-8") as stream:
            yaml.dump(person, stream)
    return folder


def _asked(name: str, form: str, versus: str) -> dict[str, Any]:
    kpi = CATALOGUE[name]
    target: dict[str, Any] = {"at_most": 0.4} if kpi.bounded else {"at_least": 50}
    if kpi.accruing:
        target["per"] = "quarter"
    return {"kpi": name, "as": form, "versus": versus, "target": target, "weight": 5}


@pytest.mark.parametrize("who", SIX)
def test_sample(who: str, read_once: None) -> None:
    both_agree(SAMPLE, PARAMS, (who,), "2025-10", None)


@pytest.mark.parametrize(
    ("who", "period", "as_of"),
    [  # some people for each kind of period: all of them would take minutes
        ("anna-petrova", "2025-07", None),  # an absence with a deputy
        ("ivan-kuznetsov", "2025-07", None),  # the deputy
        ("dmitry-orlov", "2025-07", None),  # an account opened in May
        ("maria-sokolova", "2025-10", None),  # a handover on the 16th, taken over
        ("timur-safin", "2025-10", "2025-10-20T15:30:00+03:00"),  # interim
        ("elena-volkova", "2025-Q3", None),
        ("dmitry-orlov", "2025-W41", None),
        ("anna-petrova", "2025-W41", "2025-10-14T09:00"),  # preliminary
    ],
)
def test_every_kpi_of_the_sample(
    who: str, period: str, as_of: str | None, every_kpi: Path, read_once: None
) -> None:
    both_agree(SAMPLE, every_kpi, (who,), period, as_of)


@pytest.mark.parametrize("seed", range(1))
def test_random_agency(seed: int, tmp_path: Path) -> None:
    period, as_of = write_agency(tmp_path, seed)
    both_agree(tmp_path / "data", tmp_path / "params", PEOPLE, period, as_of)


@pytest.mark.parametrize("seed", range(1))
def test_random_agency_with_troubles(seed: int, tmp_path: Path) -> None:
    period, as_of = write_agency(tmp_path, seed)
    add_troubles(tmp_path, seed)
    both_agree(tmp_path / "data", tmp_path / "params", PEOPLE, period, as_of)


@pytest.mark.parametrize("seed", range(1))
def test_random_agency_with_gaps(seed: int, tmp_path: Path) -> None:
    """Absent tables and columns, and narrowed entries, beside the reading in SQL alone."""
    period, as_of = write_agency(tmp_path, seed)
    leave_gaps(tmp_path, seed)
    data, params = tmp_path / "data", tmp_path / "params"
    theirs = sql_oracle.measure(data, params, period, as_of, spam=SPAM)
    for who, mine in measured(data, params, PEOPLE, period, as_of).items():
        assert list(in_sql(mine, theirs[who])) == []


def test_the_comparison_can_fail(tmp_path: Path) -> None:
    period, as_of = write_agency(tmp_path, 1)
    data, params = tmp_path / "data", tmp_path / "params"
    card = score(PEOPLE[0], period, data=data, params=params, as_of=as_of)
    shutil.copy(data / "traffic.csv", tmp_path / "kept.csv")
    lines = (tmp_path / "kept.csv").read_text(encoding="utf-8").splitlines()
    changed = [
        lines[0],
        *(f"{line.rsplit(',', 1)[0]},{7 + int(line.rsplit(',', 1)[1] or 0)}" for line in lines[1:]),
    ]
    (data / "traffic.csv").write_text("\n".join(changed) + "\n", encoding="utf-8")
    theirs = oracle.evaluate(data, params, PEOPLE[0], period, as_of, spam_phrases=SPAM)
    found = list(disagreements(card, theirs))
    assert found
    assert all(problem.startswith("social_visits") for problem in found if not problem.startswith(HEAD))
    in_another = list(in_sql(card, sql_oracle.measure(data, params, period, as_of, spam=SPAM)[PEOPLE[0]]))
    assert in_another
    assert all(problem.startswith("social_visits") for problem in in_another)
