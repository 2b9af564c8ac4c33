"""Alerts on the sample: what first alarms are worth, and who is told what in a month, day by day.

Run ``make bench-alerts``. The months of 2025 are gone through in steps of five days, with the data that there
were then; a first alarm is right where the target is missed in the end. Then every day of November sends its
digests to a mail server and a stand-in for Telegram on loopback, which answer 429, 403, 5xx, hang and
redirect at random, while the sender dies at random points of its journal. Alarms on simulated agencies are
rows of ``benchmarks/verdicts.py``: ``make bench-statistics ARGS=alerts``.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # a process a core below; threads would only fight

import datetime as dt
import json
import random
import shutil
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from bot_api import TOKEN, Api  # noqa: E402
from bot_api import listening as bot_listening  # noqa: E402
from postbox import Postbox, listening  # noqa: E402

from kpi_kit import params as settings  # noqa: E402
from kpi_kit.cli.alerts import interim_cards  # noqa: E402
from kpi_kit.core.periods import Period, midnight  # noqa: E402
from kpi_kit.data.open_inputs import open_inputs  # noqa: E402
from kpi_kit.mail import alerts as digests  # noqa: E402
from kpi_kit.mail import delivery  # noqa: E402
from kpi_kit.mail.journal import Journal  # noqa: E402
from kpi_kit.mail.server import Server  # noqa: E402
from kpi_kit.mail.telegram import TelegramServer  # noqa: E402
from kpi_kit.scorecard import alerts  # noqa: E402
from kpi_kit.scorecard.verdict import AT_RISK  # noqa: E402

QUICK = "--quick" in sys.argv
DATA, PARAMS = ROOT / "data/sample", ROOT / "params"
MONTHS = Period.parse("2025-11").history(2 if QUICK else 8)
STEPS = (10, 20) if QUICK else (5, 10, 15, 20, 25)
DAYS = (9, 10, 16) if QUICK else tuple(range(1, 31))
CHATS = {"director": 7, "anna-petrova": 8, "ivan-kuznetsov": 9}
JOBS = int(os.environ.get("JOBS") or os.cpu_count() or 1)


def cards_after(period: str, day: int | None) -> dict[str, Any]:
    """The scorecards after a day of a period; None is when everything has settled."""
    loaded, store = open_inputs(DATA, PARAMS, check=False)
    with store:
        span = Period.parse(period)
        first = span.start if day is not None else span.end
        until = first + dt.timedelta(days=7 if day is None else day)
        return interim_cards(loaded, store, span, midnight(until, loaded.department.zone))[0]


# ---- first alarms


def backtest(pool: ProcessPoolExecutor) -> bool:
    """Print what first alarms came to; whether at most 15 % of them were attained, and two errors."""
    wanted = [(str(month), day) for month in MONTHS for day in (*STEPS, None)]
    found = dict(zip(wanted, pool.map(cards_after, *zip(*wanted, strict=True)), strict=True))
    firsts: dict[str, list[tuple[int, bool]]] = defaultdict(list)
    missed: Counter[str] = Counter()
    in_half: Counter[str] = Counter()
    for month in MONTHS:
        for person, final in found[str(month), None].items():
            for place, entry in enumerate(final["kpis"]):
                if entry["attained"] is None or entry["as"] != "value":
                    continue
                rows = [found[str(month), day][person]["kpis"][place] for day in STEPS]
                for kind, alarmed in (("told", _is_told), ("by any chance under 15 %", _is_low)):
                    days = [day for day, row in zip(STEPS, rows, strict=True) if alarmed(row, str(month))]
                    firsts[kind] += [(days[0], entry["attained"])] if days else []
                    missed[kind] += not entry["attained"]
                    in_half[kind] += bool(not entry["attained"] and days and days[0] <= 15)
    well = True
    for kind, made in firsts.items():
        share = sum(attained for _, attained in made) / len(made)
        error = max(share * (1 - share) / len(made), 0.25 / len(made) ** 2) ** 0.5
        well = well and share <= AT_RISK + 2 * error
        print(
            f"sample, {MONTHS[0]} to {MONTHS[-1]}, alarms {kind}: {len(made)}, later attained "
            f"{100 * share:.1f} ± {100 * error:.1f} %; of {missed[kind]} missed targets "
            f"{in_half[kind]} were told by the 15th"
        )
    return well


def _is_told(entry: dict[str, Any], period: str) -> bool:
    return entry["verdict"] in ("at_risk", "impossible")


def _is_low(entry: dict[str, Any], period: str) -> bool:
    known = entry["chance"] is not None and entry["chance_period"] == period
    return _is_told(entry, period) or bool(known and entry["assessable"] and entry["chance"] < AT_RISK)


# ---- a month day by day


class Killed(BaseException):
    """The process ends here."""


def dying(call: Callable[..., Any], dice: random.Random) -> Callable[..., Any]:
    """A function before or after which the sender may die."""

    def called(*values: Any, **named: Any) -> Any:
        fate = dice.random()
        if fate < 0.08:
            raise Killed
        result = call(*values, **named)
        if fate > 0.92:
            raise Killed
        return result

    return called


def faults(dice: random.Random) -> Callable[[str], Any]:
    """What the stand-in for Telegram does."""
    choices = [
        (429, {"ok": False, "parameters": {"retry_after": 1}}),
        (403, {"ok": False, "description": "Forbidden"}),
        (502, {}),
        (302, {}, {"Location": "http://127.0.0.1:1/"}),
        "hang",
        "hang after",
        "endless",
        "drop after",
    ]
    return lambda method: dice.choice(choices) if dice.random() < 0.3 else None


def month(pool: ProcessPoolExecutor, folder: Path) -> bool:
    """Print the messages of a month; whether none is doubled."""
    params = _params(folder)
    by_day = dict(zip(DAYS, pool.map(cards_after, ["2025-11"] * len(DAYS), DAYS), strict=True))
    dice, box, api = random.Random(26), Postbox(), Api(chats={n: {"type": "private"} for n in CHATS.values()})
    delivery.BACK_OFF = (0.01, 0.02, 0.05)
    for owner, name in (
        (Journal, "begin"),
        (Journal, "end"),
        (digests.Session, "transmit"),
        (digests.Telegram, "transmit"),
    ):
        setattr(owner, name, dying(getattr(owner, name), dice))
    api.fault = faults(dice)
    told: Counter[tuple[str, str]] = Counter()
    deaths = uncertain = 0
    with listening(box) as port, bot_listening(api):
        options = digests.AlertOptions(
            "2025-11",
            folder / "out",
            Server("127.0.0.1", port),
            TelegramServer(TOKEN, api.address),
            send=True,
            timeout=2.0,
        )
        for day, cards in by_day.items():
            before = Counter(_recipients(box, api))
            for _ in range(40):
                try:
                    if _posted(options, params, cards, day):
                        break
                except Killed:
                    deaths += 1
                uncertain += _resolve(options, box, api)
            after = Counter(_recipients(box, api))
            for who, count in (after - before).items():
                told[who, f"{day:02d}"] += count
    # the same alerts on another day would be told twice, too
    bodies = [(chat, text.partition("\n\n")[2]) for chat, text in api.texts]
    every = [*(name for _, name in box.arrived), *bodies]
    doubled = len(every) - len(set(every))
    print(f"\nNovember, {len(DAYS)} days, {deaths} deaths of the sender, {uncertain} uncertain, looked up:")
    for who in sorted({who for who, _ in told}):
        days = [
            f"{day}" + (f"×{count}" if count > 1 else "")
            for (one, day), count in sorted(told.items())
            if one == who
        ]
        print(
            f"  {who:34} {sum(count for (one, _), count in told.items() if one == who):3}   {' '.join(days)}"
        )
    kinds = Counter(
        alert.code for cards in by_day.values() for card in cards.values() for alert in alerts.alerts(card)
    )
    print(f"  alerts that stood, by day and person: {dict(kinds)}; {len(every)} messages, {doubled} doubled")
    return doubled == 0


def _params(folder: Path) -> Any:
    """The sample's params with chats of three people, and digests for everyone."""
    shutil.copytree(PARAMS, folder / "params")
    yaml = YAML()
    for path in [folder / "params/department.yml", *(folder / "params/specialists").glob("*.yml")]:
        content = yaml.load(path)
        if path.name == "department.yml":
            content["alerts"] = {"to_specialists": True}
            content["directors"][0]["telegram"] = CHATS["director"]
        elif path.stem in CHATS:
            content["telegram"] = CHATS[path.stem]
        yaml.dump(content, path)
    return settings.load(folder / "params")


def _posted(options: digests.AlertOptions, params: Any, cards: dict[str, Any], day: int) -> bool:
    now = dt.datetime(2025, 11, 1, 8, tzinfo=params.department.zone) + dt.timedelta(days=day)
    quiet: Callable[[str], None] = lambda line: None  # noqa: E731
    return digests.post_alerts(options, params, cards, clock=lambda: now, say=quiet, warn=quiet)


def _recipients(box: Postbox, api: Api) -> list[str]:
    by_chat = {chat: who for who, chat in CHATS.items()}
    return [
        *(address for address, _ in box.arrived),
        *(f"Telegram, {by_chat[chat]}" for chat, _ in api.texts),
    ]


def _resolve(options: digests.AlertOptions, box: Postbox, api: Api) -> int:
    """What a person does about uncertain messages: look whether they have arrived, and say so."""
    folder = options.out / options.period / digests.FOLDER
    with Journal(folder, lambda: dt.datetime(2025, 12, 1, tzinfo=dt.UTC)) as journal:
        waiting = journal.uncertain
        time.sleep(1.0 if waiting else 0.0)  # what is on its way arrives
        for key, sent in waiting.items():
            if key.startswith("telegram-"):
                path = folder / f"{key.replace(':', '-')}.json"
                request = json.loads(path.read_text(encoding="utf-8"))
                arrived = (int(sent.address), request["fields"]["text"]) in api.texts
            else:
                arrived = sent.message_id in [name for _, name in box.arrived]
            journal.resolve(key, "sent" if arrived else "again")
    return len(waiting)


def main() -> int:
    """Print both; exit 1 where a figure is past its mark."""
    begun = time.perf_counter()
    with ProcessPoolExecutor(JOBS) as pool, tempfile.TemporaryDirectory() as folder:
        well = [month(pool, Path(folder)), backtest(pool)]
    print(f"{time.perf_counter() - begun:.0f} s")
    return int(not all(well))


if __name__ == "__main__":
    sys.exit(main())
