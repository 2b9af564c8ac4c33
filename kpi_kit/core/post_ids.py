"""The platform's own number of a post, from whatever a source writes: a link, or a wall and a number."""

from __future__ import annotations

import re

_HOST = r"^(?:https?://)?(?:www\.|m\.)?"
FORMS = (
    # VK: https://vk.com/wall-1_100?reply=5, ...?w=wall-1_100, wall-1_100
    r"^(?:.*[/=])?wall-?[0-9]+_([0-9]+)(?:[^0-9].*)?$",
    # VK, Telegram: owner or channel, and the number
    r"^-?[0-9]+[_/]([0-9]+)$",
    # TGStat, as earlier versions of the kit wrote it
    r"^tgstat[0-9]+_([0-9]+)$",
    # Telegram: https://t.me/channel/10, t.me/s/channel/10, t.me/c/123/10?single
    _HOST + r"(?:t|telegram)\.me/(?:[sc]/)?[^/?#]+/([0-9]+)(?:[^0-9].*)?$",
    # YouTube: watch?v=, youtu.be/, shorts/, live/
    _HOST + r"youtube\.com/watch\?(?:.*&)?v=([0-9A-Za-z_-]{11})(?:[&#].*)?$",
    _HOST + r"(?:youtu\.be|youtube\.com/(?:shorts|live|embed))/([0-9A-Za-z_-]{11})(?:[/?#].*)?$",
    # Instagram, TikTok, OK, Dzen
    _HOST + r"instagram\.com/(?:[^/?#]+/)?(?:p|reel|tv)/([0-9A-Za-z_-]+)(?:[/?#].*)?$",
    _HOST + r"tiktok\.com/@[^/?#]+/(?:video|photo)/([0-9]+)(?:[/?#].*)?$",
    _HOST + r"ok\.ru/(?:.*/)?(?:topic|statuses)/([0-9]+)(?:[/?#].*)?$",
    _HOST + r"(?:dzen\.ru|zen\.yandex\.ru)/(?:a|b|media/[^/?#]+|video/watch)/([0-9A-Za-z_-]+)(?:[/?#].*)?$",
)
"""Regular expressions of the forms; their one group is the number. Both Python and DuckDB read them."""

_FORMS = tuple(map(re.compile, FORMS))


def post_number(text: str) -> str:
    """Return the platform's number of a post; a text of no known form is returned as it is.

    Examples
    --------
    >>> [post_number(text) for text in ("-1_100", "https://vk.com/wall-1_100", "t.me/kanal/10", "n0042")]
    ['100', '100', '10', 'n0042']
    """
    stripped = text.strip()
    for form in _FORMS:
        if match := form.match(stripped):
            return match[1]
    return stripped


def post_number_sql(column: str) -> str:
    """Return SQL of :func:`post_number` of a column.

    Examples
    --------
    >>> import duckdb
    >>> duckdb.sql(f"SELECT {post_number_sql('id')} FROM (SELECT 'wall-1_100?reply=2' AS id)").fetchall()
    [('100',)]
    """
    trimmed = f"trim({column})"
    forms = " ".join(
        f"WHEN regexp_matches({trimmed}, '{form}') THEN regexp_extract({trimmed}, '{form}', 1)"
        for form in FORMS
    )
    # most ids have no separator and are of no form
    return f"CASE WHEN NOT regexp_matches({column}, '[/_]') THEN {trimmed} {forms} ELSE {trimmed} END"
