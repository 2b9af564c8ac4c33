"""A process that sends a message by Telegram and kills itself: ``python bot_sender.py FOLDER PORT PLACE``."""

from __future__ import annotations

import datetime as dt
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent


def killing(call: Callable[..., Any]) -> Callable[..., Any]:
    """A function after which the process is killed."""

    def killed(*values: Any, **named: Any) -> Any:
        call(*values, **named)
        os.kill(os.getpid(), signal.SIGKILL)

    return killed


def main() -> None:
    sys.path[:0] = [str(HERE.parent), str(HERE)]
    from bot_api import TOKEN
    from test_telegram import letter

    from kpi_kit.mail.delivery import deliver
    from kpi_kit.mail.journal import Journal
    from kpi_kit.mail.telegram import Telegram, TelegramServer

    folder, port, place = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    owner, name = {
        "begun": (Journal, "begin"),
        "transmitted": (Telegram, "transmit"),
        "ended": (Journal, "end"),
    }[place]
    setattr(owner, name, killing(getattr(owner, name)))
    with Journal(folder, lambda: dt.datetime.now(dt.UTC)) as journal:
        server = TelegramServer(TOKEN, f"http://127.0.0.1:{port}")
        with Telegram(server, 5.0) as telegram:
            list(deliver([letter()], journal, telegram))


if __name__ == "__main__":
    main()
