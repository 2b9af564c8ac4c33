"""Templates and numbers in words: the part of the wording that knows no periods and no scorecards."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from babel import Locale
from babel.lists import format_list
from babel.numbers import format_compact_decimal, format_decimal, get_currency_symbol
from ruamel.yaml import YAML

from kpi_kit.scorecard.entry_record import ValueUnit

_FOLDER = Path(__file__).parent.parent / "locale"
_MINUS = "\N{MINUS SIGN}"
_SPACE = "\N{NO-BREAK SPACE}"
_NARROW = "\N{NARROW NO-BREAK SPACE}"
_SIGNED_UNITS = frozenset({"share", "money", "hours", "number"})
"""Units whose text carries its own sign or needs none; the others are counts and take a noun."""

_SMALL_MONEY = 10
"""Under so much money is written with its cents."""


@cache
def messages(language: str) -> Mapping[str, Any]:
    """The locale file of a language, read once."""
    path = _FOLDER / f"{language}.yml"
    loaded: Mapping[str, Any] = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    return loaded


class Form(NamedTuple):
    """What decides how a number is written: its unit, whether it is a difference, and how fine it is."""

    unit: str
    difference: bool = False
    signed: bool = False
    finer: int = 0


def form(record: ValueUnit) -> Form:
    """How the values of a scorecard entry are written.

    Examples
    --------
    >>> form({"unit": "share", "as": "change"})
    Form(unit='share', difference=True, signed=True, finer=0)
    """
    kind = record["as"]
    return Form(record["unit"], difference=kind == "change", signed=kind != "value")


class Numbers:
    """One language's templates and numbers.

    Parameters
    ----------
    language : str
        ``ru`` or ``en``: the name of a locale file.
    currency : str
        ISO code of the money in the report.
    """

    def __init__(self, language: str, currency: str) -> None:
        self.language = language
        self.currency = currency
        self._locale = Locale.parse(language)
        self._messages = messages(language)

    # ---------------------------------------------------------------- templates

    def lookup(self, key: str) -> Any:
        """What the locale file has under a dotted key.

        Raises
        ------
        KeyError
            Where it has nothing: a missing word is a fault of the kit, never an empty place.
        """
        found: Any = self._messages
        for part in key.split("."):
            if not isinstance(found, Mapping) or part not in found:
                raise KeyError(f"locale/{self.language}.yml has no {key}")
            found = found[part]
        return found

    def text(self, key: str, /, **fields: object) -> str:
        """The words under a dotted key, with fields filled in."""
        template = self.lookup(key)
        if not isinstance(template, str):
            raise KeyError(f"locale/{self.language}.yml: {key} is a group, not a text")
        return template.format(**fields) if fields else template

    def plural(self, key: str, number: float, /, **fields: object) -> str:
        """The form under a dotted key that a number asks for; ``{count}`` is the number itself."""
        forms = self.lookup(key)
        template = forms.get(self._locale.plural_form(abs(number)), forms.get("many", forms.get("other")))
        return str(template).format(count=self.number(number), **fields)

    def sentence(self, text: str) -> str:
        """The text with a capital first letter."""
        return text[:1].upper() + text[1:]

    def inner(self, text: str) -> str:
        """The text as it stands inside a sentence: a small first letter, except in an abbreviation."""
        return text if text[1:2].isupper() else text[:1].lower() + text[1:]

    def join(self, parts: Iterable[str]) -> str:
        """A list in words: a, b and c."""
        return format_list(list(parts), locale=self._locale)

    def either(self, parts: Iterable[str]) -> str:
        """A choice in words: a, b or c."""
        return format_list(list(parts), style="or", locale=self._locale)

    def quote(self, name: str) -> str:
        """A name in the quotation marks of the language; marks inside it become the inner ones.

        Examples
        --------
        >>> Numbers("ru", "RUB").quote("Рост (бренд «school»)")
        '«Рост (бренд „school“)»'
        """
        marks = self.text("quotes")
        return marks[0] + name.translate(str.maketrans(marks[:2], marks[2:])) + marks[1]

    # ---------------------------------------------------------------- numbers

    def number(self, value: float, digits: int = 0, *, signed: bool = False, keep: bool = False) -> str:
        """A number with at most ``digits`` decimals; half is rounded away from zero.

        ``keep`` holds trailing zeros, for columns of numbers.
        """
        short = rounded(value, digits)
        pattern = "#,##0" + ("." + ("0" if keep else "#") * digits if digits else "")
        text = format_decimal(abs(short), pattern, self._locale).replace(_SPACE, _NARROW)
        return self._sign(short, signed) + text

    def value(self, value: float, how: Form) -> str:
        """A value as short as it is clear: a count bare, a share, money or hours with their sign."""
        match how.unit:
            case "share":
                digits = _digits(value * 100) + how.finer
                number = self.number(value * 100, digits, signed=how.signed)
                return self.text("number.points" if how.difference else "number.percent", number=number)
            case "money":
                return self._money(value, how._replace(finer=how.finer + usual_digits(value, "money")))
            case "hours":
                return self._hours(value, how)
            case "number":
                return self.number(value, _figures(value) + how.finer, signed=how.signed)
            case _:
                whole = float(value).is_integer() or abs(value) >= 10_000
                return self.number(value, (0 if whole else 1) + how.finer, signed=how.signed)

    def bare(self, value: float, how: Form) -> str:
        """A value without its sign of unit, where another one that carries it follows."""
        if how.unit == "share":
            return self.number(value * 100, _digits(value * 100), signed=how.signed)
        return self.value(value, how)

    def amount(self, value: float, how: Form) -> str:
        """A value with its unit: ``5 постов``, ``2,1 %``."""
        text = self.value(value, how)
        return text if how.unit in _SIGNED_UNITS else f"{text}{_SPACE}{self.noun(value, how.unit)}"

    def noun(self, value: float, unit: str) -> str:
        """The noun of a count in the form that the number asks for; empty for units with a sign."""
        if unit in _SIGNED_UNITS:
            return ""
        return self.plural(f"unit.{unit}", int(value) if float(value).is_integer() else value)

    def count(self, count: int, unit: str) -> str:
        """A number of things: ``2 поста``."""
        return self.amount(count, Form(unit))

    def beside(self, value: float, other: float | None, how: Form) -> str:
        """A value, fine enough not to look equal to another that it differs from.

        Examples
        --------
        >>> Numbers("en", "USD").beside(0.9996, 1.0, Form("share"))
        '99.96%'
        """
        if other is None or math.isclose(value, other, rel_tol=1e-9, abs_tol=1e-12):
            return self.value(value, how)
        for finer in range(4):
            text = self.value(value, how._replace(finer=finer))
            if text != self.value(other, how._replace(finer=finer)):
                return text
        return self.value(value, how)

    def delta(self, value: float, unit: str) -> str:
        """A difference with its sign, short, and fine enough not to look like none.

        Examples
        --------
        >>> [Numbers("en", "USD").delta(value, "likes") for value in (-294.03, 15.33, 0.004, 0.0)]
        ['−294', '+15.3', '+0.004', '0']
        """
        return self.beside(_shortened(value, unit), 0.0, Form(unit, difference=True, signed=True))

    def delta_amount(self, value: float, unit: str) -> str:
        """A difference with its sign and unit: ``+5 постов``."""
        noun = self.noun(_shortened(value, unit), unit)
        return self.delta(value, unit) + (f"{_SPACE}{noun}" if noun else "")

    def least(self, value: float, how: Form) -> float:
        """The smallest value that is enough: 322.6 people are asked for, 323 are needed."""
        return value if how.unit in _SIGNED_UNITS else float(math.ceil(value - 1e-9))

    def most(self, value: float, how: Form) -> float:
        """The largest value that is not too much."""
        return value if how.unit in _SIGNED_UNITS else float(math.floor(value + 1e-9))

    def share(self, value: float, digits: int | None = None) -> str:
        """A share in per cent."""
        percent = value * 100
        number = self.number(percent, _digits(percent) if digits is None else digits)
        return self.text("number.percent", number=number)

    def attainment(self, value: float, *bounds: float) -> str:
        """Attainment in whole per cent; never rounded up to 100 % or to another bound that it misses.

        Examples
        --------
        >>> [Numbers("en", "USD").attainment(value, 0.8) for value in (0.999, 0.796, 0.906)]
        ['99%', '79%', '91%']
        """
        return self.text("number.percent", number=self.number(whole_percent(value, *bounds)))

    def total(self, value: float) -> str:
        """The total score, as fine as the arithmetic that is shown beside it: ``90,8 %``."""
        percent = round(value, 10) * 100  # a rounding error decides nothing
        return self.text("number.percent", number=self.number(percent, 1, keep=True))

    def tick(self, value: float, how: Form) -> str:
        """A number on an axis, whose unit stands beside it."""
        scaled = value * 100 if how.unit == "share" else value
        if abs(scaled) >= 10_000:
            text = format_compact_decimal(abs(scaled), locale=self._locale, fraction_digits=1)
            return self._sign(scaled, how.signed) + text.replace(_SPACE, _NARROW)
        return self.number(scaled, 2 if abs(scaled) < 10 else 1, signed=how.signed)

    def axis(self, how: Form) -> str:
        """The unit of an axis."""
        unit = "points" if how.unit == "share" and how.difference else how.unit
        return self.text(f"axis.{unit}", currency=get_currency_symbol(self.currency, locale=self._locale))

    def money(self, value: float) -> str:
        """Money to the last cent that it has."""
        return self._money(value, Form("money", finer=0 if float(value).is_integer() else 2))

    def _sign(self, value: float | Decimal, signed: bool) -> str:
        return _MINUS if value < 0 else "+" if signed and value > 0 else ""

    def _money(self, value: float, how: Form) -> str:
        short = rounded(value, how.finer)
        number = self.number(value, how.finer, keep=True).lstrip(_MINUS)
        symbol = get_currency_symbol(self.currency, locale=self._locale)
        # a code such as RUB must not touch its digits
        symbol += _SPACE if symbol.isalpha() else ""
        text = self.text("number.money", number=number, symbol=symbol).strip(_SPACE)
        return self._sign(short, how.signed) + text

    def _hours(self, value: float, how: Form) -> str:
        if how.finer:
            return self.text("number.hours", number=self.number(value, 1 + how.finer, signed=how.signed))
        minutes = int(rounded(abs(value) * 60, 0))
        hours, rest = divmod(minutes, 60)
        if hours >= 100:
            hours, rest = round(minutes / 60), 0
        parts = [self.text("number.hours", number=self.number(hours))] if hours else []
        if rest or not hours:
            parts.append(self.text("number.minutes", number=rest))
        return self._sign(value if minutes else 0, how.signed) + _SPACE.join(parts)


def whole_percent(value: float, *bounds: float) -> int:
    """Attainment in whole per cent, see :meth:`Numbers.attainment`."""
    percent = value * 100 + 1e-9
    whole = rounded(percent, 0)
    if any(percent < bound * 100 <= whole for bound in (1.0, *bounds)):
        return math.floor(percent)
    return int(whole)


def usual_digits(value: float, unit: str) -> int:
    """How many decimals a value of a unit usually has; of hours none, they are written with minutes."""
    if unit == "share":
        return _digits(value * 100)
    if unit == "number":
        return _figures(value)
    if unit == "money":
        return 0 if float(value).is_integer() or abs(value) >= _SMALL_MONEY else 2
    if unit in _SIGNED_UNITS:
        return 0
    return 0 if float(value).is_integer() or abs(value) >= 10_000 else 1


def _figures(value: float) -> int:
    """Decimals of a number without a unit: three significant figures at most, four decimals at most.

    Examples
    --------
    >>> [_figures(value) for value in (1234.5, 23.45, 2.345, 0.2345, 0.0023, 0.0)]
    [0, 1, 2, 3, 4, 0]
    """
    size = abs(value)
    return next((digits for digits in range(4) if size >= 10 ** (2 - digits)), 4) if size else 0


def _digits(percent: float) -> int:
    """Decimals of a percentage: three significant figures at most, two decimals at most."""
    size = abs(percent)
    if size >= 100 or size == 0:
        return 0
    return 1 if size >= 1 else 2


def _shortened(value: float, unit: str) -> float:
    """A difference of counts, whole where it is large, with one decimal where that leaves anything."""
    if unit in _SIGNED_UNITS:
        return value
    return float(rounded(value, 0 if abs(value) >= 100 else 1)) or value


def rounded(value: float, digits: int) -> Decimal:
    """Round to some decimals, half away from zero."""
    return Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
