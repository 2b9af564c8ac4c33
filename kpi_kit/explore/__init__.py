"""``import kpi_kit as kk``: open an agency's data and params once, then explore them.

>>> card = agency.score("anna-petrova", "2025-10")
>>> round(card["churn_rate"].value, 4)
0.0253
"""

from __future__ import annotations

from pathlib import Path

from kpi_kit.data.open_inputs import open_inputs
from kpi_kit.explore.agency import Agency
from kpi_kit.explore.card import Card, Record
from kpi_kit.explore.comparison import Comparison
from kpi_kit.explore.explorer import Explorer
from kpi_kit.report import inputs

__all__ = ["Agency", "Card", "Comparison", "Explorer", "Record", "open"]


def open(data: str | Path, params: str | Path, *, out: str | Path = "reports") -> Agency:
    """Open an agency: read its params, check its data.

    Parameters
    ----------
    data : str or Path
        A data folder or database. In a notebook of ``notebooks/`` relative paths start at the project.
    params : str or Path
        The folder of ``department.yml``.
    out : str or Path
        The folder of reports; the cohort of a run (back-test, common shocks) is read from there.

    Returns
    -------
    Agency

    Raises
    ------
    KitError
        With every problem of the department's params and of the data, a sentence each.

    Examples
    --------
    >>> agency = open("data/sample", "params")  # doctest: +SKIP
    >>> agency
    Агентство «Маяк»: 6 специалистов, 16 аккаунтов, данные по 30.11.2025
    """
    places = inputs.folders({"data": str(data), "params": str(params)})
    loaded, store = open_inputs(places["data"], places["params"])
    return Agency(loaded, store, inputs.resolve(str(out)))
