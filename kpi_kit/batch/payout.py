"""Write the payout statement of a period, which only its owner may read."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain, count
from pathlib import Path

from kpi_kit.batch.fingerprints import of_file
from kpi_kit.batch.manifest import Manifest
from kpi_kit.batch.plan import Run
from kpi_kit.params import Params
from kpi_kit.scorecard import json_file


def clear_place(folder: Path, outputs: Mapping[str, str]) -> str:
    """Remove the statement that a run has made and nobody has changed; returns the name for the next one.

    Parameters
    ----------
    folder : Path
    outputs : mapping of str to str
        The hashes of the files of the department's report, by name.

    Returns
    -------
    str
        ``payout.xlsx``; ``payout.new.xlsx`` and so on where a file of that name was changed by hand.
    """
    names = chain(["payout.xlsx", "payout.new.xlsx"], (f"payout.new{number}.xlsx" for number in count(2)))
    for name in [name for name in outputs if name.endswith(".xlsx")]:
        if of_file(folder / name) == outputs[name]:
            (folder / name).unlink()
    return next(name for name in names if not (folder / name).exists())


def write(run: Run, loaded: Params, manifest: Manifest, file: Path) -> None:
    """Write the statement of all people whose reports are done; no file where there are none.

    Parameters
    ----------
    run : Run
    loaded : Params
    manifest : Manifest
    file : Path
        A file that does not exist yet.
    """
    from kpi_kit.report.payout import statement  # a run that makes nothing does not wait for this import

    done = [
        name
        for name in loaded.specialists
        if (entry := manifest.reports.get(name)) is not None and entry["status"] == "done"
    ]
    if not done:
        return
    cards = [json_file.load(run.folder / f"{name}.json") for name in done]
    names = {name: person.name for name, person in loaded.specialists.items()}
    names |= {name: name for name in loaded.broken}
    others = [name for person, name in names.items() if person not in done]
    content = statement(run.parameters["period"], cards, others, run.language, loaded.department.currency)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600, exist_ok=False)
    file.write_bytes(content)
