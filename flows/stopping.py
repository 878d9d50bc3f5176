"""How a run is told to stop: the first SIGINT or SIGTERM cancels it, so that all is stored."""

import asyncio
import signal
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import suppress
from contextvars import copy_context
from queue import SimpleQueue

import uvloop

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def run_until_signal(work: Awaitable[object]) -> None:
    """Run `work` to its end, or cancel it cleanly when the process is asked to stop.

    Call it from the main thread. The event loop gets a thread of its own: a Prefect flow in the
    main thread would answer SIGTERM with an exception wherever the loop happens to be.
    """
    cancels: SimpleQueue[Callable[[], object]] = SimpleQueue()
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
            outcome.set_result(context.run(uvloop.run, supervised()))
        except BaseException as error:
            outcome.set_exception(error)

    thread = threading.Thread(target=run, name="run")
    thread.start()
    cancel = cancels.get()

    def stop(number: int, frame: object) -> None:
        # The loop is closed when the run has just ended by itself.
        with suppress(RuntimeError):
            cancel()

    before = {number: signal.signal(number, stop) for number in SIGNALS}
    try:
        outcome.result()
    finally:
        thread.join()
        for number, handler in before.items():
            signal.signal(number, handler)
