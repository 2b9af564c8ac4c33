"""Small made-up exports with the header, encoding and quirks of real ones; every figure is made by hand."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

TIKTOK_OVERVIEW = (
    "\ufeffDate,Video views,Reached audience,Profile views,Likes,Shares,Comments,Phone number "
    "clicks ,Leads submission,"
    "Net growth,New followers,Lost followers\n"
    "2025/10/31,715,NAN,25,26,4,7,0,0,10,10,0\n"
    "2025/11/01,1000,900,30,40,5,6,0,0,4,6,2\n"
)
TIKTOK_VIDEOS = (
    "\ufeffVideo title,Video link,Post time,Video views,Likes,Comments,Shares,Add to Favorites\n"
    '"Кофе, ""утро""\nи круассан",'
    "https://www.tiktok.com/@x/video/7567452112981069079,2025/10/31 18:19:10,100,9,2,1,0\n"
    "Зерно,https://www.tiktok.com/@x/video/7590060843279060246,2025/12/31 16:32:37,50,4,0,0,6\n"
)
META_REACH = (
    'sep=,\n"Facebook reach"\n"Date","Primary"\n"2025-03-29T01:00:00","5"\n"2025-03-30T00:00:00","14"\n'
    '"Facebook visits"\n"Date","Primary"\n"2025-03-29T01:00:00","2"\n"2025-03-30T00:00:00","3"\n'
)
META_INSTAGRAM = (
    '\ufeff"Post ID","Account ID","Account username","Account name",'
    'Description,"Duration (sec)","Publish time",'
    'Permalink,"Post type","Data comment",Date,Views,Reach,Likes,Shares,Comments,Saves,Follows\n'
    '18355151116178767,178,roastery,Roastery,"Two lines\n\nof text, with a comma",30,"03/18/2025 09:48",'
    'https://www.instagram.com/reel/A/,"IG reel",,Lifetime,52,37,3,1,0,0,\n'
    '18068710030723886,178,roastery,Roastery,One,0,"12/01/2025 21:50",'
    'https://www.instagram.com/p/B/,"IG image",,'
    "Lifetime,166,152,1,0,2,0,1\n"
)
YOUTUBE_TABLE = (
    "Traffic source,Views,Watch time (hours),Average view duration,Impressions,Impressions "
    "click-through rate (%)\n"
    "Total,300,13.5,0:01:35,1000,9.49\n"
    "YouTube search,200,9,0:01:34,700,11.67\n"
    "Shorts feed,100,4.5,0:00:22,,\n"
)
YOUTUBE_TOTALS = "Date,Views\n2025-02-27,140\n2025-02-28,160\n"
YOUTUBE_CHART = (
    "Date,Traffic source,Views\n2025-02-27,YouTube search,90\n2025-02-28,YouTube search,110\n"
    "2025-02-27,Shorts feed,50\n2025-02-28,Shorts feed,50\n"
)
YOUTUBE_VIDEOS = (
    "Content,Video title,Video publish time,Duration,Views,Watch time (hours),Subscribers,Impressions,"
    "Impressions click-through rate (%)\n"
    "Total,,,,150,9.5,-1,1000,9.49\n"
    'dQw4w9WgXcQ,"Лот, Кения","Aug 28, 2025",61,100,7,2,700,4.1\n'
    '-abc_DEF123,Бразилия,"Sep 3, 2025",30,50,2.5,-3,300,2\n'
)
GA4 = (
    "# ----------------------------------------\r\n# Report CSV Export\r\n# Account: A\r\n# "
    "Property: example - GA4\r\n"
    "# ----------------------------------------\r\n#\r\n# All Users\r\n# Start date: 20251001\r\n"
    "# End date: 20251031\r\n"
    "Date,Event count,Total users,Average session "
    "duration\r\n20251002,50,12,61.45\r\n20251001,70,20,60\r\n\r\n"
    "# Start date: 20251001\r\n# End date: 20251031\r\nNth day,Sessions\r\n0000,30\r\n0001,10\r\n"
)
GA4_SOCIAL = (
    "# ----------\n# Free form 1\n# Account: GA4\n# ----------\n# Start date: 20251001\n# End "
    "date: 20251002\n"
    "Date,Session source / medium,Sessions,Total users\n"
    "20251001,vk / social,7,5\n20251001,t.me / referral,3,3\n20251002,vk / "
    "social,5,4\n20251002,google / organic,40,31\n"
    ",,55,,Grand total\n"
)
SEARCH_CONSOLE = (
    "Date,Clicks,Impressions,CTR,Position\n2025-10-02,30,1000,3%,31.6\n2025-10-01,12,600,2%,40.34\n"
)
SEARCH_CONSOLE_COMPARED = (
    "Top queries,Last 3 months Clicks,Previous 3 months Clicks,Last 3 months "
    "Impressions,Previous 3 months Impressions,"
    "Last 3 months CTR,Previous 3 months CTR,Last 3 months Position,Previous 3 months Position\n"
    "обжарка,9,7,100,80,9%,8.75%,2.1,2.4\nкофе,1,0,50,0,2%,0%,9,0\n"
)
WORDSTAT_MONTHS = (
    "\ufeffПериод;Число запросов;Доля от всех запросов, %;Динамика частотности запросов «кофе в "
    "зёрнах», по месяцам, "
    "01.08.2025 — 30.09.2025, Россия, все устройства\rавгуст 2025;2 895 024;0,025;\rсентябрь "
    "2025;968;0,037;\r"
)
WORDSTAT_DAYS = (
    WORDSTAT_MONTHS.replace("Период", "Дата")
    .replace("август 2025", "29.06.2025")
    .replace("сентябрь 2025", "30.06.2025")
    .replace("01.08.2025 — 30.09.2025", "29.06.2025 — 01.07.2025")
)
WORDSTAT_WEEKS = (
    WORDSTAT_MONTHS.replace("Период", "Неделя с")
    .replace("август 2025", "06.10.2025")
    .replace("сентябрь 2025", "13.10.2025")
    .replace("01.08.2025 — 30.09.2025", "06.10.2025 — 19.10.2025")
)
METRICA = (
    '\ufeff"Дата визита","Социальная сеть","Визиты","Посетители","Отказы",'
    '"Глубина просмотра","Время на сайте"\n'
    '"Итого и средние","","45","40","0,13","1,2","00:01:02"\n'
    '"2025-10-01","ВКонтакте","20","18","0.1","1.5","00:02:00"\n'
    '"2025-10-01","Telegram","5","5","0.2","1.0","00:00:30"\n'
    '"2025-10-02","ВКонтакте","20","17","0.1","1.1","00:01:00"\n'
)
AMOCRM = (
    "ID,Название сделки,Бюджет ,Ответственный,Дата создания сделки,Кем создана сделка,Дата редактирования,"
    "Дата закрытия,Теги,Примечание,Этап сделки,Воронка,Источник,Источник,utm_source,utm_medium\n"
    "11,Кофемашина,350 000,Анна,22.03.2025 13:32:57,Анна,"
    '23.03.2025 10:00:00,01.04.2025 12:00:00,,"Позвонить,\n'
    'завтра",Успешно реализовано,Продажи,,Сайт,vk_ads,cpc\n'
    "12,Зерно,0,Пётр,23.03.2025 09:00:00,Пётр,23.03.2025 10:00:00,не закрыта,,,Первичный "
    "контакт,Продажи,,,tg,social\n"
    "13,Опт,1 200,Пётр,24.03.2025 09:00:00,Пётр,,25.03.2025 10:00:00,,,"
    "Закрыто и не реализовано,Продажи,,,,\n"
)
BITRIX = (
    '\ufeff"ID";"Название сделки";"Стадия сделки";"Группа стадий";"Сумма";'
    '"Валюта";"Источник";"Дата создания";'
    '"Дата закрытия";"Товар";\n'
    '"7";"Зерно";"Сделка успешна";"Успех";"500.00";"Российский рубль";"VK";"01.10.2025 10:00:00";'
    '"03.10.2025 11:00:00";"Кения";\n'
    '"7";"Зерно";"Сделка успешна";"Успех";"300.00";"Российский рубль";"VK";"01.10.2025 10:00:00";'
    '"03.10.2025 11:00:00";"Бразилия";\n'
    '"8";"Помол";"Сделка успешна";"Успех";"1200.50";"Российский рубль";"VK";"02.10.2025 10:00:00";'
    '"05.10.2025 11:00:00";"";\n'
    '"9";"Опт";"Новая";"В работе";"100";"Российский рубль";"VK";"02.10.2025 12:00:00";"";"";\n'
)
BRAND_ANALYTICS = (
    "Отчёт;Обжарка\nПериод;01.10.2025 - 31.10.2025\n\n"
    "Дата;Время;Hash сообщения;ID сообщения;Заголовок;Текст;Источник;Url;Тип источника;Тип "
    "сообщения;Автор;Тональность;"
    "Просмотры;Тег: цена\n"
    "01.10.2025;14:05;h1;m1;;Вкусно;vk.com;https://vk.com/wall-1_1;соцсеть;пост;Вера;позитив;10;Тег: цена\n"
    "02.10.2025;00:10;h2;m2;;Дорого;telegram.org;https://t.me/x/5;мессенджер;пост;Пётр;негатив;;\n"
)
YOUSCAN = (
    "Fecha,Texto,Sentimiento,Autor,Fuente,Engagement,Me gusta,Alcance potencial,URL\n"
    "2025-10-01 14:05,Rico,Positivo,Vera,instagram.com,3,2,100,https://instagram.com/p/1\n"
    "2025-10-13 09:00,Caro,Negativo,Pedro,vk.com,0,0,5,https://vk.com/wall1_2\n"
)
PLAN = (
    "Дата;Время;Площадка;Тема;Формат;Статус;Ссылка;Ответственный\n"
    "01.10.2025;12:00;ВК;Осеннее меню;пост;Опубликовано;https://vk.com/wall-7_101;Анна\n"
    "08.10.2025;12:00;ВК;Кения;пост;На согласовании;;Анна\n"
    "09.10.2025;;ВК;Розыгрыш;пост;Отменено;;Анна\n"
)
VK_POSTS = (
    "id,date,likes,comments,reposts,views\n7,2025-10-01 12:00:00,97,0,4,2495\n6,2025-09-30 "
    "09:00:00,5,1,0,40\n"
)


def stats_graph() -> dict[str, Any]:
    """Joined and left of three days, of which the last has no ``left`` yet."""
    day = 86_400_000
    return {
        "columns": [["x", *(1759276800000 + n * day for n in range(3))], ["y0", 10, 5, 1], ["y1", 2, 6]],
        "types": {"y0": "line", "y1": "line", "x": "x"},
        "names": {"y0": "Joined", "y1": "Left"},
        "colors": {"y0": "#4BD964", "y1": "#FE3C30"},
    }


def tgstat_posts() -> dict[str, Any]:
    item = {
        "id": 900,
        "date": 1759309200,
        "views": 640,
        "link": "t.me/roastery/12",
        "channel_id": 5,
        "is_deleted": 0,
    }
    counts = {"shares_count": 2, "comments_count": 4, "reactions_count": 31, "text": "<b>Лот</b> Кения"}
    return {"status": "ok", "response": {"count": 1, "items": [{**item, **counts}]}}


def metrica_answer() -> dict[str, Any]:
    rows = [
        ("2025-10-01", "vk", 20.0, 18.0),
        ("2025-10-01", "tg", 5.0, 5.0),
        ("2025-10-02", "vk", 20.0, 17.0),
    ]
    return {
        "query": {
            "ids": [1],
            "dimensions": ["ym:s:date", "ym:s:lastsignUTMSource"],
            "metrics": ["ym:s:visits", "ym:s:users"],
            "date1": "2025-10-01",
            "date2": "2025-10-31",
        },
        "data": [
            {"dimensions": [{"name": day}, {"name": source}], "metrics": [visits, users]}
            for day, source, visits, users in rows
        ],
        "total_rows": 3,
        "sampled": False,
        "totals": [45.0, 40.0],
    }


def zipped(**files: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", ".").replace("_", " "), text)
    return buffer.getvalue()


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1).encode()


FILES: Mapping[str, tuple[str, bytes]] = MappingProxyType(
    {
        "tiktok_overview.csv": ("tiktok", TIKTOK_OVERVIEW.encode()),
        "tiktok_videos.csv": ("tiktok", TIKTOK_VIDEOS.encode()),
        "reach.csv": ("meta", META_REACH.encode("utf-16")),
        "instagram.csv": ("meta", META_INSTAGRAM.encode()),
        "yt_table.csv": ("youtube", YOUTUBE_TABLE.encode()),
        "yt_totals.csv": ("youtube", YOUTUBE_TOTALS.encode()),
        "yt_chart.csv": ("youtube", YOUTUBE_CHART.encode()),
        "yt_videos.csv": ("youtube", YOUTUBE_VIDEOS.encode()),
        "ga4.csv": ("ga4", GA4.encode()),
        "ga4_social.csv": ("ga4", GA4_SOCIAL.encode()),
        "gsc.csv": ("search-console", SEARCH_CONSOLE.encode()),
        "gsc_compared.csv": ("search-console", SEARCH_CONSOLE_COMPARED.encode()),
        "wordstat_months.csv": ("wordstat", WORDSTAT_MONTHS.encode()),
        "wordstat_days.csv": ("wordstat", WORDSTAT_DAYS.encode()),
        "wordstat_weeks.csv": ("wordstat", WORDSTAT_WEEKS.encode()),
        "metrica.csv": ("metrica", METRICA.encode()),
        "metrica.json": ("metrica", _json(metrica_answer())),
        "amocrm_export_leads_2025-04-02.csv": ("amocrm", AMOCRM.encode()),
        "bitrix.csv": ("bitrix24", BITRIX.encode()),
        "brand_analytics.csv": ("brand-analytics", BRAND_ANALYTICS.encode("cp1251")),
        "youscan.csv": ("youscan", YOUSCAN.encode()),
        "plan.csv": ("content-plan", PLAN.encode()),
        "vk_posts.csv": ("vk-posts", VK_POSTS.encode()),
        "graph.json": ("telegram-graphs", _json(stats_graph())),
        "tgstat.json": ("tgstat", _json(tgstat_posts())),
    }
)
"""Every twin by file name: the source that reads it, and its bytes."""
TOTALS: Mapping[str, str] = MappingProxyType(
    {
        "tiktok_overview.csv": "Total,1715,5000,55,66,9,13,0,0,14,16,2\n",
        "tiktok_videos.csv": "Total,,,150,13,2,1,6\n",
        "instagram.csv": "Total,,,,,,,,,,,218,999,4,1,2,0,1\n",
        "yt_totals.csv": "Total,300\n",
        "yt_chart.csv": "Total,,300\n",
        "ga4_social.csv": "Total,,55,99\n",
        "gsc.csv": "Total,42,1600,2.6%,30\n",
        "amocrm_export_leads_2025-04-02.csv": "Итого,,351 200,,,,,,,,,,,,,\n",
        "bitrix.csv": '"Итого";"";"";"";"2100.50";"";"";"";"";"";\n',
        "vk_posts.csv": "Total,,102,1,4,2535\n",
        "wordstat_months.csv": "Итого;2 895 992;1;\r",
        "metrica.csv": "",
        "yt_videos.csv": "",
    }
)
"""A right row of totals for each twin, added by hand; those that have one of their own keep it."""


def xlsx(**sheets: list[list[str | float]]) -> bytes:
    """A workbook: texts as inline strings, numbers as numbers; as small as a reader accepts."""
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    package = "http://schemas.openxmlformats.org/package/2006"
    content = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        parts = "".join(
            f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{content}.worksheet+xml"/>'
            for n in range(1, len(sheets) + 1)
        )
        book = f'<Override PartName="/xl/workbook.xml" ContentType="{content}.sheet.main+xml"/>'
        archive.writestr(
            "[Content_Types].xml", f'<Types xmlns="{package}/content-types">{book}{parts}</Types>'
        )
        link = f'<Relationship Id="r1" Type="{kind}/officeDocument" Target="xl/workbook.xml"/>'
        archive.writestr(
            "_rels/.rels", f'<Relationships xmlns="{package}/relationships">{link}</Relationships>'
        )
        names = "".join(
            f'<sheet name="{name}" sheetId="{n}" r:id="r{n}"/>' for n, name in enumerate(sheets, start=1)
        )
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{main}" xmlns:r="{kind}"><sheets>{names}</sheets></workbook>',
        )
        links = "".join(
            f'<Relationship Id="r{n}" Type="{kind}/worksheet" Target="worksheets/sheet{n}.xml"/>'
            for n in range(1, len(sheets) + 1)
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{package}/relationships">{links}</Relationships>',
        )
        for n, rows in enumerate(sheets.values(), start=1):
            cells = "".join(
                f'<row r="{y}">' + "".join(_cell(x, y, value) for x, value in enumerate(row)) + "</row>"
                for y, row in enumerate(rows, start=1)
            )
            archive.writestr(
                f"xl/worksheets/sheet{n}.xml",
                f'<worksheet xmlns="{main}"><sheetData>{cells}</sheetData></worksheet>',
            )
    return buffer.getvalue()


def _cell(x: int, y: int, value: str | float) -> str:
    place = f"{chr(65 + x)}{y}"
    if isinstance(value, str):
        return f'<c r="{place}" t="inlineStr"><is><t>{value}</t></is></c>'
    return f'<c r="{place}"><v>{value}</v></c>'
