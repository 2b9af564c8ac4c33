"""Phrases of Wordstat: the number of a phrase counts every query that has all its words."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator

from kpi_kit.sources.text_files import normal

_WORD = re.compile(r"(?<!\w)-\w+|\w+")


def normal_phrase(phrase: str) -> str:
    """Normalise a phrase.

    Examples
    --------
    >>> normal_phrase("  Кофе в  ЗЁРНАХ ")
    'кофе в зернах'
    """
    return normal(phrase)


def counts(wide: str, narrow: str) -> bool:
    """Whether the queries of one phrase are among those of another.

    Words are compared as they are written; a phrase in quotes counts itself alone, and words after a minus
    only take away.

    Examples
    --------
    >>> counts("кофе", "кофе купить"), counts("кофе купить", "кофе"), counts("кофе", "кофейня")
    (True, False, False)
    >>> counts('"кофе"', '"кофе купить"'), counts("кофе купить", "купить кофе"), counts("кофе", "Кофе")
    (False, True, False)
    """
    if normal_phrase(wide) == normal_phrase(narrow) or '"' in wide:
        return False
    words = _words(wide)
    return bool(words) and words <= _words(narrow)


def _words(phrase: str) -> frozenset[str]:
    return frozenset(word for word in _WORD.findall(normal_phrase(phrase)) if not word.startswith("-"))


def nested(phrases: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Pairs of a wide phrase and a narrow one whose queries it includes.

    Examples
    --------
    >>> list(nested(["кофе купить", "чай", "кофе"]))
    [('кофе', 'кофе купить')]
    """
    for one, other in itertools.combinations(phrases, 2):
        if counts(one, other):
            yield one, other
        elif counts(other, one):
            yield other, one
