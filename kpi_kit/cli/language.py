"""The language of what a command prints."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from kpi_kit.core.phrases import LANGUAGES

_KEY = re.compile(r"^(?:\{(?:[^{}\[\]]*,)?\s*)?language:\s*[\"']?(ru|en)\b", re.MULTILINE)
"""The key at the top of a file, in block or flow style; the file need not be whole."""
_LOCALES = ("LC_ALL", "LC_MESSAGES", "LANG")
_USUAL = "ru"


def language_before(words: Sequence[str]) -> str:
    """The language of help and of sentences about wrong options: they come before the options are read."""
    option = _value(words, "--language")
    params = Path(_value(words, "--params") or "params")
    return option if option in LANGUAGES else of_department(params) or of_environment(os.environ)


def _value(words: Sequence[str], option: str) -> str:
    """What follows an option.

    Examples
    --------
    >>> _value(["run", "--language", "en"], "--language"), _value(["run", "--language=en"], "--language")
    ('en', 'en')
    """
    for word, following in zip(words, [*words[1:], ""], strict=True):
        name, equals, value = word.partition("=")
        if name == option:
            return value if equals else following
    return ""


def language_of(options: argparse.Namespace) -> str:
    """The language of the option, else of the department, else of the environment, else Russian."""
    return options.language or of_department(options.params) or of_environment(os.environ)


def of_department(params: Path) -> str | None:
    """The language in ``department.yml``, which may have mistakes elsewhere; None where there is no file."""
    try:
        text = (params / "department.yml").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    key = _KEY.search(text)
    return key[1] if key else _USUAL


def of_environment(environment: Mapping[str, str]) -> str:
    """The language of the locale.

    Examples
    --------
    >>> of_environment({"LANG": "en_GB.UTF-8"}), of_environment({"LC_ALL": "C", "LANG": "en_US"})
    ('en', 'ru')
    """
    locale = next(filter(None, map(environment.get, _LOCALES)), "")
    return "en" if locale.lower().startswith("en") else _USUAL
