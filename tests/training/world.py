"""Rollouts without a model: graphs from a controller, times and scores from a plain function."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lamas.controller import EMBEDDING_SIZE, Controller
from lamas.domain import (
    CriticalPathLabel,
    ExecutionMode,
    GraphChoice,
    InvocationKind,
    OperatorInvocation,
    OperatorSet,
    OperatorSpec,
    PlannedRollout,
    Rollout,
    Trace,
    ordered_sum,
)
from lamas.timing.critical_path import cp_tokens, label, virtual_seconds
from lamas.training import Trainer, UpdateResult, rollout_seed

GAMMA = 50.0

SEVEN = OperatorSet(
    (
        OperatorSpec(name="Generate", description="direct", adds=1),
        OperatorSpec(name="GenerateCoT", description="step by step", adds=1),
        OperatorSpec(name="MultiGenerateCoT", description="three", adds=3),
        OperatorSpec(name="ScEnsemble", description="vote", needs=2, replaces=True),
        OperatorSpec(name="SelfRefine", description="rewrite", needs=1, adds=1),
        OperatorSpec(name="Programmer", description="program", adds=1),
        OperatorSpec(name="EarlyStop", description="stop", needs=1, stops=True),
    )
)

THREE = OperatorSet(
    (
        OperatorSpec(name="Short", description="short", adds=1),
        OperatorSpec(name="Long", description="long", adds=1),
        OperatorSpec(name="Stop", description="stop", needs=1, stops=True),
    )
)


@dataclass(frozen=True)
class Spent:
    """What one operator took in one rollout."""

    tokens: float
    cost_usd: float = 0.0


Spend = Callable[[int, str], Spent]


def unit_rows(count: int, seed: int) -> NDArray[np.float32]:
    """Random unit vectors [count, 384]."""
    rows = np.random.default_rng(seed).normal(size=(count, EMBEDDING_SIZE))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def plan(
    choice: GraphChoice, rollout_id: str, problem_id: str, *, mode: ExecutionMode = "parallel"
) -> PlannedRollout:
    return PlannedRollout(
        rollout_id=rollout_id,
        run_id="run",
        problem_id=problem_id,
        checkpoint_id=None,
        policy="lamas",
        purpose="train",
        mode="sampled",
        execution_mode=mode,
        step=0,
        sample_index=0,
        seed=0,
        graph=choice.graph,
        decisions=choice.decisions,
    )


def rollout(
    planned: PlannedRollout,
    spend: Spend,
    score: float,
    *,
    post: Sequence[Spent] = (),
    replayed_calls: int = 0,
) -> Rollout:
    """A finished rollout; post-processing operators share one layer after the graph."""
    invocations: list[OperatorInvocation] = []
    for number, layer in enumerate(planned.graph.layers, start=1):
        for position, name in enumerate(layer.operators):
            place = (number, position)
            invocations.append(
                _invocation(planned.rollout_id, place, name, spend(number, name), "graph")
            )
    number = len(planned.graph.layers) + 1
    for position, spent in enumerate(post):
        invocations.append(
            _invocation(planned.rollout_id, (number, position), f"Post{position}", spent, "post")
        )
    trace = Trace(
        execution_mode=planned.execution_mode,
        gamma=GAMMA,
        invocations=tuple(invocations),
        started_at=0.0,
        ended_at=1.0,
    )
    return Rollout(
        plan=planned,
        trace=trace,
        answer="answer",
        extracted_answer="answer",
        score=score,
        cost_usd=ordered_sum(item.cost_usd for item in invocations),
        cp_tokens=cp_tokens(trace),
        virtual_seconds=virtual_seconds(trace),
        makespan_seconds=1.0,
        replayed_calls=replayed_calls,
        status="ok",
        started_at=0.0,
        ended_at=1.0,
    )


def failed(done: Rollout) -> Rollout:
    return replace(done, status="failed", score=None, error="ModelUnreachableError: refused")


def _invocation(
    rollout_id: str, place: tuple[int, int], name: str, spent: Spent, kind: InvocationKind
) -> OperatorInvocation:
    return OperatorInvocation(
        invocation_id=f"{rollout_id}/{place[0]}/{name}",
        layer=place[0],
        position=place[1],
        operator=name,
        kind=kind,
        started_at=0.0,
        ended_at=1.0,
        output_tokens=int(spent.tokens),
        tool_seconds=0.0,
        cp_tokens=spent.tokens,
        total_input_tokens=0,
        total_output_tokens=int(spent.tokens),
        cost_usd=spent.cost_usd,
        status="ok",
    )


def labels_of(rollouts: Sequence[Rollout]) -> dict[str, tuple[CriticalPathLabel, ...]]:
    return {item.rollout_id: label(item.trace) for item in rollouts}


World = Callable[[GraphChoice, str, np.random.Generator], tuple[Spend, float]]
"""From a graph and its problem to what it spends and scores."""


def sampled_rollouts(
    controller: Controller,
    problems: Mapping[str, NDArray[np.float32]],
    world: World,
    *,
    samples: int,
    step: int,
    seed: int = 0,
) -> tuple[Rollout, ...]:
    """`samples` rollouts of every problem."""
    keys = [(problem, sample) for problem in problems for sample in range(samples)]
    seeds = [
        rollout_seed(seed=seed, step=step, problem_id=problem, sample_index=sample)
        for problem, sample in keys
    ]
    choices = controller.sample(np.stack([problems[problem] for problem, _ in keys]), seeds)
    rollouts: list[Rollout] = []
    for (problem, sample), choice, own in zip(keys, choices, seeds, strict=True):
        spend, score = world(choice, problem, np.random.default_rng(own))
        planned = plan(choice, f"{step:04d}/{problem}/{sample}", problem)
        rollouts.append(rollout(planned, spend, score))
    return tuple(rollouts)


def train_step(
    trainer: Trainer,
    problems: Mapping[str, NDArray[np.float32]],
    world: World,
    *,
    samples: int,
    seed: int = 0,
) -> UpdateResult:
    """Sample, label, credit, update."""
    rollouts = sampled_rollouts(
        trainer.controller, problems, world, samples=samples, step=trainer.step, seed=seed
    )
    credits = trainer.credit(rollouts, labels_of(rollouts))
    return trainer.update(rollouts, credits, problems)
