"""Damage to exports, and what may come of it: the same figures, or one clear sentence; never anything else.

``python tests/fuzzing.py 20000`` tries that many over all kinds and prints what came of them.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import random
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd
from twins import FILES, TOTALS

from kpi_kit.core.errors import InputError
from kpi_kit.sources import SOURCES, Imported, ImportOptions
from kpi_kit.sources.pipeline import import_files
from kpi_kit.sources.recognise import recognise
from kpi_kit.sources.resolve_account import NewAccount

KNOWN = {name: source for name, source in SOURCES.items() if name != "csv"}
OPTIONS = ImportOptions(account="a", brand="b", since=dt.date(2025, 2, 27), until=dt.date(2025, 3, 1))
AT = dt.datetime(2025, 11, 1, tzinfo=dt.UTC)
SLOW = 10.0
ACCOUNT_OF = {
    "tiktok": "tiktok-a",
    "instagram.csv": "ig-a",
    "reach.csv": "page",
    "youtube": "yt-a",
    "vk-posts": "vk-a",
    "telegram-graphs": "tg-a",
    "tgstat": "tg-a",
}
"""The account of a source or a file; the rest says no platform."""
FUZZED = {
    **FILES,
    **{
        f"total_{name}": (FILES[name][0], FILES[name][1] + TOTALS[name].encode())
        for name in ("tiktok_overview.csv", "tiktok_videos.csv", "instagram.csv", "gsc.csv", "vk_posts.csv")
    },
}
"""The twins, and some of them with a right row of totals below."""
TOTALLED: Mapping[str, tuple[str, str, Mapping[str, str], float]] = {
    "yt_table.csv": ("account_stats", "value", {"item": "Shorts feed", "measure": "views"}, 100.0),
    "metrica.csv": ("traffic", "visits", {}, 45.0),
    "metrica.json": ("traffic", "visits", {}, 40.0),
    "total_tiktok_overview.csv": ("account_stats", "value", {"measure": "views"}, 1715.0),
    "total_tiktok_videos.csv": ("posts", "views", {}, 150.0),
    "total_instagram.csv": ("posts", "views", {}, 218.0),
    "total_gsc.csv": ("account_stats", "value", {"measure": "clicks"}, 42.0),
    "total_vk_posts.csv": ("posts", "views", {}, 2535.0),
}
"""Files with sums of their own: where they are read at all, the figures are right or the gap is told."""

Damage = Callable[[bytes, random.Random], bytes]


def flipped(content: bytes, chance: random.Random) -> bytes:
    made = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 8))):
        made[chance.randrange(len(made))] = chance.randrange(256)
    return bytes(made)


def cut(content: bytes, chance: random.Random) -> bytes:
    first = chance.randrange(len(content))
    return content[:first] if chance.random() < 0.7 else content[first:]


def cut_out(content: bytes, chance: random.Random) -> bytes:
    first = chance.randrange(len(content))
    return content[:first] + content[first + chance.randrange(1, 40) :]


def repeated(content: bytes, chance: random.Random) -> bytes:
    first = chance.randrange(len(content))
    return content[:first] + content[first : first + 60] * chance.choice((2, 3)) + content[first:]


def _text(content: bytes) -> tuple[str, str]:
    for encoding in ("utf-8-sig", "utf-16", "cp1251"):
        try:
            return content.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    return content.decode("latin-1"), "latin-1"


def _table(content: bytes) -> tuple[list[list[str]], str, str, str]:
    """The rows of a delimited file; what stands above the widest rows is kept as it is."""
    text, encoding = _text(content)
    ending = "\n" if "\n" in text else "\r"
    delimiter = max(";,", key=lambda mark: text.count(mark))
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)), delimiter, ending, encoding


def _written(rows: list[list[str]], delimiter: str, ending: str, encoding: str) -> bytes:
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=delimiter, lineterminator=ending).writerows(rows)
    return stream.getvalue().encode(encoding)


def _header(rows: list[list[str]]) -> int:
    widest = max(map(len, rows))
    return next(place for place, row in enumerate(rows) if len(row) >= widest - 1 and len(row) > 1)


def shuffled(content: bytes, chance: random.Random) -> bytes:
    rows, *how = _table(content)
    place = _header(rows)
    body = rows[place + 1 :]
    chance.shuffle(body)
    return _written([*rows[: place + 1], *body], *how)


def turned(content: bytes, chance: random.Random) -> bytes:
    """Columns in another order."""
    rows, *how = _table(content)
    place = _header(rows)
    order = list(range(len(rows[place])))
    chance.shuffle(order)
    body = [[row[n] if n < len(row) else "" for n in order] for row in rows[place:]]
    return _written([*rows[:place], *body], *how)


def renamed(content: bytes, chance: random.Random) -> bytes:
    rows, *how = _table(content)
    place = _header(rows)
    rows[place] = [cell if chance.random() < 0.7 else f"Колонка {n}" for n, cell in enumerate(rows[place])]
    return _written(rows, *how)


def swapped(content: bytes, chance: random.Random) -> bytes:
    """A cell in the place of another."""
    rows, *how = _table(content)
    body = [row for row in rows[_header(rows) + 1 :] if row]
    if body:
        one, other = chance.choice(body), chance.choice(body)
        a, b = chance.randrange(len(one)), chance.randrange(len(other))
        one[a], other[b] = other[b], one[a]
    return _written(rows, *how)


ANY: tuple[Damage, ...] = (flipped, cut, cut_out, repeated)
ROWS: tuple[Damage, ...] = (shuffled, turned, renamed, swapped)
HARMLESS: tuple[Damage, ...] = (shuffled, turned)
"""Damage that leaves every row what it is: the figures must be the same."""


def figures(found: Imported) -> dict[str, float]:
    """Sums of all numbers by table and column, and of account_stats by measure."""
    sums: dict[str, float] = {}
    for name, rows in found.tables.items():
        assert isinstance(rows, pd.DataFrame)
        sums[f"{name} rows"] = len(rows)
        for column in rows.select_dtypes("number"):
            sums[f"{name}.{column}"] = float(rows[column].sum())
        if "measure" in rows:
            sums |= {
                f"{name} {key}": float(value) for key, value in rows.groupby("measure")["value"].sum().items()
            }
    return sums


def imported(path: Path) -> Imported:
    source = recognise(path, KNOWN).source
    return SOURCES[source].read([path], OPTIONS)


def verdict(name: str, damage: Damage, path: Path, sound: Mapping[str, float]) -> str:
    """``read``, ``refused``, or what is wrong."""
    begun = time.process_time()
    try:
        found = imported(path)
    except InputError as fault:
        if not fault.problems or any("\n" in problem or not problem for problem in fault.problems):
            return f"an error that is no sentence: {fault.problems}"
        return "refused" if time.process_time() - begun < SLOW else "slow"
    except Exception:  # whatever escapes is what this looks for
        return f"crashed: {traceback.format_exc(limit=-4)}"
    if time.process_time() - begun > SLOW:
        return "slow"
    if damage in HARMLESS and figures(found) != sound and not _about_order(name, damage):
        return f"other figures: {figures(found)}, not {sound}"
    if name in TOTALLED and damage is not flipped:
        return _by_totals(name, found)
    return "read"


def _about_order(name: str, damage: Damage) -> bool:
    """Kinds whose rows or columns cannot be moved without a change of meaning."""
    if damage is turned and name.startswith("total_"):
        return True
    if damage is turned:  # the first column holds marks (#, a title, a row of totals)
        return name in (
            "ga4.csv",
            "ga4_social.csv",
            "reach.csv",
            "metrica.csv",
            "yt_table.csv",
            "yt_videos.csv",
        )
    return name in ("ga4.csv", "reach.csv")  # several tables in one file


def _by_totals(name: str, found: Imported) -> str:
    table, column, filters, total = TOTALLED[name]
    rows = found.tables.get(table)
    if not isinstance(rows, pd.DataFrame) or column not in rows:
        return "read"
    for key, value in filters.items():
        rows = rows[rows[key] == value]
    told = any("less than the row of totals" in remark or "left out" in remark for remark in found.remarks)
    agreed = any("the rows add up to it" in remark for remark in found.remarks)
    wrong = len(rows) and float(rows[column].sum()) > total and agreed and not told
    return f"more than the total: {rows[column].sum()}" if wrong else "read"


def attempts(count: int, seed: int, folder: Path) -> Counter[str]:
    """Try damaged files; what came of them, by verdict."""
    chance = random.Random(seed)
    sound: dict[str, dict[str, float]] = {}
    for name, (_, content) in FUZZED.items():
        (folder / name).write_bytes(content)
        sound[name] = figures(imported(folder / name))
        (folder / name).unlink()
    seen: Counter[str] = Counter()
    names = list(FUZZED)
    for number in range(count):
        name = names[number % len(names)]
        damage = chance.choice(ANY if name.endswith(".json") else (*ANY, *ROWS))
        path = folder / name
        path.write_bytes(damage(FUZZED[name][1], chance) or b" ")
        outcome = verdict(name, damage, path, sound[name])
        seen[
            outcome
            if outcome in ("read", "refused")
            else f"{name}, {damage.__name__}, attempt {number}: {outcome}"
        ] += 1
        path.unlink()
    return seen


def orders(times: int, folder: Path) -> int:
    """Import the same thirty files in random orders, some twice, some together; how many contents come."""
    chance = random.Random(5)
    files = []
    changed = {
        name: FILES[name][1].replace(old, new)
        for name, old, new in (
            ("vk_posts.csv", b",97,", b",96,"),
            ("gsc.csv", b",30,1000,", b",31,1100,"),
            ("wordstat_months.csv", b"968", b"970"),
            ("bitrix.csv", b"1200.50", b"1300.50"),
            ("tiktok_videos.csv", b",100,9,", b",120,8,"),
        )
    }
    for name, content in [*((name, content) for name, (_, content) in FILES.items()), *changed.items()]:
        path = folder / ("again" if folder.joinpath("files", name).exists() else "files") / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        files.append(path)
    accounts: dict[str, list[Path]] = {}
    for file in files:  # an account is on one platform
        source = FILES[file.name][0]
        accounts.setdefault(ACCOUNT_OF.get(file.name, ACCOUNT_OF.get(source, "site")), []).append(file)
    seen = set()
    for number in range(times):
        into = folder / f"data{number}"
        lots = [
            (account, lot)
            for account, mine in accounts.items()
            for lot in _lots(
                [*chance.sample(mine, len(mine)), *chance.sample(mine, min(2, len(mine)))], chance
            )
        ]
        for account, lot in chance.sample(lots, len(lots)):
            import_files("auto", lot, into, replace(OPTIONS, account=account), NewAccount(), imported_at=AT)
        tables = sorted([*into.glob("*.csv"), *(into / "imports").glob("a*.csv")])
        seen.add(tuple((file.name, file.read_bytes()) for file in tables))
    return len(seen)


def _lots(files: list[Path], chance: random.Random) -> Iterator[list[Path]]:
    while files:
        size = chance.randrange(1, 9)
        yield files[:size]
        files = files[size:]


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    begun = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        seen = attempts(count, int(sys.argv[2]) if len(sys.argv) > 2 else 1, Path(folder))
    for outcome, times in seen.most_common():
        print(f"{times} {outcome}")
    with tempfile.TemporaryDirectory() as folder:
        print(f"{orders(20, Path(folder))} contents of 30 files imported in 20 orders (1 is right)")
    print(f"{count} damaged files of {len(FUZZED)} kinds in {time.process_time() - begun:.0f} s of processor")
    return 0 if set(seen) <= {"read", "refused"} else 1


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    sys.exit(main())
