"""Rows of totals decide on every column that adds up, in every kind; the other columns are named."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twins import FILES, TOTALS

from kpi_kit.core.errors import InputError
from kpi_kit.sources import SOURCES, Imported, ImportOptions
from kpi_kit.sources.control_sums import ControlSums
from kpi_kit.sources.recognise import recognise

KNOWN = {name: source for name, source in SOURCES.items() if name != "csv"}
UNCHECKED = {
    "tiktok_overview.csv": "reach (the same people are counted in several rows)",
    "instagram.csv": "reach (the same people are counted in several rows)",
    "gsc.csv": "position (an average or a share)",
    "ga4_social.csv": "total_users (the same people are counted in several rows)",
    "metrica.csv": "visitors (the same people are counted in several rows)",
}


def read(path: Path, text: str) -> Imported:
    path.write_bytes(text.encode())
    options = ImportOptions(account="a", brand="b", since=None, until=None)
    source = SOURCES[recognise(path, KNOWN).source]
    return source.read([path], options)


@pytest.mark.parametrize("name", TOTALS)
def test_a_right_row_of_totals_agrees_and_a_wrong_one_is_refused(name: str, tmp_path: Path) -> None:
    text = FILES[name][1].decode().removesuffix(",,55,,Grand total\n") + TOTALS[name]
    said = read(tmp_path / name, text).remarks
    assert any("of totals skipped; the rows add up to it" in each for each in said), said
    if name in UNCHECKED:
        assert any(f"totals not checked: {UNCHECKED[name]}" in each for each in said), said
    if TOTALS[name]:
        numbers = TOTALS[name].strip("\r\n").replace('"', "").replace(";", ",").split(",")
        place = next(n for n, cell in enumerate(numbers) if n and cell)
        wrong = TOTALS[name].replace(numbers[place], "1", 1)
        with pytest.raises(InputError, match="more than the 1 of the row of totals"):
            read(tmp_path / name, text.removesuffix(TOTALS[name]) + wrong)


class TestOneColumn:
    @staticmethod
    def verdict(values: list[str | None], *totals: str, **shares: str) -> str:
        sums = ControlSums(**{name: Decimal(share) for name, share in shares.items()})
        sums.add("views", [None if each is None else float(each) for each in values])
        for total in totals:
            sums.add_total("views", Decimal(total))
        wrong, told = sums.problems("a.csv", partial=False, many=False)
        return "; ".join([*wrong, *told]) or ", ".join(sums.agreed())

    @pytest.mark.parametrize(
        ("values", "totals", "words"),
        [
            ([], ["0"], "views"),
            (["5"], ["5"], "views"),
            (["5", "5"], ["10", "10"], "views"),  # the same row above and below
            (["5", "5"], ["5", "5"], "views"),  # a subtotal of each
            (["5", "6"], ["5", "6", "11"], "views"),  # subtotals and the total
            (["5", "6"], ["11", "12"], "the 2 rows of totals say 11 and 12"),
            ([], ["3"], "the rows add up to 0, the row of totals says 3"),
            (["5", None], ["7"], "2 less than the row of totals says"),
            (["0.1"] * 4, ["0.4"], "views"),
            (["0.33", "0.33", "0.33"], ["1"], "views"),  # a third of 1 each, rounded
            (["0.5", "0.5"], ["2.5"], "the rows add up to 1, the row of totals says 2.5"),
        ],
    )
    def test_cases(self, values: list[str | None], totals: list[str], words: str) -> None:
        assert words in self.verdict(values, *totals)

    def test_shares(self) -> None:
        assert "2 less than" in self.verdict(["98"], "100", lacking="0.02")
        assert "the row of totals says 100" in self.verdict(["97"], "100", lacking="0.02")
        assert "2 more than the row of totals says, as the service estimates" in self.verdict(
            ["102"], "100", beyond="0.02"
        )
        assert "more than the 100" in self.verdict(["103"], "100", beyond="0.02")

    @given(st.lists(st.integers(0, 10**6), max_size=8), st.integers(-3, 3))
    def test_whole_numbers_agree_to_the_last_one(self, values: list[int], error: int) -> None:
        total = sum(values) + error
        said = self.verdict([str(value) for value in values], str(total))
        assert (said == "views") == (error == 0)
