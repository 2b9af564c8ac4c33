"""The language of what a command prints."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Mapping
from pathlib import Path

_KEY = re.compile(r"^(?:\{(?:[^{}\[\]]*,)?\s*)?language:\s*[\"']?(ru|en)\b", re.MULTILINE)
"""The key at the top of a file, in block or flow style; the file need not be whole."""
_LOCALES = ("LC_ALL", "LC_MESSAGES", "LANG")
_USUAL = "ru"


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
