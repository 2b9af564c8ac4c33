"""A process that sends small messages and may be killed: ``python sender.py FOLDER PORT COUNT SEED``.

It does what a run of ``mail --send`` does, without composing: it skips what was sent and what is uncertain.
"""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path

from kpi_kit.mail import session as conversation
from kpi_kit.mail.delivery import deliver
from kpi_kit.mail.journal import Journal
from kpi_kit.mail.server import Server
from kpi_kit.mail.session import Session

HERE = Path(__file__).resolve().parent


def main() -> None:
    sys.path.insert(0, str(HERE.parent))
    from postbox import letter

    folder, port, count = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    conversation._PATIENCE = 1
    with Journal(folder, lambda: dt.datetime.now(dt.UTC)) as journal:
        known = {number: journal.state(letter(number).key) for number in range(count)}
        waiting = [letter(n) for n, each in known.items() if each.last is None and each.open is None]
        with Session(Server("127.0.0.1", port), 0.5) as session:
            for result in deliver(waiting, journal, session, back_off=(0.01, 0.02, 0.05)):
                print(result.status, result.letter.key, result.answer, flush=True)


if __name__ == "__main__":
    main()
