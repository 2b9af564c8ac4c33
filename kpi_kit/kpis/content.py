"""Group 10: posts published, and fulfilment of the content plan."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kpi_kit.core.model import Aggregation, Alternative, Better, Interval, Unit
from kpi_kit.kpis.engine.unit_frame import Setting, Tables, UnitFrame, first_code, flagged, kpi, units


@kpi(
    group=10,
    unit=Unit.POSTS,
    better=Better.HIGHER,
    aggregation=Aggregation.SUM,
    interval=Interval.NONE,
    tables=("posts",),
    total="posts",
    source="platform statistics: posts on the wall",
    alternatives=(Alternative("with_deleted", admit=("posts_deleted",)),),
)
def posts_published(tables: Tables, setting: Setting) -> UnitFrame:
    """Posts published in the period, not deleted by the cut-off."""
    posts = tables["posts"]
    excluded = first_code(len(posts), ("posts_deleted", posts["deleted_at"].notna()))
    return units(posts["published_at"], posts["account_id"], 1.0, excluded=excluded)


STATUSES = (
    "cancelled",
    "approved_late",
    "not_due",
    "missing",
    "deleted",
    "late",
    "not_reviewed",
    "off_brand",
    "fulfilled",
)
"""The statuses of an approved plan item; the first that applies counts."""


def plan_status(tables: Tables, setting: Setting) -> pd.Series:
    """The status of each approved plan item, one of :data:`STATUSES`.

    Returns
    -------
    pandas.Series
        Codes on the index of ``plan``.
    """
    plan = tables["plan"]
    plan = plan[flagged(plan["approved"])]
    post = _planned_posts(plan, tables["posts"])
    deadline = plan["due_at"] + setting.tolerance
    status = first_code(
        len(plan),
        ("cancelled", plan["cancelled_at"] < plan["due_at"]),
        ("approved_late", plan["approved_at"] > plan["due_at"]),
        ("not_due", deadline > setting.as_of),
        ("missing", post["published_at"].isna()),
        ("deleted", post["deleted_at"].notna()),
        ("late", post["published_at"] > deadline),
        ("not_reviewed", post["on_brand"].isna()),
        ("off_brand", ~flagged(post["on_brand"])),
        ("fulfilled", np.ones(len(plan), dtype=bool)),
    )
    return pd.Series(status, index=plan.index)


@kpi(
    group=10,
    unit=Unit.SHARE,
    better=Better.HIGHER,
    aggregation=Aggregation.RATIO,
    interval=Interval.BINARY,
    tables=("plan", "posts"),
    bounded=True,
    delegable=True,
    source="content plan: approved items that were published on time and on brand",
    alternatives=(
        Alternative("cancelled_missed", admit=("items_cancelled",)),
        Alternative("by_day", columns=(("numerator", "by_day"),)),
        Alternative("any_brand", columns=(("numerator", "in_time"),)),
    ),
)
def plan_fulfilment(tables: Tables, setting: Setting) -> UnitFrame:
    """Approved plan items due in the period, published on time and on brand / items due."""
    status = plan_status(tables, setting)
    plan = tables["plan"].loc[status.index]
    fulfilled = (status == "fulfilled").astype("float64").where(status != "not_reviewed")
    excluded = first_code(
        len(plan),
        ("items_cancelled", status == "cancelled"),
        ("items_approved_late", status == "approved_late"),
        ("items_not_due", status == "not_due"),
    )
    in_time = status.isin(("fulfilled", "off_brand", "not_reviewed")).astype("float64")
    by_day = _by_day(plan, tables["posts"], setting)
    return units(
        plan["due_at"], plan["account_id"], fulfilled, excluded=excluded, by_day=by_day, in_time=in_time
    )


def _planned_posts(plan: pd.DataFrame, posts: pd.DataFrame) -> pd.DataFrame:
    """The post of each plan item; whether it is on brand is known from the post, else from the plan."""
    key = ["account_id", "post_id"]
    figures = posts.set_index(key)[["published_at", "deleted_at", "on_brand"]]
    post = figures.reindex(pd.MultiIndex.from_frame(plan[key])).set_axis(plan.index)
    return post.assign(on_brand=post["on_brand"].fillna(plan["on_brand"]))


def _by_day(plan: pd.DataFrame, posts: pd.DataFrame, setting: Setting) -> pd.Series:
    """Whether each item was published by the end of its due day, and on brand."""
    post = _planned_posts(plan, posts)
    due, published = (
        at.dt.tz_convert(setting.zone).dt.tz_localize(None).dt.normalize()
        for at in (plan["due_at"], post["published_at"])
    )
    online = (published <= due) & post["deleted_at"].isna()
    fulfilled: pd.Series = (online & flagged(post["on_brand"])).astype("float64")
    fulfilled[online & post["on_brand"].isna()] = np.nan
    return fulfilled
