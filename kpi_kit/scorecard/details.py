"""The lists and curves of a report's sections, from the same units as the KPIs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from kpi_kit.kpis import CATALOGUE
from kpi_kit.kpis.content import plan_status
from kpi_kit.kpis.engine.day_grid import local_days
from kpi_kit.kpis.engine.survival import kaplan_meier
from kpi_kit.params import Entry, TargetParams
from kpi_kit.scorecard.context import Context
from kpi_kit.scorecard.entry_facts import Facts, keys_of
from kpi_kit.scorecard.record import (
    AudienceRow,
    CurvePoint,
    DeletedPost,
    LeadFunnel,
    OverdueInquiry,
    PlanRow,
    PostRow,
    RankedPosts,
    ResponseTimes,
    Sections,
)

SHOWN_POSTS = 5
"""How many best and weakest posts of an account are listed."""
SHOWN_POSTS_OF_MANY = 3
"""The same where there are several accounts."""

CURVE_POINTS = 60
"""How many points the response curve has."""


def sections(context: Context) -> Sections:
    """The sections of a report beside its entries."""
    return {
        "audience": _audience(context),
        "plan": _plan(context),
        "response": _response(context),
        "funnel": _funnel(context),
        "posts": _posts(context),
        "deleted": _deleted(context),
    }


def entry_of(kpi: str) -> Entry:
    """An entry for a KPI over all accounts of the person; its target is not used."""
    return Entry(kpi=kpi, target=TargetParams(at_least=1.0), weight=1.0)


def _value(context: Context, kpi: str) -> float | None:
    return Facts(context, entry_of(kpi)).measurement.value


def _in_period(context: Context, rows: pd.DataFrame, clock: str, kpi: str) -> pd.DataFrame:
    """The rows that a KPI counts for the person in the period."""
    grid = context.own_grid(entry_of(kpi))
    at = rows[clock] if rows[clock].dt.tz is not None else context.setting.midnight(rows[clock])
    inside: pd.DataFrame = rows[grid.cells(rows["account_id"], local_days(at, grid.zone)) >= 0]
    return inside


def _audience(context: Context) -> list[AudienceRow]:
    """Opening, joined, left and closing of each account on the days held."""
    grid = context.own_grid(entry_of("subscribers"))
    rows = _in_period(context, context.tables["audience"], "date", "subscribers")
    starts, ends = grid.edges
    listed: list[AudienceRow] = []
    for row, account in enumerate(grid.owners):
        own = rows[rows["account_id"] == account].sort_values("date")
        opening = float(context.stocks.opening(account, starts[row], ends[row])[0])
        closing = own["subscribers"].iloc[-1] if len(own) else np.nan
        joined, left = (own[name].sum() if own[name].notna().any() else np.nan for name in ("joined", "left"))
        listed.append(
            {
                "account_id": account,
                "opening": _known(opening),
                "closing": _known(closing),
                "joined": _known(joined),
                "left": _known(left),
            }
        )
    return listed


def _known(value: Any) -> Any:
    """A JSON value, None for unknown."""
    if pd.isna(value):
        return None
    return value.item() if isinstance(value, np.generic) else value


def _local(context: Context, instants: pd.Series) -> list[str]:
    """Instants as ISO texts in the department's time zone, to the minute."""
    return [
        moment.isoformat(timespec="minutes") for moment in instants.dt.tz_convert(context.department.timezone)
    ]


def _plan(context: Context) -> list[PlanRow]:
    """The approved plan items due in the period, each with its status."""
    status = plan_status(context.tables, context.setting)
    items = context.tables["plan"].loc[status.index].assign(status=status)
    items = _in_period(context, items, "due_at", "plan_fulfilment").sort_values(["due_at", "plan_id"])
    posts = context.tables["posts"]
    urls = posts["url"].set_axis(keys_of(posts)).reindex(keys_of(items))
    return [
        {
            "plan_id": str(item.plan_id),
            "account_id": str(item.account_id),
            "due_at": due,
            "post_id": _known(item.post_id),
            "url": _known(url),
            "status": str(item.status),
        }
        for item, due, url in zip(items.itertuples(), _local(context, items["due_at"]), urls, strict=True)
    ]


def _response(context: Context) -> ResponseTimes | None:
    """Response times: counts, and the Kaplan–Meier share answered within t hours."""
    facts = Facts(context, entry_of("median_response_time"))
    frame = context.without_absences(facts.frame)
    grid = context.own_grid(facts.entry)
    inside = frame[grid.cells(frame["account_id"], local_days(frame["at"], grid.zone)) >= 0]
    if inside.empty:
        return None
    rate = Facts(context, entry_of("response_rate")).measurement
    answered = inside["denominator"].to_numpy() == 1.0
    rules = context.department.response
    return {
        "sla_hours": rules.sla_hours,
        "calendar": rules.calendar,
        "received": len(inside),
        "due": rate.units,
        "in_time": None if rate.numerator is None else int(rate.numerator),
        "unanswered": int((~answered).sum()),
        "curve": _curve(inside["numerator"].to_numpy(), answered),
        "overdue": _overdue(context, inside[~answered]),
    }


def _overdue(context: Context, waiting: pd.DataFrame) -> list[OverdueInquiry]:
    """Inquiries without an answer past the SLA, the oldest first, with the hours since they were received."""
    late = waiting[waiting["numerator"] > context.department.response.sla_hours].sort_values("at")
    hours = (pd.Timestamp(context.as_of) - late["at"]).dt.total_seconds() / 3600
    moments = _local(context, late["at"])
    return [
        {"account_id": account, "received_at": moment, "hours": float(waited)}
        for account, moment, waited in zip(late["account_id"], moments, hours, strict=True)
    ]


def _curve(hours: np.ndarray, answered: np.ndarray) -> list[CurvePoint]:
    if not answered.any():
        return []
    times, survival = kaplan_meier(hours, answered)
    steps = np.unique(np.linspace(0, len(times) - 1, CURVE_POINTS).round().astype(int))
    points = zip(times[steps], survival[steps], strict=True)
    return [{"hours": float(at), "answered": float(1 - waiting)} for at, waiting in points]


def _funnel(context: Context) -> LeadFunnel | None:
    """Leads, qualified leads and sales of the period, as the KPIs count them."""
    leads = Facts(context, entry_of("leads")).measurement
    if leads.value is None:
        return None
    qualified = Facts(context, entry_of("qualified_leads")).measurement
    unknown = sum(note.detail["count"] for note in qualified.notes if note.code == "qualification_unknown")
    return {
        "leads": leads.value,
        "qualified": qualified.value,
        "unknown": unknown,
        "sold": _value(context, "sales"),
        "amount": _value(context, "sales_amount"),
    }


def _posts(context: Context) -> RankedPosts:
    """The posts of each account with the highest and the lowest view rate, without young and deleted ones."""
    frame = CATALOGUE["view_rate"].units(context.tables, context.setting)
    frame = frame[(frame["excluded"] == "") & frame["numerator"].notna()]
    rate = (frame["numerator"] / frame["denominator"]).where(frame["denominator"] > 0)
    posts = context.tables["posts"].loc[frame.index].assign(view_rate=rate)
    posts = _in_period(context, posts, "published_at", "views")
    most = SHOWN_POSTS if posts["account_id"].nunique() == 1 else SHOWN_POSTS_OF_MANY
    listed: RankedPosts = {"best": [], "weakest": []}
    for account in context.held:
        own = posts[posts["account_id"] == account]
        by = "view_rate" if own["view_rate"].notna().all() else "views"
        ranked = own.sort_values([by, "post_id"], ascending=[False, True])
        count = min(most, len(ranked) // 2)
        listed["best"] += _listed_posts(context, ranked.head(count))
        listed["weakest"] += _listed_posts(context, ranked.iloc[::-1].head(count))
    return listed


def _listed_posts(context: Context, posts: pd.DataFrame) -> list[PostRow]:
    when = _local(context, posts["published_at"])
    return [
        {
            "published_at": moment,
            "post_id": str(post.post_id),
            "account_id": str(post.account_id),
            "views": _known(post.views),
            "likes": _known(post.likes),
            "view_rate": _known(post.view_rate),
            "url": _known(post.url),
            "text": _known(post.text),
            "reach": _known(post.reach),
            "format": _known(post.format),
        }
        for post, moment in zip(posts.itertuples(), when, strict=True)
    ]


def _deleted(context: Context) -> list[DeletedPost]:
    """The posts of the period that were deleted by the cut-off."""
    gone = context.tables["posts"]
    gone = _in_period(context, gone[gone["deleted_at"].notna()], "published_at", "views").sort_values(
        ["published_at", "post_id"]
    )
    moments = zip(
        gone.itertuples(),
        _local(context, gone["published_at"]),
        _local(context, gone["deleted_at"]),
        strict=True,
    )
    return [
        {
            "post_id": str(post.post_id),
            "account_id": str(post.account_id),
            "published_at": published,
            "deleted_at": deleted,
        }
        for post, published, deleted in moments
    ]
