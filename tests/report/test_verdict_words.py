"""Verdicts in words: as strong as they are, in both languages, and a word for every code of statistics."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpi_kit.core.periods import Grain
from kpi_kit.core.schema import PLATFORMS
from kpi_kit.report.wording import LANGUAGES, messages, verdicts, words
from kpi_kit.report.wording.verdicts import Verdict
from tests import cards

KIT = Path(__file__).parents[2] / "kpi_kit"
RU, EN = words("ru", "RUB"), words("en", "RUB")
AT_LEAST = {"kind": "at_least", "value": 50.0, "base": 0.0}


def spaced(text: str | None) -> str | None:
    return None if text is None else text.replace("\u202f", " ").replace("\u00a0", " ")


def leads(**given_: Any) -> cards.Card:
    return cards.entry("leads", "sales", "leads", 60.0, **{"target": AT_LEAST} | given_)


def share(**given_: Any) -> cards.Card:
    target = {"kind": "at_most", "value": 0.03, "base": 0.06}
    return cards.entry(
        "churn_rate", "audience", "share", 0.02, **{"target": target, "better": "lower"} | given_
    )


BAND = {"kind": "between", "value": [50.0, 70.0], "base": None}
UP, DOWN = cards.change(5.0, 2.0, 8.0), cards.change(-5.0, -8.0, -2.0)

CHANGES = [
    # change, entry, verdict
    (None, leads(), Verdict("absent")),
    (cards.change(0.0), leads(), Verdict("unjudged")),
    (cards.change(5.0), leads(), Verdict("unjudged")),
    (
        cards.change(0.0, -3.0, 3.0, **cards.NOISE | {"p": 1.0}),
        leads(),
        Verdict("noise"),
    ),
    (UP | cards.NOISE, leads(), Verdict("noise")),
    (
        UP,
        leads(),
        Verdict("real", "rise", "better"),
    ),
    (
        DOWN,
        leads(),
        Verdict("real", "fall", "worse"),
    ),
    (
        UP,
        share(),
        Verdict("real", "rise", "worse"),
    ),
    (
        DOWN,
        share(),
        Verdict("real", "fall", "better"),
    ),
    # of a band no direction is good in itself
    (UP, leads(target=BAND), Verdict("real", "rise")),
    (UP, leads(target=None), Verdict("real", "rise", "better")),
    (
        UP | cards.UNCONFIRMED,
        leads(),
        Verdict("unconfirmed", "rise", "better"),
    ),
    (
        DOWN | cards.UNCONFIRMED,
        leads(),
        Verdict("unconfirmed", "fall", "worse"),
    ),
    # the edges of both levels
    (UP | {"p": 0.05, "q": 0.05, "real": True}, leads(), Verdict("real", "rise", "better")),
    (
        UP | {"p": 0.05, "q": 0.051, "real": False},
        leads(),
        Verdict("unconfirmed", "rise", "better"),
    ),
    (UP | {"p": 0.0501, "q": 0.06, "real": False}, leads(), Verdict("noise")),
]


@pytest.mark.parametrize(("change", "entry", "verdict"), CHANGES)
def test_a_change_is_called_what_it_is(
    change: cards.Card | None, entry: cards.Card, verdict: Verdict
) -> None:
    assert verdicts.change_verdict(change, entry) == verdict


DOUBT = "При таком числе показателей это может быть и случайностью."
INTERVAL = "Интервал 95 %: от +2 до +8."
SENTENCES = [
    # change, entry, whether interim, in Russian
    (None, leads(), False, "Сравнить не с чем."),
    (None, leads(), True, "Период не закончен, поэтому изменение не оценивается."),
    (UP, leads(), False, f"Значимый рост к лучшему: +5 лидов. {INTERVAL}"),
    (UP, leads(target=BAND), False, f"Значимый рост: +5 лидов. {INTERVAL}"),
    (UP | cards.NOISE, leads(), False, f"+5 лидов, в пределах обычных колебаний. {INTERVAL}"),
    (UP | cards.UNCONFIRMED, leads(), False, f"Возможно, рост к лучшему: +5 лидов. {DOUBT} {INTERVAL}"),
    (
        cards.change(-0.0373, -0.0701, -0.0045),
        share(),
        False,
        "Значимое снижение к лучшему: −3,7 п. п. Интервал 95 %: от −7 до −0,45 п. п.",
    ),
    # an end near 0 never reads as 0
    (
        cards.change(3.0, 0.001, 6.0),
        leads(),
        False,
        "Значимый рост к лучшему: +3 лида. Интервал 95 %: от +0,001 до +6.",
    ),
    # raw beside the estimate, where it looks different
    (UP | {"raw": 5.04}, leads(), False, f"Значимый рост к лучшему: +5 лидов. {INTERVAL}"),
    (
        UP | {"raw": 7.0},
        leads(),
        False,
        f"Значимый рост к лучшему: +5 лидов. {INTERVAL} "
        "Периоды приведены к равному числу дней; фактическая разница +7.",
    ),
    (
        UP | {"raw": -1.0},
        leads(),
        False,
        f"Значимый рост к лучшему: +5 лидов. {INTERVAL} "
        "Периоды приведены к равному числу дней; фактическая разница другого знака: −1.",
    ),
    # an interval without an end
    (
        cards.change(-5.0, None, -2.0, reason="open_end"),
        leads(better="lower"),
        False,
        "Значимое снижение к лучшему: −5 лидов. Интервал 95 %: не больше −2, нижняя граница неизвестна.",
    ),
    (
        cards.change(5.0, 2.0, None, reason="open_end"),
        leads(),
        False,
        "Значимый рост к лучшему: +5 лидов. Интервал 95 %: не меньше +2, верхняя граница неизвестна.",
    ),
    (
        UP | {"low": None, "high": None, "reason": "open_end"} | cards.NOISE,
        leads(),
        False,
        "+5 лидов, в пределах обычных колебаний. Границы интервала неизвестны.",
    ),
    # no interval: the difference and why
    (
        cards.change(3.0, reason="few_units"),
        leads(),
        False,
        "Разница +3 лида; значимость не определена: слишком мало постов или обращений.",
    ),
    (
        UP | {"p": None, "q": None, "real": None, "reason": "unsettled_posts"},
        leads(),
        False,
        "Разница +5 лидов; значимость не определена: часть постов ещё набирает статистику.",
    ),
    (
        cards.change(None, reason="median_not_reached"),
        leads(),
        False,
        "Разница не посчитана: ответили меньше чем на половину обращений, медианы нет.",
    ),
]


@pytest.mark.parametrize(("change", "entry", "interim", "expected"), SENTENCES)
def test_a_change_in_sentences(
    change: cards.Card | None, entry: cards.Card, interim: bool, expected: str
) -> None:
    assert spaced(" ".join(verdicts.change_sentences(change, entry, RU, interim=interim))) == expected


def test_what_a_change_rests_on() -> None:
    assert verdicts.change_basis(None, RU) is None
    assert verdicts.change_basis(cards.change(5.0), RU) is None
    assert spaced(verdicts.change_basis(UP | {"q": 0.00002, "dispersion": 1.456}, RU)) == (
        "сравнение частот событий с поправкой на разброс дней и недель; q < 0,001; "
        "разброс дней к случайному — 1,46"
    )


PROBABILITIES = [
    (0.0, "q < 0,001"),
    (0.001, "q = 0,001"),
    (0.0234, "q = 0,023"),
    (0.05, "q = 0,05"),
    (0.0501, "q = 0,0501"),
    (0.0500000001, "q = 0,0500000001"),
    (0.0499999, "q = 0,05"),
    (0.38, "q = 0,38"),
    (1.0, "q = 1"),
]


@pytest.mark.parametrize(("value", "text"), PROBABILITIES)
def test_a_q_is_never_rounded_across_its_level(value: float, text: str) -> None:
    assert spaced(verdicts.probability("q", value, RU)) == text


WEAK = {"n": 8, "p": 0.02, "q": 0.04, "verdict": "weak_falling", "slope": -0.4, "low": -0.7, "high": -0.1}
TRENDS = [
    # trend, entry, verdict, sentences
    (
        cards.trend(known=False),
        leads(),
        Verdict("absent"),
        "Данных для тренда нет.",
    ),
    (
        cards.trend(known=False, n=5, reason="few_points"),
        leads(),
        Verdict("absent"),
        "Для тренда слишком мало точек.",
    ),
    (
        cards.trend(slope=0.0, low=0.0, high=0.0, rho=None, p=1.0, q=1.0, reason="all_equal"),
        leads(),
        Verdict("flat"),
        "Значения не менялись.",
    ),
    (
        cards.trend(),
        leads(),
        Verdict("flat"),
        "Явного тренда нет. +1 лид за 5 недель (95 %: от −0,1 до +0,5 в неделю).",
    ),
    (
        cards.trend(**cards.RISING),
        leads(),
        Verdict("clear", "rise", "better"),
        "Рост к лучшему. +0,4 лида в неделю (95 %: от +0,2 до +0,6).",
    ),
    (
        cards.trend(**cards.FALLING),
        leads(target=BAND),
        Verdict("clear", "fall"),
        "Снижение. −0,4 лида в неделю (95 %: от −0,6 до −0,2).",
    ),
    (
        cards.trend(**cards.RISING | {"p": 0.03, "q": 0.0501}),
        leads(),
        Verdict("unconfirmed", "rise", "better"),
        f"Возможно, рост к лучшему. {DOUBT} +0,4 лида в неделю (95 %: от +0,2 до +0,6).",
    ),
    (
        cards.trend(**WEAK),
        leads(),
        Verdict("weak", "fall", "worse"),
        "Слабые признаки снижения к худшему: точек мало. −0,4 лида в неделю (95 %: от −0,7 до −0,1).",
    ),
    (
        cards.trend(**WEAK | {"q": 0.2}),
        leads(),
        Verdict("weak", "fall", "worse"),
        f"Слабые признаки снижения к худшему: точек мало. {DOUBT} "
        "−0,4 лида в неделю (95 %: от −0,7 до −0,1).",
    ),
    (
        cards.trend(**cards.RISING | {"low": 0.4, "high": 0.4, "p": 0.0, "q": 0.0, "reason": "no_noise"}),
        leads(),
        Verdict("clear", "rise", "better"),
        "Рост к лучшему. +0,4 лида в неделю (95 %: от +0,4 до +0,4). "
        "Прирост каждый раз одинаковый, проверять нечего.",
    ),
    (
        cards.trend(**cards.RISING | {"verdict": "maybe_season_rising", "p_season": 0.2}),
        leads(),
        Verdict("season", "rise"),
        "Рост, возможно, сезонный: данных меньше полутора лет. +0,4 лида в неделю (95 %: от +0,2 до +0,6).",
    ),
    (
        cards.trend(**cards.RISING | {"verdict": "turned_down", "since": "2025-W33", "p_break": 0.01}),
        leads(),
        Verdict("turned", "fall", "worse"),
        "Рост до 11 августа 2025, затем снижение к худшему.",
    ),
    (
        cards.trend(**cards.RISING | {"verdict": "level_up", "since": "2025-W20", "p_break": 0.01}),
        leads(),
        Verdict("level", "rise", "better"),
        "Новый уровень с 12 мая 2025, выше прежнего к лучшему.",
    ),
    (
        cards.trend(**cards.RISING | {"verdict": "level_up", "since": "2025-W20", "q": 0.07}),
        leads(),
        Verdict("flat"),
        "Явного тренда нет. +0,4 лида в неделю (95 %: от +0,2 до +0,6).",
    ),
    (
        cards.trend(grain="month", n=13),
        leads(),
        Verdict("flat"),
        "Явного тренда нет. +1 лид за 5 месяцев (95 %: от −0,1 до +0,5 в месяц).",
    ),
]


@pytest.mark.parametrize(("trend", "entry", "verdict", "sentences"), TRENDS)
def test_a_trend_is_called_what_it_is(
    trend: cards.Card, entry: cards.Card, verdict: Verdict, sentences: str
) -> None:
    assert verdicts.trend_verdict(trend, entry) == verdict
    assert spaced(" ".join(verdicts.trend_sentences(trend, entry, RU))) == sentences


def test_an_unknown_verdict_fails_loudly() -> None:
    with pytest.raises(ValueError, match="found 'sideways'"):
        verdicts.trend_verdict(cards.trend(verdict="sideways"), leads())


BASES = [
    (cards.trend(known=False), None, None),
    (cards.trend(known=False, n=1, reason="few_points"), "1 неделя", "1 week"),
    (
        cards.trend(n=52),
        "52 недели, ρ = 0,3, сезонность не отделена, проверка наклона с учётом автокорреляции, q = 0,3",
        "52 weeks, ρ = 0.3, season not separated, slope test that allows for autocorrelation, q = 0.3",
    ),
    (
        cards.trend(n=104, rho=0.05, seasonal=True, method="mean_gain"),
        "104 недели, ρ = 0,05, сезонность отделена, проверка среднего прироста, q = 0,3",
        "104 weeks, ρ = 0.05, season separated, test of the mean gain, q = 0.3",
    ),
    (
        cards.trend(n=13, grain="month"),
        "13 месяцев, ρ = 0,3, проверка наклона с учётом автокорреляции, q = 0,3",
        "13 months, ρ = 0.3, slope test that allows for autocorrelation, q = 0.3",
    ),
]


@pytest.mark.parametrize(("trend", "russian", "english"), BASES)
def test_what_a_trend_rests_on(trend: cards.Card, russian: str | None, english: str | None) -> None:
    assert spaced(verdicts.trend_basis(trend, RU)) == russian
    assert spaced(verdicts.trend_basis(trend, EN)) == english


def hit(chance: float | None, check: cards.Card | None = None, **given_: Any) -> cards.Card:
    band = None if chance is None else [42.0, 69.0]
    return leads(**{"chance": chance, "chance_band": band, "chance_check": check} | given_)


SAID = "Вероятность выполнить цель ноября 2025 — 81 %. С вероятностью 80 % значение будет от 42 до 69."
TESTED = (
    "Проверка: 120 прогнозов, средняя ошибка (Brier) {}, у ответа «как обычно» — 0,2; 0 — без ошибок. "
    "Факт попал в прогнозный интервал в 78 % случаев (ожидалось 80 %)."
)
CHANCES = [
    # entry, number, sentences
    (hit(None, chance_period=None), None, "Прогноз не нужен: цели на будущие периоды нет."),
    (hit(None), None, "Для прогноза цели ноября 2025 мало истории."),
    (hit(0.81), "81 %", f"{SAID} Прогноз не проверен: мало истории."),
    (
        hit(0.81, cards.check("not_checked", 12)),
        "81 %",
        f"{SAID} Прогноз не проверен: мало истории.",
    ),
    (
        hit(0.81, cards.check("reliable")),
        "81 %",
        f"{SAID} Прогноз проверен: на прошлом он сходился с фактами. {TESTED.format('0,12')}",
    ),
    (
        hit(0.81, cards.check("not_reliable")),
        None,
        "Прогноз цели ноября 2025 ненадёжен: на прошлом он расходился с фактами, поэтому "
        "вероятность "
        f"не показана. {TESTED.format('0,31')}",
    ),
]


@pytest.mark.parametrize(("entry", "number", "sentences"), CHANCES)
def test_a_chance_is_as_good_as_its_check(entry: cards.Card, number: str | None, sentences: str) -> None:
    assert spaced(verdicts.chance_number(entry, RU)) == number
    assert spaced(" ".join(verdicts.chance_sentences(entry, RU))) == sentences


def test_an_unreliable_number_is_nowhere() -> None:
    entry = hit(0.73, cards.check("not_reliable"))
    assert "73" not in " ".join(verdicts.chance_sentences(entry, RU))


NUMBERS = [(0.0, "0 %"), (0.004, "< 1 %"), (0.01, "1 %"), (0.99, "99 %"), (0.996, "> 99 %"), (1.0, "100 %")]


@pytest.mark.parametrize(("chance", "text"), NUMBERS)
def test_a_chance_is_never_rounded_to_certainty(chance: float, text: str) -> None:
    assert spaced(verdicts.chance_number(hit(chance), RU)) == text


def test_two_errors_that_differ_never_look_equal() -> None:
    check = cards.check("reliable") | {"brier": 0.1201, "base_brier": 0.1204}
    told = spaced(" ".join(verdicts.chance_sentences(hit(0.5, check), EN)))
    assert told is not None and "0.1201, that of “as usual” 0.1204" in told


def test_a_chance_of_what_never_varied_has_no_band() -> None:
    told = spaced(" ".join(verdicts.chance_sentences(hit(0.9, chance_band=[5.0, 5.0]), RU)))
    assert told is not None and "По истории ожидается одно и то же значение: 5." in told


def outside(flag: bool | None) -> cards.Card:
    entry = leads(control={"n": 12, "centre": 50.0, "low": 41.3, "high": 60.0, "reason": None})
    entry["history"][-1]["outside"] = flag
    return entry


LIMITS = [
    (outside(False), False, "Факт в обычных пределах: от 41,3 до 60 (по 12 периодам)."),
    (outside(True), True, "Факт вне обычных пределов: от 41,3 до 60 (по 12 периодам)."),
    (outside(None), False, "Обычные пределы: от 41,3 до 60 (по 12 периодам)."),
    (leads(history=[]), False, "Обычные пределы: от 42 до 66 (по 12 периодам)."),
    (leads(control=cards.NO_LIMITS), False, "Обычные пределы неизвестны: мало периодов."),
    (
        leads(control=cards.NO_LIMITS | {"n": 5, "centre": 50.0, "reason": "no_neighbours"}),
        False,
        "Обычные пределы неизвестны: мало соседних периодов с данными.",
    ),
]


@pytest.mark.parametrize(("entry", "unusual", "sentence"), LIMITS)
def test_limits_of_what_is_usual(entry: cards.Card, unusual: bool, sentence: str) -> None:
    assert spaced(verdicts.limits_sentence(entry, RU)) == sentence
    assert verdicts.is_outside(entry) is unusual


def shock(direction: str, platform: str = "vk") -> cards.Card:
    median = -0.23 if direction == "fell" else 0.31
    return {
        "platform": platform,
        "week": "2025-W41",
        "direction": direction,
        "median": median,
        "accounts": 14,
    }


def test_a_shock_does_not_say_that_every_account_moved() -> None:
    assert spaced(verdicts.shock_sentence(shock("fell"), RU)) == (
        "За 41-ю неделю 2025 (6–12 октября) показатель снизился одновременно у аккаунтов ВКонтакте "
        "(медиана −23 %, 14 аккаунтов). "
        "Похоже на общую причину, а не только на работу специалиста."
    )
    assert "rose across accounts on VK (median +31%, 14 accounts)" in (
        spaced(verdicts.shock_sentence(shock("rose"), EN)) or ""
    )


# ---------------------------------------------------------------- every code has words

NO_CODES = {
    "change": {"binary", "counts", "posts", "units", "flow", "ratio", "none"}  # kinds of sampling units
    | {"newcomb", "diff", "score", "mover", "percentile", "inverted_cdf", "trend"}  # other libraries' options
    | {"difference"},  # a method that has no interval is told by its reason
    "trend": {"trend", "gain", "weak_", "maybe_season_"},
    "breaks": {"trend", "gain", "step", "kink", "turn", "level"},
    "chance": {"all_equal"}  # told by the band, which is one value
    | {"worse_than_usual", "not_calibrated"},  # both: it did not fit the facts
    "control": {"share", "rate", "usual", "unusual", "exceptional", "free", "no_variation", "quiet"}
    | {"few_people"},  # told by the department's report
}
"""Words in the code of the statistics that are no verdicts of a specialist's report."""


def constants(module: str) -> set[str]:
    """Every text in a module's code that looks like a code."""
    tree = ast.parse((KIT / "statistics" / f"{module}.py").read_text(encoding="utf-8"))
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs
        if node.value.replace("_", "").isalpha()
    }


def known(module: str) -> set[str]:
    """The codes of a module for which there are words, in the locale or as a branch of the wording."""
    verdict = messages("ru")["verdict"]
    return {
        "change": set(verdict["change"]["reason"]) | set(verdict["change"]["method"]),
        "trend": {"rising", "falling", "no_clear_trend", "all_equal", "no_noise"}
        | set(verdict["trend"]["absent"])
        | set(verdict["trend"]["method"]),
        "breaks": {"turned_up", "turned_down", "level_up", "level_down"},
        "chance": set(verdict["chance"]),
        "control": set(verdict["limits"]["reason"]) | set(verdict["shock"]),
    }[module]


@pytest.mark.parametrize("module", NO_CODES)
def test_every_code_of_the_statistics_has_words(module: str) -> None:
    assert constants(module) <= known(module) | NO_CODES[module]


def test_every_reason_that_the_verdicts_give_has_words() -> None:
    tree = ast.parse((KIT / "scorecard" / "inference.py").read_text(encoding="utf-8"))
    given_ = {
        keyword.value.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "reason" and isinstance(keyword.value, ast.Constant)
    }
    assert "unsettled_posts" in given_
    assert given_ <= set(messages("ru")["verdict"]["change"]["reason"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_branch_of_the_wording_can_be_said(language: str) -> None:
    say, verdict = words(language), messages(language)["verdict"]
    told = []
    for reason in verdict["change"]["reason"]:
        for size in (None, 3.0):
            told += verdicts.change_sentences(cards.change(size, reason=reason), leads(), say, interim=False)
    for method in verdict["change"]["method"]:
        told.append(verdicts.change_basis(UP | {"method": method}, say) or "")
    for grain in Grain:
        for better in ("higher", "lower"):
            for trend in (cards.RISING, cards.FALLING, WEAK, WEAK | {"verdict": "weak_rising"}):
                entry = leads(better=better)
                told += verdicts.trend_sentences(cards.trend(**{**trend, "grain": str(grain)}), entry, say)
        told.append(verdicts.trend_basis(cards.trend(grain=str(grain)), say) or "")
    for platform in PLATFORMS:
        told += [verdicts.shock_sentence(shock(way, platform), say) for way in ("fell", "rose")]
    assert not [text for text in told if "{" in text or ".." in text or not text]


FINITE = st.floats(-1e6, 1e6, allow_nan=False)


@settings(derandomize=True)
@given(
    FINITE, st.floats(0, 1), st.floats(0, 1), st.sampled_from(["higher", "lower"]), st.sampled_from(LANGUAGES)
)
def test_words_never_claim_more_than_the_numbers(
    estimate: float, p: float, q: float, better: str, language: str
) -> None:
    """Whatever the numbers: "significant" exactly where q ≤ 0.05, and "better" exactly where it is."""
    say, p = words(language), 1.0 if estimate == 0 else p
    q = max(p, q)
    change = cards.change(estimate, estimate - 1, estimate + 1, p=p, q=q, real=q <= 0.05)
    told = " ".join(verdicts.change_sentences(change, leads(better=better), say, interim=False)).lower()
    real, within = {
        "ru": ("значим", "в пределах обычных колебаний"),
        "en": ("significant", "within usual variation"),
    }[language]
    good = say.text("verdict.effect.better")
    assert (real in told) is (q <= 0.05)
    assert (within in told) is (p > 0.05)
    assert (good in told) is (p <= 0.05 and (estimate > 0) == (better == "higher"))


def test_the_size_of_a_change_has_its_unit() -> None:
    assert spaced(verdicts.change_size(UP, leads(), EN)) == "+5 leads"
    assert verdicts.change_size(None, leads(), EN) is None
