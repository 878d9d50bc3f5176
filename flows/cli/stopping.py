"""How a run is told to stop: the first SIGINT, SIGTERM or SIGHUP cancels it, so all is stored."""

import asyncio
import os
import signal
import stat
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from contextvars import copy_context
from queue import SimpleQueue

import uvloop

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run_until_signal(
    work: Awaitable[object],
    *,
    run_loop: Callable[[Coroutine[object, object, None]], object] = uvloop.run,
) -> None:
    """Run `work` to its end, or cancel it cleanly when the process is asked to stop.

    Call it from the main thread. The event loop gets a thread of its own: a Prefect flow in the
    main thread would answer SIGTERM with an exception wherever the loop happens to be.
    """
    cancels: SimpleQueue[Callable[[], object]] = SimpleQueue()
    known: list[Callable[[], object]] = []
    unheard: list[int] = []
    outcome: Future[None] = Future()
    context = copy_context()

    async def supervised() -> None:
        task = asyncio.current_task()
        assert task is not None
        loop = asyncio.get_running_loop()
        cancels.put(lambda: loop.call_soon_threadsafe(task.cancel))
        await work

    def run() -> None:
        try:
            context.run(run_loop, supervised())
            outcome.set_result(None)
        except BaseException as error:
            outcome.set_exception(error)
        finally:
            cancels.put(lambda: None)

    def stop(number: int, frame: object) -> None:
        if number == signal.SIGHUP:
            _leave_terminal()
        if not known:
            unheard.append(number)
        for cancel in known:
            # The loop is closed when the run has just ended by itself.
            with suppress(RuntimeError):
                cancel()

    # Before the thread runs: a signal in between would leave it alone with the work.
    # Who ignores the end of the terminal (`nohup`) goes on doing so.
    before = {
        number: signal.signal(number, stop)
        for number in SIGNALS
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN
    }
    thread = threading.Thread(target=run, name="run")
    thread.start()
    try:
        known.append(cancels.get())
        if unheard:
            stop(unheard[0], None)
        outcome.result()
    finally:
        thread.join()
        for number, handler in before.items():
            signal.signal(number, handler)


def _leave_terminal() -> None:
    """Where a closed terminal was written to, nothing is: a word on the way must end no storing."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        with suppress(OSError):
            if stat.S_ISCHR(os.fstat(descriptor).st_mode):
                os.dup2(nowhere, descriptor)
    os.close(nowhere)
