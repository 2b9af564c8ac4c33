"""What exports tell of an agency: accounts, owners of files, rules of sources."""

from __future__ import annotations

from pathlib import Path

from kpi_kit.sources.onboarding import look_at

VISITS = "Дата визита;UTM Source;Визиты\n2025-10-01;{};5\n2025-10-01;yandex;7\n"


def test_accounts_come_from_sheets_and_folders(tmp_path: Path) -> None:
    (tmp_path / "Бар ВК").mkdir()
    sheet = "Подписчики;Сен 2025;Окт 2025\nКофе ВК;10;11\nКофе Телеграм;10;11\nИтого;20;22\n"
    (tmp_path / "sheet.csv").write_text(sheet, encoding="utf-8")
    wall = '{"response": {"count": 1, "items": [{"id": 1, "owner_id": -1, "from_id": -1, "date": 1759309200, '
    wall += '"post_type": "post", "text": "", "likes": {"count": 1}}]}}'
    (tmp_path / "Бар ВК" / "wall.json").write_text(wall, encoding="utf-8")
    (tmp_path / "visits.csv").write_text(VISITS.format("tg_kofe"), encoding="utf-8")
    (tmp_path / "notes.csv").write_text("Имя;Телефон\nОля;1\n", encoding="utf-8")
    agency = look_at([tmp_path])
    assert {name: account.platform for name, account in agency.accounts.items()} == {
        "vk-kofe": "vk",
        "tg-kofe": "telegram",
        "vk-bar": "vk",
    }
    assert agency.owners == {"Бар ВК/wall.json": "vk-bar"}
    assert agency.rules == [("utm_source", "tg_kofe", "tg-kofe")]
    assert agency.unmatched["utm_source"] == {"yandex": 1}
    assert [export.name for export in agency.exports if export.problem] == ["notes.csv"]


def test_two_accounts_of_a_platform_are_never_mixed_up(tmp_path: Path) -> None:
    (tmp_path / "sheet.csv").write_text(
        "Подписчики;Сен 2025;Окт 2025\nКофе ВК;10;11\nЧай ВК;10;11\n", encoding="utf-8"
    )
    (tmp_path / "visits.csv").write_text(VISITS.format("vk"), encoding="utf-8")
    agency = look_at([tmp_path])
    assert agency.rules == []
    assert set(agency.unmatched["utm_source"]) == {"vk", "yandex"}
