"""Which problems a step uses: each once an epoch, the same after a restart."""

from collections import Counter

import pytest

from lamas.errors import ConfigurationError
from lamas.training import problem_batch, rollout_seed

IDS = [f"p{number}" for number in range(11)]


def test_an_epoch_uses_no_problem_twice_and_epochs_differ() -> None:
    epochs = [
        [problem_batch(IDS, seed=7, step=5 * epoch + step, size=2) for step in range(5)]
        for epoch in range(2)
    ]
    for epoch in epochs:
        counts = Counter(problem for batch in epoch for problem in batch)
        assert set(counts.values()) == {1}
        assert len(counts) == 10
    assert epochs[0] != epochs[1]


def test_a_batch_is_a_function_of_its_arguments() -> None:
    assert problem_batch(IDS, seed=7, step=3, size=4) == problem_batch(
        IDS[::-1], seed=7, step=3, size=4
    )
    assert problem_batch(IDS, seed=7, step=3, size=4) != problem_batch(IDS, seed=8, step=3, size=4)


@pytest.mark.slow
@pytest.mark.parametrize("size", [0, 12])
def test_an_impossible_batch_is_refused(size: int) -> None:
    with pytest.raises(ConfigurationError, match=f"problems_per_step={size} problems"):
        problem_batch(IDS, seed=0, step=0, size=size)


@pytest.mark.slow
def test_every_rollout_has_its_own_seed() -> None:
    seeds = {
        rollout_seed(seed=seed, step=step, problem_id=problem, sample_index=sample)
        for seed in (0, 1)
        for step in (0, 1)
        for problem in ("a", "b")
        for sample in (0, 1)
    }
    assert len(seeds) == 16
