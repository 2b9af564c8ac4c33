"""Standard output and standard error: closed pipes, and encodings that do not have every character."""

from __future__ import annotations

import io
import json
import os
import sys
from typing import TextIO

from kpi_kit.core.sanitize import json_on_terminal, on_terminal


def prepare_output() -> None:
    """Write characters that the encoding does not have as escapes; write nothing where a stream is closed."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8"))
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def discard_output(stream: TextIO) -> None:
    """Let further output go nowhere: its reader has closed the pipe."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def print_line(line: str, stream: TextIO) -> None:
    """Print a line at once; a closed pipe does not stop the command."""
    try:
        print(on_terminal(line), file=stream, flush=True)
    except BrokenPipeError:
        discard_output(stream)


def print_json(text: str) -> None:
    """Print JSON; in an encoding that does not have its characters, with all of them escaped."""
    text = json_on_terminal(text)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(json.loads(text), indent=1) + "\n"
    sys.stdout.write(text)
