"""A pocket calculator: finds the computations in printed lines and does them again, in decimals."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal

COMPUTATION = re.compile(r"([\d.()+\-*/ ]+) = (-?[\d.]+)")
KEYS = str.maketrans({"−": "-", "×": "*", "÷": "/", "\u00a0": None, "\u202f": None})


def typed(text: str, language: str) -> str:
    """A printed line as it would be typed in."""
    point = "." if language == "ru" else ""  # in English the comma parts thousands
    return re.sub(r"(?<=\d),(?=\d)", point, text).translate(KEYS)


def computations(lines: Iterable[str | None], language: str) -> list[tuple[str, Decimal]]:
    """What is computed in the lines, and what they say that it gives."""
    found = []
    for line in lines:
        if line is not None:
            assert line.count("=") == len(COMPUTATION.findall(typed(line, language))), line
            found += [
                (left.strip(), Decimal(right)) for left, right in COMPUTATION.findall(typed(line, language))
            ]
    return found


def agrees(computation: str, printed: Decimal) -> bool:
    """Whether a computation gives what is printed, to its last digit."""
    digits = max(0, -int(printed.as_tuple().exponent))
    return computed(computation).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP) == printed


def computed(text: str) -> Decimal:
    """The result of a computation.

    Examples
    --------
    >>> computed("0.5 + (1 - 0.5) * (0.9 - 0.8) / (1 - 0.8)")
    Decimal('0.75')
    """
    return _value(ast.parse(text.strip(), mode="eval").body, text.strip())


def numbers(text: str) -> list[Decimal]:
    """The figures of a computation."""
    return [Decimal(figure) for figure in re.findall(r"\d+(?:\.\d+)?", text)]


def _value(node: ast.expr, text: str) -> Decimal:
    match node:
        case ast.Constant():
            return Decimal(ast.get_source_segment(text, node) or "")
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, text)
        case ast.BinOp(left=left, op=op, right=right):
            first, second = _value(left, text), _value(right, text)
            match op:
                case ast.Add():
                    return first + second
                case ast.Sub():
                    return first - second
                case ast.Mult():
                    return first * second
                case ast.Div():
                    return first / second
    raise AssertionError(f"no computation: {text}")
