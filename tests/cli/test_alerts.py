"""``alerts`` on the sample with one of its people: page, digests, Telegram's chats, failures, exit codes."""

from __future__ import annotations

import argparse
import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from bot_api import TOKEN, Api
from bot_api import listening as bot_listening
from office import bodies, parsed
from postbox import Postbox, listening
from ruamel.yaml import YAML

from kpi_kit.cli import failures, main

ROOT = Path(__file__).parents[2]
CLOCK = dt.datetime(2025, 11, 15, 6, tzinfo=dt.UTC)
KEPT = ("churn_rate", "qualified_lead_rate", "response_rate")


@pytest.fixture
def sample(tmp_path: Path) -> list[str]:
    """Anna with three of her KPIs, a director with a chat, and somebody for errors."""
    yaml, home = YAML(), tmp_path / "params"
    (home / "specialists").mkdir(parents=True)
    anna = yaml.load(ROOT / "params/specialists/anna-petrova.yml")
    anna["kpis"] = [entry for entry in anna["kpis"] if entry["kpi"] in KEPT]
    anna.pop("absences")
    yaml.dump(anna, home / "specialists" / "anna-petrova.yml")
    department = yaml.load(ROOT / "params/department.yml")
    department["directors"] = [{**department["directors"][0], "telegram": 7}]
    department["mail"]["errors_to"] = "analyst@agency.example"
    yaml.dump(department, home / "department.yml")
    return ["--data", str(ROOT / "data/sample"), "--params", str(home), "--out", str(tmp_path / "out")]


@pytest.fixture
def box(monkeypatch: pytest.MonkeyPatch) -> Iterator[Postbox]:
    box = Postbox()
    with listening(box) as port:
        monkeypatch.setenv("KPI_SMTP_URL", f"smtp://127.0.0.1:{port}")
        yield box


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    with bot_listening(Api(chats={7: {"type": "private", "first_name": "Ольга"}})) as api:
        monkeypatch.setenv("KPI_TELEGRAM_TOKEN", TOKEN)
        monkeypatch.setenv("KPI_TELEGRAM_URL", api.address)
        yield api


def test_the_alerts_of_the_sample_are_sent_once(
    sample: list[str], tmp_path: Path, box: Postbox, api: Api, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(main, "_now", lambda: CLOCK)
    assert main.main(["alerts", *sample, "--send"]) == 0
    said = capsys.readouterr().out
    assert "Анна Петрова, ответы в срок (SLA): 90,5" in said
    assert "1 план недостижим; 1 план под угрозой; 2 обращения ждут ответа дольше нормы." in said
    assert [address for address, _ in box.arrived] == ["director@agency.example"]
    assert [chat for chat, _ in api.texts] == [7]
    page = (tmp_path / "out/2025-11/alerts.html").read_text(encoding="utf-8")
    assert "14-й день из 30" in page
    assert (
        page.index("Ответы в срок") < page.index("Доля квалифицированных лидов") < page.index("Доля отписок")
    )
    assert main.main(["alerts", *sample, "--send"]) == 0
    assert (len(box.arrived), len(api.arrived)) == (1, 1)
    assert "nothing to send" in capsys.readouterr().out


def test_the_titles_of_chats_are_shown(
    sample: list[str], api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(["alerts", *sample, "--test"]) == 0
    assert capsys.readouterr().out == "bot: @kpi_bot\ntelegram-director:director 7: Ольга\n"
    api.chats[7] = {"type": "group", "title": "Отдел"}
    assert main.main(["alerts", *sample, "--test"]) == 1
    assert "the chat 7 is a group" in capsys.readouterr().err
    api.fault = lambda method: (401, {"ok": False, "description": "Unauthorized"})
    assert main.main(["alerts", *sample, "--test"]) == 2
    assert api.arrived == []


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--as-of", "soon"], "--as-of 'soon'"),
        (
            ["--as-of", "2025-11-15", "--period", "2025-10"],
            "expected a period that has begun and is not over",
        ),
        (["--as-of", "2025-11-15", "--send"], "KPI_SMTP_URL is not set"),
        (["--as-of", "2025-11-15", "--to", "olga"], "--to olga: no such recipient"),
        (["--timeout", "0"], "--timeout 0"),
        (["--test"], "KPI_TELEGRAM_TOKEN is not set"),
    ],
)
def test_bad_arguments(
    sample: list[str], more: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(["alerts", *sample, *more]) == 2
    printed = capsys.readouterr()
    assert (said in printed.err, printed.out) == (True, "")


def test_a_failure_is_told_at_once_and_once_a_day(
    sample: list[str], tmp_path: Path, box: Postbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(main, "_now", lambda: CLOCK)
    shutil.copytree(ROOT / "data/sample", tmp_path / "data")
    (tmp_path / "data/leads.csv").write_text("source,lead_id\nПётр +7 900 000-00-00,1\n", encoding="utf-8")
    wrong = ["run", "--data", str(tmp_path / "data"), *sample[2:], "--period", "2025-10"]
    assert main.main(wrong) == 2
    assert main.main(wrong) == 2
    assert [address for address, _ in box.arrived] == ["analyst@agency.example"]
    [path] = (tmp_path / "out/failures/sent").glob("*.eml")
    message = parsed(path.read_bytes())
    assert str(message["Subject"]) == "Отчёты построены не все"
    assert "kpi-kit run" in bodies(message)[0]
    assert "Пётр" not in bodies(message)[0]


def test_a_failure_names_people_of_params_alone(sample: list[str], tmp_path: Path, box: Postbox) -> None:
    options = argparse.Namespace(
        command="run", params=tmp_path / "params", out=tmp_path / "out", clock=lambda: CLOCK
    )
    failures.tell(options, people=["anna-petrova", "department", "<b>ghost</b>"])
    [path] = (tmp_path / "out/failures/sent").glob("*.eml")
    text = bodies(parsed(path.read_bytes()))[0]
    assert "Без отчёта: Анна Петрова и Отдел SMM." in text
    assert "ghost" not in text
    options.command = "score"
    failures.tell(options, problems=3)
    assert len(box.arrived) == 1


def test_a_failure_that_may_have_been_told_is_not_told_again_that_day(
    sample: list[str], tmp_path: Path, box: Postbox, capsys: pytest.CaptureFixture[str]
) -> None:
    options = argparse.Namespace(
        command="run", params=tmp_path / "params", out=tmp_path / "out", clock=lambda: CLOCK
    )
    box.fault = lambda stage: "drop" if stage == "DONE" else None
    failures.tell(options, problems=1)
    failures.tell(options, problems=2)
    assert len(box.arrived) == 1
    assert "the message may have arrived; not sent again today" in capsys.readouterr().err


def test_a_failure_that_cannot_be_told_is_said(
    sample: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KPI_SMTP_URL", "nonsense")
    options = argparse.Namespace(
        command="import_files", params=tmp_path / "params", out=tmp_path / "out", clock=lambda: CLOCK
    )
    failures.tell(options, problems=3)
    assert capsys.readouterr().err.startswith("errors_to: KPI_SMTP_URL: expected")
