"""What the documents show works: their files are written as they stand, their commands are run."""

from __future__ import annotations

import contextlib
import io
import json
import re
import shlex
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from kpi_kit.cli.main import main
from kpi_kit.core.schema import TABLES
from kpi_kit.core.yaml_io import parse_yaml
from kpi_kit.data.merge import EXTRA
from kpi_kit.kpis import CATALOGUE
from kpi_kit.params import load
from kpi_kit.params.formula_file import read_formulas
from kpi_kit.params.records import Department, Entry, Event, Specialist, TargetParams
from kpi_kit.report.wording import words
from kpi_kit.scorecard.build import score
from kpi_kit.scorecard.record import Scorecard
from kpi_kit.sources import SOURCES
from kpi_kit.sources.attribution import read_attribution
from kpi_kit.sources.column_mapping import read_mapping

ROOT = Path(__file__).parent.parent
PAGES = {
    name: (ROOT / name).read_text(encoding="utf-8")
    for name in (
        "README.md",
        "README.ru.md",
        *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("*.md")),
    )
}
BOTH = [("README.md", "README.ru.md")]
BOTH += [(page, page.replace(".md", ".ru.md")) for page in PAGES if page.replace(".md", ".ru.md") in PAGES]
"""Pages in English and in Russian."""
BLOCK = re.compile(r"^( *)```(.*)\n((?:.*\n)*?)\1```$", re.MULTILINE)


def blocks(page: str) -> list[tuple[str, str, str]]:
    """Every code block: its language, the file that it shows, and its text."""
    found = []
    for _, head, text in BLOCK.findall(PAGES[page]):
        language, _, name = head.partition(" ")
        found.append((language, name, textwrap.dedent(text)))
    return found


def write_files(page: str, folder: Path) -> None:
    for _, name, text in blocks(page):
        if name:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")


def by_kpi(card: Scorecard) -> dict[str, dict[str, object]]:
    return {row["kpi"]: row for row in card["kpis"]}


@pytest.mark.parametrize("page", PAGES)
def test_a_block_is_a_file_a_command_or_marked_as_text(page: str) -> None:
    assert PAGES[page].count("```") == 2 * len(blocks(page))
    for language, name, text in blocks(page):
        assert language in ("sh", "python", "text", "mermaid") or (language in ("yaml", "csv") and name), text


RUN = {"README.md", "README.ru.md", "docs/quickstart.md", "docs/quickstart.ru.md"}
COMMANDS = re.compile(
    r"(?:KPI_SMTP_URL=\S+ )?"
    r"(?:make [a-z-]+|(?:\.venv/bin/)?python -m (?:kpi_kit|uv)|git clone|cd)\b.*"
)


@pytest.mark.parametrize("page", sorted(PAGES.keys() - RUN))
def test_commands_that_are_only_shown_are_commands_that_there_are(page: str) -> None:
    """Those of the quick start are run; of the others each option is at least one that the parser has."""
    targets = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    for language, _, text in blocks(page):
        for line in text.replace("\\\n", " ").splitlines() if language == "sh" else ():
            assert COMMANDS.fullmatch(line.split("  #")[0].strip()), line
            for target in re.findall(r"\bmake ([a-z-]+)", line):
                assert target in targets, line


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    heads = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES)
def test_links_inside_the_repository_resolve(page: str) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", PAGES[page]):
        if not link.startswith(("https://", "http://", "mailto:")):
            name, _, anchor = link.partition("#")
            file = (ROOT / page).parent / name if name else ROOT / page
            assert file.exists(), link
            assert not anchor or anchor in anchors(file), link


@pytest.mark.parametrize(("english", "russian"), BOTH)
def test_both_languages_have_the_same_content(english: str, russian: str) -> None:
    """The same headings in number and level, the same code, and the same rows in each table."""

    def shape(page: str) -> list[object]:
        text = BLOCK.sub("", PAGES[page])
        heads = list(re.findall(r"^#+(?= )", text, re.MULTILINE))
        rows = [re.findall(r"`([^`]+)`", row) for row in re.findall(r"^\| (`[^|]*)\|", text, re.MULTILINE)]
        code = [
            [line.partition(" #")[0].rstrip() for line in body.splitlines()]
            for language, _, body in blocks(page)
            if language in ("sh", "python")
        ]
        return [heads, rows, code, len(re.findall(r"!\[", text))]

    assert shape(english) == shape(russian)


@pytest.mark.parametrize("page", sorted(RUN))
def test_python_in_the_documents_runs(page: str, cafe_of_quickstart: Path) -> None:
    for language, _, text in blocks(page):
        if language == "python":
            place = cafe_of_quickstart if "quickstart" in page else ROOT
            with contextlib.chdir(place):
                exec(compile(text, page, "exec"), {})


@pytest.fixture
def cafe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The example of docs/data.md and docs/params.md, written as it stands there."""
    for page in ("docs/data.md", "docs/params.md"):
        write_files(page, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_example_scores_as_the_worked_example_says(cafe: Path) -> None:
    card = score("olga", "2025-10", data=Path("data/mine"), params=Path("data/mine/params"))
    rows = PAGES["docs/params.md"].split("Olga in October")[1].split("\n\nTotal: ")
    worked = re.findall(
        r"^\| (\w+) \| ≥ (\d+) \| (?:.*= )?(\d+) \| .* = ([\d.]+) "
        r"\| (?:.*= )?([\d.]+)(?:,[^|]*)? \| (\d+) \|$",
        rows[0],
        re.MULTILINE,
    )
    assert [row[0] for row in worked] == [row["kpi"] for row in card["kpis"]]
    for kpi, *numbers in worked:
        row = by_kpi(card)[kpi]
        found = [row["target"]["value"], row["value"], row["attainment"], row["payout"], row["weight"]]
        assert found == pytest.approx([float(number) for number in numbers]), kpi
    assert card["total"] == pytest.approx(float(re.search(r"= ([\d.]+), shown", rows[1])[1]))


def test_the_example_has_no_problems_and_one_unknown(cafe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Views of October are not assessable: one of four posts has none."""
    where = ["--data", "data/mine", "--params", "data/mine/params", "--period", "2025-10"]
    assert main(["check", *where]) == 0
    assert capsys.readouterr().err == ""
    file = cafe / "data/mine/params/specialists/olga.yml"
    file.write_text(file.read_text(encoding="utf-8").replace("kpi: likes", "kpi: views"), encoding="utf-8")
    card = score("olga", "2025-10", data=Path("data/mine"), params=Path("data/mine/params"))
    assert by_kpi(card)["views"]["assessable"] is False


def test_the_yaml_of_every_key_loads(cafe: Path) -> None:
    """Nothing in it is refused, what is shown as the default is, and no key is forgotten."""
    (cafe / "specialists/ivan.yml").write_text(
        (cafe / "data/mine/params/specialists/olga.yml").read_text(encoding="utf-8"), encoding="utf-8"
    )
    loaded = load(cafe)
    assert (dict(loaded.broken), loaded.warnings) == ({}, ())
    least = load(cafe / "data/mine/params").department
    told = loaded.department.model_dump(exclude={"agency", "directors", "brand", "brands", "mail"})
    assert told == least.model_dump(exclude={"agency", "directors", "brand", "brands", "mail"})
    text = PAGES["docs/params.md"]
    assert [event.title.en for event in loaded.events][0] == "Autumn blend"
    for record in (Department, Specialist, Entry, TargetParams, Event):
        for name, entry in record.model_fields.items():
            if (record, name) != (Specialist, "id"):
                assert re.search(rf"(^|[ {{`]){entry.alias or name}[:`]", text, re.MULTILINE), name


@pytest.mark.parametrize(
    ("fact", "attainment", "payout"), [(0.045, 0.5, 0.0)], ids=["the at_most of docs/params.md"]
)
def test_the_other_worked_example(cafe: Path, fact: float, attainment: float, payout: float) -> None:
    loaded = load(cafe / "data/mine/params")
    target = TargetParams.model_validate({"at_most": "3%", "worst": "6%"}).plain()
    assert target.attainment(fact) == pytest.approx(attainment)
    assert loaded.department.scoring.curve().payout(attainment) == payout


def test_the_tables_are_those_of_the_contract() -> None:
    text = PAGES["docs/data.md"].split("## The tables\n")[1]
    told = dict(re.findall(r"^### (\w+)\n((?:(?!### ).*\n)*)", text, re.MULTILINE))
    assert list(told) == list(TABLES)
    for name, table in TABLES.items():
        rows = re.findall(r"^\| (\w+) \| (.+?) \| (.*?) ?\| (\S.*) \|$", told[name], re.MULTILINE)[1:]
        wanted = []
        for column in table.columns:
            kind = " / ".join(f"`{word}`" for word in column.allowed) or column.type.value
            older = column.default is not None or not column.required
            may = "absent or empty" if older else "empty" if column.nullable else ""
            wanted.append((column.name, kind, may))
        assert [row[:3] for row in rows] == wanted, name
        assert f"\nKey: {', '.join(table.key)}." in told[name]


def test_the_usual_definitions_are_those_of_the_catalogue() -> None:
    en = words("en")
    told = {
        kpi.id: "; ".join(en.text(f"definition.{other.id}") for other in kpi.alternatives)
        for kpi in CATALOGUE.values()
        if kpi.alternatives
    }
    section = PAGES["docs/params.md"].split("## Other definitions")[1].split("\n## ")[0]
    assert dict(re.findall(r"^\| ([a-z_]+) \| (.*) \|$", section, re.MULTILINE)) == told


def test_words_in_the_documents_that_look_like_a_kpi_are_one() -> None:
    by_formula = set(re.findall(r"^- id: (\w+)", PAGES["docs/formulas.md"], re.MULTILINE))
    for page, text in PAGES.items():
        for kpi in re.findall(r"\{kpi: (\w+)", text):
            assert kpi in CATALOGUE or kpi in by_formula, page


def test_the_params_of_the_mail_page_load(tmp_path: Path) -> None:
    write_files("docs/mail.md", tmp_path)
    person = "name: A\nkpis: [{kpi: leads, target: {at_least: 1}, weight: 1}]\n"
    (tmp_path / "specialists").mkdir()
    (tmp_path / "specialists" / "anna.yml").write_text(person, encoding="utf-8")
    mail = load(tmp_path).department.mail
    assert mail is not None and mail.attach_limit_mb == 10


def test_the_mapping_of_the_import_page_loads(tmp_path: Path) -> None:
    write_files("docs/import.md", tmp_path)
    assert "views" in read_mapping(tmp_path / "mapping.yml", TABLES["posts"]).columns


def command(line: str) -> list[str]:
    """The arguments of ``python -m kpi_kit`` that a command of the README comes to."""
    words = shlex.split(line)
    if words[0] == "make":
        given = dict(word.split("=") for word in words[2:])
        folders = [part for name in given for part in (f"--{name.lower()}", given[name])]
        return [{"reports": "run"}.get(words[1], words[1]), *folders]
    assert words[:3] == [".venv/bin/python", "-m", "kpi_kit"]
    return words[3:]


HEREDOC = re.compile(r"^cat > (\S+) <<'END'\n(.*?)^END$", re.DOTALL | re.MULTILINE)


def follow(page: str) -> list[str]:
    """Do what the commands of a page say, in the current folder; what they printed."""
    said = []
    for text in (text for language, _, text in blocks(page) if language == "sh"):
        for name, body in HEREDOC.findall(text):
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_text(body, encoding="utf-8")
        for line in HEREDOC.sub("", text).split("\n"):
            if line and not line.startswith(("git clone ", "cd ", "make setup", "mkdir -p ")):
                with contextlib.redirect_stdout(io.StringIO()) as out:
                    assert main(command(line)) == 0, line
                said.append(out.getvalue())
    return said


@pytest.fixture(scope="module")
def cafe_of_quickstart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the quick start has been followed."""
    folder = tmp_path_factory.mktemp("quickstart")
    with contextlib.chdir(folder):
        said = follow("docs/quickstart.ru.md")
    assert "посты: добавлено строк — 4" in said[0]
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in said[1].splitlines()]
    assert ["Лайки", "96", "120", "144"] in cells
    return folder


def test_the_quick_start_leads_to_a_report(cafe_of_quickstart: Path) -> None:
    text = PAGES["docs/quickstart.ru.md"]
    for page in re.findall(r"`(data/mine/\S+\.html)`", text):
        assert (cafe_of_quickstart / page).is_file()
    card = json.loads(
        (cafe_of_quickstart / "data/mine/reports/2025-10/olga.json").read_text(encoding="utf-8")
    )
    assert [row["value"] for row in card["kpis"]] == [4.0, 111.0]


def test_the_first_call_of_the_module_in_the_readme_says_where_python_is() -> None:
    """`make` puts the environment into .venv: a bare `python` is another one."""
    calls: Callable[[str], list[str]] = re.compile(r"[^\s`]*python -m kpi_kit \S+").findall
    assert calls(PAGES["README.md"])[0].startswith(".venv/bin/python ")


def test_the_table_of_sources_is_what_the_importers_say() -> None:
    """Each source, the columns it fills, what it cannot tell, and on what it was tested."""
    rows = re.findall(r"^\| `([\w-]+)` \| (.+?) \| (.+?) \| (.+?) \|$", PAGES["docs/import.md"], re.MULTILINE)
    told = {name: tuple(rest) for name, *rest in rows if name in SOURCES}
    assert list(told) == list(SOURCES)
    for name, source in SOURCES.items():
        fills = "<br>".join(f"{table}: {columns}" for table, columns in source.FILLS.items())
        assert told[name] == (fills, source.UNKNOWN, source.TESTED), name


def test_importers_fill_columns_that_exist() -> None:
    for name in SOURCES.keys() - {"csv", "guessed"}:
        for table, columns in SOURCES[name].FILLS.items():
            if table not in EXTRA:
                assert set(columns.split()) <= set(TABLES[table].names), name


def test_the_attribution_of_the_import_page_loads(tmp_path: Path) -> None:
    text = next(
        text for language, _, text in blocks("docs/import.md") if language == "text" and "rules:" in text
    )
    (tmp_path / "attribution.yml").write_text(text, encoding="utf-8")
    found = read_attribution(tmp_path / "attribution.yml")
    assert found.account_of({"utm_source": "vk_ads"}) == "vk-roastery"
    assert found.specialist("telegram", "user777") == "dmitry-orlov"
    assert found.means("Спам", "not_qualified") and not found.means("Спам", "sold")


@pytest.mark.parametrize("page", ["docs/formulas.md", "docs/formulas.ru.md"])
def test_the_formulas_of_the_documents_are_sound(page: str, tmp_path: Path) -> None:
    write_files(page, tmp_path)
    found = read_formulas(tmp_path)
    assert (list(found.valid), found.problems) == (["cost_per_lead", "leads_per_views"], ())
    (example,) = re.findall(r"`(\{kpi: .*\})`", PAGES[page])
    raw = parse_yaml(example, page)
    assert Entry.model_validate(raw, context={"formulas": found.valid}).unit == "money"
