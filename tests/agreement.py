"""Random agencies, each measured by the package and by the two independent readings of the design.

``python tests/agreement.py 2000`` compares that many, from seed 0 or the second argument on. A third argument
takes one reading alone: ``python``, ``sql``, or ``gaps``, which is SQL where tables and columns are absent.
Three of four agencies have the troubles of ``random_troubles``.
"""

from __future__ import annotations

import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

READINGS = ("python", "sql")


def disagreements(seed: int, readings: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """The readings that say something else of an agency than the package, and the last lines of how."""
    from tests import sql_oracle
    from tests.random_agency import PEOPLE, leave_gaps, write_agency
    from tests.random_troubles import add_troubles
    from tests.sql_agreement import in_sql
    from tests.test_oracle_agreement import SPAM, agree, measured

    with tempfile.TemporaryDirectory() as place:
        data, params = Path(place) / "data", Path(place) / "params"
        period, as_of = write_agency(Path(place), seed)
        if readings == ("gaps",):
            leave_gaps(Path(place), seed)
        elif seed % 4:
            add_troubles(Path(place), seed)
        cards: dict[str, Any] = {}
        for reading in readings:
            try:
                cards = cards or measured(data, params, PEOPLE, period, as_of)
                if reading == "python":
                    for who, card in cards.items():
                        agree(card, data, params, who, period, as_of)
                else:
                    theirs = sql_oracle.measure(data, params, period, as_of, spam=SPAM)
                    differ = [f"{who} {line}" for who in PEOPLE for line in in_sql(cards[who], theirs[who])]
                    assert not differ, "\n".join(differ[:9])
            except Exception:  # whatever goes wrong with an agency is a finding
                yield reading, f"seed {seed}, {period}, {reading}: {traceback.format_exc(limit=-2)}"


def main() -> int:
    from tests.sql_agreement import COMPARED
    from tests.test_oracle_agreement import without_verdicts

    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    readings = (sys.argv[3],) if len(sys.argv) > 3 else READINGS
    agreed = dict.fromkeys(readings, 0)
    begun = time.process_time()
    with pytest.MonkeyPatch.context() as patch:
        without_verdicts(patch)
        for seed in range(first, first + count):
            found = dict(disagreements(seed, readings))
            print("\n".join(found.values()), end="\n" if found else "", flush=True)
            for reading in readings:
                agreed[reading] += reading not in found
            if (seed + 1 - first) % 20 == 0 or seed + 1 == first + count:
                seconds = time.process_time() - begun
                said = ", ".join(f"{n} with {reading}" for reading, n in agreed.items())
                done = f"{seed + 1 - first} random agencies from seed {first}"
                print(f"of {done} agree {said}, after {seconds:.0f} s of processor", flush=True)
                print(
                    f"{COMPARED.count} values, at most {COMPARED.worst:.1e} apart where they agree",
                    flush=True,
                )
    return 0 if set(agreed.values()) == {count} else 1


if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]
    sys.exit(main())
