"""Reports: parameters checked inside, sections that come and go, sentences that are true, thin notebooks."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest

from kpi_kit import params, report
from kpi_kit.core.errors import InputError, KitError
from kpi_kit.report import DepartmentReport, SpecialistReport, summary
from kpi_kit.report.wording import words
from kpi_kit.scorecard import json_file
from tests import cards

ROOT = Path(__file__).parents[2]
SECTIONS = """
    header scorecard comment restated figures accounts audience plan response funnel posts anomalies
    smart notes total
    definitions provenance
""".split()
DEPARTMENT = ["header", "people", "comment", "groups", "year", "funnels", "shocks", "data"]


def shown(of: object, names: list[str]) -> dict[str, str]:
    found = {name: getattr(of, name)() for name in names}
    return {name: section._repr_html_() for name, section in found.items() if section is not None}


def sentences(card: cards.Card) -> list[str]:
    found = summary.sentences(card, words(card["language"], card["currency"]))
    return [text.replace("\u202f", " ").replace("\u00a0", " ") for text in found]


def test_a_rich_report_has_every_section() -> None:
    for language in ("ru", "en"):
        found = shown(SpecialistReport(cards.card(language, comment="*Хороший* месяц")), SECTIONS)
        assert list(found) == SECTIONS
        for name, html in found.items():
            assert html.startswith(f'<section id="{name}" class="k-section k-{name}" lang="{language}">')
            assert html.endswith("</section>")
            assert html.count("<section") == 1
        assert sum(map(len, found.values())) < 400_000


def test_sections_without_content_are_left_out() -> None:
    found = shown(SpecialistReport(cards.unassessable()), SECTIONS)
    absent = {
        "comment",
        "restated",
        "figures",
        "audience",
        "plan",
        "response",
        "funnel",
        "posts",
        "anomalies",
    }
    assert set(SECTIONS) - set(found) == absent


def test_one_kpi_is_a_report_too() -> None:
    found = shown(SpecialistReport(cards.single()), SECTIONS)
    assert found["figures"].count("<figure") == 1
    assert "Замечаний нет." in found["notes"]


def test_every_image_says_in_words_what_it_shows() -> None:
    found = shown(SpecialistReport(cards.card()), SECTIONS)
    text = (found["figures"] + found["response"]).replace("\u202f", " ").replace("\u00a0", " ")
    assert text.count('role="img"') == text.count('role="img" aria-label="') == 9
    assert (
        'aria-label="Прирост подписчиков, по месяцам, человек. За октябрь 2025: 1 284 человека при плане '
        '1 000 — выполнено (128 %)."'
    ) in text


def test_nothing_is_fetched_or_run() -> None:
    for card in (cards.card(), cards.hostile()):
        html = "".join(shown(SpecialistReport(card), SECTIONS).values())
        assert "<script" not in html and "javascript:" not in html and " onmouseover" not in html
        assert not re.search(r"url\((?!#)", html) and "@import" not in html


def test_the_language_of_the_card_is_the_language_of_the_report() -> None:
    found = shown(SpecialistReport(cards.card("en")), SECTIONS)
    assert "3 of 7 targets are met. 1 more KPI cannot be assessed." in found["header"]
    assert "80.7%" in found["header"]
    cyrillic = {chr(code) for code in range(0x410, 0x450)}
    assert not cyrillic & set(found["definitions"]) and not cyrillic & set(found["total"])


SENTENCES = [
    (
        cards.card(),
        [
            "Выполнено 3 плана из 7.",
            "Ещё 1 показатель оценить нельзя.",
            "Лиды: 34 при плане 55 — значимо меньше, чем в сентябре (41).",
            "Дальше: выяснить причину; опубликовать 1 пост из плана; квалифицировать 3 лида.",
        ],
    ),
    (cards.single(), ["План выполнен."]),
    (
        cards.card("en", total=None, attained=1),
        [
            "3 of 7 targets are met.",
            "1 more KPI cannot be assessed.",
            "Leads: 34 against a target of 55, significantly less than in September (41).",
            "Next: find the cause; publish 1 planned post; qualify 3 leads.",
        ],
    ),
]


@pytest.mark.parametrize(("card", "expected"), SENTENCES, ids=["rich", "single", "held"])
def test_summaries_are_true_sentences(card: cards.Card, expected: list[str]) -> None:
    assert sentences(card) == expected


def test_a_summary_of_nothing_says_so() -> None:
    assert sentences(cards.unassessable()) == ["Планы оценить нельзя."]


def test_interim_and_preliminary_reports_say_so_first() -> None:
    header = shown(SpecialistReport(cards.unassessable()), ["header"])["header"]
    assert "<b>19-й день из 31</b>: данные по 20 октября 2025, 12:30" in header
    note = {"code": "preliminary", "as_of": "2025-11-03T00:00:00+03:00", "settled_on": "2025-11-08"}
    early = cards.card(preliminary=True, notes=[note], as_of=note["as_of"])
    header = shown(SpecialistReport(early), ["header"])["header"]
    assert "<b>Предварительно</b>: данные по 2 ноября 2025, окончательные после 8 ноября 2025" in header


HELD = [
    ({"total": None}, "hold", "итог ждёт решения руководителя отдела"),
    ({"total": None, "assessable": 0}, "hold", "Нет ни одного показателя"),
    ({"total": None, "assessable": 0}, "reweight", "Нет ни одного показателя"),
]


@pytest.mark.parametrize(("given", "rule", "text"), HELD)
def test_a_missing_total_is_explained(given: dict[str, Any], rule: str, text: str) -> None:
    card = cards.card(**given)
    card["scoring"]["not_assessable"] = rule
    found = shown(SpecialistReport(card), ["header", "total"])
    assert "нет итога" in found["header"] and text in found["total"]


def test_a_bonus_without_sales_is_not_shown() -> None:
    assert "Премия" not in shown(SpecialistReport(cards.card(bonus=None)), ["total"])["total"]
    unknown = {"sales_amount": None, "share": 0.02, "cap": None, "amount": None}
    said = shown(SpecialistReport(cards.card(bonus=unknown)), ["total"])["total"]
    assert "Премию посчитать нельзя" in said and "Премия:" not in said


def test_answers_that_are_not_due_have_no_share() -> None:
    card = cards.card()
    card["sections"]["response"] |= {"in_time": None, "due": 0, "received": 2, "unanswered": 2, "curve": []}
    found = shown(SpecialistReport(card), ["response"])["response"]
    assert "Поступило 2 обращения; без ответа осталось 2." in found and "<svg" not in found


WRONG = [
    ({"period": 202510}, "parameter period: text is needed, found 202510"),
    ({"specialist": None, "as_of": None}, "parameter specialist: text is needed"),
    ({"specialist": ""}, "parameter specialist: text is needed, found ''"),
    ({"specialist": "../anna"}, "parameter specialist: a name such as anna-petrova is needed"),
    ({"period": "October"}, "period 'October': expected a month"),
    ({"data": "none/such", "params": "nor/this"}, "parameter data: there is no none"),
    ({"as_of": "yesterday"}, "yesterday"),
    ({"specialist": "nobody"}, "nobody"),
]
GIVEN = {
    "specialist": "anna-petrova",
    "period": "2025-10",
    "as_of": "",
    "data": str(ROOT / "data" / "sample"),
    "params": str(ROOT / "params"),
}


@pytest.mark.parametrize(("wrong", "sentence"), WRONG)
def test_odd_parameters_are_refused_in_one_sentence(
    tmp_path: Path, wrong: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(KitError) as caught:
        report.specialist(**GIVEN | {"out": str(tmp_path)} | wrong)
    assert sentence in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_all_odd_parameters_are_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        report.department(period=202510, data=1, params="", out=str(tmp_path))
    assert len(caught.value.problems) == 3


def test_the_sample_makes_a_report_and_saves_what_it_shows(tmp_path: Path) -> None:
    made = report.specialist(**GIVEN, out=str(tmp_path), save=True)
    assert made.path == tmp_path / "2025-10" / "anna-petrova.json"
    assert json_file.load(made.path) == json.loads(json.dumps(made.card))
    found = shown(made, SECTIONS)
    assert {"header", "total", "scorecard", "figures", "definitions"} <= set(found)
    assert sum(map(len, found.values())) < 400_000


@pytest.mark.parametrize("period", ["2025-W41", "2024"])
def test_other_periods_make_reports_too(tmp_path: Path, period: str) -> None:
    found = shown(report.specialist(**GIVEN | {"period": period}, out=str(tmp_path)), SECTIONS)
    assert words("ru").period(period) in found["header"]


def test_relative_folders_start_at_the_project_inside_notebooks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT / "notebooks")
    assert report.inputs.resolve("data/sample") == ROOT / "data" / "sample"
    monkeypatch.chdir(ROOT)
    assert report.inputs.resolve("data/sample") == Path("data/sample")


@pytest.fixture
def written(tmp_path: Path) -> Path:
    folder = tmp_path / "2025-10"
    folder.mkdir()
    for name, card in cards.team().items():
        json_file.save(card, folder / f"{name}.json")
    json_file.save(cards.card(specialist="left-us", name="Бывший Сотрудник"), folder / "left-us.json")
    json_file.save(cards.card(specialist="oleg-orlov", name="Старый Отчёт"), folder / "oleg-orlov.json")
    (folder / "manifest.json").write_text(json.dumps(cards.manifest()), encoding="utf-8")
    return tmp_path


def department(out: Path) -> DepartmentReport:
    return report.department(
        period="2025-10", data=GIVEN["data"], params=GIVEN["params"], out=str(out), save=True
    )


def test_the_department_names_the_worst_first(written: Path) -> None:
    found = shown(department(written), DEPARTMENT)
    assert list(found) == ["header", "people", "groups", "shocks", "data"], "three share no KPI of shares"
    people = ("oleg-orlov", "Мария Сидорова", "Анна Петрова", "Иван Кузнецов")
    order = [found["people"].index(name) for name in people]
    assert order == sorted(order)
    assert "did you mean likes?" in found["people"]
    assert "Готовы не все отчёты: 3 из 8. Ещё нет отчётов: Дмитрий Орлов" in found["people"]
    assert 'href="anna-petrova.html"' in found["people"]
    assert found["groups"].count("<h3>") == 3


def test_the_department_keeps_what_it_says_of_everyone(written: Path) -> None:
    made = department(written)
    kept = json.loads((written / "2025-10" / "department" / "department.json").read_text(encoding="utf-8"))
    assert kept == made.view
    assert {found["specialist"] for found in kept["exceptions"]} >= {"anna-petrova"}


def answering(who: str, name: str, value: float, volume: float) -> cards.Card:
    """A person who is judged by answers in time alone."""
    (rate,) = [record for record in cards.entries() if record["kpi"] == "response_rate"]
    return cards.card(specialist=who, name=name) | {
        "kpis": [rate | {"value": value, "numerator": value * volume, "denominator": volume}]
    }


def test_people_who_differ_by_more_than_chance_are_named() -> None:
    team = [answering("a", "Анна", 0.96, 500.0), answering("b", "Борис <b>", 0.6, 100.0)]
    team += [answering(f"p{n}", f"П{n}", 0.95 + n / 300, 400.0) for n in range(5)]
    found = shown(DepartmentReport("2025-10", team, {}, "ru", "RUB"), ["funnels"])["funnels"]
    assert "Значимо отличаются: Борис &lt;b&gt; (60\u202f%)." in found
    assert 'aria-label="Ответы в срок (SLA) по объёму (обращений). Общий уровень ' in found
    calm = shown(DepartmentReport("2025-10", team[2:], {}, "en", "RUB"), ["funnels"])["funnels"]
    assert "No difference beyond chance." in calm


def test_accounts_that_differ_are_named_with_their_holder() -> None:
    one, two = answering("a", "Анна", 0.95, 900.0), answering("b", "Борис", 0.95, 900.0)
    parts = [("vk-roastery", 0.96), ("tg-roastery", 0.5), *((f"other-{n}", 0.94 + n / 200) for n in range(6))]
    for card, share in ((one, parts[:2]), (two, parts[2:])):
        card["kpis"][0]["accounts"] = [
            {"account_id": name, "value": value, "denominator": 300.0} for name, value in share
        ]
    found = shown(DepartmentReport("2025-10", [one, two], {}, "ru", "RUB"), ["funnels"])["funnels"]
    assert "Telegram, Анна (50" in found


def test_the_department_shows_no_report_of_another_run(written: Path) -> None:
    """An old scorecard of someone who left, or whose report failed this time, is not this period's truth."""
    html = "".join(shown(department(written), DEPARTMENT).values())
    assert "Бывший Сотрудник" not in html and "Старый Отчёт" not in html


def test_a_failed_report_is_told_by_the_name_of_the_person(written: Path) -> None:
    record = cards.manifest()
    record["reports"]["timur-safin"] = record["reports"]["oleg-orlov"]
    (written / "2025-10" / "manifest.json").write_text(json.dumps(record), encoding="utf-8")
    assert '<th scope="row">Тимур Сафин</th>' in shown(department(written), DEPARTMENT)["people"]


def test_one_report_of_six_is_one_of_six(tmp_path: Path) -> None:
    folder = tmp_path / "2025-10"
    folder.mkdir()
    json_file.save(cards.card(), folder / "anna-petrova.json")
    found = shown(department(tmp_path), DEPARTMENT)
    assert "Готовы не все отчёты: 1 из 6. Ещё нет отчётов: Дмитрий Орлов, " in found["people"]
    assert "Анна Петрова, лиды: 34 при плане 55" in found["header"]


def test_the_sentence_of_the_month_is_about_the_largest_losses() -> None:
    team = list(cards.team().values())
    found = shown(DepartmentReport("2025-10", team, {}, "en", "RUB"), ["header"])["header"]
    assert "Анна Петрова, leads: 34 against a target of 55, significantly less" in found
    assert "Мария Сидорова," not in found


def test_nothing_assessed_is_not_nought_of_nought() -> None:
    found = shown(DepartmentReport("2025-10", [cards.unassessable()], {}, "ru", "RUB"), DEPARTMENT)
    assert "Планы оценить нельзя." in found["header"] and "итог не определён" in found["people"]
    assert "0 план" not in found["people"]


def interim(name: str) -> cards.Card:
    note = {"code": "interim", "as_of": "2025-10-15T00:00:00+03:00"}
    record = cards.single() | {"name": name, "notes": [note], "interim": True}
    early = cards.entries()[7] | {"notes": [{"code": "interim_change"}]}
    return record | {"kpis": [*record["kpis"], early]}


def test_an_unfinished_period_is_said_once() -> None:
    made = DepartmentReport("2025-10", [interim("А"), interim("Б")], {}, "ru", "RUB")
    found = shown(made, DEPARTMENT)
    assert found["header"].count("-й день из 31") == 1
    assert "Все показатели идут по плану." in found["header"]
    assert "-й день из 31" not in found["people"]


def test_a_report_that_alone_is_unfinished_is_named() -> None:
    made = DepartmentReport("2025-10", [interim("А"), cards.single()], {}, "ru", "RUB")
    found = shown(made, DEPARTMENT)
    assert "-й день" not in found["header"]
    assert ">А</a> <small>31-й день из 31</small>" in found["people"]


def test_people_of_one_name_have_rows_of_their_own() -> None:
    first, second = cards.single(), cards.single() | {"specialist": "anna-petrova-2"}
    second["kpis"][0] |= {"attained": False, "attainment": 0.5}
    made = DepartmentReport("2025-10", [first, second], {}, "ru", "RUB")
    found = shown(made, ["groups"])["groups"]
    assert found.count("k-on-good") == found.count("k-on-bad") == 1


def test_the_department_without_a_manifest_reads_what_is_there(written: Path) -> None:
    (written / "2025-10" / "manifest.json").unlink()
    assert len(department(written).cards) == 5


def test_the_department_without_reports_says_so(tmp_path: Path) -> None:
    found = shown(department(tmp_path), DEPARTMENT)
    assert "Отчётов за этот период нет." in found["header"]
    assert set(found) == {"header"}


def test_a_broken_manifest_is_named(written: Path) -> None:
    (written / "2025-10" / "manifest.json").write_text("[]", encoding="utf-8")
    with pytest.raises(InputError, match=r"manifest\.json: the manifest of a run is expected"):
        department(written)


def test_no_name_of_a_team_becomes_markup(tmp_path: Path) -> None:
    made = DepartmentReport("2025-10", [cards.hostile()], {cards.SCRIPT: cards.SCRIPT}, "ru", "RUB")
    assert "<script" not in "".join(shown(made, DEPARTMENT).values())


NOTEBOOKS = {
    "specialist_report": ["specialist", "period", "as_of", "data", "params", "out", "save"],
    "department_report": ["period", "data", "params", "out", "save"],
}


@pytest.mark.parametrize(("name", "expected"), NOTEBOOKS.items())
def test_notebooks_declare_exactly_their_parameters(name: str, expected: list[str]) -> None:
    notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
    nbformat.validate(notebook)
    first = notebook.cells[0]
    assert first.metadata.tags == ["parameters"]
    assert [line.split(" = ")[0] for line in first.source.splitlines()] == expected


def test_notebooks_show_every_section() -> None:
    for name, sections in (("specialist_report", SECTIONS), ("department_report", DEPARTMENT)):
        notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
        calls = [cell.source for cell in notebook.cells[2:]]
        assert calls == [f"this.{section}()" for section in sections]


def test_the_id_of_a_department_report_is_no_specialist() -> None:
    assert "index" in params.RESERVED_IDS


def test_the_stylesheet_can_be_shown_inside_jupyter() -> None:
    html = report.style()._repr_html_()
    assert html.startswith("<style>@scope (.kpi-report) {") and ":scope {" in html and "&gt;" not in html
