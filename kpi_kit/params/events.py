"""Read ``events.yml``: campaigns, blockings and holidays, shown beside unusual days."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kpi_kit.core.errors import KitError, did_you_mean
from kpi_kit.core.phrases import Phrase
from kpi_kit.core.yaml_faults import located
from kpi_kit.core.yaml_io import read_text
from kpi_kit.params.files import read_mapping
from kpi_kit.params.records import Event, Events, Specialist
from kpi_kit.params.sentences import findings, sentence

FILE = "events.yml"


def read_events(folder: Path) -> tuple[Event, ...]:
    """The events of a params folder by first day; none where there is no file.

    Raises
    ------
    KitError
        With all problems of the file.
    """
    file = folder / FILE
    if not os.path.lexists(file):
        return ()
    raw, text = read_mapping(file), read_text(file)
    errors = findings(Events, raw)
    problems = [located(sentence(error, raw, Events), file, text, error["loc"]) for error in errors]
    invalid = {error["loc"][1] for error in errors if len(error["loc"]) > 1}
    listed = raw.get("events")
    for number, entry in enumerate(listed if isinstance(listed, list) else [], 1):
        if number - 1 not in invalid:
            where = ["events", Phrase("params.entry", number=number)]
            found = (Phrase("core.within", where=where, problem=problem) for problem in _problems(entry))
            problems += [located(problem, file, text, ["events", number - 1]) for problem in found]
    if problems:
        raise KitError(problems)
    return tuple(sorted(Events.model_validate(raw).events, key=lambda event: (event.first, event.end)))


def _problems(entry: Any) -> Iterator[str]:
    event = Event.model_validate(entry)
    keys = [name for name in ("on", "since", "until") if getattr(event, name) is not None]
    if keys not in (["on"], ["since", "until"]):
        yield Phrase("params.event_days", found=keys or Phrase("core.none"))
    elif event.end <= event.first:
        yield Phrase("params.since_until", since=event.since, until=event.until)


def unknown_scopes(events: tuple[Event, ...], people: Mapping[str, Specialist]) -> Iterator[str]:
    """Warnings about accounts and brands of events that no specialist has."""
    accounts = {held.account for person in people.values() for held in person.accounts}
    brands = {brand for person in people.values() for brand in person.brands}
    for event in events:
        for key, names, existing in (("account", event.accounts, accounts), ("brand", event.brands, brands)):
            for name in names or ():
                if name not in existing:
                    hint = did_you_mean(name, existing)
                    yield Phrase(f"params.event_{key}", file=FILE, day=event.first, name=name, hint=hint)
