"""The runs that are struck: small, and slow enough to be met in the middle of their work."""

from collections.abc import Mapping
from typing import Literal

RunKind = Literal["simulated", "quorum", "embedded"]

STEPS = 2
RUN = (
    "retrain",
    "learner=reinforce",
    "llm=simulated",
    "benchmark.size=20",
    f"training.steps={STEPS}",
    "training.problems_per_step=3",
    "training.rollouts_per_problem=2",
    "evaluation.problems=4",
    "evaluation.baselines=[cot5_sc]",
    # Answers take their time, so that work is in flight when a kill comes.
    "llm.simulated.time_scale=0.08",
)
RUN_EMBEDDED = (
    "retrain",
    "learner=reinforce",
    "llm=embedded",
    "benchmark.size=12",
    f"training.steps={STEPS}",
    "training.problems_per_step=2",
    "training.rollouts_per_problem=2",
    "evaluation.problems=2",
    "evaluation.baselines=[]",
    "controller.layers=1",
    "operators.enabled=[Generate,GenerateCoT]",
    "operators.max_tokens=16",
    "llm.embedded.slots=2",
    "llm.embedded.context_per_slot=512",
)
"""Its answers depend on which of them were generated together: no two runs are alike."""
RUN_QUORUM = (
    "retrain",
    "learner=reinforce",
    "llm=simulated",
    "benchmark.size=60",
    f"training.steps={STEPS}",
    "training.problems_per_step=2",
    "training.rollouts_per_problem=2",
    "evaluation.problems=40",
    "evaluation.baselines=[race5_q2,cot5_sc_q3,everything_q2,cascade_q2]",
    "execution.concurrency=16",
    "llm.simulated.time_scale=0.05",
    "llm.simulated.faults.rate_limited=0.1",
    "llm.simulated.faults.server_error=0.05",
    "llm.simulated.faults.hang=0.01",
    # Streamed, so that what is cancelled has come to something.
    "llm.stream=true",
    "llm.first_chunk_timeout_seconds=3",
    "llm.total_timeout_seconds=30",
    "llm.retry.backoff_seconds=0.05",
    "llm.retry.attempts=8",
)
"""Chains really race, at an endpoint that fails: who wins depends on the machine."""

RUNS: Mapping[RunKind, tuple[str, ...]] = {
    "simulated": RUN,
    "quorum": RUN_QUORUM,
    "embedded": RUN_EMBEDDED,
}
