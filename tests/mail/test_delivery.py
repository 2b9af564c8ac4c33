"""Delivery: tried again where nothing went out, never where something may have; also when it is killed."""

from __future__ import annotations

import datetime as dt
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from postbox import CHOICES, Postbox, letter, listening

from kpi_kit.mail.delivery import BACK_OFF, Result, deliver
from kpi_kit.mail.journal import Journal
from kpi_kit.mail.server import Server
from kpi_kit.mail.session import Session

SENDER = Path(__file__).with_name("sender.py")


@pytest.fixture(scope="module")
def open_box() -> Iterator[tuple[Postbox, int]]:
    box = Postbox()
    with listening(box) as port:
        yield box, port


class Run:
    """Deliveries of one outbox to one postbox."""

    def __init__(self, folder: Path, box: Postbox, port: int) -> None:
        self.folder, self.box, self.port, self.slept = folder, box, port, []
        box.arrived.clear()

    def __call__(self, *numbers: int, **faults: list[str | None]) -> list[Result]:
        """Deliver while each stage has its faults, one after the other, and then none."""
        self.box.fault = lambda stage: faults[stage].pop(0) if faults.get(stage) else None
        with (
            Journal(self.folder, lambda: dt.datetime(2025, 11, 9)) as journal,
            Session(Server("127.0.0.1", self.port), 5.0) as session,
        ):
            return list(deliver(map(letter, numbers), journal, session, sleep=self.slept.append))


@pytest.fixture
def run(tmp_path: Path, open_box: tuple[Postbox, int]) -> Run:
    return Run(tmp_path, *open_box)


def statuses(results: list[Result]) -> list[str]:
    return [result.status for result in results]


def test_nothing_to_deliver(run: Run) -> None:
    assert run() == []


@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA"])
def test_temporary_faults_are_tried_three_times_more(run: Run, stage: str) -> None:
    assert statuses(run(1, **{stage: ["451", "421", "451"]})) == ["sent"]
    assert run.slept == list(BACK_OFF) == [2.0, 10.0, 60.0]
    assert statuses(run(2, 3, **{stage: ["451"] * 4})) == ["failed", "sent"]
    assert [address for address, _ in run.box.arrived] == ["d1@agency.example", "d3@agency.example"]


def test_a_permanent_fault_is_not_tried_again(run: Run) -> None:
    found = run(1, 2, RCPT=["550"])
    assert (statuses(found), run.slept, found[0].answer) == (["failed", "sent"], [], "550 no")


@pytest.mark.parametrize(("stage", "arrives"), [("DATA", 0), ("DONE", 1)])
def test_what_may_have_been_accepted_is_not_tried_again(run: Run, stage: str, arrives: int) -> None:
    assert statuses(run(1, 2, **{stage: ["drop"]})) == ["uncertain", "sent"]
    assert len(run.box.arrived) == 1 + arrives
    with pytest.raises(AssertionError, match="never sent again unasked"):
        run(1)


def test_a_server_that_is_gone_ends_the_run(tmp_path: Path, open_box: tuple[Postbox, int]) -> None:
    run = Run(tmp_path, open_box[0], 1)  # nobody listens at port 1
    assert statuses(run(1, 2, 3)) == ["failed", "not_tried", "not_tried"]
    assert run.slept == list(BACK_OFF)


def sender(folder: Path, port: int, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, str(SENDER), str(folder), str(port), str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_killed_at_random_moments_by_a_bad_server_each_arrives_once_or_is_uncertain(
    tmp_path: Path, open_box: tuple[Postbox, int]
) -> None:
    """The suite's share of benchmarks/mail.py, which has 200 directors and 50 kills."""
    box, port = open_box
    count, chance, guard = 40, random.Random(7), threading.Lock()
    box.arrived.clear()

    def fault(stage: str) -> str | None:
        with guard:
            return chance.choice(CHOICES[:4]) if chance.random() < 0.03 else None

    box.fault = fault
    for _ in range(8):
        process = sender(tmp_path, port, count)
        try:
            process.communicate(timeout=chance.uniform(0.15, 0.5))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
    box.fault = lambda stage: None
    said, _ = sender(tmp_path, port, count).communicate(timeout=60)
    assert "Traceback" not in said
    arrived = Counter(box.arrived)
    with Journal(tmp_path, lambda: dt.datetime(2025, 11, 9)) as journal:
        uncertain = set(journal.uncertain)
        sent = {letter(n).key for n in range(count) if journal.state(letter(n).key).last is not None}
    assert set(arrived.values()) == {1}, "none twice"
    assert set(arrived) <= {(letter(n).address, letter(n).message_id) for n in range(count)}, "none elsewhere"
    assert {f"director:{address.partition('@')[0]}" for address, _ in arrived} >= sent
    assert {f"director:{address.partition('@')[0]}" for address, _ in arrived} <= sent | uncertain
    assert sent | uncertain == {letter(n).key for n in range(count)}, "each sent, or reported as uncertain"
    assert not sent & uncertain
