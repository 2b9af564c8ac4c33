"""Which reports are held back, and why: everything that is not known to be sound."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from office import Office, team

from kpi_kit.core.errors import InputError
from kpi_kit.mail.gate import sections
from kpi_kit.params import comment_file

ANNA = "anna-petrova"


def whole(office: Office) -> None:
    """Nothing is wrong."""


def failed(office: Office) -> None:
    office.make(**{ANNA: {"status": "failed", "error": "cell 3: KeyError", "seconds": 1.0}})


def unknown_status(office: Office) -> None:
    office.make(**{ANNA: {"status": "queued", "error": None}})


def odd_entry(office: Office) -> None:
    office.make(**{ANNA: "done"})


def interim(office: Office) -> None:
    office.cards[ANNA]["interim"] = True
    office.make()


def preliminary(office: Office) -> None:
    office.cards[ANNA]["preliminary"] = True
    office.make()


def no_page(office: Office) -> None:
    (office.folder / f"{ANNA}.html").unlink()


def changed(office: Office, name: str, old: str, new: str) -> None:
    """Change a file, as a run would have made it."""
    path = office.folder / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    manifest = json.loads((office.folder / "manifest.json").read_text(encoding="utf-8"))
    manifest["reports"][ANNA] = office.entry(ANNA)
    (office.folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def no_card(office: Office) -> None:
    (office.folder / f"{ANNA}.json").write_text("{}", encoding="utf-8")


def card_without_kpis(office: Office) -> None:
    changed(office, f"{ANNA}.json", '"kpis"', '"kpi"')


def of_somebody_else(office: Office) -> None:
    changed(office, f"{ANNA}.json", '"specialist": "anna-petrova"', '"specialist": "ivan-kuznetsov"')


def page_of_somebody_else(office: Office) -> None:
    changed(office, f"{ANNA}.html", "<h1>Анна Петрова", "<h1>Иван Кузнецов")


def page_that_was_changed(office: Office) -> None:
    path = office.folder / f"{ANNA}.html"
    path.write_text(path.read_text(encoding="utf-8") + " ", encoding="utf-8")


def no_outputs(office: Office) -> None:
    office.make(**{ANNA: {**office.entry(ANNA), "outputs": None}})


def no_inputs(office: Office) -> None:
    office.make(**{ANNA: {**office.entry(ANNA), "inputs": None}})


def older_params(office: Office) -> None:
    path = office.root / "params" / "specialists" / f"{ANNA}.yml"
    path.write_text(path.read_text(encoding="utf-8") + "\n# a remark\n", encoding="utf-8")


def older_data(office: Office) -> None:
    office.make(**{ANNA: {**office.entry(ANNA), "inputs": {**office.specialist(ANNA, ""), "data": "old"}}})


def forged_rows(office: Office) -> None:
    """The entry says that its rows are those of the data, and a run believes it."""
    forged = {**office.specialist(ANNA, ""), "data": "old", "files": "forged"}
    office.make(**{ANNA: {**office.entry(ANNA), "inputs": forged}})


def empty_section(office: Office) -> None:
    page = (office.folder / f"{ANNA}.html").read_text(encoding="utf-8")
    begin = page.index('<section id="scorecard"')
    inside = page[page.index("</h2>", begin) + 5 : page.index("</section>", begin)]
    changed(office, f"{ANNA}.html", inside, " ")


def no_pictures(office: Office) -> None:
    changed(office, f"{ANNA}.html", 'id="figures"', 'id="f"')


def broken_params(office: Office) -> None:
    (office.root / "params" / "specialists" / f"{ANNA}.yml").write_text("name: A\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("spoil", "code", "said"),
    [
        (whole, None, None),
        (failed, "failed", "cell 3: KeyError"),
        (unknown_status, "failed", "does not list the report as done"),
        (odd_entry, "failed", "does not list the report as done"),
        (interim, "preliminary", "are not final; see --preliminary"),
        (preliminary, "preliminary", "are not final; see --preliminary"),
        (no_page, "absent", "No such file"),
        (no_card, "absent", "a scorecard of schema 1 is expected"),
        (card_without_kpis, "failed", "not a whole scorecard (KeyError('kpis'))"),
        (of_somebody_else, "failed", "anna-petrova.json is of ivan-kuznetsov in 2025-10"),
        (page_of_somebody_else, "failed", "is not headed 'Анна Петрова, октябрь 2025'"),
        (page_that_was_changed, "failed", "has changed since the run"),
        (no_outputs, "failed", "has changed since the run"),
        (no_inputs, "stale", "older than its data, params, across"),
        (older_params, "stale", "older than its params"),
        (older_data, "stale", "older than its data; make reports again"),
        (forged_rows, "stale", "its entry in manifest.json was edited, so make reports with FORCE=yes"),
        (empty_section, "failed", "empty section: scorecard"),
        (no_pictures, "failed", "empty section: figures"),
        (broken_params, "broken", "kpis: this key is missing"),
    ],
    ids=lambda given: given.__name__ if callable(given) else "",
)
def test_a_report_is_held_back(
    tmp_path: Path, spoil: Callable[[Office], None], code: str | None, said: str | None
) -> None:
    office = Office(tmp_path)
    spoil(office)
    sound, held = office.gate().examine()
    assert "ivan-kuznetsov" in sound, "one fault holds one report back"
    assert (ANNA in sound) is (code is None)
    if code is not None and said is not None:
        assert held[ANNA].code == code
        assert said in held[ANNA].detail
        assert office.gate().department(sound, held) is None


def test_figures_that_are_not_final_are_mailed_when_asked(tmp_path: Path) -> None:
    office = Office(tmp_path)
    interim(office)
    assert ANNA in office.gate(preliminary=True).examine()[0]


def test_the_departments_page_must_be_of_these_reports(tmp_path: Path) -> None:
    office = Office(tmp_path)
    sound, held = office.gate().examine()
    assert office.gate().department(sound, held) == "<h1>Отдел</h1>".encode()
    changed(office, f"{ANNA}.json", '"attained": 3', '"attained": 4')
    assert office.gate().department(sound, held) is None
    office.make()
    (office.folder / "index.html").write_text("another", encoding="utf-8")
    assert office.gate().department(sound, held) is None
    office.make()
    assert office.gate().department(sound, held) is not None
    comment = comment_file(office.root / "params", office.folder.name, "department")
    comment.parent.mkdir(parents=True)
    comment.write_text("A good month.", encoding="utf-8")
    assert office.gate().department(sound, held) is None


@pytest.mark.parametrize("text", [None, "", "[]", '{"reports": 3}'])
def test_without_a_manifest_nothing_is_mailed(tmp_path: Path, text: str | None) -> None:
    office = Office(tmp_path, {ANNA: team()[ANNA]}, directors=[])
    path = office.folder / "manifest.json"
    path.unlink() if text is None else path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"manifest\.json"):
        office.gate().examine()


@pytest.mark.parametrize(
    ("page", "found"),
    [
        ("", {}),
        ('<section id="a"></section>', {"a": False}),
        ('<section id="a"><h2>A</h2><p> \n</p></section>', {"a": False}),
        ('<section id="a"><style>p{}</style></section>', {"a": False}),
        ('<section id="a"><img src=""></section>', {"a": False}),
        ('<section id="a"><img src="data:x"></section>', {"a": True}),
        ('<section id="a"><h2>A</h2><p>1</p></section><section id="b"></section>', {"a": True, "b": False}),
        ('<section id="a"><p>1<br></section>text<section id="b"></section>', {"a": True, "b": False}),
    ],
)
def test_sections_that_show_nothing_are_seen(page: str, found: dict[str, bool]) -> None:
    assert sections(page) == found
