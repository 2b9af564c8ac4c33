"""Files that come with the kit: the notebooks, and the style of pages."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]


def shipped(folder: str) -> Path:
    """Return a folder that comes with the kit.

    It stands inside the package where that was installed from a wheel, and beside it in a checkout.

    Parameters
    ----------
    folder : str
        ``notebooks`` or ``reports``.

    Examples
    --------
    >>> (shipped("reports") / "theme.css").is_file()
    True
    """
    inside = PACKAGE / folder
    return inside if inside.is_dir() else PACKAGE.parent / folder
