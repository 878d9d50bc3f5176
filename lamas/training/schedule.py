"""Which problems and which noise a step uses: functions of seed and step, nothing remembered."""

from collections.abc import Sequence

import numpy as np

from lamas.domain import derive_seed
from lamas.errors import ConfigurationError


def problem_batch(
    problem_ids: Sequence[str], *, seed: int, step: int, size: int
) -> tuple[str, ...]:
    """The problems of step `step` (from 0), all different: shuffled epochs, `size` at a time.

    A function of its arguments, so a resumed run asks for the same problems. What remains of an
    epoch when no whole batch is left is dropped; every epoch has its own shuffle. Raises
    ConfigurationError when `size` is below 1 or above the number of problems.
    """
    if not 1 <= size <= len(problem_ids):
        raise ConfigurationError(
            f"training.problems_per_step={size} problems cannot be drawn from "
            f"{len(problem_ids)} training problems: choose a number between 1 and all of them"
        )
    ordered = sorted(problem_ids)
    epoch, batch = divmod(step, len(ordered) // size)
    key = derive_seed("problems", seed, epoch)
    generator = np.random.Generator(np.random.Philox(key=key))
    shuffled: list[int] = generator.permutation(len(ordered)).tolist()
    return tuple(ordered[place] for place in shuffled[batch * size : (batch + 1) * size])


def rollout_seed(*, seed: int, step: int, problem_id: str, sample_index: int) -> int:
    """Root of every random choice in one training rollout."""
    return derive_seed("rollout", seed, step, problem_id, sample_index)
