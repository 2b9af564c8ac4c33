"""Every kind of export is recognised and read: made-up twins, and the real files where they are."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from twins import FILES, xlsx

from kpi_kit.core.errors import InputError
from kpi_kit.sources import SOURCES, Imported, ImportOptions
from kpi_kit.sources.attribution import read_attribution
from kpi_kit.sources.recognise import recognise

SAMPLES = Path(__file__).parents[3] / "shared" / "samples"
needs_samples = pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"the real exports are not at {SAMPLES}")
KNOWN = {name: source for name, source in SOURCES.items() if name != "csv"}


def read(path: Path, **options: Any) -> tuple[str, Imported]:
    source = recognise(path, KNOWN).source
    given: dict[str, Any] = {"account": "a", "brand": "b", **options}
    return source, SOURCES[source].read([path], ImportOptions(**given))


@pytest.fixture
def twin(tmp_path: Path) -> Any:
    def run(name: str, content: bytes | None = None, **options: Any) -> Imported:
        (tmp_path / name).write_bytes(FILES[name][1] if content is None else content)
        source, found = read(tmp_path / name, **options)
        assert source == FILES[name][0]
        return found

    return run


def refused(twin: Any, name: str, *changes: tuple[str, str], **options: Any) -> str:
    text = FILES[name][1].decode()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    with pytest.raises(InputError) as caught:
        twin(name, text.encode(), **options)
    return str(caught.value)


def figures(found: Imported) -> dict[tuple[str, str], float]:
    """Sums of account_stats by measure and item."""
    rows = found.tables["account_stats"]
    return {key: float(value) for key, value in rows.groupby(["measure", "item"])["value"].sum().items()}


@pytest.mark.parametrize("name", FILES)
def test_a_twin_is_recognised(name: str, tmp_path: Path) -> None:
    source, content = FILES[name]
    (tmp_path / name).write_bytes(content)
    assert recognise(tmp_path / name, KNOWN).source == source


@pytest.mark.parametrize(
    ("name", "sums"),
    [
        ("tiktok_videos.csv", {"views": 150, "likes": 13, "comments": 2, "reposts": 1}),
        ("instagram.csv", {"views": 218, "reach": 189, "likes": 4, "comments": 2, "reposts": 1}),
        ("yt_videos.csv", {"views": 150}),
        ("vk_posts.csv", {"views": 2535, "likes": 102, "comments": 1, "reposts": 4}),
        ("tgstat.json", {"views": 640, "likes": 31, "comments": 4, "reposts": 2}),
    ],
)
def test_sums_of_posts(twin: Any, name: str, sums: dict[str, int]) -> None:
    posts = twin(name, since=dt.date(2025, 1, 1), until=dt.date(2026, 2, 1)).tables["posts"]
    assert {column: int(posts[column].sum()) for column in sums} == sums
    assert posts["post_id"].is_unique


@pytest.mark.parametrize(
    ("name", "sums"),
    [
        ("tiktok_overview.csv", {"views": 1715, "reach": 900, "joined": 16, "left": 2, "net_growth": 14}),
        ("reach.csv", {"reach": 19, "visits": 5}),
        ("yt_totals.csv", {"views": 300}),
        ("ga4.csv", {"event_count": 120, "total_users": 32, "sessions": 40}),
        ("gsc.csv", {"clicks": 42, "impressions": 1600}),
        ("graph.json", {"joined": 16, "left": 8}),
    ],
)
def test_sums_of_days(twin: Any, name: str, sums: dict[str, float]) -> None:
    found = figures(twin(name))
    assert {measure: found[measure, "all"] for measure in sums} == sums


class TestYouTube:
    def test_a_table_without_days_takes_those_of_totals_with_the_same_sum(
        self, twin: Any, tmp_path: Path
    ) -> None:
        (tmp_path / "yt_totals.csv").write_bytes(FILES["yt_totals.csv"][1])
        found = twin("yt_table.csv", companions=(tmp_path / "yt_totals.csv",))
        assert figures(found)["views", "Shorts feed"] == 100
        assert found.coverage["account_stats"] == ((dt.date(2025, 2, 27), dt.date(2025, 3, 1)),)

    def test_a_file_of_totals_that_was_not_given_is_not_looked_at(self, twin: Any, tmp_path: Path) -> None:
        (tmp_path / "yt_totals.csv").write_bytes(FILES["yt_totals.csv"][1])
        assert "give --since and --until" in refused(twin, "yt_table.csv")

    def test_the_row_of_totals_decides(self, twin: Any) -> None:
        said = refused(twin, "yt_videos.csv", (",61,100,", ",61,900,"))
        assert "views: the rows add up to 950, more than the 150 of the row of totals" in said
        said = refused(twin, "yt_videos.csv", (",61,100,", ",61,10,"))
        assert "views: the rows add up to 60, the row of totals says 150" in said
        text = FILES["yt_videos.csv"][1].decode().replace(",61,100,", ",61,10,")
        days = {"since": dt.date(2025, 8, 1), "until": dt.date(2025, 10, 1)}
        posts = twin("yt_videos.csv", text.encode(), partial=True, **days).tables["posts"]
        assert posts["views"].sum() == 60

    def test_russian_titles(self, twin: Any) -> None:
        text = 'Контент,Название видео,Время публикации видео,Просмотры\nabc,Лот,28 авг. 2025 г.,"1,234"\n'
        days = {"since": dt.date(2025, 8, 1), "until": dt.date(2025, 10, 1)}
        posts = twin("yt_videos.csv", text.encode(), **days).tables["posts"]
        assert posts["views"].tolist() == [1234]
        assert posts["published_at"].tolist() == [pd.Timestamp("2025-08-27T21:00Z")]


class TestTikTok:
    def test_followers_are_reckoned_back(self, twin: Any) -> None:
        audience = twin("tiktok_overview.csv", subscribers_at_end=500).tables["audience"]
        told = audience.sort_values("date")[["subscribers", "joined", "left"]].to_numpy().tolist()
        assert told == [[496, 10, 0], [500, 6, 2]]  # 500 - 6 + 2

    def test_dates_without_a_year(self, twin: Any) -> None:
        text = '\ufeff"Date","Video Views","Profile Views"\n"31 de diciembre","5","1"\n"1 de enero","7","1"\n'
        found = twin("tiktok_overview.csv", text.encode(), until=dt.date(2026, 2, 1)).tables["account_stats"]
        days = found[found["measure"] == "views"]["since"].dt.strftime("%Y-%m-%d").tolist()
        assert days == ["2025-12-31", "2026-01-01"]
        assert "the dates have no year" in refused_text(twin, "tiktok_overview.csv", text)

    def test_the_time_of_a_video_without_a_year_is_in_its_number(self, twin: Any) -> None:
        text = FILES["tiktok_videos.csv"][1].decode().replace("2025/10/31 18:19:10", "October 31")
        posts = twin("tiktok_videos.csv", text.encode()).tables["posts"]
        assert posts["published_at"].tolist()[0] == pd.Timestamp(
            (7567452112981069079 >> 32), unit="s", tz="UTC"
        )


def refused_text(twin: Any, name: str, text: str, **options: Any) -> str:
    with pytest.raises(InputError) as caught:
        twin(name, text.encode(), **options)
    return str(caught.value)


class TestMeta:
    def test_the_day_is_that_of_the_account_whatever_the_hour(self, twin: Any) -> None:
        days = twin("reach.csv").tables["account_stats"]["since"].dt.strftime("%m-%d")
        assert days.tolist() == ["03-29", "03-30", "03-29", "03-30"]

    def test_ids_keep_all_their_digits(self, twin: Any) -> None:
        assert twin("instagram.csv").tables["posts"]["post_id"].tolist()[0] == "18355151116178767"

    def test_figures_of_days_are_no_figures_of_posts(self, twin: Any) -> None:
        assert "lifetime data" in refused(twin, "instagram.csv", (",Lifetime,52", ",03/18/2025,52"))

    def test_the_name_of_the_file_says_the_days_and_catches_swapped_dates(self, tmp_path: Path) -> None:
        path = tmp_path / "Mar-01-2025_Dec-31-2025_99.csv"
        path.write_bytes(FILES["instagram.csv"][1])
        _, found = read(path)
        assert found.coverage["posts"] == ((dt.date(2025, 3, 1), dt.date(2026, 1, 1)),)
        path.write_bytes(FILES["instagram.csv"][1].replace(b"12/01/2025", b"01/12/2025"))
        with pytest.raises(
            InputError, match="row 3: published on 2025-01-12, outside the days of the file's name"
        ):
            read(path)

    def test_a_spreadsheet_of_another_country_is_not_guessed_at(self, twin: Any) -> None:
        text = "Date;Views\n2025-02-27;1,234\n"
        with pytest.raises(InputError, match="1,234 may be a thousand or a decimal"):
            twin("yt_totals.csv", text.encode())
        found = twin("yt_totals.csv", text.replace(";1,234", ";1 234").encode())
        assert figures(found)["views", "all"] == 1234

    def test_an_american_date(self, twin: Any) -> None:
        posts = twin("instagram.csv").tables["posts"]
        assert posts["published_at"].tolist()[1] == pd.Timestamp("2025-12-01T18:50Z")


class TestVisits:
    RULES = (
        "rules:\n- {field: utm_source, match: ^vk, account: vk-a}\n- {field: utm_source, match: "
        "^tg, account: tg-a}\n"
        "- {field: network, match: ВКонтакте, account: vk-a}\n- {field: source_medium, match: "
        "^vk, account: vk-a}\n"
        "stages: {not_qualified: [не реализовано]}\n"
    )

    @pytest.fixture
    def rules(self, tmp_path: Path) -> Any:
        (tmp_path / "attribution.yml").write_text(self.RULES, encoding="utf-8")
        return read_attribution(tmp_path / "attribution.yml")

    @pytest.mark.parametrize(
        ("name", "rows", "left_out"),
        [
            ("metrica.csv", [["vk-a", 20], ["vk-a", 20]], "network 'Telegram' (1)"),
            ("metrica.json", [["tg-a", 5], ["vk-a", 20], ["vk-a", 20]], None),
            ("ga4_social.csv", [["vk-a", 7], ["vk-a", 5]], "source_medium 'google / organic' (1)"),
        ],
    )
    def test_rules_tell_the_account(
        self, twin: Any, rules: Any, name: str, rows: list[Any], left_out: str | None
    ) -> None:
        found = twin(name, attribution=rules)
        assert found.tables["traffic"][["account_id", "visits"]].to_numpy().tolist() == rows
        assert any(left_out in remark for remark in found.remarks) if left_out else True

    def test_totals_of_metrica_decide(self, twin: Any) -> None:
        assert "the rows add up to 55, more than the 45" in refused(
            twin, "metrica.csv", ('"Telegram","5"', '"Telegram","15"')
        )
        assert "the rows add up to 44, the row of totals says 45" in refused(
            twin, "metrica.json", ("5.0,\n    5.0", "4.0,\n    4.0")
        )

    def test_leads_by_rules(self, twin: Any, rules: Any) -> None:
        found = twin("amocrm_export_leads_2025-04-02.csv", account=None, attribution=rules)
        leads = found.tables["leads"]
        assert leads[["lead_id", "account_id"]].to_numpy().tolist() == [["11", "vk-a"], ["12", "tg-a"]]
        assert any(
            "1 row left out, as no rule of attribution.yml matches: nothing (1)" in each
            for each in found.remarks
        )

    def test_without_rules_and_account_leads_are_refused(self, twin: Any) -> None:
        assert "--account is missing" in refused(twin, "amocrm_export_leads_2025-04-02.csv", account=None)


class TestSegments:
    """Segments and comparisons of Google Analytics overlap: one is read."""

    BLOCK = "# {}\n# Start date: 20251001\n# End date: 20251031\nDate,Event count\n20251001,{}\n20251002,{}\n"
    TOP = "# ---\n# Report CSV Export\n# Account: A\n# Property: x - GA4\n# ---\n#\n"
    COLUMN = (
        "# ---\n# Free form 1\n# Account: GA4\n# ---\n# Start date: 20251001\n# End date: 20251002\n"
        "Segment,Date,Session source / medium,Sessions\nAll Users,20251001,vk / social,9\n"
        "Mobile,20251001,vk / social,7\n,,,16,Grand total\n"
    )

    def text(self, *names: str) -> str:
        blocks = (self.BLOCK.format(name, 10**n, 2 * 10**n) for n, name in enumerate(names))
        return self.TOP + "\n".join(blocks)

    def test_that_of_everybody_unless_another_is_named(self, twin: Any) -> None:
        text = self.text("Mobile", "All Users").encode()
        found = twin("ga4.csv", text)
        assert figures(found) == {("event_count", "all"): 30}
        assert any(
            "'All Users' is read (--segment says otherwise); left out: 'Mobile'" in each
            for each in found.remarks
        )
        assert figures(twin("ga4.csv", text, segment="mobile")) == {("event_count", "all"): 3}

    def test_without_everybody_one_must_be_named(self, twin: Any) -> None:
        said = refused_text(twin, "ga4.csv", self.text("Mobile", "Desktop"))
        assert "for the segments 'Mobile', 'Desktop', which overlap" in said and "with --segment" in said
        said = refused_text(twin, "ga4.csv", self.text("Mobile", "Desktop"), segment="TV")
        assert said.endswith("with --segment, found 'TV'")

    def test_a_table_without_a_name_is_of_the_segment_above(self, twin: Any) -> None:
        later = self.BLOCK.format("All Users", 3, 4).partition("\n")[2].replace("202510", "202512")
        found = twin("ga4.csv", f"{self.text('All Users')}\n{later}".encode())
        assert figures(found) == {("event_count", "all"): 1 + 2 + 3 + 4}

    def test_one_alone_is_told(self, twin: Any) -> None:
        assert any(
            "of the segment 'Mobile' alone" in each
            for each in twin("ga4.csv", self.text("Mobile").encode()).remarks
        )

    def test_a_column_of_segments_is_not_added_up(self, twin: Any) -> None:
        found = twin("ga4_social.csv", self.COLUMN.encode())
        assert found.tables["traffic"]["visits"].tolist() == [9]
        assert figures(found) == {("sessions", "vk / social"): 9}


class TestRenamed:
    """A column under another title is named where one that would be read is missing."""

    def test_one_that_may_be_missing(self, twin: Any) -> None:
        text = FILES["instagram.csv"][1].decode().replace("Views,Reach", "View,Reach")
        remarks = twin("instagram.csv", text.encode()).remarks
        assert any(
            "column 'View' is not read, but looks like 'Views', which would fill views" in each
            for each in remarks
        )
        assert not any("looks like" in each for each in twin("instagram.csv").remarks)

    def test_one_that_is_needed(self, tmp_path: Path) -> None:
        path = tmp_path / "x.csv"
        path.write_bytes(FILES["tiktok_videos.csv"][1].replace(b"Video link", b"Video link (URL)"))
        with pytest.raises(InputError) as caught:
            recognise(path, KNOWN)
        told = str(caught.value)
        assert "nearest is tiktok: videos of TikTok, but column 'Video link' is missing" in told
        assert "'Video link (URL)' may be it, under another title" in told


class TestLeads:
    def test_sums_without_a_currency_are_told(self, twin: Any) -> None:
        name = "amocrm_export_leads_2025-04-02.csv"
        told = "1 with a sum but no currency: it stays unknown, and reports take it for the department's"
        found = twin(name)
        assert found.tables["leads"]["currency"].isna().all()
        assert any(told in each for each in found.remarks)
        assert not any("a currency" in each for each in twin(name, currency="RUB").remarks)

    def test_amocrm(self, twin: Any) -> None:
        leads = (
            twin("amocrm_export_leads_2025-04-02.csv", currency="RUB").tables["leads"].set_index("lead_id")
        )
        assert leads.loc["11", ["qualified", "sale_amount", "currency"]].tolist() == [True, 350000.0, "RUB"]
        assert leads.loc["11", "sold_at"] == pd.Timestamp("2025-04-01T09:00Z")
        assert leads.loc[["12", "13"], ["sold_at", "sale_amount"]].isna().all(axis=None)

    def test_rows_of_products_count_once_and_their_sum_is_unknown(self, twin: Any) -> None:
        leads = twin("bitrix.csv").tables["leads"].set_index("lead_id")
        assert leads.index.tolist() == ["deal:7", "deal:8", "deal:9"]
        assert pd.isna(leads.loc["deal:7", "sale_amount"]) and leads.loc["deal:8", "sale_amount"] == 1200.5
        assert leads.loc["deal:8", "currency"] == "RUB"
        assert leads["status"].tolist() == ["won", "won", "open"]

    def test_a_web_page_named_xls(self, twin: Any, tmp_path: Path) -> None:
        rows = [
            line.lstrip("\ufeff")[1:-2].split('";"') for line in FILES["bitrix.csv"][1].decode().splitlines()
        ]
        page = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
        (tmp_path / "deals.xls").write_text(f"<html><table>{page}</table></html>", encoding="utf-8")
        source, found = read(tmp_path / "deals.xls")
        assert source == "bitrix24" and len(found.tables["leads"]) == 3


def test_wordstat_spans(twin: Any) -> None:
    spans = {
        name: twin(f"wordstat_{name}.csv")
        .tables["brand_queries"][["since", "until"]]
        .iloc[0]
        .dt.strftime("%m-%d")
        .tolist()
        for name in ("months", "weeks", "days")
    }
    assert spans == {"months": ["08-01", "09-01"], "weeks": ["10-06", "10-13"], "days": ["06-29", "06-30"]}
    rows = twin("wordstat_months.csv").tables["brand_queries"]
    assert rows["queries"].tolist() == [2895024, 968] and set(rows["phrase"]) == {"кофе в зёрнах"}


def test_mentions(twin: Any) -> None:
    rows = twin("brand_analytics.csv").tables["mentions"]
    assert rows[["mention_id", "platform", "sentiment"]].to_numpy().tolist() == [
        ["m1", "vk", "positive"],
        ["m2", "telegram", "negative"],
    ]
    assert rows["mentioned_at"].tolist()[0] == pd.Timestamp("2025-10-01T11:05Z")
    assert twin("youscan.csv").tables["mentions"]["sentiment"].tolist() == ["positive", "negative"]


def test_a_plan(twin: Any) -> None:
    plan = twin("plan.csv").tables["plan"]
    assert plan["approved"].tolist() == [True, False, False]
    assert plan["post_id"].tolist()[0] == "101"
    assert plan["cancelled_at"].notna().tolist() == [False, False, True]
    assert "status 'почти'" in refused(twin, "plan.csv", ("Опубликовано", "почти"))


def test_members_of_a_graph(twin: Any) -> None:
    """1000 at the end of the second day, the last with both figures: 1000 - 5 + 6 = 1001 the day before."""
    audience = twin("graph.json", subscribers_at_end=1000).tables["audience"]
    assert audience["subscribers"].tolist() == [1001, 1000]


def test_two_spans_beside_each_other(twin: Any) -> None:
    found = twin("gsc_compared.csv", since=dt.date(2025, 7, 1), until=dt.date(2025, 10, 1))
    assert figures(found)["clicks", "обжарка"] == 9


class TestWorkbooks:
    def test_mentions_below_a_cover_on_the_second_sheet(self, tmp_path: Path) -> None:
        """Brand Analytics: a cover first, then the messages, whose header is not in row 1."""
        header = "Дата Время Hash_сообщения Текст Источник Url Тональность".replace("_", "\u00a0").split(" ")
        rows: list[list[str | float]] = [
            ["Отчёт"],
            [*header],
            ["01.10.2025", "14:05", "h1", "Вкусно", "vk.com", "https://vk.com/wall-1_1", "позитив"],
        ]
        (tmp_path / "ba.xlsx").write_bytes(xlsx(Обложка=[["Обжарка"], ["Период", "октябрь"]], Сообщения=rows))
        source, found = read(tmp_path / "ba.xlsx")
        assert source == "brand-analytics"
        assert found.tables["mentions"]["mention_id"].tolist() == ["h1"]

    def test_whole_numbers_are_whole_and_long_ids_are_warned_of(self, tmp_path: Path) -> None:
        rows: list[list[str | float]] = [
            ["ID", "Название сделки", "Бюджет ₽", "Дата создания", "Дата закрытия", "Этап сделки"],
            [11.0, "Зерно", 1200.5, "22.03.2025 13:32:57", "01.04.2025 12:00:00", "Успешно реализовано"],
            [18355151116178767.0, "Опт", 5.0, "22.03.2025 13:32:57", "не закрыта", "Первичный контакт"],
        ]
        (tmp_path / "deals.xlsx").write_bytes(xlsx(Сделки=rows))
        source, found = read(tmp_path / "deals.xlsx")
        assert source == "amocrm"
        leads = found.tables["leads"]
        assert leads["lead_id"].tolist()[0] == "11"
        assert leads[["sale_amount", "currency"]].iloc[0].tolist() == [1200.5, "RUB"], (
            "the sign is in the title"
        )
        assert any("1 id such as 1.8E+16" in remark for remark in found.remarks)


class TestRecognition:
    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b"", "the file is empty"),
            (b"a,b\n1,2\n", "not recognised as any of"),
            (b"hello", "not recognised as any of"),
            (b"\x00\x01", "not a text file"),
            (b"PK\x03\x04nothing", "cannot be read"),
            (b"{}", "not recognised"),
            (b'{"a": [1, 2', "not recognised"),
        ],
    )
    def test_one_sentence(self, tmp_path: Path, content: bytes, words: str) -> None:
        (tmp_path / "x.csv").write_bytes(content)
        with pytest.raises(InputError) as caught:
            recognise(tmp_path / "x.csv", KNOWN)
        (said,) = caught.value.problems
        assert words in said and "x.csv" in said

    def test_two_kinds_are_not_guessed_between(self, tmp_path: Path) -> None:
        path = tmp_path / "x.csv"
        path.write_text("Date,Views,Watch time (hours)\n2025-10-01,5,1\n")
        same = {"youtube": SOURCES["youtube"], "videos": SOURCES["youtube"]}
        with pytest.raises(
            InputError, match=r"could be videos .* or youtube .*: name the source in place of auto"
        ):
            recognise(path, same)


# --- the real files: counted with awk, csv.DictReader or by eye


@needs_samples
@pytest.mark.parametrize(
    ("name", "source", "table", "rows", "sums"),
    [
        (
            "tiktok/vintage_business_videos.csv",
            "tiktok",
            "posts",
            51,
            {"views": 538_938, "likes": 7_481, "reposts": 1_985},
        ),
        (
            "meta/oigetit_instagram_content.csv",
            "meta",
            "posts",
            78,
            {"views": 10_931, "reach": 7_783, "likes": 274},
        ),
        (
            "vk/redstone_posts_from_api.csv",
            "vk-posts",
            "posts",
            3072,
            {"views": 27_008_486, "likes": 1_871_871},
        ),
        (
            "wordstat/lljih_wordstat_dynamic_monthly.csv",
            "wordstat",
            "brand_queries",
            24,
            {"queries": 78_540_373},
        ),
        (
            "wordstat/axisrow_dynamics_daily_mid_freq.csv",
            "wordstat",
            "brand_queries",
            18,
            {"queries": 23_579},
        ),
    ],
)
def test_a_real_table(name: str, source: str, table: str, rows: int, sums: dict[str, int]) -> None:
    recognised, found = read(SAMPLES / name)
    assert recognised == source
    frame = found.tables[table]
    assert len(frame) == rows
    assert {column: int(frame[column].sum()) for column in sums} == sums


@needs_samples
@pytest.mark.parametrize(
    ("name", "source", "sums"),
    [
        (
            "tiktok/vintage_business_overview.csv",
            "tiktok",
            {"views": 521_491, "reach": 505_414, "joined": 409, "left": 7},
        ),
        ("meta/oigetit_Reach_utf16.csv", "meta", {"reach": 10_734}),
        ("youtube/rehan_totals.csv", "youtube", {"views": 489_680}),
        ("youtube/rehan_chart_data.csv", "youtube", {"views": 489_665}),
        ("youtube/rehan_table_data.csv", "youtube", {"views": 489_665, "impressions": 3_279_288}),
        (
            "ga4/bubniak_data-export.csv",
            "ga4",
            {"event_count": 1_003_468, "total_users": 283_560, "new_users": 242_119},
        ),
        ("gsc/imanhamdan_Dates.csv", "search-console", {"clicks": 1_211_534, "impressions": 32_071_013}),
        (
            "telegram/tgcontest_followers_joined_left.json",
            "telegram-graphs",
            {"joined": 746_460, "left": 823_930},
        ),
    ],
)
def test_real_figures_of_days(name: str, source: str, sums: dict[str, float]) -> None:
    recognised, found = read(SAMPLES / name, companions=(SAMPLES / "youtube/rehan_totals.csv",))
    assert recognised == source
    told = found.tables["account_stats"].groupby("measure")["value"].sum()
    assert {measure: told[measure] for measure in sums} == sums


@needs_samples
def test_every_real_file_is_recognised() -> None:
    files = [path for path in SAMPLES.rglob("*") if path.suffix in (".csv", ".json")]
    assert len(files) == 24
    expected = {"vk": "vk-api", "gsc": "search-console", "telegram": "telegram-desktop"}
    for path in files:
        source = recognise(path, KNOWN).source
        wanted = expected.get(path.parent.name, path.parent.name)
        assert source == wanted or path.name in (
            "redstone_posts_from_api.csv",
            "tgcontest_followers_joined_left.json",
        ), path
