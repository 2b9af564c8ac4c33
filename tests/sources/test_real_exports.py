"""Exports as people have them: rows that are none, cells with errors, saved again by Excel, zipped."""

from __future__ import annotations

import datetime as dt
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twins import xlsx

from kpi_kit.core.errors import InputError
from kpi_kit.sources import SOURCES, Imported, ImportOptions
from kpi_kit.sources.attribution import read_attribution
from kpi_kit.sources.content_plan import post_in
from kpi_kit.sources.recognise import recognise, unpack

KNOWN = {name: source for name, source in SOURCES.items() if name != "csv"}
OCTOBER = {"since": dt.date(2025, 10, 1), "until": dt.date(2025, 11, 1)}


@pytest.fixture
def read(tmp_path: Path) -> Any:
    def run(
        content: bytes | str | dict[str, Any] | list[Any], name: str = "x.csv", **options: Any
    ) -> Imported:
        path = tmp_path / name
        text = content if isinstance(content, bytes | str) else json.dumps(content, ensure_ascii=False)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        source = options.pop("source", None) or recognise(path, KNOWN).source
        return SOURCES[source].read([path], ImportOptions(**{"account": "a", "brand": "b", **options}))

    return run


def refused(read: Any, content: Any, name: str = "x.csv", **options: Any) -> str:
    with pytest.raises(InputError) as caught:
        read(content, name, **options)
    return str(caught.value)


def figures(found: Imported) -> dict[tuple[str, str], float]:
    rows = found.tables["account_stats"]
    return {key: float(value) for key, value in rows.groupby(["measure", "item"])["value"].sum().items()}


DEALS = (
    "ID,Название сделки,Дата создания сделки,Этап сделки,Воронка,Дата закрытия,Бюджет ₽\n"
    "31,А,01.10.2025 10:00:30,Успешно реализовано,В,01.10.2025 10:00:00,700\n"
    "32,Б,02.10.2025 10:00:00,Закрыто и не реализовано,В,03.10.2025 10:00:00,800\n"
    "33,В,03.10.2025 10:00:00,Переговоры,В,не закрыта,900\n"
)


class TestRowsThatAreNone:
    def test_a_row_without_an_id_is_left_out_and_listed(self, read: Any) -> None:
        found = read(DEALS + ",Г,04.10.2025 10:00:00,Переговоры,В,не закрыта,50\n", currency="RUB")
        assert found.tables["leads"]["lead_id"].tolist() == ["31", "32", "33"]
        assert any("1 row without 'ID' left out: row 5" in remark for remark in found.remarks)

    def test_strict_refuses_it(self, read: Any) -> None:
        text = DEALS + ",Г,04.10.2025 10:00:00,Переговоры,В,не закрыта,50\n"
        assert "column 'ID' (lead_id): must not be empty" in refused(read, text, strict=True)

    def test_what_is_left_out_counts_in_the_control_sum(self, read: Any) -> None:
        text = (
            "Content,Video title,Video publish time,Views,Watch time (hours)\nTotal,,,47,1\n"
            'abcdefghijk,A,"Oct 5, 2025",40,1\nabcdefghijl,Draft,,7,0\n'
        )
        assert read(text, **OCTOBER).tables["posts"]["views"].tolist() == [40]
        assert "more than the 41 of the row of totals" in refused(
            read, text.replace(",47,", ",41,"), **OCTOBER
        )

    def test_a_footer(self, read: Any) -> None:
        text = (
            "Content,Video title,Video publish time,Views,Watch time (hours)\n"
            'abcdefghijk,A,"Oct 5, 2025",40,1\n'
            "Showing top 500 results,,,,\n"
        )
        assert len(read(text, **OCTOBER).tables["posts"]) == 1

    def test_a_file_of_which_no_row_can_be_read_is_refused(self, read: Any) -> None:
        text = "Content,Video title,Video publish time,Views,Watch time (hours)\nabcdefghijk,A,,40,1\n"
        assert "no row has 'Video publish time'" in refused(read, text, **OCTOBER)


class TestErrorsOfASpreadsheet:
    @pytest.mark.parametrize("error", ["#REF!", "#N/A", "#ЗНАЧ!", "#Н/Д", "#DIV/0!"])
    def test_a_cell_is_named_and_unknown(self, read: Any, error: str) -> None:
        found = read(DEALS.replace(",700", f",{error}"), currency="RUB")
        assert found.tables["leads"]["sale_amount"].isna().tolist()[0]
        assert any(f"unknown: G2 {error}" in remark for remark in found.remarks)

    def test_in_a_workbook(self, read: Any) -> None:
        header, *rows = (line.split(",") for line in DEALS.splitlines())
        book = xlsx(Сделки=[header, *rows])
        old = b'<c r="G2" t="inlineStr"><is><t>700</t></is></c>'
        found = read(_replaced(book, old, b'<c r="G2" t="e"><v>#REF!</v></c>'), "deals.xlsx", currency="RUB")
        assert found.tables["leads"]["sale_amount"].isna().tolist()[0]
        assert any("G2 #REF!" in remark for remark in found.remarks)

    def test_an_id_with_an_error_is_refused(self, read: Any) -> None:
        assert "row 2: column 'ID' (lead_id)" in refused(read, DEALS.replace("\n31,", "\n#REF!,"))


def _replaced(book: bytes, old: bytes, new: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book)) as source, zipfile.ZipFile(buffer, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if "sheet1" in name:
                assert old in content
            target.writestr(name, content.replace(old, new))
    return buffer.getvalue()


class TestLeads:
    def test_statuses_and_a_sale_within_the_minute_of_the_lead(self, read: Any) -> None:
        leads = read(DEALS, currency="RUB").tables["leads"]
        assert leads["status"].tolist() == ["won", "lost", "open"]
        assert leads["sold_at"].tolist()[0] == leads["created_at"].tolist()[0]

    def test_a_sale_of_nothing_is_told(self, read: Any) -> None:
        assert any("1 sales of 0" in remark for remark in read(DEALS.replace(",700", ",0")).remarks)

    @pytest.mark.parametrize(
        ("record", "expected"),
        [
            ({"STAGE_ID": "C4:WON", "OPPORTUNITY": "75.50", "CURRENCY_ID": "RUB"}, ("deal:9", "won", 75.5)),
            ({"STAGE_ID": "LOSE", "OPPORTUNITY": "75.50"}, ("deal:9", "lost", None)),
            ({"STATUS_ID": "JUNK"}, ("lead:9", "lost", None)),
        ],
    )
    def test_answers_of_bitrix24(self, read: Any, record: dict[str, str], expected: tuple[Any, ...]) -> None:
        common = {"ID": "9", "TITLE": "x", "DATE_CREATE": "2025-10-02T10:00:00+03:00"}
        closed = {"CLOSEDATE": "2025-10-05T03:00:00+03:00"} if "STAGE_ID" in record else {}
        answer = {"result": [{**common, **closed, **record}], "total": 1}
        leads = read(answer, "deals.json").tables["leads"].iloc[0]
        amount = leads.get("sale_amount")
        assert (leads["lead_id"], leads["status"], None if pd.isna(amount) else amount) == expected


class TestSavedAgain:
    def test_lines_that_are_one_quoted_cell(self, read: Any) -> None:
        lines = ["Date,Clicks,Impressions,CTR,Position", '2025-10-01,"1,200",9,3%,4', "2025-10-02,3,8,2%,5"]
        text = "\n".join('"' + line.replace('"', '""') + '"' for line in lines)
        assert figures(read(text))["clicks", "all"] == 1203

    def test_an_archive_of_a_mac(self, tmp_path: Path) -> None:
        archive = tmp_path / "a.zip"
        with zipfile.ZipFile(archive, "w") as target:
            target.writestr("f/Overview.csv", "Date,Views\n")
            target.writestr("__MACOSX/f/._Overview.csv", b"\x00\x05\x16\x07")
            target.writestr("f/.hidden.csv", "x")
        assert [Path(name).name for _, name in unpack([archive], tmp_path / "to")] == ["Overview.csv"]

    def test_a_latin_letter_in_a_russian_title(self, read: Any) -> None:
        text = "Дата,Kлики,Пoказы,CTR,Позиция\n2025-10-01,4,50,8%,7\n"  # K and o are Latin
        assert figures(read(text)) == {
            ("clicks", "all"): 4,
            ("impressions", "all"): 50,
            ("position", "all"): 7,
        }


class TestProof:
    """A kind needs a title that no other export has."""

    @pytest.mark.parametrize(
        "header",
        [
            "Дата;Показы",
            "Дата;Просмотры",
            "Дата;Комментарии;Показы",
            "Дата;Показы;Клики;CTR;Расход",
            "Date;Views;Likes",
            "Дата;Подписчики",
            "Date;Impressions;Likes;Video views;Profile visits;Unfollows",
            "Страна;Просмотры",
        ],
    )
    def test_a_table_that_proves_nothing(self, tmp_path: Path, header: str) -> None:
        path = tmp_path / "report.csv"
        path.write_text(header + "\n" + ";".join(["01.10.2025"] + ["5"] * header.count(";")) + "\n")
        with pytest.raises(InputError) as caught:
            recognise(path, KNOWN)
        said = str(caught.value)
        assert "not recognised" in said and "delimiter ';'" in said
        assert "nearest" not in said and "None" not in said

    def test_html_of_telegram_is_told(self, tmp_path: Path) -> None:
        path = tmp_path / "messages2.html"
        path.write_text(
            '<!DOCTYPE html><html><body><div class="page_wrap"><div class="message default">'
            '<div class="pull_right date details" title="01.10.2025">x</div></div></div></body></html>'
        )
        with pytest.raises(InputError, match="machine-readable JSON"):
            recognise(path, KNOWN)


class TestMetrica:
    def test_spans_are_totals(self, read: Any) -> None:
        text = "Интервал дат визита,Визиты,Посетители\n2025-09-01 - 2025-09-30,70,50\n"
        text += "2025-10-01 - 2025-10-31,90,60\n"
        totals = read(text).tables["totals"]
        assert totals[["account_id", "measure", "value"]].to_numpy().tolist() == [
            ["a", "visits", 70.0],
            ["a", "visits", 90.0],
        ]
        assert totals["until"].dt.strftime("%m-%d").tolist() == ["10-01", "11-01"]

    def test_a_row_of_the_logs_is_a_visit(self, read: Any, tmp_path: Path) -> None:
        (tmp_path / "attribution.yml").write_text("rules:\n- {field: network, match: tele, account: tg}\n")
        rules = read_attribution(tmp_path / "attribution.yml")
        lines = ["ym:s:visitID,ym:s:date,ym:s:lastsignSocialNetwork"]
        lines += [f"15781393839032912{n},2025-10-0{1 + n % 2},{'telegram' if n else ''}" for n in range(5)]
        found = read("\n".join([*lines, lines[-1]]), account=None, attribution=rules)
        assert found.tables["traffic"][["account_id", "visits"]].to_numpy().tolist() == [["tg", 2], ["tg", 2]]

    def test_ids_are_no_numbers_of_visits(self, read: Any) -> None:
        text = "Визиты,ym:s:date\n1578139383903291237,2025-10-01\n"
        assert "is an id and no number of visits" in refused(read, text)

    @pytest.mark.parametrize("dimension", ["ym:s:date", "ym:s:datePeriodday", "ym:s:datePerioddayName"])
    def test_answers_without_a_source(self, read: Any, dimension: str) -> None:
        rows = [{"dimensions": [{"name": f"2025-10-0{day}"}], "metrics": [day * 10, day]} for day in (1, 2)]
        query = {"ids": [1], "dimensions": [dimension], "metrics": ["ym:s:visits", "ym:s:users"]}
        days = {"date1": "2025-10-01", "date2": "2025-10-02"}
        found = read(
            {"query": {**query, **days}, "data": rows, "totals": [30, 3]}, "m.json", source="metrica"
        )
        assert found.tables["traffic"]["visits"].tolist() == [10, 20]
        assert found.tables["traffic"]["account_id"].tolist() == ["a", "a"]


class TestGoogleAnalytics:
    TOP = "# ---\n# Report\n# Account: x\n# ---\n# Start date: 20251001\n# End date: 20251002\n"

    def test_hours_add_up_to_days_and_people_do_not(self, read: Any) -> None:
        text = (
            self.TOP + "Date + hour (YYYYMMDDHH),Sessions,Total users\n"
            "2025100109,4,3\n2025100110,2,2\n2025100209,6,5\n"
        )
        rows = read(text).tables["account_stats"]
        assert rows[rows["measure"] == "sessions"]["value"].tolist() == [6.0, 6.0]
        assert rows[rows["measure"] == "total_users"]["value"].tolist() == [5.0]

    def test_cohorts_and_questions(self, read: Any) -> None:
        text = (
            self.TOP
            + "Nth day,Users\n0000,5\n0001,8\n\n# How well do you keep them?\n# Start date: 20250901\n"
        )
        text += "Date,Week 0,Week 1\nSep 1 - Sep 7,100,20\n"
        found = read(text)
        assert figures(found) == {("users", "all"): 13}
        assert not any("segment" in remark for remark in found.remarks)

    def test_a_table_without_lines_of_notes(self, read: Any) -> None:
        assert figures(read("Дата,Сеансы,Активные пользователи\n20251001,7,5\n"))["сеансы", "all"] == 7


def test_mentions_are_covered_as_the_report_says(read: Any) -> None:
    header = ["Дата", "Время", "Hash сообщения", "Источник", "Url", "Тональность"]
    row = ["10.03.2026", "14:05", "h1", "vk.com", "https://vk.com/wall-1_1", "позитив"]
    book = xlsx(Данные=[["Период: 01.03.26 16:10 - 31.03.26"]], Сообщения=[header, row])
    found = read(book, "ba.xlsx")
    assert found.coverage["mentions"] == ((dt.date(2026, 3, 2), dt.date(2026, 4, 1)),), "no part of a day"


def test_a_sentence_ends_in_no_none(read: Any) -> None:
    text = "Дата;Url;Источник;Заголовок;Тональность\n99 марта;https://x/1;x;y;нейтрально\n"
    assert refused(read, text, source="brand-analytics").endswith("found '99 марта'")


class TestYouTube:
    """Figures of a range are a video's own only where it was published within the range."""

    HEADER = "Content,Video title,Video publish time,Views,Watch time (hours),Likes\n"

    def test_older_videos_have_increments(self, read: Any) -> None:
        text = self.HEADER + 'newwwwwwwww,N,"Oct 7, 2025",30,1,3\nolddddddddd,O,"Mar 3, 2024",12,1,-4\n'
        found = read(text, **OCTOBER)
        posts = found.tables["posts"].set_index("post_id")
        assert posts.loc["newwwwwwwww", ["views", "likes"]].tolist() == [30, 3]
        assert posts.loc["olddddddddd", ["views", "likes"]].isna().all()
        rows = found.tables["post_increments"]
        assert rows[["post_id", "views", "likes"]].to_numpy().tolist() == [["olddddddddd", 12, -4]]

    def test_without_days_figures_are_unknown(self, read: Any) -> None:
        found = read(self.HEADER + 'newwwwwwwww,N,"Oct 7, 2025",30,1,3\n')
        assert "views" not in found.tables["posts"]
        assert any("give --since and --until" in remark for remark in found.remarks)

    @settings(max_examples=40, deadline=None)
    @given(
        st.lists(
            st.tuples(st.dates(dt.date(2025, 9, 1), dt.date(2025, 11, 30)), st.integers(0, 99)),
            min_size=1,
            max_size=6,
        )
    )
    def test_every_figure_is_once_in_posts_or_in_increments(
        self, tmp_path_factory: pytest.TempPathFactory, videos: list[tuple[dt.date, int]]
    ) -> None:
        path = tmp_path_factory.mktemp("yt") / "Table data.csv"
        rows = [f"video{n:06d},T,{day.isoformat()},{views},1,0" for n, (day, views) in enumerate(videos)]
        path.write_text(self.HEADER + "\n".join(rows) + "\n")
        found = SOURCES["youtube"].read([path], ImportOptions(account="a", **OCTOBER))
        young = sum(views for day, views in videos if day >= OCTOBER["since"])
        old = [views for day, views in videos if day < OCTOBER["since"]]
        assert int(found.tables["posts"]["views"].sum() if videos else 0) == young
        increments = found.tables.get("post_increments")
        assert (increments is None) == (not old)
        if increments is not None:
            assert increments["views"].tolist() == old


@given(
    st.integers(1, 10**9),
    st.integers(1, 10**9),
    st.sampled_from(
        [
            "https://vk.com/wall-{0}_{1}",
            "vk.com/feed?w=wall-{0}_{1}",
            "https://t.me/chan{0}/{1}",
            "t.me/c/{0}/{1}",
        ]
    ),
)
def test_a_link_in_a_plan_is_the_number_of_the_post(owner: int, number: int, form: str) -> None:
    assert post_in(f"готово: {form.format(owner, number)}") == str(number)


def test_on_brand_in_a_plan_and_in_posts(read: Any) -> None:
    plan = "Дата;Площадка;Тема;Статус;На бренд\n01.10.2025;ВК;x;Готово;да\n02.10.2025;ВК;y;Готово;нет\n"
    assert read(plan).tables["plan"]["on_brand"].tolist() == [True, False]
    posts = "id,date,likes,comments,reposts,views,on brand\n7,2025-10-01 12:00:00,1,0,0,5,yes\n"
    assert read(posts).tables["posts"]["on_brand"].tolist() == [True]


class TestOnePostSeveralSources:
    @settings(max_examples=25, deadline=None)
    @given(st.lists(st.integers(1, 30), min_size=1, max_size=5, unique=True))
    def test_telegram_desktop_tgstat_and_telethon_name_a_post_alike(
        self, tmp_path_factory: pytest.TempPathFactory, numbers: list[int]
    ) -> None:
        folder = tmp_path_factory.mktemp("tg")
        desktop = {"name": "К", "type": "public_channel", "id": 77, "messages": []}
        tgstat: list[dict[str, Any]] = []
        dump: list[dict[str, Any]] = []
        for number in sorted(numbers):
            at = 1759300000 + 1000 * number
            message = {
                "id": number,
                "type": "message",
                "date_unixtime": str(at),
                "from_id": "channel77",
                "text": "т",
            }
            desktop["messages"].append({**message, "text": "т"})
            item = {"id": 9000 + number, "date": at, "views": 1, "link": f"t.me/k/{number}", "channel_id": 3}
            tgstat.append(item)
            moment = dt.datetime.fromtimestamp(at, dt.UTC).isoformat()
            peer = {"_": "PeerChannel", "channel_id": 77}
            dump.append(
                {"_": "Message", "id": number, "peer_id": peer, "date": moment, "message": "т", "views": 2}
            )
        found = {}
        for name, content in {
            "telegram-desktop": desktop,
            "tgstat": {"status": "ok", "response": {"items": tgstat}},
            "telethon": dump,
        }.items():
            path = folder / f"{name}.json"
            path.write_text(json.dumps(content), encoding="utf-8")
            assert recognise(path, KNOWN).source == name
            posts = SOURCES[name].read([path], ImportOptions(account="tg-a")).tables["posts"]
            found[name] = sorted(zip(posts["post_id"], posts["published_at"], strict=True))
        assert found["telegram-desktop"] == found["tgstat"] == found["telethon"]
        assert {number for number, _ in found["tgstat"]} == set(map(str, numbers))


class TestConversations:
    def history(self, *messages: tuple[int, bool, str]) -> dict[str, Any]:
        items = [
            {"id": n, "conversation_message_id": n, "peer_id": 41, "from_id": -5 if ours else 41}
            | {"date": 1759300000 + 60 * n, "out": int(ours), "text": text}
            for n, ours, text in messages
        ]
        return {"response": {"count": len(items), "items": items}}

    def test_vk_tells_closing_thanks_and_keeps_no_text(self, read: Any) -> None:
        found = read(
            self.history((1, False, "Есть зерно?"), (2, True, "Да"), (3, False, "Спасибо!")), "m.json"
        )
        rows = found.tables["messages"]
        assert rows["by_brand"].tolist() == [False, True, False]
        assert rows["closing"].astype(object).where(rows["closing"].notna(), None).tolist() == [
            False,
            None,
            True,
        ]
        assert rows["author"].isna().tolist() == [False, True, False]
        assert "text" not in rows.columns and set(rows["dialog_id"]) == {"41"}

    @given(st.sets(st.integers(1, 12), min_size=1), st.sets(st.integers(1, 12), min_size=1))
    @settings(max_examples=25, deadline=None)
    def test_pages_that_overlap_state_the_same_rows(
        self, tmp_path_factory: pytest.TempPathFactory, one: set[int], other: set[int]
    ) -> None:
        folder = tmp_path_factory.mktemp("vk")
        paths = []
        for name, numbers in (("1", one), ("2", other)):
            path = folder / f"{name}.json"
            path.write_text(json.dumps(self.history(*((n, n % 3 == 0, "вопрос") for n in sorted(numbers)))))
            paths.append(path)
        options = ImportOptions(account="vk-a")
        both = SOURCES["vk-api"].read(paths, options).tables["messages"]
        assert set(both["message_id"]) == set(map(str, one | other)) and both["message_id"].is_unique


class TestWall:
    def post(self, number: int, author: int) -> dict[str, Any]:
        counts = {name: {"count": number} for name in ("likes", "comments", "reposts", "views")}
        return {
            "id": number,
            "owner_id": -9,
            "from_id": author,
            "date": 1759300000 + number,
            "post_type": "post",
        } | {
            "text": "x",
            **counts,
        }

    @given(st.lists(st.sampled_from([-9, 100, 200, -77]), min_size=1, max_size=8))
    @settings(max_examples=30, deadline=None)
    def test_only_posts_of_the_owner_are_the_brands(
        self, tmp_path_factory: pytest.TempPathFactory, authors: list[int]
    ) -> None:
        items = [self.post(number, author) for number, author in enumerate(authors, start=1)]
        path = tmp_path_factory.mktemp("w") / "wall.json"
        path.write_text(json.dumps({"response": {"count": len(items), "items": items}}))
        found = SOURCES["vk-api"].read([path], ImportOptions(account="vk-a"))
        own = [str(number) for number, author in enumerate(authors, start=1) if author == -9]
        assert found.tables["posts"]["post_id"].tolist() == own
        assert found.complete == {"posts"}, "as many items as the wall has"

    def test_a_page_of_several_is_not_complete(self, read: Any) -> None:
        answer = {"response": {"count": 40, "items": [self.post(3, -9)]}}
        assert read(answer, "wall.json").complete == frozenset()

    def test_without_the_group_activity_flows_are_unknown(self, read: Any) -> None:
        days = [
            {"period_from": 1759266000 + n * 86400, "period_to": 1759266000 + n * 86400 + 86399}
            for n in range(2)
        ]
        unknown = read([{**day, "reach": {"reach": 3}} for day in days], "s.json", subscribers_at_end=80)
        assert unknown.tables["audience"][["joined", "left"]].isna().all(axis=None)
        assert len(unknown.tables["audience"]) == 1, "the number given is that of the last day alone"
        assert "joined" not in set(unknown.tables["account_stats"]["measure"])
        some = [{**days[0], "reach": {"reach": 3}}, {**days[1], "activity": {"subscribed": 5}}]
        known = read(some, "s.json", subscribers_at_end=80).tables["audience"]
        assert known[["subscribers", "joined", "left"]].to_numpy().tolist() == [[75, 0, 0], [80, 5, 0]]


def test_statistics_pages_of_vk(read: Any) -> None:
    text = "Дата;Охват;Подписались;Отписались;Уникальные посетители\n"
    text += "01.10.2025;50;4;1;30\n02.10.2025;60;2;5;40\n"
    found = read(text, subscribers_at_end=200)
    assert found.platform == "vk" and figures(found)["visitors", "all"] == 70
    assert found.tables["audience"]["subscribers"].tolist() == [203, 200]
