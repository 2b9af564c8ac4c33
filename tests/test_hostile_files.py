"""What stands beside data, params and reports may be anybody's: it is refused in a sentence, never obeyed."""

from __future__ import annotations

import json
import os
import random
import shutil
import stat
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from kpi_kit import params
from kpi_kit.batch.fingerprints import up_to_date
from kpi_kit.batch.manifest import Manifest
from kpi_kit.cli.verify import sentences
from kpi_kit.core.errors import InputError, KitError
from kpi_kit.core.files import write_file
from kpi_kit.core.json_io import parse_json
from kpi_kit.core.periods import Period
from kpi_kit.core.yaml_io import read_yaml
from kpi_kit.data.merge import journal
from kpi_kit.data.store import look, open_store
from kpi_kit.mail import gate
from kpi_kit.report import department
from kpi_kit.scorecard import build, cohort, json_file
from kpi_kit.scorecard.verification import verify
from tests.core.test_file_versions import GOLDEN, take_in_a_post

ZONE = "Europe/Moscow"


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """Data, params and reports, with a folder beside them that nobody may touch."""
    shutil.copytree(GOLDEN / "1", tmp_path / "sample")
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").write_text("kept")
    return tmp_path / "sample"


def refused(read: Callable[[], object]) -> str:
    """The sentences with which something is refused."""
    with pytest.raises(KitError) as caught:
        read()
    assert all(said and "\n" not in said and len(said) < 500 for said in caught.value.problems)
    return "\n".join(caught.value.problems)


# ---------------------------------------------------------------- beside the data folder


def plan(sample: Path, text: str) -> Path:
    """A folder of an import that claims to have been interrupted."""
    ready = sample / ".data-import-ready"
    (ready / "new").mkdir(parents=True)
    (ready / "plan.json").write_text(text)
    return ready


def contents(folder: Path) -> dict[Path, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock")
    return {path: path.read_bytes() for path in files}


@pytest.mark.parametrize(
    "name", ["../../precious", "../params", "..", ".", "", "imports/../../params", "/ABSOLUTE", "out/file"]
)
@pytest.mark.parametrize("kind", ["new", "gone"])
def test_a_plan_that_reaches_out_of_the_data_folder_moves_and_removes_nothing(
    kind: str, name: str, sample: Path
) -> None:
    (sample / "data" / "out").symlink_to(sample.parent / "precious")
    name = name.replace("/ABSOLUTE", str(sample.parent / "precious"))
    ready = plan(sample, json.dumps({"new": [], "gone": [], kind: ["posts.csv", name]}))
    for place in (ready / "new" / name, ready / "new" / "posts.csv"):
        if kind == "new" and not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text("evil")
    before = contents(sample.parent)
    assert "plan.json: is no plan of an import" in refused(lambda: look(sample / "data", ZONE))
    assert contents(sample.parent) == before


@pytest.mark.parametrize(
    "text", ["", "[1", "[]", "{}", '{"new": 1, "gone": []}', '{"new": [1], "gone": []}', "[" * 99_999]
)
def test_a_plan_that_is_none_is_refused(text: str, sample: Path) -> None:
    plan(sample, text)
    assert "plan.json: is no plan of an import" in refused(lambda: look(sample / "data", ZONE))


def test_an_import_does_not_follow_a_link_that_leads_its_notes_elsewhere(sample: Path) -> None:
    (sample / "data" / "imports").rename(sample.parent / "precious" / "imports")
    (sample / "data" / "imports").symlink_to(sample.parent / "precious" / "imports")
    before = (sample.parent / "precious" / "imports" / "journal.csv").read_bytes()
    assert "is a link that leads out of the data folder" in refused(lambda: open_store(sample / "data", ZONE))
    with pytest.raises(InputError):
        take_in_a_post(sample)
    assert (sample.parent / "precious" / "imports" / "journal.csv").read_bytes() == before


@pytest.mark.parametrize(
    "content",
    [b"", b"a,b\n1,2\n", b"\xff\n", b'"\n', b"HEADER\n1,2\n", b"HEADER\n" + b"x" * 10_000_000 + b"\n"],
)
def test_a_journal_of_imports_that_is_none_is_refused(content: bytes, sample: Path) -> None:
    file = sample / "data" / "imports" / "journal.csv"
    file.write_bytes(content.replace(b"HEADER", file.read_bytes().split(b"\n")[0]))
    assert f"{file}: " in refused(lambda: journal.read(sample / "data"))
    with pytest.raises(InputError):
        take_in_a_post(sample)


# ---------------------------------------------------------------- params


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("nowhere")])
@pytest.mark.parametrize("name", ["specialists/eve.yml", "events.yml", "kpis.yml", "department.yml"])
def test_what_is_no_file_among_params_is_refused_and_never_waited_for(
    name: str, make: Callable[[Path], None], sample: Path
) -> None:
    path = sample / "params" / name
    path.unlink(missing_ok=True)
    make(path)
    if name.startswith("specialists"):
        assert list(params.load(sample / "params").broken["eve"]) == [
            f"{path}: an ordinary file is expected, found none"
        ]
    else:
        assert str(path) in refused(lambda: params.load(sample / "params"))


def test_a_file_that_may_not_be_read_is_told(sample: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    path = sample / "params" / "department.yml"
    monkeypatch.setattr(Path, "open", denied)
    assert refused(lambda: read_yaml(path)) == f"{path}: cannot be read (Permission denied)"


# ---------------------------------------------------------------- JSON that the kit reads again

DEEP, LONG = "[" * 200_000, '{"schema": ' + "9" * 400 + "}"
READERS: dict[str, Callable[[Path], object]] = {
    "scorecard.json": lambda sample: json_file.load(sample / "scorecard.json"),
    "manifest.json": lambda sample: Manifest(sample, "2025-10", ["olga"]),
    "backtest.json": cohort.read,
    "department/shocks.json": cohort.read,
    "data/imports/schema.json": lambda sample: look(sample / "data", ZONE),
}


@pytest.mark.parametrize(
    "text", ["", "\0", "nul", "[]", "7", DEEP, LONG, '{"schema": NaN}', '{"schema": 1e999}']
)
@pytest.mark.parametrize("name", READERS)
def test_what_is_no_json_of_the_kit_is_refused(name: str, text: str, sample: Path) -> None:
    (sample / name).parent.mkdir(exist_ok=True)
    (sample / name).write_text(text)
    if text != "[]" or name != "backtest.json":  # nothing that crosses is nothing to refuse
        assert Path(name).name in refused(lambda: READERS[name](sample))


@pytest.mark.parametrize(
    "text", [DEEP, "{}", "[]", '{"reports": 1}', '{"reports": {"olga": 5}}', '{"reports": {"a": NaN}}']
)
def test_the_mail_and_the_department_refuse_a_manifest_that_is_none(text: str, sample: Path) -> None:
    (sample / "2025-10").mkdir()
    path = sample / "2025-10" / "manifest.json"
    path.write_text(text)
    if "olga" not in text:  # there, that report alone is held back
        assert str(path) in refused(lambda: gate._manifest(path))
    made = {"data": str(sample / "data"), "params": str(sample / "params"), "out": str(sample)}
    assert str(path) in refused(lambda: department(period="2025-10", **made))


@pytest.mark.parametrize("name", ["backtest.json", "department/shocks.json"])
@pytest.mark.parametrize(
    "found",
    [
        [1],
        {"views": 5},
        {"vk": {"views": []}},
        {"vk": {"views": {"weeks": [{"week": "2025-99"}]}}},
        {"vk": None},
    ],
)
def test_what_crosses_specialists_has_its_shape_or_is_refused(found: Any, name: str, sample: Path) -> None:
    if name == "backtest.json" and isinstance(found, dict) and isinstance(found.get("vk"), dict):
        found = {"views": [found]}
    (sample / name).parent.mkdir(exist_ok=True)
    (sample / name).write_text(json.dumps(found))
    assert Path(name).name in refused(lambda: cohort.read(sample))


@pytest.mark.parametrize(
    "entry",
    [5, [], None, {"outputs": ["../../precious"]}, {"outputs": 5}, {"status": "done", "outputs": "x"}],
)
def test_an_entry_of_a_manifest_has_its_shape_or_is_refused(entry: Any, sample: Path) -> None:
    (sample / "manifest.json").write_text(json.dumps({"as_of": None, "reports": {"olga": entry}}))
    assert "is no manifest of this kit" in refused(lambda: Manifest(sample, "2025-10", ["olga"]))


def test_outputs_that_lead_elsewhere_are_compared_and_no_more(sample: Path) -> None:
    told = {"status": "done", "inputs": {}, "outputs": {"../precious/file": "sha256:0"}}
    (sample / "manifest.json").write_text(json.dumps({"as_of": None, "reports": {"olga": told}}))
    manifest = Manifest(sample, "2025-10", ["olga"])
    assert not up_to_date(manifest.reports["olga"], {}, sample)
    manifest.save()
    assert (sample.parent / "precious" / "file").read_text() == "kept"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e308", 1e308),
        ("-0.5", -0.5),
        ("9" * 300, int("9" * 300)),
        (b'{"a":1}', {"a": 1}),
    ],
)
def test_json_within_the_bounds_is_read(text: str | bytes, value: object) -> None:
    assert parse_json(text) == value


ODD: tuple[Any, ...] = (
    None, True, -1, 1e308, "x", "\x1b[2J", [], {}, [[]], [5], {"a": 5}, {"a": [{}]}, "2025-13", 10**299,
    10**400, float("nan"), float("inf"),
)  # fmt: skip


def ways(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every part of a JSON value."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [way, *(found for key, part in parts for found in ways(part, (*way, key)))][not way :]


def altered(record: dict[str, Any], way: tuple[Any, ...], value: Any) -> str:
    copy = json.loads(json.dumps(record))
    place = copy
    for key in way[:-1]:
        place = place[key]
    place[way[-1]] = value
    return json.dumps(copy)


KNOWN = (
    (("kpis", 1, "control", "n"), 10**400),
    (("total",), 10**400),
    (("kpis", 1, "kpi"), None),
    (("provenance", "settings", "department.yml"), "x"),
    (("provenance", "tables", "posts", "vk-cafe"), "x"),
    (("provenance", "libraries"), []),
    (("kpis", 1, "scope"), "x"),
    (("kpis", 1, "attainment"), float("nan")),
    (("as_of",), "2025"),
    (("period",), "../.."),
    (("specialist",), "../../precious/file"),
)
"""What once ended in a traceback, and what leads elsewhere."""


def end_of(path: Path, sample: Path) -> str:
    """What verifying a file comes to; anything but a result or a refusal fails."""
    try:
        found = list(sentences(verify(path, data=sample / "data", params=sample / "params")))
    except KitError as fault:
        assert all(problem and "\n" not in problem for problem in fault.problems)
        return "refused"
    return "different" if "different" in found[0] else "identical"


@pytest.mark.parametrize(("way", "value"), KNOWN)
def test_a_scorecard_with_such_a_part_is_refused(way: tuple[Any, ...], value: Any, sample: Path) -> None:
    record = json_file.load(sample / "scorecard.json")
    (sample / "altered.json").write_text(altered(record, way, value))
    assert end_of(sample / "altered.json", sample) == "refused"


def test_a_scorecard_with_anything_anywhere_is_verified_or_refused(
    sample: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = json_file.load(sample / "scorecard.json")
    where = {"data": sample / "data", "params": sample / "params"}
    now = build.score("olga", "2025-10", as_of=record["as_of"], **where)
    monkeypatch.setattr("kpi_kit.scorecard.verification.open_inputs", lambda *_: (None, nullcontext()))
    monkeypatch.setattr("kpi_kit.scorecard.verification.prepare", lambda *_, **__: None)
    monkeypatch.setattr("kpi_kit.scorecard.verification.scorecard", lambda *_: now)  # the same each time
    chance, path, ends = random.Random(3), sample / "altered.json", set()
    for _ in range(400):
        way = chance.choice(ways(record))
        path.write_text(altered(record, way, chance.choice(ODD)))
        ends.add(end_of(path, sample))
    assert {"refused", "different"} <= ends


# ---------------------------------------------------------------- who may read what is written


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o027, 0o640)])
def test_a_page_is_readable_to_those_whom_the_umask_lets(mask: int, mode: int, tmp_path: Path) -> None:
    usual = os.umask(mask)
    try:
        write_file(tmp_path / "anna.html", "x")
        write_file(tmp_path / "anna.html", "y")
    finally:
        os.umask(usual)
    assert stat.S_IMODE((tmp_path / "anna.html").stat().st_mode) == mode
    assert [path.name for path in tmp_path.iterdir()] == ["anna.html"]


def test_a_file_that_lies_where_a_page_is_to_be_made_is_not_written_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("secrets.token_hex", lambda _: "guessed")
    (tmp_path / ".anna.html.guessed").symlink_to(tmp_path / "precious")
    with pytest.raises(FileExistsError):
        write_file(tmp_path / "anna.html", "x")
    assert not (tmp_path / "precious").exists()


def test_periods_name_folders_and_lead_nowhere() -> None:
    for text in ("../2025-10", "2025-10/..", "/2025-10", "2025-10\0", "2025-10/../..", "con"):
        with pytest.raises(KitError):
            Period.parse(text)
