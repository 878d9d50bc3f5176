"""What a quorum saves at a server with free slots: `python -m tests.measure.racing --problems 40`.

One rollout at a time on the embedded model, every problem with and without the quorum, in turns.
"""

import argparse
import asyncio
import math
import os
from collections import defaultdict

from lamas.benchmarks import (
    BenchmarkSettings,
    GeneratedDataset,
    SplitSettings,
    build_benchmark,
)
from lamas.domain import Clock, Rollout
from lamas.evaluation.paired import PairedDifference, compare
from lamas.execution import GraphExecutor, RolloutRunner, fixed_plan, fixed_topology
from lamas.llm import EmbeddedServer, EmbeddedSettings, OpenAIChatModel, Price
from lamas.operators import PROMPT_SETS, Catalogue, OperatorSettings, PromptLibrary
from tests.scripted import ScriptedSandbox

BENCHMARK = BenchmarkSettings(
    kind="generated",
    datasets=(
        GeneratedDataset(
            name="chain_sum",
            config={"min_terms": 2, "max_terms": 3, "min_digits": 1, "max_digits": 1},
        ),
        GeneratedDataset(
            name="number_format",
            config={"min_num_candidates": 2, "max_num_candidates": 2, "min_n": 1, "max_n": 1000},
        ),
    ),
    size=200,
    split=SplitSettings(train_fraction=0.0),
)
"""Sums and comparisons, as in `make demo`."""

SHORT = OperatorSettings(
    temperature=0.7,
    max_tokens=256,
    max_tokens_by_operator={"MultiGenerateCoT": 96, "ScEnsemble": 16},
)


async def measure(graph: str, quorum: int, problems: int, slots: int, threads: int | None) -> None:
    """Run and print."""
    benchmark = build_benchmark(BENCHMARK)
    names = (graph, f"{graph}_q{quorum}")
    done: defaultdict[str, list[Rollout]] = defaultdict(list)
    clock = Clock()
    settings = EmbeddedSettings(slots=slots, threads=threads)
    async with (
        EmbeddedServer(settings) as server,
        OpenAIChatModel(
            server.endpoint(), price=Price(input=0.15, output=0.6), clock=clock
        ) as model,
    ):
        executor = GraphExecutor(
            catalogue=Catalogue(
                read_answer=benchmark.extract,
                settings=SHORT,
                prompts=PromptLibrary(PROMPT_SETS["few_shot"]),
            ),
            model=model,
            # Nothing here runs a program.
            sandbox=ScriptedSandbox(),
            clock=clock,
            live=True,
        )
        runner = RolloutRunner(executor, benchmark)
        operators = executor.catalogue.for_family(benchmark.family)
        for number, problem in enumerate(benchmark.load()[:problems]):
            # Who comes second finds the prompt cached: each is second as often.
            for name in names if number % 2 else reversed(names):
                plan = fixed_plan(
                    fixed_topology(name), problem, operators, run_id="racing", seed=number
                )
                done[name].append(await runner.run(plan, problem))
    for name in names:
        rollouts = done[name]
        cut = sum(
            call.status == "cancelled"
            for rollout in rollouts
            for item in rollout.trace.invocations
            for call in item.calls
        )
        print(
            f"{name}: score {100 * sum(item.score or 0.0 for item in rollouts) / problems:.1f} %, "
            f"makespan {sum(item.makespan_seconds for item in rollouts) / problems:.2f} s, "
            f"USD {1e6 * sum(item.cost_usd for item in rollouts) / problems:.1f} a million times, "
            f"{cut} calls cancelled"
        )
    print(f"{names[1]} against {names[0]}, {problems} problems, load {os.getloadavg()[0]:.1f}:")
    for item in compare(done[names[1]], done[names[0]]):
        print(f"  {_shown(item)}")


def _shown(item: PairedDifference) -> str:
    points = item.metric == "score_difference"
    figures = [
        "no interval"
        if value is None
        else f"{100 * value:+.1f}"
        if points
        else f"{100 * math.expm1(value):+.0f} %"
        for value in (item.value, item.low, item.high)
    ]
    name = "score, points" if points else item.metric.removesuffix("_log_ratio")
    return f"{name} {figures[0]} [{figures[1]}, {figures[2]}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--graph", default="cot5_sc")
    parser.add_argument("--quorum", type=int, default=2)
    parser.add_argument("--problems", type=int, default=40)
    parser.add_argument("--slots", type=int, default=8)
    parser.add_argument("--threads", type=int)
    given = parser.parse_args()
    asyncio.run(measure(given.graph, given.quorum, given.problems, given.slots, given.threads))


if __name__ == "__main__":
    main()
