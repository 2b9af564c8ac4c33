"""Exports of a small agency: a sheet of subscribers, Metrica, a CRM, a content plan, a wall of VK.

Four people look after nine accounts. ``write_exports(folder)`` writes the files.
"""

from __future__ import annotations

import datetime as dt
import json
import random
import zipfile
from collections.abc import Sequence
from html import escape
from pathlib import Path

TITLES = (
    "Зерно и пар ВК",
    "Зерно и пар Telegram",
    "Лавка ВК",
    "Лавка Telegram",
    "Утро ВК",
    "Утро Telegram",
    "Утро Дзен",
    "Студия ВК",
    "Студия Telegram",
)
"""The accounts as the sheet of subscribers names them."""

FIRST, LAST = dt.date(2025, 1, 1), dt.date(2025, 10, 31)
_MONTHS = "Янв Фев Мар Апр Май Июн Июл Авг Сен Окт Ноя Дек".split()


def _days() -> list[dt.date]:
    return [FIRST + dt.timedelta(days=number) for number in range((LAST - FIRST).days + 1)]


def _months() -> list[dt.date]:
    return sorted({day.replace(day=1) for day in _days()})


def workbook(path: Path, rows: Sequence[Sequence[object]], sheet: str = "Лист1") -> Path:
    """Write a spreadsheet of one sheet."""
    lines = []
    for row in rows:
        cells = "".join(
            f"<c><v>{cell}</v></c>"
            if isinstance(cell, int | float)
            else f'<c t="inlineStr"><is><t>{escape(str(cell))}</t></is></c>'
            for cell in row
        )
        lines.append(f"<row>{cells}</row>")
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    relations = "http://schemas.openxmlformats.org/package/2006/relationships"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    kinds = "http://schemas.openxmlformats.org/package/2006/content-types"
    book = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{kinds}"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{book}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{book}.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{relations}"><Relationship Id="r1" '
        f'Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>'
        f'<sheet name="{escape(sheet)}" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{relations}"><Relationship Id="r1" '
        f'Type="{office}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{"".join(lines)}</sheetData>'
        "</worksheet>",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, '<?xml version="1.0" encoding="UTF-8"?>' + text)
    return path


def subscribers(path: Path, rng: random.Random) -> Path:
    """A sheet with months across and accounts down."""
    months = _months()
    rows: list[list[object]] = [["Подписчики", *(f"{_MONTHS[m.month - 1]} {m.year}" for m in months)]]
    for title in TITLES:
        count, line = rng.randrange(800, 9000), [title]
        for _ in months:
            count = round(count * rng.gauss(1.012, 0.008))
            line.append(str(count))
        rows.append(list(line))
    return workbook(path, rows, "Подписчики")


def metrica(path: Path, rng: random.Random) -> Path:
    """Visits by day and UTM source."""
    lines = ["Дата визита;UTM Source;Визиты;Посетители"]
    for day in _days():
        for source, mean in (("vk_zerno", 40), ("tg_zerno", 18), ("vk_lavka", 25), ("vk_utro", 12)):
            visits = max(1, round(rng.gauss(mean, mean / 4)))
            lines.append(f"{day};{source};{visits};{max(1, visits - rng.randrange(3))}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def deals(path: Path, rng: random.Random) -> Path:
    """Deals of amoCRM."""
    lines = ["ID,Название сделки,Этап сделки,Дата создания сделки,Дата закрытия,Бюджет ₽,utm_source"]
    number = 1000
    for day in _days():
        for source, share in (("vk_zerno", 0.9), ("tg_zerno", 0.5), ("vk_lavka", 0.6), ("tg_studiya", 0.3)):
            for _ in range(rng.random() < share):
                number += 1
                stage = rng.choice(["Успешно реализовано", "Закрыто и не реализовано", "Новая заявка"])
                closed = "не закрыта" if stage.startswith("Новая") else f"{day:%d.%m.%Y} 18:00:00"
                budget = rng.randrange(20, 90) * 100 if stage.startswith("Успешно") else 0
                lines.append(
                    f"{number},Сделка {number},{stage},{day:%d.%m.%Y} 12:00:00,{closed},{budget},{source}"
                )
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def plan(path: Path) -> Path:
    """A content plan of the month in a spreadsheet."""
    rows: list[list[object]] = [["Дата", "Время", "Площадка", "Тема", "Статус", "Ссылка"]]
    for number, day in enumerate(_days()[::3]):
        link = f"https://vk.com/wall-11_{number + 1}"
        rows.append([f"{day:%d.%m.%Y}", "12:00", "ВКонтакте", f"Тема {number}", "согласовано", link])
    return workbook(path, rows, "План")


def wall(path: Path, rng: random.Random) -> Path:
    """An answer of wall.get: a post every third day, as the plan says."""
    items = []
    for number, day in enumerate(_days()[::3]):
        likes = max(1, round(rng.gauss(40, 10)))
        at = dt.datetime(day.year, day.month, day.day, 8, 55, tzinfo=dt.UTC)
        items.append(
            {
                "id": number + 1,
                "owner_id": -11,
                "from_id": -11,
                "post_type": "post",
                "date": int(at.timestamp()),
                "text": f"Пост {number}",
                "likes": {"count": likes},
                "comments": {"count": likes // 8},
                "reposts": {"count": likes // 10},
                "views": {"count": likes * 30},
            }
        )
    path.write_text(json.dumps({"response": {"count": len(items), "items": items}}), encoding="utf-8")
    return path


def write_exports(folder: Path, seed: int = 22) -> Path:
    """Write all exports of the agency into a folder."""
    rng = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    subscribers(folder / "Подписчики.xlsx", rng)
    metrica(folder / "Метрика.csv", rng)
    deals(folder / "amocrm_export.csv", rng)
    home = folder / "Зерно и пар ВК"
    home.mkdir(exist_ok=True)
    plan(home / "Контент-план.xlsx")
    wall(home / "wall.json", rng)
    return folder
