"""The reading in SQL itself, on a small agency worked out by hand. Nothing here touches the package."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from tests.sql_oracle import Card, measure

TABLES = {
    "accounts": """
        account_id,platform
        a,vk
        b,telegram
    """,
    "audience": """
        date,account_id,subscribers,joined,left
        2025-09-30,a,1000,,
        2025-10-07,a,1020,25,5
        2025-10-28,a,1080,90,30
        2025-10-31,a,1090,12,2
    """,
    # 2 was published on the 7th, 4 is deleted, 5 is too young at its figures
    "posts": """
        post_id,account_id,published_at,views,likes,comments,reposts,on_brand,stats_at,deleted_at
        1,a,2025-10-02T12:00,640,31,4,2,true,2025-10-20T12:00,
        2,a,2025-10-07T12:00,580,22,1,0,false,,
        4,a,2025-10-09T12:00,900,90,9,9,true,2025-10-20T12:00,2025-10-21T12:00
        5,a,2025-10-23T12:00,710,40,6,5,true,2025-10-24T12:00,
    """,
    "comments": """
        comment_id,account_id,created_at,by_brand,text,meaningful
        1,a,2025-10-02T12:00,false,"Подскажите, есть доставка в Тверь?",
        2,a,2025-10-02T12:00,false,👍 круто,
        3,a,2025-10-02T12:00,false,"Заходи ко мне, очень ждём в гости",
        4,a,2025-10-02T12:00,false,nice one,
        5,a,2025-10-02T12:00,false,https://a.example/long-words-here @anna вот и всё,
        6,a,2025-10-02T12:00,,"Очень вкусно, спасибо!",
        7,a,2025-10-02T12:00,true,Приходите к нам завтра утром,
        8,a,2025-10-02T12:00,false,да,true
        9,a,2025-10-02T12:00,false,Совсем не о том речь,false
    """,
    # 4 has waited since the 2nd; 5 is not of Ann's account
    "inquiries": """
        inquiry_id,account_id,kind,received_at,answered_at
        1,a,message,2025-10-10T18:00,2025-10-10T19:00
        2,a,message,2025-10-10T18:00,2025-10-13T11:00
        3,a,message,2025-10-13T12:00,2025-10-14T12:00
        4,a,message,2025-10-02T12:00,
        5,b,message,2025-10-02T12:00,2025-10-02T12:05
    """,
    # 3 is refunded; 4 was sold after P
    "leads": """
        lead_id,account_id,created_at,qualified,sold_at,sale_amount,currency,refunded_at
        1,a,2025-10-03T15:20,true,2025-10-05T12:00,100,RUB,
        2,a,2025-10-17T09:05,false,,,,
        3,a,2025-10-24T18:40,,2025-10-25T12:00,900,RUB,2025-11-01T12:00
        4,a,2025-09-24T18:40,true,2025-11-02T12:00,700,RUB,
    """,
    # the month of one phrase comes in two parts, that of the other both whole and in parts
    "brand_queries": """
        since,until,brand,phrase,queries
        2025-10-01,2025-11-01,X,дом,100
        2025-10-01,2025-10-16,X,дом,1
        2025-10-16,2025-11-01,X,дом,1
        2025-10-01,2025-10-16,X,сад,30
        2025-10-16,2025-11-01,X,сад,40
    """,
    # in time and on brand; an hour and a minute late; never published; cancelled; not on brand
    "plan": """
        plan_id,account_id,due_at,approved,post_id,approved_at,cancelled_at
        1,a,2025-10-02T11:00,true,1,,
        2,a,2025-10-23T10:59,true,5,,
        3,a,2025-10-11T12:00,true,,,
        4,a,2025-10-12T12:00,true,,,2025-10-11T12:00
        5,a,2025-10-07T12:00,true,2,,
    """,
}
COVERED = "\n".join(
    ["table,scope,since,until", *(f"{name},{who},2025-09-01,2025-12-01" for name in TABLES for who in "abX")]
)
KPIS = (
    "subscribers subscriber_gain subscriber_growth unsubscribed churn_rate views view_rate engagement_rate "
    "likes like_rate meaningful_comments leads qualified_leads qualified_lead_rate sales sales_amount "
    "social_visits brand_queries posts_published plan_fulfilment response_rate median_response_time"
).split()

BY_HAND = {
    "subscribers": 1090,
    "subscriber_gain": 90,  # 1090 − 1000
    "subscriber_growth": 90 / 1000,
    "unsubscribed": 37,
    "churn_rate": 37 / 1000,
    "views": 1930,
    "view_rate": (640 + 580) / (1000 + 1020),  # not the young one; the row before the 2nd stands
    "engagement_rate": (37 + 23) / (640 + 580),
    "likes": 93,
    "like_rate": 93 / ((1020 + 1080 + 1090) / 3),
    "meaningful_comments": 3,  # 1, 6 and 8
    "leads": 3,
    "qualified_leads": 1,
    "qualified_lead_rate": 1 / 2,
    "sales": 1,
    "sales_amount": 100,
    "brand_queries": 100 + 30 + 40,
    "posts_published": 3,
    "plan_fulfilment": 1 / 4,
    "response_rate": 2 / 4,  # 3 is answered after exactly 24 hours; 2 and 4 are late
    "median_response_time": 24,  # 1, 24, 65 hours and one that waits: S falls to 3/4, then to 1/2
}


def card(place: Path, response: str = "{sla_hours: 24}") -> Card:
    (place / "data").mkdir()
    for name, text in {**TABLES, "coverage": COVERED}.items():
        (place / "data" / f"{name}.csv").write_text(dedent(text).strip() + "\n", encoding="utf-8")
    (place / "params" / "specialists").mkdir(parents=True)
    (place / "params" / "department.yml").write_text(f"history: {{periods: 2}}\nresponse: {response}\n")
    entries = ", ".join(f"{{kpi: {kpi}}}" for kpi in KPIS)
    (place / "params" / "specialists" / "ann.yml").write_text(
        f"accounts: [a]\nbrands: [X]\nkpis: [{entries}, {{kpi: leads, as: change}}]\n"
    )
    (place / "spam.txt").write_text("# phrases\nзаходи ко мне\n", encoding="utf-8")
    return measure(place / "data", place / "params", "2025-10", spam=place / "spam.txt")["ann"]


def test_facts_by_hand(tmp_path: Path) -> None:
    found = card(tmp_path)
    assert found.as_of == "2025-11-08T00:00:00"
    assert not found.interim
    assert not found.preliminary
    lines = {line["kpi"]: line for line in found.kpis[:-1]}
    absent = lines.pop("social_visits")  # its table is
    assert (absent["value"], absent["reason"]) == (None, "not_covered")
    assert {kpi: line["value"] for kpi, line in lines.items()} == pytest.approx(BY_HAND, rel=1e-12)


def test_a_change_by_hand(tmp_path: Path) -> None:
    line = card(tmp_path).kpis[-1]
    assert (line["value"], line["previous"], line["year_ago"]) == (2, 1, None)
    assert line["history"] == [None, 2]  # of August nothing is covered


def test_working_hours_by_hand(tmp_path: Path) -> None:
    """Ten to seven, Monday to Friday: the waits are 1, 2 and 9 hours; 4 waits for weeks."""
    values = {
        line["kpi"]: line["value"]
        for line in card(tmp_path, "{sla_hours: 2, calendar: business, country: RU}").kpis
    }
    assert values["response_rate"] == 2 / 4
    assert values["median_response_time"] == 2
