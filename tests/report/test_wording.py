"""Words: numbers, units, periods, names, targets and notes; and that no word is missing or unused."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from kpi_kit.core.model import Better, Unit
from kpi_kit.core.periods import Grain
from kpi_kit.core.schema import LEFT, PLATFORMS, SENTIMENTS, TABLES
from kpi_kit.kpis import CATALOGUE, FAMILIES
from kpi_kit.params.targets import Kind
from kpi_kit.report import payout
from kpi_kit.report.parts import titles
from kpi_kit.report.wording import LANGUAGES, Form, Words, form, messages, words
from kpi_kit.scorecard import alerts
from kpi_kit.scorecard.archive import FIELDS
from kpi_kit.scorecard.platform_shocks import MEASURES
from kpi_kit.scorecard.sensitivity import REPORTED
from kpi_kit.scorecard.smart_audit import LETTERS
from kpi_kit.scorecard.unusual_days import MEASURES as DAILY
from tests import cards

PACKAGE = Path(__file__).parents[2] / "kpi_kit"
NARROW, SPACE = "\u202f", "\u00a0"


def spaced(text: str) -> str:
    """Show both kinds of unbreakable space as plain ones, so that expectations are readable."""
    return text.replace(NARROW, " ").replace(SPACE, " ")


@pytest.fixture
def ru() -> Words:
    return words("ru", "RUB")


@pytest.fixture
def en() -> Words:
    return words("en", "RUB")


COUNTS = [
    # value, Russian, English
    (0, "0 постов", "0 posts"),
    (1, "1 пост", "1 post"),
    (2, "2 поста", "2 posts"),
    (5, "5 постов", "5 posts"),
    (11, "11 постов", "11 posts"),
    (21, "21 пост", "21 posts"),
    (1.5, "1,5 поста", "1.5 posts"),
    (-3, "−3 поста", "−3 posts"),
    (1234567, "1 234 567 постов", "1,234,567 posts"),
    (9999999999, "9 999 999 999 постов", "9,999,999,999 posts"),
]


@pytest.mark.parametrize(("value", "russian", "english"), COUNTS)
def test_counts_take_the_form_that_the_number_asks_for(
    ru: Words, en: Words, value: float, russian: str, english: str
) -> None:
    assert spaced(ru.amount(value, Form("posts"))) == russian
    assert spaced(en.amount(value, Form("posts"))) == english


SHARES = [
    # value, as a share, as a difference of shares
    (0.0, "0 %", "0 п. п."),
    (0.00004, "0 %", "0 п. п."),
    (0.00123, "0,12 %", "+0,12 п. п."),
    (0.0205, "2,1 %", "+2,1 п. п."),
    (0.03, "3 %", "+3 п. п."),
    (0.4125, "41,3 %", "+41,3 п. п."),
    (1.0, "100 %", "+100 п. п."),
    (12.3456, "1 235 %", "+1 235 п. п."),
    (-0.0521, "−5,2 %", "−5,2 п. п."),
]


@pytest.mark.parametrize(("value", "share", "difference"), SHARES)
def test_shares_are_per_cent_and_their_differences_are_points(
    ru: Words, value: float, share: str, difference: str
) -> None:
    assert spaced(ru.value(value, Form("share"))) == share
    assert spaced(ru.value(value, Form("share", difference=True, signed=True))) == difference


HOURS = [
    (0.0, "0 мин", "0 min"),
    (0.5, "30 мин", "30 min"),
    (1.0, "1 ч", "1 h"),
    (3.3333333, "3 ч 20 мин", "3 h 20 min"),
    (1.9999, "2 ч", "2 h"),
    (26.25, "26 ч 15 мин", "26 h 15 min"),
    (123.4, "123 ч", "123 h"),
    (-1.5, "−1 ч 30 мин", "−1 h 30 min"),
]


@pytest.mark.parametrize(("value", "russian", "english"), HOURS)
def test_hours_are_hours_and_minutes(ru: Words, en: Words, value: float, russian: str, english: str) -> None:
    assert spaced(ru.value(value, Form("hours"))) == russian
    assert spaced(en.value(value, Form("hours"))) == english


MONEY = [
    # value, currency, Russian, English
    (410000.0, "RUB", "410 000 ₽", "RUB 410,000"),
    (0.0, "RUB", "0 ₽", "RUB 0"),
    (-1500.4, "RUB", "−1 500 ₽", "−RUB 1,500"),
    (12.5, "USD", "13 $", "$13"),
    (12.5, "KZT", "13 KZT", "KZT 13"),
]


@pytest.mark.parametrize(("value", "currency", "russian", "english"), MONEY)
def test_money_has_the_sign_of_its_currency(value: float, currency: str, russian: str, english: str) -> None:
    assert spaced(words("ru", currency).value(value, Form("money"))) == russian
    assert spaced(words("en", currency).value(value, Form("money"))) == english


def test_a_bonus_is_written_to_the_last_cent(ru: Words) -> None:
    assert [spaced(ru.money(value)) for value in (8200.0, 8200.5)] == ["8 200 ₽", "8 200,50 ₽"]


def test_numbers_and_units_never_part_at_the_end_of_a_line(ru: Words) -> None:
    for text in (
        ru.value(0.5, Form("share")),
        ru.money(410000.0),
        ru.count(1000, "posts"),
        ru.value(1.5, Form("hours")),
        ru.delta(0.05, "share"),
    ):
        assert " " not in text


PERIODS = [
    ("2025-10", "октябрь 2025", "за октябрь 2025", "окт 25", "October 2025", "in October 2025"),
    ("2025-Q4", "IV квартал 2025", "за IV квартал 2025", "IV кв. 25", "Q4 2025", "in Q4 2025"),
    (
        "2025-W41",
        "41-я неделя 2025 (6–12 октября)",
        "за 41-ю неделю 2025 (6–12 октября)",
        "нед. 41",
        "week 41 of 2025 (6–12 October)",
        "in week 41 of 2025 (6–12 October)",
    ),
    (
        "2026-W01",
        "1-я неделя 2026 (29 декабря – 4 января)",
        "за 1-ю неделю 2026 (29 декабря – 4 января)",
        "нед. 1",
        "week 1 of 2026 (29 December – 4 January)",
        "in week 1 of 2026 (29 December – 4 January)",
    ),
    ("2025", "2025 год", "за 2025 год", "2025", "2025", "in 2025"),
]


@pytest.mark.parametrize(("text", "name", "during", "short", "english", "english_during"), PERIODS)
def test_periods_have_names(
    ru: Words, en: Words, text: str, name: str, during: str, short: str, english: str, english_during: str
) -> None:
    assert (ru.period(text), ru.during(text), ru.short(text)) == (name, during, short)
    assert (en.period(text), en.during(text)) == (english, english_during)


OF = [
    ("2025-11", "ноября 2025", "November 2025"),
    ("2025-Q4", "IV квартала 2025", "Q4 2025"),
    ("2025-W41", "41-й недели 2025 (6–12 октября)", "week 41 of 2025 (6–12 October)"),
    ("2026", "2026 года", "2026"),
]


@pytest.mark.parametrize(("text", "russian", "english"), OF)
def test_what_belongs_to_a_period(ru: Words, en: Words, text: str, russian: str, english: str) -> None:
    assert (ru.of(text), en.of(text)) == (russian, english)


DELTAS = [
    # value, unit, Russian, English
    (0.0, "leads", "0 лидов", "0 leads"),
    (1.0, "leads", "+1 лид", "+1 lead"),
    (-5.02, "leads", "−5 лидов", "−5 leads"),
    (15.333, "leads", "+15,3 лида", "+15.3 leads"),
    (-294.03, "people", "−294 человека", "−294 people"),
    (295.4, "people", "+295 человек", "+295 people"),
    (0.004, "leads", "+0,004 лида", "+0.004 leads"),
    (0.0708, "share", "+7,1 п. п.", "+7.1 pp"),
    (-0.000004, "share", "−0,0004 п. п.", "−0.0004 pp"),
    (-0.001, "hours", "−0,001 ч", "−0.001 h"),
    (1.5, "hours", "+1 ч 30 мин", "+1 h 30 min"),
    (-1500.4, "money", "−1 500 ₽", "−RUB 1,500"),
]


@pytest.mark.parametrize(("value", "unit", "russian", "english"), DELTAS)
def test_differences_are_short_and_never_look_like_none(
    ru: Words, en: Words, value: float, unit: str, russian: str, english: str
) -> None:
    assert spaced(ru.delta_amount(value, unit)) == russian
    assert spaced(en.delta_amount(value, unit)) == english


def test_days_stand_in_the_right_case(ru: Words, en: Words) -> None:
    assert ru.day("2025-11-08") == "8 ноября 2025"
    assert ru.moment("2025-11-08T00:00:00+03:00") == "8 ноября 2025"
    assert ru.moment("2025-10-20T12:30:00+03:00") == "20 октября 2025, 12:30"
    assert ru.last_day("2025-11-01") == "31 октября 2025"
    assert en.day("2025-11-08") == "8 November 2025"


ATTAINMENTS = [
    (0.0, "0 %"),
    (0.7999, "79 %"),
    (0.796, "79 %"),
    (0.8, "80 %"),
    (0.906, "91 %"),
    (0.9049, "90 %"),
    (0.999, "99 %"),
    (1.0, "100 %"),
    (1.286, "129 %"),
]


@pytest.mark.parametrize(("value", "text"), ATTAINMENTS)
def test_a_miss_of_the_threshold_or_of_the_target_never_reads_as_a_hit(
    ru: Words, value: float, text: str
) -> None:
    assert spaced(ru.attainment(value, 0.8)) == text


def test_without_a_threshold_only_the_target_is_a_bound(ru: Words) -> None:
    assert [spaced(ru.attainment(value)) for value in (0.7999, 0.9999)] == ["80 %", "99 %"]


TOTALS = [(0.9079, "90,8 %"), (1.0, "100,0 %"), (0.80678865, "80,7 %"), (0.99996, "100,0 %")]


@pytest.mark.parametrize(("value", "text"), TOTALS)
def test_totals_are_rounded_like_the_arithmetic_beside_them(ru: Words, value: float, text: str) -> None:
    assert spaced(ru.total(value)) == text


def test_quotation_marks_inside_quotation_marks_are_the_inner_ones(ru: Words, en: Words) -> None:
    assert ru.quote("Рост (бренд «school»)") == "«Рост (бренд „school“)»"
    assert en.quote("Growth (brand “school”)") == "“Growth (brand ‘school’)”"


def record(
    value: float, unit: str, target: Any, kind: str = "at_least", as_: str = "value"
) -> dict[str, Any]:
    return {"value": value, "unit": unit, "as": as_, "target": {"kind": kind, "value": target, "base": None}}


TARGETS = [
    (record(1284.0, "people", 1000.0), "1 284", "≥ 1 000"),
    (record(0.9996, "share", 1.0), "99,96 %", "≥ 100 %"),
    (record(0.0301, "share", 0.03, "at_most"), "3,01 %", "≤ 3 %"),
    (record(0.03, "share", 0.03, "at_most"), "3 %", "≤ 3 %"),
    (record(33849.0, "people", 33849.3), "33 849", "≥ 33 850"),
    (record(323.0, "people", 322.58), "323", "≥ 323"),
    (record(322.0, "people", 322.58, "at_most"), "322", "≤ 322"),
    (record(0.22, "share", [0.25, 0.6], "between"), "22 %", "25–60 %"),
    (record(0.12, "share", 0.1, as_="growth"), "+12 %", "≥ +10 %"),
    (record(-0.004, "share", 0.01, as_="change"), "−0,4 п. п.", "≥ +1 п. п."),
    (record(3.99, "hours", 4.0, "at_most"), "3 ч 59 мин", "≤ 4 ч"),
    (record(410000.0, "money", 400000.0), "410 000 ₽", "≥ 400 000 ₽"),
]


@pytest.mark.parametrize(("entry", "fact", "target"), TARGETS)
def test_fact_and_target_are_fine_enough_to_tell_apart(
    ru: Words, entry: dict[str, Any], fact: str, target: str
) -> None:
    assert (spaced(ru.fact(entry)), spaced(ru.target(entry))) == (fact, target)


def test_targets_are_spelled_out(ru: Words, en: Words) -> None:
    band = record(0.22, "share", [0.25, 0.6], "between")
    assert spaced(ru.target(band, spelled=True)) == "от 25 % до 60 %"
    assert en.target(record(5.0, "leads", 55.0), spelled=True) == "at least 55"


ENTRIES = [
    ({"kpi": "likes", "as": "value", "versus": "previous", "scope": None}, "Лайки"),
    ({"kpi": "likes", "as": "growth", "versus": "previous", "scope": None}, "Рост лайков к прошлому месяцу"),
    (
        {"kpi": "leads", "as": "change", "versus": "year_ago", "scope": None},
        "Изменение лидов за год",
    ),
    (
        {
            "kpi": "subscribers",
            "as": "value",
            "versus": "previous",
            "scope": {"platforms": ["vk"], "accounts": ["a"]},
        },
        "Подписчики (ВКонтакте, Маяк)",
    ),
    (
        {
            "kpi": "brand_mentions",
            "as": "value",
            "versus": "previous",
            "scope": {"brands": ["school"]},
            "notes": [{"code": "sentiment_filter", "sentiments": ["positive", "neutral"]}],
        },
        "Упоминания бренда (бренд «school», позитивные, нейтральные)",
    ),
]


@pytest.mark.parametrize(("entry", "name"), ENTRIES)
def test_entries_are_named_by_what_is_meant(ru: Words, entry: dict[str, Any], name: str) -> None:
    assert ru.entry(entry, "month", {"a": "Маяк"}) == name


def test_a_brand_and_a_colleague_are_called_by_their_titles(ru: Words) -> None:
    called = {"school": "Вслух", "ivan": "Иван Кузнецов"}
    card = cards.card("ru", called=called)
    named = titles(card, ru)
    assert called.items() <= named.items()
    assert ru.entry({**ENTRIES[-1][0], "notes": []}, "month", named) == "Упоминания бренда (бренд «Вслух»)"
    gap = {"table": "mentions", "brand": "school", "days": [["2025-10-01", "2025-10-03"]]}
    notes = [
        {"code": "not_tiled", "brand": "school", "phrase": None},
        {"code": "not_covered", "coverage": 0.5, "minimum": 0.9, "tables": ["mentions"], "missing": [gap]},
        {"code": "absence", "since": "2025-10-01", "until": "2025-10-03", "deputy": "ivan"},
        {"code": "deputy", "since": "2025-10-01", "until": "2025-10-03", "for": "ivan"},
    ]
    told = " ".join(ru.note(note, named) for note in notes)
    assert told.count("«Вслух»") == 2 and told.count("Иван Кузнецов") == 2
    assert not re.search("school|ivan", told)


NOTES = [
    ({"code": "posts_unsettled", "count": 1}, "1 пост ещё набирает статистику."),
    ({"code": "posts_unsettled", "count": 22}, "22 поста ещё набирают статистику."),
    ({"code": "posts_unsettled", "count": 111}, "111 постов ещё набирают статистику."),
    (
        {"code": "not_covered", "coverage": 0.899, "minimum": 0.9, "tables": ["posts", "plan"]},
        "Данные есть только за 89 % дней периода, а нужно не меньше 90 % (таблицы: посты, контент-план).",
    ),
    (
        {"code": "not_tiled", "brand": "b", "phrase": None},
        "Строки брендовых запросов не покрывают период точно (бренд «b»).",
    ),
    (
        {"code": "not_tiled", "brand": "b", "phrase": "кофе"},
        "Строки брендовых запросов не покрывают период точно (бренд «b», фраза «кофе»).",
    ),
    (
        {"code": "account_left_out", "account_id": "a", "reason": "partly_held"},
        "Аккаунт «Маяк» исключён из сравнения с прошлыми периодами: он закреплён лишь на часть периода.",
    ),
    (
        {"code": "target_prorated", "share": 0.6129, "why": "interim"},
        "Цель пересчитана на прошедшую часть периода (61 %).",
    ),
    (
        {"code": "absence", "since": "2025-07-14", "until": "2025-07-28", "deputy": None},
        "Отсутствие 14 июля 2025 – 27 июля 2025, без замещения. Эти дни в показатели не входят.",
    ),
    ({"code": "mentions_negative", "count": 0, "share": None}, "Негативных упоминаний: 0 (—)."),
]


def test_a_reason_names_the_account_the_platform_and_the_days(ru: Words, en: Words) -> None:
    note = {
        "code": "not_covered",
        "coverage": 0.48,
        "minimum": 0.9,
        "tables": ["posts"],
        "missing": [
            {
                "table": "posts",
                "account_id": "a",
                "platform": "telegram",
                "days": [["2025-10-01", "2025-10-17"]],
            },
            {"table": "posts", "account_id": "b", "platform": "vk", "days": [["2025-10-31", "2025-11-01"]]},
        ],
    }
    titles = {"a": "Зерно и пар", "b": "Маяк"}
    assert spaced(ru.note(note, titles)).endswith(
        "нет постов «Зерно и пар» в Telegram за 1–16 октября; нет постов «Маяк» во ВКонтакте за 31 октября."
    )
    assert "no posts for “Зерно и пар” on Telegram" in spaced(en.note(note, titles))


def test_too_many_unknown_values_name_the_table_the_account_and_the_days(ru: Words, en: Words) -> None:
    rows = {"table": "leads", "account_id": "a", "platform": "vk", "count": 4}
    days = [["2025-10-03", "2025-10-06"], ["2025-10-09", "2025-10-10"]]
    note = {"code": "too_many_unknown", "count": 4, "total": 9, "missing": [{**rows, "days": days}]}
    assert spaced(ru.note(note, {"a": "Маяк"})) == (
        "Пустых значений 4 из 9 (лиды «Маяк» во ВКонтакте за 3–5 октября, 9 октября) — слишком много, "
        "чтобы доверять результату."
    )
    assert "(leads for “Маяк” on VK, 3–5 October, 9 October)" in spaced(en.note(note, {"a": "Маяк"}))


@pytest.mark.parametrize(("note", "sentence"), NOTES)
def test_notes_become_sentences(ru: Words, note: dict[str, Any], sentence: str) -> None:
    assert spaced(ru.note(note, {"a": "Маяк"})) == sentence


FULL_NOTE = {
    "count": 3,
    "total": 80,
    "coverage": 0.5,
    "minimum": 0.9,
    "tables": ["posts"],
    "table": "posts",
    "accounts": ["a"],
    "account_id": "a",
    "brand": "b",
    "kpi": "leads",
    "phrase": "c",
    "answered": 3,
    "period": "2025-09",
    "share": 0.5,
    "reason": "partly_held",
    "why": "absence",
    "sentiments": ["positive"],
    "as_of": "2025-11-08T00:00:00+03:00",
    "settled_on": "2025-11-08",
    "for": "d",
    "since": "2025-07-14",
    "until": "2025-07-28",
    "deputy": "d",
    "missing": [
        {"table": "posts", "account_id": "a", "platform": "vk", "days": [["2025-07-14", "2025-07-28"]]}
    ],
    "owners": ["a"],
    "labels": ["USD"],
    "days": ["2025-07-14"],
    "amount": 5.0,
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_form_of_every_note_can_be_filled(language: str) -> None:
    say = words(language)
    for code in say.lookup("note"):
        for count in (0, 1, 2, 5):
            note = FULL_NOTE | {"code": code, "count": count}
            assert "{" not in say.note(note, {})
            assert not say.is_reason(note) or "{" not in say.mend(note, {})


def test_an_unknown_code_fails_loudly_and_by_name(ru: Words) -> None:
    with pytest.raises(KeyError, match=r"ru\.yml has no note\.brand_new"):
        ru.note({"code": "brand_new"}, {})


def test_a_group_is_not_a_text(ru: Words) -> None:
    with pytest.raises(KeyError, match="target is a group"):
        ru.text("target")


def keys(branch: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in branch.items():
        if isinstance(value, Mapping) and not set(value) & {"one", "few", "many", "other"} - {"other"}:
            yield from keys(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def test_both_languages_have_the_same_keys() -> None:
    russian, english = (sorted(keys(messages(language))) for language in LANGUAGES)
    assert russian == english


def test_plural_forms_are_complete() -> None:
    needed = {"ru": {"one", "few", "many"}, "en": {"one", "other"}}
    for language, forms in needed.items():
        for key in keys(messages(language)):
            value = Words(language, "RUB").lookup(key)
            if isinstance(value, Mapping):
                assert set(value) - {"other"} == forms - {"other"}, f"{language}: {key}"


PLAIN = re.compile(r"\{(\w+)\}")


def test_both_languages_fill_the_same_fields() -> None:
    """A field that only one language shows is a fact that the other one hides."""
    allowed = {f"period.{form}.quarter" for form in ("during", "of", "in", "to", "alone")}
    allowed |= {"period.quarter", "period.quarter_mark", "row.plan_so_far"}
    for key in set(keys(messages("ru"))) - allowed:
        fields = []
        for language in LANGUAGES:
            value = Words(language, "RUB").lookup(key)
            texts = value.values() if isinstance(value, Mapping) else [value]
            fields.append({field for text in texts for field in PLAIN.findall(text)})
        assert fields[0] == fields[1], key


CLOSED = {
    "kpi": set(CATALOGUE),
    "family": set(FAMILIES),
    "unit": {str(unit) for unit in Unit} - {"share", "money", "hours", "number"},
    "axis": {*map(str, Unit), "points"},
    "better": set(map(str, Better)),
    "target": set(map(str, Kind)),
    "target_in_words": set(map(str, Kind)),
    "platform": set(PLATFORMS),
    "sentiment": set(SENTIMENTS),
    "table": {*TABLES, LEFT},
    "definition": {REPORTED, *(other.id for kpi in CATALOGUE.values() for other in kpi.alternatives)},
}


@pytest.mark.parametrize(("group", "expected"), CLOSED.items(), ids=CLOSED)
def test_closed_lists_have_exactly_their_words(group: str, expected: set[str]) -> None:
    assert set(messages("ru")[group]) == expected


def sources() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))


def test_every_note_code_of_the_package_has_words() -> None:
    used = set(re.findall(r"Note\(\s*\"(\w+)\"", sources())) | set(
        re.findall(r"\"(\w+_unknown)\"", sources())
    )
    used |= {code for kpi in CATALOGUE.values() for code in kpi.always_noted}
    assert len(used) > 20, "hardly a note was found: has its spelling changed?"
    assert used <= set(messages("ru")["note"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_can_mend_it_is_told_in_sentences(language: str) -> None:
    """No telegrams such as "Analyst: import the exports"."""
    for text in messages(language)["mend"].values():
        assert ":" not in text and text[0].isupper() and text.endswith(".")


def test_every_reason_is_a_note() -> None:
    assert set(messages("ru")["mend"]) <= set(messages("ru")["note"])


LEGEND = "fact latest interim target band control outside week trend shock unusual event beyond".split()
HEADS = "kpi fact plan plan_whole forecast attainment difference verdict significant standard".split()
SECTIONS = "figures plan response posts smart notes people groups year funnels data".split()
DYNAMIC = (
    {
        *CLOSED,
        "note",
        "mend",
        "missing",
        "on_platform",
        "plan_status",
        "status",
        "targets",
        "outcome",
        "plan_of",
        "plan_in_words",
        "why",
        "period",
        "entry",
        "versus",
        "number",
        "verdict",
    }
    | {f"figures.legend.{key}" for key in LEGEND}
    | {f"measure.{name}" for name in MEASURES}
    | {f"smart.{letter}" for letter in LETTERS}
    | {f"smart.finding.{code}" for code in ("empty_scope", "out_of_reach", "already_given")}
    | {f"smart.per.{grain}" for grain in Grain}
    | {f"department.funnel_{strength}" for strength in ("exceptional", "unusual")}
    | {f"smart.set.{code}" for code in ("few_kpis", "many_kpis")}
    | {f"audience.{key}" for key in ("opening", "joined", "left", "closing")}
    | {f"funnel.{key}" for key in ("leads", "qualified", "sold")}
    | {f"payout.{key}" for key in (*payout._HEADS, *payout._CURVE, *payout._MONTH_HEADS)}
    | {f"posts.{key}" for key in ("best", "weakest", "post", "rank", "account", "published")}
    | {f"posts.{key}" for key in ("views", "reach", "likes", "view_rate", "removed")}
    | {f"plan.{key}" for key in ("due", "status", "account", "post")}
    | {f"provenance.{key}" for key in ("data", "params", "notebook")}
    | {f"row.{key}" for key in HEADS}
    | {f"check.scaled.{why}" for why in ("interim", "absence", "held")}
    | {f"people.{key}" for key in ("heading", "name", "total", "paid", "gap", "figures", "why")}
    | {f"page.contents.{key}" for key in SECTIONS}
    | {
        f"step.revise_rows.{code}"
        for code in ("out_of_reach", "already_given", "deadline_passed", "empty_scope")
    }
    | {f"step.{key}" for key in ("catch_up", "stay_within")}
    | {f"row.compared.{versus}" for versus in ("previous", "year_ago")}
    | {f"row.basis.{code}" for code in ("account_left_out", "brand_left_out", "matured_figures")}
    | {f"row.{key}" for key in ("legend", "legend_interim", "legend_way")}
    | {f"step.{key}" for key in ("qualify", "review", "qualify_rows", "review_rows")}
    | {f"lead.worst_{when}change.{way}" for when in ("", "so_far_") for way in ("less", "more")}
    | {f"lead.{key}" for key in ("all", "some", "no", "interim_all", "interim_some", "interim_no")}
    | {f"alerts.{part}.{code}" for part in ("about", "said", "count") for code in alerts.CODES}
    | {f"alerts.{part}.{kind}" for part in ("need", "cell") for kind in ("day_least", "day_most")}
    | {f"alerts.{part}.{kind}" for part in ("need", "cell") for kind in ("rest_least", "rest_most")}
    | {f"alerts.failed.{command}" for command in ("run", "import", "alerts")}
    | {f"anomalies.{key}" for key in ("account", "what", "fact", "usual")}
    | {f"anomalies.measure.{measure.name}" for measure in DAILY}
    | {f"anomalies.kind.{kind}" for kind in ("campaign", "blocking", "holiday", "other")}
    | {f"anomalies.farthest.{way}" for way in ("high", "low")}
    | {f"restated.{key}" for key in ("was", "is")}
    | {f"restated.field.{field}" for field in (*FIELDS, "total", "bonus")}
    | {f"restated.attained.{said}" for said in ("yes", "no")}
    | {f"restated.because.params.{whose}" for whose in ("department", "person", "some")}
    | {f"arithmetic.{key}" for key in ("not_assessable", "target_is_base")}
    | {f"arithmetic.then.{key}" for key in ("reweight", "zero", "hold")}
    | {f"total.not_assessable.{key}" for key in ("reweight", "zero", "hold")}
    | {f"response.calendar.{key}" for key in ("always", "business")}
)
"""Keys that the package builds from a name in the scorecard."""


def test_no_word_is_unused() -> None:
    text = sources()
    sections = set(re.findall(r"_section\(\s*\"(\w+)\"", text))
    for key in keys(messages("ru")):
        built = (
            key in DYNAMIC or key.split(".")[0] in DYNAMIC or key in {f"{name}.heading" for name in sections}
        )
        assert built or re.search(rf"[\"']{re.escape(key)}[\"']", text), f"{key} is used nowhere"


def test_grains_have_words(ru: Words) -> None:
    for grain in Grain:
        assert ru.text(f"period.by.{grain}")
        assert ru.text(f"versus.previous.{grain}")


def test_axes_are_short(ru: Words, en: Words) -> None:
    ticks = [
        (0.05, "share", "5"),
        (28000.0, "people", "28 тыс."),
        (1.5, "hours", "1,5"),
        (-1200.0, "people", "−1 200"),
    ]
    assert [spaced(ru.tick(value, Form(unit))) for value, unit, _ in ticks] == [text for *_, text in ticks]
    assert ru.axis(form(cards.entries()[0])) == "человек"
    assert en.axis(Form("share", difference=True)) == "pp"


@pytest.mark.parametrize(
    ("language", "bounds", "said"),
    [
        ("ru", (-0.05, 0.1), "от −5 до +10\u202f%"),
        ("ru", (10.0, 400.0), "от +1\u202f000 до +40\u202f000\u202f%"),
        ("en", (10.0, 400.0), "between +1,000 and +40,000%"),
    ],
)
def test_a_range_of_signed_bounds_has_no_dash(language: str, bounds: tuple[float, float], said: str) -> None:
    record = {"unit": "share", "as": "growth", "value": 0.0, "target": {"kind": "between", "value": bounds}}
    assert words(language).target(record) == said  # type: ignore[arg-type]
    plain = record | {"as": "value", "target": {"kind": "between", "value": (0.01, 0.02)}}
    assert words("ru").target(plain) == "1–2\u202f%"  # type: ignore[arg-type]
