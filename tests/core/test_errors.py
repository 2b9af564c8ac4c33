"""Errors: one sentence a problem, kept apart and whole."""

from __future__ import annotations

import pickle

import pytest

from kpi_kit.core.errors import InputError, KitError, ReportError, SpecialistError, did_you_mean

ALL = [KitError, InputError, SpecialistError, ReportError]


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize(
    ("given", "problems", "text"),
    [
        pytest.param([], (), "", id="empty"),
        pytest.param("one sentence", ("one sentence",), "one sentence", id="single text"),
        pytest.param(["one"], ("one",), "one", id="single list"),
        pytest.param(("a", "a"), ("a", "a"), "a\na", id="flat"),
    ],
)
def test_problems_are_kept_apart_and_shown_one_a_line(kind, given, problems, text):
    error = kind(given)
    assert error.problems == problems
    assert str(error) == text


def test_a_generator_is_read_once():
    assert InputError(f"problem {i}" for i in range(2)).problems == ("problem 0", "problem 1")


@pytest.mark.parametrize("kind", ALL)
def test_errors_cross_processes(kind):
    back = pickle.loads(pickle.dumps(kind(["first", "second"])))
    assert type(back) is kind
    assert back.problems == ("first", "second")
    assert str(back) == "first\nsecond"


@pytest.mark.parametrize("kind", ALL[1:])
def test_one_except_catches_all(kind):
    with pytest.raises(KitError):
        raise kind("x")


@pytest.mark.parametrize("kind", ALL[1:])
def test_siblings_are_told_apart(kind):
    others = [other for other in ALL[1:] if other is not kind]
    assert not any(issubclass(kind, other) for other in others)


@pytest.mark.parametrize(
    ("found", "allowed", "tail"),
    [
        pytest.param("x", [], "; there is none to choose from", id="empty"),
        pytest.param("x", ["views"], "; allowed: views", id="single, far"),
        pytest.param("view", ["views"], "; did you mean views?", id="single, near"),
        pytest.param(
            "chrun_rate", ["views", "churn_rate"], "; did you mean churn_rate?", id="letters swapped"
        ),
        pytest.param("zzz", ["views", "likes"], "; allowed: likes, views", id="sorted"),
        pytest.param("zzz", iter(["b", "a"]), "; allowed: a, b", id="iterator"),
        pytest.param(7, ["a"], "; allowed: a", id="not a text"),
        pytest.param(None, ["a"], "; allowed: a", id="none"),
        pytest.param(
            "q",
            [f"n{i:02}" for i in range(12)],
            "; allowed: " + ", ".join(f"n{i:02}" for i in range(12)),
            id="12",
        ),
        pytest.param(
            "q",
            [f"n{i:02}" for i in range(13)],
            "; allowed: " + ", ".join(f"n{i:02}" for i in range(12)) + " …",
            id="13",
        ),
    ],
)
def test_the_tail_names_the_nearest_or_what_is_allowed(found, allowed, tail):
    assert did_you_mean(found, allowed) == tail
