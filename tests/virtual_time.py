"""An event loop whose clock jumps to the next timer: sleeping takes no time, order stays exact."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import TypeVar

from lamas.domain import Clock

T = TypeVar("T")
Result = TypeVar("Result")


class _JumpingSelector(selectors.SelectSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("nothing is scheduled: the code under test waits for ever")
        self.now += max(0.0, timeout)
        return super().select(0)


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now

    def run_in_executor(
        self, executor: object, func: Callable[..., Result], *args: object
    ) -> asyncio.Future[Result]:
        """At once: a thread's time is not this loop's."""
        done: asyncio.Future[Result] = self.create_future()
        done.set_result(func(*args))
        return done


class VirtualClock(Clock):
    """Reads the running loop's virtual seconds."""

    def now(self) -> float:
        return asyncio.get_running_loop().time()


def run_in_virtual_time(main: Coroutine[object, None, T]) -> T:
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)
