"""The status matrix: here, partial, missing or doubtful, by account, table and month."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from builders import write_data, write_params

from kpi_kit.core.periods import Period
from kpi_kit.data.status import State, covered_tables, expected_tables, last_month, status
from kpi_kit.data.store import open_store
from kpi_kit.params import load

MONTHS = Period.parse("2025-10").history(3)
HERE, PARTIAL, MISSING, DOUBTFUL, CLOSED = State


def test_states(tmp_path: Path) -> None:
    accounts = [
        {"account_id": "vk-a", "platform": "vk", "title": "A", "opened": None, "closed": None},
        {
            "account_id": "tg-a",
            "platform": "telegram",
            "title": "B",
            "opened": dt.date(2025, 9, 15),
            "closed": dt.date(2025, 10, 1),
        },
    ]
    counts = [1000, 1000, 1000, 10, 1000, 1000]
    audience = [
        {"date": dt.date(2025, 10, 20 + number), "account_id": "vk-a", "subscribers": count}
        for number, count in enumerate(counts)
    ]
    coverage = [
        ("posts", "vk-a", "2025-08-01", "2025-09-01"),
        ("posts", "vk-a", "2025-09-01", "2025-09-11"),
        ("posts", "tg-a", "2025-09-15", "2025-10-01"),
        ("audience", "vk-a", "2025-08-31", "2025-09-01"),
        ("audience", "vk-a", "2025-10-20", "2025-10-26"),
        ("messages", "vk-a", "2025-10-01", "2025-11-01"),
    ]
    names = ("table", "scope", "since", "until")
    tables = {
        "accounts": accounts,
        "audience": audience,
        "posts": [{"account_id": "vk-a", "post_id": "1", "published_at": "2025-08-02T12:00"}],
        "messages": [
            {
                "account_id": "vk-a",
                "dialog_id": "1",
                "message_id": "1",
                "kind": "message",
                "at": "2025-10-02T12:00",
                "by_brand": False,
            }
        ],
        "coverage": [dict(zip(names, row, strict=True)) for row in coverage],
    }
    kpis = [
        {"kpi": kpi, "target": {"at_least": 1}, "weight": 50}
        for kpi in ("subscribers", "likes", "response_rate")
    ]
    params = load(write_params(tmp_path / "params", None, {"anna": {"kpis": kpis}}))
    with open_store(write_data(tmp_path / "data", tables), "Europe/Moscow") as store:
        expected = expected_tables(params, store)
        assert expected["vk-a"] == ("audience", "posts", "inquiries")
        rows = {(row.owner, row.table): tuple(row.states.values()) for row in status(store, expected, MONTHS)}
        assert covered_tables(store)["tg-a"] == ("posts",)
        assert str(last_month(store, dt.date(2025, 11, 30))) == "2025-10"
        assert str(last_month(store, dt.date(2027, 1, 1))) == "2025-10"
    assert rows["vk-a", "posts"] == (HERE, PARTIAL, MISSING)
    assert rows["tg-a", "posts"] == (CLOSED, HERE, CLOSED)
    assert rows["vk-a", "audience"] == (HERE, MISSING, DOUBTFUL)
    assert rows["vk-a", "inquiries"] == (MISSING, MISSING, HERE)
