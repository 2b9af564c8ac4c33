"""Change params files in place: comments, order and quotes stay."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from kpi_kit.core.files import write_file
from kpi_kit.core.yaml_io import read_text, read_yaml
from kpi_kit.params import check_person

_WIDE = 100_000
_LIST = re.compile(r"^(?P<indent> *)- ", re.MULTILINE)


def edited(text: str, change: Callable[[Any], None]) -> str:
    r"""The text of a YAML document after a change of its content.

    Examples
    --------
    >>> print(edited("a: 1    # one\nb: [x, y]\n", lambda content: content.update(a=2)), end="")
    a: 2    # one
    b: [x, y]
    """
    yaml = YAML(typ="rt", pure=True)
    yaml.preserve_quotes = True
    yaml.width = _WIDE
    first = _LIST.search(text)
    offset = len(first["indent"]) if first else 2
    yaml.indent(mapping=2, sequence=offset + 2, offset=offset)
    content = yaml.load(text)
    change(content)
    target = io.StringIO()
    yaml.dump(content, target)
    return target.getvalue()


def change_person(file: Path, change: Callable[[Any], None]) -> None:
    """Change the file of a specialist; a result that is no valid file is refused and nothing is written.

    Raises
    ------
    KitError
        Where the file is invalid before or after the change.
    """
    read_yaml(file)  # bounds and duplicate keys
    text = edited(read_text(file), change)
    check_person(file, text)
    write_file(file, text)


def set_target(number: int, schedule: Mapping[str, Mapping[str, object]]) -> Callable[[Any], None]:
    """A change that sets targets of periods in an entry.

    Parameters
    ----------
    number : int
        The place of the entry, from 0.
    schedule : mapping of str to mapping
        Targets by period. A target that is no schedule becomes one.
    """

    def change(content: Any) -> None:
        entry = content["kpis"][number]
        target = entry["target"]
        if "schedule" not in target:
            target.clear()
            target["schedule"] = _flow({})
        present = target["schedule"]
        for period, asked in schedule.items():
            if not any(str(key) == period for key in present):
                present[period] = _flow(asked)

    return change


def add_account(account: str) -> Callable[[Any], None]:
    """A change that adds an account to a person."""

    def change(content: Any) -> None:
        held = content.setdefault("accounts", [])
        if not any(account in (part, part.get("account") if hasattr(part, "get") else None) for part in held):
            held.append(account)

    return change


def _flow(content: Mapping[str, object]) -> CommentedMap:
    made = CommentedMap(content)
    made.fa.set_flow_style()
    return made
