"""Comments of the head of department: ``comments/<period>/<specialist>.md`` in the folder of params."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from kpi_kit.core.errors import KitError, SpecialistError, did_you_mean
from kpi_kit.core.periods import Period
from kpi_kit.core.phrases import Phrase
from kpi_kit.core.yaml_io import read_text

FOLDER = "comments"
DEPARTMENT = "department"
"""The name of the comment on the whole department; no specialist has this id."""
MOST_BYTES = 4096


def comment_file(params: Path, period: str, name: str) -> Path:
    """The file of a comment.

    Parameters
    ----------
    params : Path
        The folder of params.
    period : str
    name : str
        The id of a specialist, or :data:`DEPARTMENT`.
    """
    return params / FOLDER / period / f"{name}.md"


def read_comment(params: Path, period: str, name: str) -> str | None:
    """The text of a comment as Markdown; None where there is none.

    Parameters
    ----------
    params, period, name
        As in :func:`comment_file`.

    Raises
    ------
    SpecialistError
        Where the file is too large or is no text: that report alone fails.
    """
    file = comment_file(params, period, name)
    if not file.exists():
        return None
    try:
        text = read_text(file, MOST_BYTES)
    except KitError as fault:
        raise SpecialistError(fault.problems) from None
    return text.removeprefix("\ufeff").strip() or None


def stray_comments(params: Path, people: Collection[str]) -> Iterator[str]:
    """Warnings about files in the folder of comments that no report shows."""
    folder = params / FOLDER
    for home in sorted(folder.iterdir()) if folder.is_dir() else ():
        if not Period.is_name(home.name):
            yield Phrase("params.not_a_period_folder", home=home)
            continue
        for file in sorted(home.iterdir()) if home.is_dir() else ():
            if file.suffix != ".md":
                yield Phrase("params.only_md", file=file)
            elif file.stem not in (*people, DEPARTMENT):
                hint = did_you_mean(file.stem, [*people, DEPARTMENT])
                yield Phrase("params.no_specialist_of", file=file, name=file.stem, hint=hint)
