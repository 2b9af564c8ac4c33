"""What it costs that others' rows are in the data, too: six reports over a store of 200 million rows.

Run ``python benchmarks/large.py --rows 200_000_000`` (or ``make bench-large``, which takes 20 million). The
sample is put into Parquet parts as an import keeps them; another store holds the same and the rows of
some 2 000 other accounts. The reports of the six specialists are made from either, everything anew
each time, and must take at most 1.5 times as long from the large one.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import psutil

from kpi_kit.core.schema import TABLES, Type
from kpi_kit.data.table_source import literal, quoted

ROOT = Path(__file__).resolve().parent.parent
ACCOUNTS, BRANDS = 2000, 60
MONTHS = [f"{2023 + (9 + month) // 12}-{(9 + month) % 12 + 1:02}" for month in range(26)]
DAILY = ("audience", "traffic")
SHARES = {
    "comments": 0.6,
    "post_stats": 0.1,
    "inquiries": 0.08,
    "mentions": 0.08,
    "posts": 0.07,
    "leads": 0.07,
}
"""What the rows of others are, besides a row a day and account in the daily tables."""
AT_MOST = 1.5
AT = "TIMESTAMPTZ '{month}-01 00:00:00+03' + INTERVAL 1 SECOND * (hash({salt}) % (27 * 86400))::BIGINT"
ROWS = {
    "audience": """
        SELECT DATE '{month}-01' + day::INTEGER AS date, account_id, 1000 + (hash(account_id) %
        9000)::BIGINT AS subscribers, (hash(day) % 9)::BIGINT AS joined, (hash(day + 1) % 5)::BIGINT AS
        "left" FROM days
    """,
    "traffic": """
        SELECT DATE '{month}-01' + day::INTEGER AS date, account_id, (hash(account_id, day) %
        90)::BIGINT AS visits, NULL::BIGINT AS visitors FROM days
    """,
    "comments": """
        SELECT 'k{month}-' || i AS comment_id, 'p{month}-' || (i % {posts}) AS post_id, account_id, {at}
        AS created_at, hash(i) % 6 = 0 AS by_brand, ['Сколько стоит доставка?', 'Спасибо', NULL][1 + (i
        % 3)] AS text, NULL::BOOLEAN AS meaningful FROM many
    """,
    "posts": """
        SELECT 'p{month}-' || i AS post_id, account_id, {at} AS published_at, (hash(i) % 5000)::BIGINT
        AS views, (hash(i + 1) % 90)::BIGINT AS likes, (hash(i + 2) % 20)::BIGINT AS comments, (hash(i +
        3) % 9)::BIGINT AS reposts, NULL::BIGINT AS reach, NULL::BOOLEAN AS on_brand, NULL::TIMESTAMPTZ
        AS stats_at, NULL::TIMESTAMPTZ AS deleted_at, NULL::VARCHAR AS url, 'Пост номер ' || i AS text
        FROM many
    """,
    "post_stats": """
        SELECT 'p{month}-' || (i % {posts}) AS post_id, {at} AS stats_at, (hash(i) % 5000)::BIGINT AS
        views, NULL::BIGINT AS likes, NULL::BIGINT AS comments, NULL::BIGINT AS reposts FROM many
    """,
    "inquiries": """
        SELECT 'q{month}-' || i AS inquiry_id, account_id, 'message' AS kind, {at} AS received_at, {at}
        + INTERVAL 40 MINUTE AS answered_at FROM many
    """,
    "leads": """
        SELECT 'l{month}-' || i AS lead_id, account_id, {at} AS created_at, hash(i) % 2 = 0 AS
        qualified, NULL::TIMESTAMPTZ AS sold_at, NULL::DOUBLE AS sale_amount, NULL::VARCHAR AS currency,
        NULL::TIMESTAMPTZ AS refunded_at FROM many
    """,
    "mentions": """
        SELECT 'm{month}-' || i AS mention_id, brand, {at} AS mentioned_at, 'vk' AS platform, 'neutral'
        AS sentiment, false AS by_brand FROM many
    """,
}


def own(place: Path, connection: duckdb.DuckDBPyConnection) -> None:
    """The sample, as an import keeps it: large tables in parts, a month each."""
    place.mkdir()
    for name in ("accounts", "coverage", "plan", "brand_queries"):
        shutil.copy(ROOT / f"data/sample/{name}.csv", place)
    types = {Type.TEXT: "VARCHAR", Type.DATE: "DATE", Type.TIME: "TIMESTAMPTZ", Type.FLAG: "BOOLEAN"}
    for name in ROWS:
        table, file = TABLES[name], literal(str(ROOT / f"data/sample/{name}.csv"))
        columns = connection.execute(
            f"DESCRIBE SELECT * FROM read_csv({file}, all_varchar = true)"
        ).fetchall()
        chosen = ", ".join(
            f"CAST({quoted(c[0])} AS {types.get(table[c[0]].type, 'DOUBLE')}) AS {quoted(c[0])}"
            for c in columns
        )
        connection.execute(
            f"CREATE OR REPLACE TABLE own AS SELECT {chosen} FROM read_csv({file}, all_varchar = true)"
        )
        month = f"strftime({table.clock}, '%Y-%m')"
        for (found,) in connection.execute(f"SELECT DISTINCT {month} FROM own").fetchall():
            part = place / name / f"month={found}" / "part.parquet"
            part.parent.mkdir(parents=True)
            order = f"{table.scope or 'post_id'}, {table.clock}"
            rows = f"SELECT * FROM own WHERE {month} = '{found}' ORDER BY {order}"
            connection.execute(f"COPY ({rows}) TO {literal(str(part))} (FORMAT parquet)")


def large(place: Path, small: Path, rows: int, connection: duckdb.DuckDBPyConnection) -> int:
    """The same, and the rows of others; returns how many rows there are."""
    shutil.copytree(small, place)
    names = [f"other-{number:04}" for number in range(ACCOUNTS - 16)]
    with (place / "accounts.csv").open("a", encoding="utf-8") as stream:
        kinds = ("vk", "telegram", "dzen", "ok", "youtube")
        stream.writelines(f"{name},{kinds[n % 5]},{name},,\n" for n, name in enumerate(names))
    with (place / "coverage.csv").open("a", encoding="utf-8") as stream:
        stream.writelines(
            f"{table},{name},2023-10-01,2025-12-01\n"
            for table in ROWS
            if TABLES[table].scope == "account_id"
            for name in names
        )
    left = rows - len(DAILY) * len(names) * len(MONTHS) * 28
    for name, sql in ROWS.items():
        number = int(left * SHARES.get(name, 0) / len(MONTHS))
        whose = f"format('other-{{:04d}}', (i * {len(names)} // {number or 1})::INTEGER)"
        if name == "mentions":
            whose = f"'brand-' || (i * {BRANDS} // {number})"
        for month in MONTHS:
            at = AT.format(month=month, salt="i * 7")
            chosen = sql.format(month=month, at=at, posts=int(left * SHARES["posts"] / len(MONTHS)))
            owner = TABLES[name].scope or "account_id"
            part = place / name / f"month={month}" / "others.parquet"
            part.parent.mkdir(parents=True, exist_ok=True)
            connection.execute(
                f"""COPY (WITH days AS (SELECT format('other-{{:04d}}', account::INTEGER) AS account_id, day
                          FROM range({len(names)}) a(account), range(28) d(day)),
                        many AS (SELECT i, {whose} AS {owner} FROM range({number}) r(i)) {chosen})
                    TO {literal(str(part))} (FORMAT parquet, COMPRESSION zstd)"""
            )
    files = f"{place}/*/*/*.parquet"
    sql = f"SELECT sum(num_rows) FROM parquet_file_metadata({literal(files)})"
    return int(connection.execute(sql).fetchall()[0][0])


def private(process: psutil.Process) -> int:
    """Bytes that a process shares with no other."""
    try:
        return int(process.memory_full_info().uss)
    except psutil.Error:
        return 0


def run(data: Path, out: Path) -> dict[str, Any]:
    """Make the reports; what it took."""
    command = [
        sys.executable,
        "-m",
        "kpi_kit",
        "run",
        "--period",
        "2025-10",
        "--engine",
        "embedded",
        "--quiet",
    ]
    folders = ["--data", str(data), "--params", str(ROOT / "params"), "--out", str(out)]
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    process = subprocess.Popen([*command, *folders], cwd=ROOT)
    peak = 0

    def watch() -> None:
        nonlocal peak
        while process.poll() is None:
            try:
                tree = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
            except psutil.Error:
                break
            peak = max(peak, sum(map(private, tree)))
            time.sleep(0.1)

    watching = threading.Thread(target=watch)
    watching.start()
    watching.join()
    assert process.wait() == 0, "a report failed"
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall_s": time.perf_counter() - begun, "cpu_s": cpu, "peak_mib": peak >> 20}


def rounds(places: dict[str, Path], number: int, folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each store once a round, in turn, and once more with nothing changed."""
    for turn in range(number):
        for name in list(places)[:: 1 if turn % 2 else -1]:
            out = folder / f"out-{name}-{turn}"
            yield name, run(places[name], out)
            if turn == number - 1:
                yield f"{name}, nothing changed", run(places[name], out)


def main() -> int:
    """Make both stores, measure, print; exit 1 where it takes too long."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--folder", type=Path, help="where the stores are kept; made where they are not there"
    )
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = asked.folder or Path(folder)
        places = {"own": home / "own", "large": home / "large"}
        if not places["large"].is_dir():
            home.mkdir(parents=True, exist_ok=True)
            with duckdb.connect() as connection:
                connection.execute("SET TimeZone = 'UTC'; SET preserve_insertion_order = true")
                own(places["own"], connection)
                print(f"{large(places['large'], places['own'], asked.rows, connection):,} rows", flush=True)
        found: dict[str, list[dict[str, Any]]] = {}
        for name, one in rounds(places, asked.rounds, Path(folder)):
            found.setdefault(name, []).append(one)
            print(f"{name:25} {json.dumps({key: round(value, 1) for key, value in one.items()})}", flush=True)
    wall, cpu = (
        statistics.median(one[key] for one in found["large"])
        / statistics.median(one[key] for one in found["own"])
        for key in ("wall_s", "cpu_s")
    )
    peak = max(one["peak_mib"] for one in found["large"])
    print(f"large / own: {wall:.2f} times the wall clock, {cpu:.2f} times the CPU; peak {peak} MiB private")
    return int(wall > AT_MOST)


if __name__ == "__main__":
    sys.exit(main())
