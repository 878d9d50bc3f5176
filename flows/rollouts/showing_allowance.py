"""What showing rollouts costs this process, and what of it may be spent on that."""

import time
from collections.abc import Awaitable, Callable, Generator
from typing import Generic, TypeVar

T = TypeVar("T")

SHARE = 0.05
"""Of a core; the loop that waits for the models' answers has the rest."""
FIRST_SECONDS = 0.2
"""CPU that may be spent at once, as when a run begins."""
FIRST_GUESS_SECONDS = 0.005
"""CPU of a task run, until some are measured."""


class Allowance:
    """CPU seconds that task runs may take: FIRST_SECONDS, and SHARE of the time that passes."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since: float | None = None
        self._spent = 0.0
        self._ended = 0
        self._reserved = 0

    @property
    def task_runs(self) -> int:
        """Task runs that ended."""
        return self._ended

    @property
    def seconds_each(self) -> float:
        """CPU of a task run, measured; a guess before the first one ended."""
        return self._spent / self._ended if self._ended else FIRST_GUESS_SECONDS

    def reserve(self, task_runs: int) -> bool:
        """Whether so many more can be shown now; each of them is to be `paid` when it ends."""
        now = self._clock()
        self._since = now if self._since is None else self._since
        allowed = FIRST_SECONDS + SHARE * (now - self._since)
        owed = (self._reserved + task_runs) * self.seconds_each
        if self._spent + owed > allowed:
            return False
        self._reserved += task_runs
        return True

    def give_back(self, task_runs: int) -> None:
        """So many of the reserved ones will not be."""
        self._reserved = max(0, self._reserved - task_runs)

    def paid(self, cpu_seconds: float) -> None:
        """One task run ended."""
        self._spent += cpu_seconds
        self._ended += 1
        self.give_back(1)


class Metered(Generic[T]):
    """Awaits `work`, and hands the CPU that its own steps took to `paid`."""

    def __init__(self, work: Awaitable[T], paid: Callable[[float], None]) -> None:
        self._steps = work.__await__()
        self._paid = paid

    def __await__(self) -> Generator[object, object, T]:
        steps, used = self._steps, 0.0
        waited: object = None
        error: BaseException | None = None
        try:
            while True:
                begun = time.thread_time()
                try:
                    asked = steps.send(waited) if error is None else steps.throw(error)
                except StopIteration as end:
                    return end.value
                finally:
                    used += time.thread_time() - begun
                waited, error = None, None
                try:
                    waited = yield asked
                except BaseException as thrown:
                    error = thrown
        finally:
            self._paid(used)
