"""Files made to fill memory, to loop or to lead elsewhere: refused in a sentence, in bounds, every one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpi_kit.core.errors import InputError, KitError
from kpi_kit.core.yaml_io import MOST_BYTES, read_yaml
from kpi_kit.data import validate
from kpi_kit.data.store import look, open_store
from kpi_kit.data.table_source import connect, literal, quoted
from kpi_kit.sources.recognise import unpack
from kpi_kit.sources.size_limits import LONGEST_NUMBER, JsonGuard
from tests.bombs import BOMBS, MOST_MEMORY, MOST_SECONDS, workbook
from tests.builders import write_csv, write_data

ROOT = Path(__file__).parents[1]
ZONE = "Europe/Moscow"
DATABASE = connect("UTC")

# ---------------------------------------------------------------- exports


@pytest.fixture(scope="module")
def attempts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, float | str]]:
    """What came of every bomb; a process that dies of one says nothing of it, nor of those after it."""
    program = [sys.executable, str(ROOT / "tests" / "bombs.py"), str(tmp_path_factory.mktemp("bombs"))]
    done = subprocess.run(program, capture_output=True, text=True, timeout=300, check=False)
    found: dict[str, dict[str, float | str]] = {}
    for line in done.stdout.splitlines():
        found |= json.loads(line)
    return found


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_in_a_sentence_with_little_memory_and_time(name: str, attempts) -> None:
    tried = attempts[name]
    said = str(tried["said"])
    assert name in said
    assert "\n" not in said
    assert said not in ("imported", "")
    assert tried["memory"] < MOST_MEMORY
    assert tried["seconds"] < MOST_SECONDS


@pytest.mark.parametrize(
    "name", ["../../evil.csv", "/evil.csv", "a/../../evil.csv", "C:\\evil.csv", "evil.csv/"]
)
def test_an_archive_writes_nothing_elsewhere(name: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("posts.csv", "a,b\n1,2\n")
        archive.writestr(name, "a,b\n1,2\n")
    scratch = tmp_path / "deep" / "scratch"
    found = unpack([tmp_path / "a.zip"], scratch)
    assert all(path.resolve().is_relative_to(scratch) for path, _ in found)
    files = {path for path in tmp_path.rglob("*") if path.is_file()}
    assert files == {tmp_path / "a.zip", *(path for path, _ in found)}


def test_an_honest_workbook_is_no_bomb(tmp_path: Path) -> None:
    from kpi_kit.sources.raw_tables import raw_tables

    workbook(
        tmp_path / "a.xlsx", '<row r="1"><c r="A1"><v>1</v></c></row><row r="9"><c r="C9"><v>2</v></c></row>'
    )
    (grid,) = raw_tables(tmp_path / "a.xlsx")
    assert list(grid.records("\0")) == [(1, ["1", "", ""]), (9, ["", "", "2"])]


@pytest.mark.parametrize(
    ("chunks", "fine"),
    [
        ([], True),
        ([b""], True),
        ([b"1" * LONGEST_NUMBER], True),
        ([b"1" * (LONGEST_NUMBER + 1)], False),
        ([b"[" + b"1" * 3000, b"1" * 1001], False),
        ([b"[" + b"1" * 3000, b"," + b"1" * 1001], True),
        ([b"1" * 2000, b"1" * 1500, b"1" * 501], False),
        ([b"[" * 9000, b"]" * 9000, b"[" * 9000], True),
        ([b"[" * 9000, b'{"a":' * 1001], False),
        ([b"]" * 99_999, b"[" * 10_000], True),
    ],
)
def test_long_numbers_and_deep_nesting_are_seen_across_chunks(chunks: list[bytes], fine: bool) -> None:
    guard = JsonGuard(Path("a.json"))
    try:
        for chunk in chunks:
            guard.look(chunk)
        assert fine
    except InputError as fault:
        assert not fine
        assert str(fault).startswith("a.json: not valid JSON (")


# ---------------------------------------------------------------- YAML

ALIASES = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{after}: &{after} [{', '.join([f'*{before}'] * 10)}]\n"
    for before, after in zip("abcdefgh", "bcdefghi", strict=True)
)
MERGES = "a: &a {x: 1}\n" + "".join(
    f"{after}: &{after}\n  <<: [{', '.join([f'*{before}'] * 10)}]\n"
    for before, after in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ALIASES, "expected up to 50000 values, aliases counted out; found "),
        (MERGES, "expected up to 50000 values, aliases counted out; found "),
        ("a: &a [*a]", "line 1: an alias stands inside of what it names"),
        ("[" * 41 + "]" * 41, "line 1: nested too deeply, at most 40 levels"),
        ("[" * 5000, "nested too deeply, at most 40 levels"),
        ("a: 1\nb: 2\na: 3", 'line 3: this is not YAML that can be read: found duplicate key "a"'),
        ("x: [{a: 1, a: 2}]", 'line 1: this is not YAML that can be read: found duplicate key "a"'),
        ("a: " + "x" * MOST_BYTES, "expected up to 256 kB, found a larger file"),
        ("a: 1\n---\nb: 2", "but found another document"),
        ('a: !!python/object/apply:os.system ["true"]', "could not determine a constructor for the tag"),
        ("a: !!bool maybe", "this is not YAML that can be read"),
        ("a: " + "9" * 5000, "this is not YAML that can be read: Exceeds the limit"),
    ],
)
def test_yaml_that_is_no_persons_file_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "a.yml").write_text(text)
    with pytest.raises(KitError) as caught:
        read_yaml(tmp_path / "a.yml")
    assert said in str(caught.value)
    assert len(str(caught.value)) < 400
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "found"),
    [("", None), ("7", 7), ("a: &a [1, 2]\nb: *a", {"a": [1, 2], "b": [1, 2]}), ("[" * 40 + "]" * 40, ...)],
)
def test_yaml_within_the_bounds_is_read(tmp_path: Path, text: str, found: object) -> None:
    (tmp_path / "a.yml").write_text(text)
    assert read_yaml(tmp_path / "a.yml") == found or found is ...


# ---------------------------------------------------------------- data folders


def agency(folder: Path) -> Path:
    return write_csv(
        folder,
        accounts="account_id,platform,title\na,vk,A\n",
        posts="post_id,account_id,published_at\n1,a,2025-10-01\n",
    )


def test_a_link_out_of_the_data_folder_is_refused_and_one_within_is_not(tmp_path: Path) -> None:
    data = agency(tmp_path / "data")
    (tmp_path / "secret.csv").write_text("comment_id,post_id,account_id,created_at,by_brand\n")
    (data / "comments.csv").symlink_to(tmp_path / "secret.csv")
    (data / "kept").mkdir()
    (data / "posts.csv").rename(data / "kept" / "p.csv")
    (data / "posts.csv").symlink_to(Path("kept") / "p.csv")
    with look(data, ZONE) as store:
        assert set(store.sources) == {"accounts", "posts"}
        assert len(store.frame("posts")) == 1
        (fault,) = store.faults
    assert fault.startswith(f"{data / 'comments.csv'}: is a link that leads out of the data folder, to ")


def test_a_link_among_the_parts_is_refused(tmp_path: Path) -> None:
    data = agency(tmp_path / "data")
    (data / "comments" / "month=2025-10").mkdir(parents=True)
    (data / "comments" / "month=2025-10" / "part.parquet").symlink_to("/etc/passwd")
    with pytest.raises(InputError, match="leads out of the data folder, to /etc/passwd"):
        open_store(data, ZONE)


def test_the_data_folder_itself_may_be_a_link(tmp_path: Path) -> None:
    agency(tmp_path / "data")
    (tmp_path / "link").symlink_to(tmp_path / "data")
    with open_store(tmp_path / "link", ZONE) as store:
        assert len(store.frame("posts")) == 1


def test_what_is_no_file_is_refused_and_never_waited_for(tmp_path: Path) -> None:
    data = agency(tmp_path / "data")
    os.mkfifo(data / "comments.csv")
    with pytest.raises(InputError, match="an ordinary file is expected"):
        open_store(data, ZONE)


@pytest.mark.parametrize("header", ["c," * 10_000_000, "x" * 20_000_000, "post_id," * 9_000 + "post_id"])
def test_a_header_without_end_is_refused(tmp_path: Path, header: str) -> None:
    data = agency(tmp_path / "data")
    (data / "comments.csv").write_text(f"{header}\n1\n")
    with pytest.raises(InputError, match="file cannot be read: its first line is longer"):
        open_store(data, ZONE)


@pytest.mark.parametrize(
    "accounts",
    [
        b"account_id,platform,title\na,vk,one\rtwo\n",  # a line end of another kind, without quotes
        b"account_id,platform,title\na,vk," + b"x" * 3_000_000 + b"\n",
        b"account_id,platform,title\n" + b"a,vk,x\n" * 20_000 + b"a,vk,\xff\n",
        b'account_id,platform,title\na,vk,"x\n',
    ],
)
def test_a_table_that_is_broken_inside_is_named_in_a_sentence(tmp_path: Path, accounts: bytes) -> None:
    write_csv(tmp_path, accounts=accounts)
    with open_store(tmp_path, ZONE) as store:
        (problem, *_) = validate.problems(store)
    assert problem.startswith(f"{tmp_path / 'accounts.csv'}: ")
    assert len(problem) < 400
    assert "\n" not in problem


def test_a_parquet_that_breaks_off_is_named_in_a_sentence(tmp_path: Path) -> None:
    rows = [{"account_id": str(n), "platform": "vk", "title": str(n * n)} for n in range(5000)]
    file = write_data(tmp_path, {"accounts": rows}, fmt="parquet") / "accounts.parquet"
    content = file.read_bytes()
    file.write_bytes(content[:200] + b"\xff" * 400 + content[600:])
    with open_store(tmp_path, ZONE) as store:
        (problem,) = validate.problems(store)
        with pytest.raises(InputError, match="cannot be read to its end"):
            store.frame("accounts")
    assert problem.startswith(f"{file}: cannot be read to its end: ")


@pytest.mark.parametrize(
    ("rows", "held"),
    [
        ("'x' AS text FROM range(5_000_000)", "5000000 rows"),
        ("repeat('x', 3_000_000) AS text FROM range(100) t(i)", "texts of 286 MB"),
        ("i || repeat('x', 3_000_000) AS text FROM range(100) t(i)", "286 MB"),
    ],
)
def test_a_parquet_of_too_many_rows_for_its_size_is_refused_before_it_is_read(
    rows: str, held: str, tmp_path: Path
) -> None:
    data = agency(tmp_path)
    (data / "posts.csv").unlink()
    file = data / "posts.parquet"
    post = "SELECT '1' AS post_id, 'a' AS account_id, DATE '2025-10-01' AS published_at"
    duckdb.execute(f"COPY ({post}, {rows}) TO {literal(str(file))} (FORMAT parquet, COMPRESSION zstd)")
    with look(data, ZONE) as store:
        (fault,) = store.faults
    assert fault.startswith(f"{file}: holds {held} in ")
    assert fault.endswith(" kB, more than real rows would; not read, export it again")


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("{'a': 1}", "expected one value a cell, found the type STRUCT(a INTEGER)"),
        ("[1]", "expected one value a cell, found the type INTEGER[]"),
        ("'a'::BLOB", "expected one value a cell, found the type BLOB"),
        ("1.0::DOUBLE", "expected a text or whole numbers, found the type DOUBLE"),
    ],
)
def test_a_column_of_a_type_that_is_no_cell_is_refused(cell: str, said: str, tmp_path: Path) -> None:
    data = agency(tmp_path)
    (data / "posts.csv").unlink()
    rows = f"SELECT {cell} AS post_id, 'a' AS account_id, DATE '2025-10-01' AS published_at"
    duckdb.execute(f"COPY ({rows}) TO {literal(str(data / 'posts.parquet'))} (FORMAT parquet)")
    with look(data, ZONE) as store:
        assert store.faults == (f"{data / 'posts.parquet'}: column post_id: {said}",)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    (tmp_path / "outside.csv").write_text("x\n1\n")
    with open_store(agency(tmp_path / "data"), ZONE) as opened:
        yield opened.connection


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('{outside}')",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM '{data}/../outside.csv'",
        "COPY (SELECT 1) TO '{outside}'",
        "ATTACH '{outside}' AS other",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SELECT * FROM read_csv('http://127.0.0.1:9/a.csv')",
        "SET enable_external_access = true",
        "SET allowed_directories = ['/']",
        "RESET lock_configuration",
    ],
)
def test_queries_reach_nothing_but_the_data_folder(sql: str, store, tmp_path: Path) -> None:
    with pytest.raises(duckdb.Error):
        store.execute(sql.format(outside=tmp_path / "outside.csv", data=tmp_path / "data"))
    assert (tmp_path / "outside.csv").read_text() == "x\n1\n"


def test_a_database_cannot_show_files_by_its_views(tmp_path: Path) -> None:
    (tmp_path / "outside.csv").write_text("account_id,platform,title\na,vk,secret\n")
    with duckdb.connect(tmp_path / "d.duckdb") as made:
        made.execute(f"CREATE VIEW accounts AS SELECT * FROM read_csv('{tmp_path / 'outside.csv'}')")
    refused = pytest.raises(InputError, match="cannot be read to its end: Permission Error")
    with open_store(tmp_path / "d.duckdb", ZONE) as store, refused:
        store.frame("accounts")


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20))
def test_what_stands_in_sql_as_a_text_or_a_name_is_nothing_else(text: str) -> None:
    name = text or "x"
    found = DATABASE.execute(f"SELECT {literal(text)} AS {quoted(name)}")
    assert found.description[0][0] == name
    assert found.fetchone() == (text,)
