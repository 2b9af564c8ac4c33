"""The rows of some people, taken out of Parquet: they must be what reading everything would give."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kpi_kit.batch.fingerprints import slices
from kpi_kit.core.errors import InputError
from kpi_kit.data import open_inputs, validate
from kpi_kit.data.extract import TEXT, has_large, narrowed
from kpi_kit.data.store import Store, open_store
from tests.builders import write_data, write_params

ZONE = "Europe/Moscow"
OWN = {"account_id": {"vk-a"}, "brand": {"X"}}
SINCE, AS_OF = (dt.datetime.fromisoformat(f"{day}T00:00:00+03:00") for day in ("2025-09-01", "2025-11-01"))

LEADS = {"kpi": "leads", "target": {"at_least": 1}, "weight": 1}


def moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(f"{text}T12:00:00+03:00")


def rows(**changed: Any) -> dict[str, list[dict[str, Any]]]:
    """Account ``vk-a`` and brand ``X``, and others; old rows and new ones."""
    accounts = [{"account_id": name, "platform": "vk", "title": name} for name in ("vk-a", "vk-b")]
    days = ["2024-01-05", "2025-09-30", "2025-10-20", "2025-11-03"]
    posts = [
        {"post_id": f"{who}{day}", "account_id": f"vk-{who}", "published_at": moment(day), "views": 5}
        for who in "ab"
        for day in days
    ]
    stats = [
        {"post_id": post["post_id"], "stats_at": post["published_at"] + dt.timedelta(days=2), "views": 3}
        for post in posts
    ]
    audience = [
        {"date": dt.date.fromisoformat(day), "account_id": f"vk-{who}", "subscribers": 9}
        for who in "ab"
        for day in days
    ]
    mentions = [
        {"mention_id": f"{brand}{day}", "brand": brand, "mentioned_at": moment(day)}
        for brand in "XY"
        for day in days
    ]
    tables = {
        "accounts": accounts,
        "audience": audience,
        "posts": posts,
        "post_stats": stats,
        "mentions": mentions,
    }
    return tables | changed


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Any]:
    stores: list[Store] = []

    def go(fmt: str, **changed: Any) -> Store:
        stores.append(
            open_store(write_data(tmp_path / f"data-{fmt}", rows(**changed), fmt=fmt), ZONE, also=(tmp_path,))
        )
        return stores[-1]

    yield go
    for store in stores:
        store.close()


def own(store: Store, folder: Path) -> Store:
    return narrowed(store, OWN, SINCE, folder)


@pytest.mark.parametrize("fmt", ["parts", "parquet", "csv"])
def test_what_a_report_reads_is_the_same(opened, tmp_path, fmt):
    store = opened(fmt)
    few = own(store, tmp_path / "rows")
    whole, part = (each.slice(["vk-a"], ["X"], SINCE, AS_OF) for each in (store, few))
    for name, frame in whole.items():
        assert frame.equals(part[name]), name
    assert len(whole["posts"]) == len(whole["post_stats"]) == len(whole["mentions"]) == 2
    assert len(whole["audience"]) == 3, "of any age"
    assert slices(store, OWN, SINCE, AS_OF) == slices(few, OWN, SINCE, AS_OF)
    assert few.fingerprint == store.fingerprint
    assert few.inferred_coverage == store.inferred_coverage
    assert few.covered_until == dt.date(2025, 11, 6)
    assert has_large(store) is (fmt != "csv")
    assert len(few.frame("posts")) == (8 if fmt == "csv" else 3), "a CSV file is read whole anyway"


def test_rows_of_csv_files_are_taken_out_when_asked_for(opened, tmp_path):
    store = opened("csv")
    few = narrowed(store, OWN, SINCE, tmp_path / "rows", TEXT)
    whole, part = (each.slice(["vk-a"], ["X"], SINCE, AS_OF) for each in (store, few))
    for name, frame in whole.items():
        assert frame.equals(part[name]), name
    assert set(store.frame("posts")["account_id"]) == {"vk-a", "vk-b"}
    assert set(few.frame("posts")["account_id"]) == {"vk-a"}
    assert few.fingerprint == store.fingerprint and few.inferred_coverage == store.inferred_coverage
    assert set(narrowed(few, OWN, SINCE, tmp_path / "more").known.extracts) == set(few.known.extracts)


def test_rows_of_others_are_not_looked_through_and_own_ones_keep_their_numbers(opened, tmp_path):
    bad = {"post_id": "bad", "account_id": "vk-b", "published_at": moment("2025-10-02"), "views": -1}
    mine = {**bad, "post_id": "mine", "account_id": "vk-a"}
    store = opened("parts", posts=[*rows()["posts"], bad, mine])
    october = store.place / "posts/month=2025-10/part.parquet"
    sentences = validate.problems(own(store, tmp_path / "rows"), None)
    assert sentences == [f"{october}: row 4: column views: 0 or more is allowed, found -1"]
    assert len(validate.problems(store, None)) == 2, "the check of everything finds both"


def test_what_is_known_holds_as_long_as_no_file_is_written_to(opened, tmp_path):
    store = opened("parts")
    known = own(store, tmp_path / "rows").known
    assert known is not None
    assert store.knowing(known).known == known
    part = store.place / "posts/month=2025-10/part.parquet"
    shutil.copy(part, part.with_name("copy.parquet"))
    with open_store(store.place, ZONE, known) as again:
        assert again.known is None
        assert again.fingerprint != known.fingerprint
        assert len(again.frame("posts")) == 8


def test_inputs_are_those_of_the_people_in_params(tmp_path, monkeypatch):
    monkeypatch.delenv(open_inputs.CHECKED, raising=False)
    bad = {"post_id": "bad", "account_id": "vk-b", "published_at": moment("2025-10-02"), "views": -1}
    data = write_data(tmp_path / "data", rows(posts=[*rows()["posts"], bad]), fmt="parts")
    params = write_params(tmp_path / "params", None, {"ann": {"accounts": ["vk-a"], "kpis": [LEADS]}})
    _, store = open_inputs.open_inputs(data, params)
    with store:
        assert set(store.frame("posts")["account_id"]) == {"vk-a"}
        assert store.known is not None
        (scratch,) = store.known.homes
        assert scratch.is_dir()
    assert not scratch.exists()
    with pytest.raises(InputError, match="found -1"):
        open_inputs.open_inputs(data, params, whole=True)


def test_parts_of_other_times_are_not_opened(opened):
    """Row groups whose statistics exclude them are not read: their pages may be anything."""
    store = opened("parts")
    old = store.place / "posts/month=2024-01/part.parquet"
    data = bytearray(old.read_bytes())
    footer = int.from_bytes(data[-8:-4], "little") + 8
    data[4 : len(data) - footer] = bytes(len(data) - footer - 4)  # no page is whole any more
    old.write_bytes(data)
    with open_store(store.place, ZONE) as torn:
        assert len(torn.slice(["vk-a"], ["X"], SINCE, AS_OF)["posts"]) == 2
        with pytest.raises(Exception, match=r"(?i)parquet|page|invalid"):
            torn.frame("posts")
