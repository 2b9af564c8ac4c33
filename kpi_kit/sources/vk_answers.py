"""Raw JSON answers of the VK API: which method gave them, and their items."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from kpi_kit.core.errors import InputError
from kpi_kit.core.phrases import Phrase
from kpi_kit.sources.json_files import bad_value, read_json
from kpi_kit.sources.rows import Place


class Method(StrEnum):
    """The methods whose answers can be imported."""

    WALL = "wall.get"
    COMMENTS = "wall.getComments"
    STATS = "stats.get"
    MESSAGES = "messages.getHistory"
    REACH = "stats.getPostReach"


@dataclass(frozen=True)
class Item:
    """One object of an answer, as VK wrote it.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    raw : mapping
    owner, post, thread : object
        For a reply in a thread: what it inherits from the comment that it answers, whose id is ``thread``.
    stamp : datetime.datetime or None
        The last moment that its answer speaks of: when it cannot have been fetched earlier.
    """

    path: Path
    raw: Mapping[str, Any]
    owner: Any = None
    post: Any = None
    thread: Any = None
    stamp: dt.datetime | None = None

    @property
    def where(self) -> Place:
        """The file, and the id or the beginning of the period."""
        number = self.raw.get("id", self.raw.get("period_from"))
        return Place("object", self.path, Phrase("sources.without_id") if number is None else number)

    def whole_number(self, name: str, value: Any, least: int | None = None) -> int:
        """A whole number, which old versions of the API write as text.

        Raises
        ------
        InputError
            Where it is absent, something else or too small.
        """
        if isinstance(value, str) and value.removeprefix("-").isdecimal():
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and (least is None or value >= least):
            return value
        raise bad_value(self.where, name, value, "whole" if least is None else "from", least=least)


@dataclass(frozen=True)
class Answer:
    """The items of one answer, and how many there are on all pages, where it says so."""

    method: Method
    items: tuple[Item, ...]
    count: int | None = None


def read_answers(path: Path) -> list[Answer]:
    """The answers in a file: one, or a list of pages, with or without the ``response`` wrapper.

    Raises
    ------
    InputError
        Where the file is no JSON or holds anything else.
    """
    return list(_answers(read_json(path, "vk_answer"), path))


def _answers(value: Any, path: Path) -> Iterator[Answer]:
    if isinstance(value, dict) and "error" in value:
        message = _error_text(value["error"])
        raise InputError(Phrase("sources.vk_error", file=path, message=message))
    if isinstance(value, dict) and "response" in value:
        yield from _answers(value["response"], path)
    elif isinstance(value, dict) and isinstance(value.get("items"), list):
        yield _answer(path, value["items"], _empty_method(value), value.get("count"))
    elif isinstance(value, list) and value and all(_is_page(page) for page in value):
        for page in value:
            yield from _answers(page, path)
    elif isinstance(value, list) and value:
        yield _answer(path, value)
    else:
        raise _refusal(path, _described(value))


def _answer(path: Path, items: Sequence[Any], if_empty: Method = Method.WALL, count: object = None) -> Answer:
    method = _method(items, path, if_empty)
    stamp = _last_moment(items)
    total = count if isinstance(count, int) and not isinstance(count, bool) else None
    return Answer(method, tuple(Item(path, item, stamp=stamp) for item in items), total)


def _last_moment(items: Sequence[Any]) -> dt.datetime | None:
    """The last time in the items: publication, edit or end of a period."""
    times = [
        int(item[name])
        for item in items
        if isinstance(item, dict)
        for name in ("date", "edited", "update_time", "period_to")
        if str(item.get(name) or "").isascii() and str(item.get(name) or "").isdecimal()
    ]
    latest = max(times, default=0)
    return dt.datetime.fromtimestamp(latest, dt.UTC) if 0 < latest < 2**34 else None


def _error_text(error: Any) -> str:
    if isinstance(error, dict):
        code = error.get("error_code", Phrase("sources.vk_no_code"))
        message = error.get("error_msg", Phrase("sources.vk_no_message"))
        return Phrase("sources.within", where=code, problem=message)
    return str(error)


def _is_page(value: Any) -> bool:
    return isinstance(value, list) or (
        isinstance(value, dict)
        and ("response" in value or "error" in value or isinstance(value.get("items"), list))
    )


def _empty_method(answer: dict[str, Any]) -> Method:
    # Without items, only what wall.getComments says of the level tells the two methods apart.
    return Method.COMMENTS if "current_level_count" in answer else Method.WALL


def _method(items: Sequence[Any], path: Path, if_empty: Method) -> Method:
    methods = {_method_of(item) for item in items} or {if_empty}
    if None in methods:
        raise _refusal(path, _described(next(item for item in items if _method_of(item) is None)))
    if len(methods) > 1:
        raise _refusal(path, Phrase("sources.vk_several_kinds"))
    return next(method for method in methods if method is not None)


def _method_of(item: Any) -> Method | None:
    """Which method gives such an item; messages and post reaches have a ``post_id`` or a ``text`` too."""
    if not isinstance(item, dict):
        return None
    if "peer_id" in item:
        return Method.MESSAGES if "from_id" in item and "date" in item else None
    if "reach_total" in item or "reach_subscribers" in item:
        return Method.REACH if "post_id" in item else None
    if "period_from" in item and "period_to" in item:
        return Method.STATS
    if "post_type" in item or item.get("is_deleted"):
        return Method.WALL
    if item.keys() & {"parents_stack", "thread", "post_id", "reply_to_comment"}:
        return Method.COMMENTS
    return None


def _described(value: Any) -> Phrase:
    if isinstance(value, dict):
        keys = sorted(value)[:8]
        return Phrase("sources.an_object", keys=keys) if keys else Phrase("sources.an_empty_object")
    return Phrase("sources.an_empty_list") if value == [] else Phrase("sources.a_value", value=value)


def _refusal(path: Path, found: Phrase) -> InputError:
    methods = Phrase("sources.vk_methods")
    return InputError(Phrase("sources.vk_expected", file=path, methods=methods, found=found))
