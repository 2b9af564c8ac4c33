"""Rows of ``mentions`` from the columns of a monitoring service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kpi_kit.core.files import sha256
from kpi_kit.sources.layouts import Context, Values, titles
from kpi_kit.sources.text_files import normal

_SENTIMENTS = {
    "positive": titles("позитив|позитивная|позитивный|позитивно|positive|positivo|positiva|positiv"),
    "neutral": titles("нейтрал|нейтральная|нейтральный|нейтрально|neutral|neutro|neutra"),
    "negative": titles("негатив|негативная|негативный|негативно|negative|negativo|negativa|negativ"),
}
SENTIMENT: Mapping[str, str] = {word: code for code, words in _SENTIMENTS.items() for word in words}
_PLATFORMS = {
    "vk": titles("vk.com|вконтакте|vkontakte|vk"),
    "telegram": titles("telegram|t.me|телеграм"),
    "dzen": titles("dzen.ru|дзен|zen.yandex|dzen"),
    "ok": titles("ok.ru|одноклассники|odnoklassniki"),
    "youtube": titles("youtube|youtu.be|ютуб"),
    "instagram": ("instagram", "инстаграм"),
    "tiktok": ("tiktok", "тикток"),
}


def platform_named(source: str | None) -> str | None:
    """The platform of a source's name or address.

    Examples
    --------
    >>> platform_named("vk.com"), platform_named("Forbes"), platform_named(None)
    ('vk', 'other', None)
    """
    if not source:
        return None
    plain = normal(source)
    for platform, words in _PLATFORMS.items():
        if any(plain == word or ("." in word and word in plain) or plain.startswith(word) for word in words):
            return platform
    return "other"


def mentions(
    values: Values, rows: Sequence[int], context: Context, at: Sequence[Any]
) -> Mapping[str, Values]:
    """Build rows of ``mentions``; without a number, address, time and text identify a mention.

    Parameters
    ----------
    values : dict of str to list
        Perhaps ``number``, ``url``, ``source``, ``sentiment``, ``text`` and ``author``.
    rows : sequence of int
    context : Context
    at : sequence of datetime
    """
    made: Values = {name: [] for name in ("mention_id", "mentioned_at", "platform", "sentiment")}
    unknown_words: set[str] = set()
    for place in range(len(rows)):
        cells = {name: column[place] for name, column in values.items() if isinstance(column, list)}
        word = normal(str(cells.get("sentiment") or ""))
        sentiment = SENTIMENT.get(word)
        if word and sentiment is None:
            unknown_words.add(word)
        made["mention_id"].append(_identity(cells, at[place]))
        made["mentioned_at"].append(at[place])
        made["platform"].append(platform_named(cells.get("source") or cells.get("url")))
        made["sentiment"].append(sentiment)
    for word in sorted(unknown_words):
        context.remark("sources.sentiment_unknown", word=word)
    return {"mentions": made}


def _identity(cells: Mapping[str, Any], at: object) -> str:
    if cells.get("number"):
        return str(cells["number"])
    parts = [str(cells.get(name) or "") for name in ("url", "author", "text")]
    return sha256("\x1f".join([*parts, str(at)]))[:20]
