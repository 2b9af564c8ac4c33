"""The data contract: the tables of the design, column by column."""

from __future__ import annotations

import pytest

from kpi_kit.core.schema import INQUIRY_KINDS, PLATFORMS, SENTIMENTS, TABLES, Type

DESIGN = """
accounts | account_id, platform, title, url?, opened?, closed? | account_id
audience | date, account_id, subscribers, joined?, left? | account_id, date
posts | account_id, post_id, published_at, views?, likes?, comments?, reposts?, reach?, on_brand?, stats_at?, deleted_at?, url?, text?, format? | account_id, post_id
post_stats | account_id, post_id, stats_at, views?, likes?, comments?, reposts? | account_id, post_id, stats_at
post_increments | account_id, post_id, since, until, views?, likes?, comments?, reposts? | account_id, post_id, since, until
comments | account_id, comment_id, post_id, created_at, by_brand, text?, meaningful? | account_id, comment_id
messages | account_id, dialog_id, message_id, kind, at, by_brand, author?, reply_to?, automatic?, closing? | account_id, dialog_id, message_id
inquiries | account_id, inquiry_id, kind, received_at, answered_at? | account_id, inquiry_id
leads | source, lead_id, account_id, created_at, qualified?, status?, sold_at?, sale_amount?, currency?, refunded_at? | source, lead_id
traffic | date, account_id, visits, visitors? | account_id, date
brand_queries | since, until, brand, phrase, queries | brand, phrase, since, until
mentions | brand, mention_id, mentioned_at, platform?, sentiment?, by_brand? | brand, mention_id
plan | account_id, plan_id, due_at, approved, post_id?, on_brand?, approved_at?, cancelled_at? | account_id, plan_id
totals | account_id, measure, since, until, value | account_id, measure, since, until
spend | date, account_id, amount, currency | account_id, date
coverage | table, scope, since, until | table, scope, since
"""  # noqa: E501  # section 3 of the design, as it stands there
ROWS = [[cell.strip() for cell in line.split("|")] for line in DESIGN.strip().splitlines()]


def test_there_are_no_other_tables():
    assert list(TABLES) == [name for name, _, _ in ROWS]
    with pytest.raises(TypeError):
        TABLES["x"] = TABLES["posts"]  # type: ignore[index]


@pytest.mark.parametrize(("name", "columns", "key"), ROWS, ids=[row[0] for row in ROWS])
def test_table(name, columns, key):
    table = TABLES[name]
    marked = columns.split(", ")
    assert table.name == name
    assert table.names == tuple(column.rstrip("?") for column in marked)
    assert table.key == tuple(key.split(", "))
    assert table.required == tuple(column for column in marked if not column.endswith("?"))
    # what may be absent may be empty, and a key is never empty
    assert all(column.nullable for column in table.columns if not column.required)
    assert not any(table[column].nullable for column in table.key)


@pytest.mark.parametrize("name", [row[0] for row in ROWS])
def test_types_follow_the_names(name):
    """Times end in _at, days are dates, ids are text, flags are flags; the rest are counts but for money."""
    for column in TABLES[name].columns:
        if column.name.endswith("_at") or column.name == "at":
            assert column.type is Type.TIME
        elif column.name in ("date", "since", "until", "opened", "closed"):
            assert column.type is Type.DATE
        elif column.name in (
            "by_brand",
            "meaningful",
            "on_brand",
            "qualified",
            "approved",
            "automatic",
            "closing",
        ):
            assert column.type is Type.FLAG
        elif column.name in ("sale_amount", "amount", "value"):
            assert column.type is Type.NUMBER
        elif column.name in (
            "subscribers", "joined", "left", "views", "likes", "comments", "reposts", "reach", "visits",
            "visitors", "queries",
        ):  # fmt: skip
            assert column.type is Type.COUNT
        else:
            assert column.type is Type.TEXT


def test_closed_lists():
    assert PLATFORMS == ("vk", "telegram", "dzen", "ok", "youtube", "instagram", "tiktok", "other")
    assert INQUIRY_KINDS == ("comment", "message", "review")
    assert TABLES["accounts"]["platform"].allowed == PLATFORMS
    assert TABLES["mentions"]["platform"].allowed == PLATFORMS
    assert TABLES["inquiries"]["kind"].allowed == INQUIRY_KINDS
    assert TABLES["mentions"]["sentiment"].allowed == SENTIMENTS
    assert TABLES["posts"]["text"].allowed == ()


def test_by_brand_of_comments_may_be_unknown_but_not_absent():
    column = TABLES["comments"]["by_brand"]
    assert (column.required, column.nullable) == (True, True)


@pytest.mark.parametrize("name", [row[0] for row in ROWS if row[0] != "accounts"])
def test_every_row_is_dated(name):
    table = TABLES[name]
    assert table[table.clock].type in (Type.DATE, Type.TIME)
    assert not table[table.clock].nullable


@pytest.mark.parametrize("name", [row[0] for row in ROWS])
def test_whose_a_row_is(name):
    table = TABLES[name]
    if table.scope is not None:
        assert table.scope in table.names
        assert not table[table.scope].nullable
    expected = {
        "accounts": None,
        "coverage": None,
        "brand_queries": "brand",
        "mentions": "brand",
    }
    assert table.scope == expected.get(name, "account_id")


def test_what_comes_first():
    assert TABLES["inquiries"].ordered == (("received_at", "answered_at"),)
    assert TABLES["coverage"].ordered == (("since", "until"),)
    assert TABLES["brand_queries"].ordered == (("since", "until"),)


def test_only_the_plan_is_known_before_its_time():
    assert [name for name, table in TABLES.items() if table.scheduled] == ["plan"]


def test_a_column_that_is_not_there():
    with pytest.raises(StopIteration):
        TABLES["posts"]["shares"]
