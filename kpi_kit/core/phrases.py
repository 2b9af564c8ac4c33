"""Sentences in two languages: a code and fields, with the words in ``<room>/locale/<language>.yml``.

A :class:`Phrase` is a text in English, so it can be joined, compared and written to JSON like any other.
:func:`in_language` says it in another language.
"""

from __future__ import annotations

import datetime as dt
import string
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import PurePath
from typing import Any

from kpi_kit.core.shipped import PACKAGE

LANGUAGES = ("ru", "en")
QUOTES = {"ru": "«»„“", "en": "“”‘’"}
_MOST_QUOTED = {"ru": 100, "en": 200}
"""The most letters of a value that a sentence quotes."""

_FILES = {"help": "cli/locale/help.", "report": "report/errors/"}
"""The files of templates that are not ``<room>/locale/<language>.yml``."""

_spoken: list[str] = ["en"]
"""The language in which sentences are shown to the user of this process."""


class Phrase(str):
    r"""A sentence, or a part of one, with a code and fields.

    Fields may be texts, numbers, dates, lists and other phrases. See "How an error gets its words" in
    ``docs/architecture.md`` for what a template may say.

    Examples
    --------
    >>> phrase = Phrase("core.file_missing", file="params/department.yml")
    >>> print(phrase)
    params/department.yml: this file is missing
    >>> print(in_language(phrase, "ru"))
    params/department.yml: файла нет
    """

    code: str
    fields: Mapping[str, object]

    def __new__(cls, code: str, /, **fields: object) -> Phrase:
        """The phrase in English."""
        fields = {name: _plain(value) for name, value in fields.items()}
        phrase = super().__new__(cls, _written(code, fields, "en"))
        phrase.code, phrase.fields = code, fields
        return phrase

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self.code, dict(self.fields))


def words_of(fault: BaseException) -> str:
    """The phrase of an exception, or else its words."""
    said = getattr(fault, "problems", fault.args)
    return said[0] if len(said) == 1 and isinstance(said[0], Phrase) else str(fault)


def _plain(value: object) -> object:
    return words_of(value) if isinstance(value, BaseException) else value


def _restored(code: str, fields: Mapping[str, object]) -> Phrase:
    return Phrase(code, **fields)


def in_language(text: str, language: str) -> str:
    """A text in a language; one that is no phrase stays as it is."""
    return _written(text.code, text.fields, language) if isinstance(text, Phrase) else text


def shown(text: str) -> str:
    """A text in the language of the user."""
    return in_language(text, _spoken[-1])


def speak(language: str) -> None:
    """Set the language of the user."""
    _spoken[-1] = language


def spoken() -> str:
    """The language of the user."""
    return _spoken[-1]


def renamed(text: str, names: Mapping[str, str]) -> str:
    """A text in which places have other names, such as copies of folders those of the originals.

    Examples
    --------
    >>> print(renamed(Phrase("core.file_missing", file="/tmp/a/x.csv"), {"/tmp/a": "data"}))
    data/x.csv: this file is missing
    """
    if isinstance(text, Phrase):
        return Phrase(text.code, **{key: _renamed(value, names) for key, value in text.fields.items()})
    for old, new in names.items():
        text = text.replace(old, new)
    return text


def _renamed(value: object, names: Mapping[str, str]) -> object:
    if isinstance(value, str | PurePath):
        return renamed(value if isinstance(value, str) else str(value), names)
    if isinstance(value, list | tuple):
        return [_renamed(part, names) for part in value]
    return value


# ---- templates


@cache
def templates(room: str, language: str) -> Mapping[str, Any]:
    """The templates of a room, by what follows the name of the room in a code."""
    from ruamel.yaml import YAML  # only where a phrase is needed

    path = PACKAGE / f"{_FILES.get(room, f'{room}/locale/')}{language}.yml"
    loaded: Mapping[str, Any] = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    return loaded


def template(code: str, language: str) -> str:
    """The template of a code such as ``params.unknown_key``.

    Raises
    ------
    KeyError
        Where the room has none: a fault of the kit.
    """
    room, *keys = code.split(".")
    part: Any = templates(room, language)
    for key in keys:
        if not isinstance(part, Mapping) or key not in part:
            raise KeyError(f"{room}/locale/{language}.yml has no {code}")
        part = part[key]
    return str(part)


def _written(code: str, fields: Mapping[str, object], language: str) -> str:
    text = _WRITERS[language].vformat(template(code, language), (), fields)
    return " ".join(text.splitlines())  # a quoted value may contain line breaks


class _Writer(string.Formatter):
    """Fills templates: ``!q`` quotes, ``:n`` groups digits, ``:row|rows`` adds a noun to a number."""

    def __init__(self, language: str) -> None:
        self.language = language

    def convert_field(self, value: Any, conversion: str | None) -> Any:
        if conversion == "q":
            return quoted(value, self.language)
        return super().convert_field(value, conversion)

    def format_field(self, value: Any, format_spec: str) -> Any:
        if "|" in format_spec:
            return f"{number(value, self.language)} {noun(value, format_spec.split('|'), self.language)}"
        if format_spec == "n":
            return number(value, self.language)
        if isinstance(value, Phrase):
            value = in_language(value, self.language)
        elif isinstance(value, list | tuple):
            value = ", ".join(self.format_field(part, "") for part in value)
        elif isinstance(value, dt.datetime | dt.date) and not format_spec:
            value = day(value, self.language)
        return super().format_field(value, format_spec)


_WRITERS = {language: _Writer(language) for language in LANGUAGES}


def number(value: float, language: str) -> str:
    """A number as people write it.

    Examples
    --------
    >>> number(1234567, "ru"), number(0.5, "ru"), number(12345, "en")
    ('1\u202f234\u202f567', '0,5', '12,345')
    """
    if isinstance(value, int):
        return f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}" if language == "ru" else ",")
    from babel.numbers import format_decimal  # takes 40 ms

    return format_decimal(value, locale=language).replace("\N{NO-BREAK SPACE}", "\N{NARROW NO-BREAK SPACE}")


def noun(value: float, forms: Sequence[str], language: str) -> str:
    """The form of a noun that a number asks for: of one and others, in Russian of one, few and many.

    Examples
    --------
    >>> [noun(count, ["строка", "строки", "строк"], "ru") for count in (21, 3, 11)]
    ['строка', 'строки', 'строк']
    """
    from babel import Locale

    form = Locale.parse(language).plural_form(value)
    places = ("one", "few", "many") if language == "ru" else ("one", "other")
    return forms[places.index(form) if form in places else 1]


def day(value: dt.date, language: str) -> str:
    """A date: in English as in files, in Russian as people write it.

    Examples
    --------
    >>> day(dt.date(2025, 10, 31), "ru"), day(dt.date(2025, 10, 31), "en")
    ('31.10.2025', '2025-10-31')
    """
    if language == "en" or isinstance(value, dt.datetime):
        return str(value)
    return f"{value:%d.%m.%Y}"


def quoted(value: object, language: str) -> str:
    """A value of a file on one line, shortened: in English as Python writes it, in Russian as people do.

    Examples
    --------
    >>> quoted("МСК «лето»", "ru"), quoted(None, "ru"), quoted({"kpi": ["leads", 1.5]}, "ru")
    ('«МСК „лето“»', 'ничего', '{kpi: [leads, 1.5]}')
    >>> quoted("MSK", "en"), quoted(dt.date(2025, 10, 31), "en")
    ("'MSK'", '2025-10-31')
    """
    most = _MOST_QUOTED[language]
    if language != "en" and isinstance(value, str | PurePath):
        return in_quotes(_shortened(str(value), most), language)
    return _shortened(_flow(value, language), most)


def in_quotes(name: str, language: str) -> str:
    """A name in the quotation marks of a language; marks inside it become the inner ones."""
    marks = QUOTES[language]
    return marks[0] + name.translate(str.maketrans(marks[:2], marks[2:])) + marks[1]


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]} …"


def _flow(value: object, language: str) -> str:
    """A value as YAML has it on one line; in English texts are quoted as in Python."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_flow(part, language)}" for key, part in value.items()) + "}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_flow(part, language) for part in value)}]"
    if value is None:
        return "nothing" if language == "en" else "ничего"
    if isinstance(value, dt.date):
        return value.isoformat()
    return repr(value) if language == "en" else str(value).lower() if isinstance(value, bool) else str(value)
