"""Closing messages: thanks and the like, which ask nothing and need no answer."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from importlib import resources

_WORD = re.compile(r"\w+")
_BESIDE = (
    "да",
    "все",
    "вам",
    "вас",
    "тебе",
    "очень",
    "большое",
    "тогда",
    "и",
    "теперь",
    "еще раз",
    "заранее",
)
"""Words that end nothing by themselves, but may stand beside a phrase that does."""


def is_closing(text: str, *, wordless: bool = False) -> bool:
    """Whether a message closes a conversation.

    A message closes it where it has no words (an emoji, a sticker), or phrases of ``closing_phrases.txt``
    alone, and no question mark.

    Parameters
    ----------
    text : str
    wordless : bool
        Whether the message is of a kind that has no words, such as a sticker.

    Examples
    --------
    >>> is_closing("Спасибо большое!"), is_closing("👍"), is_closing("", wordless=True)
    (True, True, True)
    >>> is_closing("Спасибо, а доставка?"), is_closing("Спасибо, жду завтра звонка"), is_closing("?")
    (False, False, False)
    """
    if "?" in text:
        return False
    words = _WORD.findall(_plain(text))
    if not words:
        return wordless or bool(text.strip())
    return _is_made_of_phrases(tuple(words))


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().replace("ё", "е")


def _is_made_of_phrases(words: tuple[str, ...]) -> bool:
    phrases, longest = _phrases()
    # best[n]: None where the first n words are no phrases, else whether one of them closes
    best: list[bool | None] = [False] + [None] * len(words)
    for end in range(1, len(words) + 1):
        for start in range(max(0, end - longest), end):
            before, closes = best[start], phrases.get(words[start:end])
            if before is not None and closes is not None:
                best[end] = bool(best[end]) or before or closes
    return bool(best[-1])


@cache
def _phrases() -> tuple[dict[tuple[str, ...], bool], int]:
    """Phrases as words, with whether they close by themselves, and the length of the longest."""
    file = resources.files("kpi_kit.kpis").joinpath("closing_phrases.txt")
    lines = file.read_text(encoding="utf-8").splitlines()
    phrases = {tuple(words.split()): False for words in _BESIDE}
    phrases |= {
        tuple(_WORD.findall(_plain(line))): True
        for line in lines
        if line.strip() and not line.startswith("#")
    }
    return phrases, max(map(len, phrases))
