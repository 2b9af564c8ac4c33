"""Statistics: is the change real, where is it heading, will the target be met.

Pure functions of arrays that return frozen records of plain numbers; none knows a KPI, a calendar or
a file of the project. Degenerate input has an answer in words: None with a reason code, never an
exception or NaN.
"""

from kpi_kit.statistics.backtest import Backtest, Forecast, backtest, forecasts
from kpi_kit.statistics.chance import Begun, Chance, Goal, chance
from kpi_kit.statistics.change import FEWEST_WEEKS, change, weekday_factors
from kpi_kit.statistics.control import (
    Funnel,
    Limits,
    Shock,
    common_shock,
    control_limits,
    funnel,
)
from kpi_kit.statistics.discoveries import false_discoveries
from kpi_kit.statistics.sides import Change, Side
from kpi_kit.statistics.trend import Line, Trend, trend
from kpi_kit.statistics.unusual import Unusual, unusual_days

__all__ = [
    "FEWEST_WEEKS",
    "Backtest",
    "Begun",
    "Chance",
    "Change",
    "Forecast",
    "Funnel",
    "Goal",
    "Limits",
    "Line",
    "Shock",
    "Side",
    "Trend",
    "Unusual",
    "backtest",
    "chance",
    "change",
    "common_shock",
    "control_limits",
    "false_discoveries",
    "forecasts",
    "funnel",
    "trend",
    "unusual_days",
    "weekday_factors",
]
