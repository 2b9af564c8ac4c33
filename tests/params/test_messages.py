"""What people get wrong in params: one sentence with the file, the line, what was found, what to write."""

from __future__ import annotations

from pathlib import Path

import pytest
from builders import write_data

from kpi_kit.cli.main import main
from kpi_kit.core.errors import InputError
from kpi_kit.params import load

HEAD = "name: Анна\naccounts: [vk-a]\nkpis:\n"
ENTRY = "- {kpi: leads, target: {at_least: 4}, weight: 10}\n"
OTHER = "- {kpi: likes, target: {at_least: 4}, weight: 10}\n"
MILESTONE = (
    "- {{kpi: subscribers, target: {{at_least: 9, by: {}, from: {{value: 3, on: {}}}}}, weight: 20}}\n"
)


def kpi(text: str) -> str:
    return HEAD + "- {" + text + ", weight: 10}\n"


CASES = {
    "comma in a share": (kpi("kpi: churn_rate, target: {at_most: 2,5%}"), 4, "write at_most: 2.5%"),
    "comma in a number": (kpi("kpi: leads, target: {at_least: 1,5}"), 4, "write at_least: 1.5"),
    "comma below": (
        HEAD + "- kpi: churn_rate\n  target: {at_least: 3,\n    worst: 1,5%}\n  weight: 1\n",
        6,
        "write worst: 1.5%",
    ),
    "weight as a share": (HEAD + ENTRY.replace("10}", "20%}"), 4, "without %, found 20%; write 20"),
    "day first": (HEAD + MILESTONE.format("31.12.2025", "2024-12-31"), 4, "write 2025-12-31"),
    "day first, nested": (HEAD + MILESTONE.format("2025-12-31", "31/12/2024"), 4, "write 2024-12-31"),
    "no such day": (HEAD + MILESTONE.format("2025-12-32", "2024-12-31"), 4, "found 2025-12-32"),
    "day first, account": (
        HEAD.replace("[vk-a]", "[{account: vk-a, since: 01.03.2025}]") + ENTRY,
        2,
        "write 2025-03-01",
    ),
    "empty": ("", None, "the file is empty"),
    "comments alone": ("# later\n", None, "the file is empty"),
    "cp1251": ((HEAD + ENTRY).encode("cp1251"), None, "Windows-1251; save the file as UTF-8"),
    "utf-16": ((HEAD + ENTRY).encode("utf-16"), None, "UTF-16; save the file as UTF-8"),
    "tab": (HEAD + "\t" + ENTRY, 4, "indent with spaces"),
    "no hyphens": (HEAD + "  {kpi: leads, target: {at_least: 4}, weight: 1}\n", 3, "- {kpi: …}"),
    "no hyphens below": (HEAD + "  kpi: leads\n  weight: 1\n", 3, "a hyphen begins each entry"),
    "second hyphen missing": (HEAD + ENTRY + OTHER[2:], None, "line 5 lacks the hyphen"),
    "long dash": (HEAD + "–" + ENTRY[1:], 4, "long dash"),
    "indented key": ("name: Анна\n  accounts: [vk-a]\nkpis:\n" + ENTRY, 2, "indented"),
    "ragged entry": (HEAD + "- kpi: leads\n target: {at_least: 4}\n  weight: 1\n", 5, "same column"),
    "no space": ("name:Анна\nkpis:\n" + ENTRY, 2, "line 1 lacks a space after the colon"),
    "two colons": ("name: Анна: SMM\nkpis:\n" + ENTRY, 1, "quotation marks"),
    "open bracket": (HEAD + ENTRY.rstrip("}\n"), None, "bracket is not closed"),
    "open quote": (HEAD.replace("Анна", '"Анна') + ENTRY, None, "quotation mark is not closed"),
    "twice": ("name: Анна\n" + HEAD + ENTRY, 2, "a key can stand only once"),
    "share over 1": (kpi("kpi: churn_rate, target: {at_most: 3}"), 4, "write 3% or 0.03"),
    "spaces in a number": (kpi("kpi: leads, target: {at_least: 1 000}"), 4, "write 1000"),
    "unknown key": (HEAD + ENTRY + OTHER.replace("weight", "wieght"), 5, "did you mean weight?"),
    "no list": (HEAD.replace("[vk-a]", "vk-a") + ENTRY, 2, "a list is expected, found 'vk-a'; write [vk-a]"),
    "list of keys": (
        HEAD.replace("[vk-a]", "{vk-a: 2025-01-01}") + ENTRY,
        2,
        "expected, found {vk-a: 2025-01-01}",
    ),
    "empty entry": (HEAD.replace("[vk-a]", "\n-") + ENTRY, 3, "a text is expected, found nothing"),
    "a word as weight": (HEAD + ENTRY.replace("10}", "yes}"), 4, "expected a number, e.g. 40"),
    "no weight": (HEAD + ENTRY + OTHER.replace(", weight: 10", ""), 5, "weight: this key is missing"),
    "bare target": (kpi("kpi: leads, target: 40"), 4, "write {at_least: 40} or {at_most: 40}"),
    "bare target of a month": (
        HEAD + "- kpi: leads\n  weight: 1\n  target:\n    schedule:\n      2025-10: 3\n",
        8,
        "write {at_least: 3} or {at_most: 3}",
    ),
    "band as text": (kpi("kpi: leads, target: {between: 4-9}"), 4, "found '4-9'; write [4, 9]"),
    "band of one": (kpi("kpi: leads, target: {between: [4]}"), 4, "entry 2: this entry is missing"),
    "band upside down": (kpi("kpi: leads, target: {between: [9, 4]}"), 4, "must be under the second"),
    "share in words": (kpi("kpi: churn_rate, target: {at_most: '2,5 процента'}"), 4, "write 2.5%"),
    "sign before a number": (kpi("kpi: leads, target: {at_least: '>= 40'}"), 4, "write 40"),
    "percent sign in front": (
        kpi("kpi: churn_rate, target: {at_most: %3}"),
        4,
        "behind the number, as in 3%",
    ),
    "two KPIs in one": (kpi("kpi: [leads, likes], target: {at_least: 4}"), 4, "a text is expected, found ['"),
    "KPIs as words": (HEAD + "- leads\n", 4, "write {kpi: leads, target: {at_least: …}, weight: …}"),
    "no KPIs": (HEAD, 3, "found nothing; a hyphen begins each entry"),
    "Cyrillic letter": (HEAD + ENTRY.replace("kpi:", "kрi:"), 4, "mean kpi? (it mixes Latin and Cyrillic"),
    "money": ("variable_pay: 40 000 ₽\n" + HEAD + ENTRY, 1, "write 40000"),
    "day with slashes": (HEAD + MILESTONE.format("2025/12/31", "2024-12-31"), 4, "write 2025-12-31"),
    "account twice": (
        HEAD.replace("[vk-a]", "\n- vk-b\n- vk-a\n- vk-a") + ENTRY,
        5,
        "entry 3 (vk-a): given twice",
    ),
    "away backwards": (
        "absences:\n- {since: 2025-01-01, until: 2025-01-05}\n- {since: 2025-10-10, until: 2025-10-01}\n"
        + HEAD
        + ENTRY,
        3,
        "absences, entry 2: since 2025-10-10 must be before",
    ),
    "notebook": ("notebook: ../anna.py\n" + HEAD + ENTRY, 1, "the name of a notebook such as anna.ipynb"),
    "a list of people": ("- name: Анна\n", 1, "keys with values are expected, found a list"),
    "two documents": (HEAD + ENTRY + "---\nname: Иван\n", 5, "remove the line ---"),
    "star": (HEAD.replace("Анна", "*Анна") + ENTRY, 1, "stands in quotation marks"),
    "non-breaking space": (HEAD + "\u00a0" + ENTRY, 4, "indent with usual spaces"),
}


def write(folder: Path, person: str | bytes, department: str = "agency: Маяк\n") -> Path:
    (folder / "specialists").mkdir()
    (folder / "department.yml").write_text(department, encoding="utf-8")
    content = person if isinstance(person, bytes) else person.encode()
    (folder / "specialists" / "anna.yml").write_bytes(content)
    return folder


@pytest.mark.parametrize("name", CASES)
def test_one_sentence_with_line_and_what_to_write(name: str, tmp_path: Path) -> None:
    text, line, hint = CASES[name]
    problems = load(write(tmp_path, text)).broken["anna"]
    place = f"anna.yml, line {line}: " if line else "anna.yml"
    assert any(place in problem and hint in problem for problem in problems), problems


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("kpi: likes, as: growth, target: {at_least: 10}", "at_least: 10 is 1000 %; write 10%"),
        ("kpi: view_rate, target: {between: [25, 60]}", "between: 25 is 2500 %; write 25%"),
    ],
)
def test_shares_over_1_without_a_percent_sign_are_warned_of(text: str, hint: str, tmp_path: Path) -> None:
    loaded = load(write(tmp_path, kpi(text)))
    assert not loaded.broken and hint in loaded.warnings[0]


@pytest.mark.parametrize("written", ["1000%", "90%", "0.9"])
def test_shares_with_a_percent_sign_are_not(written: str, tmp_path: Path) -> None:
    text = kpi(f"kpi: likes, as: growth, target: {{at_least: {written}}}")
    assert load(write(tmp_path, text)).warnings == ()


@pytest.mark.parametrize(
    ("department", "line", "hint"),
    [
        ("", None, "write agency: …"),
        ("agency: A\nlanguage: русский\n", 2, "allowed: en, ru"),
        ("agency: A\nscoring: {threshold: 80}\n", 2, "found 80; write 80%"),
        ("agency: A\n\ntimezone: MSK\n", 3, "not a time zone"),
        ("agency: A\ntimezone: Москва\n", 2, "not a time zone; write one such as Europe/Moscow"),
        ("agency: A\ncurrency: рубли\n", 2, "three capital letters such as RUB"),
        ("agency: A\nresponse: {hours: 9-18}\n", 2, "hours: a list is expected, found '9-18'; write [9, 18]"),
        ("agency: A\nresponse: {hours: [9, 25]}\n", 2, "hours, entry 2: expected at most 24, found 25"),
        ("agency: A\nresponse: {hours: {пн: [9, 18]}}\n", 2, "hours.пн: expected weekdays such as mon-fri"),
        ("agency: A\naudience: {accept: {vk-a: 2025-10-31}}\n", 2, "write [2025-10-31]"),
    ],
)
def test_the_department_likewise(department: str, line: int | None, hint: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as fault:
        load(write(tmp_path, HEAD + ENTRY, department))
    (problem,) = fault.value.problems
    assert (f"department.yml, line {line}: " if line else "department.yml: ") in problem and hint in problem


@pytest.mark.parametrize(
    ("events", "line", "hint"),
    [
        ("events:\n- {title: A, on: 31.12.2025}\n", 2, "write 2025-12-31"),
        ("events:\n- {title: A, on: 2025-10-01}\n- {title: B,\n   kind: выходной}\n", 4, "allowed: blocking"),
        ("events:\n\n- {title: A, since: 2025-10-05, until: 2025-10-01}\n", 3, "must be before until"),
        ("events:\n- {title: A, on: 2025-10-01, platforms: vk}\n", 2, "write [vk]"),
        ("- {title: A, on: 2025-10-01}\n", 1, "found a list"),
    ],
)
def test_events_have_lines(events: str, line: int, hint: str, tmp_path: Path) -> None:
    (tmp_path / "events.yml").write_text(events, encoding="utf-8")
    with pytest.raises(InputError) as fault:
        load(write(tmp_path, HEAD + ENTRY))
    assert any(f"events.yml, line {line}: " in text and hint in text for text in fault.value.problems)


def test_titles_stand_for_ids_and_check_names_each_id_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    titled = "- {kpi: доля  ОТПИСОК, target: {at_most: 3%}, weight: 10}\n"
    narrowed = titled.replace("weight", "accounts: [vk-a], weight")
    folder = write(tmp_path, HEAD + titled + narrowed + "- {kpi: Leads, target: {at_least: 4}, weight: 10}\n")
    loaded = load(folder)
    assert [entry.kpi for entry in loaded.specialists["anna"].kpis] == ["churn_rate", "churn_rate", "leads"]
    assert loaded.warnings == ()
    data = write_data(
        tmp_path / "data", {"accounts": [{"account_id": "vk-a", "platform": "vk", "title": "A"}]}
    )
    assert main(["check", "--data", str(data), "--params", str(folder), "--period", "2025-10"]) == 0
    told = [line for line in capsys.readouterr().out.splitlines() if "anna.yml" in line]
    assert told == [
        f"{folder}/specialists/anna.yml, строка 4: «доля  ОТПИСОК» — это churn_rate",
        f"{folder}/specialists/anna.yml, строка 6: «Leads» — это leads",
    ]
