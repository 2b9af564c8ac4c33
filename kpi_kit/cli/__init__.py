"""The commands of ``python -m kpi_kit``: one module each; its ``carry_out`` returns the exit code."""

OK, SOME_FAILED, BAD_INPUT, STOPPED = 0, 1, 2, 130
