"""Send to 200 directors by a server that misbehaves, and kill the sender with SIGKILL 50 times.

Run ``make soak-mail``. The reports of the sample agency are made once, for 200 directors with one or two
specialists each. The server (STARTTLS, AUTH) drops connections, answers 421, 451 and 550, and hangs, at
random points. The sender is ``python -m kpi_kit mail --send``; it is killed anywhere between its start and
its end, and started again. In the end each message must have been accepted once, or be reported as
uncertain; none twice, none for another address. Then the uncertain ones are resolved by what the server
knows, and everyone must have exactly one.
"""

from __future__ import annotations

import argparse
import logging
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from urllib.parse import quote

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from postbox import CHOICES, PASSWORD, USER, Postbox, certificates, listening  # noqa: E402

from kpi_kit.batch import run as batch  # noqa: E402

PERIOD = "2025-10"
PEOPLE = ["anna-petrova", "dmitry-orlov", "elena-volkova", "ivan-kuznetsov", "maria-sokolova", "timur-safin"]
CHILD = """
import sys
from kpi_kit.mail import delivery, session
session._PATIENCE, delivery.BACK_OFF = 1, (0.01, 0.02, 0.05)
from kpi_kit.cli.main import main
sys.exit(main(sys.argv[1:]))
"""
"""The command line with short waits; nothing else differs."""


def office(folder: Path, directors: int, chance: random.Random) -> list[str]:
    """Params with many directors and the reports made from them; returns the command line's folders."""
    params, out = folder / "params", folder / "out"
    shutil.copytree(ROOT / "params", params)
    yaml = YAML(typ="safe", pure=True)
    department = yaml.load((params / "department.yml").read_text(encoding="utf-8"))
    department["directors"] = [
        {
            "id": f"d{number}",
            "name": f"Директор {number}",
            "email": f"d{number}@agency.example",
            "specialists": chance.sample(PEOPLE, chance.choice((1, 1, 2))),
        }
        for number in range(directors)
    ]
    with (params / "department.yml").open("w", encoding="utf-8") as stream:
        yaml.dump(department, stream)
    made = batch.run(
        batch.RunOptions(PERIOD, data=ROOT / "data/sample", params=params, out=out, engine="embedded")
    )
    assert not made.failed, made.failed
    return [
        "--data",
        str(ROOT / "data/sample"),
        "--params",
        str(params),
        "--out",
        str(out),
        "--period",
        PERIOD,
    ]


class Sender:
    """The sending process, started again and again."""

    def __init__(self, folders: list[str], url: str) -> None:
        self._command = [sys.executable, "-c", CHILD, "mail", "--language", "en", *folders]
        self._environment = os.environ | {"KPI_SMTP_URL": url}
        self.said: list[str] = []

    def start(self, *more: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*self._command, "--send", *(more or ("--timeout", "1"))],
            cwd=ROOT,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *more: str) -> str:
        process = self.start(*more)
        said, _ = process.communicate(timeout=1200)
        self.said.append(said)
        return said

    def killed(self, chance: random.Random, begin: float) -> bool:
        """Start and kill: in the beginning, or some messages later. False where it ended before."""
        process = self.start()
        early = chance.random() < 0.3
        wanted = 0 if early else chance.randint(1, 5)
        timer = threading.Timer(chance.uniform(0, begin) if early else 60, process.kill)
        timer.start()
        lines, seen = [], 0
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            seen += ": sent (" in line
            if wanted and seen >= wanted:
                time.sleep(chance.uniform(0, 0.08))
                process.kill()
                break
        process.stdout.read()
        timer.cancel()
        self.said.append("".join(lines))
        return process.wait() < 0


def faults(chance: random.Random, share: float) -> Postbox:
    guard = threading.Lock()

    def fault(stage: str) -> str | None:
        with guard:
            return chance.choice(CHOICES) if chance.random() < share else None

    return Postbox(fault)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--directors", type=int, default=200)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    chance = random.Random(asked.seed)
    logging.getLogger("mail.log").setLevel(logging.ERROR)  # the server's own
    with tempfile.TemporaryDirectory(prefix="kpi-mail-") as folder:
        folders = office(Path(folder), asked.directors, chance)
        box, (known, _) = faults(random.Random(asked.seed + 1), 0.02), certificates()
        with listening(box, tls=known, auth=True) as port:
            sender = Sender(folders, f"smtp://{USER}:{quote(PASSWORD, safe='')}@localhost:{port}")
            return soak(sender, box, asked.directors, asked.kills, chance, Path(folder))


def soak(
    sender: Sender, box: Postbox, directors: int, kills: int, chance: random.Random, folder: Path
) -> int:
    begun = time.perf_counter()
    done = 0
    while done < kills:
        done += sender.killed(chance, 4.0)
    arrived_by_then = len(box.arrived)
    sender.run()
    box.fault = lambda stage: None
    last = sender.run("--timeout", "30")  # all is well now, but for the load of this machine
    arrived = Counter(address.partition("@")[0] for address, _ in box.arrived)
    everyone = {f"d{number}" for number in range(directors)}
    uncertain = set(re.findall(r"director:(d\d+) <\S+>: whether", last))
    journal = next(folder.rglob("journal.jsonl")).read_text(encoding="utf-8")
    output = "".join(sender.said) + journal
    found = {
        "killed with SIGKILL": done,
        "accepted by the server when the killing ended": arrived_by_then,
        "accepted once": sum(count == 1 for count in arrived.values()),
        "accepted twice or more": sum(count > 1 for count in arrived.values()),
        "for another address": len(set(arrived) - everyone),
        "reported as uncertain": len(uncertain),
        "of these accepted": len(uncertain & set(arrived)),
        "neither accepted nor reported": len(everyone - set(arrived) - uncertain),
        "password seen in output or journal": output.count(PASSWORD),
        "tracebacks": output.count("Traceback"),
    }
    for answer, names in (("sent", uncertain & set(arrived)), ("again", uncertain - set(arrived))):
        if names:
            to = [part for name in sorted(names) for part in ("--to", name)]
            sender.run("--resolve", answer, "--timeout", "30", *to)
    arrived = Counter(address.partition("@")[0] for address, _ in box.arrived)
    found["with exactly one when all was resolved"] = sum(arrived[name] == 1 for name in everyone)
    for what, count in found.items():
        print(f"{count:6d}  {what}")
    print(f"{time.perf_counter() - begun:6.0f}  seconds")
    wrong = ("accepted twice or more", "for another address", "neither accepted nor reported", "tracebacks")
    bad = any(found[what] for what in wrong) or found["password seen in output or journal"]
    return int(bool(bad) or arrived != Counter(everyone))


if __name__ == "__main__":
    sys.exit(main())
