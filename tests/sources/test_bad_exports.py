"""Forty bad exports, and the sentence that each gets: what is wrong, and the way on."""

from __future__ import annotations

import datetime as dt
import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from twins import xlsx

from kpi_kit.core.errors import InputError
from kpi_kit.sources import SOURCES, ImportOptions
from kpi_kit.sources.pipeline import import_files
from kpi_kit.sources.recognise import recognise
from kpi_kit.sources.resolve_account import NewAccount

KNOWN = {name: source for name, source in SOURCES.items() if name != "csv"}
OCTOBER = {"since": dt.date(2025, 10, 1), "until": dt.date(2025, 11, 1)}
LONGEST = 330
"""Characters of a sentence."""
VK_DAYS = "Дата;Охват;Подписались;Отписались;Уникальные посетители\n"
VK_DAY = "01.10.2025;50;4;1;30\n"
VK_POSTS = "id,date,likes,comments,reposts,views\n"
VIDEOS = "Content,Video title,Video publish time,Views,Watch time (hours)\n"
DEALS = "ID,Название сделки,Дата создания сделки,Этап сделки,Воронка,Дата закрытия,Бюджет ₽\n"
WON = "31,А,01.10.2025 10:00:30,Успешно реализовано,В,02.10.2025 10:00:00,"
PAGE = '<!DOCTYPE html><html><div class="page_wrap"><div class="message"><i class="pull_right date details">'
META = '"Post ID","Account ID","Account username","Publish time",Permalink,Date,Views,Reach,Likes\n'
CHAT = {"name": "К", "type": "public_channel", "id": 7}
MESSAGE = {"id": 1, "type": "message", "date_unixtime": "1759300000", "from_id": "channel7", "text": "т"}
WEBSITE = (
    "# ----\n# Все данные по веб-сайту\n# 20221001-20221031\n# ----\n\nУказатель дня,Сеансы\n01.10.2022,5\n"
)
POST = {"id": 1, "owner_id": -7, "date": 1759309200, "post_type": "post", "text": "кофе"}
PERIOD = {"period_from": 1759266000, "period_to": 1761944399, "visitors": {"views": 5}}


class Bad(NamedTuple):
    """A file, what its sentences say, and the options of the import."""

    name: str
    content: bytes | str | dict[str, Any] | list[Any]
    words: str
    options: Mapping[str, Any] = {}
    source: str = "auto"


def packed(**files: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "."), text)
    return buffer.getvalue()


def locked(archive: bytes) -> bytes:
    """The archive with the flag of a password."""
    content = bytearray(archive)
    content[content.find(b"PK\x03\x04") + 6] |= 1
    content[content.find(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


REFUSED = (
    Bad("empty.csv", b"", "the file is empty"),
    Bad("blank.csv", b"\xef\xbb\xbf\n\n \n", "the file is empty"),
    Bad("header.csv", "Дата;Показы\n", "not recognised as any of"),
    Bad("signed_out.csv", "<!DOCTYPE html><title>Вход | VK</title><form></form>", "sign in to the service"),
    Bad("report.csv", b"%PDF-1.7\n\x00", "found a PDF"),
    Bad("screen.xlsx", b"\x89PNG\r\n\x1a\n\0", "found a picture"),
    Bad("posts.csv", b"Rar!\x1a\x07", "found an archive that is no ZIP"),
    Bad("plan.xlsx", packed(**{"word/document.xml": "<w/>"}), "a document of Word or LibreOffice"),
    Bad("locked.xlsx", b"\xd0\xcf\x11\xe0" + "EncryptedPackage".encode("utf-16-le"), "locked by a password"),
    Bad("locked.zip", locked(packed(a__csv=VK_POSTS)), "locked by a password: unpack it"),
    Bad("cut.zip", packed(a__csv=VK_POSTS)[:60], "it may be cut; fetch it anew"),
    Bad("photos.zip", packed(a__jpg="x", in__zip="y"), "no table is in this archive; allowed: .csv, .json"),
    Bad("ChatExport.zip", packed(messages__html=PAGE), "machine-readable JSON, and import its result.json"),
    Bad("utf16.csv", (VK_DAYS + VK_DAY).encode("utf-16-le"), "save it as CSV UTF-8"),
    Bad("koi.csv", (VK_DAYS + VK_DAY).encode("koi8-r"), "letters are broken, as they are koi8-r"),
    Bad("twice.csv", VK_DAYS.encode().decode("cp1251").encode(), "they are UTF-8 saved twice"),
    Bad("lost.csv", "????;?????;???????\n01.10.2025;5;5\n", "lost (only question marks are left)"),
    Bad("tilde.csv", (VK_DAYS + VK_DAY).replace(";", "~"), "put ; or , between the columns"),
    Bad("mixed.csv", VK_DAYS.replace(";", ",") + VK_DAY, "row 2: is divided by ';', the header by ','"),
    Bad("decimals.csv", VK_POSTS + "7,2025-10-01,1,0,0,5,3\n", "with ',' in it needs quotes"),
    Bad("merged.csv", "Дата;Охват;;Прирост;\n;всего;свои;пришло;ушло\n01.10.2025;5;2;4;1\n", "merged cells"),
    Bad("metrica.csv", "Дата визита,Визиты\n2025-10-01,7\n", "import it as metrica", source="youtube"),
    Bad("table.csv", VK_POSTS + "7,2025-10-01,1,0,0,5\n", "import it as vk-posts or auto", source="vk-api"),
    Bad("Mar-01-2025_Apr-01-2025_1.csv", META + "18,17,r,18/03/2025 09:48,u,Lifetime,5,3,1\n", "way round"),
    Bad("serial.csv", VK_DAYS + VK_DAY.replace("01.10.2025", "45931"), "keeps 2025-10-01 as this number"),
    Bad("short.csv", VK_DAYS + VK_DAY.replace(".2025", ".25"), "write the year with four digits"),
    Bad("rounded.csv", VK_POSTS + '7,2025-10-01,1,0,0,"1,2 тыс."\n', "it is rounded: export whole numbers"),
    Bad("pieces.csv", VK_POSTS + "7,2025-10-01,-3,0,0,5 шт.\n", "expected a whole number of 0 or more"),
    Bad("ads.csv", "Дата,№ Кампании,Показы,Клики,Расход (руб.)\n01.10.2025,1,9,1,5\n", "like advertising"),
    Bad("goals.csv", "Сотрудник;KPI;Цель;Факт;Выполнение, %\nА;Лиды;9;8;89\n", "a table of targets"),
    Bad("hits.tsv", "ym:pv:watchID\tym:pv:date\n1\t2025-10-01\n", "the fields ym:s:visitID and ym:s:date"),
    Bad("ua.csv", WEBSITE, "export the report from Google Analytics 4"),
    Bad("Запросы.csv", "Популярные запросы,Kлики,Показы,CTR,Позиция\nx,4,50,8%,7\n", "the whole archive"),
    Bad("Overview.csv", '"Date","Video Views","Profile Views"\n"April 12","5","1"\n', "have no year"),
    Bad("wide.csv", "Аккаунт;янв 2025;фев 2025\nКафе ВК;9;8\n", "no title, sheet or label says what is"),
    Bad(
        "limit.json", {"error": "LIMIT", "error_description": "Too many"}, "answered with an error (Too many)"
    ),
    Bad("amo.json", {"_embedded": {"leads": [{"id": 5}]}}, "export the deals as CSV"),
    Bad("plan.json", {"doc_id": "1", "url": "u"}, "download it as XLSX"),
    Bad("cut.json", '{"response": {"items": [{"id": 1', "it may be cut off; fetch it anew"),
    Bad("lines.json", f"{json.dumps(POST)}\n{json.dumps(POST)}", "put several values into one list"),
    Bad("cp.json", json.dumps([POST], ensure_ascii=False).encode("cp1251"), "save it as UTF-8"),
    Bad(
        "month.json",
        {"response": [PERIOD]},
        "2025-09-30 to 2025-10-31 is not a day",
        {"subscribers_at_end": 5},
    ),
    Bad(
        "user.json",
        [{"_": "Message", "id": 5, "peer_id": {"_": "PeerUser"}, "date": "x"}],
        "dump the channel",
    ),
)
"""Files that nothing can be made of."""

READ = (
    Bad("single.csv", VK_POSTS + "№ 7,1759309200,1,0,0,5\n", "posts: 1 row from 1 row"),
    Bad("flat.csv", VK_DAYS + VK_DAY.replace("4;1", "0;0"), "audience: 1 row", {"subscribers_at_end": 9}),
    Bad("none.csv", "Дата визита,Визиты,Посетители\n", "traffic: 0 rows"),
    Bad("workbook.csv", xlsx(A=[VIDEOS.strip().split(","), ["abcdefghijk", "A", "Oct 5, 2025", "4", "1"]]),
        "posts: 1 row from 1 row of YouTube Studio", OCTOBER),
    Bad("text.xlsx", VIDEOS + 'abcdefghijk,A,"Oct 5, 2025",4,1\n', "posts: 1 row from 1 row", OCTOBER),
    Bad("marked.csv", "\ufeff".encode("utf-16-le") + (VK_DAYS + VK_DAY).encode("utf-16-le"), "4 rows"),
    Bad("sep.csv", "sep=;\n" + (VK_DAYS + VK_DAY).replace(";", ","), "account_stats: 4 rows"),
    Bad("planned.csv", VIDEOS + 'abcdefghijk,A,"Oct 5, 2025",4,1\nabcdefghijl,B,Scheduled,0,0\n',
        "1 row without 'Video publish time' left out: row 3", OCTOBER),
    Bad("footer.csv", DEALS + WON + "0\nВсего сделок: 1\n", "1 row without 'Дата создания сделки' left out"),
    Bad("budget.csv", DEALS + WON + "0\n", "as the export has no sum or a budget of 0"),
    Bad("errors.csv", VK_DAYS + VK_DAY.replace("50", "#ДЕЛ/0!"), "unknown: B2 #ДЕЛ/0!; correct the file"),
    Bad("both.zip", packed(a__html=PAGE, result__json=json.dumps({**CHAT, "messages": [MESSAGE]})),
        "result.json: recognised as telegram-desktop"),
)  # fmt: skip
"""Files that look bad and are read, with what is told of them."""

PROVES_NOTHING = (
    "Date,Unique Visitors,Page Views",
    "Дата,Визиты,Продажи",
    "Date,Active users,New users",
    "Date,Reach,Profile views,Followers",
    "Date,Sponsored followers,Organic followers,Total followers",
    "Date,Followers",
    "Видео,Дата публикации,Просмотры",
    "ID,Название,Дата создания,Статус,Ответственный",
    "Campaign name,Reporting starts,Reporting ends,Reach",
)
"""Headers of many services, also under a name that one of them gives."""


def told(case: Bad, folder: Path) -> list[str]:
    """The sentences of an import of the file, which writes nothing."""
    path = folder / case.name
    text = case.content if isinstance(case.content, bytes | str) else json.dumps(case.content)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    options = ImportOptions(**{"account": "a", "brand": "b", **case.options})
    return import_files(case.source, [path], folder / "data", options, NewAccount(), dry_run=True).sentences


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_refused_with_the_way_on(case: Bad, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        told(case, tmp_path)
    problems = caught.value.problems
    assert any(case.words in problem for problem in problems), problems
    assert all("None" not in problem and case.name in problem for problem in problems)
    assert all(len(problem.replace(str(tmp_path), "")) < LONGEST for problem in problems)


@pytest.mark.parametrize("case", READ, ids=lambda case: case.name)
def test_read_and_told(case: Bad, tmp_path: Path) -> None:
    sentences = told(case, tmp_path)
    assert any(case.words in sentence for sentence in sentences), sentences


@pytest.mark.parametrize("name", ["report.csv", "followers.csv", "Totals.csv"])
@pytest.mark.parametrize("header", PROVES_NOTHING)
def test_a_kind_needs_evidence(header: str, name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(f"{header}\n01.10.2025{',5' * header.count(',')}\n", encoding="utf-8")
    with pytest.raises(InputError, match="not recognised"):
        recognise(path, KNOWN)
