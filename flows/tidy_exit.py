"""Keeping what a process prints last what it meant to print last."""

import atexit
import os
import sys


def hide_leak_report() -> None:
    """Close stderr after all other exit handlers.

    When torch and Prefect keep modules alive to the very end, DuckDB's bindings print pages of
    leaked type names there, long after anything that concerns a user.
    """
    # The first handler registered runs last, so call this first.
    atexit.register(_close_stderr)


def _close_stderr() -> None:
    sys.stderr.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
