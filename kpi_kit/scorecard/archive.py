"""What was reported before: earlier scorecards, kept in ``history/`` beside the reports.

What is compared with them is what has been promised or paid: values, targets, whether they are attained,
payouts, the total and the bonus.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias, get_args

from kpi_kit.core.errors import InputError
from kpi_kit.core.files import sha256, sha256_of_file, write_file
from kpi_kit.scorecard.card_files import dumps, entries, is_sealed, load, sealed
from kpi_kit.scorecard.record import AnyScorecard, EarlierScorecard, Scorecard

HISTORY = "history"
"""The folder of earlier scorecards, in that of the period."""

Field: TypeAlias = Literal["value", "target", "attained", "payout"]
FIELDS: tuple[Field, ...] = get_args(Field)
"""What is compared of a KPI."""

_NAME = re.compile(r"(?P<who>.+)\.(?P<number>\d{3,})-(?P<digest>[0-9a-f]{12})\.json")


def keep(folder: Path, specialist: str, fresh: Path | Scorecard) -> Path | None:
    """Keep a person's published scorecard in ``history/`` before a different one takes its place.

    Parameters
    ----------
    folder : Path
        The folder of the reports of a period.
    specialist : str
    fresh : Path or dict
        The scorecard that is about to be published.

    Returns
    -------
    Path or None
        None where there is none yet, or one of the same content is kept or about to be published.
    """
    published = folder / f"{specialist}.json"
    if not published.is_file():
        return None
    digest, kept = _digest(published), _kept(folder, specialist)
    coming = _digest(fresh) if isinstance(fresh, Path) else _digest_of(fresh)
    if digest in (coming, *(each.digest for each in kept)):
        return None
    number = max((each.number for each in kept), default=0) + 1
    target = folder / HISTORY / f"{specialist}.{number:03d}-{digest}.json"
    target.parent.mkdir(exist_ok=True)
    write_file(target, published.read_bytes())
    return target


def first(folder: Path, specialist: str) -> AnyScorecard | None:
    """The scorecard of a period with which later ones are compared.

    It is the first final one; where none was final, the first preliminary one. Figures of a period that was
    not over announced that they would change, and files that cannot be read or that somebody has altered
    are nobody's word.
    """
    files = [*(each.file for each in _kept(folder, specialist)), folder / f"{specialist}.json"]
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
    """The file that a report finds in its scratch folder, where the person has been reported before."""
    earlier = first(folder, specialist)
    if earlier is None:
        return {}
    told = _brief(earlier)
    return {Path(HISTORY, f"{specialist}.001-{_digest_of(told)}.json"): dumps(told)}


class _Kept(NamedTuple):
    """A file in ``history/``."""

    number: int
    digest: str
    file: Path


def _kept(folder: Path, specialist: str) -> list[_Kept]:
    """The earlier scorecards of a person, the first one first."""
    named = [(_NAME.fullmatch(file.name), file) for file in (folder / HISTORY).glob("*.json")]
    return sorted(
        _Kept(int(name["number"]), name["digest"], file)
        for name, file in named
        if name is not None and name["who"] == specialist
    )


def _read(file: Path) -> AnyScorecard | None:
    """A scorecard as the kit wrote it; None of any other file: an earlier one holds no report up."""
    if not file.is_file():
        return None
    try:
        card = load(file)
        entries(card)
        return card if is_sealed(card) else None
    except (InputError, KeyError, TypeError, AttributeError):
        return None


def _digest(file: Path) -> str:
    """Of what a scorecard says; of a file that is none, of its bytes."""
    card = _read(file)
    return sha256_of_file(file)[:12] if card is None else _digest_of(card)


def _digest_of(card: AnyScorecard) -> str:
    said = {name: part for name, part in card.items() if name not in ("provenance", "restated")}
    return sha256(dumps(said))[:12]
