"""What people get wrong in params: one sentence with the file, the line, what was found, what to write."""

from __future__ import annotations

from pathlib import Path

import pytest

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
    "title": (kpi("kpi: Доля отписок, target: {at_most: 3%}"), 4, "write churn_rate"),
    "english title": (kpi("kpi: churn Rate, target: {at_most: 3%}"), 4, "write churn_rate"),
    "share over 1": (kpi("kpi: churn_rate, target: {at_most: 3}"), 4, "write 3% or 0.03"),
    "spaces in a number": (kpi("kpi: leads, target: {at_least: 1 000}"), 4, "write 1000"),
    "unknown key": (HEAD + ENTRY + OTHER.replace("weight", "wieght"), 5, "did you mean weight?"),
    "no list": (HEAD.replace("[vk-a]", "vk-a") + ENTRY, 2, "a list is expected"),
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
    ],
)
def test_the_department_likewise(department: str, line: int | None, hint: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as fault:
        load(write(tmp_path, HEAD + ENTRY, department))
    (problem,) = fault.value.problems
    assert (f"department.yml, line {line}: " if line else "department.yml: ") in problem and hint in problem
