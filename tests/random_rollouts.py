"""Batches of realistic rollouts by seed: retries, parallel chains, tool runs, failures."""

import random
from collections.abc import Sequence
from dataclasses import replace

from lamas.domain import ModelCall, Rollout, ToolExecution
from tests.factories import OPERATORS, T0, Step, make_call, make_rollout, make_tool


def random_rollouts(
    count: int,
    *,
    seed: int = 0,
    run_id: str = "run-1",
    problem_ids: Sequence[str] = ("sums/v1/0", "sums/v1/1"),
    checkpoint_id: str | None = "lamas-0",
    at_step: int = 1,
    failed_share: float = 0.05,
) -> tuple[Rollout, ...]:
    """Rollouts of random legal graphs with retries, parallel chains, tool runs and failures."""
    source = random.Random(seed)
    found: list[Rollout] = []
    for number in range(count):
        layers = _random_layers(source)
        if source.random() < failed_share:
            broken = replace(layers[-1][0], error="ModelUnreachableError: 503")
            layers[-1][0] = broken
        failed = layers[-1][0].error is not None
        left = OPERATORS.candidates_after(0, [])
        for layer in layers:
            left = OPERATORS.candidates_after(left, [item.operator for item in layer])
        post = [] if failed or left < 2 else [_random_step("ScEnsemble", source)]
        found.append(
            make_rollout(
                layers,
                post=post,
                rollout_id=f"{run_id}/{seed}/{number}",
                run_id=run_id,
                problem_id=problem_ids[number % len(problem_ids)],
                checkpoint_id=checkpoint_id,
                execution_mode="sequential" if source.random() < 0.2 else "parallel",
                at_step=at_step,
                sample_index=number,
                gamma=source.uniform(10.0, 90.0),
                score=float(source.random() < 0.6),
                started_at=T0 + source.uniform(0.0, 1000.0),
            )
        )
    return tuple(found)


def _random_layers(source: random.Random) -> list[list[Step]]:
    layers: list[list[Step]] = []
    candidates = 0
    for _ in range(source.randint(1, 4)):
        flags = OPERATORS.legal(candidates)
        legal = [name for name, flag in zip(OPERATORS.names, flags, strict=True) if flag]
        chosen = OPERATORS.in_order(source.sample(legal, source.randint(1, min(3, len(legal)))))
        layers.append([_random_step(name, source) for name in chosen])
        candidates = OPERATORS.candidates_after(candidates, chosen)
        if OPERATORS.stops_after(chosen):
            break
    return layers


def _random_step(operator: str, source: random.Random) -> Step:
    if operator == "EarlyStop":
        return Step(operator=operator, calls=())
    calls: list[ModelCall] = []
    tools: list[ToolExecution] = []
    for stage in range(source.randint(1, 3)):
        for branch in range(3 if operator == "MultiGenerateCoT" else 1):
            calls += _random_attempts(source, stage, branch)
            if operator == "Programmer":
                tools += [
                    make_tool(source.uniform(0.01, 2.0), stage=stage, branch=branch)
                    for _ in range(source.randint(1, 2))
                ]
    return Step(operator=operator, calls=tuple(calls), tools=tuple(tools))


def _random_attempts(source: random.Random, stage: int, branch: int) -> list[ModelCall]:
    attempts = 2 if source.random() < 0.1 else 1
    return [
        make_call(
            source.randint(1, 900),
            stage=stage,
            branch=branch,
            attempt=attempt,
            seconds=source.uniform(0.1, 3.0),
            cost_usd=source.uniform(1e-6, 1e-3),
            error="RateLimitError: 429" if attempt < attempts else None,
        )
        for attempt in range(1, attempts + 1)
    ]
