"""The commands of ``python -m kpi_kit``: one module each; its ``carry_out`` returns the exit code."""

import os

# On the small matrices of a command, threads of OpenBLAS wait for each other longer than they compute.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

OK, SOME_FAILED, BAD_INPUT, STOPPED = 0, 1, 2, 130
