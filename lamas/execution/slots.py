"""What a planned rollout is called: the same name for the same slot whenever a run goes on."""

from dataclasses import replace

from lamas.domain import PlannedRollout, digest


def as_try(planned: PlannedRollout, retry: int = 0) -> PlannedRollout:
    """`planned` as its slot's try number `retry`; its id is a digest of what makes it distinct."""
    identity = digest(
        planned.run_id,
        planned.purpose,
        planned.policy,
        planned.checkpoint_id,
        planned.execution_mode,
        planned.step,
        planned.problem_id,
        planned.sample_index,
        retry,
    )
    return replace(planned, rollout_id=identity, retry=retry)
