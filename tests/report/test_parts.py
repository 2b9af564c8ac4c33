"""Tables and marks: what they say, and that no text from data becomes markup."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from markupsafe import Markup

from kpi_kit.report import parts
from kpi_kit.report.parts import Column, details, link, table, tag
from kpi_kit.report.wording import LANGUAGES, Words, messages, words
from kpi_kit.report.wording.rows import TONES
from kpi_kit.scorecard import verdict
from tests import cards


@pytest.fixture
def say() -> Words:
    return words("ru", "RUB")


class Text(HTMLParser):
    """The text of a page, its elements, and the addresses that it links to."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.tags: list[str] = []
        self.links: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]
        assert not any(name.startswith("on") for name, _ in attrs), "an event handler"

    def handle_data(self, data: str) -> None:
        self.parts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.parts).replace("\u202f", " ").replace("\u00a0", " ").split())


def rows(html: str | None) -> list[str]:
    return [Text("<tr" + row.split("</tr>")[0]).text for row in str(html).split("<tr")[1:]]


def test_tables_carry_no_style_and_label_their_cells() -> None:
    columns = [Column("name", "Имя"), Column("count", 'Число "всех"', numeric=True)]
    html = table("t", columns, [{"name": "Анна", "count": "5"}], "Подпись")
    assert "<style" not in html
    assert 'data-label="Число &#34;всех&#34;"' in html
    assert '<th scope="row"' in html
    assert 'data-quarto-disable-processing="true"' in html
    assert 'role="region" aria-label="Подпись"' in html


def test_tables_escape_texts_and_keep_markup() -> None:
    row = {"name": cards.SCRIPT, "count": Markup("<b>5</b>")}
    html = table("t", [Column("name", cards.SCRIPT), Column("count", cards.SCRIPT)], [row], cards.SCRIPT)
    page = Text(html)
    assert "script" not in page.tags
    assert page.text.count("alert") == 3
    assert "<b>5</b>" in html


LINKS = [
    ("https://vk.com/a", True),
    ("HTTP://vk.com/a", True),
    ("javascript:alert(1)", False),
    (" https://vk.com", False),
    ("data:text/html,x", False),
    ("//vk.com/a", False),
    (None, False),
]


@pytest.mark.parametrize(("url", "linked"), LINKS)
def test_only_addresses_of_the_web_are_links(url: str | None, linked: bool) -> None:
    html = link(url, "<i>")
    assert ("<a " in html) is linked
    assert html.endswith("&lt;i&gt;</a>" if linked else "&lt;i&gt;")
    assert ('rel="noopener noreferrer"' in html) is linked


def test_details_fold_their_content_away() -> None:
    assert details("a & b", tag("p", "c")) == (
        '<details><summary>a &amp; b</summary><div class="k-folded"><p>c</p></div></details>'
    )


STATES = {
    "subscriber_gain": "attained",
    "churn_rate": "attained",
    "view_rate": "missed",
    "leads": "below",
    "response_rate": "missed",
}


def test_states_of_kpis() -> None:
    card = cards.card()
    found = {record["kpi"]: parts.state(record, card["scoring"]) for record in card["kpis"]}
    assert STATES.items() <= found.items()
    assert parts.state(card["kpis"][7], card["scoring"]) == "not_assessable"
    assert parts.state(card["kpis"][0] | {"target": None}, card["scoring"]) == "no_target"
    unclear = card["kpis"][0] | {"attained": False, "attainment": None}
    assert parts.state(unclear, card["scoring"]) == "missed"


def test_scorecard_says_fact_plan_attainment_past_difference_and_one_verdict(say: Words) -> None:
    found = rows(parts.scorecard_table(cards.card(), say))
    assert found[0] == "Показатель Факт План Выполнение Сентябрь Разница Вывод"
    assert found[1] == "Лиды 34 55 62 % 41 −7 значимо ниже порога"
    assert "Прирост подписчиков 1 284 1 000 128 % 1 012 +272 значимо выполнено" in found
    assert "Подписчики 33 412 33 849 93 % пути от 28 000 до 33 849 33 001 +411 не выполнено" in found
    assert (
        "Рост лайков к прошлому месяцу 4 620 против 4 120 в сентябре +12,1 % +10 % 121 % — +500 выполнено"
        in found
    )
    assert "Изменение подписчиков к прошлому месяцу (Telegram) — +300 — — — нельзя оценить" in found
    assert any("норматив" in row for row in found)


def test_each_row_has_a_bar_where_there_is_an_attainment_and_a_sign(say: Words) -> None:
    html = str(parts.scorecard_table(cards.card(), say))
    assert html.count('class="k-bar ') == 7
    assert html.count('class="k-sign"') == 8


BARS = [(0.0, "0.0"), (0.6, "50.0"), (1.2, "100.0"), (7.5, "100.0")]


@pytest.mark.parametrize(("attainment", "width"), BARS)
def test_bars_end_at_the_cap(say: Words, attainment: float, width: str) -> None:
    card = cards.single()
    card["kpis"][0]["attainment"] = attainment
    assert f'class="k-fill" y="3" width="{width}"' in str(parts.scorecard_table(card, say))


def test_arithmetic_ends_in_the_total_of_the_record(say: Words) -> None:
    found = rows(parts.arithmetic(cards.card(), say))
    assert len(found) == 1 + len(cards.card()["kpis"])
    assert found[1].endswith("больше предела, берётся предел: 1,2 20 × 1,2 = 24")
    said = Text(str(parts.arithmetic(cards.card(), say))).text
    assert "Итог: 80,678 ÷ 100 = 0,8068, то есть 80,7 %" in said


def test_arithmetic_counts_a_zero_where_the_rule_says_so(say: Words) -> None:
    card = cards.card(total=0.768)
    card["scoring"]["not_assessable"] = "zero"
    assert "5 × 0 = 0" in rows(parts.arithmetic(card, say))[-1]
    assert "÷ 105 = 0,7684, то есть 76,8 %" in Text(str(parts.arithmetic(card, say))).text


def test_without_a_total_the_rule_is_named_and_without_payouts_there_is_only_the_bonus(say: Words) -> None:
    card = cards.card(total=None)
    card["scoring"]["not_assessable"] = "hold"
    assert "Итог отложен" in str(parts.arithmetic(card, say))
    nothing = cards.card(total=None, kpis=[])
    assert "Премия" in str(parts.arithmetic(nothing, say))
    assert parts.arithmetic({**nothing, "bonus": None}, say) is None


def test_a_definition_that_turns_the_verdict_is_named_among_all_that_are_folded_away(
    say: Words,
) -> None:
    said = Text(str(parts.scorecard(cards.card(), say))).text
    folded = said[said.index("Насколько надёжны выводы") :]
    assert "План выполнен по 2 из 3 методик" in folded
    assert said.lower().count("по другой методике вывод другой: к подписчикам на конец периода") == 1
    assert "как в отчёте: 2,1 %, выполнено" in folded
    assert "к подписчикам на конец периода: 3,1 %, не выполнено" in folded
    assert "подписки минус отписки: не посчитать. Пустых значений 20 из 31" in folded
    alone = cards.card()
    for record in alone["kpis"]:
        record["robustness"] = None
    assert "Насколько надёжны выводы" not in str(parts.scorecard(alone, say))


def test_accounts_are_plain_values_also_of_a_growth(say: Words) -> None:
    card = cards.card()
    card["kpis"][4]["accounts"] = [{"account_id": "vk-roastery", "value": 4620.0, "numerator": 4620.0}]
    found = rows(parts.accounts(card, say))
    assert found[0].endswith("Показатель Обжарка на Маяке · ВКонтакте Кофе. Коротко · Telegram")
    assert found[1:] == ["Прирост подписчиков 984 300", "Доля отписок 2 % нет данных", "Лайки 4 620"]


LEFT_OUT = {"code": "account_left_out", "account_id": "tg-roastery", "reason": "partly_held"}


def test_a_comparison_over_fewer_accounts_says_what_is_compared(say: Words) -> None:
    card = cards.card()
    card["kpis"][0] |= {"notes": [LEFT_OUT], "current": 984.0, "previous": 900.0}
    row = next(row for row in rows(parts.scorecard_table(card, say)) if "аккаунтам" in row)
    assert row.startswith(
        "Прирост подписчиков по тем же аккаунтам: 984 против 900 в сентябре 1 284 1 000 128 % — +84 "
    )
    assert "аккаунтам" not in Text(str(parts.scorecard_table(cards.card(), say))).text
    matured = {"notes": [{"code": "matured_figures"}, LEFT_OUT]}
    card["kpis"][0] |= matured
    assert "по тем же аккаунтам, за одинаковое время после публикации: 984" in "".join(
        rows(parts.scorecard_table(card, say))
    )
    card["kpis"][0] |= {"notes": []}
    assert "по сопоставимым данным: 984" in "".join(rows(parts.scorecard_table(card, say)))


def test_what_is_not_compared_has_no_difference(say: Words) -> None:
    card = cards.card()
    card["kpis"][0] |= {"notes": [LEFT_OUT], "previous": None, "year_ago": None}
    assert "Прирост подписчиков 1 284 1 000 128 % — — выполнено" in rows(parts.scorecard_table(card, say))


def test_a_change_shows_the_figures_that_it_is_about(say: Words) -> None:
    record = cards.entry("leads", "sales", "leads", -3.0, **{"as": "change", "versus": "year_ago"})
    record |= {"current": 14.0, "previous": 29.0, "year_ago": {"value": 17.0, "change": None}}
    assert rows(parts.scorecard_table(cards.card(kpis=[record]), say))[1] == (
        "Изменение лидов за год 14 против 17 год назад −3 — — — −3 без плана"
    )


def test_a_kpi_stands_once_among_the_accounts(say: Words) -> None:
    """As a value and as a growth it has the same plain values; with another filter it is another KPI."""
    by_brand = {"brands": [{"brand": "roastery", "value": 41.0, "numerator": 41.0, "denominator": None}]}
    by_account = {"accounts": [{"account_id": "vk-roastery", "value": 9.0, "numerator": 9.0}]}
    mentions = cards.entry("brand_mentions", "demand", "mentions", 41.0, **by_brand)
    filtered = mentions | {"notes": [{"code": "sentiment_filter", "sentiments": ["positive", "neutral"]}]}
    likes = cards.entry("likes", "engagement", "likes", 9.0, **by_account)
    growth = cards.entry("likes", "engagement", "share", 0.1, **{"as": "growth"}, **by_account)
    scoped = likes | {"scope": {"platforms": ["vk"]}}
    found = rows(parts.accounts(cards.card(kpis=[likes, growth, scoped, mentions, filtered]), say))
    assert [row for row in found if row.startswith(("Лайки", "Упоминания"))] == [
        "Лайки 9",
        "Лайки (ВКонтакте) 9",
        "Упоминания бренда 41",
        "Упоминания бренда (позитивные, нейтральные) 41",
    ]


def test_matured_figures_are_told_beside_the_totals_of_the_posts(say: Words) -> None:
    card = cards.card()
    assert "за одинаковое время" not in Text(str(parts.accounts(card, say))).text
    card["kpis"][4]["accounts"] = [{"account_id": "vk-roastery", "value": 4620.0, "numerator": 4620.0}]
    card["kpis"][4]["notes"] = [{"code": "matured_figures"}]
    text = Text(str(parts.accounts(card, say))).text
    assert "«Рост лайков к прошлому месяцу»: изменение считается по статистике за одинаковое время" in text


def test_accounts_of_one_title_are_told_apart(say: Words) -> None:
    card = cards.card()
    card["assignments"][1] |= {"platform": "ok", "title": "Обжарка на Маяке"}
    named = {key: name.replace("\u00a0", " ") for key, name in parts.titles(card, say).items()}
    assert named == {
        "vk-roastery": "Обжарка на Маяке · ВКонтакте",
        "tg-roastery": "Обжарка на Маяке · Одноклассники",
    }
    for part in (parts.audience, parts.posts, parts.plan):
        assert "· ВКонтакте" in str(part(card, say))
    card["kpis"][0]["notes"] = [LEFT_OUT]
    assert "· Одноклассники» исключён" in str(parts.data_notes(card, say))
    card["assignments"][1]["platform"] = "vk"
    assert [name.split("ВКонтакте")[1] for name in parts.titles(card, say).values()] == [
        " (vk-roastery)",
        " (tg-roastery)",
    ]


def test_a_remark_on_several_kpis_is_made_once(say: Words) -> None:
    card = cards.card()
    for number in (0, 3, 5):
        card["kpis"][number]["notes"].append(LEFT_OUT)
    text = Text(str(parts.data_notes(card, say))).text
    assert text.count("исключён из сравнения") == 1
    assert "Прирост подписчиков, Просмотры на подписчика (VR), Лиды : Аккаунт" in text


def test_brands_have_their_own_table(say: Words) -> None:
    card = cards.card(
        kpis=[cards.entries()[0] | {"kpi": "brand_mentions", "unit": "mentions", "accounts": []}]
    )
    card["kpis"][0]["brands"] = [{"brand": "roastery", "value": 41.0, "numerator": 41.0, "denominator": None}]
    assert rows(parts.accounts(card, say))[1] == "Упоминания бренда 41"


def test_audience_says_unknown_where_it_is(say: Words) -> None:
    found = rows(parts.audience(cards.card(), say))
    assert found[1:] == ["Обжарка на Маяке 27 606 1 572 588 28 590", "Кофе. Коротко — — — 4 822"]


def test_plan_counts_and_shows_what_failed_first(say: Words) -> None:
    html = str(parts.plan(cards.card(), say))
    assert "выполнен: 14" in html
    assert Text(html).text.count("вышел с опозданием") == 3  # counted, among the failed, in the whole plan
    assert "Весь план: 18\u00a0пунктов" in html or "Весь план: 18 пунктов" in html


def test_funnel_draws_to_one_scale(say: Words) -> None:
    html = str(parts.funnel(cards.card(), say))
    assert [width in html for width in ('width="100.0"', 'width="61.8"', 'width="23.5"')] == [True] * 3
    assert Text(html).text.endswith("Сумма продаж — 410 000 ₽. 3 лида ещё не квалифицированы.")


def test_a_funnel_of_which_only_leads_are_known_is_drawn(say: Words) -> None:
    card = cards.card()
    card["sections"]["funnel"] = {"leads": 34, "qualified": None, "unknown": 0, "sold": None, "amount": None}
    html = str(parts.funnel(card, say))
    assert [width in html for width in ('width="100.0"', 'width="0.0"')] == [True] * 2
    assert Text(html).text.count("—") == 2


def test_posts_stand_by_account_with_link_format_and_reach(say: Words) -> None:
    card = cards.card()
    best = card["sections"]["posts"]["best"][0]
    assert "Охват" not in str(parts.posts(card, say)), "nobody knows it"
    best |= {"format": "<b>video", "reach": 3021}
    other = {**best, "post_id": "p8", "account_id": "tg-roastery", "format": None, "reach": None}
    card["sections"]["posts"]["best"].append(other)
    html = str(parts.posts(card, say))
    assert 'href="https://vk.com/wall-1_1"' in html
    assert "&lt;b&gt;video" in html
    assert "3\u202f021" in html
    assert html.count('<th scope="col">Формат') == 1 and html.count("<h3>") == 2


def test_posts_are_cut_to_a_line(say: Words) -> None:
    html = str(parts.posts(cards.card(), say))
    assert "Как мы обжариваем зерно" in html
    assert "Видео внутри" not in html
    assert "без текста" in html
    assert "3,1\u202f%" in html


def test_notes_say_why_and_who_can_mend_it(say: Words) -> None:
    html = str(parts.data_notes(cards.card(), say))
    assert rows(html)[1].startswith(
        "Изменение подписчиков к прошлому месяцу (Telegram) Данные есть только за 61 %"
    )
    assert "Аналитику нужно загрузить недостающие выгрузки (аудитория)." in html
    assert "отброшены 3 повторные строки" in html
    assert "1 удалённый пост не учтён." in html


def test_definitions_are_exactly_the_kpis_used(say: Words) -> None:
    found = rows(parts.definitions(cards.card(), say))
    assert len(found) == 8  # a head and seven KPIs: subscribers are used twice and defined once
    assert found[3].endswith("меньше — лучше. Отписки ÷ подписчики на начало периода аудитория —")


EMPTY = ["audience", "plan", "funnel", "posts"]


@pytest.mark.parametrize("name", EMPTY)
def test_parts_without_content_are_nothing(say: Words, name: str) -> None:
    assert getattr(parts, name)(cards.unassessable(), say) is None


PARTS = [
    "header",
    "scorecard",
    "arithmetic",
    "accounts",
    "audience",
    "plan",
    "funnel",
    "posts",
    "data_notes",
    "definitions",
    "provenance",
]


@pytest.mark.parametrize("name", PARTS)
def test_no_text_from_data_becomes_markup(say: Words, name: str) -> None:
    page = Text(str(getattr(parts, name)(cards.hostile(), say)))
    assert "script" not in page.tags
    assert all(address.startswith(("#", "https://", "http://")) for address in page.links)


def test_many_accounts_stand_in_several_tables(say: Words) -> None:
    card = cards.card()
    accounts = [{"account_id": f"a{i:02d}", "value": float(i), "numerator": 1.0} for i in range(13)]
    card["kpis"] = [card["kpis"][0] | {"accounts": accounts}, card["kpis"][5] | {"accounts": accounts[:6]}]
    found = str(parts.accounts(card, say)).split("<table")[1:]
    assert [len(rows(html)) - 1 for html in found] == [2, 1, 1]
    assert [html.count("<thead") for html in found] == [1, 1, 1]
    assert rows(found[2]) == ["Показатель a12", "Прирост подписчиков 12"]


def test_the_change_of_a_growth_on_a_year_ago_is_the_one_that_counts(say: Words) -> None:
    record = cards.entry("leads", "sales", "share", 0.5, **{"as": "growth", "versus": "year_ago"})
    record |= {"current": 42.0, "previous": 41.0, "change": cards.change(-9.0, -12.0, -6.0)}
    record["year_ago"] = {"value": 28.0, "change": cards.change(14.0, 9.0, 19.0)}
    row = rows(parts.scorecard_table(cards.card(kpis=[record]), say))[1]
    assert row == "Рост лидов за год 42 против 28 год назад +50 % — — — +14 значимо значимо лучше"


def test_each_verdict_has_a_sign_of_its_tone(say: Words) -> None:
    """Nothing rests on colour: no two tones are drawn alike."""
    tones = ("bad", "warn", "good", "unknown", "none")
    drawn = [str(parts.block("outcome", tone, "слова")) for tone in tones]
    assert len({html.split("<svg")[1].split("</svg>")[0] for html in drawn}) == len(tones)
    assert all(html.endswith("<span>слова</span></span>") for html in drawn)


def test_every_verdict_has_a_tone_and_words() -> None:
    assert set(TONES) == set(verdict.VERDICTS)
    for language in LANGUAGES:
        assert set(messages(language)["outcome"]) == set(verdict.VERDICTS)
