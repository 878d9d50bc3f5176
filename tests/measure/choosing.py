"""How long choosing takes: `python -m tests.measure.choosing`, on one core, weights untrained."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import numpy as np
from numpy.typing import NDArray

from lamas.controller.controller import Controller, build_controller
from lamas.controller.embedding_store import EMBEDDING_SIZE
from lamas.controller.settings import LAYERED_KINDS, ControllerSettings
from lamas.controller.threads import bounded_threads
from lamas.domain import OperatorSet, OperatorSpec

QUERIES = 1000
GOAL_MILLISECONDS = 100.0

_REPEATS = 7
_NAIVE_QUERIES = 50

OPERATORS = OperatorSet(
    (
        OperatorSpec(name="Generate", description="", adds=1),
        OperatorSpec(name="GenerateCoT", description="", adds=1),
        OperatorSpec(name="MultiGenerateCoT", description="", adds=3),
        OperatorSpec(name="ScEnsemble", description="", needs=2, replaces=True),
        OperatorSpec(name="SelfRefine", description="", needs=1, adds=1),
        OperatorSpec(name="Programmer", description="", adds=1),
        OperatorSpec(name="EarlyStop", description="", needs=1, stops=True),
    )
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Timing:
    """One batched call beside the same work one item at a time, measured in the same run.

    All on one thread. Core seconds leave out the time in which other programs had the core.
    """

    what: str
    core_seconds: float
    """Of one batched call, median over repeated calls."""
    wall_seconds: float
    """Of one batched call, median over repeated calls."""
    naive_core_seconds: float
    """One item at a time, scaled up to the same number of items."""

    @property
    def ratio(self) -> float:
        return self.naive_core_seconds / self.core_seconds

    def __str__(self) -> str:
        return (
            f"{self.what}: {1e3 * self.core_seconds:.1f} ms of one core in one batched call "
            f"({1e3 * self.wall_seconds:.1f} ms by the clock); one at a time "
            f"{1e3 * self.naive_core_seconds:.0f} ms, {self.ratio:.0f} times as much"
        )


def timed(
    what: str, batched: Callable[[], object], naive: Callable[[], object], scale: float
) -> Timing:
    """Time both after a warm-up; `naive` does 1/`scale` of the work."""
    with bounded_threads():
        batched()
        calls = [_seconds(batched) for _ in range(_REPEATS)]
        return Timing(
            what=what,
            core_seconds=median(core for core, _ in calls),
            wall_seconds=median(wall for _, wall in calls),
            naive_core_seconds=_seconds(naive)[0] * scale,
        )


def random_queries(count: int, seed: int = 0) -> NDArray[np.float32]:
    """Unit vectors in place of embeddings: choosing takes as long whatever they mean."""
    rows = np.random.default_rng(seed).normal(size=(count, EMBEDDING_SIZE))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def decide_timing(controller: Controller) -> Timing:
    """Graphs for 1,000 queries in one call, embeddings given, records built."""
    queries = random_queries(QUERIES)
    return timed(
        f"decide {QUERIES} queries, controller={controller.settings.kind}",
        lambda: controller.decide(queries),
        lambda: [controller.decide(queries[row : row + 1]) for row in range(_NAIVE_QUERIES)],
        QUERIES / _NAIVE_QUERIES,
    )


def main() -> None:
    for kind in LAYERED_KINDS:
        settings = ControllerSettings(kind=kind)
        controller = build_controller(settings, OPERATORS, random_queries(len(OPERATORS), 1))
        print(f"{decide_timing(controller)} (goal: {GOAL_MILLISECONDS:.0f} ms)")


def _seconds(work: Callable[[], object]) -> tuple[float, float]:
    """Core and wall seconds."""
    core, wall = time.thread_time(), time.perf_counter()
    work()
    return time.thread_time() - core, time.perf_counter() - wall


if __name__ == "__main__":
    main()
