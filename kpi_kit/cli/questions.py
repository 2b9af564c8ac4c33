"""Questions on the terminal, or their default answers."""

from __future__ import annotations

from rich.markup import escape
from rich.prompt import Confirm, Prompt

from kpi_kit.core.errors import InputError
from kpi_kit.core.phrases import Phrase
from kpi_kit.core.sanitize import on_terminal


def ask_text(question: str, default: str, flag: str) -> str:
    """The answer to a question on one line.

    Raises
    ------
    InputError
        At the end of the input; the sentence names the option that answers all questions.
    """
    try:
        answer = Prompt.ask(escape(on_terminal(question)), default=default)
    except EOFError:
        raise InputError(_ended(flag)) from None
    return " ".join(str(answer).split()) or default


def ask_yes(question: str, flag: str) -> bool:
    """Whether the answer is yes.

    Raises
    ------
    InputError
        At the end of the input.
    """
    try:
        return bool(Confirm.ask(escape(on_terminal(question)), default=True))
    except EOFError:
        raise InputError(_ended(flag)) from None


def _ended(flag: str) -> str:
    return Phrase("cli.input_ended", flag=flag)
