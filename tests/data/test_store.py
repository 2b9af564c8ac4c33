"""The store: the same agency in every format, nothing guessed, nothing from after the cut-off."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
from builders import ACCOUNTS, write_csv, write_data
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kpi_kit.core.errors import InputError
from kpi_kit.core.schema import TABLES
from kpi_kit.data import validate
from kpi_kit.data.store import Store, open_store

ZONE = "Europe/Moscow"
OWNED = {"account_id": ["vk-a"], "brand": ["X"]}
FORMATS = ["csv", "parquet", "parts", "database"]
ACCOUNTS_CSV = "account_id,platform,title\nvk-a,vk,Кофе\ntg-a,telegram,Кофе\n"
Open = Callable[..., Store]


def utc(text: str) -> pd.Timestamp:
    return pd.Timestamp(text, tz="UTC")


def moscow(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.timezone(dt.timedelta(hours=3)))


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


@pytest.fixture
def opened(tmp_path: Path) -> Open:
    """Write CSV texts beside two accounts, and open them."""
    stores = []

    def build(zone: str = ZONE, **texts: str | bytes) -> Store:
        write_csv(tmp_path, **({"accounts": ACCOUNTS_CSV} | texts))
        stores.append(open_store(tmp_path, zone))
        return stores[-1]

    yield build
    for store in stores:
        store.connection.close()


def refusal(place: Path) -> tuple[str, ...]:
    with pytest.raises(InputError) as caught:
        open_store(place, ZONE)
    return caught.value.problems


# the same rows in every format ------------------------------------------------------------


AGENCY: dict[str, list[dict[str, Any]]] = {
    "accounts": ACCOUNTS,
    "audience": [
        {"date": day("2025-09-30"), "account_id": "vk-a", "subscribers": 100, "joined": None, "left": 1},
        {"date": day("2025-10-01"), "account_id": "vk-a", "subscribers": 103, "joined": 4, "left": 1},
        {"date": day("2025-10-01"), "account_id": "tg-a", "subscribers": 7, "joined": 0, "left": None},
    ],
    "posts": [
        {
            "post_id": "001",
            "account_id": "vk-a",
            "published_at": moscow("2025-09-30T23:30:00"),
            "views": 10,
            "likes": None,
            "on_brand": True,
            "text": 'Кофе, "зерно"\nи пар',
        },
        {
            "post_id": "002",
            "account_id": "vk-a",
            "published_at": moscow("2025-10-01T00:30:00"),
            "views": 20,
            "likes": 3,
            "on_brand": False,
            "text": None,
        },
        {
            "post_id": "003",
            "account_id": "tg-a",
            "published_at": moscow("2025-10-31T12:00:00"),
            "views": None,
            "likes": 5,
            "on_brand": None,
            "text": "NULL",
        },
    ],
}


@pytest.mark.parametrize("fmt", FORMATS)
def test_every_format_reads_the_same(tmp_path, fmt):
    with open_store(write_data(tmp_path, AGENCY, fmt=fmt), ZONE) as store:
        assert validate.problems(store) == []
        posts, audience = store.frame("posts"), store.frame("audience")
        assert store.accounts["title"].to_dict() == {"vk-a": "Кофе", "tg-a": "Кофе, канал"}
        assert store.inferred_coverage == {
            "audience": (day("2025-09-30"), day("2025-10-02")),
            "posts": (day("2025-09-30"), day("2025-11-01")),
        }
    assert tuple(posts.columns) == TABLES["posts"].names
    posts = posts.sort_values("post_id", ignore_index=True)
    assert posts["post_id"].tolist() == ["001", "002", "003"]
    assert posts["published_at"].tolist() == [
        utc("2025-09-30T20:30"),
        utc("2025-09-30T21:30"),
        utc("2025-10-31T09:00"),
    ]
    assert posts["views"].tolist()[:2] == [10.0, 20.0] and pd.isna(posts["views"][2])
    assert posts["on_brand"].tolist()[:2] == [True, False] and pd.isna(posts["on_brand"][2])
    assert posts["text"].tolist()[::2] == ['Кофе, "зерно"\nи пар', "NULL"] and pd.isna(posts["text"][1])
    assert audience[["account_id", "subscribers"]].values.tolist() == [
        ["vk-a", 100],
        ["tg-a", 7],
        ["vk-a", 103],
    ]
    assert audience["joined"].isna().tolist() == [True, False, False]
    # absent columns are unknown, in the declared dtypes
    assert {str(posts[name].dtype) for name in ("published_at", "stats_at", "deleted_at")} == {
        "datetime64[us, UTC]"
    }
    assert {str(posts[name].dtype) for name in ("views", "reach")} == {"float64"}
    assert {str(posts[name].dtype) for name in ("url", "text", "post_id")} == {"str"}
    assert str(posts["on_brand"].dtype) == "boolean"
    assert str(audience["date"].dtype) == "datetime64[us]"
    assert posts[["reach", "stats_at", "deleted_at", "url"]].isna().all(axis=None)


@pytest.mark.parametrize("fmt", ["csv", "parquet", "database"])
def test_a_slice_is_the_same_in_every_format(tmp_path, fmt):
    def cut(place: Path) -> dict[str, pd.DataFrame]:
        with open_store(place, ZONE) as store:
            return store.slice(["vk-a"], [], moscow("2025-10-01T00:00:00"), moscow("2025-10-31T00:00:00"))

    parts = cut(write_data(tmp_path / "parts", AGENCY, fmt="parts"))
    other = cut(write_data(tmp_path / fmt, AGENCY, fmt=fmt))
    assert parts.keys() == other.keys()
    for name, frame in parts.items():
        pd.testing.assert_frame_equal(frame, other[name])
    assert other["posts"]["post_id"].tolist() == ["002"]


def test_formats_may_be_mixed(tmp_path):
    write_data(tmp_path, {"accounts": ACCOUNTS})
    write_data(tmp_path, {"posts": AGENCY["posts"]}, fmt="parts")
    write_data(tmp_path, {"audience": AGENCY["audience"]}, fmt="parquet")
    with open_store(tmp_path, ZONE) as store:
        assert {name: source.kind for name, source in store.sources.items()} == {
            "accounts": "csv",
            "audience": "parquet",
            "posts": "parts",
        }
        assert len(store.frame("posts")) == 3
        assert store.sources["posts"].label == str(tmp_path / "posts"), "a table is called by its own folder"


def test_parts_may_have_different_columns(tmp_path):
    write_data(tmp_path, {"accounts": ACCOUNTS})
    for post in AGENCY["posts"][:2]:
        extra = {"reposts": 2} if post["post_id"] == "002" else {}
        write_data(tmp_path, {"posts": [{**post, **extra}]}, fmt="parts")
    with open_store(tmp_path, ZONE) as store:
        assert sorted(file.parent.name for file in store.sources["posts"].files) == [
            "month=2025-09",
            "month=2025-10",
        ]
        reposts = store.frame("posts")["reposts"]
        assert pd.isna(reposts[0]) and reposts[1] == 2
        assert validate.problems(store) == []


def test_parts_without_hive_folders(tmp_path):
    write_data(tmp_path, {"accounts": ACCOUNTS})
    write_data(tmp_path / "scratch", {"posts": AGENCY["posts"]}, fmt="parquet")
    (tmp_path / "posts").mkdir()
    (tmp_path / "scratch" / "posts.parquet").rename(tmp_path / "posts" / "a.parquet")
    with open_store(tmp_path, ZONE) as store:
        assert len(store.frame("posts")) == 3


# empty, single, flat ------------------------------------------------------------


def test_a_table_with_a_header_alone_is_empty(opened):
    store = opened(posts="post_id,account_id,published_at\n")
    assert store.frame("posts").empty
    assert store.inferred_coverage == {}
    assert store.covered_until is None
    assert validate.problems(store) == []


def test_an_absent_table_is_empty_and_no_error(opened):
    store = opened()
    for name, table in TABLES.items():
        assert tuple(store.frame(name).columns) == table.names
    assert store.frame("leads").empty
    assert str(store.frame("posts")["published_at"].dtype) == "datetime64[us, UTC]"


def test_nobody_asked_for_gets_nothing(opened):
    store = opened(
        posts="post_id,account_id,published_at\n1,vk-a,2025-10-01\n",
        mentions="mention_id,brand,mentioned_at\n1,b,2025-10-01\n",
        post_stats="account_id,post_id,stats_at\nvk-a,1,2025-10-02\n",
    )
    tables = store.slice([], [], moscow("2025-01-01"), moscow("2026-01-01"))
    assert all(frame.empty for frame in tables.values())
    assert set(tables) == set(TABLES) - {"accounts", "coverage"}
    assert store.covered([]) == {"posts": {}, "mentions": {}, "post_stats": {}}


# cells ------------------------------------------------------------


SPELLINGS = [
    "2025-10-31T12:00:00",  # naive: the department's zone
    "2025-10-31 12:00",
    "2025-10-31T12:00:00+03:00",
    "2025-10-31T12:00:00+0300",
    "2025-10-31T09:00:00Z",
    "2025-10-31T09:00:00.000Z",
    "2025-10-31T04:00:00-05:00",
    "2025-10-31T14:30:00+05:30",
]


def cells(opened: Open, column: str, written: list[str]) -> list[Any]:
    """Write a post a cell, see that nothing is refused, and return what is read."""
    rows = "".join(f"{i:02},vk-a,2025-10-01,{cell}\n" for i, cell in enumerate(written))
    store = opened(posts=f"post_id,account_id,published_at,{column}\n{rows}")
    assert validate.problems(store) == []
    return store.frame("posts")[column].tolist()


def test_one_instant_in_many_spellings(opened):
    assert cells(opened, "stats_at", SPELLINGS) == [utc("2025-10-31T09:00")] * len(SPELLINGS)


@pytest.mark.parametrize(
    ("zone", "written", "instant"),
    [
        ("Europe/Berlin", "2025-10-25T12:00", "2025-10-25T10:00"),
        ("Europe/Berlin", "2025-10-27T12:00", "2025-10-27T11:00"),
        ("Asia/Vladivostok", "2025-10-01", "2025-09-30T14:00"),
        ("UTC", "2025-10-01T00:00", "2025-10-01T00:00"),
    ],
)
def test_naive_times_are_in_the_department_s_zone(opened, zone, written, instant):
    store = opened(zone, posts=f"post_id,account_id,published_at\n1,vk-a,{written}\n")
    assert store.frame("posts")["published_at"].tolist() == [utc(instant)]


def test_naive_and_aware_times_of_parquet(tmp_path):
    for name, moment in (("naive", dt.datetime(2025, 10, 31, 12)), ("aware", moscow("2025-10-31T12:00:00"))):
        post = {"post_id": "1", "account_id": "vk-a", "published_at": moment}
        write_data(tmp_path / name, {"accounts": ACCOUNTS, "posts": [post]}, fmt="parquet")
        with open_store(tmp_path / name, ZONE) as store:
            assert store.frame("posts")["published_at"].tolist() == [utc("2025-10-31T09:00")]


def test_flags(opened):
    yes = ["true", "True", "TRUE", "t", "1", "1.0", "yes", "Yes"]
    no = ["false", "False", "f", "0", "0.0", "no", "NO"]
    unknown = ["", '""']
    found = cells(opened, "on_brand", yes + no + unknown)
    assert found[:8] == [True] * 8
    assert found[8:15] == [False] * 7
    assert all(pd.isna(cell) for cell in found[15:])


def test_flags_of_parquet(tmp_path):
    """Booleans, and the floats that pandas makes of numbers with a gap."""
    for name, values in (("bool", [True, False]), ("int", [1, 0]), ("float", [1.0, 0.0])):
        rows = [
            {"post_id": str(i), "account_id": "vk-a", "published_at": moscow("2025-10-01"), "on_brand": value}
            for i, value in enumerate(values)
        ]
        write_data(tmp_path / name, {"accounts": ACCOUNTS, "posts": rows}, fmt="parquet")
        with open_store(tmp_path / name, ZONE) as store:
            assert validate.problems(store) == []
            assert store.frame("posts")["on_brand"].tolist() == [True, False]


def test_counts(opened):
    found = cells(opened, "views", ["12", "12.0", "0", "1e3", " 12 ", "", '""'])
    assert found[:5] == [12, 12, 0, 1000, 12]
    assert all(pd.isna(cell) for cell in found[5:])


def test_counts_that_pandas_wrote(tmp_path):
    """A column of whole numbers with a gap becomes 12.0 and an empty cell."""
    rows = pd.DataFrame(
        {"post_id": ["1", "2"], "account_id": "vk-a", "published_at": "2025-10-01", "views": [12, None]}
    )
    write_csv(tmp_path, accounts=ACCOUNTS_CSV, posts=rows.to_csv(index=False))
    assert "12.0" in (tmp_path / "posts.csv").read_text()
    with open_store(tmp_path, ZONE) as store:
        assert validate.problems(store) == []
        views = store.frame("posts")["views"]
    assert views[0] == 12 and pd.isna(views[1])


def test_ids_stay_text(opened, tmp_path):
    store = opened(
        accounts="account_id,platform,title\n0012,vk,7\n1e3,vk,NULL\nNA,vk,nan\n",
        posts="post_id,account_id,published_at\n007,0012,2025-10-01\n",
    )
    assert sorted(store.accounts["account_id"]) == ["0012", "1e3", "NA"]
    assert store.accounts["title"].to_dict() == {"0012": "7", "1e3": "NULL", "NA": "nan"}
    assert store.frame("posts")["post_id"].tolist() == ["007"]
    assert validate.problems(store) == []


def test_numbers_as_ids_of_parquet_become_text(tmp_path):
    accounts = [{"account_id": 12, "platform": "vk", "title": "A"}]
    posts = [{"post_id": 7, "account_id": 12, "published_at": moscow("2025-10-01")}]
    with open_store(
        write_data(tmp_path, {"accounts": accounts, "posts": posts}, fmt="parquet"), ZONE
    ) as store:
        assert store.accounts["account_id"].tolist() == ["12"]
        assert validate.problems(store) == []


@pytest.mark.parametrize(
    ("end", "bom", "quoted"),
    [
        pytest.param("\n", b"", False, id="plain"),
        pytest.param("\r\n", b"", False, id="CRLF"),
        pytest.param("\n", b"\xef\xbb\xbf", False, id="BOM"),
        pytest.param("\r\n", b"\xef\xbb\xbf", True, id="BOM, CRLF, quoted header"),
    ],
)
def test_csv_as_spreadsheets_write_it(opened, end, bom, quoted):
    head = (
        '"post_id","account_id","published_at","text"' if quoted else "post_id,account_id,published_at,text"
    )
    lines = [
        head,
        '1,vk-a,2025-10-01,"Кофе, чай"',
        '2,vk-a,2025-10-01,"сказал ""да"""',
        '3,vk-a,2025-10-01,"две\nстроки"',
        "4,vk-a,2025-10-01,ёлка 🎄",
        "5,vk-a,2025-10-01,",
        "",
    ]
    store = opened(posts=bom + end.join(lines).encode())
    assert validate.problems(store) == []
    texts = store.frame("posts")["text"].tolist()
    assert texts[:4] == ["Кофе, чай", 'сказал "да"', "две\nстроки", "ёлка 🎄"]
    assert pd.isna(texts[4])


def test_a_file_without_a_last_newline(opened):
    store = opened(posts="post_id,account_id,published_at\n1,vk-a,2025-10-01")
    assert len(store.frame("posts")) == 1


def test_columns_may_come_in_any_order(opened):
    store = opened(audience="left,subscribers,account_id,date\n1,50,vk-a,2025-10-01\n")
    row = store.frame("audience").iloc[0]
    assert (row["left"], row["subscribers"], row["account_id"]) == (1, 50, "vk-a")


def test_a_folder_with_a_quote_in_its_name(tmp_path):
    place = write_data(
        tmp_path / 'it\'s a "folder"', {"accounts": ACCOUNTS, "posts": AGENCY["posts"]}, fmt="csv"
    )
    with open_store(place, ZONE) as store:
        assert len(store.frame("posts")) == 3
        assert validate.problems(store) == []


texts = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], include_characters='\n",;\t'), min_size=1, max_size=20
).filter(str.strip)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts)
def test_any_text_comes_back_as_it_went(tmp_path, text):
    write_data(tmp_path, {"accounts": [{"account_id": "a", "platform": "vk", "title": text}]})
    with open_store(tmp_path, ZONE) as store:
        assert store.accounts["title"].tolist() == [text]


# duplicates ------------------------------------------------------------


def test_identical_rows_are_read_once_and_counted(opened):
    store = opened(
        posts="post_id,account_id,published_at,views\n"
        "1,vk-a,2025-10-01T12:00:00,5\n"
        "1,vk-a,2025-10-01T12:00:00,5\n"
        "1,vk-a,2025-10-01T09:00:00Z,5.0\n"
        "2,vk-a,2025-10-01T12:00:00,\n"
        "2,vk-a,2025-10-01T12:00:00,\n",
        audience="date,account_id,subscribers\n2025-10-01,vk-a,5\n",
    )
    assert store.frame("posts")["post_id"].tolist() == ["1", "2"]
    assert validate.duplicates(store, OWNED) == {"posts": 3}
    assert validate.problems(store) == []


def test_no_copies_no_counts(opened):
    assert validate.duplicates(opened(), OWNED) == {}


def test_rows_come_in_one_order(tmp_path):
    """DISTINCT alone gives another order each time, and with it other bytes of a seeded bootstrap."""
    lines = [f"p{i},vk-a,2025-10-{1 + i % 30:02}T10:00" for i in range(9000)]
    write_csv(tmp_path, accounts=ACCOUNTS_CSV, posts="post_id,account_id,published_at\n" + "\n".join(lines))
    orders = set()
    for _ in range(5):
        with open_store(tmp_path, ZONE) as store:
            orders.add(tuple(store.frame("posts")["post_id"]))
    assert len(orders) == 1


# slices ------------------------------------------------------------


SINCE, AS_OF = moscow("2025-10-01T00:00:00"), moscow("2025-11-08T00:00:00")
TIMED: dict[str, str] = {
    "posts": "post_id,account_id,published_at",
    "comments": "comment_id,post_id,account_id,created_at,by_brand",
    "inquiries": "inquiry_id,account_id,kind,received_at",
}


def test_only_the_accounts_and_brands_asked_for(opened):
    store = opened(
        accounts="account_id,platform,title\na,vk,A\nb,vk,B\nc,vk,C\n",
        audience="date,account_id,subscribers\n2025-10-01,a,1\n2025-10-01,b,2\n2025-10-01,c,3\n",
        posts="post_id,account_id,published_at\n1,a,2025-10-02\n2,b,2025-10-02\n3,c,2025-10-02\n",
        post_stats="account_id,post_id,stats_at,views\na,1,2025-10-03,5\nb,1,2025-10-03,7\n",
        comments="comment_id,post_id,account_id,created_at,by_brand\n1,1,a,2025-10-02,no\n2,2,b,2025-10-02,no\n",
        inquiries="inquiry_id,account_id,kind,received_at\n1,a,review,2025-10-02\n2,b,review,2025-10-02\n",
        leads="lead_id,account_id,created_at\n1,a,2025-10-02\n2,b,2025-10-02\n",
        traffic="date,account_id,visits\n2025-10-02,a,1\n2025-10-02,b,2\n",
        plan="plan_id,account_id,due_at,approved\n1,a,2025-10-02,yes\n2,b,2025-10-02,yes\n",
        mentions="mention_id,brand,mentioned_at\n1,x,2025-10-02\n2,y,2025-10-02\n",
        brand_queries="since,until,brand,phrase,queries\n2025-10-01,2025-11-01,x,x,1\n2025-10-01,2025-11-01,y,y,1\n",
    )
    tables = store.slice(["a", "c"], ["x"], SINCE, AS_OF)
    owners = {
        name: sorted(set(frame["account_id"])) for name, frame in tables.items() if "account_id" in frame
    }
    new = ("messages", "post_increments", "spend", "totals")
    assert [owners.pop(name) for name in new] == [[]] * 4
    assert owners == {name: ["a"] for name in owners} | {"audience": ["a", "c"], "posts": ["a", "c"]}
    assert tables["post_stats"][["post_id", "views"]].to_numpy().tolist() == [["1", 5.0]]
    assert [tables[name]["brand"].tolist() for name in ("mentions", "brand_queries")] == [["x"], ["x"]]
    assert validate.problems(store) == []


def test_nothing_from_after_the_cut_off(opened):
    """At the cut-off counts; a second later does not. The plan is known before its time comes."""
    times = ["2025-11-08T00:00:00", "2025-11-08T00:00:01", "2025-11-07T21:00:00Z", "2025-11-07T21:00:01Z"]
    store = opened(
        posts="post_id,account_id,published_at\n"
        + "".join(f"{i},vk-a,{time}\n" for i, time in enumerate(times)),
        post_stats="account_id,post_id,stats_at,views\n"
        + "".join(f"vk-a,0,{time},{i}\n" for i, time in enumerate(times[:2])),
        comments="comment_id,post_id,account_id,created_at,by_brand\n"
        + "".join(f"{i},0,vk-a,{time},no\n" for i, time in enumerate(times)),
        inquiries="inquiry_id,account_id,kind,received_at\n"
        + "".join(f"{i},vk-a,message,{time}\n" for i, time in enumerate(times)),
        leads="lead_id,account_id,created_at\n"
        + "".join(f"{i},vk-a,{time}\n" for i, time in enumerate(times)),
        mentions="mention_id,brand,mentioned_at\n"
        + "".join(f"{i},b,{time}\n" for i, time in enumerate(times)),
        plan="plan_id,account_id,due_at,approved\n"
        + "".join(f"{i},vk-a,{time},yes\n" for i, time in enumerate(times)),
        audience="date,account_id,subscribers\n2025-11-06,vk-a,1\n2025-11-07,vk-a,2\n2025-11-08,vk-a,3\n2025-11-09,vk-a,4\n",
        traffic="date,account_id,visits\n2025-11-07,vk-a,2\n2025-11-08,vk-a,3\n",
    )
    tables = store.slice(["vk-a"], ["b"], SINCE, AS_OF)
    for name, key in (
        ("posts", "post_id"),
        ("comments", "comment_id"),
        ("inquiries", "inquiry_id"),
        ("leads", "lead_id"),
    ):
        assert tables[name][key].tolist() == ["0", "2"], name
    assert tables["mentions"]["mention_id"].tolist() == ["0", "2"]
    assert tables["post_stats"]["views"].tolist() == [0]
    assert tables["plan"]["plan_id"].tolist() == ["0", "1", "2", "3"]
    # the day of the cut-off has not begun
    assert tables["audience"]["subscribers"].tolist() == [1, 2]
    assert tables["traffic"]["visits"].tolist() == [2]


def test_nothing_from_before_the_start_but_audience_and_leads(opened):
    """An audience's first row and a lead that is sold later count, however old."""
    before, at = "2025-09-30T23:59:59", "2025-10-01T00:00:00"
    store = opened(
        **{
            name: f"{head}\n"
            + "".join(
                f"{i},"
                + {"posts": "vk-a,", "comments": "0,vk-a,", "inquiries": "vk-a,message,"}[name]
                + f"{time}"
                + (",no" if name == "comments" else "")
                + "\n"
                for i, time in enumerate((before, at))
            )
            for name, head in TIMED.items()
        },
        leads=f"lead_id,account_id,created_at\n0,vk-a,2020-01-01\n1,vk-a,{at}\n",
        mentions=f"mention_id,brand,mentioned_at\n0,b,{before}\n1,b,{at}\n",
        plan=f"plan_id,account_id,due_at,approved\n0,vk-a,{before},yes\n1,vk-a,{at},yes\n",
        audience="date,account_id,subscribers\n2020-01-01,vk-a,1\n2025-10-01,vk-a,2\n",
        traffic="date,account_id,visits\n2025-09-30,vk-a,2\n2025-10-01,vk-a,3\n",
    )
    tables = store.slice(["vk-a"], ["b"], SINCE, AS_OF)
    for name in ("posts", "comments", "inquiries", "mentions", "plan"):
        assert tables[name][TABLES[name].key[1]].tolist() == ["1"], name
    assert tables["traffic"]["visits"].tolist() == [3]
    assert tables["leads"]["lead_id"].tolist() == ["0", "1"]
    assert tables["audience"]["subscribers"].tolist() == [1, 2]


def test_what_happened_after_the_cut_off_is_unknown(opened):
    """An answer, a sale, a refund, a deletion, a cancellation; ``stats_at`` and ``approved_at`` stay."""
    at, after = "2025-11-08T00:00:00", "2025-11-08T00:00:01"
    store = opened(
        posts=f"post_id,account_id,published_at,views,stats_at,deleted_at\n1,vk-a,2025-10-02,7,{after},{after}\n"
        f"2,vk-a,2025-10-02,8,{at},{at}\n",
        inquiries=f"inquiry_id,account_id,kind,received_at,answered_at\n1,vk-a,message,2025-10-02,{after}\n"
        f"2,vk-a,message,2025-10-02,{at}\n3,vk-a,message,2025-10-02,\n",
        leads=f"lead_id,account_id,created_at,sold_at,refunded_at,sale_amount,qualified\n"
        f"1,vk-a,2025-10-02,{after},{after},10,yes\n2,vk-a,2025-10-02,{at},{at},10,yes\n"
        f"3,vk-a,2025-10-02,{at},{after},10,yes\n",
        plan=f"plan_id,account_id,due_at,approved,approved_at,cancelled_at\n1,vk-a,2025-12-01,yes,{after},{after}\n"
        f"2,vk-a,2025-12-01,yes,{at},{at}\n",
    )
    tables = store.slice(["vk-a"], [], SINCE, AS_OF)
    known = {
        (name, column): tables[name][column].notna().tolist()
        for name, columns in {
            "posts": ("stats_at", "deleted_at", "views"),
            "inquiries": ("answered_at",),
            "leads": ("sold_at", "refunded_at", "sale_amount", "qualified"),
            "plan": ("approved_at", "cancelled_at", "due_at"),
        }.items()
        for column in columns
    }
    assert known == {
        ("posts", "stats_at"): [True, True],
        ("posts", "deleted_at"): [False, True],
        ("posts", "views"): [True, True],
        ("inquiries", "answered_at"): [False, True, False],
        ("leads", "sold_at"): [False, True, True],
        ("leads", "refunded_at"): [False, True, False],
        ("leads", "sale_amount"): [True, True, True],
        ("leads", "qualified"): [True, True, True],
        ("plan", "approved_at"): [True, True],
        ("plan", "cancelled_at"): [False, True],
        ("plan", "due_at"): [True, True],
    }


def test_a_cut_off_at_noon(opened):
    """The figures of a day are known when it is over."""
    store = opened(
        audience="date,account_id,subscribers\n2025-11-07,vk-a,2\n2025-11-08,vk-a,3\n",
        posts="post_id,account_id,published_at\n1,vk-a,2025-11-08T11:59\n2,vk-a,2025-11-08T12:01\n",
    )
    tables = store.slice(["vk-a"], [], SINCE, moscow("2025-11-08T12:00:00"))
    assert tables["audience"]["subscribers"].tolist() == [2]
    assert tables["posts"]["post_id"].tolist() == ["1"]


# coverage ------------------------------------------------------------


COVERED = """table,scope,since,until
audience,vk-a,2025-01-01,2025-03-01
audience,vk-a,2025-04-01,2025-11-01
audience,tg-a,2025-01-01,2025-12-01
posts,vk-a,2025-01-01,2025-10-01
mentions,roastery,2025-01-01,2025-09-01
plan,vk-a,2025-01-01,2026-06-01
"""


def test_coverage_is_what_the_table_says(opened):
    store = opened(
        coverage=COVERED,
        audience="date,account_id,subscribers\n2024-01-01,vk-a,5\n",
        posts="post_id,account_id,published_at\n",
        plan="plan_id,account_id,due_at,approved\n",
    )
    assert store.has_coverage
    covered = store.covered(["vk-a", "roastery"])
    covered["audience"]["vk-a"].sort()
    assert covered == {
        "audience": {
            "vk-a": [(day("2025-01-01"), day("2025-03-01")), (day("2025-04-01"), day("2025-11-01"))],
        },
        "posts": {"vk-a": [(day("2025-01-01"), day("2025-10-01"))]},
        "plan": {"vk-a": [(day("2025-01-01"), day("2026-06-01"))]},
    }, "the table mentions is not there, whatever is said of it"
    assert store.covered(["nobody"]) == {}
    assert store.covered_until == day("2025-12-01"), "the last of any table but the plan"


def test_where_the_table_is_missing_coverage_is_inferred(opened):
    """From the first to the last row of a table, in the department's zone."""
    store = opened(
        audience="date,account_id,subscribers\n2025-01-05,vk-a,5\n2025-10-31,tg-a,6\n",
        posts="post_id,account_id,published_at\n1,vk-a,2025-02-01T12:00\n2,vk-a,2025-10-30T22:00:00Z\n",
        brand_queries="since,until,brand,phrase,queries\n2025-01-01,2025-02-01,b,b,1\n2025-01-06,2025-01-13,b,c,1\n",
        plan="plan_id,account_id,due_at,approved\n1,vk-a,2026-02-01,yes\n",
        leads="lead_id,account_id,created_at\n",
    )
    assert not store.has_coverage
    spans = {
        "audience": (day("2025-01-05"), day("2025-11-01")),
        "posts": (day("2025-02-01"), day("2025-11-01")),  # 22:00 in London is 01:00 of the 31st in Moscow
        "brand_queries": (day("2025-01-01"), day("2025-02-01")),
        "plan": (day("2026-02-01"), day("2026-02-02")),
    }
    assert store.inferred_coverage == spans
    assert store.covered(["vk-a", "b"]) == {
        name: {"vk-a": [span], "b": [span]} for name, span in spans.items()
    }
    assert store.covered_until == day("2025-11-01"), "a plan says nothing about what was imported"


def test_only_a_plan_is_better_than_nothing(opened):
    store = opened(plan="plan_id,account_id,due_at,approved\n1,vk-a,2026-02-01,yes\n")
    assert store.covered_until == day("2026-02-02")


def test_coverage_without_rows_covers_nothing(opened):
    store = opened(
        coverage="table,scope,since,until\n", audience="date,account_id,subscribers\n2025-01-05,vk-a,5\n"
    )
    assert store.has_coverage
    assert store.covered(["vk-a"]) == {}
    assert store.covered_until is None


def test_no_tables_no_end_of_coverage(opened):
    assert opened().covered_until is None


# what cannot be opened ------------------------------------------------------------


def test_a_folder_that_does_not_exist(tmp_path):
    assert refusal(tmp_path / "nowhere") == (f"{tmp_path / 'nowhere'}: this data folder does not exist",)


def test_a_folder_without_accounts(tmp_path):
    assert refusal(tmp_path) == (f"{tmp_path}: the table accounts is missing",)


def test_a_file_that_is_no_database(tmp_path):
    place = tmp_path / "data.duckdb"
    place.write_text("not a database")
    (problem,) = refusal(place)
    assert problem.startswith(f"{place}: expected a data folder or a DuckDB database")
    assert "\n" not in problem


def test_a_table_twice(tmp_path):
    write_data(tmp_path, {"accounts": ACCOUNTS, "posts": AGENCY["posts"]})
    write_data(tmp_path, {"posts": AGENCY["posts"]}, fmt="parquet")
    write_data(tmp_path, {"posts": AGENCY["posts"]}, fmt="parts")
    assert refusal(tmp_path) == (
        f"{tmp_path}: table posts: expected one file or folder, found posts.parquet, posts.csv, posts",
    )


def test_an_empty_folder_of_parts(tmp_path):
    write_data(tmp_path, {"accounts": ACCOUNTS})
    (tmp_path / "posts").mkdir()
    assert refusal(tmp_path) == (f"{tmp_path / 'posts'}: at least one Parquet file is expected, found none",)


def test_bytes_that_are_no_parquet_or_no_utf_8(tmp_path):
    write_csv(tmp_path, accounts=ACCOUNTS_CSV, leads="lead_id,лид\n".encode("cp1251"))
    (tmp_path / "posts.parquet").write_text("x" * 100)
    found = refusal(tmp_path)
    assert len(found) == 2
    for name in ("posts.parquet", "leads.csv"):
        assert [
            problem for problem in found if problem.startswith(f"{tmp_path / name}: this file cannot be read")
        ]


@pytest.mark.parametrize("fmt", ["parquet", "parts", "database"])
def test_columns_are_checked_in_every_format(tmp_path, fmt):
    rows = [{"post_id": "1", "account": "vk-a", "published_at": moscow("2025-10-01"), "lices": 1}]
    place = write_data(tmp_path, {"accounts": ACCOUNTS, "posts": rows}, fmt=fmt)
    found = refusal(place)
    assert len(found) == 3
    label = {"parquet": tmp_path / "posts.parquet", "parts": tmp_path / "posts"}.get(
        fmt, f"{place}, table posts"
    )
    assert all(problem.startswith(f"{label}: ") for problem in found)
    assert "column account_id is missing; found post_id, account, published_at, lices" in found[0]
    assert found[1].endswith("unknown column 'account'; did you mean account_id?")
    assert found[2].endswith("unknown column 'lices'; did you mean likes?")


def test_every_problem_of_columns_at_once(tmp_path):
    write_csv(
        tmp_path,
        accounts="account_id,platfrom,title\nx,vk,X\n",
        audience="date;account_id;subscribers\n2025-10-01;x;1\n",
        posts="",
        traffic="date,account_id,visits,visits,month\n",
    )
    found = refusal(tmp_path)
    assert found == (
        f"{tmp_path / 'accounts.csv'}: column platform is missing; found account_id, platfrom, title",
        f"{tmp_path / 'accounts.csv'}: unknown column 'platfrom'; did you mean platform?",
        f"{tmp_path / 'audience.csv'}: looks separated by ';', a comma is expected; "
        "python -m kpi_kit import csv reads such files",
        f"{tmp_path / 'posts.csv'}: a header with account_id, post_id, published_at is expected, "
        "the file is empty",
        f"{tmp_path / 'traffic.csv'}: column visits is there more than once",
        f"{tmp_path / 'traffic.csv'}: unknown column 'month'; allowed: account_id, date, visitors, visits",
    )


def test_a_database_may_hold_other_tables(tmp_path):
    place = write_data(tmp_path, {"accounts": ACCOUNTS}, fmt="database")
    with duckdb.connect(str(place)) as connection:
        connection.execute("CREATE TABLE scratch (a INTEGER)")
        connection.execute(
            "CREATE VIEW traffic AS SELECT DATE '2025-10-01' AS date, 'vk-a' AS account_id, 5 AS visits"
        )
    with open_store(place, ZONE) as store:
        assert set(store.sources) == {"accounts", "traffic"}
        assert store.frame("traffic")["visits"].tolist() == [5]
    with open_store(place, ZONE) as store, pytest.raises(duckdb.Error):
        store.connection.execute("DROP TABLE data.scratch")


# fingerprints ------------------------------------------------------------


def test_the_fingerprint_follows_the_content(tmp_path):
    def fingerprint(place: Path) -> str:
        with open_store(place, ZONE) as store:
            return store.fingerprint

    first = fingerprint(write_data(tmp_path / "a", {"accounts": ACCOUNTS, "posts": AGENCY["posts"]}))
    assert first.startswith("sha256:") and len(first) == len("sha256:") + 64
    assert fingerprint(write_data(tmp_path / "b", {"accounts": ACCOUNTS, "posts": AGENCY["posts"]})) == first
    (tmp_path / "b" / "notes.txt").write_text("no table")
    assert fingerprint(tmp_path / "b") == first
    assert (
        fingerprint(write_data(tmp_path / "c", {"accounts": ACCOUNTS, "posts": AGENCY["posts"][:2]})) != first
    )
