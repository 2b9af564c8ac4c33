"""Inquiries that are derived from the messages of conversations."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from kpi_kit.kpis.engine.day_grid import day_number, local_days
from kpi_kit.kpis.engine.unit_frame import flagged

SILENCE = dt.timedelta(hours=72)
"""After this time without a message of the other side, the next one is another inquiry."""
Window = tuple[dt.date, dt.date]


@dataclass
class _Inquiry:
    """An inquiry that is not answered."""

    number: int
    author: str
    last: pd.Timestamp


def derived_inquiries(messages: pd.DataFrame, automatic_within: pd.Timedelta) -> pd.DataFrame:
    """The inquiries of conversations.

    In a dialog an inquiry opens with the first message of the other side that is not a closing one, and is
    answered by the first message of the brand after it that is not automatic. Where several people write,
    each has inquiries of their own; a message of the brand answers the inquiry that it replies to, else all
    that are open. A message more than 72 hours after the last one of an unanswered inquiry opens another.

    Parameters
    ----------
    messages : DataFrame
    automatic_within : Timedelta
        A reply without an author within this time is automatic, where the platform does not say.

    Returns
    -------
    DataFrame
        Rows of the table ``inquiries``.
    """
    ordered = messages.assign(number=pd.to_numeric(messages["message_id"], errors="coerce"))
    ordered = ordered.sort_values(["account_id", "dialog_id", "at", "number", "message_id"], kind="stable")
    rows = [
        (str(key[0]), f"{key[1]}/{message}", kind, received, answered)
        for key, talk in ordered.groupby(["account_id", "dialog_id"], sort=False)
        for message, kind, received, answered in _dialog(talk, automatic_within)
    ]
    account, number, kinds, received_at, answered_at = (
        map(list, zip(*rows, strict=True)) if rows else [[]] * 5
    )
    return pd.DataFrame(
        {
            "account_id": pd.Series(account, dtype="str"),
            "inquiry_id": pd.Series(number, dtype="str"),
            "kind": pd.Series(kinds, dtype="str"),
            "received_at": _times(received_at),
            "answered_at": _times(answered_at),
        }
    )


def _times(moments: list[pd.Timestamp | None]) -> pd.Series:
    times = pd.to_datetime(moments, utc=True)  # type: ignore[arg-type]  # None is NaT
    return pd.Series(times).astype("datetime64[us, UTC]")


def _dialog(
    talk: pd.DataFrame, automatic_within: pd.Timedelta
) -> list[tuple[str, str, pd.Timestamp, pd.Timestamp | None]]:
    """The inquiries of a dialog in order: first message, kind, when received and when answered."""
    inquiries: list[tuple[str, str, pd.Timestamp]] = []
    answers: dict[int, pd.Timestamp] = {}
    is_group = talk.loc[~flagged(talk["by_brand"]), "author"].nunique() > 1
    closing, by_brand = flagged(talk["closing"]), flagged(talk["by_brand"])
    unanswered: list[_Inquiry] = []
    author_of: dict[str, str] = {}
    asked_at: pd.Timestamp | None = None
    columns = (talk[name] for name in ("message_id", "kind", "at", "author", "reply_to", "automatic"))
    for place, (message, kind, at, who, reply_to, stated) in enumerate(zip(*columns, strict=True)):
        if by_brand[place]:
            if not _is_automatic(stated, who, at, asked_at, automatic_within):
                author = author_of.get(str(reply_to)) if is_group else None
                answered = [one for one in unanswered if author is None or one.author == author]
                answers |= dict.fromkeys((one.number for one in answered), at)
                unanswered = [one for one in unanswered if one not in answered]
            continue
        asked_at = at
        author = str(who) if is_group and pd.notna(who) else ""
        author_of[str(message)] = author
        own = [one for one in unanswered if one.author == author]
        if own and at - own[-1].last <= SILENCE:
            own[-1].last = at
        elif not closing[place]:
            unanswered.append(_Inquiry(len(inquiries), author, at))
            inquiries.append((str(message), str(kind), at))
    return [(*inquiry, answers.get(number)) for number, inquiry in enumerate(inquiries)]


def _is_automatic(
    stated: object,
    author: object,
    at: pd.Timestamp,
    asked_at: pd.Timestamp | None,
    within: pd.Timedelta,
) -> bool:
    """Whether a message of the brand is automatic: what the platform says, else by time and author."""
    if not pd.isna(stated):  # type: ignore[call-overload]  # a nullable flag
        return bool(stated)
    return bool(pd.isna(author)) and asked_at is not None and at - asked_at <= within  # type: ignore[call-overload]


def all_inquiries(
    inquiries: pd.DataFrame,
    messages: pd.DataFrame,
    covered: Mapping[str, Sequence[Window]],
    zone: str,
    automatic_within: pd.Timedelta,
) -> pd.DataFrame:
    """Derived inquiries, and the rows of ``inquiries`` of other kinds or days than the messages cover.

    Parameters
    ----------
    inquiries, messages : DataFrame
    covered : mapping of str to sequence of (date, date)
        The days of each account that ``messages`` cover.
    zone : str
    automatic_within : Timedelta
    """
    if messages.empty:
        return inquiries
    derived = derived_inquiries(messages, automatic_within)
    kinds = set(zip(messages["account_id"], messages["kind"], strict=True))
    days = local_days(inquiries["received_at"], zone)
    replaced = [
        (account, kind) in kinds
        and any(day_number(since) <= day < day_number(until) for since, until in covered.get(account, ()))
        for account, kind, day in zip(inquiries["account_id"], inquiries["kind"], days, strict=True)
    ]
    rest = inquiries[~pd.Series(replaced, index=inquiries.index, dtype=bool)]
    return pd.concat([rest, derived], ignore_index=True)
