"""How a run is told to stop: the first SIGINT or SIGTERM cancels it, so that all is stored."""

import asyncio
import signal
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from contextvars import copy_context
from queue import SimpleQueue

import uvloop

SIGNALS = (signal.SIGINT, signal.SIGTERM)


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
        if not known:
            unheard.append(number)
        for cancel in known:
            # The loop is closed when the run has just ended by itself.
            with suppress(RuntimeError):
                cancel()

    # Before the thread runs: a signal in between would leave it alone with the work.
    before = {number: signal.signal(number, stop) for number in SIGNALS}
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
