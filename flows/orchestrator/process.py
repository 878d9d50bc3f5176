"""What a flow knows of the Prefect engine that runs it: its own id, and who started the process."""

import asyncio
import ctypes
import os
import signal
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager

SERVED_BY = "LAMAS_SERVED_BY"
"""Environment variable with the process id of the `lamas serve` that starts runs."""
_PR_SET_PDEATHSIG = 1


def started_by_prefect() -> bool:
    """Whether a worker or `lamas serve` started this process for one flow run."""
    return "PREFECT__FLOW_RUN_ID" in os.environ


def flow_run_id() -> str | None:
    """The Prefect flow run in progress; None outside of one."""
    # Where Prefect was not imported no flow runs, and importing it takes as long as all else that a
    # gateway needs before it answers.
    if "prefect.context" in sys.modules:
        from prefect.context import FlowRunContext

        context = FlowRunContext.get()
        if context is not None and context.flow_run is not None:
            return str(context.flow_run.id)
    return os.environ.get("PREFECT__FLOW_RUN_ID")


@contextmanager
def cancelled_by_sigterm() -> Generator[None, None, None]:
    """In a process that Prefect started: SIGTERM also cancels the task that is in here.

    Prefect answers SIGTERM with an exception wherever the main thread happens to be; raised inside
    another task it ends only that one, and the run would go on. Elsewhere this does nothing.
    """
    _end_with_serve()
    task = asyncio.current_task()
    if (
        task is None
        or not started_by_prefect()
        or threading.current_thread() is not threading.main_thread()
    ):
        yield
        return
    loop = asyncio.get_running_loop()
    before = signal.getsignal(signal.SIGTERM)
    loop.add_signal_handler(signal.SIGTERM, task.cancel)
    # The loop is told of a signal even while Prefect's own handler stands.
    signal.signal(signal.SIGTERM, before)
    try:
        yield
    finally:
        # Removing the loop's handler resets the signal to its default: restore Prefect's.
        loop.remove_signal_handler(signal.SIGTERM)
        signal.signal(signal.SIGTERM, before)


def _end_with_serve() -> None:
    """Receive SIGTERM when the `lamas serve` that started this process ends, however it ends."""
    # Under a worker a run may well outlive it: there is somebody else to look after it.
    if os.environ.get(SERVED_BY) == str(os.getppid()):
        end_with_parent()


def end_with_parent() -> None:
    """Receive SIGTERM when the parent ends, however it ends (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
