"""Errors for users: sentences that say what is wrong and how to fix it.

::

    KitError                 one or more problems, each one sentence
    ├── InputError           department.yml, a data table or the command line: the run stops, exit 2
    ├── SpecialistError      one specialist's file: that report alone fails, exit 1
    └── ReportError          a notebook or its rendering failed: that report alone fails, exit 1

A sentence names the file, row or key, what is expected and what was found.
All problems of an input are raised together. Sentences are phrases (:mod:`kpi_kit.core.phrases`): in English
here, in the language of the user where they are shown.
"""

from __future__ import annotations

import difflib
import errno
from collections.abc import Iterable

from kpi_kit.core.phrases import Phrase, shown

_SYSTEM = (
    "ENOENT",
    "EACCES",
    "EPERM",
    "ENOSPC",
    "EROFS",
    "EISDIR",
    "ENOTDIR",
    "ENAMETOOLONG",
    "EDQUOT",
    "EIO",
)
"""The faults of the system that have words in both languages."""


class KitError(Exception):
    r"""One or more problems that a user can understand and fix.

    Parameters
    ----------
    problems : str or iterable of str
        One sentence a problem.

    Examples
    --------
    >>> raise_me = KitError(["posts.csv: column post_id is missing", "leads.csv: row 3: ..."])
    >>> len(raise_me.problems)
    2
    >>> print(KitError("one\nsentence"))
    one sentence
    """

    def __init__(self, problems: str | Iterable[str]) -> None:
        sentences = (problems,) if isinstance(problems, str) else problems
        # a quoted value may contain line breaks; those of phrases are gone
        self.problems: tuple[str, ...] = tuple(
            text if isinstance(text, Phrase) else " ".join(text.splitlines()) for text in sentences
        )
        super().__init__("\n".join(self.problems))

    def _render_traceback_(self) -> list[str]:
        """Show the sentences in IPython instead of a traceback."""
        return list(map(shown, self.problems))

    def __reduce__(self) -> tuple[type[KitError], tuple[tuple[str, ...]]]:
        return type(self), (self.problems,)


class InputError(KitError):
    """``department.yml``, a data table or an argument cannot be used."""


class SpecialistError(KitError):
    """One specialist's file cannot be used; other reports are not affected."""


class ReportError(KitError):
    """A report could not be executed or rendered."""


def reason_of(fault: OSError) -> str:
    """Why the system refused a file: the common reasons as phrases, others in its own words.

    Examples
    --------
    >>> reason_of(PermissionError(errno.EACCES, "Permission denied"))
    'Permission denied'
    """
    code = errno.errorcode.get(fault.errno or 0, "")
    return Phrase(f"core.system_{code}") if code in _SYSTEM else str(fault.strerror or fault)


def did_you_mean(name: object, allowed: Iterable[str]) -> Phrase:
    """The end of an error sentence: the closest allowed name, or a list of the allowed names.

    Examples
    --------
    >>> print(did_you_mean("chrun_rate", ["churn_rate", "views"]))
    ; did you mean churn_rate?
    >>> print(did_you_mean("zzz", ["churn_rate", "views"]))
    ; allowed: churn_rate, views
    """
    names = sorted(map(str, allowed))
    if closest := difflib.get_close_matches(str(name), names, n=1):
        return Phrase("core.did_you_mean", name=closest[0])
    if not names:
        return Phrase("core.none_to_choose")
    return Phrase("core.allowed", names=names[:12], more=" …" if len(names) > 12 else "")
