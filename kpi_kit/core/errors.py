"""What can go wrong, said to the person who can mend it.

::

    KitError                 one or more problems, each one sentence
    ├── InputError           department.yml, a data table or the command line: the run stops, exit 2
    ├── SpecialistError      one specialist's file: that report alone fails, exit 1
    └── ReportError          a notebook or its rendering failed: that report alone fails, exit 1

A sentence says what is wrong, where (file, row or key), what was allowed and what was found.
All problems of one look at the input are raised together.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class KitError(Exception):
    r"""One or more problems that a user can understand and mend.

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
        given = (problems,) if isinstance(problems, str) else problems
        # what a sentence quotes may have lines of its own
        self.problems: tuple[str, ...] = tuple(" ".join(problem.splitlines()) for problem in given)
        super().__init__("\n".join(self.problems))

    def _render_traceback_(self) -> list[str]:
        """What IPython shows in place of a traceback: whoever can mend a problem has no use for one."""
        return list(self.problems)

    def __reduce__(self) -> tuple[type[KitError], tuple[tuple[str, ...]]]:
        return type(self), (self.problems,)


class InputError(KitError):
    """The department's file, a data table or an argument cannot be used."""


class SpecialistError(KitError):
    """One specialist's file cannot be used; other reports are not touched."""


class ReportError(KitError):
    """A report could not be executed or rendered."""


def did_you_mean(found: object, allowed: Iterable[str]) -> str:
    """A tail for an error sentence: the nearest allowed name, and all of them where they are few.

    Examples
    --------
    >>> did_you_mean("chrun_rate", ["churn_rate", "views"])
    '; did you mean churn_rate?'
    >>> did_you_mean("zzz", ["churn_rate", "views"])
    '; allowed: churn_rate, views'
    """
    names = sorted(str(name) for name in allowed)
    near = difflib.get_close_matches(str(found), names, n=1)
    if near:
        return f"; did you mean {near[0]}?"
    if not names:
        return "; there is none to choose from"
    shown = ", ".join(names[:12]) + (" …" if len(names) > 12 else "")
    return f"; allowed: {shown}"
