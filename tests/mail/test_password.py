"""The password of KPI_SMTP_URL appears nowhere: the command line with debug logging, a real server."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest
from agency import build, entry
from office import page
from postbox import PASSWORD, USER, Postbox, certificates, listening

from kpi_kit.batch.fingerprints import of_file
from kpi_kit.cli.main import main
from kpi_kit.cli.output import say
from kpi_kit.data.open_inputs import open_inputs
from kpi_kit.mail.current_inputs import CurrentInputs
from kpi_kit.scorecard.build import score
from kpi_kit.scorecard.json_file import dumps

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def agency(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A tiny agency with a report of its own data, as arguments of the command line."""
    folder = tmp_path_factory.mktemp("agency")
    department = {
        "directors": [{"id": "olga", "name": "Ольга", "email": "olga@agency.example", "specialists": "all"}],
        "mail": {"sender": "kpi@agency.example"},
    }
    kpis = [entry("leads", target={"at_least": 3})]
    data, params = build(folder, kpis, department=department, leads=["l1,a,2025-10-01T12:00"])
    out = folder / "out" / "2025-10"
    out.mkdir(parents=True)
    card = score("ann", "2025-10", data=data, params=params)
    (out / "ann.json").write_text(dumps(card), encoding="utf-8")
    (out / "ann.html").write_text(page(card), encoding="utf-8")
    loaded, store = open_inputs(data, params)
    with store:
        inputs = CurrentInputs(out, loaded, store).specialist("ann", card["as_of"])
    outputs = {name: of_file(out / name) for name in ("ann.json", "ann.html")}
    made = {"status": "done", "error": None, "inputs": inputs, "outputs": outputs}
    (out / "manifest.json").write_text(json.dumps({"reports": {"ann": made}}), encoding="utf-8")
    return ["--data", str(data), "--params", str(params), "--out", str(folder / "out"), "--period", "2025-10"]


def forms(password: str) -> list[str]:
    """The password as it may be written."""
    texts = [password, f"\0{USER}\0{password}", f"{USER}\0{password}"]
    encoded = [base64.b64encode(text.encode()).decode() for text in texts]
    return [password, quote(password, safe=""), *encoded, *(text.rstrip("=") for text in encoded)]


def run(arguments: list[str], url: str | None) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "KPI_SMTP_URL"}
    return subprocess.run(
        [sys.executable, "-m", "kpi_kit", "mail", *arguments],
        cwd=ROOT,
        env=environment | ({} if url is None else {"KPI_SMTP_URL": url}),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def told(done: subprocess.CompletedProcess[str], folder: Path) -> str:
    """Everything that a run printed, and every file under a folder."""
    written = "".join(
        path.read_bytes().decode("utf-8", "replace") for path in folder.rglob("*") if path.is_file()
    )
    return done.stdout + done.stderr + written


def test_the_password_is_nowhere(agency: list[str]) -> None:
    out = Path(agency[agency.index("--out") + 1])
    known, _ = certificates()
    box = Postbox()
    with listening(box, tls=known, auth=True) as port:
        wrong = "s3cret/Wr0ng%"
        where = f"localhost:{port}"
        refused = run([*agency, "--send", "--debug"], f"smtp://{USER}:{quote(wrong, safe='')}@{where}")
        assert refused.returncode == 1
        assert "не отправлено: 535" in refused.stderr
        assert not [form for form in forms(wrong) if form in told(refused, out)]
        sent = run([*agency, "--send", "--debug"], f"smtp://{USER}:{quote(PASSWORD, safe='')}@{where}")
        assert (sent.returncode, "Traceback" in sent.stderr) == (0, False), sent.stderr
        assert not [form for form in forms(PASSWORD) if form in told(sent, out)]
    assert len(box.arrived) == 1
    assert f"connected to localhost:{port}, TLSv1.3" in sent.stderr
    assert re.search(r"RCPT TO:<olga@agency\.example>: 250", sent.stderr)


def test_nobody_has_to_listen_for_all_to_be_sent() -> None:
    end, other = os.pipe()
    os.close(end)
    with os.fdopen(other, "w") as stream:
        say("one", stream)
        say("two", stream)


def test_without_a_server_nothing_is_done(
    agency: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("KPI_SMTP_URL", raising=False)
    assert main(["mail", *agency, "--send"]) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith("KPI_SMTP_URL is not set")
    assert printed.out == ""
    monkeypatch.setenv("KPI_SMTP_URL", "smtp://kpi:SECRET@[x")
    assert main(["mail", *agency, "--send"]) == 2
    assert "SECRET" not in capsys.readouterr().err
    assert main(["mail", *agency, "--timeout", "0"]) == 2
    assert main(["mail", *agency]) == 0
    assert "director:olga <olga@agency.example>: " in capsys.readouterr().out


def test_a_report_older_than_its_data_is_not_mailed(
    agency: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    data = Path(agency[1])
    before = (data / "leads.csv").read_bytes()
    try:
        (data / "leads.csv").write_bytes(before + b"l2,b,2025-10-02T12:00,,,,,\n")
        assert main(["mail", *agency]) == 0, "the account of somebody else"
        (data / "leads.csv").write_bytes(before + b"l2,a,2025-10-02T12:00,,,,,\n")
        assert main(["mail", *agency]) == 1
        assert "ann: report not mailed: it is older than its data" in capsys.readouterr().err
    finally:
        (data / "leads.csv").write_bytes(before)
