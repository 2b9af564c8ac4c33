"""``events.yml``: campaigns, blockings and holidays, to be shown beside unusual days."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kpi_kit.core.errors import KitError, did_you_mean
from kpi_kit.params.files import read_mapping
from kpi_kit.params.records import Event, Events, Specialist
from kpi_kit.params.sentences import findings, sentence

FILE = "events.yml"


def read_events(folder: Path) -> tuple[Event, ...]:
    """The events of a folder of params, by their first day; none where there is no file.

    Raises
    ------
    KitError
        With every problem of the file.
    """
    file = folder / FILE
    if not os.path.lexists(file):
        return ()
    raw = read_mapping(file)
    found = findings(Events, raw)
    problems = [sentence(error, raw, Events) for error in found]
    faulty = {error["loc"][1] for error in found if len(error["loc"]) > 1}
    listed = raw.get("events")
    for number, given in enumerate(listed if isinstance(listed, list) else [], 1):
        if number - 1 not in faulty:
            problems += [f"events, entry {number}: {problem}" for problem in _problems(given)]
    if problems:
        raise KitError([f"{file}: {problem}" for problem in problems])
    return tuple(sorted(Events.model_validate(raw).events, key=lambda event: (event.first, event.end)))


def _problems(given: Any) -> Iterator[str]:
    event = Event.model_validate(given)
    told = [name for name in ("on", "since", "until") if getattr(event, name) is not None]
    if told not in (["on"], ["since", "until"]):
        found = ", ".join(told) or "none"
        yield f"allowed is either on, or since and until, found {found}"
    elif event.end <= event.first:
        yield f"since {event.since} must be before until {event.until}"


def unknown_scopes(events: tuple[Event, ...], people: Mapping[str, Specialist]) -> Iterator[str]:
    """Accounts and brands of events that nobody looks after."""
    accounts = {held.account for person in people.values() for held in person.accounts}
    brands = {brand for person in people.values() for brand in person.brands}
    for event in events:
        for key, names, known in (("account", event.accounts, accounts), ("brand", event.brands, brands)):
            for name in names or ():
                if name not in known:
                    hint = did_you_mean(name, known)
                    yield f"{FILE}: {event.first}: nobody has the {key} {name!r}{hint}"
