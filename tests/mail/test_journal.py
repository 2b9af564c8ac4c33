"""The journal: what is known after a crash at any point, and that two runs never share it."""

from __future__ import annotations

import datetime as dt
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from postbox import letter

from kpi_kit.core.errors import InputError
from kpi_kit.mail.journal import NAME, Journal, Sent


def clock() -> dt.datetime:
    return dt.datetime(2025, 11, 9, tzinfo=dt.UTC)


def events(folder: Path) -> list[str]:
    return [json.loads(line)["event"] for line in (folder / NAME).read_text(encoding="utf-8").splitlines()]


def test_an_empty_journal_knows_nothing(tmp_path: Path) -> None:
    with Journal(tmp_path, clock) as journal:
        known = journal.state("director:d0")
        assert (known.last, known.count, known.open, journal.uncertain) == (None, 0, None, {})


def test_what_was_sent_is_known_in_the_next_run(tmp_path: Path) -> None:
    with Journal(tmp_path, clock) as journal:
        journal.begin(letter(figures={"anna": {"total": 0.5}}))
        journal.end(letter(), "sent", "250 ok")
    with Journal(tmp_path, clock) as journal:
        known = journal.state("director:d0")
    sent = Sent(letter().message_id, "hash-0", "d0@agency.example", {"anna": {"total": 0.5}})
    assert (known.last, known.count, known.open) == (sent, 1, None)
    assert events(tmp_path) == ["sending", "sent"]


@pytest.mark.parametrize("end", [None, "uncertain"])
def test_what_has_no_answer_is_uncertain_until_a_person_says(tmp_path: Path, end: str | None) -> None:
    for answer, count in (("again", 0), ("sent", 1)):
        with Journal(tmp_path, clock) as journal:
            journal.begin(letter())
            if end:
                journal.end(letter(), end, "lost")
        with Journal(tmp_path, clock) as journal:
            assert list(journal.uncertain) == ["director:d0"]
            journal.resolve("director:d0", answer)
        with Journal(tmp_path, clock) as journal:
            assert journal.uncertain == {}
            assert journal.state("director:d0").count == count


def test_a_refused_message_may_be_tried_again(tmp_path: Path) -> None:
    with Journal(tmp_path, clock) as journal:
        journal.begin(letter())
        journal.end(letter(), "refused", "451 busy")
        assert journal.state("director:d0").open is None
        assert journal.state("director:d0").count == 0


@pytest.mark.parametrize("cut", [1, 10, -1])
def test_a_line_that_a_crash_cut_off_never_happened(tmp_path: Path, cut: int) -> None:
    with Journal(tmp_path, clock) as journal:
        journal.begin(letter())
        journal.end(letter(), "sent", "250 ok")
    path = tmp_path / NAME
    first, second = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + second[:cut])
    with Journal(tmp_path, clock) as journal:
        assert list(journal.uncertain) == ["director:d0"]
        journal.resolve("director:d0", "sent")
    assert events(tmp_path) == ["sending", "resolved"]


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        '{"event": "sending", "to": "x"}',
        '{"event": "eaten", "to": "x"}',
        '{"event": "sent", "to": "x"}',
    ],
)
def test_a_line_that_is_none_stops_everything(tmp_path: Path, line: str) -> None:
    (tmp_path / NAME).write_text(line + "\n", encoding="utf-8")
    with pytest.raises(InputError, match="line 1 is not a journal entry"), Journal(tmp_path, clock):
        pass


def test_two_runs_never_have_it_at_once(tmp_path: Path) -> None:
    refused = pytest.raises(InputError, match="another run is using this outbox")
    with Journal(tmp_path, clock), refused, Journal(tmp_path, clock):
        pass
    with Journal(tmp_path, clock):
        pass


def test_every_line_is_on_disk_before_the_next_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(os.fstat(handle).st_size))
    with Journal(tmp_path, clock) as journal:
        synced.clear()
        journal.begin(letter())
        journal.end(letter(), "sent", "250 ok")
    sizes = [len(line) for line in (tmp_path / NAME).read_bytes().splitlines(keepends=True)]
    assert synced == [sizes[0], sum(sizes)]


@pytest.mark.parametrize("end", ["sent", "refused", "uncertain", "resolved"])
def test_a_journal_that_lost_the_beginning_of_a_message_is_refused(tmp_path: Path, end: str) -> None:
    """Otherwise what may have been sent would be sent again."""
    with Journal(tmp_path, clock) as journal:
        journal.begin(letter())
        if end == "resolved":
            journal.resolve("director:d0", "again")
        else:
            journal.end(letter(), end, "")
    path = tmp_path / NAME
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[1:]))
    with pytest.raises(InputError, match="line 1 is not a journal entry"), Journal(tmp_path, clock):
        pass


def test_a_journal_that_lost_the_end_of_a_message_before_another_is_refused(tmp_path: Path) -> None:
    first = letter()
    with Journal(tmp_path, clock) as journal:
        journal.begin(first)
        journal.end(first, "sent", "250 ok")
        journal.begin(replace(first, message_id="<other@x>"))
    path = tmp_path / NAME
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[2])
    with pytest.raises(InputError, match="line 2 is not a journal entry"), Journal(tmp_path, clock):
        pass
