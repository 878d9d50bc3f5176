"""How long choosing and learning take: `python -m tests.measure.learning`, on one core."""

import numpy as np
from numpy.typing import NDArray

from lamas.controller import ControllerSettings, build_controller
from lamas.domain import (
    GraphChoice,
    OperatorInvocation,
    PlannedRollout,
    Rollout,
    Trace,
)
from lamas.timing.critical_path import cp_tokens, label
from lamas.training.settings import TrainerSettings
from lamas.training.trainer import Trainer
from tests.measure.choosing import OPERATORS, QUERIES, Timing, decide_timing, random_queries, timed

_NAIVE_ROLLOUTS = 40


def stored_rollouts(trainer: Trainer, queries: NDArray[np.float32]) -> tuple[Rollout, ...]:
    """One finished rollout for each query, with times that follow from a seed."""
    choices = trainer.controller.sample(queries, range(len(queries)))
    return tuple(_rollout(choice, place) for place, choice in enumerate(choices))


def update_timing(trainer: Trainer) -> Timing:
    """One gradient step on 1,000 stored rollouts beside giving them to the same
    trainer rollout by rollout.
    """
    queries = random_queries(QUERIES, 2)
    rollouts = stored_rollouts(trainer, queries)
    labels = {item.rollout_id: label(item.trace) for item in rollouts}
    embeddings = {item.plan.problem_id: queries[row] for row, item in enumerate(rollouts)}

    def batched() -> None:
        trainer.update(rollouts, trainer.credit(rollouts, labels), embeddings)

    def one_at_a_time() -> None:
        for item in rollouts[:_NAIVE_ROLLOUTS]:
            trainer.update((item,), trainer.credit((item,), labels), embeddings)

    kind = trainer.controller.settings.kind
    what = f"credit and update on {QUERIES} stored rollouts, controller={kind}"
    return timed(what, batched, one_at_a_time, QUERIES / _NAIVE_ROLLOUTS)


def main() -> None:
    for kind in ("lamas", "paper"):
        settings = ControllerSettings(kind=kind)
        controller = build_controller(settings, OPERATORS, random_queries(len(OPERATORS), 1))
        print(decide_timing(controller))
        print(update_timing(Trainer(controller, TrainerSettings())))


def _rollout(choice: GraphChoice, place: int) -> Rollout:
    random = np.random.default_rng(place)
    rollout_id = f"r{place:04d}"
    invocations = tuple(
        _invocation(rollout_id, number, position, name, float(random.integers(0, 500)))
        for number, layer in enumerate(choice.graph.layers, start=1)
        for position, name in enumerate(layer.operators)
    )
    trace = Trace(
        execution_mode="parallel",
        gamma=50.0,
        invocations=invocations,
        started_at=0.0,
        ended_at=1.0,
    )
    tokens = cp_tokens(trace)
    return Rollout(
        plan=PlannedRollout(
            rollout_id=rollout_id,
            run_id="bench",
            problem_id=f"p{place:04d}",
            checkpoint_id=None,
            policy="lamas",
            purpose="train",
            mode="sampled",
            execution_mode="parallel",
            step=0,
            sample_index=0,
            seed=place,
            graph=choice.graph,
            decisions=choice.decisions,
        ),
        trace=trace,
        answer="",
        extracted_answer=None,
        score=float(random.integers(0, 2)),
        cost_usd=0.0,
        cp_tokens=tokens,
        virtual_seconds=tokens / trace.gamma,
        makespan_seconds=1.0,
        replayed_calls=0,
        status="ok",
        started_at=0.0,
        ended_at=1.0,
    )


def _invocation(
    rollout_id: str, layer: int, position: int, operator: str, tokens: float
) -> OperatorInvocation:
    return OperatorInvocation(
        invocation_id=f"{rollout_id}/{layer}/{operator}",
        layer=layer,
        position=position,
        operator=operator,
        kind="graph",
        started_at=0.0,
        ended_at=1.0,
        output_tokens=int(tokens),
        tool_seconds=0.0,
        cp_tokens=tokens,
        total_input_tokens=0,
        total_output_tokens=int(tokens),
        cost_usd=0.0,
        status="ok",
    )


if __name__ == "__main__":
    main()
