"""Inputs that are there for a moment, and manifests with planted lines: neither makes a report up to date."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kpi_kit import params as settings
from kpi_kit.batch import run as batch
from kpi_kit.batch.execute import Report, Result
from kpi_kit.batch.fingerprints import changed_inputs
from kpi_kit.batch.plan import check_inputs
from kpi_kit.data.open_inputs import open_inputs
from kpi_kit.mail.current_inputs import CurrentInputs
from tests.builders import write_data, write_params

PERIOD = "2025-10"
LEADS = {"kpi": "leads", "target": {"at_least": 1}, "weight": 1}


def leads(count: int) -> list[dict[str, Any]]:
    return [
        {"lead_id": f"{account}-{n}", "account_id": account, "created_at": "2025-10-02T12:00:00+03:00"}
        for account in ("vk-a", "vk-b")
        for n in range(count)
    ]


@pytest.fixture
def office(tmp_path: Path) -> SimpleNamespace:
    """Data and params of two people, and an empty folder for reports."""
    accounts = [{"account_id": name, "platform": "vk", "title": name} for name in ("vk-a", "vk-b")]
    coverage = [
        {"table": "leads", "scope": name, "since": "2024-01-01", "until": "2025-12-01"}
        for name in ("vk-a", "vk-b")
    ]
    tables = {"accounts": accounts, "coverage": coverage, "leads": leads(3)}
    people = {name: {"accounts": [f"vk-{name[0]}"], "kpis": [LEADS]} for name in ("ann", "bob")}
    return SimpleNamespace(
        data=write_data(tmp_path / "data", tables),
        params=write_params(tmp_path / "params", None, people),
        out=tmp_path / "out",
        folder=tmp_path / "out" / PERIOD,
        root=tmp_path,
    )


def made(office: SimpleNamespace, change: Callable[[str], None] | None = None) -> batch.Outcome:
    """Run without notebooks: a report is the number of leads and the target, as the snapshot has them."""

    class Workers:
        def __enter__(self) -> Workers:
            return self

        def __exit__(self, *_: object) -> None:
            """Nothing has been started."""

        def warm_up(self) -> None:
            """Nothing is to be started."""

        def submit(self, function: Any, *given: Any, **more: Any) -> Any:
            return SimpleNamespace(result=lambda: function(*given, **more))

        def execute(self, reports: Any) -> Any:
            for report in reports:
                if change is not None:
                    change(report.id)
                yield report, _executed(report)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch, "_workers", lambda *_: Workers())
        patch.setattr(batch.payout, "write", lambda *_: None)  # it reads whole scorecards
        options = batch.RunOptions(
            PERIOD, data=office.data, params=office.params, out=office.out, engine="embedded"
        )
        return batch.run(options)


def _executed(report: Report) -> Result:
    report.folder.mkdir(exist_ok=True)
    for file in (report.executed, report.executed.with_suffix(".html")):
        file.write_text("page", "utf-8")
    if report.card is not None:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in report.environment.items():
                patch.setenv(name, value)
            loaded, store = open_inputs(Path(report.parameters["data"]), Path(report.parameters["params"]))
        with store:
            person = loaded.specialists[report.id]
            rows = store.query(
                f"SELECT count(*) FROM ({store.sources['leads'].typed()}) WHERE account_id = ?",
                [person.accounts[0].account],
            )
        card = {"as_of": "2025-11-08T00:00:00+03:00", "leads": rows[0][0]}
        card["target"] = person.kpis[0].target.at_least
        report.card.parent.mkdir(parents=True, exist_ok=True)
        report.card.write_text(json.dumps(card), "utf-8")
    return Result(report.id, None, 0.1)


def figures(office: SimpleNamespace, who: str) -> tuple[int, float]:
    card = json.loads((office.folder / f"{who}.json").read_text("utf-8"))
    return card["leads"], card["target"]


def mailable(office: SimpleNamespace, who: str) -> list[str]:
    """What the mail holds against a report: the inputs that are others than those it was made from."""
    entry = json.loads((office.folder / "manifest.json").read_text("utf-8"))["reports"][who]
    loaded, store = open_inputs(office.data, office.params)
    with store:
        return changed_inputs(entry, CurrentInputs(office.folder, loaded, store).specialist(who, ""))


@pytest.mark.parametrize("what", ["data", "params"])
def test_a_report_is_never_up_to_date_with_inputs_that_were_there_for_a_moment(
    office: SimpleNamespace, what: str
) -> None:
    """They come when the first report is being made, and go before the run ends."""
    file = office.data / "leads.csv" if what == "data" else office.params / "specialists/bob.yml"
    right = file.read_bytes()

    def come(report: str) -> None:
        if what == "data":
            write_data(office.root / "other", {"leads": leads(30)})
            (office.root / "other/leads.csv").replace(file)
        else:
            file.write_bytes(right.replace(b"at_least: 1", b"at_least: 9"))
        if report == "index":
            file.write_bytes(right)

    made(office, come)
    assert figures(office, "ann") == figures(office, "bob") == (3, 1)
    assert made(office).unchanged == ["ann", "bob", "index"]
    assert mailable(office, "ann") == mailable(office, "bob") == []

    # there when the run begins, gone when it has taken its snapshot
    come("ann")
    assert file.read_bytes() != right
    made(office, lambda _: file.write_bytes(right))
    assert figures(office, "bob") in [(30, 1), (3, 9)]
    assert mailable(office, "bob") == ["data" if what == "data" else "params"]
    assert "bob" not in made(office).unchanged
    assert figures(office, "bob") == (3, 1)
    assert mailable(office, "bob") == []


def test_other_content_of_the_same_size_and_times_is_made_again(office: SimpleNamespace) -> None:
    made(office)
    file = office.data / "leads.csv"
    status, text = file.stat(), file.read_text("utf-8")
    with file.open("r+", encoding="utf-8") as stream:
        stream.write(text.replace("2025-10-02", "2025-09-02", 1))
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert mailable(office, "ann") == ["data"]
    assert "ann" not in made(office).unchanged
    assert mailable(office, "ann") == []


def test_a_planted_manifest_decides_nothing(office: SimpleNamespace) -> None:
    """Neither rows that it names, as those of older kits did, nor hashes that do not belong together."""
    made(office)
    evil = write_data(office.root / "evil", {"leads": leads(30)}, fmt="parquet") / "leads.parquet"
    path = office.folder / "manifest.json"
    for plant in (
        {
            "data": {"known": json.dumps(["", "", {}, {}, {"leads": str(evil)}, []]), "rows": {}},
            "reports": {},
        },
        {"checked": "planted", "reports": {}},
    ):
        path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | plant), "utf-8")
        assert "ann" not in made(office).unchanged
        assert figures(office, "ann") == (3, 1)
        assert {"data", "checked"}.isdisjoint(json.loads(path.read_text("utf-8")))
    record = json.loads(path.read_text("utf-8"))
    for part, value in (("data", "forged"), ("data", record["reports"]["bob"]["inputs"]["data"])):
        changed = json.loads(json.dumps(record))
        changed["reports"]["ann"]["inputs"][part] = value
        path.write_text(json.dumps(changed), "utf-8")
        assert mailable(office, "ann") == ["data"]
        assert "ann" not in made(office).unchanged


def test_an_entry_forged_as_a_whole_is_not_mailed(office: SimpleNamespace) -> None:
    """A run believes its hash of files and rows; the mail reads the rows, and says that only FORCE helps."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kpi_kit.batch.fingerprints.InputHashes._rows", lambda *_: "forged")
        made(office)
    assert made(office).unchanged == ["ann", "bob", "index"]
    assert mailable(office, "ann") == ["data"]
    entry = json.loads((office.folder / "manifest.json").read_text("utf-8"))["reports"]["ann"]
    loaded, store = open_inputs(office.data, office.params)
    with store:
        assert (
            changed_inputs(entry, CurrentInputs(office.folder, loaded, store).specialist("ann", "", entry))
            == []
        )


def test_other_rows_in_the_data_are_no_reason_to_make_a_report_again(office: SimpleNamespace) -> None:
    """The rows are compared once; then the manifest records that the report is of these files, too."""
    made(office)
    rows = leads(3) + [{"lead_id": "more", "account_id": "vk-b", "created_at": "2025-10-02T12:00:00+03:00"}]
    write_data(office.root / "other", {"leads": rows})
    (office.root / "other/leads.csv").replace(office.data / "leads.csv")
    assert made(office).unchanged == ["ann"]
    options = batch.RunOptions(
        PERIOD, data=office.data, params=office.params, out=office.out, engine="embedded"
    )
    loaded = settings.load(office.params)
    run = check_inputs(options, loaded, None)
    shutil.rmtree(office.root / "other")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kpi_kit.batch.fingerprints.slices", lambda *_: pytest.fail("rows were read"))
        assert batch._is_unchanged(run, loaded)
