"""The gallery of questions, run on the sample: each answer against plain pandas on the CSV files."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import kpi_kit as kk

ROOT = Path(__file__).parents[2]
ZONE = "Europe/Moscow"
MONTH = "2025-11"
PEOPLE = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "params/specialists").glob("*.yml")}


def csv(name: str, *times: str) -> pd.DataFrame:
    """A table of the sample, its times local."""
    rows = pd.read_csv(ROOT / f"data/sample/{name}.csv", dtype={"post_id": str, "lead_id": str})
    for column in times:
        moments = rows[column].astype("str")
        naive = ~moments.str.contains(r"[+-]\d\d:\d\d$|^nan$", regex=True)
        moments = moments.where(~naive, moments + "+03:00")  # the zone of the sample
        rows[column] = pd.to_datetime(moments, utc=True, errors="coerce").dt.tz_convert(ZONE)
    return rows


def months(times: pd.Series) -> pd.Series:
    return times.dt.strftime("%Y-%m")


@pytest.fixture(scope="module")
def answers(opened_sample: kk.Agency) -> dict[str, Any]:
    """What the cells of the notebook name."""
    cells = json.loads((ROOT / "notebooks/questions.ipynb").read_text(encoding="utf-8"))["cells"]
    names: dict[str, Any] = {"agency": opened_sample}
    for cell in cells:
        if cell["cell_type"] == "code" and cell["id"] != "open":
            *body, last = ast.parse("".join(cell["source"])).body
            lines = [*body, last if not isinstance(last, ast.Expr) else ast.Pass()]
            exec(compile(ast.fix_missing_locations(ast.Module(lines, [])), cell["id"], "exec"), names)  # noqa: S102
    plt.close("all")
    return names


def test_every_question_has_a_cell_and_a_sentence() -> None:
    cells = json.loads((ROOT / "notebooks/questions.ipynb").read_text(encoding="utf-8"))["cells"]
    heads = ["".join(cell["source"]) for cell in cells if cell["id"].startswith("about-")]
    assert [head.split(".")[0] for head in heads] == [f"## {number}" for number in range(1, 15)]
    assert all(len(head.split("\n\n")) == 2 for head in heads)
    sources = [cell["source"] for cell in cells if cell["cell_type"] == "code"][2:]
    assert len(sources) == 14 and max(map(len, sources)) <= 4


def test_why_leads_fell(answers: dict[str, Any]) -> None:
    leads = csv("leads", "created_at")
    leads = leads.assign(month=months(leads["created_at"]), day=leads["created_at"].dt.day_of_week + 1)
    counts = leads.groupby(["month", "account_id", "day"]).size()
    now, before = counts[MONTH], counts["2025-10"]
    change = now.sub(before, fill_value=0)
    found = answers["why"]["change"]
    assert found.sum() == len(leads[leads["month"] == MONTH]) - len(leads[leads["month"] == "2025-10"]) < 0
    assert {key: change[key] for key in found.index} == found.to_dict()


def test_which_posts_brought_subscribers(answers: dict[str, Any]) -> None:
    audience, posts = csv("audience"), csv("posts", "published_at")
    joined = audience.assign(date=pd.to_datetime(audience["date"])).pivot(
        index="date", columns="account_id", values="joined"
    )
    both = joined + joined.shift(-1)
    posts = posts[months(posts["published_at"]) == MONTH]
    days = posts["published_at"].dt.tz_localize(None).dt.normalize()
    over = [
        both.loc[day, account] - both[account].median()
        for day, account in zip(days, posts["account_id"], strict=True)
    ]
    assert answers["brought"]["joined_over"].tolist() == sorted(pd.Series(over).dropna(), reverse=True)[:5]


def test_the_best_hour_and_weekday(answers: dict[str, Any]) -> None:
    audience, posts = csv("audience"), csv("posts", "published_at", "deleted_at", "stats_at")
    settled = posts["stats_at"] - posts["published_at"] >= pd.Timedelta(days=7)
    posts = posts[(posts["published_at"].dt.year == 2025) & posts["deleted_at"].isna() & settled]
    posts = posts.assign(date=posts["published_at"].dt.strftime("%Y-%m-%d"))
    posts = posts.merge(audience, on=["date", "account_id"]).dropna(subset=["views", "subscribers"])
    local = posts["published_at"].dt
    sums = posts.groupby([local.day_of_week + 1, local.hour])[["views", "subscribers"]].sum()
    found = answers["hours"].set_index(["weekday", "hour"])
    assert found["numerator"].to_dict() == pytest.approx(sums["views"].to_dict())
    assert found["value"].to_dict() == pytest.approx((sums["views"] / sums["subscribers"]).to_dict())


def monthly(name: str, clock: str, value: str | None = None) -> pd.DataFrame:
    rows = csv(name, clock) if clock != "date" else csv(name)
    month = rows[clock].str[:7] if clock == "date" else months(rows[clock])
    groups = rows.groupby(["account_id", month])
    counted = groups.size() if value is None else groups[value].sum()
    return counted.unstack(0).fillna(0)


def test_posts_against_reach(answers: dict[str, Any]) -> None:
    posts = csv("posts", "published_at", "deleted_at")
    posts = posts[(posts["account_id"] == "vk-roastery") & posts["deleted_at"].isna()]
    months_ = pd.period_range("2023-12", MONTH, freq="M").astype("str")
    groups = posts.groupby(months(posts["published_at"]))
    counted, views = groups.size().reindex(months_), groups["views"].sum().reindex(months_)
    assert answers["reach"]["vk-roastery"] == pytest.approx(np.corrcoef(counted, views)[0, 1])


def test_two_accounts_over_a_year(answers: dict[str, Any]) -> None:
    leads = monthly("leads", "created_at")
    pair = answers["pair"]
    assert len(pair) == 12
    for account in pair:
        assert pair[account].tolist() == leads.loc[list(map(str, pair.index)), account].tolist()


def test_cohorts_of_leads(answers: dict[str, Any]) -> None:
    leads = csv("leads", "created_at", "sold_at")
    month = leads["created_at"].dt.tz_localize(None).dt.to_period("M")
    won = leads["sold_at"].notna() & (leads["status"] == "won")
    soon = won & (leads["sold_at"].dt.tz_localize(None).dt.to_period("M") <= month + 1)
    found = answers["cohorts"]
    assert found["leads"].to_dict() == leads.groupby(month).size().to_dict()
    assert found["sold"].to_dict() == won.groupby(month).sum().to_dict()
    assert found.loc["2025-08", "sold_1"] == pytest.approx(soon.groupby(month).mean()["2025-08"])
    assert np.isnan(found.loc[MONTH, "sold_1"]), "December has not come"


def test_late_inquiries(answers: dict[str, Any]) -> None:
    rows = csv("inquiries", "received_at", "answered_at")
    rows = rows[months(rows["received_at"]) == MONTH]
    until = rows["answered_at"].fillna(pd.Timestamp("2025-12-01", tz=ZONE))
    hours = (until - rows["received_at"]).dt.total_seconds() / 3600
    assert sorted(answers["late"]["inquiry_id"]) == sorted(rows["inquiry_id"][hours > 24])
    assert answers["late"]["waited"].max() == pytest.approx(hours.max())


def test_other_weights(answers: dict[str, Any], opened_sample: kk.Agency) -> None:
    """The total of one person by hand: weighted mean of what each entry pays."""
    found = answers["weights"].loc["anna-petrova"]
    own = opened_sample.tidy("own", "anna-petrova", MONTH).dropna(subset=["payout"])
    weights = own["weight"].where(own["kpi"] != "leads", 40.0)
    assert found["total"] == pytest.approx(np.average(own["payout"], weights=own["weight"]))
    assert found["total_then"] == pytest.approx(np.average(own["payout"], weights=weights))


def test_the_forecast_of_the_month(answers: dict[str, Any]) -> None:
    """Leads of Anna: the band holds the middle of her months, and the target comes from her file."""
    found = answers["forecast"].set_index(["specialist", "kpi"]).loc[("anna-petrova", "leads")]
    history = monthly("leads", "created_at")[["vk-roastery", "tg-roastery"]].sum(axis=1)
    assert history.min() <= found["low"] <= found["median"] <= found["high"] <= history.max()
    assert (str(found["period"]), found["target"], found["forecasts"] > 0) == ("2025-12", 45.0, True)
    assert "2025-12: {at_least: 45}" in PEOPLE["anna-petrova"]


def test_the_season_of_an_account(answers: dict[str, Any]) -> None:
    visits = monthly("traffic", "date", "visits")["vk-roastery"].tail(24)
    plain = visits.groupby([int(name[5:]) for name in visits.index]).mean() / visits.mean()
    assert answers["season"].to_dict() == pytest.approx(plain.to_dict())


def test_changes_that_go_together(answers: dict[str, Any]) -> None:
    leads = monthly("leads", "created_at").sum(axis=1).tail(24).diff()
    visits = monthly("traffic", "date", "visits").sum(axis=1).tail(24)
    # days of these months are missing, so their visits are unknown and not fewer
    visits = visits.where(~visits.index.isin(["2025-08", "2025-10"])).diff()
    plain = leads.corr(visits, method="spearman")
    assert answers["together"].loc["leads", "social_visits"] == pytest.approx(plain)


def test_another_bonus_rule(answers: dict[str, Any]) -> None:
    leads = csv("leads", "sold_at", "refunded_at")
    kept = (leads["status"] == "won") & leads["refunded_at"].isna()
    sold = leads[(months(leads["sold_at"]) == MONTH) & kept]
    for person, accounts in (
        ("anna-petrova", ["vk-roastery", "tg-roastery"]),
        ("dmitry-orlov", ["vk-school", "tg-school", "tg-school-kids"]),
    ):
        amount = sold.loc[sold["account_id"].isin(accounts), "sale_amount"].sum()
        assert answers["bonus"].loc[person, "bonus_then"] == pytest.approx(min(amount * 0.03, 15_000))
    assert answers["bonus"].loc["dmitry-orlov", "bonus"] == 10_000, "the cap of his file"


def test_the_tidy_table(answers: dict[str, Any]) -> None:
    tidy = answers["tidy"]
    rows = tidy[(tidy["specialist"] == "anna-petrova") & (tidy["period"] == "2025-06")].set_index("kpi")
    leads = csv("leads", "created_at")
    leads = leads[leads["account_id"].isin(["vk-roastery", "tg-roastery"])]
    leads = leads[months(leads["created_at"]) == "2025-06"]
    assert rows.loc["leads", ["value", "unit", "numerator"]].tolist() == [len(leads), "leads", len(leads)]
    rate = leads["qualified"].dropna().astype(bool).mean()
    assert rows.loc["qualified_lead_rate", "value"] == pytest.approx(rate)
    assert tidy["period"].dtype == "period[M]" and tidy["attained"].dtype == "boolean"
    assert len(tidy["kpi"].unique()) == 24 and tidy.attrs["units"]["leads"] == "leads"


def test_a_plot_of_ones_own(answers: dict[str, Any]) -> None:
    leads = csv("leads", "created_at")
    vk = leads[leads["account_id"].str.startswith("vk-")]
    line = {line.get_label(): line for line in answers["axes"].lines}["vk"]
    assert line.get_ydata()[-1] == (months(vk["created_at"]) == MONTH).sum()
    html = answers["section"].html
    assert "<h2>Лиды по площадкам</h2>" in html and 'alt="Лиды по площадкам"' in html
