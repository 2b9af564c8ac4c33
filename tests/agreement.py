"""Random agencies, each measured by the package and by the independent reading of the design.

``python tests/agreement.py 2000`` compares that many, from seed 0 or the second argument on.
"""

from __future__ import annotations

import sys
import tempfile
import time
import traceback
from pathlib import Path

import pytest


def disagreement(seed: int) -> str | None:
    """What the two say differently of an agency, in the last lines of the failure; None where nothing."""
    from tests.random_agency import PEOPLE, write_agency
    from tests.test_oracle_agreement import agree

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        period, as_of = write_agency(folder, seed)
        for who in PEOPLE:
            try:
                agree(folder / "data", folder / "params", who, period, as_of)
            except Exception:  # whatever goes wrong with an agency is a finding
                return f"seed {seed}, {who}, {period}: {traceback.format_exc(limit=-2)}"
    return None


def main() -> int:
    from tests.test_oracle_agreement import without_verdicts

    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    begun = time.process_time()
    with pytest.MonkeyPatch.context() as patch:
        without_verdicts(patch)
        found = [said for seed in range(first, first + count) if (said := disagreement(seed)) is not None]
    print("\n".join(found))
    seconds = time.process_time() - begun
    print(f"{count - len(found)} of {count} random agencies agree, after {seconds:.0f} s of processor")
    return 1 if found else 0


if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]
    sys.exit(main())
