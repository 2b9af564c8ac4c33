"""The keys of a person's entries."""

from __future__ import annotations

from kpi_kit.params import Entry


def keys_of(entries: tuple[Entry, ...]) -> list[str]:
    """The KPI of each entry; with ``as``, ``versus`` and scope where entries share a KPI.

    Examples
    --------
    >>> entry = {"kpi": "leads", "target": {"at_least": 1}, "weight": 1}
    >>> keys_of(tuple(Entry.model_validate(raw) for raw in (entry, {**entry, "platforms": ["vk"]})))
    ['leads', 'leads vk']
    """
    shared = [entry.kpi for entry in entries]
    return [entry.kpi if shared.count(entry.kpi) == 1 else _full_key(entry) for entry in entries]


def _full_key(entry: Entry) -> str:
    options = ((entry.as_, "value"), (entry.versus, "previous"))
    how = [str(value) for value, default in options if value != default]
    scope = [name for names in (entry.scope or {}).values() for name in names]
    return " ".join([entry.kpi, *how, *scope])
