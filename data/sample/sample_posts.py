"""The tables that hang on posts: posts, post_stats, comments, plan."""

import numpy as np
import pandas as pd
from sample_days import (
    DAYS,
    END,
    MONTH,
    START,
    days_between,
    first_day,
    hours,
    in_office_hours,
    numbered,
    rhythm,
    stream,
)

SLOTS = np.array([9.0, 12.0, 15.0, 18.5, 20.5])  # hours at which the agency publishes
VIRAL = {"account": "vk-tours", "at": pd.Timestamp("2025-08-21 12:00"), "views": 184_000, "talk": 130}
COMMENT_SPAM = {"account": "vk-school", "since": "2025-09-09", "until": "2025-09-13", "number": 190}
JUDGED = {"said": 0.12, "short": 0.12, "reply": 0.0, "spam": 0.5}  # how often a person set `meaningful`

PLAN_SINCE = pd.Timestamp("2024-01-01")
REVIEW_SINCE = pd.Timestamp("2024-01-01")  # nobody judged `on_brand` before
REVIEW_UNTIL = {"linen": pd.Timestamp("2025-11-20")}  # the others: two days before the end
SNAPSHOTS_SINCE = pd.Timestamp("2024-09-01")
DAY_SNAPSHOTS_SINCE = pd.Timestamp("2025-09-01")
LINKS_SINCE = pd.Timestamp("2025-07-01")  # older exports carried no links


def make_posts(accounts: dict, audience: pd.DataFrame, texts: dict) -> pd.DataFrame:
    posts = pd.concat([make_account_posts(name, a, audience, texts) for name, a in accounts.items()])
    posts = posts.sort_values(["published_at", "account_id"], ignore_index=True)
    posts.insert(0, "post_id", numbered("p", len(posts)))
    return posts


def make_account_posts(name: str, account: dict, audience: pd.DataFrame, texts: dict) -> pd.DataFrame:
    """Posts of an account, with the figures that each reaches in the end."""
    rng = stream("posts", name)
    published = publishing_times(rng, name, account)
    own = audience[audience["account_id"] == name].set_index("date")["subscribers"]
    subscribers = own.reindex(published.normalize()).to_numpy()
    interest = rhythm(rng, {**account["demand"], "yearly": 0.03, "launches": []}, 0.95, 0.62)
    number = len(published)
    luck = rng.lognormal(0, 0.3, number)
    drawn = subscribers * account["views"] * interest[(published - START).days] * luck
    viral = np.asarray((published == VIRAL["at"]) & (name == VIRAL["account"]))
    views = np.where(viral, VIRAL["views"], np.maximum(drawn, 12)).astype(int)
    figures = {"views": views}
    for figure in ("likes", "reposts"):
        share = np.minimum(account[figure] * rng.lognormal(0, 0.3, number), 0.2)
        figures[figure] = rng.binomial(views, share)
    figures["comments"] = rng.poisson(views * account["likes"] * 0.12)
    frame = pd.DataFrame({"account_id": name, "published_at": published, **figures, "viral": viral})
    own_texts = texts["posts"][account["brand"]]
    written = [fill(rng, own_texts["texts"], own_texts["items"]) for _ in range(number)]
    frame["text"] = np.where(viral, texts["viral_post"], written)
    frame["on_brand"] = draw_on_brand(rng, account, published)
    gone = pd.Series(published + hours(rng.uniform(4, 240, number)))
    frame["deleted_at"] = gone.where((rng.random(number) < 0.02) & ~viral & (gone < END))
    measured = pd.Series(published + hours(rng.uniform(14 * 24, 30 * 24, number))).clip(upper=END)
    frame["stats_at"] = measured.mask(frame["deleted_at"] < measured, frame["deleted_at"])
    frame["reach_share"] = rng.uniform(0.74, 0.9, number)
    return frame


def publishing_times(rng: np.random.Generator, name: str, account: dict) -> pd.DatetimeIndex:
    """Slots of the day, each used or not, with the minutes by which people are early or late."""
    demand = {**account["demand"], "yearly": 0.06, "launches": [], "season": [1.0] * 12}
    chance = account["posts"] / MONTH / len(SLOTS) * rhythm(rng, demand, 0.65, 0.55)
    chance[first_day(account) > DAYS] = 0
    day, slot = np.nonzero(rng.random((len(DAYS), len(SLOTS))) < chance[:, None])
    times = DAYS[day] + hours(SLOTS[slot] + rng.integers(-6, 31, len(day)) / 60)
    return times.append(pd.DatetimeIndex([VIRAL["at"]])).sort_values() if name == VIRAL["account"] else times


def fill(rng: np.random.Generator, sentences: list[str], items: list[str]) -> str:
    text = sentences[rng.integers(len(sentences))].replace("{item}", items[rng.integers(len(items))])
    return text[0].upper() + text[1:]


def draw_on_brand(rng: np.random.Generator, account: dict, published: pd.DatetimeIndex) -> pd.Series:
    until = REVIEW_UNTIL.get(account["brand"], END - pd.Timedelta(days=2))
    reviewed = (published >= REVIEW_SINCE) & (published < until) & (rng.random(len(published)) > 0.05)
    return pd.Series(rng.random(len(published)) > 0.035, dtype="boolean").where(reviewed)


def maturity(age: pd.Series) -> np.ndarray:
    """Share of its final views that a post has after so many days: 54 % after 1, 92 % after 7."""
    return 1 - np.exp(-((np.maximum(age, 0) / 1.5) ** 0.6))


def make_plan(accounts: dict, posts: pd.DataFrame) -> pd.DataFrame:
    """Plan items, most of them for the posts there are."""
    rng = stream("plan")
    planned = posts["account_id"].isin([n for n, a in accounts.items() if a.get("plan")])
    fulfilled = posts[planned & (posts["published_at"] >= PLAN_SINCE)].sample(frac=0.95, random_state=rng)
    lateness = np.where(rng.random(len(fulfilled)) < 0.035, rng.uniform(2, 30, len(fulfilled)), 0)
    plan = pd.DataFrame(
        {
            "account_id": fulfilled["account_id"].to_numpy(),
            "due_at": nearest_slot(fulfilled["published_at"] - hours(lateness)),
            "post_id": fulfilled["post_id"].to_numpy(),
        }
    )
    missed = plan.sample(frac=0.075, random_state=rng).assign(post_id=None)
    missed["due_at"] += pd.to_timedelta(rng.integers(-3, 4, len(missed)), unit="D")
    plan = pd.concat([plan, missed])
    plan = plan[(plan["due_at"] >= PLAN_SINCE) & (plan["due_at"] < END)]
    plan = plan.sort_values(["due_at", "account_id"], ignore_index=True)
    plan["approved"] = True
    plan["approved_at"] = in_office_hours(rng, plan["due_at"] - hours(rng.uniform(24, 170, len(plan))))
    plan["cancelled_at"] = pd.Series(pd.NaT, plan.index)
    fate, empty = rng.random(len(plan)), plan["post_id"].isna()
    cancelled, rejected = empty & (fate < 0.35), empty & (fate >= 0.35) & (fate < 0.55)
    too_late = ~empty & (fate < 0.012)
    called_off = plan["due_at"] - hours(rng.uniform(-24, 70, len(plan)))  # below 0: when it was too late
    plan.loc[cancelled, "cancelled_at"] = in_office_hours(rng, called_off)[cancelled]
    plan.loc[rejected, ["approved", "approved_at"]] = [False, pd.NaT]
    next_day = in_office_hours(rng, plan["due_at"] + pd.Timedelta(days=1))
    plan.loc[too_late, "approved_at"] = next_day[too_late]
    plan = plan[~(plan[["approved_at", "cancelled_at"]] >= END).any(axis=1)].reset_index(drop=True)
    plan.insert(0, "plan_id", numbered("n", len(plan)))
    columns = ["plan_id", "account_id", "due_at", "approved", "post_id", "approved_at", "cancelled_at"]
    return plan[columns]


def nearest_slot(published: pd.Series) -> pd.DatetimeIndex:
    midnight = published.dt.normalize()
    clock = ((published - midnight) / pd.Timedelta(hours=1)).to_numpy()
    slot = SLOTS[np.abs(clock[:, None] - SLOTS).argmin(axis=1)]
    return pd.DatetimeIndex(midnight) + hours(slot)


def make_comments(accounts: dict, posts: pd.DataFrame, texts: dict) -> pd.DataFrame:
    """Comments of the accounts with `talk`, answers of the brand, and a wave of spam."""
    frames = []
    for name, account in accounts.items():
        if "talk" not in account:
            continue
        rng = stream("comments", name)
        own = posts[posts["account_id"] == name]
        mood = rhythm(rng, {**account["demand"], "yearly": 0.12}, 0.95, 0.6)
        mood = mood[(own["published_at"] - START).dt.days]
        number = rng.poisson(account["talk"] * mood * rng.lognormal(0, 0.35, len(own)))
        number[own["viral"].to_numpy()] = VIRAL["talk"]
        asked = own.loc[own.index.repeat(number), ["post_id", "account_id", "published_at"]]
        asked["created_at"] = asked.pop("published_at") + hours(rng.weibull(0.7, len(asked)) * 14)
        asked["kind"] = np.where(rng.random(len(asked)) < 0.62, "said", "short")
        replies = asked[rng.random(len(asked)) < 0.2].assign(kind="reply")
        replies["created_at"] += hours(rng.lognormal(0.6, 0.9, len(replies)))
        spam = [make_spam(rng, own)] if name == COMMENT_SPAM["account"] else []
        frame = pd.concat([asked, replies, *spam], ignore_index=True)
        sentences = {"said": texts["comments"][account["brand"]], **texts["comments"]}
        items = texts["posts"][account["brand"]]["items"]
        frame["text"] = [fill(rng, sentences[kind], items) for kind in frame["kind"]]
        judged = rng.random(len(frame)) < frame["kind"].map(JUDGED)
        frame["meaningful"] = (frame["kind"] == "said").astype("boolean").where(judged)
        unsigned = (frame["kind"] != "reply") & (rng.random(len(frame)) < 0.01)
        frame["by_brand"] = (frame["kind"] == "reply").astype("boolean").mask(unsigned)
        closed = frame["post_id"].map(own.set_index("post_id")["deleted_at"]).fillna(END)
        frames.append(frame[frame["created_at"] < closed])
    comments = pd.concat(frames).sort_values(["created_at", "post_id"], ignore_index=True)
    comments.insert(0, "comment_id", numbered("c", len(comments)))
    columns = ["comment_id", "post_id", "account_id", "created_at", "by_brand", "text", "meaningful"]
    return comments[columns]


def make_spam(rng: np.random.Generator, posts: pd.DataFrame) -> pd.DataFrame:
    """Bots that comment the latest posts for four days."""
    since, until = pd.Timestamp(COMMENT_SPAM["since"]), pd.Timestamp(COMMENT_SPAM["until"])
    latest = posts[posts["published_at"] < since].tail(6)
    spam = latest.sample(COMMENT_SPAM["number"], replace=True, random_state=rng)[["post_id", "account_id"]]
    span = (until - since) / pd.Timedelta(hours=1)
    return spam.assign(created_at=since + hours(rng.uniform(0, span, len(spam))), kind="spam")


def count_comments(posts: pd.DataFrame, comments: pd.DataFrame) -> pd.DataFrame:
    """Where the comments themselves are known, a post shows as many as were there at `stats_at`."""
    seen = comments.merge(posts[["post_id", "stats_at"]])
    number = seen[seen["created_at"] <= seen["stats_at"]].groupby("post_id").size()
    known = posts["account_id"].isin(comments["account_id"].unique())
    counted = posts["post_id"].map(number).fillna(0).astype(int)
    return posts.assign(comments=counted.where(known, posts["comments"]))


def finish_posts(accounts: dict, posts: pd.DataFrame) -> pd.DataFrame:
    """The table as exported: figures as they were at `stats_at`, and what each platform leaves out."""
    share = maturity(days_between(posts["published_at"], posts["stats_at"]))
    platform = posts["account_id"].map({name: a["platform"] for name, a in accounts.items()})
    frame = posts.assign(**scaled(posts, ["views", "likes", "reposts"], share))
    reach = (frame["views"] * posts["reach_share"]).astype(int).astype("Int64")
    frame["reach"] = reach.where(platform == "vk")
    forgotten = (platform == "ok") & (posts["published_at"] < "2023-12-01") & (posts.index % 3 == 0)
    frame["views"] = frame["views"].astype("Int64").mask(forgotten)
    address = "https://" + platform + ".example/" + posts["account_id"] + "/" + posts["post_id"].str[1:]
    frame["url"] = address.where(posts["published_at"] >= LINKS_SINCE)
    figures = ["views", "likes", "comments", "reposts", "reach", "on_brand"]
    return frame[["post_id", "account_id", "published_at", *figures, "stats_at", "deleted_at", "url", "text"]]


def scaled(posts: pd.DataFrame, figures: list[str], share: np.ndarray) -> dict[str, pd.Series]:
    return {figure: np.floor(posts[figure] * share).astype(int) for figure in figures}


def make_post_stats(posts: pd.DataFrame) -> pd.DataFrame:
    """A snapshot after a week, and since autumn 2025 also one after a day."""
    frames = []
    for age, since in ((1, DAY_SNAPSHOTS_SINCE), (7, SNAPSHOTS_SINCE)):
        taken = posts["published_at"].dt.normalize() + pd.Timedelta(days=age, hours=23)
        gone = posts["deleted_at"].fillna(END)
        possible = (posts["published_at"] >= since) & (taken < END) & (taken < gone)
        chosen = posts[possible].assign(stats_at=taken[possible])
        share = maturity(days_between(chosen["published_at"], chosen["stats_at"]))
        frames.append(chosen.assign(**scaled(chosen, ["views", "likes", "comments", "reposts"], share)))
    columns = ["account_id", "post_id", "stats_at", "views", "likes", "comments", "reposts"]
    return pd.concat(frames).sort_values(["post_id", "stats_at"], ignore_index=True)[columns]
