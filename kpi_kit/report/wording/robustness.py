"""Robustness in words: under how many definitions a target is met, and which one changes the verdict."""

from __future__ import annotations

from collections.abc import Mapping

from kpi_kit.report.wording import Words
from kpi_kit.scorecard.entry_record import Definition, EntryRecord, required


def verdict(record: EntryRecord, words: Words) -> str | None:
    """Under how many definitions the target is attained; None where there is only one to say it of."""
    found = record["robustness"]
    if found is None or found["of"] < 2:
        return None
    part, whole = words.number(found["attained"]), words.number(found["of"])
    if found["attained"] in (0, found["of"]):
        return words.text("robustness.any" if found["attained"] else "robustness.none", of=whole)
    return words.text("robustness.verdict", attained=part, of=whole)


def turning(record: EntryRecord, words: Words) -> str | None:
    """Which definitions turn the verdict; None where none does."""
    found = record["robustness"]
    names = [name(one, words) for one in (found["definitions"] if found else ()) if one["turns"]]
    return words.text("robustness.turned", names=", ".join(names)) if names else None


def name(definition: Definition, words: Words) -> str:
    """What a definition is called."""
    return words.text(f"definition.{definition['id']}")


def outcome(definition: Definition, record: EntryRecord, words: Words, titles: Mapping[str, str]) -> str:
    """What comes of a definition: the value and whether it attains the target, or why there is none."""
    if definition["value"] is None:
        return words.text("robustness.undefined", reason=words.note(required(definition["reason"]), titles))
    value = words.fact({**record, "value": definition["value"]})
    return words.text("robustness.holds" if definition["attained"] else "robustness.misses", value=value)
