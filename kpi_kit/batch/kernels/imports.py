"""What a report needs, imported once; and one import that nobody needs, avoided."""

from __future__ import annotations

import importlib
import io
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_SLOW = "rfc3987_syntax"
"""It builds a grammar at import, for formats that no notebook's schema has; jsonschema goes without."""

_COMPUTING = (
    "holidays.countries",
    "scipy.stats",
    "kpi_kit.scorecard.cohort",
    "kpi_kit.scorecard.context",
    "kpi_kit.scorecard.platform_shocks",
    "kpi_kit.scorecard.inference",
)
"""What is needed to find what crosses specialists, which comes before all reports."""
_TOOLS = (
    "jupyter_client.provisioning",
    "nbclient",
    "nbconvert.exporters.templateexporter",
    "papermill",
    "kpi_kit.batch.execute",
)
"""What executes and renders; a notebook has no use for it."""
_NEEDED = (
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.logger",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "ipykernel.debugger",
    "ipykernel.ipkernel",
    "ipykernel.kernelapp",
    "ipykernel.zmqshell",
    "matplotlib.backends.backend_svg",
    "matplotlib.pyplot",
    "seaborn",
    "sqlite3",
    "tornado.platform.asyncio",
    "kpi_kit.batch.kernels.kernel",
    "kpi_kit.report.notebook_api",
)
"""What kernels and notebooks would import otherwise, each anew: the debugger alone is half of a start."""


@contextmanager
def without_slow_grammar() -> Iterator[None]:
    """Within it, jsonschema finds no ``rfc3987_syntax``, which costs most of ``import papermill``.

    Examples
    --------
    >>> import sys
    >>> with without_slow_grammar():
    ...     import papermill
    >>> sys.modules.get("rfc3987_syntax", "free to import") is None
    False
    """
    hidden = _SLOW not in sys.modules
    if hidden:
        sys.modules[_SLOW] = None  # type: ignore[assignment]  # this is how an import is refused
    try:
        yield
    finally:
        if hidden:
            del sys.modules[_SLOW]


def warming(folder: Path, params: Path | None = None) -> Iterator[None]:
    """Import everything, and do once what is slow the first time: fonts, words, a trend, the page's template.

    It yields after each step. After the first all that computes is there.

    Parameters
    ----------
    folder : Path
        For temporary files.
    params : Path or None
        A folder of params whose files are to be read already.
    """
    from kpi_kit.core.errors import KitError
    from kpi_kit.params import load

    for name in _COMPUTING:
        importlib.import_module(name)
    if params is not None:
        with suppress(KitError):  # whoever needs them will say what is wrong with them
            load(params)
    yield
    for name in _NEEDED:
        importlib.import_module(name)
        yield
    for name in _TOOLS:
        with without_slow_grammar(), warnings.catch_warnings():  # notebooks may want to hear them
            importlib.import_module(name)
        yield
    from jupyter_client.provisioning.factory import KernelProvisionerFactory

    KernelProvisionerFactory.instance()  # it reads the entry points of all packages
    from kpi_kit.report import wording

    for language in wording.LANGUAGES:
        wording.words(language, "RUB").period("2025-01")
        yield
    _compute()
    yield
    _draw()
    yield
    _render(folder)


def _compute() -> None:
    """A trend, which reads the distributions that it is judged by; and the hashes of the kit itself."""
    from kpi_kit.core import versions
    from kpi_kit.statistics import trend

    trend([1.0, 3.0, 2.0, 4.0] * 4)
    versions.source()
    versions.versions()


def _draw() -> None:
    """A figure as those of the reports are: it finds the fonts and compiles the paths of marks."""
    from matplotlib.figure import Figure

    from kpi_kit.report import figures
    from kpi_kit.report.figures.canvas import SIZE, SMALL, text_width

    for size, weight in ((SMALL, "normal"), (SIZE, "normal"), (SIZE, "bold")):
        text_width("1", size, weight)
    with figures.drawing():
        figure = Figure(figsize=(2, 1))
        axes = figure.add_subplot()
        axes.plot([0, 1], [1, 2], marker="o", label="1")
        for weight in ("normal", "bold"):
            axes.text(0, 1, "Ж1", weight=weight)
        figure.savefig(io.BytesIO(), format="svg")


def _render(place: Path) -> None:
    """A page without content: it compiles the template."""
    from nbformat import v4, write

    from kpi_kit.report import render

    with tempfile.TemporaryDirectory(dir=place) as folder:
        empty = Path(folder) / "empty.ipynb"
        write(v4.new_notebook(), empty)
        render.render([empty], engine="embedded")
