"""Groups 3 and 4: views, likes, and meaningful comments."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from importlib import resources

import numpy as np
import pandas as pd

from kpi_kit.core.model import Aggregation, Alternative, Better, Interval, Stock, Unit
from kpi_kit.kpis.engine.stocks import STALE_DAYS
from kpi_kit.kpis.engine.unit_frame import Setting, Tables, UnitFrame, first_code, flagged, kpi, units

_WITH_DELETED = Alternative("with_deleted", admit=("posts_deleted",))
_WITH_UNSETTLED = Alternative("with_unsettled", admit=("posts_unsettled",))
_SETTLED_ONLY = Alternative("settled_only", leave_out=("unsettled",))
_MEAN_OF_POSTS = Alternative("mean_of_posts", per_unit=True)
_MEDIAN_OF_POSTS = Alternative("median_of_posts", per_unit=True, aggregation=Aggregation.MEDIAN)
_OVER_OPENING = Alternative("over_opening", stock=Stock.OPENING)
_OVER_CLOSING = Alternative("over_closing", stock=Stock.CLOSING)
_TOLD_ONLY = Alternative("told_only", leave_out=("comments_by_rule",))
_AUTHOR_KNOWN = Alternative("author_known", leave_out=("unsigned",))


def _post_units(
    posts: pd.DataFrame,
    setting: Setting,
    numerator: pd.Series,
    denominator: pd.Series | float,
    *,
    settled: bool,
) -> UnitFrame:
    """Units of posts without deleted ones, and without young ones where figures must be settled."""
    age = posts["stats_at"] - posts["published_at"]
    young = (age < setting.settle).to_numpy(dtype=bool)
    excluded = first_code(
        len(posts), ("posts_deleted", posts["deleted_at"].notna()), ("posts_unsettled", young & settled)
    )
    remark = first_code(
        len(posts),
        ("posts_age_unknown", posts["stats_at"].isna() & settled),
        ("stats_after_cutoff", posts["stats_at"] > setting.as_of),
    )
    trait = first_code(len(posts), ("unsettled", young))
    more = {"excluded": excluded, "remark": remark, "trait": trait, "reach": posts["reach"]}
    return units(posts["published_at"], posts["account_id"], numerator, denominator, **more)


@kpi(
    group=3,
    unit=Unit.VIEWS,
    better=Better.HIGHER,
    aggregation=Aggregation.SUM,
    interval=Interval.POSTS,
    tables=("posts",),
    total="views",
    matures=("views",),
    source="platform statistics: views of a post so far",
    shock="views",
    alternatives=(_WITH_DELETED, _SETTLED_ONLY),
)
def views(tables: Tables, setting: Setting) -> UnitFrame:
    """Σ views of posts published in the period."""
    posts = tables["posts"]
    return _post_units(posts, setting, posts["views"], 1.0, settled=False)


@kpi(
    group=3,
    unit=Unit.SHARE,
    better=Better.HIGHER,
    aggregation=Aggregation.RATIO,
    interval=Interval.POSTS,
    tables=("posts", "audience"),
    matures=("views",),
    source="view rate: views over subscribers on the day of publication",
    shock="views",
    alternatives=(_MEAN_OF_POSTS, _MEDIAN_OF_POSTS, _WITH_UNSETTLED),
)
def view_rate(tables: Tables, setting: Setting) -> UnitFrame:
    """Σ views / Σ over the same posts of the account's subscribers on the day of publication."""
    posts = tables["posts"]
    return _post_units(posts, setting, posts["views"], _subscribers_on_the_day(tables, setting), settled=True)


def _subscribers_on_the_day(tables: Tables, setting: Setting) -> pd.Series:
    """Subscribers of each post's account on its day, else of the last row of the 7 days before."""
    posts = tables["posts"]
    day = posts["published_at"].dt.tz_convert(setting.zone).dt.tz_localize(None).dt.normalize()
    days = pd.DataFrame({"date": day, "account_id": posts["account_id"]}).sort_values("date", kind="stable")
    counts = tables["audience"][["date", "account_id", "subscribers"]].dropna(subset="subscribers")
    counts = counts.sort_values("date", kind="stable")
    matched = pd.merge_asof(
        days,
        counts,
        on="date",
        by="account_id",
        tolerance=pd.Timedelta(days=STALE_DAYS),
        direction="backward",
    )
    return pd.Series(matched["subscribers"].to_numpy(), index=days.index).reindex(posts.index)


@kpi(
    group=3,
    unit=Unit.SHARE,
    better=Better.HIGHER,
    aggregation=Aggregation.RATIO,
    interval=Interval.POSTS,
    tables=("posts",),
    matures=("likes", "comments", "reposts", "views"),
    source="engagement rate by views",
    alternatives=(
        _MEAN_OF_POSTS,
        _MEDIAN_OF_POSTS,
        _WITH_UNSETTLED,
        Alternative("over_reach", columns=(("denominator", "reach"),)),
    ),
)
def engagement_rate(tables: Tables, setting: Setting) -> UnitFrame:
    """Σ (likes + comments + reposts) / Σ views over settled posts."""
    posts = tables["posts"]
    engaged = posts["likes"] + posts["comments"] + posts["reposts"]
    return _post_units(posts, setting, engaged, posts["views"], settled=True)


@kpi(
    group=4,
    unit=Unit.LIKES,
    better=Better.HIGHER,
    aggregation=Aggregation.SUM,
    interval=Interval.POSTS,
    tables=("posts",),
    total="likes",
    matures=("likes",),
    source="platform statistics: likes or reactions of a post so far",
    shock="likes",
    alternatives=(_WITH_DELETED, _SETTLED_ONLY),
)
def likes(tables: Tables, setting: Setting) -> UnitFrame:
    """Σ likes of posts published in the period."""
    posts = tables["posts"]
    return _post_units(posts, setting, posts["likes"], 1.0, settled=False)


@kpi(
    group=4,
    unit=Unit.SHARE,
    better=Better.HIGHER,
    aggregation=Aggregation.RATIO,
    stock=Stock.MEAN,
    interval=Interval.POSTS,
    tables=("posts", "audience"),
    matures=("likes",),
    source="likes over the mean daily number of subscribers",
    shock="likes",
    alternatives=(_OVER_OPENING, _OVER_CLOSING, _SETTLED_ONLY),
)
def like_rate(tables: Tables, setting: Setting) -> UnitFrame:
    """Likes / Σ accounts of the mean daily subscribers in the period."""
    posts = tables["posts"]
    return _post_units(posts, setting, posts["likes"], 1.0, settled=setting.settled_only)


def _comment_units(tables: Tables, setting: Setting) -> UnitFrame:
    """Comments not by the brand: 1 where meaningful, by flag or else by rule."""
    rows = tables["comments"]
    rows = rows[~flagged(rows["by_brand"])]
    flagged_rows = rows["meaningful"].notna().to_numpy(dtype=bool)
    text = rows["text"]
    by_rule = ~flagged_rows & text.notna().to_numpy(dtype=bool)
    verdict = np.full(len(rows), np.nan)
    verdict[flagged_rows] = rows.loc[flagged_rows, "meaningful"].to_numpy(dtype="float64")
    verdict[by_rule] = [is_meaningful(comment) for comment in text[by_rule]]
    remark = first_code(len(rows), ("comments_by_rule", by_rule))
    trait = first_code(len(rows), ("unsigned", rows["by_brand"].isna()))
    return units(rows["created_at"], rows["account_id"], verdict, remark=remark, trait=trait)


@kpi(
    group=4,
    unit=Unit.COMMENTS,
    better=Better.HIGHER,
    aggregation=Aggregation.SUM,
    interval=Interval.COUNTS,
    tables=("comments",),
    always_noted=("comments_by_rule",),
    source="comments of the audience that say something",
    shock="comments",
    alternatives=(_TOLD_ONLY, _AUTHOR_KNOWN),
)
def meaningful_comments(tables: Tables, setting: Setting) -> UnitFrame:
    """Comments made in the period, not by the brand, meaningful."""
    return _comment_units(tables, setting)


@kpi(
    group=4,
    unit=Unit.SHARE,
    better=Better.HIGHER,
    aggregation=Aggregation.RATIO,
    stock=Stock.MEAN,
    interval=Interval.COUNTS,
    tables=("comments", "audience"),
    always_noted=("comments_by_rule",),
    source="meaningful comments over the mean daily number of subscribers",
    shock="comments",
    alternatives=(_OVER_OPENING, _OVER_CLOSING, _TOLD_ONLY, _AUTHOR_KNOWN),
)
def meaningful_comment_rate(tables: Tables, setting: Setting) -> UnitFrame:
    """Meaningful comments / Σ accounts of the mean daily subscribers in the period."""
    return _comment_units(tables, setting)


_LINK = re.compile(
    r"(?:https?://|www\.)\S+"
    r"|\S+@\S+\.\w+"
    r"|\b(?:[\w-]+\.)+(?:ru|рф|su|by|kz|ua|com|org|net|info|biz|me|io|co|cc|tv|ly|be|link|app|online|shop|site|store|club)\b(?:/\S*)?",
    re.IGNORECASE,
)
_MENTION = re.compile(r"\[(?:id|club|public)\d+\|[^\]]*\]|@[\w.]+")


@lru_cache(maxsize=100_000)
def is_meaningful(text: str) -> bool:
    """Whether a comment is meaningful by rule, where no flag says so.

    After removing links, mentions, emoji and punctuation: at least 3 words of 2 or more letters, and
    none of the phrases in ``spam_phrases.txt``.

    Examples
    --------
    >>> is_meaningful("Подскажите, есть доставка в Тверь?")
    True
    >>> is_meaningful("👍👍👍 круто"), is_meaningful("Заходи ко мне: https://spam.example/a/b")
    (False, False)
    """
    words = _plain(_MENTION.sub(" ", _LINK.sub(" ", unicodedata.normalize("NFC", text)))).split()
    if sum(sum(map(str.isalpha, word)) >= 2 for word in words) < 3:
        return False
    padded = f" {' '.join(words)} "
    return not any(phrase in padded for phrase in _spam_phrases())


def _plain(text: str) -> str:
    """Lower case, letters and digits; other characters separate words."""
    letters = "".join(char if unicodedata.category(char)[0] in "LMN" else " " for char in text)
    return letters.casefold().replace("ё", "е")


@cache
def _spam_phrases() -> tuple[str, ...]:
    lines = resources.files(__package__).joinpath("spam_phrases.txt").read_text(encoding="utf-8").splitlines()
    phrases = (" ".join(_plain(line).split()) for line in lines if not line.startswith("#"))
    return tuple(f" {phrase} " for phrase in phrases if phrase)
