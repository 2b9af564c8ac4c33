"""A specialist and a director may have a language of their own."""

from __future__ import annotations

from pathlib import Path

from builders import write_data, write_params

from kpi_kit.core.periods import Period
from kpi_kit.data.store import open_store
from kpi_kit.mail.recipients import recipients
from kpi_kit.params import load
from kpi_kit.scorecard.build import scorecard
from kpi_kit.scorecard.context import prepare

KPIS = [{"kpi": "likes", "target": {"at_least": 1}, "weight": 1}]


def test_a_page_and_a_message_in_a_language_of_their_own(tmp_path: Path) -> None:
    directors = [
        {"id": "olga", "name": "Ольга", "email": "o@a.example", "specialists": "all"},
        {"id": "john", "name": "John", "email": "j@a.example", "specialists": "all", "language": "en"},
    ]
    mail = {"sender": "kpi@a.example", "to_specialists": True}
    people = {
        "anna": {"kpis": KPIS, "email": "anna@a.example"},
        "john": {"kpis": KPIS, "email": "john@a.example", "language": "en"},
    }
    params = load(write_params(tmp_path / "params", {"directors": directors, "mail": mail}, people))
    assert {who.key: who.language for who in recipients(params)} == {
        "director:olga": None,
        "director:john": "en",
        "specialist:anna": None,
        "specialist:john": "en",
    }
    accounts = [{"account_id": name, "platform": "vk", "title": name} for name in ("vk-a", "tg-a")]
    posts = [{"account_id": "vk-a", "post_id": "1", "published_at": "2025-10-02T12:00", "likes": 3}]
    data = write_data(tmp_path / "data", {"accounts": accounts, "posts": posts})
    period = Period.parse("2025-10")
    with open_store(data, "Europe/Moscow") as store:
        cards = {
            name: scorecard(prepare(name, period, params=params, store=store)) for name in ("anna", "john")
        }
    assert {name: card["language"] for name, card in cards.items()} == {"anna": "ru", "john": "en"}
