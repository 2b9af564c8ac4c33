"""The calls of an analyst: what they answer, how they are shown, and what they say of a slip."""

from __future__ import annotations

import ast
import datetime as dt
import json
import pickle
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from matplotlib.figure import Figure

import kpi_kit as kk
from kpi_kit.core.errors import KitError
from kpi_kit.explore.explorer import is_live
from kpi_kit.explore.widgets import span_of
from kpi_kit.kpis import CATALOGUE
from kpi_kit.scorecard.build import scorecard
from tests.agency import build, entry
from tests.cards import SCRIPT

ROOT = Path(__file__).parents[2]
LEADS = [
    "l1,a,2025-09-10T12:00",
    "l2,a,2025-10-01T00:30",
    "l3,a,2025-10-02T12:00",
    "l4,a,2025-10-31T23:30",
    "l5,b,2025-10-05T12:00",
]
ENTRIES = [
    entry("leads", target={"at_least": 4}, weight=2),
    entry("churn_rate", target={"at_most": "3%", "worst": "5%"}),
    entry("sales"),
    entry("sales", **{"as": "change"}),
]
AUDIENCE = [
    *(f"2025-{day},a,100,{joined},{left}" for day, joined, left in (("09-30", 0, 0), ("10-01", 3, 3))),
    *(f"2025-10-{day:02d},a,100,0,{int(day == 9)}" for day in range(2, 32)),
]


@pytest.fixture(scope="module")
def agency(tmp_path_factory: pytest.TempPathFactory) -> Iterator[kk.Agency]:
    """Ann, with three leads in October and one in September; Bob, whose file names a stranger."""
    folder = tmp_path_factory.mktemp("agency")
    colleagues = {"bob": {"accounts": ["nobody"], "kpis": [entry("leads")]}}
    data, params = build(
        folder,
        ENTRIES,
        person={"name": SCRIPT},
        department={"agency": SCRIPT, "history": {"periods": 2, "weeks": 2}},
        colleagues=colleagues,
        leads=LEADS,
        audience=AUDIENCE,
    )
    with kk.open(data, params, out=folder) as found:
        yield found


@pytest.fixture(scope="module")
def card(agency: kk.Agency) -> kk.Card:
    return agency.score("ann", "2025-10", as_of="2025-11-08")


def test_importing_reads_nothing() -> None:
    code = "import sys, kpi_kit; print(dir(kpi_kit), {'numpy', 'pandas', 'pydantic'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "['Agency', 'Card', 'Record', 'open'] set()\n"
    with pytest.raises(AttributeError, match="opne"):
        getattr(kk, "opne")  # noqa: B009  # a name that mypy would refuse


def test_a_card_is_a_mapping_of_its_entries(card: kk.Card) -> None:
    assert list(card) == card.keys() == ["leads", "churn_rate", "sales", "sales change"]
    assert (len(card), "leads" in card, "likes" in card) == (4, True, False)
    assert [card[key].key for key in card] == list(card)
    assert card._ipython_key_completions_() == card.keys()
    assert list(card.frame.index) == card.keys()
    assert card.frame.loc["leads", "value"] == 3


def test_the_units_are_those_of_the_period_by_local_time(card: kk.Card) -> None:
    leads = card["leads"]
    assert leads.value == 3
    assert leads.units["numerator"].sum() == 3
    assert [str(at) for at in leads.units["at"]][::2] == [
        "2025-10-01 00:30:00+03:00",
        "2025-10-31 23:30:00+03:00",
    ]
    assert list(leads.rows_in()["lead_id"]) == ["l2", "l3", "l4"]
    assert list(leads.rows_in("2025-09")["lead_id"]) == ["l1"]
    assert list(leads.rows_in("2025-W40")["lead_id"]) == ["l2", "l3"]
    assert leads.units_in("2025-W42").empty
    with pytest.raises(KitError, match="^2025-11: expected a period from 2024-09-01 to 2025-10-31$"):
        leads.units_in("2025-11")


def test_the_units_of_a_rate_over_a_stock(card: kk.Card) -> None:
    """Four left in October, of the hundred at its start."""
    churn = card["churn_rate"]
    assert churn.units["numerator"].sum() == 4
    assert churn.value == pytest.approx(0.04)
    assert churn.accounts.loc["a", ["numerator", "denominator"]].tolist() == [4.0, 100.0]


def test_the_index_of_a_unit_frame_is_that_of_its_rows(card: kk.Card) -> None:
    """What joins units and rows."""
    case = card.case
    for kpi in CATALOGUE.values():
        frame = kpi.units(case.tables, case.setting)
        assert frame.index.is_unique and frame.index.isin(case.tables[kpi.tables[0]].index).all(), kpi.id


def test_the_history_says_what_each_period_came_to(card: kk.Card) -> None:
    history = card["leads"].history
    assert list(history.index) == ["2025-09", "2025-10"]
    assert history["value"].tolist() == [1.0, 3.0]
    assert history["attainment"].tolist() == [0.25, 0.75]
    assert history["payout"].tolist() == [0.0, 0.0]
    assert not history["attained"].any()
    assert card["leads"].buckets == ["2025-10", "2025-09", "2025-W43", "2025-W42"]
    assert list(card["leads"].weeks["value"]) == [0.0, 0.0]


@pytest.mark.parametrize(
    ("target", "attained", "payout", "reached"),
    [
        ({"at_least": 3}, True, 1.0, "1"),
        ({"at_least": 1}, True, 1.2, "2"),
        ({"at_least": 1000}, False, 0.0, "0"),
        ({"at_most": 3}, True, 1.0, "2"),
        ({"between": (1, 2)}, False, 0.0, "1"),
    ],
)
def test_another_target_of_the_same_facts(
    card: kk.Card, target: dict[str, Any], attained: bool, payout: float, reached: str
) -> None:
    tried = card["leads"].what_if(**target)
    assert (tried.value, tried.attained, tried.payout) == (3, attained, payout)
    assert f"выполнена в {reached}." in tried.outlook
    # weights: leads 2, churn 1 (half way between 3 % and 5 %, so under the threshold), sales 1 with none sold
    assert tried.card.total == pytest.approx((2 * payout + 0 + 0) / sum((2, 1, 1, 1)[: 3 + _is_scored(card)]))
    assert card["leads"].target == {"kind": "at_least", "value": 4.0, "base": 0.0}


def _is_scored(card: kk.Card) -> bool:
    """Whether the fourth entry counts: a change from a month of nothing to a month of nothing."""
    return card["sales change"].payout is not None


def test_what_is_not_given_stays_as_long_as_the_kind_does(card: kk.Card) -> None:
    churn = card["churn_rate"]
    assert churn.what_if(at_most="2%").target == {"kind": "at_most", "value": 0.02, "base": 0.05}
    assert churn.what_if(at_least=0.02).target == {"kind": "at_least", "value": 0.02, "base": 0.0}
    assert churn.what_if(at_most=0.02, worst=0.08).target == {"kind": "at_most", "value": 0.02, "base": 0.08}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (lambda a, c: kk.open("nowhere", "params"), "parameter data: there is no nowhere"),
        (lambda a, c: a.score("anne"), "did you mean ann?"),
        (lambda a, c: a.score("ann", "2025-13"), "2025-13"),
        (lambda a, c: a.score("bob", "2025-10"), "there is no account 'nobody'"),
        (lambda a, c: a.table("lead"), "there is no table 'lead'; did you mean leads?"),
        (lambda a, c: c["chrun_rate"], "did you mean churn_rate?"),
        (lambda a, c: c["leads"].units_in("October"), "October"),
        (lambda a, c: c["leads"].what_if(), "exactly one of at_least"),
        (lambda a, c: c["leads"].what_if(at_lest=1), "unknown key; did you mean at_least?"),
        (lambda a, c: c["leads"].what_if(at_least=-1), "leads: target: at_least: must be over its base"),
        (lambda a, c: c["leads"].what_if(at_least="3%"), "leads is measured in leads"),
        (lambda a, c: a.explore("ann", "2025-10").choose(kpis="leads"), "did you mean kpi?"),
        (lambda a, c: a.explore("ann", "2025-10").choose(kpi="lead"), "did you mean leads?"),
    ],
)
def test_a_slip_is_one_sentence(agency: kk.Agency, card: kk.Card, asked: Any, said: str) -> None:
    with pytest.raises(KitError) as fault:
        asked(agency, card)
    assert said in str(fault.value)
    assert len(fault.value.problems) == 1
    # and so does Jupyter show it
    assert fault.value._render_traceback_() == list(fault.value.problems)


def test_what_there_is(agency: kk.Agency) -> None:
    assert list(agency.specialists.index) == ["ann", "bob"]
    assert list(agency.kpis.index) == list(CATALOGUE)
    assert set(agency.tables) == {"accounts", "leads", "audience", "coverage"}
    assert list(agency.accounts["account_id"]) == ["a", "b", "c"]
    assert agency.periods[0] == "2025-12", "the data are covered until 2026"
    assert ("ann", "2025-12") in agency._ipython_key_completions_()
    assert agency["ann", "2025-10"] is agency.score("ann", "2025-10")
    assert repr(agency) == f"{SCRIPT}: 2 specialists, 3 accounts, data through 2025-12-31"


def test_periods_side_by_side(agency: kk.Agency) -> None:
    found = agency.compare("ann", "2025-09", "2025-10")
    assert found.frame.loc["leads"].tolist() == [1.0, 3.0, 2.0]
    assert found.frame.loc["churn_rate"].tolist() == pytest.approx([0.0, 0.04, 0.04])
    assert "Лиды" in found._repr_html_() and "+2" in found._repr_html_()


def test_names_are_shown_and_never_run(agency: kk.Agency, card: kk.Card) -> None:
    shown = [card, card["leads"], card.plot(), card.breakdown(), agency.compare("ann", "2025-09", "2025-10")]
    for page in (thing._repr_html_() for thing in shown):
        assert "<script" not in page.lower()
        assert page.startswith('<div class="kpi-report" lang="ru"><style>@scope (.kpi-report)')
    assert SCRIPT in repr(card), "a terminal runs nothing"
    assert repr(card["leads"]).startswith("Лиды: За октябрь 2025: 3\xa0лида")


# ---- widgets


def test_widgets_are_live_where_a_page_has_started_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [is_live({}), is_live({"VSCODE_PID": "1"})] == [False, True]
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert not is_live({"JPY_SESSION_NAME": "explore.ipynb"})


def panels(view: Any) -> list[Any]:
    return [view._scorecard, view.figure(), view.breakdown(), view.units(), view.compare(), view.target()]


def test_each_widget_answers_as_its_line_does(agency: kk.Agency) -> None:
    view = agency.explore("ann", "2025-10", live=False)
    shown = panels(view)
    view.choose(bucket="2025-W40", wish=2.5, other="2025-08")
    for panel in shown:
        assert panel._repr_mimebundle_() == {"text/plain": panel.code, "text/html": panel.html()}
        answer = eval(panel.code, {"agency": agency})  # noqa: S307  # the line that is shown
        assert answer._repr_html_() in panel.html()
    assert "what_if(at_least=2.5)" in shown[-1].code


def test_turning_one_widget_turns_all(agency: kk.Agency) -> None:
    view = agency.explore("ann", "2025-10", live=True)
    shown = panels(view)
    for panel in shown:
        assert "application/vnd.jupyter.widget-view+json" in panel._repr_mimebundle_()
    person, kpi = (panel._box.children[0] for panel in shown[:2])
    slider = shown[-1]._box.children[0]
    assert (slider.children[0].value, slider.children[0].min) == (4.0, 0.0)
    slider.children[0].value = 2.0
    assert "what_if(at_least=2.0)" in shown[-1]._shown.value
    kpi.value = "churn_rate"
    assert slider.children[0].value == 0.03
    assert all("churn_rate" in panel._shown.value for panel in (shown[1], shown[3], shown[5]))
    person.value = "bob"  # whose file names a stranger: it is said, and what was chosen stays
    assert all("there is no account &#39;nobody&#39;" in panel._shown.value for panel in shown)
    assert view.chosen.specialist == "ann"


@pytest.mark.parametrize(
    ("key", "span"),
    [
        ("leads", (0.0, 6.0, 0.05, ".2f")),
        ("churn_rate", (0.0, 0.06, 0.0005, ".1%")),
        ("sales change", (0.0, 1.5, 0.01, ".2f")),
    ],
)
def test_a_slider_reaches_over_facts_and_targets(card: kk.Card, key: str, span: tuple[Any, ...]) -> None:
    assert tuple(span_of(card[key]))[:3] == pytest.approx(span[:3])
    assert span_of(card[key]).number_format == span[3]


def run_notebook(agency: kk.Agency, monkeypatch: pytest.MonkeyPatch, **parameters: str) -> str:
    """What the cells of explore.ipynb show, as a run without a page has it."""
    monkeypatch.setattr(kk, "open", lambda *_: agency)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    names: dict[str, Any] = {}
    shown = []
    for cell in json.loads((ROOT / "notebooks/explore.ipynb").read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            *body, last = ast.parse("".join(cell["source"])).body
            exec(compile(ast.Module(body, []), cell["id"], "exec"), names)
            if isinstance(last, ast.Expr):
                found = eval(compile(ast.Expression(last.value), cell["id"], "eval"), names)
                bundle = getattr(found, "_repr_mimebundle_", None)
                shown.append(bundle()["text/html"] if bundle else str(getattr(found, "_repr_html_", str)()))
            else:
                exec(compile(ast.Module([last], []), cell["id"], "exec"), names)
            names |= parameters if cell["id"] == "parameters" else {}
    return "".join(shown)


@pytest.mark.parametrize(
    ("person", "name"), [("anna-petrova", "Анна Петрова"), ("elena-volkova", "Елена Волкова")]
)
def test_the_notebook_runs_without_a_person(
    person: str, name: str, opened_sample: kk.Agency, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = run_notebook(opened_sample, monkeypatch, specialist=person)
    assert shown.count('class="k-section k-figures"') == 2, "the figure and the trial target, each once"
    assert name in shown and "2025-10-31" in shown and "what_if(at_least=" in shown


def test_the_notebook_runs_where_there_is_little_data(
    agency: kk.Agency, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "what_if(at_least=4.0)" in run_notebook(agency, monkeypatch, specialist="ann")


def test_the_notebook_is_english_for_an_english_department(
    agency: kk.Agency, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = agency.params.department.model_copy(update={"language": "en"})
    english = kk.Agency(replace(agency.params, department=settings), agency.store, tmp_path)
    shown = run_notebook(english, monkeypatch, specialist="ann")
    for text in ("Actual", "Verdict", "KPIs over time", "By account", "The same in one line", "Difference"):
        assert text in shown
    assert not re.search("Факт|Вывод|Показател|Разница|строкой", shown)


# ---- habits


def test_cards_are_mappings_that_compare_and_can_be_pickled(agency: kk.Agency, card: kk.Card) -> None:
    assert [key for key, _ in card.items()] == card.keys() and list(card.values()) == [
        card[key] for key in card
    ]
    assert card.get("nothing") is None
    copy = pickle.loads(pickle.dumps(card))  # noqa: S301  # the test's own
    assert copy == card and copy["leads"].value == 3 and repr(copy) == repr(card)
    assert copy["leads"] == card["leads"] and {card: 1}[copy] == 1
    assert copy != card.what_if("leads", at_least=3)
    with pytest.raises(KitError, match="this card was read back without its data"):
        _ = copy["leads"].units


def test_one_writes_what_one_would_type(agency: kk.Agency) -> None:
    october = agency["ann", "2025-10"]
    for when in (pd.Timestamp("2025-10-15"), dt.date(2025, 10, 1), pd.Period("2025-10", "M")):
        assert agency["ann", when] is october
    assert agency["ann"] is agency.score("ann")
    assert list(agency.compare("ann", ["2025-09", "2025-10"]).frame)[:2] == ["2025-09", "2025-10"]
    assert kk.__version__ == version("kpi-kit")


def test_a_trial_is_what_a_new_scorecard_would_be(card: kk.Card) -> None:
    """Also in what follows from the target: history, totals, audit, verdicts."""
    for key, target in (("leads", {"at_least": 3}), ("churn_rate", {"at_most": "4%"})):
        tried = card.what_if(key, **target)
        quick = (tried.total, tried[key].payout, tried[key].attained, tried[key].target)
        whole = scorecard(tried.case, card.cohort)
        assert {**tried.data, "provenance": None} == {**whole, "provenance": None}
        assert quick == (tried.total, tried[key].payout, tried[key].attained, tried[key].data["target"])


def test_trials_of_a_card_take_milliseconds(card: kk.Card) -> None:
    card.what_if("leads", at_least=2)
    begun = time.process_time()
    for bound in range(1, 21):
        assert card.what_if("leads", at_least=bound)["leads"].attained is (bound <= 3)
    assert (time.process_time() - begun) / 20 < 0.02


def test_changed_files_are_read_anew_and_older_cards_say_so(tmp_path: Path) -> None:
    data, params = build(tmp_path, [entry("leads", target={"at_least": 2})], leads=LEADS[:2])
    with kk.open(data, params, out=tmp_path) as agency:
        old = agency.score("ann", "2025-10", as_of="2025-11-08")
        assert "agency.refresh()" not in repr(old)
        with (tmp_path / "data/leads.csv").open("a", encoding="utf-8") as stream:
            stream.write(f"{LEADS[2]},,,,,\n")
        assert agency.is_stale and "agency.refresh()" in repr(old) and "agency.refresh()" in old._repr_html_()
        new = agency.score("ann", "2025-10", as_of="2025-11-08")
        assert (old["leads"].value, new["leads"].value) == (1, 2)
        assert len(agency.table("leads")) == 3
        file = params / "specialists/ann.yml"
        file.write_text(
            file.read_text(encoding="utf-8").replace("at_least: 2", "at_least: 5"), encoding="utf-8"
        )
        assert agency.score("ann", "2025-10", as_of="2025-11-08")["leads"].target["value"] == 5
        assert "agency.refresh()" in repr(new) and agency.refresh() is agency
        file.write_text("name: [", encoding="utf-8")
        with pytest.raises(KitError):
            agency.score("ann", "2025-10")


def test_frames_of_a_card(agency: kk.Agency, card: kk.Card) -> None:
    assert list(card.bonus.columns)[:2] == ["sales_amount", "share"] and card.bonus.empty
    assert str(card.anomalies["date"].dtype).startswith("datetime64")
    assert list(agency.events.columns)[:4] == ["title", "kind", "since", "until"]


def test_a_plot_is_axes_to_go_on_with(card: kk.Card) -> None:
    axes = Figure().subplots()
    assert card["leads"].plot(ax=axes) is axes
    assert axes.lines[0].get_ydata().tolist() == [1.0, 3.0]
    assert card["leads"].plot(ax=Figure().subplots(), kind="weeks").lines[0].get_ydata().tolist() == [
        0.0,
        0.0,
    ]
    with pytest.raises(KitError, match="there is no kind 'week'; did you mean weeks?"):
        card["leads"].plot(ax=axes, kind="week")
