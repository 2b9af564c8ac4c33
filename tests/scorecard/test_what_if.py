"""What if: attainment, payout and total under another target, by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kpi_kit.cli.main import main
from kpi_kit.core.errors import InputError
from kpi_kit.scorecard.what_if import Question, question
from tests.agency import AS_OF, build, entry

COUNTS = {"2025-07": 2, "2025-08": 4, "2025-09": 6, "2025-10": 5}
LEADS = [
    f"{month}-{n},a,{month}-1{n}T12:00,true,,,," for month, count in COUNTS.items() for n in range(count)
]
POSTS = ["p1,a,2025-10-03T12:00,50,4,1,0,true,2025-10-20,"]
KPIS = [
    entry("leads", target={"at_least": 10}),
    entry("posts_published", target={"at_least": 1}),
    entry("leads", **{"as": "growth"}, target={"at_least": "10%"}),
]


@pytest.fixture(scope="module")
def agency(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("agency")
    build(folder, KPIS, department={"history": {"periods": 4, "weeks": 0}}, leads=LEADS, posts=POSTS)
    return folder


def asking(agency: Path, **given: Any) -> Question:
    where = {"data": agency / "data", "params": agency / "params", "as_of": AS_OF}
    return question("ann", "2025-10", **{"kpi": "leads", "as_": "value", **where, **given})


def test_the_last_periods_under_another_target(agency: Path) -> None:
    found = asking(agency)({"at_least": 5})
    told = [(past.period, past.value, past.attained, past.attainment, past.payout) for past in found.past]
    assert told == [
        ("2025-07", 2.0, False, 0.4, 0.0),
        ("2025-08", 4.0, False, 0.8, 0.5),
        ("2025-09", 6.0, True, 1.2, 1.2),
        ("2025-10", 5.0, True, 1.0, 1.0),
    ]
    assert (found.reached, found.known, found.chance_period) == (2, 4, "2025-11")
    assert found.reliable is None


def test_the_total_as_it_is_and_as_it_would_have_been(agency: Path) -> None:
    """Leads pay 0 under the target of 10 and 1 under that of 5; posts pay 1, the growth of −1/6 pays 0."""
    found = asking(agency)({"at_least": 5})
    assert (found.present.payout, found.present.total) == (0.0, pytest.approx(1 / 3))
    assert (found.then.payout, found.then.total) == (1.0, pytest.approx(2 / 3))


def test_one_question_answers_many_targets_and_the_own_one_changes_nothing(agency: Path) -> None:
    ask = asking(agency)
    assert [ask({"at_least": bound}).reached for bound in (1, 4, 6, 7)] == [4, 3, 1, 0]
    same = ask({"at_least": 10})
    assert same.present == same.then
    assert ask({"at_most": 4}).reached == 2
    assert ask({"between": [4, 5]}).past[-1].target == (4.0, 5.0)
    assert ask({"schedule": {"2025-09": {"at_least": 7}}}).known == 1


def test_a_growth_is_asked_in_its_own_unit(agency: Path) -> None:
    found = asking(agency, as_="growth")({"at_least": "50%"})
    assert [past.value for past in found.past] == [None, 1.0, 0.5, pytest.approx(-1 / 6)]
    assert (found.reached, found.known, found.unit) == (2, 3, "share")


def test_a_checked_chance_says_so(agency: Path, tmp_path: Path) -> None:
    check = {"n": 40, "brier": 0.3, "base_brier": 0.2, "coverage80": 0.8, "verdict": "not_reliable"}
    (tmp_path / "backtest.json").write_text(json.dumps({"leads": check}), encoding="utf-8")
    assert asking(agency, beside=tmp_path)({"at_least": 5}).reliable is False


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ({"at_leat": 5}, "target.at_leat: unknown key; did you mean at_least?"),
        ({"at_least": "5%"}, "expected a number without %"),
        ({"at_least": 0}, "must be over its base"),
        ({}, "exactly one of"),
        (5, "keys with values are expected"),
    ],
)
def test_a_target_is_refused_as_in_params(agency: Path, target: object, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence.replace("?", r"\?")):
        asking(agency)(target)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"kpi": "lead"}, "no such entry; did you mean leads"),
        ({"as_": None}, "must leave one entry .* found leads; leads, as: growth, versus: previous"),
        ({"scope": {"platforms": ["vk"]}}, "found none"),
    ],
)
def test_one_entry_must_be_meant(agency: Path, given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        asking(agency, **given)


def test_the_command(agency: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ["--data", str(agency / "data"), "--params", str(agency / "params"), "--as-of", AS_OF]
    where += ["--language", "en"]
    asked = [
        "what-if",
        "--specialist",
        "ann",
        "--kpi",
        "leads",
        "--as",
        "value",
        "--period",
        "2025-10",
        *where,
    ]
    assert main([*asked, "--target", "at_least: 5"]) == 0
    text = capsys.readouterr().out
    assert "met in 2 of 4 periods" in text and "total of 2025-10: 66.7%, now 33.3%" in text
    assert main([*asked, "--target", "{at_least: 5}", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["asked"], answer["reached"], answer["as"]) == ({"at_least": 5.0}, 2, "value")
    assert main([*asked, "--target", "five"]) == 2
    assert capsys.readouterr().err == "--target: keys with values are expected, found 'five'\n"
