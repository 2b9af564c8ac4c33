"""What a page has beside its sections: the brand, and the running head on paper."""

from __future__ import annotations

import re

from markupsafe import Markup

from kpi_kit.core.errors import ReportError
from kpi_kit.core.phrases import Phrase
from kpi_kit.report.parts.markup import block
from kpi_kit.scorecard.record import Brand

_COLOUR = re.compile(r"#[0-9a-f]{6}")


def branded(brand: Brand, agency: str | None, head: str) -> Markup:
    """The logo, and the styles that only this page has.

    They stand in the page's first section, so that both engines carry them.

    Parameters
    ----------
    brand : mapping
        ``logo``, an address or None, and ``accent``, a colour or None.
    agency : str or None
        Whose logo it is; stands at the top of every printed page but the first.
    head : str
        Who and when; stands there, too.
    """
    accent, logo = brand["accent"], brand["logo"]
    if accent is not None and not _COLOUR.fullmatch(accent):
        raise ReportError(Phrase("report.not_a_colour", found=accent))
    colour = f":root {{ --k-fact: {accent}; }} " if accent else ""
    corners = (
        f"@top-left {{ content: {css_text(head)}; }} @top-right {{ content: {css_text(agency or '')}; }}"
    )
    first = "@top-left { content: none; } @top-right { content: none; }"
    rules = Markup(f"{colour}@media print {{ @page {{ {corners} }} @page :first {{ {first} }} }}")
    return block("brand", rules, logo, agency or "")


def css_text(text: str) -> str:
    r"""A text as CSS writes it: whatever is no letter or digit is escaped with six digits.

    Spaces are escaped too: a space after an escape belongs to it, and Quarto makes one space of two.

    Examples
    --------
    >>> css_text('Анна "</style>')
    '"Анна\\000020\\000022\\00003c\\00002fstyle\\00003e"'
    """
    return '"' + "".join(sign if sign.isalnum() else f"\\{ord(sign):06x}" for sign in text) + '"'
