"""The tables of a specialist's report that stand beside the KPIs: audience, plan, funnel, posts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

from markupsafe import Markup

from kpi_kit.report.parts.calendar import calendar, shape_of
from kpi_kit.report.parts.entries import titles
from kpi_kit.report.parts.markup import Column, block, details, join, link, paragraph, table
from kpi_kit.report.wording import Form, Words
from kpi_kit.scorecard.record import AudienceRow, DeletedPost, PlanRow, RankedPosts, Scorecard

_POST_WORDS = 90
"""How much of a post's text a table shows."""


def audience(card: Scorecard, words: Words) -> Markup | None:
    """Tabulate who came and who left, by account."""
    parts, named = card["sections"]["audience"], titles(card, words)
    if not parts:
        return None
    keys: tuple[Literal["opening", "joined", "left", "closing"], ...] = (
        "opening",
        "joined",
        "left",
        "closing",
    )
    columns = [Column("account", words.text("audience.account"))]
    columns += [Column(key, words.text(f"audience.{key}"), numeric=True) for key in keys]
    rows = [
        {"account": _title(part, named)} | {key: _number(part[key], words) for key in keys} for part in parts
    ]
    return table("audience-table", columns, rows, words.text("audience.heading"))


def plan(card: Scorecard, words: Words) -> Markup | None:
    """Count the plan's items by what became of them, and draw them on a calendar; list those that failed."""
    found = card["sections"]["plan"]
    if not found:
        return None
    counts = Counter(item["status"] for item in found)
    shown = [status for status in words.lookup("plan_status") if counts[status]]
    summary = [
        (
            shape_of(status),
            words.text(
                "plan.summary", status=words.text(f"plan_status.{status}"), count=words.number(counts[status])
            ),
        )
        for status in shown
    ]
    failed = [item for item in found if item["status"] in ("late", "missing", "deleted", "off_brand")]
    whole = details(words.plural("plan.all", len(found)), _plan_table("plan-all", found, card, words))
    first = _plan_table("plan-failed", failed, card, words) if failed else None
    days = block("beside", calendar(found, card["period"], words), first)
    return join([block("counted", summary), days, whole])


def funnel(card: Scorecard, words: Words) -> Markup | None:
    """Draw leads, qualified leads and sales as bars of one scale."""
    found = card["sections"]["funnel"]
    if not found:
        return None
    counts = {"leads": found["leads"], "qualified": found["qualified"], "sold": found["sold"]}
    top = max(1, *(count or 0 for count in counts.values()))
    steps = [(words.text(f"funnel.{key}"), count) for key, count in counts.items()]
    rows = [
        {
            "name": name,
            "share": 0.0 if count is None else count / top,
            "count": "—" if count is None else words.number(count),
        }
        for name, count in steps
    ]
    unknown = words.plural("funnel.unknown", found["unknown"]) if found["unknown"] else None
    amount = found["amount"]
    money = words.text("funnel.amount", amount=words.money(amount)) if amount is not None else None
    remark = " ".join(part for part in (money, unknown) if part)
    return block("steps", rows, remark)


def posts(card: Scorecard, words: Words) -> Markup | None:
    """Tabulate the best, the weakest and the deleted posts."""
    found, deleted = card["sections"]["posts"], card["sections"]["deleted"]
    named = titles(card, words, with_platform=True)
    accounts = dict.fromkeys(post["account_id"] for post in (*found["best"], *found["weakest"]))
    parts: list[Markup | None] = [
        join(
            [
                block("subheading", named.get(account, account)),
                _post_table(f"posts-{number}", account, found, words),
            ]
        )
        for number, account in enumerate(accounts, 1)
    ]
    if parts:
        parts.append(paragraph(words.text("posts.legend"), "k-legend"))
    if deleted:
        parts.append(details(words.text("posts.deleted"), _deleted_table(deleted, card, words)))
    return join(parts) or None


def _number(value: float | None, words: Words) -> str:
    return "—" if value is None else words.number(value)


def _title(owned: AudienceRow | PlanRow | DeletedPost, named: Mapping[str, str]) -> str:
    return named.get(owned["account_id"], owned["account_id"])


def _plan_table(name: str, found: Sequence[PlanRow], card: Scorecard, words: Words) -> Markup:
    named = titles(card, words)
    columns = [Column(key, words.text(f"plan.{key}")) for key in ("due", "status", "account", "post")]
    rows = [
        {
            "due": words.brief_day(item["due_at"]),
            "status": words.text(f"plan_status.{item['status']}"),
            "account": _title(item, named),
            "post": link(item["url"], words.text("plan.link") if item["url"] else item["post_id"] or "—"),
        }
        for item in found
    ]
    return table(name, columns, rows, words.text("plan.heading"))


def _post_table(name: str, account: str, found: RankedPosts, words: Words) -> Markup:
    """Tabulate the best and the weakest posts of an account."""
    ranked = {"best": found["best"], "weakest": found["weakest"]}
    own = [(kind, post) for kind in ranked for post in ranked[kind] if post["account_id"] == account]
    columns = [Column(key, words.text(f"posts.{key}")) for key in ("post", "rank", "published")]
    if any(post.get("format") for _, post in own):
        columns.append(Column("format", words.text("posts.format")))
    figures = ["views", *(["reach"] if any(post.get("reach") is not None for _, post in own) else [])]
    columns += [
        Column(key, words.text(f"posts.{key}"), numeric=True) for key in (*figures, "likes", "view_rate")
    ]
    rows = [
        {
            "post": link(post["url"], _excerpt(post["text"]) or words.text("posts.untitled")),
            "rank": words.text(f"posts.{kind}"),
            "published": words.brief_day(post["published_at"]),
            "format": post.get("format") or "—",
            "views": _number(post["views"], words),
            "reach": _number(post.get("reach"), words),
            "likes": _number(post["likes"], words),
            "view_rate": "—" if post["view_rate"] is None else words.value(post["view_rate"], Form("share")),
        }
        for kind, post in own
    ]
    return table(name, columns, rows, words.text("posts.heading"))


def _deleted_table(found: Sequence[DeletedPost], card: Scorecard, words: Words) -> Markup:
    columns = [Column(key, words.text(f"posts.{key}")) for key in ("post", "account", "published", "removed")]
    rows = [
        {
            "post": str(post["post_id"]),
            **_published(post, card, words),
            # the day of publication stands for a day that is not known
            "removed": words.brief_day(post["deleted_at"])
            if post["deleted_at"] != post["published_at"]
            else "—",
        }
        for post in found
    ]
    return table("posts-deleted", columns, rows, words.text("posts.deleted"))


def _published(post: DeletedPost, card: Scorecard, words: Words) -> dict[str, str]:
    """Where and when a post came out."""
    return {
        "account": _title(post, titles(card, words)),
        "published": words.brief_day(post["published_at"]),
    }


def _excerpt(text: str | None) -> str:
    """Take the first line of a post, cut at a word."""
    lines: list[str] = (text or "").strip().splitlines()
    line = lines[0] if lines else ""
    if len(line) <= _POST_WORDS:
        return line
    return line[:_POST_WORDS].rsplit(" ", 1)[0].rstrip(" ,.;:—") + "…"
