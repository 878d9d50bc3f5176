"""What the rollouts for measuring the warehouse refer to: runs, problems, checkpoints and more."""

import json
import random

import numpy as np

from lamas.domain import Checkpoint, ComparisonMember, PlannedRollout, Problem, Run
from lamas.domain.latency import LatencyModel
from warehouse.writer import Writer

ROLLOUTS_IN_RUN = 5000
"""Half of them train, half of them evaluate."""
ROLLOUTS_IN_STEP = 50
STEPS = ROLLOUTS_IN_RUN // 2 // ROLLOUTS_IN_STEP
PROBLEMS = 1000
LAMBDA_C = 3.0
MODEL = "bench"
LATENCY_MODEL = LatencyModel(
    request_model=MODEL,
    first_token_seconds=0.3,
    first_token_seconds_per_input_token=0.0007,
    first_token_seconds_per_load=0.01,
    seconds_per_output_token=0.01,
    seconds_per_output_token_per_load=0.0002,
    reference_load=3.0,
)
"""Whose predicted seconds every fourth run charges, the first one among them."""
_RUNS_TO_A_FITTED_ONE = 4
_SEEDS = 5
"""Runs that a variant of the comparison has."""
_COMPARISON = "bench-compare"
_PREFIX = "bench-"
_WORDS = tuple(
    f"{first}{second}" for first in ("ap", "be", "co", "du", "ex", "fo") for second in
    ("ple", "tween", "unt", "ring", "act", "und", "er", "ing", "ses", "mal", "tion", "ly")
)  # fmt: skip


def prepare(writer: Writer, rollouts: int) -> None:
    """Store what `rollouts` rollouts refer to."""
    writer.add_run(_run(_COMPARISON, "compare"))
    for number in range(-(-rollouts // ROLLOUTS_IN_RUN)):
        writer.add_run(_run(run_id(number), "retrain"))
        for step in range(STEPS + 1):
            writer.add_checkpoint(_checkpoint(number, step))
        variant, seed = divmod(number, _SEEDS)
        writer.add_comparison_members(
            [
                ComparisonMember(
                    comparison_run_id=_COMPARISON,
                    variant=f"variant {variant}",
                    training_seed=seed,
                    run_id=run_id(number),
                    learned=True,
                )
            ]
        )
    problems = [
        Problem(
            problem_id=problem_id(index),
            benchmark="bench",
            version="v1",
            family="math",
            index=index,
            split="train" if index % 2 else "test",
            question=bench_text(random.Random(index), 60),
            reference="2",
        )
        for index in range(PROBLEMS)
    ]
    embeddings = np.random.default_rng(0).standard_normal((PROBLEMS, 384)).astype(np.float32)
    writer.add_problems(problems, embeddings)


def run_id(number: int) -> str:
    """Of the run with this number."""
    return f"{_PREFIX}{number}"


def latency_model_id(plan: PlannedRollout) -> str | None:
    """Of the latency model whose predicted seconds the credits of the rollout charge, if any."""
    if plan.purpose != "train" or int(plan.run_id.removeprefix(_PREFIX)) % _RUNS_TO_A_FITTED_ONE:
        return None
    return LATENCY_MODEL.latency_model_id


def checkpoint_id(number: int, step: int) -> str:
    """Of the controller of run `number` after `step` steps."""
    return f"{run_id(number)}-step-{step}"


def problem_id(index: int) -> str:
    """Of the problem with this index."""
    return f"bench/v1/{index}"


def bench_text(source: random.Random, words: int) -> str:
    """Text that compresses about as English does."""
    return " ".join(source.choices(_WORDS, k=words))


def _run(name: str, kind: str) -> Run:
    return Run(
        run_id=name,
        kind=kind,
        config_json=json.dumps({"training": {"lambda_c": LAMBDA_C, "lambda_t": 0.005}}),
        config_digest="",
        prompts_digest="",
        code_version="",
        seed=0,
        simulated=True,
        status="running",
        started_at=0.0,
    )


def _checkpoint(number: int, step: int) -> Checkpoint:
    name = checkpoint_id(number, step)
    return Checkpoint(
        checkpoint_id=name,
        run_id=run_id(number),
        parent_id=checkpoint_id(number, step - 1) if step else None,
        controller="lamas",
        step=step,
        digest=name,
        path=f"{name}.safetensors",
        status="candidate",
        created_at=float(step),
    )
