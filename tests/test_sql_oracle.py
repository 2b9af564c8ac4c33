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


TROUBLES = {
    "accounts": """
        account_id,platform
        a,vk
    """,
    # the 0 and the leap are doubtful, the 900 is accepted, the fall to 300 stays
    "audience": """
        date,account_id,subscribers,joined,left
        2025-09-30,a,2000,,
        2025-10-05,a,0,,
        2025-10-06,a,2010,,
        2025-10-07,a,9000,,
        2025-10-08,a,2000,,
        2025-10-09,a,900,,
        2025-10-31,a,300,,
    """,
    # 1 has grown by 40 and 7 since, 2 by an unknown number, 3 has no figure but its increments
    "posts": """
        post_id,account_id,published_at,views,likes,stats_at
        1,a,2025-10-02T12:00,100,5,2025-10-10T00:00
        2,a,2025-10-03T12:00,200,6,2025-10-10T00:00
        3,a,2025-10-09T12:00,,7,
    """,
    "post_increments": """
        account_id,post_id,since,until,views,likes,comments,reposts
        a,1,2025-10-10,2025-10-20,40,,,
        a,1,2025-10-20,2025-11-01,7,,,
        a,1,2025-10-10,2025-10-15,1,,,
        a,1,2025-10-15,2025-10-20,1,,,
        a,2,2025-10-11,2025-10-20,,9,,
        a,3,2025-10-09,2025-11-01,50,,,
    """,
    # u waits 10 hours for an answer that is not automatic, thanks, writes again; of u and v one is answered
    "messages": """
        account_id,dialog_id,message_id,kind,at,by_brand,author,reply_to,automatic,closing
        a,1,1,message,2025-10-02T10:00:00,false,u,,,
        a,1,2,message,2025-10-02T10:00:04,true,,,,
        a,1,3,message,2025-10-02T20:00:00,true,,,,
        a,1,4,message,2025-10-02T21:00:00,false,u,,,true
        a,1,5,message,2025-10-06T21:00:00,false,u,,,
        a,1,6,message,2025-10-06T23:00:00,true,smm,,,
        a,2,1,message,2025-10-10T10:00:00,false,u,,,
        a,2,2,message,2025-10-10T10:30:00,false,v,,,
        a,2,3,message,2025-10-10T11:00:00,true,smm,2,,
    """,
    # the first is of a day that messages cover
    "inquiries": """
        inquiry_id,account_id,kind,received_at,answered_at
        1,a,message,2025-10-02T10:00,2025-10-02T10:01
        2,a,review,2025-10-03T10:00,2025-10-03T14:00
    """,
    # 10 USD at 90, the rate of the 1st; 5 of the department's own
    "leads": """
        source,lead_id,account_id,created_at,sold_at,sale_amount,currency,status
        s,1,a,2025-10-03T15:20,2025-10-12T12:00,10,USD,won
        s,2,a,2025-10-03T15:20,2025-10-12T12:00,5,,
        s,3,a,2025-10-03T15:20,2025-10-12T12:00,7,,lost
    """,
    "totals": """
        account_id,measure,since,until,value
        a,visits,2025-10-01,2025-10-16,30
        a,visits,2025-10-16,2025-11-01,12
        a,leads,2025-10-01,2025-11-01,99
    """,
    "coverage": """
        table,scope,since,until
        audience,a,2025-09-01,2025-12-01
        posts,a,2025-09-01,2025-12-01
        messages,a,2025-09-01,2025-12-01
        leads,a,2025-09-01,2025-12-01
    """,
}


def test_troubles_by_hand(tmp_path: Path) -> None:
    for name, text in TROUBLES.items():
        (tmp_path / f"{name}.csv").write_text(dedent(text).strip() + "\n", encoding="utf-8")
    (tmp_path / "specialists").mkdir()
    (tmp_path / "department.yml").write_text(
        "history: {periods: 2}\naudience: {accept: {a: [2025-10-09]}}\n", encoding="utf-8"
    )
    (tmp_path / "rates.csv").write_text("date,currency,rate\n2025-09-01,USD,80\n2025-10-01,USD,90\n")
    wanted = {
        "subscribers": 300,
        "subscriber_gain": 300 - 2000,
        "like_rate": None,  # the likes of 2 do not tile, 1 of 3
        "views": 147 + 200 + 50,
        "median_response_time": 4,  # 10, 2, 4, one half, and one that waits
        "response_rate": 4 / 5,
        "sales_amount": 10 * 90 + 5,
        "social_visits": 42,
        "leads": 3,  # rows of the table win
    }
    entries = ", ".join(f"{{kpi: {kpi}}}" for kpi in wanted)
    (tmp_path / "specialists" / "ann.yml").write_text(f"accounts: [a]\nkpis: [{entries}]\n")
    found = measure(tmp_path, tmp_path, "2025-10")["ann"].kpis
    assert {line["kpi"]: line["value"] for line in found} == wanted
