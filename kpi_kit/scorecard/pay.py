"""Pay beside the KPIs: the bonus of calendar months, and variable pay."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from kpi_kit.core.model import Note
from kpi_kit.core.periods import Grain, Period, midnight
from kpi_kit.kpis.engine.day_grid import local_days
from kpi_kit.kpis.sales import late_refunds
from kpi_kit.params import Entry, TargetParams
from kpi_kit.params.targets import share_of
from kpi_kit.scorecard.context import Context
from kpi_kit.scorecard.entry_facts import Facts, days_until
from kpi_kit.scorecard.record import Bonus, BonusMonth, VariablePay


def bonus(context: Context) -> Bonus | None:
    """The bonus of a period: the sum of its calendar months; a week has its sales and no bonus."""
    rule = context.person.bonus
    if rule is None:
        return None
    is_week = context.period.grain is Grain.WEEK
    months = [] if is_week else [_month(context, month) for month in _months(context)]
    amounts = [month["amount"] for month in months]
    known = [amount for amount in amounts if amount is not None]
    return {
        "sales_amount": _sales(context),
        "share": float(rule.share_of_sales),
        "cap": rule.cap,
        "refunds": rule.refunds,
        "amount": sum(known) if months and len(known) == len(months) else None,
        "months": months,
    }


def _months(context: Context) -> list[Period]:
    """The calendar months of the period that have begun at the cut-off."""
    zone = context.department.zone
    months = context.period.parts(Grain.MONTH)
    return [month for month in months if midnight(month.start, zone) < context.as_of] or months[:1]


def _month(context: Context, month: Period) -> BonusMonth:
    rule = context.person.bonus
    assert rule is not None
    own = context if month == context.period else context.alike(period=month)
    sales, (count, refunded) = _sales(own), _refunds(own)
    earned = None if sales is None else max(0.0, min(sales * rule.share_of_sales, rule.cap or np.inf))
    due = None if refunded is None else refunded * float(rule.share_of_sales)
    deducted = 0.0 if rule.refunds == "report" else due
    is_known = earned is not None and deducted is not None
    return {
        "month": str(month),
        "sales_amount": sales,
        "earned": earned,
        "refunds": count,
        "refunded": refunded,
        "refund_share": due,
        "amount": max(0.0, earned - deducted)
        if is_known and earned is not None and deducted is not None
        else None,
    }


def _sales(context: Context) -> float | None:
    """The sales of the accounts on the days on which they are the person's."""
    entry = Entry(kpi="sales_amount", target=TargetParams(at_least=1.0), weight=1.0)
    facts = Facts(context, entry)
    held = context.own_grid(entry, absent=True)
    return context.tally(facts.kpi, facts.frame, held).measure(0).value


def _refunds(context: Context) -> tuple[int, float | None]:
    """The refunds of the period of sales whose month had settled: their number and sum."""
    entry = Entry(kpi="sales_amount", target=TargetParams(at_least=1.0), weight=1.0)
    refunds = late_refunds(context.tables, context.setting)
    grid = context.own_grid(entry, absent=True)
    days = local_days(refunds["at"], grid.zone)
    rows = refunds[grid.cells(refunds["account_id"], days) >= 0]
    amounts = rows["amount"].to_numpy()
    return len(rows), None if np.isnan(amounts).any() else float(amounts.sum())


def refund_notes(facts: Facts) -> Iterator[Note]:
    """The note about refunds of the period that belong to sales of settled months."""
    if facts.kpi.id in ("sales", "sales_amount") and facts.entry.as_ == "value":
        count, amount = _refunds(facts.context)
        if count:
            yield Note("refunds_late", {"count": count, "amount": amount})


def variable_pay(context: Context, total: float | None) -> VariablePay | None:
    """The variable pay of the period, and its part by the total.

    It scales like a target of a month: by the days of the period on which the person holds accounts or brands
    and is present.
    """
    monthly = context.person.variable_pay
    if monthly is None:
        return None
    period = context.period
    whole = [(period.start, period.end)]
    windows = [*context.held.values(), *([whole] if context.person.brands else [])] or [whole]
    days = [days_until(context.present(held), context.known_until) for held in windows]
    share = Fraction(sum(days), len(days) * period.days)
    amount = float(Fraction(monthly) * share_of(Grain.MONTH, period) * share)
    return {
        "monthly": float(monthly),
        "share": float(share),
        "amount": amount,
        "payout": None if total is None else amount * total,
    }
