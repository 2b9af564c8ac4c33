"""The tables and lists of a specialist's report that are about KPIs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from markupsafe import Markup

from kpi_kit.params.formulas import definition_of
from kpi_kit.report.parts.deputies import deputies
from kpi_kit.report.parts.entries import names, plain, reasons, titles
from kpi_kit.report.parts.first_screen import scorecard_table
from kpi_kit.report.parts.markup import Column, block, facts, items, join, paragraph, table
from kpi_kit.report.parts.robustness import robustness
from kpi_kit.report.parts.same_days import same_days
from kpi_kit.report.parts.statistics import statistics
from kpi_kit.report.wording import Words, form
from kpi_kit.scorecard.entry_record import EntryRecord
from kpi_kit.scorecard.record import Scorecard

UNFINISHED = ("interim", "preliminary")
"""Notes of a report whose figures are not final."""
_BREADTH = 6
"""How many accounts or brands stand side by side in a table."""


def scorecard(card: Scorecard, words: Words) -> Markup | None:
    """Tabulate every KPI with its verdict; statistics and a colleague's KPIs are folded away below."""
    shown = scorecard_table(card, words)
    if shown is None:
        return None
    return join(
        [
            shown,
            same_days(card, words),
            statistics(card, words),
            robustness(card, words),
            deputies(card, words),
        ]
    )


def accounts(card: Scorecard, words: Words) -> Markup | None:
    """Tabulate every KPI by account, and the brand KPIs by brand."""
    named = titles(card, words, with_platform=True)
    by_account = _breakdown(card, words, "accounts", "account_id", named.items())
    heads = [(brand, named.get(brand, brand)) for brand in card["brands"]]
    by_brand = _breakdown(card, words, "brands", "brand", heads)
    remark = paragraph(_matured(card, words), "k-legend") if by_account else None
    return join([by_account, remark, by_brand]) or None


def data_notes(card: Scorecard, words: Words) -> Markup:
    """List what cannot be assessed and who can mend it, then what else there is to know of the data."""
    named, found = titles(card, words), list(zip(names(card, words), card["kpis"], strict=True))
    rows = [
        {"kpi": name, "reason": reason, "mend": mend}
        for name, record in found
        for reason, mend in reasons(card, record, words)
    ]
    columns = [
        Column("kpi", words.text("notes.unassessed")),
        Column("reason", words.text("notes.reason")),
        Column("mend", words.text("notes.mend")),
    ]
    remarks = [
        block("labelled", ", ".join(kpis), " ".join(texts))
        for kpis, texts in _remarks(
            (name, [words.note(note, named) for note in record["notes"] if not words.is_reason(note)])
            for name, record in found
        )
    ]
    whole = [words.note(note, named) for note in card["notes"] if note["code"] not in UNFINISHED]
    parts = [
        table("unassessed", columns, rows, words.text("notes.unassessed")) if rows else None,
        block("subheading", words.text("notes.whole")) if whole else None,
        items(whole),
        block("subheading", words.text("notes.remarks")) if remarks else None,
        items(remarks),
    ]
    return join(parts) or block("paragraph", words.text("notes.none"), None)


def definitions(card: Scorecard, words: Words) -> Markup | None:
    """Tabulate what the KPIs of this scorecard mean, each once."""
    used = {record["kpi"]: record for record in reversed(card["kpis"])}
    columns = [
        Column("kpi", words.text("definitions.kpi")),
        Column("what", words.text("definitions.what")),
        Column("formula", words.text("definitions.formula")),
        Column("source", words.text("definitions.source")),
        Column("left_out", words.text("definitions.left_out")),
    ]
    rows = []
    for kpi in dict.fromkeys(record["kpi"] for record in card["kpis"]):
        record, definition = used[kpi], definition_of(used[kpi])
        what, formula = words.meaning(record)
        rows.append(
            {
                "kpi": block(
                    "with_smaller", words.name_of(record), [words.text(f"family.{definition.family}")]
                ),
                "what": f"{what}; {words.text(f'better.{definition.better}')}.",
                "formula": formula,
                "source": ", ".join(words.text(f"table.{name}") for name in definition.tables),
                "left_out": _left_out(card, kpi, words),
            }
        )
    return table("definitions", columns, rows, words.text("definitions.heading")) if rows else None


def _left_out(card: Scorecard, kpi: str, words: Words) -> str:
    """What of the data of a KPI did not count, or counted with a reserve, and how many of it."""
    named = titles(card, words)
    told = [
        words.note(note, named)
        for record in card["kpis"]
        if record["kpi"] == kpi
        for note in record["notes"]
        if "count" in note and not words.is_reason(note)
    ]
    return " ".join(dict.fromkeys(told)) or "—"


def provenance(card: Scorecard, words: Words) -> Markup:
    """List what the report was made from, so that it can be made again."""
    origin = card["provenance"]
    return facts(
        [
            (words.text("provenance.period"), words.period(card["period"])),
            (words.text("provenance.as_of"), words.moment(card["as_of"])),
            (words.text("provenance.timezone"), card["timezone"]),
            (words.text("provenance.kit"), origin["kit"]),
            *(
                (words.text(f"provenance.{key}"), _digest(origin[key]))
                for key in ("data", "params", "notebook")
            ),
        ]
    )


def _remarks(found: Iterable[tuple[str, list[str]]]) -> list[tuple[list[str], list[str]]]:
    """Pair KPIs with their remarks; what several KPIs share is said once, before the rest."""
    told = [(name, text) for name, texts in found for text in dict.fromkeys(texts)]
    often = Counter(text for _, text in told)
    shared: dict[str, list[str]] = {}
    own: dict[str, list[str]] = {}
    for name, text in told:
        if often[text] > 1:
            shared.setdefault(text, []).append(name)
        else:
            own.setdefault(name, []).append(text)
    return [(kpis, [text]) for text, kpis in shared.items()] + [([kpi], texts) for kpi, texts in own.items()]


def _matured(card: Scorecard, words: Words) -> str | None:
    """Say which changes do not follow from the posts' totals by account."""
    found = [
        words.quote(name)
        for name, record in zip(names(card, words), card["kpis"], strict=True)
        if record["accounts"] and any(note["code"] == "matured_figures" for note in record["notes"])
    ]
    return words.text("accounts.matured", names=", ".join(found)) if found else None


def _breakdown(
    card: Scorecard,
    words: Words,
    part: Literal["accounts", "brands"],
    key: Literal["account_id", "brand"],
    heads: Iterable[tuple[str, str]],
) -> Markup | None:
    """One row a KPI and scope, one column an account or brand that any of them has.

    A KPI that stands in the scorecard both as a value and as a change has the same plain values.
    """
    values = [plain(record) for record in card["kpis"]]
    rows_by_name = {
        name: (record, {piece[key]: piece["value"] for piece in record[part]})
        for name, record in zip(names({**card, "kpis": values}, words), values, strict=True)
        if record[part]
    }
    found = [(name, *row) for name, row in rows_by_name.items()]
    if not found:
        return None
    known = {owner for _, _, pieces in found for owner in pieces}
    shown = [(owner, head) for owner, head in heads if owner in known]
    shown += [(owner, owner) for owner in sorted(known - {owner for owner, _ in shown})]
    parts = [shown[start : start + _BREADTH] for start in range(0, len(shown), _BREADTH)]
    return join(_part(f"{part}-{number}", owners, found, words) for number, owners in enumerate(parts, 1))


def _part(
    table_name: str,
    owners: Sequence[tuple[str, str]],
    found: Sequence[tuple[str, EntryRecord, Mapping[str, float | None]]],
    words: Words,
) -> Markup:
    """One table of a breakdown, as wide as a page is."""
    columns = [Column("kpi", words.text("scorecard.kpi"))]
    columns += [Column(f"c{number}", head, numeric=True) for number, (_, head) in enumerate(owners)]
    rows = [
        {"kpi": name}
        | {f"c{number}": _piece(pieces, owner, record, words) for number, (owner, _) in enumerate(owners)}
        for name, record, pieces in found
        if any(owner in pieces for owner, _ in owners)
    ]
    return table(table_name, columns, rows, words.text("accounts.heading"))


def _piece(pieces: Mapping[str, float | None], owner: str, record: EntryRecord, words: Words) -> str:
    if owner not in pieces:
        return ""
    value = pieces[owner]
    return words.text("accounts.unknown") if value is None else words.value(value, form(record))


def _digest(text: str | None) -> Markup | None:
    """A checksum, short to the eye and whole in its tooltip."""
    return block("digest", text) if text else None
