"""The state of a KPI's target, without regard to changes and trends."""

from __future__ import annotations

from kpi_kit.scorecard.entry_record import EntryRecord
from kpi_kit.scorecard.record import ScoringRecord


def state(record: EntryRecord, scoring: ScoringRecord) -> str:
    """How an entry stands against its target.

    Returns
    -------
    str
        ``not_assessable``, ``no_target``, ``attained``, ``below`` (the threshold) or ``missed``.

    Examples
    --------
    >>> missed = {"assessable": True, "target": {}, "attained": False, "attainment": 0.7}
    >>> state(missed, {"threshold": 0.8})
    'below'
    """
    if not record["assessable"]:
        return "not_assessable"
    if record["target"] is None:
        return "no_target"
    if record["attained"]:
        return "attained"
    attainment = record["attainment"]
    return "below" if attainment is not None and attainment < scoring["threshold"] else "missed"
