"""The command line: what it prints, where, and its exit codes."""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest
from agency import build, entry
from builders import write_params

from kpi_kit.cli.main import main
from kpi_kit.kpis import CATALOGUE
from kpi_kit.params import comment_file
from kpi_kit.report.wording import LANGUAGES, words

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT.parent / "shared" / "samples"
SAMPLE = ["--data", str(ROOT / "data/sample"), "--params", str(ROOT / "params")]


def alone(person: str, folder: Path) -> list[str]:
    """The sample with one of its people: to check all six takes seconds."""
    params = folder / "params"
    (params / "specialists").mkdir(parents=True)
    shutil.copy(ROOT / "params/department.yml", params)
    shutil.copy(ROOT / f"params/specialists/{person}.yml", params / "specialists")
    return [*SAMPLE[:2], "--params", str(params)]


def test_score_writes_only_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", *SAMPLE, "--specialist", "anna-petrova", "--period", "2025-10", "--json"]) == 0
    printed = capsys.readouterr()
    record = json.loads(printed.out)
    assert (record["specialist"], record["period"], printed.err) == ("anna-petrova", "2025-10", "")


def test_score_shows_a_table_and_the_arithmetic(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    assert main(["score", *SAMPLE, "--specialist", "maria-sokolova", "--period", "2025-10"]) == 0
    shown = capsys.readouterr().out
    assert "Мария Соколова" in shown
    assert "октябрь 2025" in shown
    assert "ниже порога" in shown
    assert "Как посчитан итог" in shown and "÷ 85 = 0,6862, то есть 68,6" in shown


def test_the_period_defaults_to_the_last_full_month(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", *SAMPLE, "--specialist", "anna-petrova", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["period"] == "2025-11"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["score", *SAMPLE, "--specialist", "ana-petrova"], 2, "did you mean anna-petrova?"),
        (["score", *SAMPLE, "--specialist", "anna-petrova", "--period", "2025-13"], 2, "2025-13"),
        (["score", *SAMPLE, "--specialist", "anna-petrova", "--as-of", "soon"], 2, "'soon'"),
        (["score", *SAMPLE, "--specialist", "anna-petrova", "--as-of", "9999-12-31"], 2, "9999-12-31"),
        (["run", *SAMPLE, "--period", "2025-10", "--as-of", "0001-01-01"], 2, "0001-01-01"),
        (["score", "--data", "nowhere", "--params", str(ROOT / "params"), "--specialist", "x"], 2, "nowhere"),
        (["check", "--params", "nowhere"], 2, "nowhere/department.yml: this file is missing"),
        (["run", *SAMPLE, "--period", "9" * 300], 2, "9" * 300),
        (["run", *SAMPLE, "--period", "2025-10", "--out", "9" * 300], 2, "reports cannot be written here"),
    ],
    ids=[
        "specialist",
        "period",
        "as-of",
        "late as-of",
        "early as-of",
        "data",
        "params",
        "long period",
        "long out",
    ],
)
def test_bad_arguments(
    arguments: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == code
    printed = capsys.readouterr()
    assert said in printed.err
    assert len(printed.err.strip().splitlines()) == 1
    assert printed.out == ""


def test_one_broken_file_fails_that_person_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = {"accounts": ["vk-roastery"], "kpis": [{"kpi": "leads", "target": {"at_least": 5}, "weight": 1}]}
    bad = {**good, "kpis": [{"kpi": "leeds", "target": {"at_least": 5}, "weight": 1}]}
    params = write_params(tmp_path / "p", {}, {"good": good, "bad": bad})
    arguments = ["--data", str(ROOT / "data/sample"), "--params", str(params), "--period", "2025-10"]
    assert main(["score", *arguments, "--specialist", "good"]) == 0
    assert main(["score", *arguments, "--specialist", "bad"]) == 1
    assert (
        "bad.yml, line 4: kpis, entry 1 (leeds): kpi: there is no KPI 'leeds'; did you mean leads?"
        in capsys.readouterr().err
    )
    assert main(["check", *arguments]) == 1
    printed = capsys.readouterr()
    assert ["Лиды", "4", "5", "6"] in cells(printed.out)
    assert "did you mean leads?" in printed.err


def test_check_reports_data_and_params_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    params = write_params(tmp_path / "p", {}, {"x": {"kpis": [{"kpi": "leeds", "target": {}, "weight": 0}]}})
    (tmp_path / "d").mkdir()
    (tmp_path / "d/accounts.csv").write_text("account_id,platform\nvk-a,vk\n")
    assert main(["check", "--data", str(tmp_path / "d"), "--params", str(params)]) == 2
    said = capsys.readouterr().err
    assert "accounts.csv: column title is missing" in said
    assert "did you mean leads?" in said


@pytest.mark.usefixtures("wide")
def test_check_says_how_to_tell_what_is_on_brand(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    due = "a,2025-10-14T12:00,true,p"
    data, params = build(
        tmp_path, [entry("plan_fulfilment")], plan=[f"i,{due}"], posts=["p,a,2025-10-14T12:00,9,1,0,0"]
    )
    assert main(["check", "--data", str(data), "--params", str(params), "--period", "2025-10"]) == 0
    assert "столбец «на бренд» (да или нет)" in capsys.readouterr().out


def test_a_misspelt_table_is_a_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(ROOT / "data/sample", tmp_path / "d")
    (tmp_path / "d/post.csv").write_text("post_id\n")
    assert main(["check", *alone("timur-safin", tmp_path), "--data", str(tmp_path / "d")]) == 0
    assert "post.csv: not read, there is no table 'post'; did you mean posts?" in capsys.readouterr().err


def test_a_semicolon_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As Excel in Russian saves a table, in cp1251."""
    shutil.copytree(ROOT / "data/sample", tmp_path / "d")
    text = (tmp_path / "d/posts.csv").read_text(encoding="utf-8").replace(",", ";")
    (tmp_path / "d/posts.csv").write_bytes(text.encode("cp1251", errors="replace"))
    assert main(["check", "--data", str(tmp_path / "d"), "--params", str(ROOT / "params")]) == 2
    said = capsys.readouterr().err.splitlines()
    assert [line.split("posts.csv: ")[1] for line in said] == [
        "looks separated by ';', a comma is expected; python -m kpi_kit import csv reads such files"
    ]


def test_check_names_a_bad_comment(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = alone("timur-safin", tmp_path)
    for name in ("timur-safin", "department"):
        file = comment_file(tmp_path / "params", "2025-10", name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"a" * 5000)
    assert main(["check", *asked, "--period", "2025-10"]) == 1
    assert capsys.readouterr().err.count("expected up to 4 kB") == 2


def cells(printed: str) -> list[list[str]]:
    """The cells of the rows of printed tables."""
    lines = [line.replace("\u202f", " ").replace("\u00a0", " ") for line in printed.splitlines()]
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines if line.startswith("│")]


@pytest.fixture
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal in which no row is wrapped."""
    monkeypatch.setenv("COLUMNS", "300")


@pytest.mark.usefixtures("wide")
def test_check_prints_the_findings_then_where_payout_starts(capsys: pytest.CaptureFixture[str]) -> None:
    """Anna's churn: at_most 3 %, worst 6 %; 0.8 of the way from 6 to 3 is 3.6, 1.2 is 2.4."""
    assert main(["check", *SAMPLE, "--period", "2025-10"]) == 0
    printed = capsys.readouterr().out
    lines, rows = printed.splitlines(), cells(printed)
    assert lines[0] == "Период: октябрь 2025 (2025-10)"
    findings = [row for row in rows if len(row) == 3]
    assert rows[: len(findings)] == findings and 4 <= len(findings) <= 8
    assert f"{len(findings)} замечаний" in lines[1]
    sentences = {(who, kpi): text for who, kpi, text in findings}
    easy = sentences["Иван Кузнецов", "Опубликованные посты"]
    assert easy.startswith("Цель слишком лёгкая (не меньше 9 в неделю). ")
    assert sentences["Анна Петрова", "Подписчики"].startswith("Цель слишком трудная (не меньше 35 000). ")
    assert findings[-2][:2] == ["Мария Соколова", "Переходы из соцсетей"]
    assert findings[-2][2].startswith("Нельзя оценить. Данные есть только за 74 % дней")
    assert "достижим" not in printed
    payouts = rows[len(findings) :]
    assert ["Доля отписок", "3,6 %", "3 %", "2,4 %"] in payouts
    assert ["Ответы в срок (SLA)", "96 %", "100 %", "—"] in payouts
    assert lines[-1].startswith("Специалистов: 6, ошибок в их файлах: 0. ")
    names = [row[0] for row in payouts]
    assert {"Доля отписок (YouTube)", "Упоминания бренда (позитивные, нейтральные)"} <= set(names)
    titles = [line.strip() for line in lines if re.fullmatch(r"[А-Я][а-я]+ [А-Я][а-я]+", line.strip())]
    assert titles == sorted(titles) and len(titles) == 6


@pytest.mark.parametrize(
    ("person", "options", "why"),
    [
        ("anna-petrova", ["--period", "2025-07"], " %: отсутствие"),
        ("dmitry-orlov", ["--period", "2025-10", "--as-of", "2025-10-11"], " %: период ещё идёт"),
    ],
    ids=["absence", "interim"],
)
@pytest.mark.usefixtures("wide")
def test_check_speaks_of_the_targets_of_the_scorecard(
    person: str, options: list[str], why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Away for 14 of 31 days, or 10 of 31 days over: the target of a KPI that accrues is pro-rated."""
    assert main(["score", *SAMPLE, "--specialist", person, *options, "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    target = next(row["target"]["value"] for row in record["kpis"] if row["kpi"] == "subscriber_gain")
    assert main(["check", *alone(person, tmp_path), *options]) == 0
    (row,) = (row for row in cells(capsys.readouterr().out) if row[0] == "Прирост подписчиков")
    full = row[2].replace(",", ".")
    assert float(full) == pytest.approx(target, abs=0.05)
    assert target < 1000
    assert row[4].endswith(why)


@pytest.mark.usefixtures("wide")
def test_a_period_after_the_data_is_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    warning = f"warning: period 2030-01: no data yet, {ROOT / 'data/sample'} ends on 2025-11-30\n"
    for command in (["score", "--specialist", "anna-petrova"], ["check"]):
        assert main([command[0], *SAMPLE, *command[1:], "--period", "2030-01"]) == 0
        said = capsys.readouterr()
        assert said.err == warning
    assert ["Прирост подписчиков", "плана нет"] in [row[:2] for row in cells(said.out)]


def test_a_run_refuses_a_period_after_the_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", *SAMPLE, "--period", "2030-01", "--out", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err == (
        f"period 2030-01: no data yet, {ROOT / 'data/sample'} ends on 2025-11-30; "
        "import its data, or choose an earlier period\n"
    )
    assert not (tmp_path / "out").exists()


def test_a_person_without_accounts_and_brands_is_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    idle = {"accounts": [], "kpis": [{"kpi": "leads", "target": {"at_least": 5}, "weight": 1}]}
    params = write_params(tmp_path / "p", {}, {"x": idle})
    assert main(["check", "--data", str(ROOT / "data/sample"), "--params", str(params)]) == 0
    said = capsys.readouterr()
    assert said.err.endswith(
        "x.yml: no accounts and no brands, so nothing is measured; add accounts or brands\n"
    )
    assert "Специалистов: 1, ошибок в их файлах: 0." in said.out


def test_catalogue_lists_every_kpi(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What each means and its formula; ids are whole however narrow the terminal is."""
    monkeypatch.setenv("COLUMNS", "50")
    assert main(["catalogue", "--language", "ru"]) == 0
    shown = capsys.readouterr().out
    for kpi in CATALOGUE:
        assert f"│ {kpi} " in shown, kpi
    monkeypatch.setenv("COLUMNS", "300")
    for language in LANGUAGES:
        assert main(["catalogue", "--language", language]) == 0
        shown = capsys.readouterr().out
        for kpi in CATALOGUE:
            for key in ("name", "what", "formula"):
                assert words(language).text(f"kpi.{kpi}.{key}") in shown, (kpi, key)
            for other in CATALOGUE[kpi].alternatives:
                assert words(language).text(f"definition.{other.id}") in shown, (kpi, other.id)


def test_catalogue_lists_the_kpis_of_kpis_yml_or_names_its_faults(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    file = tmp_path / "kpis.yml"
    kind = "numerator: spend, denominator: leads, unit: money, better: lower, family: sales"
    file.write_text(f'- {{id: cpl, title: {{ru: Цена, en: "P\\e[2Jrice"}}, {kind}}}\n', encoding="utf-8")
    assert main(["catalogue", "--language", "en", "--params", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "│ cpl " in shown and "Advertising costs ÷ leads" in shown and "\x1b[2J" not in shown
    file.write_text(file.read_text("utf-8").replace("leads", "lead"), encoding="utf-8")
    assert main(["catalogue", "--params", str(tmp_path)]) == 2
    assert "did you mean leads?" in capsys.readouterr().err


MAPPING = """\
columns: {post_id: id, published_at: date, likes: likes, comments: comments, reposts: reposts, views: views}
timezone: Europe/Moscow
constants: {}
"""


def imported(folder: Path, table: Path, *more: str) -> list[str]:
    """The arguments that import a CSV of posts."""
    mapping = folder / "mapping.yml"
    mapping.write_text(MAPPING)
    into = ["--into", str(folder / "data"), "--params", str(folder / "params")]
    return [
        "import",
        "csv",
        str(table),
        "--table",
        "posts",
        "--map",
        str(mapping),
        "--account",
        "vk-x",
        *into,
        *more,
    ]


def test_import_needs_the_title_of_a_new_account(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "posts.csv"
    table.write_text("id,date,likes,comments,reposts,views\n1,2025-10-01 12:00,3,0,0,50\n")
    assert main(imported(tmp_path, table)) == 2
    assert "account 'vk-x' is new" in capsys.readouterr().err
    assert not (tmp_path / "data").exists()
    assert main(imported(tmp_path, table, "--title", "Кофе", "--platform", "vk")) == 0
    said = capsys.readouterr().out
    assert "posts: 1 row added, 0 brought up to date, 0 were there already" in said
    assert (
        "coverage of posts for vk-x: 2025-10-01 to 2025-10-01 (from the first to the last day in the file)"
        in said
    )
    assert main(imported(tmp_path, table, "--since", "2025-10-01", "--until", "2025-11-01")) == 0
    assert "2025-10-01 to 2025-10-31 (--since and --until)" in capsys.readouterr().out
    assert (tmp_path / "data/coverage.csv").read_text().splitlines()[1:] == [
        "posts,vk-x,2025-10-01,2025-11-01"
    ]


def test_import_names_files_that_are_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(imported(tmp_path, tmp_path / "none.csv")) == 2
    assert "none.csv: there is no such file" in capsys.readouterr().err


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the folder of real exports is not beside the project")
def test_a_month_of_real_posts_is_right_to_the_last_unit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """3 073 rows, 3 072 posts: what the data tell is exact, what they do not has a reason."""
    export = SAMPLES / "vk/redstone_posts_from_api.csv"
    assert main(imported(tmp_path, export, "--title", "Сообщество", "--platform", "vk")) == 0
    kpis = ["posts_published", "views", "likes", "engagement_rate", "view_rate", "like_rate", "subscribers"]
    kpis += [
        "churn_rate",
        "leads",
        "social_visits",
        "meaningful_comments",
        "plan_fulfilment",
        "response_rate",
    ]
    entries = [{"kpi": kpi, "target": {"at_least": 0.5}, "weight": 1} for kpi in kpis]
    write_params(tmp_path / "params", {}, {"x": {"accounts": ["vk-x"], "kpis": entries}})
    capsys.readouterr()
    where = ["--data", str(tmp_path / "data"), "--params", str(tmp_path / "params")]
    assert main(["score", *where, "--specialist", "x", "--period", "2025-06", "--json"]) == 0
    found = {row["kpi"]: row for row in json.loads(capsys.readouterr().out)["kpis"]}

    with export.open(newline="") as stream:
        june = {row["id"]: row for row in csv.DictReader(stream) if row["date"].startswith("2025-06")}
    counted: dict[str, int] = defaultdict(int)
    for row in june.values():
        for name in ("views", "likes", "comments", "reposts"):
            counted[name] += int(row[name])
    assert found["posts_published"]["value"] == len(june) > 0
    assert found["views"]["value"] == counted["views"]
    assert found["likes"]["value"] == counted["likes"]
    engaged = counted["likes"] + counted["comments"] + counted["reposts"]
    assert found["engagement_rate"]["value"] == pytest.approx(engaged / counted["views"], rel=1e-12)
    for kpi in kpis[4:]:
        assert not found[kpi]["assessable"], kpi
        assert found[kpi]["notes"][0]["code"] == "not_covered", kpi


def test_a_run_that_makes_nothing_does_not_wait_for_imports():
    """Statistics, drawing, importers and mail take longer to import than all else that such a run does."""
    heavy = {"scipy", "matplotlib", "papermill", "kpi_kit.sources", "jinja2"}
    needed = (
        "kpi_kit.cli.main, kpi_kit.cli.run, kpi_kit.cli.shared, kpi_kit.batch.run, kpi_kit.data.open_inputs"
    )
    code = f"import sys, {needed}; print({heavy!r} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
