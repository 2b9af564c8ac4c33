"""The sentences of importers: every table has a name, and both languages say the same things."""

from __future__ import annotations

import string
from collections.abc import Iterator

import pytest

from kpi_kit.core.phrases import LANGUAGES, Phrase, in_language, templates
from kpi_kit.data.merge import ALL_TABLES
from kpi_kit.sources.rows import table_name

ENGLISH, RUSSIAN = (templates("sources", language) for language in ("en", "ru"))


def fields(template: str) -> Iterator[str]:
    """The fields of a template, also those within the forms of a noun."""
    for _, name, form, _ in string.Formatter().parse(template):
        if name:
            yield name
            yield from fields(form or "")


@pytest.mark.parametrize("table", [*ALL_TABLES, "coverage"])
def test_a_table_has_a_name_in_both_languages(table: str) -> None:
    assert all(in_language(table_name(table), language) for language in LANGUAGES)


def test_both_languages_have_the_same_codes() -> None:
    assert list(ENGLISH) == list(RUSSIAN)


def test_russian_needs_no_field_that_english_lacks() -> None:
    lacking = {code: set(fields(RUSSIAN[code])) - set(fields(ENGLISH[code])) for code in ENGLISH}
    assert not {code: names for code, names in lacking.items() if names}


def test_numbers_and_nouns_in_russian() -> None:
    said = [Phrase("sources.rows_of_dry_run", table=table_name("posts"), count=n) for n in (1, 3, 25)]
    assert [in_language(text, "ru") for text in said] == [
        "посты: 1 строка",
        "посты: 3 строки",
        "посты: 25 строк",
    ]
