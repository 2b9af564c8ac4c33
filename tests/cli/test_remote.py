"""Data and reports at URLs: with fsspec's memory, and with a real S3-compatible server on loopback."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kpi_kit.batch import run as batch
from kpi_kit.cli.main import main
from kpi_kit.cli.remote import Remote, RemoteError, copy_of, fetched, listed, output
from kpi_kit.core.errors import InputError
from kpi_kit.params.records import Brand
from kpi_kit.scorecard.cohort import Cohort

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
NAMES = ["anna", "ivan"]
fsspec = pytest.importorskip("fsspec")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("kpi_kit.cli.remote.user_cache_path", lambda name: tmp_path / "cache" / name)
    return tmp_path / "cache"


@pytest.fixture
def memory(cache: Path) -> Iterator[Any]:
    files = fsspec.filesystem("memory")
    yield files
    files.store.clear()
    files.pseudo_dirs[:] = [""]


def carried(monkeypatch: pytest.MonkeyPatch, files: Any) -> list[str]:
    """The names of what is carried from now on, each way."""
    seen: list[str] = []
    for name, where in (("get_file", 0), ("put_file", 1), ("rm_file", 0)):
        real = getattr(type(files), name)

        def watching(self: Any, *given: Any, _real: Any = real, _what: str = name, _n: int = where) -> Any:
            seen.append(f"{_what[:3]} {given[_n].rpartition('/')[2]}")
            return _real(self, *given)

        monkeypatch.setattr(type(files), name, watching)
    return seen


def test_only_what_has_changed_is_carried(memory, monkeypatch):
    memory.pipe({"/data/posts.csv": b"1", "/data/plan/a.parquet": b"2", "/data/.hidden/x": b"3"})
    seen = carried(monkeypatch, memory)
    place = fetched("memory://data")
    assert {path.relative_to(place).as_posix() for path in place.rglob("[!.]*") if path.is_file()} == {
        "posts.csv",
        "plan/a.parquet",
    }
    assert sorted(seen) == ["get a.parquet", "get posts.csv"]
    seen.clear()
    assert fetched("memory://data") == place
    assert seen == []
    memory.pipe("/data/posts.csv", b"new")
    memory.rm_file("/data/plan/a.parquet")
    seen.clear()
    fetched("memory://data")
    assert seen == ["get posts.csv"]
    assert (place / "posts.csv").read_bytes() == b"new"
    assert not (place / "plan/a.parquet").exists()
    (place / "posts.csv").write_bytes(b"meddled with")
    fetched("memory://data")
    assert (place / "posts.csv").read_bytes() == b"new"


def test_the_manifest_is_put_last_and_what_is_gone_goes(memory, monkeypatch):
    with output("memory://out", "2025-10") as (out, names):
        assert names == {str(out): "memory://out"}
        folder = out / "2025-10"
        for name in ("manifest.json", "anna.html", "zoe.failed.ipynb", ".work-1/scratch"):
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(name, encoding="utf-8")
        seen = carried(monkeypatch, memory)
    assert seen == ["put anna.html", "put zoe.failed.ipynb", "put manifest.json"]
    with output("memory://out", "2025-10"):
        (folder / "zoe.failed.ipynb").unlink()
        seen.clear()
    assert seen == ["rm_ zoe.failed.ipynb"]
    assert memory.find("/out") == ["/out/2025-10/anna.html", "/out/2025-10/manifest.json"]
    shutil.rmtree(folder)  # another machine
    with output("memory://out", "2025-10"):
        assert (folder / "anna.html").read_text() == "anna.html"
        memory.rm_file("/out/2025-10/anna.html")
    with output("memory://out", "2025-10"):
        assert not (folder / "anna.html").exists(), "what is gone from the URL goes from the copy"


def test_what_a_run_could_not_put_at_the_url_is_put_by_the_next(memory, monkeypatch):
    def fail(*_: Any, **__: Any) -> None:
        raise ConnectionError

    with (
        monkeypatch.context() as patch,
        pytest.raises(RemoteError, match="memory://out/2025-10: it cannot be written to"),
        output("memory://out", "2025-10") as (out, _),
    ):
        (out / "2025-10/anna.html").write_text("page")
        patch.setattr(type(memory), "put_file", fail)
    with output("memory://out", "2025-10"):
        assert (out / "2025-10/anna.html").read_text() == "page"
    assert memory.cat("/out/2025-10/anna.html") == b"page"


def test_what_was_finished_is_put_at_the_url_when_a_run_is_stopped(memory):
    with pytest.raises(KeyboardInterrupt), output("memory://out", "2025-10") as (out, _):
        (out / "2025-10/anna.html").write_text("page")
        raise KeyboardInterrupt
    assert memory.cat("/out/2025-10/anna.html") == b"page"


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (PermissionError("denied to key AKIASECRET"), "no permission"),
        (ConnectionError("AKIASECRET"), "the server cannot be reached"),
        (RuntimeError("AKIASECRET"), "RuntimeError"),
    ],
)
def test_what_goes_wrong_is_one_sentence_without_secrets(memory, monkeypatch, fault, why):
    def fail(*_: Any, **__: Any) -> None:
        raise fault

    remote = Remote("memory://out")
    monkeypatch.setattr(type(memory), "pipe_file", fail)
    with pytest.raises(RemoteError) as caught:
        remote.check_writable()
    assert str(caught.value) == f"memory://out: it cannot be written to: {why}"


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("memory://nowhere", "memory://nowhere: there is nothing at this place"),
        ("strange://data", "strange://data: expected a folder or a URL of fsspec"),
        ("strange://anna:secret@host/data", "strange://host/data: expected a folder or a URL"),
    ],
)
def test_a_url_that_cannot_be_used_stops_the_run(memory, url, sentence, capsys, monkeypatch):
    monkeypatch.chdir(NOTEBOOKS.parent.parent)
    assert main(["run", "--data", url, "--period", "2025-10"]) == 2
    said = capsys.readouterr().err
    assert said.startswith(sentence)
    assert said.count("\n") == 1


def test_only_a_run_writes_to_a_url(capsys):
    assert main(["score", "--specialist", "anna", "--out", "memory://out"]) == 2
    assert "only run writes to a URL" in capsys.readouterr().err


def test_without_a_library_for_it_the_extra_is_named(cache, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(
        InputError, match=r"the library fsspec.core is missing; pip install 'kpi-kit\[remote\]'"
    ):
        Remote("s3://bucket")


# --- a real server


@pytest.fixture(scope="module")
def bucket() -> Iterator[Any]:
    s3fs, server = pytest.importorskip("s3fs"), pytest.importorskip("moto.server")
    with pytest.MonkeyPatch.context() as patch:
        serving = server.ThreadedMotoServer(port=0, verbose=False)
        serving.start()
        host, port = serving.get_host_and_port()
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "tester")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "very-secret")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        files = s3fs.S3FileSystem(skip_instance_cache=True, use_listings_cache=False)
        files.mkdir("agency")
        yield files
        serving.stop()


@pytest.mark.filterwarnings("default")
def test_a_run_from_s3_to_s3_makes_only_what_is_missing(bucket, cache, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(NOTEBOOKS / "good.ipynb", tmp_path / "specialist_report.ipynb")
    shutil.copy(NOTEBOOKS / "department.ipynb", tmp_path / "department_report.ipynb")
    bucket.pipe("agency/data/posts.csv", b"rows")
    bucket.pipe("agency/reports/2025-09/index.html", b"page")
    department = SimpleNamespace(language="ru", timezone="UTC", agency="A", brand=Brand())
    people = {name: SimpleNamespace(name=name.title(), notebook=None, language=None) for name in NAMES}
    loaded = SimpleNamespace(folder=tmp_path, department=department, specialists=people, broken={})

    def same(name: str = "", *_: Any) -> dict[str, str]:
        return {"of": str(name)}

    its = {
        "specialist": same,
        "across": same,
        "department": lambda _, reports: {"of": json.dumps(reports, sort_keys=True)},
    }
    monkeypatch.setattr(batch.settings, "load", lambda folder: loaded)
    hashes = SimpleNamespace(forecasts=str, **its)
    monkeypatch.setattr(batch, "_is_unchanged", lambda *_: False)
    monkeypatch.setattr(batch.payout, "write", lambda *_: None)
    monkeypatch.setattr(batch, "_inputs", lambda run, folder: nullcontext((run, loaded, hashes)))
    monkeypatch.setattr(batch.cohort, "compute", lambda *_, **__: (Cohort(), {}))

    def go() -> batch.Outcome:
        data = fetched("s3://agency/data")
        options = {"notebooks": tmp_path, "engine": "embedded", "jobs": 2}
        with output("s3://agency/reports", "2025-10") as (out, names):
            names[str(data)] = "s3://agency/data"
            options |= {"names": names, "published": listed("s3://agency/reports")}
            return batch.run(batch.RunOptions("2025-10", data=data, params="p", out=out, **options))

    assert go().failed == {}
    there = {path.removeprefix("agency/reports/2025-10/") for path in bucket.find("agency/reports")}
    periods = re.findall(r'<a href="([^"]*)', bucket.cat("agency/reports/index.html").decode())
    assert periods == [
        "2025-10/index.html",
        *(f"2025-10/{name}.html" for name in NAMES),
        "2025-09/index.html",
    ]
    assert {f"{name}.{kind}" for name in NAMES for kind in ("html", "ipynb", "json")} < there
    assert {"index.html", "manifest.json"} < there
    notebook = bucket.cat("agency/reports/2025-10/anna.ipynb").decode()
    assert "s3://agency/data" in notebook
    assert str(copy_of("s3://agency/data")) not in notebook
    assert "very-secret" not in notebook
    assert go().unchanged == [*NAMES, "index"]

    shutil.rmtree(cache)  # another machine, on which one report is missing
    bucket.rm_file("agency/reports/2025-10/ivan.html")
    outcome = go()
    assert outcome.unchanged == ["anna"]
    assert bucket.exists("agency/reports/2025-10/ivan.html")


def test_a_copy_of_what_needs_credentials_is_for_its_owner_alone(memory):
    memory.pipe({"/data/posts.csv": b"1"})
    assert fetched("memory://data").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", ["../evil.csv", "a/../../evil.csv", "../../../evil.csv"])
def test_names_that_lead_out_of_the_copy_are_not_carried(name: str, memory, cache: Path):
    memory.pipe({"/data/posts.csv": b"1"})
    memory.store[f"/data/{name}"] = memory.store["/data/posts.csv"]  # as a key of S3 may be called
    place = fetched("memory://data")
    assert [path.name for path in cache.parent.rglob("*.csv")] == ["posts.csv"]
    assert (place / "posts.csv").read_bytes() == b"1"


def test_a_name_that_is_a_file_and_a_folder_is_refused_in_a_sentence(memory):
    memory.pipe({"/data/posts": b"1", "/data/posts.csv": b"1"})
    memory.store["/data/posts/part.parquet"] = memory.store["/data/posts.csv"]
    with pytest.raises(InputError, match="memory://data: it cannot be read: "):
        fetched("memory://data")
