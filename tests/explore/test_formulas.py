"""KPIs by formula in a notebook: the catalogue, ``tidy``, ``measure``, ``explain`` and pickled cards."""

from __future__ import annotations

import pickle
from collections.abc import Iterator

import pytest

import kpi_kit as kk
from kpi_kit.core.errors import InputError
from kpi_kit.explore import Agency
from kpi_kit.kpis import CATALOGUE
from tests.agency import COST_PER_LEAD, LEADS_PER_VIEWS, build, days, entry

COSTS = (("a", 100), ("b", 40))
TABLES = {
    "spend": [
        f"{day},{account},{cost},RUB" for day in days(1, 31) for account, cost in (("a", 100), ("b", 40))
    ]
    + [f"{day},a,50,RUB" for day in days(1, 30, "2025-09")],
    "leads": [f"{account}{day},{account},{day}T12:00" for day in days(1, 31) for account in "ab"]
    + [f"s{day},a,{day}T12:00" for day in days(1, 30, "2025-09")],
    "posts": [f"p{day},a,{day}T12:00,310" for day in days(1, 31)],
}


@pytest.fixture(scope="module")
def agency(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agency]:
    person = {"accounts": ["a", "b"], "brands": []}
    kpis = [entry("cost_per_lead", target={"at_most": 80}), entry("leads", target={"at_least": 60})]
    formulas = [COST_PER_LEAD, LEADS_PER_VIEWS]
    folder = tmp_path_factory.mktemp("agency")
    data, params = build(folder, kpis, person=person, formulas=formulas, **TABLES)
    with kk.open(data, params, out=folder / "reports") as opened:
        yield opened


def test_the_catalogue_has_them(agency: Agency) -> None:
    assert list(agency.kpis.index) == [*CATALOGUE, "cost_per_lead", "leads_per_views"]
    own = agency.kpis.loc["leads_per_views"]
    assert (own["name"], own["unit"], own["better"]) == ("Показатель leads_per_views", "number", "higher")
    assert own["formula"].replace("\N{NARROW NO-BREAK SPACE}", " ") == "Лиды ÷ просмотры × 1 000"


def test_tidy_has_them_by_person_account_and_weekday(agency: Agency) -> None:
    by_person = agency.tidy("cost_per_lead", periods=["2025-10"])
    assert by_person["value"].tolist() == [(100 + 40) * 31 / 62]
    by_account = agency.tidy("cost_per_lead", periods=["2025-10"], by="account").set_index("account")
    assert by_account["value"].dropna().to_dict() == {"a": 100.0, "b": 40.0}
    by_weekday = agency.tidy("cost_per_lead", periods=["2025-10"], by="weekday")
    assert by_weekday["value"].tolist() == pytest.approx([70.0] * 7)
    assert by_person.attrs["units"] == {"cost_per_lead": "money"}


def test_what_the_parts_do_not_have_is_refused(agency: Agency) -> None:
    with pytest.raises(InputError, match="cost_per_lead: the table spend has days and no hours"):
        agency.tidy("cost_per_lead", periods=["2025-10"], by="hour")
    with pytest.raises(InputError, match="leads_per_views: a KPI by formula has no post"):
        agency.tidy("leads_per_views", periods=["2025-10"], by="post")
    with pytest.raises(InputError, match="did you mean cost_per_lead"):
        agency.tidy("cost_per_leed", periods=["2025-10"])


def test_measure_and_explain(agency: Agency) -> None:
    assert agency.measure("cost_per_lead", account="a", periods=["2025-10"])["value"].tolist() == [100.0]
    card = agency.score("ann", "2025-10")
    assert card["cost_per_lead"].value == 70
    again = pickle.loads(pickle.dumps(card))
    assert again == card and again["cost_per_lead"].value == 70


def test_what_if_takes_another_target(agency: Agency) -> None:
    card = agency.score("ann", "2025-10")
    assert card["cost_per_lead"].what_if(at_most=60).data["attained"] is False
