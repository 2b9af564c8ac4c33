"""Read JSON that anybody may have edited: bounded in size, depth and numbers."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

MOST_BYTES = 256 << 20
"""The largest file that is read; the manifest of a thousand reports has 2 MB."""
_LONGEST_NUMBER = 300
"""The most digits of a whole number."""


def read_json(path: Path) -> Any:
    """The content of a JSON file.

    Raises
    ------
    OSError, ValueError
        Where it cannot be read or is not JSON.
    """
    with path.open("rb") as stream:
        content = stream.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ValueError(f"it is larger than {MOST_BYTES >> 20} MB")
    return parse_json(content.decode("utf-8"))


def parse_json(text: str | bytes) -> Any:
    """The value of a JSON text; NaN, infinities and huge numbers are refused.

    Raises
    ------
    ValueError
        Where it is not JSON, or nested too deeply.

    Examples
    --------
    >>> parse_json('{"a": [1, 2.5, null]}')
    {'a': [1, 2.5, None]}
    >>> parse_json("NaN")
    Traceback (most recent call last):
    ValueError: NaN is not a number
    """
    try:
        return json.loads(text, parse_constant=_no_constant, parse_int=_whole, parse_float=_finite)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number")


def _whole(text: str) -> int:
    if len(text) > _LONGEST_NUMBER:
        raise ValueError(f"it has a number of more than {_LONGEST_NUMBER} digits")
    return int(text)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"it has a number that is too large: {text:.40}")
    return number
