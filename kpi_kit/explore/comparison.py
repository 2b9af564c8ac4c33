"""Scorecards of several periods side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from kpi_kit.explore.card import Card
from kpi_kit.explore.page import page
from kpi_kit.report import parts
from kpi_kit.report.wording import Words
from kpi_kit.scorecard.entry_record import EntryRecord


class Comparison:
    """Facts by entry and period, and the difference of the last from the first.

    Parameters
    ----------
    cards : sequence of Card
        Of one person.
    """

    def __init__(self, cards: Sequence[Card]) -> None:
        self.cards = tuple(cards)

    @property
    def frame(self) -> pd.DataFrame:
        """The facts, one row an entry and one column a period; unknown ones are NaN."""
        facts = pd.DataFrame(
            {str(card.period): {key: card[key].value for key in card} for card in self.cards}, dtype="float64"
        )
        return facts.assign(difference=facts.iloc[:, -1] - facts.iloc[:, 0]).rename_axis("kpi")

    def __repr__(self) -> str:
        return self.frame.to_string()

    def _repr_html_(self) -> str:
        words = self.cards[-1].words
        heading = words.text("explore.compared")
        columns = [parts.Column("kpi", words.text("scorecard.kpi"))]
        columns += [
            parts.Column(f"c{number}", words.period(str(card.period)), numeric=True)
            for number, card in enumerate(self.cards)
        ]
        columns.append(parts.Column("difference", words.text("explore.difference"), numeric=True))
        rows = [self._row(key, difference) for key, difference in self.frame["difference"].items()]
        return page(words, parts.table("compared", columns, rows, heading))

    def _row(self, key: Any, difference: float) -> dict[str, str]:
        words = self.cards[-1].words
        entries = [card[key] for card in self.cards]
        cells = {f"c{number}": _fact(entry.data, words) for number, entry in enumerate(entries)}
        unit = entries[-1].data["unit"]
        change = "—" if pd.isna(difference) else words.delta(difference, unit)
        return {"kpi": entries[-1].name, **cells, "difference": change}


def _fact(record: EntryRecord, words: Words) -> str:
    return "—" if record["value"] is None else words.fact(record)
