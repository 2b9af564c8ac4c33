"""CSV files of other layouts, made up here; the sums of the real sample come from csv.DictReader and awk."""

import datetime as dt
import re
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpi_kit.core.errors import InputError
from kpi_kit.core.phrases import Phrase, in_language
from kpi_kit.core.schema import TABLES
from kpi_kit.sources import SOURCES, Imported, ImportOptions
from kpi_kit.sources.cell_values import parse_cell, parse_number

SAMPLES = Path(__file__).parents[3] / "shared" / "samples" / "vk"
needs_samples = pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"the real exports are not at {SAMPLES}")

MAPPING = "columns: {post_id: id, published_at: date, likes: likes}\ntimezone: Europe/Moscow\nconstants: {}\n"
HEADER = "id,date,likes\n"


@pytest.fixture
def imported(tmp_path: Path) -> Any:
    def run(*files: str | bytes, mapping: str = MAPPING, **options: Any) -> Imported:
        (tmp_path / "mapping.yml").write_text(mapping, encoding="utf-8")
        paths = [tmp_path / f"export{number}.csv" for number, _ in enumerate(files)]
        for path, content in zip(paths, files, strict=True):
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        given = {"account": "vk-roastery", "table": "posts", "mapping": tmp_path / "mapping.yml", **options}
        return SOURCES["csv"].read(paths, ImportOptions(**given))

    return run


def refusal(imported: Any, *files: str | bytes, **options: Any) -> list[str]:
    with pytest.raises(InputError) as caught:
        imported(*files, **options)
    return [re.sub(r"/\S*/(?=export|mapping)", "", problem) for problem in caught.value.problems]


class TestTable:
    def test_a_row(self, imported: Any) -> None:
        found = imported(HEADER + "7,2025-10-01 12:00:00,5\n")
        assert found.tables["posts"].to_dict("records") == [
            {
                "post_id": "7",
                "account_id": "vk-roastery",
                "published_at": pd.Timestamp("2025-10-01T09:00Z"),
                "likes": 5,
            }
        ]
        assert found.coverage == {}
        assert found.remarks == ("posts: 1 row from 1 row of the CSV",)

    def test_costs_of_days(self, imported: Any) -> None:
        mapping = "columns: {date: День, amount: Сумма}\nconstants: {currency: RUB}\n"
        found = imported("День;Сумма\n2025-10-01;1500,50\n2025-10-02;900\n", mapping=mapping, table="spend")
        rows = found.tables["spend"]
        assert rows["amount"].tolist() == [1500.5, 900.0]
        assert set(rows["currency"]) == {"RUB"} and set(rows["account_id"]) == {"vk-roastery"}
        assert found.remarks == ("spend: 2 rows from 2 rows of the CSV",)

    @pytest.mark.parametrize("table", TABLES)
    def test_every_table_has_a_name_in_both_languages(self, table: str) -> None:
        for language in ("ru", "en"):
            assert in_language(Phrase(f"sources.table_{table}"), language)

    def test_a_header_alone_is_an_empty_table(self, imported: Any) -> None:
        posts = imported(HEADER).tables["posts"]
        assert posts.empty
        assert [str(dtype) for dtype in posts.dtypes] == ["str", "str", "datetime64[us, UTC]", "Int64"]

    def test_every_type(self, imported: Any) -> None:
        mapping = (
            "columns: {lead_id: № , created_at: Дата, qualified: Годен, sale_amount: Бюджет}\n"
            "constants: {currency: RUB}\n"
        )
        content = "№;Дата;Годен;Бюджет\n1;01.10.2025;да;350 000,50\n2;01.10.2025;;-\n"
        leads = imported(content, mapping=mapping, table="leads").tables["leads"]
        assert leads["qualified"].tolist() == [True, pd.NA]
        assert leads["sale_amount"].tolist() == [350000.5, pd.NA]
        assert leads["currency"].tolist() == ["RUB", "RUB"]
        assert [str(leads[name].dtype) for name in ("qualified", "sale_amount")] == ["boolean", "Float64"]

    def test_days_have_no_time(self, imported: Any) -> None:
        mapping = "columns: {date: Дата, subscribers: Подписчики}\n"
        audience = imported("Дата;Подписчики\n31.10.2025;1 000\n", mapping=mapping, table="audience").tables[
            "audience"
        ]
        assert audience["date"].tolist() == [pd.Timestamp(2025, 10, 31)]
        assert str(audience["date"].dtype) == "datetime64[us]"

    def test_a_table_of_brands_needs_no_account(self, imported: Any) -> None:
        mapping = (
            "columns: {mention_id: id, mentioned_at: when, sentiment: tone}\n"
            "constants: {brand: roastery, by_brand: false}\n"
        )
        content = "id,when,tone\n1,2025-10-01T00:00:00Z,Positive\n"
        mentions = imported(content, mapping=mapping, table="mentions", account=None).tables["mentions"]
        assert mentions[["sentiment", "by_brand"]].to_numpy().tolist() == [["positive", False]]

    def test_the_account_may_stand_in_the_file(self, imported: Any) -> None:
        mapping = MAPPING.replace("{post_id", "{account_id: who, post_id")
        posts = imported("who,id,date,likes\nvk-x,1,2025-10-01,2\n", mapping=mapping, account=None).tables[
            "posts"
        ]
        assert posts["account_id"].tolist() == ["vk-x"]

    def test_fetched_at_dates_the_figures(self, imported: Any) -> None:
        fetched = dt.datetime(2025, 10, 9, tzinfo=dt.UTC)
        content = HEADER + "7,2025-10-01,5\n"
        assert imported(content, stats_at=fetched).tables["posts"]["stats_at"].tolist() == [fetched]
        early = dt.datetime(2025, 9, 9, tzinfo=dt.UTC)
        assert "row 2: published at" in refusal(imported, content, stats_at=early)[0]


class TestLayouts:
    @pytest.mark.parametrize(
        "content",
        [
            "id,date,likes\n7,2025-10-01,5\n",
            "id;date;likes\r\n7;2025-10-01;5\r\n",
            "id\tdate\tlikes\n7\t2025-10-01\t5\n",
            "id;date;likes\r7;2025-10-01;5\r",
            "sep=;\nid;date;likes\n7;2025-10-01;5\n",
            "\ufeff" + '"id";"date";"likes";\n"7";"2025-10-01";"5";\n',
            "ID , Date,\u00a0likes\n7,2025-10-01,5\n",
            "\n\nid,date,likes\n\n7,2025-10-01,5\n,,\n",
            "likes,note,id,date\n5,\"a;b;c;d\nsecond line\",7,2025-10-01\n",
            "# Report\nPeriod;October, 2025\n\nid,date,likes\n7,2025-10-01,5\n",
            "id,date,likes\nИтого,,5\n7,2025-10-01,5\n",
        ],
        ids=["comma", "semicolon, CRLF", "tab", "lone CR", "sep=", "trailing delimiter, BOM", "spaces, case",
             "blank rows", "other columns, two-line cell", "rows above the header", "totals"],
    )  # fmt: skip
    def test_the_same_row(self, imported: Any, content: str) -> None:
        posts = imported(content).tables["posts"]
        assert posts["post_id"].tolist() == ["7"] and posts["likes"].tolist() == [5]
        assert posts["published_at"].tolist() == [pd.Timestamp("2025-09-30T21:00Z")]

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1251"])
    def test_encodings(self, imported: Any, encoding: str) -> None:
        mapping = "columns: {post_id: id, published_at: Дата, text: Текст}\n"
        found = imported("id;Дата;Текст\n7;01.10.2025;Ёлка\n".encode(encoding), mapping=mapping)
        assert found.tables["posts"]["text"].tolist() == ["Ёлка"]
        assert any("read as cp1251" in remark for remark in found.remarks) == (encoding == "cp1251")

    def test_what_was_passed_over_is_told(self, imported: Any) -> None:
        content = "Отчёт\nid,date,likes\n7,2025-10-01,5\nИтого,,5\n"
        assert [remark.split(": ", 1)[1] for remark in imported(content).remarks] == [
            "1 row from 1 row of the CSV",
            "1 row above the header skipped",
            "1 row of totals skipped; the rows add up to it (likes)",
        ]

    def test_a_header_twice(self, imported: Any) -> None:
        content = "id,date,likes,Likes\n7,2025-10-01,5,6\n"
        found = imported(content)
        assert found.tables["posts"]["likes"].tolist() == [5]
        assert "the header has 'likes' twice" in found.remarks[1]
        second = MAPPING.replace("likes: likes", "likes: likes__2")
        assert imported(content, mapping=second).tables["posts"]["likes"].tolist() == [6]

    def test_ids_that_a_spreadsheet_has_cut_are_told(self, imported: Any) -> None:
        assert "1 id such as 1.8E+16" in imported(HEADER + "1.83551E+16,2025-10-01,5\n").remarks[1]

    def test_a_missing_column(self, imported: Any) -> None:
        assert refusal(imported, "id,dates,likes\n7,2025-10-01,5\n") == [
            "export0.csv: column 'date' is missing from the header; did you mean dates?"
        ]
        assert refusal(imported, "a;b\n1;2\n")[2] == (
            "export0.csv: column 'likes' is missing from the header; allowed: a, b"
        )

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            ("", "has no rows"),
            (b"\x00\x01\x02", "not a text file"),
            (b"\x98" * 9, "not a text file"),
            (HEADER + '7,"2025-10-01,5\n', "line 2: the quoting is broken"),
            (HEADER + "7,2025-10-01\n", "row 2: has 2 cells, the header has 3"),
            (HEADER + "7,2025-10-01,5,6\n", "row 2: has 4 cells, the header has 3"),
        ],
    )
    def test_one_sentence_that_names_the_file(self, imported: Any, content: str | bytes, words: str) -> None:
        (said,) = refusal(imported, content)
        assert said.startswith("export0.csv: ") and words in said


class TestCells:
    @pytest.mark.parametrize(
        ("text", "number"),
        [
            ("1 234", "1234"),
            ("1\u00a0234\u202f567", "1234567"),
            ("0,0115", "0.0115"),
            ("36.68%", "0.3668"),
            ("36,68 %", "0.3668"),
            ("-5", "-5"),
            ("\u22125", "-5"),
            ("12.0", "12"),
            *((text, "None") for text in ("", " ", "-", "—", "undefined", "NAN", "nan", "N/A")),
        ],
    )
    def test_numbers(self, text: str, number: str) -> None:
        assert str(parse_number(text)) == number

    @pytest.mark.parametrize(
        "text", ["12 34", "1,234,567", "1.2.3", "5K", "1e5", "1_000", "٣", "inf", "=1+1", "1 234 5"]
    )
    def test_no_numbers(self, text: str) -> None:
        with pytest.raises(ValueError, match="expected a number"):
            parse_number(text)

    @given(st.integers(0, 2**63 - 1), st.sampled_from(["", " ", "\u00a0", "\u2009"]))
    def test_counts_with_any_thousands_separator(self, number: int, space: str) -> None:
        written = f"{number:,}".replace(",", space)
        assert parse_cell(written, TABLES["posts"]["views"], ZoneInfo("UTC")) == number

    @pytest.mark.parametrize("text", ["1.5", "-1", "50%", "100%", "1,234", "9223372036854775808"])
    def test_no_counts(self, text: str) -> None:
        with pytest.raises(ValueError, match="expected a whole number of 0 or more"):
            parse_cell(text, TABLES["posts"]["views"], ZoneInfo("UTC"))

    @pytest.mark.parametrize(
        ("text", "moment"),
        [
            ("2025-10-31", "2025-10-30T21:00"),
            ("2025-10-31 14:05", "2025-10-31T11:05"),
            ("2025-10-31T14:05:09", "2025-10-31T11:05:09"),
            ("2025-10-31T14:05:09Z", "2025-10-31T14:05:09"),
            ("2025-10-31 14:05:09 +0500", "2025-10-31T09:05:09"),
            ("31.10.2025", "2025-10-30T21:00"),
            ("31.10.2025 14:05", "2025-10-31T11:05"),
            ("1.2.2025 4:05:09", "2025-02-01T01:05:09"),
        ],
    )
    def test_times(self, text: str, moment: str) -> None:
        found = parse_cell(text, TABLES["posts"]["published_at"], ZoneInfo("Europe/Moscow"))
        assert found == dt.datetime.fromisoformat(moment).replace(tzinfo=dt.UTC)

    @pytest.mark.parametrize(
        "text", ["31.13.2025", "2025-02-30", "10/31/2025", "20251031", "не закрыта", "45961", "31.10.25"]
    )
    def test_no_times(self, text: str) -> None:
        with pytest.raises(ValueError, match="expected a date or time such as 2025-10-31"):
            parse_cell(text, TABLES["posts"]["published_at"], ZoneInfo("Europe/Moscow"))

    def test_the_first_day_of_the_calendar(self) -> None:
        with pytest.raises(ValueError, match="within the calendar"):
            parse_cell("0001-01-01", TABLES["posts"]["published_at"], ZoneInfo("Europe/Moscow"))

    def test_a_time_with_an_offset_is_the_day_of_the_zone(self) -> None:
        found = parse_cell("2025-10-31T22:00:00Z", TABLES["audience"]["date"], ZoneInfo("Europe/Moscow"))
        assert found == dt.date(2025, 11, 1)

    @pytest.mark.parametrize(
        ("words", "flag"),
        [("true 1 yes да TRUE Да", True), ("false 0 no нет NO", False), ("- undefined", None)],
    )
    def test_flags(self, words: str, flag: bool | None) -> None:
        column = TABLES["leads"]["qualified"]
        assert {parse_cell(word, column, ZoneInfo("UTC")) for word in words.split()} == {flag}

    def test_money_is_not_negative(self) -> None:
        with pytest.raises(ValueError, match="expected a number of 0 or more"):
            parse_cell("-5", TABLES["leads"]["sale_amount"], ZoneInfo("UTC"))

    def test_closed_lists(self) -> None:
        with pytest.raises(ValueError, match="expected one of positive, neutral, negative"):
            parse_cell("позитив", TABLES["mentions"]["sentiment"], ZoneInfo("UTC"))

    def test_text_is_never_evaluated(self) -> None:
        assert parse_cell("=1+1", TABLES["posts"]["text"], ZoneInfo("UTC")) == "=1+1"

    def test_all_problems_at_once(self, imported: Any) -> None:
        content = HEADER + "7,2025-10-01,5\n8,вчера,?\n,2025-10-01,5\n9,-,5\n"
        allowed = "expected a date or time such as 2025-10-31, 2025-10-31 14:05 or 31.10.2025 14:05"
        assert refusal(imported, content) == [
            f"export0.csv: row 3: column 'date' (published_at): {allowed}, found 'вчера'",
            "export0.csv: row 3: column 'likes' (likes): expected a whole number of 0 or more, found '?'",
            "export0.csv: row 4: column 'id' (post_id): must not be empty, found ''",
            "export0.csv: row 5: column 'date' (published_at): must not be empty, found '-'",
        ]

    def test_of_very_many_alike_the_first_three_and_a_count(self, imported: Any) -> None:
        said = refusal(imported, HEADER + "7,вчера,5\n" * 70)
        assert len(said) == 4
        assert said[-1].startswith(
            "… and 67 more like this one, the last: export0.csv: row 71: column 'date'"
        )


class TestRepeatedRows:
    def test_identical_rows_are_dropped_and_counted(self, imported: Any) -> None:
        row = "7,2025-10-01,5\n"
        found = imported(HEADER + row + row, HEADER + "7,01.10.2025,5\n8,2025-10-01,\n")
        assert found.tables["posts"]["post_id"].tolist() == ["7", "8"]
        assert found.remarks == (
            "posts: 2 rows from 4 rows of the CSV",
            "posts: 2 rows identical to an earlier one dropped",
        )

    def test_rows_that_differ_are_refused(self, imported: Any) -> None:
        with pytest.raises(
            InputError, match=r"row 3: the same post_id 7 as in .*export0.csv: row 2, but likes differ$"
        ):
            imported(HEADER + "7,2025-10-01,5\n7,2025-10-01,6\n")

    def test_two_unknowns_are_the_same(self, imported: Any) -> None:
        assert len(imported(HEADER + "7,2025-10-01,\n7,2025-10-01,-\n").tables["posts"]) == 1


def test_moments_in_the_wrong_order(imported: Any) -> None:
    mapping = (
        "columns: {inquiry_id: id, received_at: asked, answered_at: answered}\nconstants: {kind: message}\n"
    )
    content = "id,asked,answered\n1,2025-10-02,2025-10-02\n2,2025-10-02,\n3,2025-10-02,2025-10-01\n"
    (said,) = refusal(imported, content, mapping=mapping, table="inquiries")
    assert said.startswith("export0.csv: row 4: answered_at 2025-09-30T21:00:00+00:00 is before received_at")


class TestMapping:
    @pytest.mark.parametrize(
        ("mapping", "problem"),
        [
            ("colums: {post_id: id}\n", "key 'colums' is unknown; did you mean columns?"),
            (MAPPING + "columns: {}\n", 'found duplicate key "columns"'),
            ("columns: [\n", "not YAML that can be read"),
            ("[" * 20_000, "nested too deeply"),
            ("just text\n", "expected the keys columns, timezone, constants, found 'just text'"),
            ("", "expected the keys columns, timezone, constants, found nothing"),
            ("constants: {likes: 5}\n", "columns is missing"),
            ("columns: id\n", "columns: expected pairs of canonical column and value, found 'id'"),
            ("columns: {post_id: id, published_at: [a]}\n", "columns: published_at: expected a header"),
            (MAPPING.replace("likes:", "like:"), "table posts has no column 'like'; did you mean likes?"),
            (MAPPING.replace("{}", "{likes: 5}"), "likes is in columns and in constants; keep one"),
            (MAPPING.replace("{}", "{views: many}"), "views: expected a whole number of 0 or more, found"),
            (MAPPING.replace("{}", "{views: [1]}"), "constants: views: expected text, a number"),
            (MAPPING.replace("{}", "{deleted_at: 2025-10-01T00:00:00+03:00}"), "expected text"),
            (MAPPING.replace("Europe/Moscow", "Moscow"), "a name such as Europe/Moscow, found 'Moscow'"),
            (MAPPING.replace("Europe/Moscow", "../etc/passwd"), "timezone: expected a name"),
            (MAPPING.replace("Europe/Moscow", "3"), "a name such as Europe/Moscow, found 3"),
            ("columns: {likes: likes, post_id: id}\n", "published_at is required in table posts: map it"),
            (MAPPING.replace("{}", "{account_id: a}"), "account_id is mapped, and --account vk-roastery is"),
        ],
    )  # fmt: skip
    def test_one_sentence_that_names_the_file(self, imported: Any, mapping: str, problem: str) -> None:
        said = refusal(imported, HEADER, mapping=mapping)
        assert any(sentence.startswith("mapping.yml") and problem in sentence for sentence in said)
        assert all("\n" not in sentence for sentence in said)

    def test_the_zone_of_the_mapping_goes_before_the_departments(self, imported: Any) -> None:
        content, zone = HEADER + "7,2025-10-01 12:00,5\n", ZoneInfo("Asia/Yekaterinburg")
        published = imported(content, timezone=zone).tables["posts"]["published_at"]
        assert published.tolist() == [pd.Timestamp("2025-10-01T09:00Z")]
        silent = MAPPING.replace("timezone: Europe/Moscow\n", "")
        published = imported(content, timezone=zone, mapping=silent).tables["posts"]["published_at"]
        assert published.tolist() == [pd.Timestamp("2025-10-01T07:00Z")]

    def test_constants_of_every_kind(self, imported: Any) -> None:
        mapping = MAPPING.replace("{}", "{on_brand: true, views: 5, deleted_at: 2025-10-02}")
        posts = imported(HEADER + "7,2025-10-01,5\n", mapping=mapping).tables["posts"]
        assert posts[["on_brand", "views"]].to_numpy().tolist() == [[True, 5]]
        assert posts["deleted_at"].tolist() == [pd.Timestamp("2025-10-01T21:00Z")]

    @pytest.mark.parametrize(
        ("options", "problem"),
        [
            ({"table": None}, "--table is missing: expected one of accounts, audience, posts"),
            ({"table": "post"}, "--table post: there is no such table to import; did you mean posts?"),
            ({"table": "coverage"}, "--table coverage: there is no such table to import"),
            ({"mapping": None}, "--map is missing"),
            ({"account": None}, "--account is missing"),
            ({"mapping": Path("/nowhere/map.yml")}, "map.yml: cannot be read"),
        ],
    )
    def test_options(self, imported: Any, options: dict[str, Any], problem: str) -> None:
        given = {"account": "a", "table": "posts", **options}
        with pytest.raises(InputError) as caught:
            if "mapping" in options:
                SOURCES["csv"].read([], ImportOptions(**given))
            imported(HEADER, **options)
        assert problem in str(caught.value)

    def test_an_account_for_a_table_of_brands(self, imported: Any) -> None:
        mapping = "columns: {mention_id: id, mentioned_at: date}\nconstants: {brand: roastery}\n"
        assert refusal(imported, HEADER, mapping=mapping, table="mentions") == [
            "--account vk-roastery: table mentions has no account_id; leave it out"
        ]


@needs_samples
def test_sample(tmp_path: Path) -> None:
    """3 073 rows, of which rows 101 and 102 are the same post 14958; the sums are of the 3 072 others."""
    mapping = tmp_path / "mapping.yml"
    mapping.write_text(
        "columns: {post_id: id, published_at: date, likes: likes, comments: comments, reposts: reposts, "
        "views: views}\n"
        "timezone: Europe/Moscow\n"
    )
    options = ImportOptions(account="vk-x", table="posts", mapping=mapping)
    found = SOURCES["csv"].read([SAMPLES / "redstone_posts_from_api.csv"], options)
    posts = found.tables["posts"]
    assert found.remarks == (
        "posts: 3,072 rows from 3,073 rows of the CSV",
        "posts: 1 row identical to an earlier one dropped",
    )
    figures = posts[["likes", "comments", "reposts", "views"]]
    assert figures.sum().tolist() == [1_871_871, 5_020, 49_882, 27_008_486]
    assert posts["published_at"].min() == pd.Timestamp("2018-09-02T09:16:42Z")
    assert posts["published_at"].max() == pd.Timestamp("2025-08-06T18:16:00Z")
