"""The unit frame: days that begin at no midnight or at two, and whose a formula is."""

from __future__ import annotations

import pandas as pd
import pytest

from kpi_kit.kpis import CATALOGUE
from kpi_kit.kpis.engine.unit_frame import Setting


@pytest.mark.parametrize(
    ("zone", "day", "begins"),
    [
        ("Europe/Moscow", "2025-10-01", "2025-09-30T21:00Z"),
        ("America/Havana", "2025-11-02", "2025-11-02T04:00Z"),  # clocks go back at 01:00: the first of two
        ("America/Santiago", "2025-09-07", "2025-09-07T04:00Z"),  # clocks go from 00:00 to 01:00
    ],
)
def test_a_day_begins_at_its_first_instant(zone: str, day: str, begins: str) -> None:
    moment, span = pd.Timestamp("2025-12-01T00:00Z"), pd.Timedelta(0)
    setting = Setting(zone, moment, span, span, 1.0, lambda begun, ended: (ended - begun).to_numpy())
    assert setting.midnight(pd.Series([pd.Timestamp(day)])).tolist() == [pd.Timestamp(begins)]


def test_the_family_of_a_kpi_is_its_file() -> None:
    assert {CATALOGUE[kpi].family for kpi in ("views", "likes", "meaningful_comments")} == {"engagement"}
    assert (CATALOGUE["churn_rate"].family, CATALOGUE["sales"].family) == ("audience", "sales")
