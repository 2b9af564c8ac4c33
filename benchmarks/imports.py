"""Time and memory of large imports, beside DuckDB reading the same file; in a folder that is thrown away.

``python benchmarks/imports.py [leads] [telegram] [--rows 5000000] [--megabytes 1024]``
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

ROW = (
    '{id},"Сделка {id}",{sum},Анна Петрова,{at},{closed},"{stage}",Продажи,{source},cpc,autumn,"Позвонить; '
    'уточнить размер и адрес"\n'
)
HEADER = (
    "ID,Название сделки,Бюджет ,Ответственный,Дата создания сделки,Дата закрытия,Этап "
    "сделки,Воронка,utm_source,"
    "utm_medium,utm_campaign,Примечание\n"
)


def main() -> None:
    """Make the files, import each in a process of its own, and print one line each."""
    asked = argparse.ArgumentParser()
    asked.add_argument("what", nargs="*", default=["leads", "telegram"])
    asked.add_argument("--rows", type=int, default=5_000_000)
    asked.add_argument("--megabytes", type=int, default=1024)
    given = asked.parse_args()
    for what in given.what:
        with tempfile.TemporaryDirectory() as folder:
            measure(what, Path(folder), given)


def measure(what: str, folder: Path, given: argparse.Namespace) -> None:
    """Import one file, and let DuckDB read it for comparison."""
    if what == "leads":
        file, count = write_leads(folder / "amocrm_export_leads_2025-11-01.csv", given.rows)
    else:
        file, count = write_telegram(folder / "result.json", given.megabytes << 20)
    arguments = ["import", "auto", str(file), "--account", "vk-x", "--into", str(folder / "data")]
    command = [sys.executable, "-m", "kpi_kit", *arguments, "--params", str(folder / "params")]
    begun = time.perf_counter()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    wall, used = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    plain = duckdb_cpu(what, file)
    size = file.stat().st_size / 2**20
    print(
        f"{what}: {size:.0f} MB, {count} rows: {cpu:.0f} s of processor, {wall:.0f} s on the wall, "
        f"{used.ru_maxrss / 1024:.0f} MB at most, {count / cpu:.0f} rows/s; duckdb alone "
        f"{plain:.1f} s of processor, "
        f"ratio {cpu / plain:.1f}"
    )


def duckdb_cpu(what: str, file: Path) -> float:
    """Processor time of DuckDB reading the same file into memory."""
    read = (
        f"SELECT count(*), sum(length(COLUMNS(*)::VARCHAR)) FROM read_csv('{file}', all_varchar = true)"
        if what == "leads"
        else f"SELECT count(*) FROM read_json('{file}', maximum_object_size = 4000000000)"
    )
    begun = time.process_time()
    with duckdb.connect() as connection:
        connection.execute(read).fetchall()
    return time.process_time() - begun


def write_leads(file: Path, count: int) -> tuple[Path, int]:
    """Deals of amoCRM, five million by default."""
    chance = random.Random(7)
    sources = ("vk_ads", "telegram", "direct", "dzen")
    with file.open("w", encoding="utf-8") as stream:
        stream.write(HEADER)
        for number in range(count):
            day, month = number % 28 + 1, number // 28 % 12 + 1
            won = chance.random() < 0.2
            at = f"{day:02d}.{month:02d}.2024 {number % 24:02d}:{number % 60:02d}:{number % 59:02d}"
            stream.write(
                ROW.format(
                    id=10_000_000 + number,
                    sum=chance.randrange(1, 900) * 100,
                    at=at,
                    closed=f"{day:02d}.{month:02d}.2025 18:00:00" if won else "не закрыта",
                    stage="Успешно реализовано" if won else "Первичный контакт",
                    source=sources[number % 4],
                )
            )
    return file, count


def write_telegram(file: Path, size: int) -> tuple[Path, int]:
    """A channel with posts of some words and reactions, a gigabyte by default."""
    words = "кофе зерно обжарка лот Кения Бразилия помол вода чашка утро вкус аромат".split()
    chance = random.Random(7)
    written = count = 0
    with file.open("w", encoding="utf-8") as stream:
        stream.write('{"name": "Обжарка", "type": "public_channel", "id": 5, "messages": [\n')
        while written < size:
            count += 1
            text = " ".join(chance.choices(words, k=40))
            message = {
                "id": count,
                "type": "message",
                "date": "2025-10-01T12:00:00",
                "date_unixtime": str(1600000000 + 60 * count),
                "from": "Обжарка",
                "from_id": "channel5",
                "text": text,
                "text_entities": [{"type": "plain", "text": text}],
                "reactions": [{"type": "emoji", "count": chance.randrange(50), "emoji": "🔥"}],
            }
            line = json.dumps(message, ensure_ascii=False)
            written += len(line.encode()) + 2
            stream.write(line if count == 1 else ",\n" + line)
        stream.write("]}")
    return file, count


if __name__ == "__main__":
    main()
