"""The types of the scorecard JSON are exactly what the JSON holds."""

import json
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path

from kpi_kit.scorecard.build import score
from kpi_kit.scorecard.department import view
from kpi_kit.scorecard.department_record import DepartmentView
from kpi_kit.scorecard.record import Scorecard


def differences(value: object, kind: object, place: str) -> Iterator[str]:
    """Where a value of JSON is not of a type."""
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if kind is typing.Any:
        return
    if origin in (types.UnionType, typing.Union):
        if all(any(differences(value, part, place)) for part in parts):
            yield f"{place}: {value!r} is none of {kind}"
    elif typing.is_typeddict(kind):
        if not isinstance(value, dict):
            yield f"{place}: {value!r} is no {kind}"
            return
        fields = typing.get_type_hints(kind, include_extras=True)
        optional = {name for name, field in fields.items() if typing.get_origin(field) is typing.NotRequired}
        for name in (fields.keys() ^ value.keys()) - (optional - value.keys()):
            yield f"{place}.{name}: {'unknown' if name in value else 'missing'}"
        for name, field in typing.get_type_hints(kind).items():
            if name in value:
                yield from differences(value[name], field, f"{place}.{name}")
    elif origin is list:
        if not isinstance(value, list):
            yield f"{place}: {value!r} is no list"
            return
        for number, part in enumerate(value):
            yield from differences(part, parts[0], f"{place}[{number}]")
    elif origin in (dict, Mapping):
        if not isinstance(value, dict):
            yield f"{place}: {value!r} is no mapping"
            return
        for name, part in value.items():
            yield from differences(part, parts[1], f"{place}.{name}")
    elif type(value) is not kind:
        yield f"{place}: {value!r} is no {kind}"


def test_scorecards_of_the_sample_and_the_department_view_are_of_their_types() -> None:
    people = sorted(path.stem for path in Path("params/specialists").glob("*.yml"))
    cards = [score(person, "2025-10", data=Path("data/sample"), params=Path("params")) for person in people]
    for card in cards:
        assert list(differences(json.loads(json.dumps(card)), Scorecard, card["specialist"])) == []
    assert list(differences(json.loads(json.dumps(view(cards))), DepartmentView, "department")) == []


def test_a_missing_an_unknown_and_a_wrong_field_are_told() -> None:
    class Inner(typing.TypedDict):
        n: int | None

    class Outer(typing.TypedDict):
        name: str
        older: typing.NotRequired[float]
        inner: list[Inner]

    assert list(differences({"name": "a", "inner": [{"n": None}, {"n": 1}]}, Outer, "x")) == []
    wrong = list(differences({"odd": 1, "inner": [{"n": "1"}], "older": 1}, Outer, "x"))
    assert sorted(where.partition(": ")[0] for where in wrong) == [
        "x.inner[0].n",
        "x.name",
        "x.odd",
        "x.older",
    ]
