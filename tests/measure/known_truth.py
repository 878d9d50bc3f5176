"""Draws paired data of two policies whose true means are known in closed form."""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from lamas.evaluation.hierarchical import Array, Effect


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """Two policies whose latent values are mean + seed + problem + problem of the policy + cell.

    All effects are normal; those of seeds, of the policy's problems and of cells are each policy's
    own, that of problems is shared. `effect` says how a latent value x shows: as the score
    [x > 0] for a difference, as exp(x) tokens for a log-ratio. Either has its mean in closed form.
    """

    effect: Effect
    seeds: int = 5
    problems: int = 100
    mean_a: float = 0.7
    mean_b: float = 0.5
    seed_sd: float = 0.15
    problem_sd: float = 0.8
    own_problem_sd: float = 0.4
    cell_sd: float = 0.6
    fixed_b: bool = False
    """B has no training seed: one row, repeated."""
    nested: bool = False
    """Each seed has problems of its own."""
    missing: float = 0.0
    """Share of the pairs that failed."""

    @property
    def truth(self) -> float:
        """The effect of A against B in the population of seeds and problems."""
        a = self._mean(self.mean_a, self.seed_sd)
        b = self._mean(self.mean_b, 0.0 if self.fixed_b else self.seed_sd)
        return a - b if self.effect == "difference" else math.log(a / b)

    def _mean(self, latent: float, seed_sd: float) -> float:
        variance = seed_sd**2 + self.problem_sd**2 + self.own_problem_sd**2 + self.cell_sd**2
        if self.effect == "difference":
            return NormalDist().cdf(latent / math.sqrt(variance))
        return math.exp(latent + variance / 2)

    def draw(self, generator: np.random.Generator) -> tuple[Array, Array]:
        """The values of A and of B, each [seeds, problems]."""
        shared = generator.normal(0.0, self.problem_sd, self.problems)
        a = self._policy(generator, self.mean_a, shared, self.seeds, self.seed_sd)
        if self.fixed_b:
            one = self._policy(generator, self.mean_b, shared, 1, 0.0)
            b = np.repeat(one, self.seeds, axis=0)
        else:
            b = self._policy(generator, self.mean_b, shared, self.seeds, self.seed_sd)
        if self.nested:
            own = np.arange(self.problems) % self.seeds == np.arange(self.seeds)[:, None]
            a = np.where(own, a, np.nan)
        if self.missing > 0.0:
            a = np.where(generator.random(a.shape) < self.missing, np.nan, a)
        return a, b

    def _policy(
        self,
        generator: np.random.Generator,
        latent: float,
        shared: Array,
        seeds: int,
        seed_sd: float,
    ) -> Array:
        values = (
            latent
            + shared
            + generator.normal(0.0, seed_sd, (seeds, 1))
            + generator.normal(0.0, self.own_problem_sd, self.problems)
            + generator.normal(0.0, self.cell_sd, (seeds, self.problems))
        )
        shown = values > 0.0 if self.effect == "difference" else np.exp(values)
        return np.asarray(shown, dtype=np.float64)
