"""`python -m tests.measure.overhead`: what orchestration costs, against plain asyncio and a bound.

The same rollouts (four layers of one to four operators, seeded), 64 and 256 at a time, run over a
model that only waits: 0.2–1.5 s a call, lognormal, a function of the call. Plain asyncio runs the
graphs and keeps nothing; the measured way is what `collect` does: Prefect task runs as
`execution.granularity` says, progress artifacts, and every row written to a DuckDB warehouse. The
lower bound is the longest rollout when every layer takes exactly as long as its slowest operator.
"""

import argparse
import asyncio
import math
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from itertools import product
from pathlib import Path

import numpy as np
import uvloop
from prefect import flow

from flows.orchestrator.quiet import hide_leak_report
from flows.orchestrator.server import prefect_server
from flows.rollouts.progress import CollectProgress, publish
from flows.rollouts.task_runs import Granularity, Showing
from lamas.benchmarks import Score
from lamas.domain import (
    Clock,
    ExecutionGraph,
    GraphChoice,
    ModelCall,
    OperatorSet,
    PlannedRollout,
    Problem,
    Rollout,
    Run,
    TaskFamily,
    derive_seed,
)
from lamas.execution import GraphExecutor, RolloutRunner, certain_decisions
from lamas.execution.collecting import collect_rollouts
from lamas.execution.planning import PlanKey, plan
from lamas.llm import ChatRequest, ChatResult
from lamas.operators import Catalogue
from lamas.sandbox import ProcessSandbox
from lamas.timing import label
from warehouse import Warehouse
from warehouse.writer import Writer

LAYERS = 4
DRAIN_SECONDS = 5.0
MEDIAN_SECONDS, SIGMA = 0.5, 0.5
FASTEST_SECONDS, SLOWEST_SECONDS = 0.2, 1.5
GRAINS: tuple[Granularity, ...] = ("operator", "rollout", "auto")
OPERATORS = ("Generate", "GenerateCoT", "MultiGenerateCoT", "SelfRefine")


def latency_seconds(seed: int) -> float:
    """Lognormal seconds, cut to 0.2–1.5, as a function of the call's seed."""
    drawn = MEDIAN_SECONDS * math.exp(SIGMA * random.Random(seed).gauss(0.0, 1.0))
    return min(max(drawn, FASTEST_SECONDS), SLOWEST_SECONDS)


class WaitingModel:
    """A chat model that does nothing but wait."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def complete(self, request: ChatRequest) -> ChatResult:
        """Wait as long as the call's seed says."""
        started_at = self._clock.now()
        await asyncio.sleep(latency_seconds(request.seed))
        call = ModelCall(
            call_id=request.sample_key,
            attempt=1,
            request_model="waiting",
            request_temperature=request.temperature,
            request_max_tokens=request.max_tokens,
            request_seed=request.seed,
            request_messages=request.messages,
            response_text="The answer is 1",
            usage_output_tokens=10,
            started_at=started_at,
            ended_at=self._clock.now(),
            status="ok",
        )
        return ChatResult(text="The answer is 1", attempts=(call,))


class AnyAnswer:
    """A benchmark that takes every answer as right, and no time."""

    name = "overhead"
    family: TaskFamily = "math"

    def load(self) -> tuple[Problem, ...]:
        return ()

    async def extract(self, problem: Problem, text: str) -> str | None:
        return "1"

    async def score(self, problem: Problem, answer: str) -> Score:
        return Score(value=1.0, extracted="1")


def _problems(count: int) -> tuple[Problem, ...]:
    return tuple(
        Problem(
            problem_id=f"overhead/{index}",
            benchmark="overhead",
            version="1",
            family="math",
            index=index,
            split="train",
            question=f"What is {index} + 1?",
            reference=str(index + 1),
        )
        for index in range(count)
    )


def _plans(problems: Sequence[Problem], operators: OperatorSet) -> tuple[PlannedRollout, ...]:
    key = PlanKey(
        run_id="overhead",
        purpose="train",
        policy="overhead",
        checkpoint_id=None,
        mode="fixed",
        execution_mode="parallel",
        step=1,
    )
    planned: list[PlannedRollout] = []
    for problem in problems:
        rng = random.Random(derive_seed(problem.problem_id))
        layers: list[list[str]] = []
        for _ in range(LAYERS):
            legal = [name for name in OPERATORS if layers or name != "SelfRefine"]
            layers.append(rng.sample(legal, rng.randint(1, len(legal))))
        graph = ExecutionGraph.of(layers, operators)
        choice = GraphChoice(graph, certain_decisions(graph, operators))
        planned.append(plan(key, problem, choice, sample_index=0, seed=1))
    return tuple(planned)


def lower_bound_seconds(rollouts: Sequence[Rollout]) -> float:
    """The longest rollout if every layer took what its slowest operator's calls waited."""
    return max(
        math.fsum(
            max(
                max((latency_seconds(call.request_seed) for call in item.calls), default=0.0)
                for item in layer
            )
            for layer in rollout.trace.layers
        )
        for rollout in rollouts
    )


async def _timed(work: Callable[[], Awaitable[object]]) -> float:
    started = time.perf_counter()
    await work()
    return time.perf_counter() - started


async def _measure(home: Path, grain: Granularity, problem_count: int, repeats: int) -> None:
    problems = _problems(problem_count)
    by_id = {problem.problem_id: problem for problem in problems}
    benchmark, clock = AnyAnswer(), Clock()
    catalogue = Catalogue(read_answer=benchmark.extract)
    executor = GraphExecutor(
        catalogue=catalogue, model=WaitingModel(clock), sandbox=ProcessSandbox(), clock=clock
    )
    runner = RolloutRunner(executor, benchmark)
    plans = _plans(problems, catalogue.for_family("math"))
    kept: list[Rollout] = []
    of_plain: list[float] = []
    of_bound: list[float] = []
    cpu: list[float] = []
    task_runs = 0

    async def plain() -> None:
        kept[:] = await asyncio.gather(
            *(runner.run(item, by_id[item.problem_id]) for item in plans)
        )

    # Its parameters would be stored with the flow run.
    @flow(name="overhead")
    async def collect_all(start: Showing, writer: Writer) -> float:
        progress, stop = CollectProgress("overhead", len(plans)), asyncio.Event()
        publishing = asyncio.create_task(publish(progress, stop))
        seconds = await _timed(
            lambda: collect_rollouts(
                plans,
                run_one=lambda item: start(runner, item, by_id[item.problem_id]),
                write=lambda batch: _write(writer, batch),
                on_finished=progress.add,
                concurrency=len(plans),
            )
        )
        stop.set()
        await publishing
        return seconds

    # The first flow run of a process loads what the others find there.
    await flow(name="warm")(plain)()
    for number in range(repeats):
        plain_seconds = await _timed(plain)
        warehouse = Warehouse.open(home / f"overhead{number}.duckdb", create=True)
        writer = Writer(warehouse)
        _prepare(writer, problems, clock)
        start = Showing(grain)
        seconds = await collect_all(start, writer)
        of_plain.append(seconds / plain_seconds)
        of_bound.append(seconds / lower_bound_seconds(kept))
        task_runs = start.allowance.task_runs
        cpu.append(1000 * start.allowance.seconds_each)
        # The server takes in what it was sent, on the same cores.
        await asyncio.sleep(DRAIN_SECONDS)
    operators = sum(len(item.trace.invocations) for item in kept)
    print(
        f"{grain:<8} {problem_count:>3} at a time, {operators} operators: "
        f"{np.median(of_plain):.3f} × plain asyncio, {np.median(of_bound):.3f} × lower bound "
        f"(median of {repeats}); {task_runs} task runs, {np.median(cpu):.1f} ms of CPU each",
        flush=True,
    )


def _prepare(writer: Writer, problems: Sequence[Problem], clock: Clock) -> None:
    writer.add_problems(problems, np.zeros((len(problems), 384), dtype=np.float32))
    writer.add_run(
        Run(
            run_id="overhead",
            kind="overhead",
            config_json="{}",
            config_digest="",
            prompts_digest="",
            code_version="",
            seed=1,
            simulated=True,
            status="running",
            started_at=clock.now(),
        )
    )


def _write(writer: Writer, batch: Sequence[Rollout]) -> None:
    writer.add_rollouts([(item, label(item.trace)) for item in batch])


def main() -> None:
    """Print the median ratios of each granularity, each measured in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problems", type=int, nargs="+", default=[64, 256])
    parser.add_argument("--granularity", nargs="+", default=GRAINS, choices=GRAINS)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--here", action="store_true", help="in this process")
    options = parser.parse_args()
    if not options.here:
        for problems, grain in product(options.problems, options.granularity):
            line = [str(problems), "--granularity", grain, "--repeats", str(options.repeats)]
            subprocess.run(
                [sys.executable, "-m", "tests.measure.overhead", "--here", "--problems", *line],
                check=True,
            )
        return
    hide_leak_report()
    with tempfile.TemporaryDirectory() as folder, prefect_server(Path(folder) / "prefect"):
        (problems,), (grain,) = options.problems, options.granularity
        uvloop.run(_measure(Path(folder), grain, problems, options.repeats))


if __name__ == "__main__":
    main()
