"""Keeping off the terminal what nobody who reads it needs."""

import atexit
import logging
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


def leave_runs_to_the_ui() -> None:
    """Keep what Prefect logs about flow and task runs off the terminal; its UI has it.

    A failed operator is a row with a reason, and whatever ends a command is printed by it, or by
    Python with a traceback when it is a bug: nothing is hidden, and nothing said twice.
    """
    for handler in logging.getLogger().handlers:
        handler.addFilter(_of_no_run)


def _of_no_run(record: logging.LogRecord) -> bool:
    return not record.name.startswith(("prefect.flow_runs", "prefect.task_runs"))
