"""Which reports are held back, and why: everything that is not known to be sound."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from office import Office, team

from kpi_kit.errors import InputError
from kpi_kit.mail.gate import sections

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


def no_card(office: Office) -> None:
    (office.folder / f"{ANNA}.json").write_text("{}", encoding="utf-8")


def card_without_kpis(office: Office) -> None:
    del office.cards[ANNA]["kpis"]
    path = office.folder / f"{ANNA}.json"
    path.write_text(json.dumps(office.cards[ANNA]), encoding="utf-8")


def of_somebody_else(office: Office) -> None:
    (office.folder / f"{ANNA}.json").write_bytes((office.folder / "ivan-kuznetsov.json").read_bytes())


def page_of_somebody_else(office: Office) -> None:
    (office.folder / f"{ANNA}.html").write_bytes((office.folder / "ivan-kuznetsov.html").read_bytes())


def page_of_an_earlier_run(office: Office) -> None:
    path = office.folder / f"{ANNA}.html"
    path.write_text(path.read_text(encoding="utf-8").replace("sha256:data", "sha256:old"), encoding="utf-8")


def older_params(office: Office) -> None:
    path = office.root / "params" / "specialists" / f"{ANNA}.yml"
    path.write_text(path.read_text(encoding="utf-8") + "\n# a remark\n", encoding="utf-8")


def older_data(office: Office) -> None:
    path = office.folder / f"{ANNA}.json"
    path.write_text(path.read_text(encoding="utf-8").replace("sha256:data", "sha256:old"), encoding="utf-8")


def empty_section(office: Office) -> None:
    path = office.folder / f"{ANNA}.html"
    page = path.read_text(encoding="utf-8")
    begin = page.index('<section id="scorecard"')
    inside = page.index("</h2>", begin) + 5
    end = page.index("</section>", begin)
    path.write_text(page[:inside] + " " + page[end:], encoding="utf-8")


def no_pictures(office: Office) -> None:
    path = office.folder / f"{ANNA}.html"
    path.write_text(path.read_text(encoding="utf-8").replace('id="figures"', 'id="f"'), encoding="utf-8")


def broken_params(office: Office) -> None:
    (office.root / "params" / "specialists" / f"{ANNA}.yml").write_text("name: A\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("spoil", "code", "said"),
    [
        (whole, None, None),
        (failed, "failed", "cell 3: KeyError"),
        (unknown_status, "failed", "does not say that it is done"),
        (odd_entry, "failed", "does not say that it is done"),
        (interim, "preliminary", "are not final; see --preliminary"),
        (preliminary, "preliminary", "are not final; see --preliminary"),
        (no_page, "absent", "No such file"),
        (no_card, "absent", "a scorecard of schema 1 is expected"),
        (card_without_kpis, "failed", "no whole scorecard (KeyError('kpis'))"),
        (of_somebody_else, "failed", "anna-petrova.json is of ivan-kuznetsov in 2025-10"),
        (page_of_somebody_else, "failed", "is not headed 'Анна Петрова, октябрь 2025'"),
        (page_of_an_earlier_run, "failed", "were not made together"),
        (older_params, "stale", "older than the params"),
        (older_data, "stale", "older than the data"),
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
    path = office.folder / f"{ANNA}.json"
    path.write_bytes(path.read_bytes())
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
