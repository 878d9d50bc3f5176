"""How often each interval covers a truth that is known: `python -m tests.measure.coverage`.

Draws data sets of two policies with random effects of training seeds and of problems, whose true
means follow in closed form, and counts the intervals that contain the truth. The goal is 93 % to
97 %; exact intervals may cover more. Two intervals that nobody should use are shown beside them.
Exit status 1 when an interval misses its goal.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lamas.evaluation.hierarchical import hierarchical_bootstrap, resampled_effects
from lamas.evaluation.intervals import Interval, clopper_pearson, cluster_bootstrap, wilson
from lamas.evaluation.metrics import resampled_mean
from lamas.evaluation.quantile import weighted_quantiles
from tests.measure.known_truth import World

DATASETS = 1000
GOAL = (0.93, 0.97)
# Fewer than the default: their own scatter is part of what is measured, and it stays small.
RESAMPLES = 500

Ends = tuple[float, float]
Trial = Callable[[np.random.Generator], bool]
"""Draws one data set and says whether the interval covers the truth."""


@dataclass(frozen=True, slots=True)
class Case:
    """One interval on one kind of data."""

    name: str
    trial: Trial
    goal: Ends | None = GOAL
    """None: shown as a warning, not to be reached."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """What was found for one case."""

    name: str
    covered: int
    datasets: int
    goal: Ends | None

    @property
    def share(self) -> float:
        """Of the data sets whose interval contained the truth."""
        return self.covered / self.datasets

    @property
    def reached(self) -> bool:
        """Whether the share lies within the goal, if there is one."""
        return self.goal is None or self.goal[0] <= self.share <= self.goal[1]


def measure(case: Case, *, datasets: int = DATASETS, seed: int = 0) -> Coverage:
    """Coverage over `datasets` draws; each draw has its own stream, a function of `seed`."""
    covered = sum(
        case.trial(np.random.Generator(np.random.Philox(key=[seed, number])))
        for number in range(datasets)
    )
    return Coverage(case.name, covered, datasets, case.goal)


def hierarchical(world: World) -> Trial:
    """Of `hierarchical_bootstrap`."""
    truth = world.truth

    def trial(generator: np.random.Generator) -> bool:
        a, b = world.draw(generator)
        found = hierarchical_bootstrap(
            a, b, effect=world.effect, seed=_seed(generator), resamples=RESAMPLES
        )
        return found.low is not None and found.high is not None and found.low <= truth <= found.high

    return trial


def percentile(world: World) -> Trial:
    """Of the plain percentiles of resamples of seeds and problems."""
    truth = world.truth

    def trial(generator: np.random.Generator) -> bool:
        a, b = world.draw(generator)
        drawn = resampled_effects(
            a, b, effect=world.effect, seed=_seed(generator), resamples=RESAMPLES
        )
        low, high = np.quantile(drawn.both, [0.025, 0.975])
        return bool(low <= truth <= high)

    return trial


def problems_alone(world: World) -> Trial:
    """Of the percentile bootstrap over problems, as if the seeds were all there are."""
    truth = world.truth
    names = [f"p{number:04d}" for number in range(world.problems)]

    def trial(generator: np.random.Generator) -> bool:
        a, b = world.draw(generator)
        statistic = resampled_mean((a - b).mean(axis=0).tolist())
        found = cluster_bootstrap(names, statistic, seed=_seed(generator), resamples=RESAMPLES)
        return found is not None and found.low <= truth <= found.high

    return trial


def median_tokens(problems: int) -> Trial:
    """Of the bootstrap over problems for a median of log-normal values."""
    names = [f"p{number:04d}" for number in range(problems)]

    def trial(generator: np.random.Generator) -> bool:
        values = np.sort(np.exp(generator.normal(0.0, 0.8, problems)))
        found = cluster_bootstrap(
            names,
            lambda weights: weighted_quantiles(values, weights, 0.5),
            seed=_seed(generator),
            resamples=RESAMPLES,
        )
        return found is not None and found.low <= 1.0 <= found.high

    return trial


def share(interval: Callable[[int, int], Interval], n: int, truth: float) -> Trial:
    """Of an interval for a proportion of n independent trials."""
    found = [interval(successes, n) for successes in range(n + 1)]

    def trial(generator: np.random.Generator) -> bool:
        drawn = found[int(generator.binomial(n, truth))]
        return drawn.low <= truth <= drawn.high

    return trial


SCORE = World(effect="difference")
TOKENS = World(effect="log_ratio")
APART = World(effect="difference", seed_sd=0.5)
"""Seeds that differ a lot, as those of a policy that sometimes fails to learn."""

CASES = (
    Case("score difference, 5 seeds × 100 problems", hierarchical(SCORE)),
    Case("… seeds that do not differ", hierarchical(replace(SCORE, seed_sd=0.0))),
    Case("… seeds that differ a lot", hierarchical(APART)),
    Case("… against a policy without seeds", hierarchical(replace(SCORE, fixed_b=True))),
    Case("… every tenth pair missing", hierarchical(replace(SCORE, missing=0.1))),
    Case("… other problems for each seed", hierarchical(replace(SCORE, nested=True, problems=200))),
    Case("… 3 seeds", hierarchical(replace(SCORE, seeds=3))),
    Case("log-ratio of CP_len, 5 seeds × 100 problems", hierarchical(TOKENS)),
    Case("… seeds that do not differ", hierarchical(replace(TOKENS, seed_sd=0.0))),
    Case("… seeds that differ a lot", hierarchical(replace(TOKENS, seed_sd=0.5))),
    Case(
        "… one seed, 200 problems",
        hierarchical(replace(TOKENS, seeds=1, seed_sd=0.0, problems=200)),
    ),
    Case(
        "mean difference, bootstrap over 200 problems, one seed",
        problems_alone(replace(SCORE, seeds=1, seed_sd=0.0, problems=200)),
    ),
    Case("median, bootstrap over 200 problems", median_tokens(200)),
    Case("share, Wilson, 200 trials", share(wilson, 200, 0.7)),
    Case("share, exact, 20 trials", share(clopper_pearson, 20, 0.7), (GOAL[0], 1.0)),
    Case("not in use: percentiles over seeds × problems", percentile(APART), None),
    Case("not in use: over problems, blind to seeds", problems_alone(APART), None),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line per case; 0 when all reach their goal, else 1."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.measure.coverage",
        description="How often each interval covers a known truth.",
    )
    parser.add_argument("--datasets", type=int, default=DATASETS, help="for each interval")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments, namespace=_Options())
    if options.datasets < 1:
        parser.error(f"--datasets is {options.datasets}; it must be at least 1")
    reached = True
    width = max(len(case.name) for case in CASES)
    print(f"{options.datasets} data sets each, 95 % intervals, seed {options.seed}")
    for case in CASES:
        found = measure(case, datasets=options.datasets, seed=options.seed)
        print(f"{found.name:<{width}}  {found.share:6.1%}  {_remark(found)}", flush=True)
        reached = reached and found.reached
    return 0 if reached else 1


class _Options(argparse.Namespace):
    datasets: int = DATASETS
    seed: int = 0


def _remark(found: Coverage) -> str:
    if found.goal is None:
        return "(a warning)"
    low, high = found.goal
    return f"{'reaches' if found.reached else 'MISSES'} {low:.0%}–{high:.0%}"


def _seed(generator: np.random.Generator) -> int:
    """Of the bootstrap: another one for each data set, so its scatter averages out."""
    return int(generator.integers(2**32))


if __name__ == "__main__":
    sys.exit(main())
