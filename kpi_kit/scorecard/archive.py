"""Earlier scorecards of a period, kept in ``history/`` beside the reports.

Later ones are compared with them in what was promised or paid: values, targets, attained, payouts, the
total and the bonus.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias, get_args

from kpi_kit.core.errors import InputError
from kpi_kit.core.files import Folder, sha256, sha256_of_file
from kpi_kit.core.periods import Period
from kpi_kit.scorecard.json_file import dumps, entries, is_sealed, load, sealed
from kpi_kit.scorecard.record import AnyScorecard, EarlierScorecard, Scorecard

HISTORY = "history"
"""The folder of earlier scorecards, in that of the period."""

Field: TypeAlias = Literal["value", "target", "attained", "payout"]
FIELDS: tuple[Field, ...] = get_args(Field)
"""The fields of an entry that are compared."""

_NAME = re.compile(r"(?P<who>.+)\.(?P<number>\d{3,})-(?P<digest>[0-9a-f]{12})\.json")


def keep(folder: Path, specialist: str, fresh: Path | Scorecard) -> Path | None:
    """Copy a person's published scorecard to ``history/`` before a different one replaces it.

    Parameters
    ----------
    folder : Path
        The folder of the reports of a period.
    specialist : str
    fresh : Path or dict
        The scorecard that will be published.

    Returns
    -------
    Path or None
        The copy; None where nothing was published, or the same content is kept or will be published.
    """
    published = folder / f"{specialist}.json"
    if not published.is_file():
        return None
    digest, copies = _digest(published), _copies(folder, specialist)
    fresh_digest = _digest(fresh) if isinstance(fresh, Path) else _digest_of(fresh)
    if digest in (fresh_digest, *(copy.digest for copy in copies)):
        return None
    number = max((copy.number for copy in copies), default=0) + 1
    target = folder / HISTORY / f"{specialist}.{number:03d}-{digest}.json"
    with Folder(target.parent, make=True) as history:
        history.write(target.name, published.read_bytes())
    return target


def first(folder: Path, specialist: str) -> AnyScorecard | None:
    """The scorecard of a period with which later ones are compared.

    It is the first final one, else the first preliminary one. Interim scorecards, files that cannot be
    read and files that were altered by hand do not count.
    """
    files = [*(copy.file for copy in _copies(folder, specialist)), folder / f"{specialist}.json"]
    cards = [card for card in map(_read, files) if card is not None and not card["interim"]]
    return next((card for card in cards if not card["preliminary"]), cards[0] if cards else None)


def _brief(card: AnyScorecard) -> EarlierScorecard:
    """The fields of a scorecard with which a later one is compared."""
    brief: EarlierScorecard = {
        "schema": card["schema"],
        "specialist": card["specialist"],
        "period": card["period"],
        "as_of": card["as_of"],
        "interim": card["interim"],
        "preliminary": card["preliminary"],
        "total": card["total"],
        "bonus": card["bonus"],
        "kpis": [
            {
                "kpi": row["kpi"],
                "as": row["as"],
                "versus": row["versus"],
                "scope": row["scope"],
                "unit": row["unit"],
                "value": row["value"],
                "target": row["target"],
                "attained": row["attained"],
                "payout": row["payout"],
            }
            for row in card["kpis"]
        ],
        "provenance": card["provenance"],
    }
    return sealed(brief)


def beside(folder: Path, specialist: str) -> dict[Path, str]:
    """The earlier scorecard to put into a report's workspace, by its place there; none for a first report."""
    earlier = first(folder, specialist)
    if earlier is None:
        return {}
    brief = _brief(earlier)
    return {Path(HISTORY, f"{specialist}.001-{_digest_of(brief)}.json"): dumps(brief)}


def of_previous_period(out: Path, period: Period, specialist: str) -> dict[Path, str]:
    """The report of the previous period, at its place relative to the folder of a period."""
    previous = str(period.previous)
    earlier = _read(out / previous / f"{specialist}.json")
    if earlier is None:
        return {}
    return {Path("..", previous, f"{specialist}.json"): dumps(_brief(earlier))}


class _Copy(NamedTuple):
    """A file in ``history/``."""

    number: int
    digest: str
    file: Path


def _copies(folder: Path, specialist: str) -> list[_Copy]:
    """The earlier scorecards of a person, the first one first."""
    named = [(_NAME.fullmatch(file.name), file) for file in (folder / HISTORY).glob("*.json")]
    return sorted(
        _Copy(int(name["number"]), name["digest"], file)
        for name, file in named
        if name is not None and name["who"] == specialist
    )


def _read(file: Path) -> AnyScorecard | None:
    """A scorecard as the kit wrote it; None for any other file, so that none stops a report."""
    if not file.is_file():
        return None
    try:
        card = load(file)
        entries(card)
        return card if is_sealed(card) else None
    except (InputError, KeyError, TypeError, AttributeError):
        return None


def _digest(file: Path) -> str:
    """The hash of a scorecard's content; of any other file, of its bytes."""
    card = _read(file)
    return sha256_of_file(file)[:12] if card is None else _digest_of(card)


_UNSAID = ("provenance", "restated", "total_previous")
"""Parts of a scorecard that depend on where it was made, not on what it says."""


def _digest_of(card: AnyScorecard) -> str:
    content = {name: part for name, part in card.items() if name not in _UNSAID}
    return sha256(dumps(content))[:12]
