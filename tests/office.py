"""A period's folder as a run leaves it, and params with directors, for tests of the mail.

::

    office = Office(tmp_path, {"anna-petrova": card(), "ivan-kuznetsov": other})
    office.post()        # the messages in office.folder / "outbox"
"""

from __future__ import annotations

import copy
import datetime as dt
import json
from collections.abc import Mapping, Sequence
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from functools import cache
from pathlib import Path
from typing import Any

import cards
from builders import write_params

from kpi_kit import params as settings
from kpi_kit.batch.fingerprints import of_file
from kpi_kit.mail.gate import Gate
from kpi_kit.mail.outbox import MailOptions, post
from kpi_kit.mail.server import Server
from kpi_kit.params import Params, comment_file
from kpi_kit.report.specialist_page import SpecialistReport

Json = dict[str, Any]
NOW = dt.datetime(2025, 11, 9, 9, 30, tzinfo=dt.timezone(dt.timedelta(hours=3)))
DIRECTORS = [
    {"id": "olga", "name": "Ольга Смирнова", "email": "olga@agency.example", "specialists": "all"},
    {
        "id": "pavel",
        "name": "Павел Громов",
        "email": "pavel@agency.example",
        "specialists": ["ivan-kuznetsov"],
    },
]


def team(language: str = "ru") -> dict[str, Json]:
    """Two finished scorecards."""
    ivan = cards.card(
        language, specialist="ivan-kuznetsov", name="Иван Кузнецов", total=1.034, attained=2, assessable=2
    )
    ivan["kpis"] = [
        copy.deepcopy(kpi) for kpi in cards.entries() if kpi["kpi"] in ("subscriber_gain", "churn_rate")
    ]
    return {"anna-petrova": cards.card(language), "ivan-kuznetsov": ivan}


@cache
def _sections(text: str) -> str:
    """The page of a scorecard, without the notebook."""
    report = SpecialistReport(json.loads(text))
    names = ("header", "scorecard", "figures", "notes", "total", "definitions", "provenance")
    found = [getattr(report, name)() for name in names]
    return "".join(section._repr_html_() for section in found if section is not None)


def page(card: Json) -> str:
    """A page that shows a scorecard."""
    return f"<!DOCTYPE html><html><body><main>{_sections(json.dumps(card))}</main></body></html>"


class Office:
    """Params, reports and an outbox in a folder of their own."""

    def __init__(
        self,
        root: Path,
        people: Mapping[str, Json] | None = None,
        *,
        directors: Sequence[Json] | None = None,
        mail: Json | None = None,
        **department: Any,
    ) -> None:
        self.cards = dict(team() if people is None else people)
        self.root = root
        self.data = "data"
        kpis = [{"kpi": "leads", "target": {"at_least": 5}, "weight": 1}]
        write_params(
            root / "params",
            {
                "agency": "Агентство «Маяк»",
                "directors": DIRECTORS if directors is None else list(directors),
                "mail": {"sender": "kpi@agency.example", **(mail or {})},
                **department,
            },
            {
                person: {"name": card["name"], "email": f"{person}@agency.example", "kpis": kpis}
                for person, card in self.cards.items()
            },
        )
        self.folder = root / "out" / cards.PERIOD
        self.folder.mkdir(parents=True)
        self.outbox = self.folder / "outbox"
        self.said: list[str] = []
        self.warned: list[str] = []
        self.make()

    @property
    def params(self) -> Params:
        return settings.load(self.root / "params")

    def make(self, **changed: Any) -> None:
        """Write the reports as they are now; keywords replace the manifest's entries."""
        for person, card in self.cards.items():
            (self.folder / f"{person}.json").write_text(
                json.dumps(card, ensure_ascii=False), encoding="utf-8"
            )
            (self.folder / f"{person}.html").write_text(page(card), encoding="utf-8")
        (self.folder / "index.html").write_text("<h1>Отдел</h1>", encoding="utf-8")
        reports = {person: self.entry(person) for person in self.cards} | changed
        manifest = {
            "schema": 1,
            "period": cards.PERIOD,
            "as_of": None,
            "reports": reports,
            "department": {
                "status": "done",
                "inputs": self.department(reports),
                "outputs": {"index.html": of_file(self.folder / "index.html")},
            },
            "more": "keys",
        }
        (self.folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")

    def add_payout(self, content: bytes) -> None:
        """Write a payout statement, as the run that made the department's page."""
        (self.folder / "payout.xlsx").write_bytes(content)
        path = self.folder / "manifest.json"
        manifest = json.loads(path.read_text(encoding="utf-8"))
        manifest["department"]["outputs"]["payout.xlsx"] = of_file(self.folder / "payout.xlsx")
        path.write_text(json.dumps(manifest), encoding="utf-8")

    def add_pdfs(self) -> None:
        """Write a PDF of each page, as a run does."""
        path = self.folder / "manifest.json"
        manifest = json.loads(path.read_text(encoding="utf-8"))
        for name, entry in [*manifest["reports"].items(), ("index", manifest["department"])]:
            pdf = self.folder / f"{name}.pdf"
            pdf.write_bytes(f"%PDF {name}".encode())
            entry["outputs"][pdf.name] = of_file(pdf)
        manifest["department"]["inputs"] = self.department(manifest["reports"])
        path.write_text(json.dumps(manifest), encoding="utf-8")

    def entry(self, person: str) -> Json:
        """What the manifest says of a report that is done, of the files as they are."""
        names = (f"{person}.json", f"{person}.html")
        return {
            "status": "done",
            "error": None,
            "seconds": 1.0,
            "more": "keys",
            "inputs": self.specialist(person, ""),
            "outputs": {name: of_file(self.folder / name) for name in names},
        }

    def specialist(self, name: str, as_of: str, entry: Json | None = None) -> Json:
        """The inputs as they are now, as :class:`kpi_kit.mail.current_inputs.CurrentInputs` has them."""
        file = of_file(self.root / "params" / "specialists" / f"{name}.yml")
        recorded = (entry or {}).get("inputs") or {}
        rows = recorded["data"] if recorded.get("files") == "forged" else self.data
        return {"data": rows, "params": file, "across": "same"}

    def department(self, reports: Json) -> Json:
        return {
            "reports": str(sorted((name, str(entry)) for name, entry in reports.items())),
            "params": of_file(comment_file(self.root / "params", cards.PERIOD, "department")),
        }

    def gate(self, **given: Any) -> Gate:
        return Gate(
            **{"folder": self.folder, "period": cards.PERIOD, "params": self.params, "inputs": self, **given}
        )

    def post(self, server: Server | None = None, **wish: Any) -> bool:
        self.said, self.warned = [], []
        asked = MailOptions(cards.PERIOD, self.root / "out", server, **{"timeout": 5.0, **wish})
        return post(
            asked, self.params, self, clock=lambda: NOW, say=self.said.append, warn=self.warned.append
        )

    def message(self, name: str = "director-olga") -> EmailMessage:
        return parsed((self.outbox / f"{name}.eml").read_bytes())


def parsed(data: bytes) -> EmailMessage:
    """A message as the standard library reads it when it is strict."""
    message = message_from_bytes(data, policy=SMTP.clone(raise_on_defect=True))
    assert isinstance(message, EmailMessage)
    return message


def bodies(message: EmailMessage) -> tuple[str, str]:
    """The plain text and the HTML."""
    found = {
        part.get_content_subtype(): part.get_content()
        for part in message.walk()
        if part.get_content_maintype() == "text" and not part.is_attachment()
    }
    return found["plain"], found["html"]


def files(message: EmailMessage) -> dict[str, bytes]:
    """The attachments."""
    return {
        str(part.get_filename()): part.get_payload(decode=True)
        for part in message.walk()
        if part.is_attachment()
    }
