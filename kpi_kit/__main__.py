"""Entry point of ``python -m kpi_kit``."""

import sys

from kpi_kit.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
