"""A data folder under kills, a full disk, two writers and readers: what was acknowledged is there, whole.

Run ``python benchmarks/store.py`` (or ``make soak-store``). Each import brings one more post and sets the
views of every post to the number of the import, so that a folder in which two imports are mixed shows it:

- 200 times an import is killed at a random moment, and the folder must hold either all of it or nothing,
  and all that was acknowledged before;
- 200 times the disk is full at a random byte: the import is refused in a sentence, or it is done;
- two writers, one of whom is killed now and then, lose nothing of each other;
- readers that look all the while see one import or another, never a part, and never an older one again;
- 200 times a report is killed at a random moment, and its page and its JSON are the old ones or the new.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import pandas as pd  # noqa: E402

from kpi_kit.core.errors import InputError  # noqa: E402
from kpi_kit.data.merge import merge, writing  # noqa: E402
from kpi_kit.data.store import open_store  # noqa: E402

FIRST = dt.date(2025, 8, 1)
PARTS_FROM = 12
"""Rows from which a table is kept in parts: small, so that a run sees one file become many."""


def bring(folder: Path, number: int, writer: str = "a") -> None:
    """Import number ``number`` of a writer: as many posts and one, all with that many views."""
    days = [FIRST + dt.timedelta(days=5 * n) for n in range(number + 1)]
    posts = pd.DataFrame(
        {
            "post_id": [f"{writer}{n}" for n in range(number + 1)],
            "account_id": writer,
            "published_at": [pd.Timestamp(day, tz="UTC") for day in days],
            "views": float(number),
        }
    )
    comments = pd.DataFrame(
        {
            "comment_id": posts["post_id"],
            "post_id": posts["post_id"],
            "account_id": writer,
            "created_at": posts["published_at"],
            "by_brand": False,
            "text": f"{number}" * 50,
        }
    )
    accounts = pd.DataFrame([{"account_id": writer, "platform": "vk", "title": writer}])
    until = FIRST + dt.timedelta(days=number + 1)
    covered = {("posts", writer): [(FIRST, until)], ("comments", writer): [(FIRST, until)]}
    merge(folder, {"accounts": accounts, "posts": posts, "comments": comments}, covered, "UTC")


def state(folder: Path, writer: str = "a") -> int:
    """The number of the import that a folder holds of a writer, -1 for none.

    Raises
    ------
    AssertionError
        Where it holds a part of one, or parts of two.
    """
    if not folder.is_dir():
        return -1
    with open_store(folder, "UTC") as store:
        posts, comments = store.frame("posts"), store.frame("comments")
        ranges = store.covered([writer])
    posts, comments = posts[posts["account_id"] == writer], comments[comments["account_id"] == writer]
    if posts.empty and comments.empty and not ranges:
        return -1
    number = len(posts) - 1
    assert set(posts["views"]) == {float(number)}, f"mixed views {sorted(set(posts['views']))}"
    assert sorted(comments["post_id"]) == sorted(posts["post_id"]), "comments of another import"
    assert set(comments["text"]) == {f"{number}" * 50}, "comments of another import"
    until = FIRST + dt.timedelta(days=number + 1)
    for table in ("posts", "comments"):
        assert ranges[table][writer] == [(FIRST, until)], f"coverage of another import: {ranges}"
    return number


def child(work: Callable[[], object]) -> tuple[int, int]:
    """Do something in a process of its own; its id, and a pipe on which it acknowledges with one byte."""
    reading, writing_end = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing_end)
        return pid, reading
    os.close(reading)
    code = 1
    try:
        work()
        os.write(writing_end, b"y")
        code = 0
    except InputError as fault:
        sentences = fault.problems
        sound = sentences and all(text and "\n" not in text and "Traceback" not in text for text in sentences)
        code = 2 if sound else 1
    except BaseException as fault:
        print(f"{type(fault).__name__}: {fault}", file=sys.stderr)
    os._exit(code)


def ended(pid: int, pipe: int) -> tuple[bool, int]:
    """Whether a child has acknowledged, and its exit code (negative: the signal that ended it)."""
    _, status = os.waitpid(pid, 0)
    said = os.read(pipe, 1) == b"y"
    os.close(pipe)
    return said, os.waitstatus_to_exitcode(status)


def seen(folder: Path, writer: str = "a") -> int:
    """:func:`state` in a process of its own: DuckDB's threads must not be forked."""
    reading, end = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            os.write(end, json.dumps(state(folder, writer)).encode())
        except BaseException as fault:
            os.write(end, json.dumps(f"{type(fault).__name__}: {fault}").encode())
        os._exit(0)
    os.close(end)
    os.waitpid(pid, 0)
    found = json.loads(os.read(reading, 65536))
    os.close(reading)
    assert isinstance(found, int), found
    return found


def killed(times: int, chance: random.Random, folder: Path) -> Counter[str]:
    """Imports that are killed at random moments."""
    came: Counter[str] = Counter()
    there, span = -1, 0.6
    for _ in range(times):
        if there >= 40:
            shutil.rmtree(folder)
            there = -1
        begun = time.monotonic()
        pid, pipe = child(lambda number=there + 1: bring(folder, number))
        time.sleep(chance.uniform(0, span))
        os.kill(pid, signal.SIGKILL)
        said, code = ended(pid, pipe)
        if code == 0:
            span = max(0.1, min(span, 1.3 * (time.monotonic() - begun)))
        now = seen(folder)
        assert now in ((there + 1,) if said else (there, there + 1)), f"{there} became {now}, said {said}"
        came["acknowledged" if said else "done, not acknowledged" if now > there else "undone"] += 1
        there = now
        span *= 1.02
    return came


def full_disk(times: int, chance: random.Random, folder: Path) -> Counter[str]:
    """Imports that may write no file of more than a random size."""
    came: Counter[str] = Counter()
    bring_alone(folder, 0)
    there = 0
    for _ in range(times):
        if there >= 40:
            shutil.rmtree(folder)
            bring_alone(folder, 0)
            there = 0
        limit = int(2 ** chance.uniform(0, 14))

        def work(number: int = there + 1, limit: int = limit) -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
            bring(folder, number)

        said, code = ended(*child(work))
        now = seen(folder)
        assert code in (0, 2), f"ended with {code}"
        assert now == there + said, f"{there} became {now}, said {said}"
        came["done" if said else "refused in a sentence"] += 1
        there = now
    return came


def bring_alone(folder: Path, number: int) -> None:
    assert ended(*child(lambda: bring(folder, number))) == (True, 0)


def two_writers(times: int, chance: random.Random, folder: Path) -> Counter[str]:
    """Two imports at once, one of which is killed in one of four cases, and a reader."""
    came: Counter[str] = Counter()
    there = {"a": -1, "b": -1}
    for _ in range(times):
        if max(there.values()) >= 40:
            shutil.rmtree(folder)
            there = {"a": -1, "b": -1}
        running = {w: child(lambda w=w, n=n: bring(folder, n + 1, w)) for w, n in there.items()}
        watching = child(lambda least=dict(there): watch(folder, least))
        if chance.random() < 0.25:
            time.sleep(chance.uniform(0, 0.8))
            os.kill(running["a"][0], signal.SIGKILL)
        said = {writer: ended(*process)[0] for writer, process in running.items()}
        looked, code = ended(*watching)
        assert looked, f"a reader ended with {code}"
        for writer in there:
            now = seen(folder, writer)
            assert now in ((there[writer] + 1,) if said[writer] else (there[writer], there[writer] + 1))
            there[writer] = now
        came["both" if all(said.values()) else "one was killed"] += 1
    return came


def watch(folder: Path, least: dict[str, int], seconds: float = 1.0) -> None:
    """Look again and again: each look is one whole import, none older than one that was seen."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for writer in least:
            try:
                now = state(folder, writer)
            except InputError as fault:
                assert any(
                    word in str(fault) for word in ("changed while", "change it all", "does not exist")
                ), fault
                continue
            assert now >= least[writer], f"{writer}: {now} after {least[writer]}"
            least[writer] = now


def reports(times: int, chance: random.Random, folder: Path) -> Counter[str]:
    """A report that is killed while it is written."""
    from kpi_kit.report import specialist
    from tests.agency import build, cover, days, entry
    from tests.shown import page

    rows = [f"{day},a,{100 + n},1,0" for n, day in enumerate(days(1, 31))]
    data, params = build(folder, [entry("subscribers")], audience=rows, coverage=cover("audience"))
    made = folder / "out" / "2025-10"

    def work(number: int) -> None:
        table = data / "audience.csv"
        changed = table.with_suffix(".new")
        lines = table.read_text(encoding="utf-8").splitlines()
        changed.write_text("\n".join([*lines[:-1], f"2025-10-31,a,{number},1,0", ""]), encoding="utf-8")
        changed.replace(table)
        places = {"data": str(data), "params": str(params), "out": str(folder / "out")}
        report = specialist(specialist="ann", period="2025-10", as_of="2025-11-08", save=True, **places)
        page(made / "ann", report)

    came: Counter[str] = Counter()
    assert ended(*child(lambda: work(1000)))[0]
    there, span = {"json": 1000, "html": 1000}, 1.0
    for number in range(1001, 1001 + times):
        begun = time.monotonic()
        pid, pipe = child(lambda number=number: work(number))
        time.sleep(chance.uniform(0, span))
        os.kill(pid, signal.SIGKILL)
        said, _ = ended(pid, pipe)
        if said:
            span = 1.2 * (time.monotonic() - begun)
        card = json.loads((made / "ann.json").read_text(encoding="utf-8"))
        html = (made / "ann.html").read_text(encoding="utf-8")
        assert html.endswith("</html>\n")
        shown = f"{number // 1000}\u202f{number % 1000:03d}" in html
        now = {"json": int(card["kpis"][0]["value"]), "html": number if shown else there["html"]}
        old = f"{there['html'] // 1000}\u202f{there['html'] % 1000:03d}" in html
        assert shown or old, "a page of neither"
        assert now["json"] in (number, there["json"]), now
        assert not said or now == {"json": number, "html": number}, now
        came["acknowledged" if said else "new JSON, old page" if len(set(now.values())) > 1 else "whole"] += 1
        there = now
    return came


TRIALS = {"killed": killed, "full disk": full_disk, "two writers": two_writers, "reports": reports}


def run(name: str, times: int, seed: int) -> Counter[str]:
    """One kind of trial in a folder of its own."""
    writing.LARGE = PARTS_FROM
    with tempfile.TemporaryDirectory() as place:
        return TRIALS[name](times, random.Random(seed), Path(place) / "data")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=tuple(TRIALS))
    asked = parser.parse_args()
    for name in [asked.only] if asked.only else TRIALS:
        begun = time.monotonic()
        came = run(name, asked.times, asked.seed)
        told = ", ".join(f"{count} {what}" for what, count in came.most_common())
        print(f"{name}: {asked.times} times, {told}; {time.monotonic() - begun:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
