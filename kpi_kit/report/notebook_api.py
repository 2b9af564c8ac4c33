"""The handful of calls that a notebook makes.

Everything that a report shows comes from the scorecard JSON: it is computed and saved by
:func:`specialist`, and read back by :func:`department`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from kpi_kit import params as parameters
from kpi_kit.core import file_versions
from kpi_kit.core.errors import InputError
from kpi_kit.core.json_io import read_json
from kpi_kit.core.periods import Grain, Period
from kpi_kit.core.phrases import Phrase
from kpi_kit.core.shipped import shipped
from kpi_kit.data.merge import journal
from kpi_kit.data.open_inputs import folders, open_inputs
from kpi_kit.data.status import Row, last_months, read_expected
from kpi_kit.params.comments import DEPARTMENT
from kpi_kit.report import inputs, jupyter_style
from kpi_kit.report.department_page import DepartmentReport
from kpi_kit.report.section import THEME, Section
from kpi_kit.report.specialist_page import SpecialistReport
from kpi_kit.scorecard import archive, build, json_file, revisions
from kpi_kit.scorecard.entry_record import PreviousTotal
from kpi_kit.scorecard.record import Scorecard

__all__ = ["THEME", "DepartmentReport", "Section", "SpecialistReport", "department", "specialist", "style"]

NOTEBOOK = shipped("notebooks") / "specialist_report.ipynb"


def specialist(
    *,
    specialist: object,
    period: object,
    as_of: object,
    data: object,
    params: object,
    out: object,
    save: object = False,
) -> SpecialistReport:
    """Compute a specialist's scorecard and offer the sections of the report.

    Figures that differ from an earlier report of the period are listed in it. A run of the kit saves the
    scorecard; a notebook that is run by hand writes nothing, unless ``save`` is true.

    Parameters
    ----------
    specialist : str
        The id: the name of a file in ``<params>/specialists``.
    period : str
        ``2025-10``, ``2025-Q4``, ``2025-W41`` or ``2025``.
    as_of : str
        The data cut-off, or empty for the default.
    data, params, out : str
        Folders; the scorecard goes to ``<out>/<period>/<specialist>.json``. Outside a run relative ones are
        those of the project.
    save : bool
        Whether to save the scorecard also outside a run.

    Returns
    -------
    SpecialistReport

    Raises
    ------
    KitError
        Where a parameter, the params or the data cannot be used; nothing is written then.
    """
    given = inputs.texts(
        {
            "specialist": specialist,
            "period": period,
            "as_of": as_of,
            "data": data,
            "params": params,
            "out": out,
        }
    )
    who, when = inputs.specialist_id(given["specialist"]), inputs.period(given["period"])
    paths = inputs.folders({name: given[name] for name in ("data", "params")})
    notebook = Path(os.environ.get(inputs.NOTEBOOK) or NOTEBOOK)
    folder = inputs.resolve(given["out"]) / str(when)
    card = build.score(
        who,
        str(when),
        **paths,
        as_of=given["as_of"] or None,
        beside=folder,
        notebook=notebook if notebook.is_file() else None,
    )
    path = folder / f"{who}.json"
    changed = revisions.restated(card, archive.first(folder, who), journal.read(folders(**paths)[0]))
    card["restated"] = changed
    card["total_previous"] = _previous_total(card, folder.parent)
    card = json_file.sealed(card)
    if inputs.saves(save):
        path.parent.mkdir(parents=True, exist_ok=True)
        archive.keep(folder, who, card)
        json_file.save(card, path)
    return SpecialistReport(card, path)


def _previous_total(card: Scorecard, out: Path) -> PreviousTotal | None:
    """The total of the previous period, as its report has it where that period was over then."""
    period = str(Period.parse(card["period"]).previous)
    path = out / period / f"{card['specialist']}.json"
    earlier = json_file.load(path) if path.is_file() else None
    if earlier is None or earlier["interim"]:
        return card.get("total_previous")
    return {"period": period, "value": earlier["total"], "reported": True}


def department(
    *, period: object, data: object, params: object, out: object, save: object = False
) -> DepartmentReport:
    """Read the scorecards of a period and offer the sections of the department's report.

    What they say together is kept in ``<out>/<period>/department/department.json``.

    Parameters
    ----------
    period, data, params, out, save : str
        As in :func:`specialist`; the scorecards and ``manifest.json`` are in ``<out>/<period>``.

    Returns
    -------
    DepartmentReport

    Raises
    ------
    KitError
        Where a parameter or a file cannot be used.
    """
    given = inputs.texts({"period": period, "data": data, "params": params, "out": out})
    when = str(inputs.period(given["period"]))
    own = inputs.folders({"params": given["params"]})["params"]
    loaded = parameters.load(folders(inputs.resolve(given["data"]), own)[1])
    settings, people = loaded.department, {name: name for name in loaded.broken}
    people |= {name: person.name for name, person in loaded.specialists.items()}
    folder = inputs.resolve(given["out"]) / when
    reports = _manifest(folder / "manifest.json")
    failed = {name: str(report["error"]) for name, report in reports.items() if report["status"] == "failed"}
    done = [
        path for path in _cards(folder) if path.stem not in failed and (not reports or path.stem in reports)
    ]
    cards = [json_file.load(path) for path in done]
    told = {*failed, *(card["specialist"] for card in cards)}
    missing = [name for person, name in people.items() if person not in told]
    failed = {people.get(person, person): error for person, error in failed.items()}
    made = DepartmentReport(
        when,
        cards,
        failed,
        str(settings.language),
        settings.currency,
        missing,
        folder,
        parameters.read_comment(loaded.folder, when, DEPARTMENT),
        _status(inputs.resolve(given["data"]), own, when),
    )
    if inputs.saves(save):
        kept = folder / "department" / "department.json"
        kept.parent.mkdir(parents=True, exist_ok=True)
        json_file.save(made.view, kept)
    return made


def _status(data: Path, own: Path, period: str) -> list[Row]:
    """Which data are there in the last months of a period; nothing where the data are elsewhere."""
    if not data.exists():
        return []
    loaded, store = open_inputs(data, own, check=False)
    with store:
        last = Period.containing(Period.parse(period).last_day, Grain.MONTH)
        return last_months(loaded, store, last, read_expected(loaded.folder / "import.yml"))


def style() -> Section:
    """The stylesheet of the page, inside Jupyter: it holds for nothing there but a report's sections."""
    return Section("style", jupyter_style.style(THEME))


def _cards(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.json") if path.stem not in parameters.RESERVED_IDS)


def _manifest(path: Path) -> dict[str, Any]:
    """What became of each report; empty where no run has written it."""
    if not path.is_file():
        return {}
    try:
        found = read_json(path)
        reports = {
            name: {"status": entry["status"], "error": entry.get("error")}
            for name, entry in found["reports"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as fault:
        raise InputError(Phrase("report.not_a_manifest", file=path, fault=fault)) from None
    file_versions.refuse_other("manifest", found.get("schema", 1), path, InputError)
    return reports
