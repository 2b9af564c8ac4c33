"""Titles of KPIs in params, such as ``kpi: Доля отписок``: they stand for the ids of the catalogue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from kpi_kit.core.shipped import PACKAGE
from kpi_kit.core.yaml_faults import line_of
from kpi_kit.core.yaml_io import parse_yaml, read_text
from kpi_kit.kpis import CATALOGUE
from kpi_kit.params.files import parse_mapping
from kpi_kit.params.formulas import Formula


class Titled(NamedTuple):
    """A title in a file of params, and the id for which it stands."""

    file: Path
    line: int | None
    title: str
    kpi: str


@cache
def _ids() -> dict[str, set[str]]:
    """The ids of KPIs by their titles; these are wording, and read only where an id is unknown."""
    ids: dict[str, set[str]] = {}
    for file in sorted((PACKAGE / "report" / "locale").glob("??.yml")):  # errors.*.yml are sentences
        for kpi, texts in parse_yaml(file.read_text(encoding="utf-8"), str(file))["kpi"].items():
            for key in ("name", "short"):
                if key in texts:
                    ids.setdefault(_plain(texts[key]), set()).add(kpi)
    return ids


def _plain(title: str) -> str:
    return " ".join(title.casefold().replace("ё", "е").split())


def _id_of(entry: object, formulas: Mapping[str, Formula]) -> str | None:
    """The id for which an entry has a title; None where it has an id, or a title of several KPIs."""
    written = entry.get("kpi") if isinstance(entry, Mapping) else None
    if not isinstance(written, str) or written in CATALOGUE or written in formulas:
        return None
    title = _plain(written)
    own = {kpi for kpi, one in formulas.items() if title in (_plain(one.title.ru), _plain(one.title.en))}
    ids = _ids().get(title, set()) | own
    return min(ids) if len(ids) == 1 else None


def with_ids(raw: dict[str, Any], formulas: Mapping[str, Formula]) -> dict[str, Any]:
    """The content of a specialist's file with ids in place of titles, also of the agency's formulas.

    Examples
    --------
    >>> with_ids({"kpis": [{"kpi": "доля  Отписок"}, {"kpi": "Leads"}, {"kpi": "?"}]}, {})
    {'kpis': [{'kpi': 'churn_rate'}, {'kpi': 'leads'}, {'kpi': '?'}]}
    """
    entries = raw.get("kpis")
    if not isinstance(entries, list):
        return raw
    ids = [_id_of(entry, formulas) for entry in entries]
    named = [entry if kpi is None else {**entry, "kpi": kpi} for entry, kpi in zip(entries, ids, strict=True)]
    return {**raw, "kpis": named}


def titled_entries(files: list[Path], formulas: Mapping[str, Formula]) -> Iterator[Titled]:
    """The first entry of each title in some files of specialists."""
    seen: set[str] = set()
    for file in files:
        text = read_text(file)
        entries = parse_mapping(text, file).get("kpis")
        for number, entry in enumerate(entries if isinstance(entries, list) else []):
            kpi = _id_of(entry, formulas)
            if kpi is not None and _plain(entry["kpi"]) not in seen:
                seen.add(_plain(entry["kpi"]))
                yield Titled(file, line_of(text, ["kpis", number, "kpi"]), entry["kpi"], kpi)
