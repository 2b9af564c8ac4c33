"""Anything at all given to what reads params, periods, exports, names and tables: a record, or one sentence.

``python tests/fuzz_targets.py 600`` spends so many seconds on all targets and prints what escaped;
``tests/test_fuzz_targets.py`` spends a few examples on each. What was found stays in REGRESSIONS.
"""

from __future__ import annotations

import datetime as dt
import functools
import random
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

Target = Callable[[random.Random, Path], None]

DEPARTMENT = """\
agency: Маяк
language: ru
timezone: Europe/Moscow
history: {periods: 3, weeks: 10}
response: {sla_hours: 24, calendar: business, hours: [10, 19]}
scoring: {threshold: 0.8, cap: 1.2}
directors: [{id: olga, name: Ольга, email: olga@agency.example, specialists: all}]
mail: {sender: kpi@agency.example}
"""
SPECIALIST = """\
name: Анна
accounts: [a, {account: b, since: 2025-03-01, until: 2025-11-01}]
brands: [x]
duties: [audience, sales]
kpis:
  - {kpi: views, target: {at_least: 35000, by: 2025-12-31, from: {value: 28000, on: 2024-12-31}}, weight: 1}
  - {kpi: churn_rate, target: {at_most: 3%, worst: 6%}, weight: 10}
  - {kpi: leads, target: {schedule: {2025-09: {at_least: 40}, 2025-10: {at_least: 55}}}, weight: 20}
  - {kpi: likes, as: growth, platforms: [vk], target: {between: [1%, 10%], per: month}, weight: 5}
bonus: {share_of_sales: 2%, cap: 30000}
absences: [{since: 2025-07-14, until: 2025-07-28, deputy: ivan}]
"""  # fmt: skip
ODD = (
    "null ~ true 0 -1 1e999 .nan .inf 9999999999999999999999 '' [] {} [[]] 2025-10-01 0x10 1_000 !!set{a} "
    "&a *a <<: !!binary 2025-99 ../a \\0 % : - ? | > # \" ' @ ` é \u202e \U0001f600"
).split(" ")
REGRESSIONS = (
    ("period", "9999-12"),  # the day after its last is no date
    ("period", "0001-01"),
    ("period", "２０２５-10"),  # digits, but not of a date
    ("specialist", "!!bool q"),
    ("specialist", "kpis: {a: 1}"),
    ("specialist", "? [a]\n: b"),
    ("department", "null: 1"),
    ("department", "agency: !!set {a}"),
)
"""What once escaped, or nearly."""


def damaged(text: str, chance: random.Random) -> str:
    """A text with a few changes: a piece lost, doubled, moved, or something odd in its place."""
    for _ in range(chance.choice((1, 1, 2, 4))):
        at, to = sorted((chance.randrange(len(text) + 1), chance.randrange(len(text) + 1)))
        to = min(to, at + chance.choice((0, 1, 5, 40)))
        match chance.randrange(4):
            case 0:
                text = text[:at] + text[to:]
            case 1:
                text = text[:to] + text[at:]
            case 2:
                text = text[:at] + chance.choice(ODD) + text[to:]
            case _:
                words = text.split(" ")
                words[chance.randrange(len(words))] = chance.choice(ODD)
                text = " ".join(words)
    return text


def load(folder: Path, department: str, specialist: str) -> None:
    from kpi_kit.params import load as load_params

    (folder / "specialists").mkdir(exist_ok=True)
    (folder / "department.yml").write_text(department, encoding="utf-8", errors="replace")
    (folder / "specialists" / "ann.yml").write_text(specialist, encoding="utf-8", errors="replace")
    broken = load_params(folder).broken
    _sentences(problem for problems in broken.values() for problem in problems)


def _sentences(problems: Any) -> None:
    for problem in problems:
        assert problem and "\n" not in problem and len(problem) < 2000, f"no sentence: {problem[:300]!r}"


def department(chance: random.Random, folder: Path) -> None:
    load(folder, damaged(DEPARTMENT, chance), SPECIALIST)


def specialist(chance: random.Random, folder: Path) -> None:
    load(folder, DEPARTMENT, damaged(SPECIALIST, chance))


def period(chance: random.Random, folder: Path) -> None:
    from kpi_kit.core.periods import parse_instant

    text = damaged(chance.choice(("2025-10", "2025-Q4", "2025-W41", "2025", "9999-12", "0001-01")), chance)
    _one_period(text)
    from kpi_kit.core.errors import KitError

    try:
        parse_instant(damaged("2025-10-31T12:00:00+03:00", chance), ZoneInfo("Europe/Moscow"), "x")
    except KitError as fault:
        _sentences(fault.problems)


def _one_period(text: str) -> None:
    from kpi_kit.core.errors import KitError
    from kpi_kit.core.periods import Period

    try:
        found = Period.parse(text)
    except KitError as fault:
        _sentences(fault.problems)
        return
    assert str(found) == text.strip() and found.start <= found.last_day


def tables(chance: random.Random, folder: Path) -> None:
    from kpi_kit.data import validate
    from kpi_kit.data.store import open_store

    posts = (
        "post_id,account_id,published_at,views,likes\n1,a,2025-10-01T12:00:00+03:00,5,1\n2,a,2025-10-02,6,0\n"
    )
    accounts = 'account_id,platform,title,opened\na,vk,"Кофе, ""Утро""",2025-01-01\n'
    (folder / "accounts.csv").write_text(damaged(accounts, chance), encoding="utf-8", errors="replace")
    (folder / "posts.csv").write_text(damaged(posts, chance), encoding="utf-8", errors="replace")
    with open_store(folder, "Europe/Moscow") as store:
        problems = validate.problems(store)
        _sentences(problems)
        if not problems:
            store.frame("posts")


def message(chance: random.Random, folder: Path) -> None:
    """A director's message about somebody with any name, to somebody with any name."""
    from email import message_from_bytes
    from email.policy import SMTP

    import cards

    from tests.mail.test_message import letter_of, sound
    from tests.payloads import PAYLOADS

    names = [damaged(chance.choice(PAYLOADS), chance).encode("utf-8", "replace").decode() for _ in range(3)]
    data = letter_of(sound({"ann": cards.card(name=names[0])}), name=names[1], sender_name=names[2]).data
    found = message_from_bytes(data, policy=SMTP)
    assert [str(each) for each in found].count("To") == 1 and "Bcc" not in found
    assert found["To"].addresses[0].addr_spec == "olga@agency.example"


GOLDEN = Path(__file__).parent / "golden" / "1"


def importer(chance: random.Random, folder: Path) -> None:
    """A damaged export of some kind."""
    from tests.fuzzing import ANY, FUZZED, ROWS, verdict

    name = chance.choice(list(FUZZED))
    damage = chance.choice(ANY if name.endswith(".json") else (*ANY, *ROWS))
    path = folder / name
    path.write_bytes(damage(FUZZED[name][1], chance) or b" ")
    outcome = verdict(name, damage, path, sound_figures(name))
    assert outcome in ("read", "refused"), f"{name}, {damage.__name__}: {outcome}"


@functools.cache
def sound_figures(name: str) -> dict[str, float]:
    """The figures of an export as it was before any damage."""
    from tests.fuzzing import FUZZED, figures, imported

    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / name
        path.write_bytes(FUZZED[name][1])
        return figures(imported(path))


def store(chance: random.Random, folder: Path) -> None:
    """A data folder in which some file is damaged: a table, what imports keep, or a plan beside it."""
    from kpi_kit.data import validate
    from kpi_kit.data.merge import journal
    from kpi_kit.data.store import open_store
    from tests.fuzzing import ANY

    shutil.copytree(GOLDEN / "data", folder / "data")
    (folder / ".data-import-ready" / "new").mkdir(parents=True)
    plan = folder / ".data-import-ready" / "plan.json"
    plan.write_text('{"new": ["posts.csv", "imports/schema.json"], "gone": ["plan.csv"]}', encoding="utf-8")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    path = chance.choice(files)
    path.write_bytes(chance.choice(ANY)(path.read_bytes(), chance))
    with open_store(folder / "data", "Europe/Moscow") as opened:
        _sentences(validate.problems(opened))
        journal.read(folder / "data")


def kept(chance: random.Random, folder: Path) -> None:
    """JSON that a run has left, damaged: a scorecard, a manifest, the journal of the mail."""
    from kpi_kit.batch.manifest import Manifest
    from kpi_kit.mail.journal import Journal
    from kpi_kit.scorecard import json_file
    from tests.fuzzing import ANY

    name, place = chance.choice(
        (("scorecard.json", "a.json"), ("manifest.json", "manifest.json"), ("mail.jsonl", "journal.jsonl"))
    )
    (folder / place).write_bytes(chance.choice(ANY)((GOLDEN / name).read_bytes(), chance))
    if name == "scorecard.json":
        json_file.load(folder / place)
    elif name == "manifest.json":
        Manifest(folder, "2025-10", ["olga"]).save()
    else:
        with Journal(folder, lambda: dt.datetime(2025, 11, 9, tzinfo=dt.UTC)) as opened:
            assert opened.state("director:olga").count <= 1


WIDE = """\
Подписчики;Янв 2026;Фев 2026;03.2026
Лавка ВК;1 200;1 250;
Лавка TG;300;;"1 000,5"
Итого;1 500;1 250;
"""


def wide_sheet(chance: random.Random, folder: Path) -> None:
    """A sheet with months across, damaged."""
    from kpi_kit.sources import SOURCES, ImportOptions
    from kpi_kit.sources.attribution import read_attribution

    names = "titles:\n  Лавка ВК: vk-l\n  лавка TG: tg-l\n"
    (folder / "attribution.yml").write_text(names, encoding="utf-8")
    options = ImportOptions(attribution=read_attribution(folder / "attribution.yml"))
    text = damaged(WIDE.replace("Подписчики", chance.choice(("Подписчики", "Визиты", "", "2026"))), chance)
    (folder / "sheet.csv").write_text(text, encoding="utf-8", errors="replace")
    found = SOURCES["wide-sheet"].read([folder / "sheet.csv"], options)
    for rows in found.tables.values():
        assert len(rows) <= text.count(";") + text.count("\n")


MONDAY = dt.datetime(2025, 11, 10, 9, tzinfo=dt.UTC)


def merge(chance: random.Random, folder: Path) -> None:
    """Damaged rows are merged in two orders: the same content, or a refusal that changes nothing."""
    import pandas as pd

    from kpi_kit.core.errors import KitError
    from kpi_kit.data.merge import Import, Origin, add

    ids, texts = ("1", "2", "3", "-1_7", "n1"), ("", "да", "=1+1", '"', "a\rb", "\u202e", "x,y")
    imports = []
    for number in range(2):
        posts = pd.DataFrame(
            {
                "post_id": [
                    damaged(chance.choice(ids), chance) if chance.random() < 0.2 else chance.choice(ids)
                ],
                "account_id": ["vk-a"],
                "published_at": [
                    pd.Timestamp("2025-10-01", tz="UTC") + pd.Timedelta(days=chance.randrange(40))
                ],
                "views": [chance.choice((0.0, 5.0, -1.0, 1e300, float("nan")))],
                "text": [damaged(chance.choice(texts), chance)],
            }
        )
        at = MONDAY + dt.timedelta(hours=number)
        imports.append(Import({"posts": posts}, {}, Origin("csv", (f"{number}.csv",), f"d{number}", at, at)))
    contents = []
    for order in (imports, imports[::-1]):
        place = folder / f"data-{len(contents)}"
        place.mkdir()
        (place / "accounts.csv").write_text("account_id,platform,title\nvk-a,vk,A\n", encoding="utf-8")
        for one in order:
            before = _files(place)
            try:
                add(place, [one], "Europe/Moscow")
            except KitError as fault:
                _sentences(fault.problems)
                assert _files(place) == before, "a refused import has changed the folder"
        contents.append((place / "posts.csv").read_bytes() if (place / "posts.csv").exists() else b"")
    assert contents[0] == contents[1], "the order of imports shows"


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


TARGETS: dict[str, Target] = {
    "department": department,
    "specialist": specialist,
    "period": period,
    "importer": importer,
    "tables": tables,
    "store": store,
    "kept": kept,
    "message": message,
    "wide_sheet": wide_sheet,
    "merge": merge,
}


def regression(name: str, text: str, folder: Path) -> None:
    """One text given to a target."""
    match name:
        case "period":
            _one_period(text)
        case "department":
            load(folder, text, SPECIALIST)
        case _:
            load(folder, DEPARTMENT, text)


def attempt(name: str, seed: int) -> str | None:
    """What escaped; None where all is well."""
    from kpi_kit.core.errors import KitError

    with tempfile.TemporaryDirectory() as place:
        begun = time.process_time()
        try:
            TARGETS[name](random.Random(seed), Path(place))
        except KitError as fault:
            try:
                _sentences(fault.problems)
            except AssertionError as wrong:
                return f"{name}, seed {seed}: {wrong}"
        except Exception:  # whatever escapes is what this looks for
            return f"{name}, seed {seed}: {traceback.format_exc(limit=-3)}"
        took = time.process_time() - begun
    return None if took < 10 else f"{name}, seed {seed}: {took:.0f} s"


def main() -> int:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 600.0
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    escaped = 0
    for name in TARGETS:
        end, seed = time.monotonic() + seconds / len(TARGETS), first
        while time.monotonic() < end:
            if (said := attempt(name, seed)) is not None:
                escaped += 1
                print(said)
            seed += 1
        print(f"{name}: {seed - first} attempts", flush=True)
    return 1 if escaped else 0


if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]
    sys.exit(main())
