"""Exchange rates into the department's currency."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

MOST_DAYS = 14
"""The most days by which a rate may precede the day that it converts."""


@dataclass(frozen=True)
class Rates:
    """Exchange rates by currency.

    Parameters
    ----------
    currency : str
        The department's currency.
    days, values : dict of str to array
        By currency: day numbers in ascending order, and units of the department's currency for one unit.
    """

    currency: str
    days: Mapping[str, npt.NDArray[np.int64]] = field(default_factory=dict)
    values: Mapping[str, npt.NDArray[np.float64]] = field(default_factory=dict)

    def of(self, currencies: npt.NDArray[np.object_], days: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """The rates of some currencies on some days: the latest at most 14 days old, else NaN.

        Examples
        --------
        >>> rates = Rates("RUB", {"USD": np.array([10])}, {"USD": np.array([81.5])})
        >>> rates.of(np.array(["RUB", "USD", "USD"], dtype=object), np.array([9, 9, 24])).tolist()
        [1.0, nan, 81.5]
        """
        found = np.full(len(days), np.nan)
        for currency in set(currencies):
            rows = currencies == currency
            if currency == self.currency:
                found[rows] = 1.0
            elif currency in self.days:
                known, asked = self.days[currency], days[rows]
                last = np.searchsorted(known, asked, side="right") - 1
                recent = (last >= 0) & (asked - known[np.maximum(last, 0)] <= MOST_DAYS)
                found[rows] = np.where(recent, self.values[currency][np.maximum(last, 0)], np.nan)
        return found
