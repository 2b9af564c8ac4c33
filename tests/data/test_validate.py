"""Checks: every kind of fault, named by file, row and column, all at once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest
from builders import ACCOUNTS, write_csv, write_data

from kpi_kit.data.store import SHOWN, open_store
from kpi_kit.data.validate import duplicates, problems

ZONE = "Europe/Moscow"
OWNED = {"account_id": ["vk-a"], "brand": ["X"]}
ACCOUNTS_CSV = "account_id,platform,title\nvk-a,vk,Кофе\ntg-a,telegram,Кофе\n"


@pytest.fixture
def found(tmp_path: Path) -> Callable[..., list[str]]:
    """Write CSV texts beside two accounts and check them; the folder's name is left out."""

    def check(**texts: str | bytes) -> list[str]:
        write_csv(tmp_path, **({"accounts": ACCOUNTS_CSV} | texts))
        with open_store(tmp_path, ZONE) as store:
            said = problems(store)
        assert all("\n" not in sentence for sentence in said)
        return [sentence.replace(f"{tmp_path}/", "") for sentence in said]

    return check


def test_nothing_to_find(found):
    assert found() == []
    assert found(accounts="account_id,platform,title\n") == []


CLEAN = {
    "audience": "date,account_id,subscribers,joined,left\n2025-10-01,vk-a,10,1,0\n2025-10-02,vk-a,10,,\n",
    "posts": "post_id,account_id,published_at,views,on_brand\n"
    "1,vk-a,2025-10-01,5,yes\n2,vk-a,2025-10-01T10:00Z,,\n",
    "inquiries": "inquiry_id,account_id,kind,received_at,answered_at\n"
    "1,vk-a,review,2025-10-01T10:00,2025-10-01T10:00\n2,vk-a,comment,2025-10-01T10:00,\n",
    "leads": "lead_id,account_id,created_at,sold_at,sale_amount,currency\n"
    "1,vk-a,2025-10-01,2025-10-02,99.90,RUB\n2,vk-a,2025-10-01,2025-10-02,5,\n3,vk-a,2025-10-01,,,\n",
    "brand_queries": "since,until,brand,phrase,queries\n"
    "2025-10-01,2025-11-01,b,b,0\n2025-10-01,2025-10-02,b,b,1\n",
    "mentions": "mention_id,brand,mentioned_at,platform,sentiment\n"
    "1,b,2025-10-01,other,neutral\n2,b,2025-10-01,,\n",
    "coverage": "table,scope,since,until\n"
    "audience,vk-a,2025-10-01,2025-11-01\nmentions,b,2025-10-01,2025-11-01\n"
    "mentions,silent-brand,2025-10-01,2025-11-01\n",
}


def test_what_is_right_is_not_found(found):
    assert found(**CLEAN) == []


AUDIENCE = "date,account_id,subscribers,joined\n"
POSTS = "post_id,account_id,published_at,views,on_brand\n"
A_TIME = "a time such as 2025-10-31T12:00:00+03:00"
PLATFORMS = "vk, telegram, dzen, ok, youtube, instagram, tiktok, other"
INQUIRIES = "inquiry_id,account_id,kind,received_at,answered_at\n"


@pytest.mark.parametrize(
    ("table", "text", "said"),
    [
        # types: row 1 is the header
        (
            "audience",
            AUDIENCE + "2025-10-01,vk-a,many,\n",
            "row 2: column subscribers: expected a whole number, found 'many'",
        ),
        (
            "audience",
            AUDIENCE + "2025-10-01,vk-a,3.7,\n",
            "row 2: column subscribers: expected a whole number, found '3.7'",
        ),
        (
            "audience",
            AUDIENCE + "2025-10-01,vk-a,1,0.5\n",
            "row 2: column joined: expected a whole number, found '0.5'",
        ),
        (
            "audience",
            AUDIENCE + "2025-10-01,vk-a,inf,\n",
            "row 2: column subscribers: expected a whole number, found 'inf'",
        ),
        (
            "audience",
            AUDIENCE + "2025-10-01,vk-a,1 000,\n",
            "row 2: column subscribers: expected a whole number, found '1 000'",
        ),
        (
            "audience",
            AUDIENCE + "2025-10-01,vk-a,true,\n",
            "row 2: column subscribers: expected a whole number, found 'true'",
        ),
        (
            "audience",
            AUDIENCE + "2025-10-01,vk-a,1,?\n",
            "row 2: column joined: expected a whole number, found '?'",
        ),
        (
            "audience",
            AUDIENCE + "01.10.2025,vk-a,1,\n",
            "row 2: column date: expected a date such as 2025-10-31, found '01.10.2025'",
        ),
        (
            "audience",
            AUDIENCE + "2025-02-29,vk-a,1,\n",
            "row 2: column date: expected a date such as 2025-10-31, found '2025-02-29'",
        ),
        (
            "audience",
            AUDIENCE + "infinity,vk-a,1,\n",
            "row 2: column date: expected a date such as 2025-10-31, found 'infinity'",
        ),
        (
            "audience",
            AUDIENCE + "5000000-01-01,vk-a,1,\n",
            "row 2: column date: expected a year of 1900 to 2199, found '5000000-01-01'",
        ),
        (
            "posts",
            POSTS + "1,vk-a,0044-03-15,,\n",
            "row 2: column published_at: expected a year of 1900 to 2199, found '0044-03-15'",
        ),
        (
            "posts",
            POSTS + "1,vk-a,yesterday,,\n",
            f"row 2: column published_at: expected {A_TIME}, found 'yesterday'",
        ),
        (
            "posts",
            POSTS + "1,vk-a,2025-10-01T25:00,,\n",
            f"row 2: column published_at: expected {A_TIME}, found '2025-10-01T25:00'",
        ),
        (
            "posts",
            POSTS + "1,vk-a,-infinity,,\n",
            f"row 2: column published_at: expected {A_TIME}, found '-infinity'",
        ),
        (
            "posts",
            POSTS + "1,vk-a,2025-10-01,,maybe\n",
            "row 2: column on_brand: expected true or false, found 'maybe'",
        ),
        (
            "posts",
            POSTS + "1,vk-a,2025-10-01,,2\n",
            "row 2: column on_brand: expected true or false, found '2'",
        ),
        ("leads", "lead_id,account_id,created_at,sale_amount\n1,vk-a,2025-10-01,9,5\n", None),
        (
            "leads",
            'lead_id,account_id,created_at,sale_amount\n1,vk-a,2025-10-01,"9,5"\n',
            "row 2: column sale_amount: expected a number, found '9,5'",
        ),
        # empty cells
        (
            "audience",
            AUDIENCE + "2025-10-01,vk-a,,\n",
            "row 2: column subscribers: a value is needed, found none",
        ),
        (
            "audience",
            AUDIENCE + "2025-10-01,vk-a,nan,\n",
            "row 2: column subscribers: a value is needed, found none",
        ),
        ("audience", AUDIENCE + ",vk-a,1,\n", "row 2: column date: a value is needed, found none"),
        (
            "audience",
            AUDIENCE + "2025-10-01,,1,\n",
            "row 2: column account_id: a value is needed, found none",
        ),
        ("posts", POSTS + ",vk-a,2025-10-01,,\n", "row 2: column post_id: a value is needed, found none"),
        # closed lists
        (
            "accounts",
            "account_id,platform,title\nx,facebook,X\n",
            f"row 2: column platform: expected one of {PLATFORMS}, found 'facebook'",
        ),
        (
            "accounts",
            "account_id,platform,title\nx,VK,X\n",
            f"row 2: column platform: expected one of {PLATFORMS}, found 'VK'",
        ),
        (
            "inquiries",
            INQUIRIES + "1,vk-a,call,2025-10-01,\n",
            "row 2: column kind: expected one of comment, message, review, found 'call'",
        ),
        (
            "mentions",
            "mention_id,brand,mentioned_at,sentiment\n1,b,2025-10-01,bad\n",
            "row 2: column sentiment: expected one of positive, neutral, negative, found 'bad'",
        ),
        # negative
        (
            "audience",
            AUDIENCE + "2025-10-01,vk-a,-1,\n",
            "row 2: column subscribers: expected 0 or more, found -1",
        ),
        ("posts", POSTS + "1,vk-a,2025-10-01,-5,\n", "row 2: column views: expected 0 or more, found -5"),
        (
            "leads",
            "lead_id,account_id,created_at,sale_amount\n1,vk-a,2025-10-01,-0.5\n",
            "row 2: column sale_amount: expected 0 or more, found -0.5",
        ),
        (
            "brand_queries",
            "since,until,brand,phrase,queries\n2025-10-01,2025-11-01,b,b,-2\n",
            "row 2: column queries: expected 0 or more, found -2",
        ),
        # order
        (
            "inquiries",
            INQUIRIES + "1,vk-a,review,2025-10-01T10:00,2025-10-01T09:59\n",
            "row 2: answered_at must not be before received_at 2025-10-01 10:00:00+03, "
            "found 2025-10-01 09:59:00+03",
        ),
        (
            "brand_queries",
            "since,until,brand,phrase,queries\n2025-10-01,2025-09-01,b,b,2\n",
            "row 2: until must be after since 2025-10-01, found 2025-09-01",
        ),
        (
            "brand_queries",
            "since,until,brand,phrase,queries\n2025-10-01,2025-10-01,b,b,2\n",
            "row 2: until must be after since 2025-10-01, found 2025-10-01",
        ),
        (
            "coverage",
            "table,scope,since,until\nposts,vk-a,2025-10-02,2025-10-01\n",
            "row 2: until must be after since 2025-10-02, found 2025-10-01",
        ),
        # keys
        (
            "audience",
            AUDIENCE + "2025-10-01,vk-a,1,\n2025-10-01,tg-a,1,\n2025-10-01,vk-a,2,\n",
            "rows 2, 4: duplicate rows with different values, account_id, date: vk-a, 2025-10-01",
        ),
        (
            "posts",
            POSTS + "1,vk-a,2025-10-01,5,\n1,vk-a,2025-10-01,,\n",
            "rows 2, 3: duplicate rows with different values, account_id, post_id: vk-a, 1",
        ),
        (
            "accounts",
            "account_id,platform,title\nvk-a,vk,A\nvk-a,vk,B\n",
            "rows 2, 3: duplicate rows with different values, account_id: vk-a",
        ),
        # strangers
        (
            "posts",
            POSTS + "1,vk-a,2025-10-01,,\n2,vk-b,2025-10-01,,\n3,vk-b,2025-10-01,,\n",
            "row 3: account_id 'vk-b' is not in the table accounts (2 rows)",
        ),
        (
            "audience",
            AUDIENCE + "2025-10-01,VK-A,1,\n",
            "row 2: account_id 'VK-A' is not in the table accounts (1 rows)",
        ),
        (
            "traffic",
            "date,account_id,visits\n2025-10-01,x,1\n",
            "row 2: account_id 'x' is not in the table accounts (1 rows)",
        ),
        (
            "comments",
            "comment_id,post_id,account_id,created_at,by_brand\n1,1,x,2025-10-01,\n",
            "row 2: account_id 'x' is not in the table accounts (1 rows)",
        ),
        # coverage of nothing
        (
            "coverage",
            "table,scope,since,until\npost,vk-a,2025-10-01,2025-11-01\n",
            "row 2: column table: expected a data table, found 'post'",
        ),
        (
            "coverage",
            "table,scope,since,until\naccounts,vk-a,2025-10-01,2025-11-01\n",
            "row 2: column table: expected a data table, found 'accounts'",
        ),
        (
            "coverage",
            "table,scope,since,until\nposts,vk-b,2025-10-01,2025-11-01\n",
            "row 2: column scope: 'vk-b' is not in the table accounts",
        ),
        (
            "coverage",
            "table,scope,since,until\nmentions,vk-a,2025-10-01,2025-11-01\n",
            "row 2: column scope: mentions is covered by brand, found the account 'vk-a'",
        ),
    ],
)
def test_one_fault_one_sentence(found, table, text, said):
    if said is None:  # an unquoted decimal comma is a fifth cell
        (sentence,) = found(**{table: text})
        assert sentence.startswith(f"{table}.csv: line 2: 4 cells are expected as in the header")
    else:
        assert found(**{table: text}) == [f"{table}.csv: {said}"]


def test_rows_count_the_header_and_not_the_lines_of_a_text(found):
    """A text of three lines is one row."""
    text = 'post_id,account_id,published_at,views,text\n1,vk-a,2025-10-01,1,"a\nb\nc"\n2,vk-a,2025-10-01,x,\n'
    assert found(posts=text) == ["posts.csv: row 3: column views: expected a whole number, found 'x'"]


def test_an_unreadable_key_is_one_problem_a_cell_and_no_conflict(found):
    text = AUDIENCE + "x,vk-a,1,\ny,vk-a,2,\n"
    said = found(audience=text)
    assert [sentence.split(": ")[1:3] for sentence in said] == [
        ["row 2", "column date"],
        ["row 3", "column date"],
    ]


@pytest.mark.parametrize("line", ["2025-10-01,vk-a", "2025-10-01,vk-a,1,2,3"])
def test_lines_with_other_cells_than_the_header(found, line):
    (sentence,) = found(audience=AUDIENCE + f"2025-09-30,vk-a,1,\n{line}\n2025-10-02,vk-a,1,\n")
    assert sentence.startswith("audience.csv: line 3: 4 cells are expected as in the header, found ")


def test_sales_in_several_currencies_stop_nobody(found):
    head = "lead_id,account_id,created_at,sold_at,sale_amount,currency\n"
    rub, usd = (f"vk-a,2025-10-01,2025-10-02,5,{name}\n" for name in ("RUB", "USD"))
    assert found(leads=f"{head}1,{rub}2,{usd}") == []


def test_everything_at_once_in_several_tables(found):
    said = found(
        accounts="account_id,platform,title\nvk-a,vk,A\ntg-a,telegramm,B\n",
        audience=AUDIENCE
        + "2025-10-01,vk-a,-1,\n2025-10-01,vk-a,2,\n2025-10-0x,vk-a,1,\n2025-10-03,zz,1,0.5\n",
        posts=POSTS + "1,vk-a,2025-10-01,x,maybe\n,vk-a,2025-10-01,-3,\n",
        inquiries=INQUIRIES + "1,vk-a,call,2025-10-01T10:00,2025-09-01T10:00\n",
        leads="lead_id,account_id,created_at,currency\n1,yy,2025-10-01,USD\n",
        brand_queries="since,until,brand,phrase,queries\n2025-10-01,2025-09-01,b,b,1\n",
        coverage="table,scope,since,until\nposts,ww,2025-10-01,2025-10-01\n",
    )
    expected = [
        ("accounts.csv: row 3: column platform", "found 'telegramm'"),
        ("audience.csv: row 2: column subscribers", "found -1"),
        ("audience.csv: rows 2, 3", "duplicate rows with different values, account_id, date: vk-a"),
        ("audience.csv: row 4: column date", "found '2025-10-0x'"),
        ("audience.csv: row 5: account_id", "'zz'"),
        ("audience.csv: row 5: column joined", "found '0.5'"),
        ("posts.csv: row 2: column views", "found 'x'"),
        ("posts.csv: row 2: column on_brand", "found 'maybe'"),
        ("posts.csv: row 3: column post_id", "found none"),
        ("posts.csv: row 3: column views", "found -3"),
        ("inquiries.csv: row 2: column kind", "found 'call'"),
        ("inquiries.csv: row 2: answered_at", "found 2025-09-01"),
        ("leads.csv: row 2: account_id", "'yy'"),
        ("brand_queries.csv: row 2: until", "found 2025-09-01"),
        ("coverage.csv: row 2: until", "found 2025-10-01"),
        ("coverage.csv: row 2: column scope", "'ww'"),
    ]
    for head, tail in expected:
        assert [sentence for sentence in said if sentence.startswith(head) and tail in sentence], (head, tail)
    assert len(said) == len(expected)


def test_a_second_look_finds_the_same(tmp_path):
    write_csv(
        tmp_path,
        accounts=ACCOUNTS_CSV,
        audience=AUDIENCE + "2025-10-01,vk-a\n",
        posts=POSTS + "1,x,2025-10-01,-1,\n",
    )
    with open_store(tmp_path, ZONE) as store:
        first = problems(store)
        assert len(first) == 3
        assert problems(store) == first
        assert store.frame("posts")["views"].tolist() == [-1]


def test_a_fault_in_one_file_does_not_hide_those_of_another(found):
    said = found(
        audience=AUDIENCE + "2025-10-01,vk-a\n",
        posts=POSTS + "1,vk-a,2025-10-01,-3,\n",
    )
    assert [sentence.split(":")[0] for sentence in said] == ["audience.csv", "posts.csv"]


def test_many_of_a_kind_are_counted(found):
    rows = "".join(f"{i},vk-a,2025-10-01,x,\n" for i in range(SHOWN + 5))
    said = found(posts=POSTS + rows)
    assert len(said) == SHOWN + 1
    assert said[-1].endswith("and 5 more problems of this kind")
    exact = "".join(f"{i},vk-a,2025-10-01,x,\n" for i in range(SHOWN))
    assert len(found(posts=POSTS + exact)) == SHOWN


# other formats ------------------------------------------------------------


def moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def test_parquet_counts_its_rows_from_one(tmp_path):
    rows = [
        {"post_id": str(i), "account_id": "vk-a", "published_at": moment("2025-10-01"), "views": views}
        for i, views in enumerate([5.0, 3.7, -1.0])
    ]
    write_data(tmp_path, {"accounts": ACCOUNTS, "posts": rows}, fmt="parquet")
    with open_store(tmp_path, ZONE) as store:
        assert problems(store) == [
            f"{tmp_path}/posts.parquet: row 2: column views: expected a whole number, found '3.7'",
            f"{tmp_path}/posts.parquet: row 3: column views: expected 0 or more, found -1",
        ]


def test_parts_are_named_each(tmp_path):
    """A key in two parts, a stranger in the second: each row is named with its own file."""

    def post(key: str, account: str, day: str) -> dict[str, object]:
        return {"post_id": key, "account_id": account, "published_at": moment(day), "views": 1}

    rows = [
        post("1", "vk-a", "2025-09-10"),
        post("2", "vk-a", "2025-09-11"),
        post("3", "vk-a", "2025-09-12"),
        post("9", "zz", "2025-10-09"),
        post("2", "vk-a", "2025-10-10"),
        post("8", "zz", "2025-10-12"),
    ]
    write_data(tmp_path, {"accounts": ACCOUNTS}, fmt="parquet")
    write_data(tmp_path, {"posts": rows}, fmt="parts")
    with open_store(tmp_path, ZONE) as store:
        said = [sentence.replace(f"{tmp_path}/posts/", "") for sentence in problems(store)]
    september, october = "month=2025-09/part.parquet", "month=2025-10/part.parquet"
    assert said == [
        f"{september}: rows 2; {october}: rows 2: duplicate rows with different values, "
        "account_id, post_id: vk-a, 2",
        f"{october}: row 1: account_id 'zz' is not in the table accounts (2 rows)",
    ]


def test_a_database_is_checked_too(tmp_path):
    audience = [
        {"date": "2025-10-01", "account_id": "vk-a", "subscribers": "12"},
        {"date": "2025-10-02", "account_id": "zz", "subscribers": "dozen"},
    ]
    place = write_data(tmp_path, {"accounts": ACCOUNTS, "audience": audience}, fmt="database")
    with open_store(place, ZONE) as store:
        said = problems(store)
    assert len(said) == 2
    assert "column subscribers: expected a whole number, found 'dozen'" in said[0]
    assert "account_id 'zz' is not in the table accounts" in said[1]
    assert all(sentence.startswith(f"{place}, table audience: row 2: ") for sentence in said)


# copies ------------------------------------------------------------


def test_copies_are_no_problem_and_are_counted(tmp_path):
    row = {"post_id": "1", "account_id": "vk-a", "published_at": moment("2025-10-01"), "views": 5}
    other = {**row, "post_id": "2", "views": None}
    for fmt in ("csv", "parquet", "parts", "database"):
        data = {"accounts": ACCOUNTS, "posts": [row, other, row, row, other]}
        with open_store(write_data(tmp_path / fmt, data, fmt=fmt), ZONE) as store:
            assert problems(store) == []
            assert duplicates(store, OWNED) == {"posts": 3}
            assert len(store.frame("posts")) == 2
