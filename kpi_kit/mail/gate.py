"""The gate: reports that are complete, up to date and final may be mailed; the others are held back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from kpi_kit.batch.fingerprints import as_made, changed_inputs
from kpi_kit.batch.workspace import PAYOUT
from kpi_kit.core import file_versions
from kpi_kit.core.errors import InputError, KitError
from kpi_kit.core.json_io import read_json
from kpi_kit.core.phrases import Phrase, words_of
from kpi_kit.mail.current_inputs import CurrentInputs
from kpi_kit.params import Params
from kpi_kit.report import render
from kpi_kit.report.wording import Words, words
from kpi_kit.scorecard import json_file
from kpi_kit.scorecard.record import Scorecard

REQUIRED = ("header", "scorecard", "notes", "definitions", "provenance")
"""Sections that every page must have; ``figures`` too, where there is a fact to draw."""
DEPARTMENT = "index"
_VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())


@dataclass(frozen=True)
class Mailable:
    """A report that may be mailed."""

    id: str
    card: Scorecard = field(repr=False)
    page: bytes = field(repr=False)
    kind: str = "html"

    @property
    def file(self) -> str:
        """The name of the page's file: HTML or PDF."""
        return f"{self.id}.{self.kind}"


@dataclass(frozen=True)
class Held:
    """A report that is held back.

    Parameters
    ----------
    id, name : str
    code : str
        The reason: ``failed``, ``absent``, ``stale``, ``preliminary`` or ``broken``.
    detail : str
        The reason as one English sentence, for the person who makes the reports.
    """

    id: str
    name: str
    code: str
    detail: str


class _Refused(Exception):
    """A report is held back, with a code and a sentence."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code, self.detail = code, detail


@dataclass(frozen=True)
class Gate:
    """Checks the reports of a period.

    Parameters
    ----------
    folder : Path
        ``<out>/<period>``.
    period : str
    params : Params
    inputs : CurrentInputs
        The hashes of the inputs as they are now.
    preliminary : bool
        Whether interim and preliminary reports may be mailed.
    """

    folder: Path
    period: str
    params: Params
    inputs: CurrentInputs
    preliminary: bool = False

    def examine(self) -> tuple[dict[str, Mailable], dict[str, Held]]:
        """The mailable and the held reports; every specialist of the params is in one of them.

        Raises
        ------
        InputError
            Where no run has left a manifest.
        """
        statuses = _manifest(self.folder / "manifest.json")["reports"]
        mailable: dict[str, Mailable] = {}
        held: dict[str, Held] = {}
        named = {
            person: person
            for director in self.params.department.directors
            for person in director.specialists or ()
        }
        named |= {name: name for name in self.params.broken}
        named |= {person.id: person.name for person in self.params.specialists.values()}
        for person, name in sorted(named.items()):
            try:
                mailable[person] = self._examined(person, statuses)
            except _Refused as why:
                held[person] = Held(person, name, why.code, why.detail)
            except (KeyError, TypeError, AttributeError) as fault:
                held[person] = Held(
                    person,
                    name,
                    "failed",
                    Phrase("mail.no_scorecard", file=f"{person}.json", fault=repr(fault)),
                )
        return mailable, held

    def department(self, mailable: Mapping[str, Mailable], held: Mapping[str, Held]) -> bytes | None:
        """The department's page; None unless every report is mailable and the page was made from them."""
        return self._of_department(f"{DEPARTMENT}.{self._kind}", mailable, held)

    def payout(self, mailable: Mapping[str, Mailable], held: Mapping[str, Held]) -> bytes | None:
        """The payout statement; None unless every report is mailable and it was made from them."""
        department = _manifest(self.folder / "manifest.json").get("department")
        made = department.get("outputs") if isinstance(department, Mapping) else None
        name = next((name for name in made or {} if name.endswith(".xlsx")), PAYOUT)
        return self._of_department(name, mailable, held)

    def _of_department(
        self, name: str, mailable: Mapping[str, Mailable], held: Mapping[str, Held]
    ) -> bytes | None:
        manifest = _manifest(self.folder / "manifest.json")
        entry, path = manifest.get("department"), self.folder / name
        if held or not mailable or not isinstance(entry, Mapping) or entry.get("status") != "done":
            return None
        if changed_inputs(entry, self.inputs.department(manifest["reports"])):
            return None
        if not as_made(entry, self.folder, [path.name]):
            return None
        return path.read_bytes()

    def _examined(self, person: str, statuses: Mapping[str, Any]) -> Mailable:
        if person in self.params.broken:
            raise _Refused("broken", "; ".join(self.params.broken[person]))
        if person not in self.params.specialists:
            raise _Refused("absent", Phrase("mail.no_file", file=self.params.file_of(person)))
        entry = self._entry(person, statuses)
        card, page = self._files(person, entry)
        self._compare(person, card, entry)
        if not self.preliminary and (card["preliminary"] or card["interim"]):
            raise _Refused("preliminary", Phrase("mail.not_final", as_of=_day(card["as_of"])))
        self._look(person, card, page.decode("utf-8", "replace"))
        return Mailable(person, card, self._attached(person, entry, page), self._kind)

    @property
    def _kind(self) -> str:
        """How pages are attached: ``html`` or ``pdf``."""
        mail = self.params.department.mail
        return "html" if mail is None else mail.attach

    def _attached(self, person: str, entry: Mapping[str, Any], page: bytes) -> bytes:
        """The page as it is attached."""
        if self._kind == "html":
            return page
        path = self.folder / f"{person}.pdf"
        if not as_made(entry, self.folder, [path.name]):
            raise _Refused("absent", Phrase("mail.no_pdf"))
        return path.read_bytes()

    def _entry(self, person: str, statuses: Mapping[str, Any]) -> Mapping[str, Any]:
        """The manifest's entry of a finished report."""
        entry = statuses.get(person)
        if entry is None:
            raise _Refused("absent", Phrase("mail.not_made"))
        if not isinstance(entry, Mapping) or entry.get("status") != "done":
            why = entry.get("error") if isinstance(entry, Mapping) else None
            raise _Refused("failed", str(why) if why else Phrase("mail.not_done"))
        return entry

    def _files(self, person: str, entry: Mapping[str, Any]) -> tuple[Scorecard, bytes]:
        paths = [self.folder / f"{person}.{kind}" for kind in ("json", "html")]
        try:
            card, page = json_file.load(paths[0]), paths[1].read_bytes()
        except (KitError, OSError) as fault:
            raise _Refused("absent", words_of(fault)) from None
        if not as_made(entry, self.folder, [path.name for path in paths]):
            raise _Refused("failed", Phrase("mail.not_as_made"))
        return card, page

    def _compare(self, person: str, card: Scorecard, entry: Mapping[str, Any]) -> None:
        """Check that the scorecard is of this person and period, and its inputs have not changed."""
        owner, period = card["specialist"], card["period"]
        if (owner, period) != (person, self.period):
            raise _Refused(
                "failed", Phrase("mail.other_card", file=f"{person}.json", id=owner, period=period)
            )
        if changed := changed_inputs(entry, self.inputs.specialist(person, card["as_of"])):
            code = "mail.stale"
            if not changed_inputs(entry, self.inputs.specialist(person, card["as_of"], entry)):
                code = "mail.entry_edited"
            raise _Refused("stale", Phrase(code, inputs=[Phrase(f"mail.input_{name}") for name in changed]))

    def _look(self, person: str, card: Scorecard, page: str) -> None:
        """Check that the page is of this scorecard and lacks no section."""
        say = words(card["language"], card["currency"])
        title = f"{card['name']}, {say.period(card['period'])}"
        if _squeezed(render.title([page], "")) != _squeezed(title):
            raise _Refused("failed", Phrase("mail.other_head", file=f"{person}.html", title=title))
        drawn = any(past["value"] is not None for row in card["kpis"] for past in row["history"])
        required = (*REQUIRED, "figures") if drawn else REQUIRED
        shown = sections(page)
        empty = [name for name in required if not shown.get(name)]
        if empty:
            raise _Refused("failed", Phrase("mail.empty_section", file=f"{person}.html", names=empty))


def _day(as_of: str) -> dt.date:
    return dt.datetime.fromisoformat(as_of).date()


def reason(held: Held, say: Words) -> str:
    """The reason why a report is held back, in the language of the message."""
    keys = {
        "broken": "mail.held.failed",
        "failed": "mail.held.failed",
        "absent": "mail.held.absent",
        "stale": "mail.held.stale",
        "preliminary": "mail.held.preliminary",
    }
    return say.text(keys[held.code])


def sections(page: str) -> dict[str, bool]:
    """The sections of a page, and whether each has content under its heading.

    Examples
    --------
    >>> sections('<section id="a"><h2>A</h2> </section><section id="b"><p>text</p></section>')
    {'a': False, 'b': True}
    """
    reader = _Sections()
    reader.feed(page)
    reader.close()
    return reader.sections


class _Sections(HTMLParser):
    """Finds sections with text or pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.sections: dict[str, bool] = {}
        self._open: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "section" and values.get("id"):
            self.sections.setdefault(str(values["id"]), False)
        if tag == "img" and values.get("src"):
            self._show()
        if tag not in _VOID:
            self._open.append((tag, values.get("id") if tag == "section" else None))

    def handle_endtag(self, tag: str) -> None:
        while any(name == tag for name, _ in self._open):
            if self._open.pop()[0] == tag:
                break

    def handle_data(self, data: str) -> None:
        if data.strip() and not {"h2", "style", "script"} & {name for name, _ in self._open}:
            self._show()

    def _show(self) -> None:
        for _, section in self._open:
            if section is not None:
                self.sections[section] = True


def _manifest(path: Path) -> Mapping[str, Any]:
    try:
        content = read_json(path)
        manifest = {**content, "reports": dict(content["reports"])}
    except FileNotFoundError:
        raise InputError(Phrase("mail.no_reports", path=path)) from None
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise InputError(Phrase("mail.bad_manifest", path=path, fault=str(fault))) from None
    file_versions.refuse_other("manifest", manifest.get("schema", 1), path, InputError)
    return manifest


def _squeezed(text: str) -> str:
    return " ".join(text.split())
