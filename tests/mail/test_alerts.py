"""Digests: who is told what, each alert once, by mail and by Telegram, also when the sender dies."""

from __future__ import annotations

import datetime as dt
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bot_api import TOKEN, Api
from bot_api import listening as bot_listening
from builders import write_params
from office import bodies, files, parsed
from postbox import Postbox, listening
from running import churn_entry, lead_entry, running

from kpi_kit import params as settings
from kpi_kit.core.errors import InputError
from kpi_kit.mail import alerts as digests
from kpi_kit.mail.alerts import AlertOptions, post_alerts, write_page
from kpi_kit.mail.journal import Journal
from kpi_kit.mail.server import Server
from kpi_kit.mail.telegram import TelegramServer
from kpi_kit.params import Params

NOW = dt.datetime(2025, 10, 11, 9, 0, tzinfo=dt.timezone(dt.timedelta(hours=3)))
OLGA = {
    "id": "olga",
    "name": "Ольга Смирнова",
    "email": "olga@agency.example",
    "specialists": "all",
    "telegram": 7,
}
PAVEL = {
    "id": "pavel",
    "name": "Павел Громов",
    "email": "pavel@agency.example",
    "specialists": ["ivan-kuznetsov"],
}
ANNA, IVAN = "anna-petrova", "ivan-kuznetsov"
CHAT = {"type": "private", "first_name": "Ольга"}


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Postbox, Server, Api]]:
    box = Postbox()
    with listening(box) as port, bot_listening(Api()) as api:
        yield box, Server("127.0.0.1", port), api


class Office:
    """Params, servers, and the digests that they get."""

    def __init__(self, root: Path, servers: tuple[Postbox, Server, Api], **department: Any) -> None:
        self.box, self.server, self.api = servers
        self.box.arrived.clear()
        self.box.fault = lambda stage: None
        self.api.arrived.clear()
        self.api.chats = {7: CHAT, 8: CHAT}
        self.api.fault = lambda method: None
        kpis = [{"kpi": "leads", "target": {"at_least": 62}, "weight": 1}]
        fields = {"directors": [OLGA, PAVEL], "mail": {"sender": "kpi@agency.example"}, **department}
        anna = {"name": "Анна Петрова", "email": "anna@agency.example", "telegram": 8, "kpis": kpis}
        ivan = {"name": "Иван Кузнецов", "kpis": kpis, "variable_pay": 41234}
        write_params(root / "params", {"agency": "Маяк", **fields}, {ANNA: anna, IVAN: ivan})
        self.root, self.out = root, root / "out"
        self.folder = self.out / "2025-10" / "alerts"
        self.said: list[str] = []
        self.warned: list[str] = []

    @property
    def params(self) -> Params:
        return settings.load(self.root / "params")

    def post(self, cards: Mapping[str, Any], *, send: bool = True, **wish: Any) -> bool:
        self.said, self.warned = [], []
        options = AlertOptions("2025-10", self.out, send=send, timeout=20.0)
        if send:
            telegram = TelegramServer(TOKEN, self.api.address)
            options = replace(options, server=self.server, telegram=telegram)
        return post_alerts(
            replace(options, **wish), self.params, cards, clock=lambda: NOW, say=self.said.append,
            warn=self.warned.append,
        )  # fmt: skip

    def counts(self) -> Counter[str]:
        """How many messages each recipient has."""
        by_mail = [address.partition("@")[0] for address, _ in self.box.arrived]
        return Counter([*by_mail, *(f"chat {chat}" for chat, _ in self.api.texts)])


@pytest.fixture
def office(tmp_path: Path, servers: tuple[Postbox, Server, Api]) -> Office:
    return Office(tmp_path, servers)


def team(day: int = 10, anna: float | None = 0.08, ivan: float | None = 0.5, **given: Any) -> dict[str, Any]:
    return {
        ANNA: running(day, lead_entry(day, anna), **given),
        IVAN: running(day, lead_entry(day, ivan), specialist=IVAN, name="Иван Кузнецов"),
    }


def plain(text: str) -> str:
    return text.replace("\u00a0", " ").replace("\u202f", " ")


def test_nothing_is_sent_without_asking_and_files_wait(office: Office) -> None:
    assert office.post(team(), send=False) is True
    assert sorted(path.name for path in office.folder.iterdir()) == [
        "director-olga.eml", "journal.jsonl", "telegram-director-olga.json",
    ]  # fmt: skip
    assert office.counts() == {}
    message = parsed((office.folder / "director-olga.eml").read_bytes())
    assert plain(str(message["Subject"])) == "KPI за октябрь 2025: 1 план под угрозой"
    text, html = map(plain, bodies(message))
    line = "12 при плане 62, шанс выполнить план 8 %. До конца периода нужно 2,4 в день."
    assert f"- Анна Петрова, лиды: {line}" in text
    assert line in html
    assert "10-й день из 31, остался 21 день, данные по 10 октября 2025" in text
    request = json.loads((office.folder / "telegram-director-olga.json").read_text(encoding="utf-8"))
    assert request["fields"]["link_preview_options"] == {"is_disabled": True}
    assert request["fields"]["chat_id"] == 7
    assert line in plain(request["fields"]["text"])
    assert "parse_mode" not in request["fields"]


def test_each_gets_their_own_once(office: Office) -> None:
    assert office.post(team()) is True
    assert office.counts() == {"olga": 1, "chat 7": 1}  # nobody of Pavel's is at risk
    assert office.post(team(11)) is True
    assert office.counts() == {"olga": 1, "chat 7": 1}
    assert office.post(team(12, anna=0.05, ivan=0.1)) is True
    assert office.counts() == {"olga": 2, "chat 7": 2, "pavel": 1}
    text = plain(office.api.texts[-1][1])
    assert "Иван Кузнецов, лиды" in text
    assert "Анна" not in text
    assert "Ещё 1 предупреждение без изменений." in text
    sent = [parsed(path.read_bytes()) for path in (office.folder / "sent").glob("director-pavel-*.eml")]
    assert "Анна" not in "".join("".join(bodies(message)) for message in sent)


def test_what_changes_is_news(office: Office) -> None:
    office.post(team(overdue=["2025-10-05T10:00+03:00"]))
    again = team(overdue=["2025-10-05T10:00+03:00"])
    office.post(again)
    assert office.counts() == {"olga": 1, "chat 7": 1}
    office.post(team(overdue=["2025-10-05T10:00+03:00", "2025-10-08T10:00+03:00"]))
    assert office.counts() == {"olga": 2, "chat 7": 2}
    over = {ANNA: running(12, churn_entry(12, 0.01, 0.04))}
    office.post(over)
    assert "план уже недостижим" in office.api.texts[-1][1]
    assert office.counts() == {"olga": 3, "chat 7": 3}


def test_specialists_get_their_own_where_asked_for(
    tmp_path: Path, servers: tuple[Postbox, Server, Api]
) -> None:
    office = Office(tmp_path, servers, alerts={"to_specialists": True})
    office.post(team(ivan=0.1))
    assert office.counts() == {"olga": 1, "chat 7": 1, "pavel": 1, "anna": 1, "chat 8": 1}
    text = dict(office.api.texts)[8]
    assert "- Лиды: 12" in plain(text)
    assert "Иван" not in text


def test_no_pay_is_told(tmp_path: Path, servers: tuple[Postbox, Server, Api]) -> None:
    office = Office(tmp_path, servers, alerts={"files": True})
    pay = {"monthly": 41234.0, "share": 1.0, "amount": 41234.0, "payout": 39876.0}
    bonus = {"sales_amount": 410000.0, "share": 0.02, "cap": None, "amount": 8765.0}
    cards = {who: {**card, "variable_pay": pay, "bonus": bonus} for who, card in team(ivan=0.1).items()}
    office.post(cards)
    told = "".join(text for _, text in office.api.texts)
    for path in (office.folder / "sent").glob("*.eml"):
        message = parsed(path.read_bytes())
        told += "".join(bodies(message)) + files(message)["alerts.html"].decode()
    figures = "".join(sign for sign in told if sign.isdigit() or sign in "<>")
    assert not [amount for amount in ("41234", "39876", "8765") if amount in figures]


def test_files_are_of_the_recipients_people_and_sent_once(
    tmp_path: Path, servers: tuple[Postbox, Server, Api]
) -> None:
    office = Office(tmp_path, servers, alerts={"files": True})
    office.post(team(ivan=0.1))
    assert office.counts() == {"olga": 1, "chat 7": 2, "pavel": 1}
    office.post(team(ivan=0.1))
    assert office.counts() == {"olga": 1, "chat 7": 2, "pavel": 1}
    [path] = (office.folder / "sent").glob("director-pavel-*.eml")
    page = files(parsed(path.read_bytes()))["alerts.html"].decode()
    assert "Иван Кузнецов" in page
    assert "Анна" not in page


def test_a_long_digest_fits_into_a_message(office: Office) -> None:
    rows = [
        lead_entry(10, 0.01, scope={"accounts": [f"account-{number:03d}-{'x' * 60}"]}) for number in range(60)
    ]
    office.post({ANNA: running(10, *rows)})
    [(_, text)] = office.api.texts
    assert len(text.encode("utf-16-le")) // 2 <= 4096
    assert "Ещё 3" in text
    assert "на странице alerts.html" in text


def test_an_unknown_outcome_is_asked_and_resolved(office: Office) -> None:
    office.api.fault = lambda method: "hang after" if method == "sendMessage" else None
    assert office.post(team(), timeout=1.0) is False
    assert "whether <" in office.warned[-1]
    office.api.fault = lambda method: None
    assert office.post(team(12, anna=0.03, ivan=0.1)) is False
    assert "use --resolve sent" in office.warned[0]
    assert office.counts()["chat 7"] == 1
    assert office.post(team(12, anna=0.03), resolve="sent") is True
    assert office.counts()["chat 7"] == 1
    assert office.post(team(12, anna=0.03, ivan=0.1)) is True
    assert office.counts()["chat 7"] == 2


def test_only_some_recipients(office: Office) -> None:
    office.post(team(ivan=0.1), only=("pavel",))
    assert office.counts() == {"pavel": 1}
    with pytest.raises(InputError, match="--to paul: no such recipient"):
        office.post(team(), only=("paul",))


def test_links_below_the_folder_of_reports_are_refused(office: Office, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    office.folder.parent.mkdir(parents=True)
    office.folder.symlink_to(other)
    with pytest.raises(InputError, match="is a link"):
        write_page(AlertOptions("2025-10", office.out), office.params, list(team().values()), {})
    with pytest.raises(InputError, match="is a link"):
        office.post(team())
    assert list(other.iterdir()) == []


def test_the_journal_of_a_newer_kit_is_refused(office: Office) -> None:
    office.post(team())
    journal = office.folder / "journal.jsonl"
    journal.write_text(journal.read_text().replace('"schema": 1', '"schema": 9'))
    with pytest.raises(InputError, match="newer kit"):
        office.post(team())


class Killed(BaseException):
    """The process ends here."""


def dying(call: Callable[..., Any], dice: random.Random) -> Callable[..., Any]:
    """A function that may kill before or after it has done its work."""

    def called(*values: Any, **named: Any) -> Any:
        fate = dice.random()
        if fate < 0.1:
            raise Killed
        result = call(*values, **named)
        if fate > 0.9:
            raise Killed
        return result

    return called


def test_a_month_day_by_day_with_kills(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each run may die at each write of the journal and each send; an operator looks before resolving."""
    dice = random.Random(26)
    monkeypatch.setattr(Journal, "begin", dying(Journal.begin, dice))
    monkeypatch.setattr(Journal, "end", dying(Journal.end, dice))
    monkeypatch.setattr(digests.Session, "transmit", dying(digests.Session.transmit, dice))
    monkeypatch.setattr(digests.Telegram, "transmit", dying(digests.Telegram.transmit, dice))
    chances = {ANNA: 0.4, IVAN: 0.4}
    said: dict[str, set[str]] = {"olga": set(), "pavel": set()}
    for day in range(1, 31):
        chances = {who: min(0.95, max(0.01, chance + dice.gauss(0, 0.12))) for who, chance in chances.items()}
        overdue = [f"2025-10-{late:02d}T10:00+03:00" for late in range(1, day) if late % 9 == 0]
        cards = team(day, anna=chances[ANNA], ivan=chances[IVAN], overdue=overdue)
        said["olga"] |= {f"{who}: risk" for who in (ANNA, IVAN) if chances[who] < 0.15 and day > 4} | set(
            overdue
        )
        said["pavel"] |= {"risk"} if chances[IVAN] < 0.15 and day > 4 else set()
        for _ in range(30):  # started again until it has ended well
            try:
                if office.post(cards):
                    break
            except Killed:
                pass
            _resolve(office)
    told = sorted(text for _, text in office.api.texts)
    assert len(told) == len(set(told))
    names = [name for _, name in office.box.arrived]
    assert len(names) == len(set(names))
    by_telegram = "".join(told)
    assert {who: by_telegram.count(f"{who}, лиды") for who in ("Анна Петрова", "Иван Кузнецов")} == {
        "Анна Петрова": f"{ANNA}: risk" in said["olga"],
        "Иван Кузнецов": f"{IVAN}: risk" in said["olga"],
    }
    assert by_telegram.count("Ответить на") + by_telegram.count("ответить на") == 3
    assert office.counts()["pavel"] == len(said["pavel"])
    assert office.counts()["olga"] == office.counts()["chat 7"]


def _resolve(office: Office) -> None:
    """What a person does about uncertain messages: look whether they have arrived, and say so."""
    with Journal(office.folder, lambda: NOW) as journal:
        open_ones = journal.uncertain
        for key, sent in open_ones.items():
            if key.startswith("telegram-"):
                path = office.folder / "telegram-director-olga.json"
                text = json.loads(path.read_text(encoding="utf-8"))["fields"]["text"]
                arrived = text in [one for _, one in office.api.texts]
            else:
                arrived = sent.message_id in [name for _, name in office.box.arrived]
            Journal._append(
                journal, "resolved", key, message_id=sent.message_id, answer="sent" if arrived else "again"
            )
