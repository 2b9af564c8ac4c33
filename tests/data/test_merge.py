"""Adding rows to a data folder: by key, in the table's format, all or nothing."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest
from builders import ACCOUNTS, write_data
from hypothesis import given
from hypothesis import strategies as st

from kpi_kit.core.errors import InputError
from kpi_kit.data.merge import Added, merge, union
from kpi_kit.data.store import open_store

ZONE = "Europe/Moscow"
NEW_ACCOUNT = pd.DataFrame({"account_id": ["vk-a"], "platform": ["vk"], "title": ["Кофе"]})


def posts(*rows: tuple[str, str, int | None]) -> pd.DataFrame:
    """Posts of vk-a: id, time of publication, likes."""
    ids, times, likes = zip(*rows, strict=True)
    return pd.DataFrame(
        {
            "post_id": ids,
            "account_id": "vk-a",
            "published_at": pd.to_datetime(list(times), utc=True),
            "likes": pd.array(likes, dtype="Int64"),
        }
    )


def test_a_new_folder_is_made(tmp_path: Path) -> None:
    folder = tmp_path / "agency"
    done = merge(folder, {"accounts": NEW_ACCOUNT, "posts": posts(("1", "2025-10-01T09:00Z", 3))}, {}, ZONE)
    assert done == [Added("accounts", 1, 0, 0), Added("posts", 1, 0, 0)]
    text = (folder / "posts.csv").read_text(encoding="utf-8").splitlines()
    assert text[1] == "vk-a,1,2025-10-01T09:00:00Z,,3,,,,,,,,,"


def test_the_same_again_changes_nothing(tmp_path: Path) -> None:
    tables = {"accounts": NEW_ACCOUNT, "posts": posts(("1", "2025-10-01T09:00Z", 3))}
    merge(tmp_path / "d", tables, {}, ZONE)
    before = {file.name: file.read_bytes() for file in (tmp_path / "d").glob("*.csv")}
    done = merge(tmp_path / "d", tables, {}, ZONE)
    assert done == [Added("accounts", 0, 0, 1), Added("posts", 0, 0, 1)]
    assert {file.name: file.read_bytes() for file in (tmp_path / "d").glob("*.csv")} == before


def test_a_newer_figure_replaces_and_an_unknown_one_does_not(tmp_path: Path) -> None:
    published = dt.datetime(2025, 10, 1, 9, tzinfo=dt.UTC)
    known = {"post_id": "1", "account_id": "vk-a", "published_at": published, "likes": 3, "on_brand": "true"}
    write_data(tmp_path, {"accounts": ACCOUNTS, "posts": [known, {**known, "post_id": "2"}]})
    same = "2025-10-01T09:00Z"
    fresh = posts(("1", same, 5), ("2", same, None), ("3", "2025-10-02T09:00Z", 1))
    done = merge(tmp_path, {"posts": fresh}, {}, ZONE)
    assert done == [Added("posts", 1, 1, 1)]
    with open_store(tmp_path, ZONE) as store:
        rows = store.frame("posts").set_index("post_id").sort_index()
    assert rows["likes"].tolist() == [5.0, 3.0, 1.0]
    assert rows["on_brand"].tolist()[:2] == [True, True], "what the import does not know stays"


def test_a_parquet_table_stays_parquet(tmp_path: Path) -> None:
    published = dt.datetime(2025, 10, 1, 9, tzinfo=dt.UTC)
    row = {"post_id": "1", "account_id": "vk-a", "published_at": published}
    write_data(tmp_path, {"accounts": ACCOUNTS, "posts": [row]}, fmt="parquet")
    merge(tmp_path, {"posts": posts(("2", "2025-10-02T09:00Z", 7))}, {}, ZONE)
    names = sorted(file.name for file in tmp_path.iterdir() if file.is_file())
    assert names == ["accounts.parquet", "coverage.csv", "posts.parquet"]
    with open_store(tmp_path, ZONE) as store:
        assert store.frame("posts").sort_values("post_id")["published_at"].dt.day.tolist() == [1, 2]


def test_what_would_break_the_data_is_refused_and_nothing_changes(tmp_path: Path) -> None:
    write_data(tmp_path, {"accounts": ACCOUNTS})
    before = sorted(file.name for file in tmp_path.iterdir())
    stranger = posts(("1", "2025-10-01T09:00Z", 3)).assign(account_id="nobody")
    with pytest.raises(InputError, match=rf"{tmp_path}/posts.csv: row 2: account_id 'nobody' is not in the"):
        merge(tmp_path, {"posts": stranger}, {}, ZONE)
    assert sorted(file.name for file in tmp_path.iterdir()) == before
    left = list(tmp_path.parent.glob(f".{tmp_path.name}-import-*"))
    assert not left, "no scratch folder is left"


def test_of_a_folder_of_parts_only_the_months_that_change_are_written(tmp_path: Path) -> None:
    times = [dt.datetime(2025, month, 5, 9, tzinfo=dt.UTC) for month in (8, 9, 10)]
    rows = [
        {"post_id": f"p{n}", "account_id": "vk-a", "published_at": at, "likes": n}
        for n, at in enumerate(times)
    ]
    write_data(tmp_path, {"posts": rows}, fmt="parts")
    write_data(tmp_path, {"accounts": ACCOUNTS})
    part = tmp_path / "posts/month=2025-08/part.parquet"
    before = part.stat().st_mtime_ns
    moved = posts(("p1", "2025-10-07T09:00Z", 7), ("new", "2025-11-02T09:00Z", 5))
    assert merge(tmp_path, {"posts": moved}, {}, ZONE) == [Added("posts", 1, 1, 0)]
    found = sorted(str(file.parent.name) for file in (tmp_path / "posts").rglob("*.parquet"))
    assert found == ["month=2025-08", "month=2025-10", "month=2025-11"], "the post has left September"
    assert part.stat().st_mtime_ns == before
    with open_store(tmp_path, ZONE) as store:
        kept = store.frame("posts").set_index("post_id")["likes"].to_dict()
    assert kept == {"p0": 0.0, "p1": 7.0, "p2": 2.0, "new": 5.0}


def test_coverage_is_joined(tmp_path: Path) -> None:
    def day(number: int) -> dt.date:
        return dt.date(2025, 10, number)

    merge(tmp_path / "d", {"accounts": NEW_ACCOUNT}, {("posts", "vk-a"): [(day(1), day(5))]}, ZONE)
    merge(tmp_path / "d", {}, {("posts", "vk-a"): [(day(5), day(9)), (day(20), day(22))]}, ZONE)
    assert (tmp_path / "d/coverage.csv").read_text().splitlines()[1:] == [
        "posts,vk-a,2025-10-01,2025-10-09",
        "posts,vk-a,2025-10-20,2025-10-22",
    ]


@given(st.lists(st.tuples(st.integers(1, 27), st.integers(1, 9))))
def test_union_covers_the_same_days(spans: list[tuple[int, int]]) -> None:
    first = dt.date(2025, 1, 1)
    ranges = [(first + dt.timedelta(a), first + dt.timedelta(a + length)) for a, length in spans]
    joined = union(ranges)

    def days(parts: list[tuple[dt.date, dt.date]]) -> set[dt.date]:
        return {since + dt.timedelta(n) for since, until in parts for n in range((until - since).days)}

    assert days(joined) == days(ranges)
    gaps = zip(joined, joined[1:], strict=False)
    assert all(first[1] < second[0] for first, second in gaps), "ranges neither touch nor overlap"


@pytest.mark.parametrize(
    "title", ["one\rtwo", "\r", "one\ntwo", "one\r\ntwo", '"one', "=1+1", " ", "a\0b", "\ufeffa"]
)
def test_a_text_that_was_written_is_read_again_as_it_was(tmp_path: Path, title: str) -> None:
    rows = pd.DataFrame([{"account_id": "a", "platform": "vk", "title": title, "url": None, "opened": None}])
    merge(tmp_path / "data", {"accounts": rows}, {}, "UTC")
    with open_store(tmp_path / "data", "UTC") as store:
        assert store.accounts["title"].tolist() == [title]
