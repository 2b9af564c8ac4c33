"""What the package and the reading of the design in SQL say differently.

Where the design is silent the SQL takes these readings of the package, as the settled notes have them:

* an account must have `coverage.minimum` of all days of the earlier period; in the history of a change nobody
  is held for a part only;
* "within 7 days" of openings counts from the date of the row, and forward to its end;
* a refund at the very end of its month and the settling days is in time;
* snapshots are used where both sides have some; a post without one keeps its figures of `posts`, and what
  they say of its age;
* of `brand_queries` only rows that are known at the cut-off tile; a brand without any is not assessable;
* growth from nothing or less is not assessable.

One figure is left out: the coverage of a change while the period is not over, which has no value anyway.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.sql_oracle import Card


@dataclass
class Compared:
    """How many values were compared, and how far those that agree are apart, relative to themselves."""

    count: int = 0
    worst: float = 0.0

    def add(self, found: Any, wanted: Any) -> None:
        """Count a value, or those of a list."""
        if isinstance(found, list | tuple) and isinstance(wanted, list | tuple):
            for one, other in zip(found, wanted, strict=False):
                self.add(one, other)
            return
        self.count += 1
        if isinstance(found, int | float) and isinstance(wanted, int | float) and found != wanted:
            self.worst = max(self.worst, abs(found - wanted) / max(abs(found), abs(wanted)))


COMPARED = Compared()


def same(found: Any, wanted: Any, tolerance: float = 1e-9) -> bool:
    """Equal, numbers up to a tolerance relative to themselves."""
    if isinstance(found, list | tuple) and isinstance(wanted, list | tuple):
        return len(found) == len(wanted) and all(map(same, found, wanted))
    if found is None or wanted is None or isinstance(found, bool | str | dict):
        return bool(found == wanted)
    return math.isclose(found, wanted, rel_tol=tolerance, abs_tol=1e-12)


def compared(what: str, found: Any, wanted: Any) -> Iterator[str]:
    if same(found, wanted, 1e-9):
        COMPARED.add(found, wanted)
    else:
        yield f"{what}: {found!r}, the oracle says {wanted!r}"


def in_sql(mine: dict[str, Any], theirs: Card) -> Iterator[str]:
    """Every figure on which the two do not agree."""
    yield from compared("as_of", mine["as_of"][:19], theirs.as_of)
    yield from compared("interim", mine["interim"], theirs.interim)
    yield from compared("preliminary", mine["preliminary"], theirs.preliminary)
    for line, wanted in zip(mine["kpis"], theirs.kpis, strict=True):
        name = " ".join(str(line[key]) for key in ("kpi", "as", "versus", "scope"))
        for problem in _of_line(line, wanted):
            yield f"{name}: {problem}; notes {line['notes']}, in SQL {wanted['reason']}"


def _of_line(line: dict[str, Any], wanted: dict[str, Any]) -> Iterator[str]:
    yield from compared("entry", [line["kpi"], line["as"]], [wanted["kpi"], wanted["form"]])
    yield from compared("assessable", line["assessable"], wanted["reason"] is None)
    keys = ["value", "previous"]
    if line["assessable"]:
        keys += ["numerator", "denominator"]
    if line["as"] == "value" or wanted["reason"] != "interim":
        keys.append("coverage")
    for key in keys:
        yield from compared(key, line[key], wanted[key])
    yield from compared("year_ago", line["year_ago"] and line["year_ago"]["value"], wanted["year_ago"])
    yield from compared("history", [point["value"] for point in line["history"]], wanted["history"])
    if line["as"] == "value":
        ours = {part["account_id"]: part["value"] for part in line["accounts"]}
        yield from compared("accounts", sorted(ours), sorted(wanted["accounts"]))
        for account in ours.keys() & wanted["accounts"].keys():
            yield from compared(f"account {account}", ours[account], wanted["accounts"][account])
