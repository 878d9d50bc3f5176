"""Skills and difficulties from judged answers: a logistic model with random effects.

P(right) = sigmoid(skill + b − d), d = mean + σ·t for each problem, t = ρ·z_length + √(1 − ρ²)·z,
and b normal for each (problem, operator). b is integrated by Gauss–Hermite quadrature; t on evenly
spaced nodes that all problems share, because σ may be ten logits and more, where the likelihood of
a problem is too steep for few Hermite nodes, and because the inner integrals are then needed only
once for every distinct pattern of results.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lamas.calibration.numerics import (
    Matrix,
    Prior,
    Vector,
    log_normal_density,
    log_sigmoid,
    log_sum,
    maximise,
)
from lamas.calibration.observations import Trial

NODES: Vector = np.linspace(-6.0, 6.0, 151)
"""Standardised difficulties t at which the likelihood is summed."""
_POINTS, _WEIGHTS = np.polynomial.hermite_e.hermegauss(15)
_LOG_WEIGHTS: Matrix = np.log(_WEIGHTS / _WEIGHTS.sum())[:, None]
LEAST_TRIALS = 10
"""Of one skill, for it to be fitted."""
LEAST_REPEATED = 20
"""Problems with several trials, for a spread to be fitted."""
LEAST_LENGTHS = 50
"""Problems, for a correlation with the question's length to be fitted."""

# Standard deviations of the priors, around the starting profile: weak against hundreds of trials.
SKILL_PRIOR = 3.0
MEAN_PRIOR = 10.0
LOG_SPREAD_PRIOR = 1.0
CORRELATION_PRIOR = 0.5  # of atanh ρ
_LARGEST = 1.8  # atanh ρ: beyond, nodes of t are too far apart

Condition = tuple[str, str]
"""(operator, name of its skill)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Abilities:
    """One point in the space of parameters."""

    skills: Mapping[Condition, float]
    """Logits, the population's additions included."""
    mean: float
    sigma: float
    interaction: float
    correlation: float


@dataclass(frozen=True, slots=True)
class _Group:
    """The conditions that share a strength b on each problem."""

    conditions: tuple[Condition, ...]
    right: Matrix
    """[patterns, conditions] right answers."""
    trials: Matrix
    """[patterns, conditions]"""
    pattern_of: NDArray[np.intp]
    """[problems]"""


class Answers:
    """Trials counted by problem and skill, ready for the likelihood."""

    def __init__(
        self,
        trials: Sequence[Trial],
        lengths: Mapping[str, float],
        strengths_of: Mapping[str, str],
    ) -> None:
        """`lengths`: standardised log question lengths of all problems; `strengths_of`: whose
        strengths an operator shares, by default its own.
        """
        self.strengths_of = strengths_of
        self.problem_ids = tuple(lengths)
        self.lengths: Vector = np.array(list(lengths.values()), dtype=np.float64)
        place = {name: index for index, name in enumerate(self.problem_ids)}
        groups: dict[str, list[Condition]] = {}
        for item in trials:
            members = groups.setdefault(strengths_of.get(item.operator, item.operator), [])
            if (item.operator, item.skill) not in members:
                members.append((item.operator, item.skill))
        counts = {c: np.zeros((len(place), 2)) for members in groups.values() for c in members}
        for item in trials:
            cell = counts[item.operator, item.skill][place[item.problem_id]]
            cell += (float(item.right), 1.0)
        self._groups = tuple(
            _grouped(tuple(members), [counts[c] for c in members]) for members in groups.values()
        )
        self.counts = {
            condition: (int(cells[:, 0].sum()), int(cells[:, 1].sum()))
            for condition, cells in counts.items()
        }
        """(right answers, trials) of every condition."""
        by_group = [np.sum(g.trials, axis=1)[g.pattern_of] for g in self._groups]
        totals: Matrix = np.array(by_group) if by_group else np.zeros((0, len(place)))
        self.repeated = int(np.sum(totals.sum(axis=0) >= 2))
        """Problems with at least two trials."""
        self.contrasted = min(
            int(np.sum((totals >= 2).any(axis=0))), int(np.sum((totals >= 1).sum(axis=0) >= 2))
        )
        """Problems with two trials of one group, or with two groups, whichever are fewer."""

    def posterior(self, at: Abilities) -> tuple[Vector, Matrix]:
        """(log-likelihood of each problem [P], log posterior on `NODES` [P, T])."""
        unexplained = float(np.sqrt(1.0 - at.correlation**2))
        spread = NODES[None, :] - at.correlation * self.lengths[:, None]
        joint = log_normal_density(spread, unexplained) + np.log(NODES[1] - NODES[0])
        strengths = at.interaction * _POINTS[:, None] - at.mean - at.sigma * NODES[None, :]
        for group in self._groups:
            skills = np.array([at.skills[condition] for condition in group.conditions])
            logits = (skills[:, None, None] + strengths).reshape(len(skills), -1)
            # log p^k (1 − p)^(n − k) = n·log p − (n − k)·logit
            results = group.trials @ log_sigmoid(logits) - (group.trials - group.right) @ logits
            results = results.reshape(-1, _POINTS.size, NODES.size)
            joint += log_sum(results + _LOG_WEIGHTS, axis=1)[group.pattern_of]
        likelihood = log_sum(joint, axis=1)
        return likelihood, joint - likelihood[:, None]

    def log_likelihood(self, at: Abilities) -> float:
        return float(self.posterior(at)[0].sum())


@dataclass(frozen=True, kw_only=True, slots=True)
class SkillFit:
    """What was found, and which of it."""

    best: Abilities
    reference: Condition | None
    """The skill that kept its value: only differences from difficulty can be told."""
    errors: Mapping[str, float]
    """Posterior standard deviations (of the logarithm for spreads) of what was fitted, by
    `operator.skill`, `mean`, `sigma`, `interaction` or `correlation`."""
    log_posterior: Matrix
    """[problems, nodes] of standardised difficulty."""


def fit_skills(answers: Answers, start: Abilities) -> SkillFit:
    """Maximum a posteriori of what the trials can tell; all else stays at `start`.

    `answers` must hold only conditions that are to be fitted, `start` a skill for each of them.
    """
    conditions = sorted(
        answers.counts,
        # One with strengths of its own is the plainer zero.
        key=lambda item: (item[0] in answers.strengths_of, -answers.counts[item][1], item),
    )
    solving = [item for item in conditions if item[1] == "skill"]
    reference = (solving or conditions or [None])[0]
    free = {".".join(item): item for item in conditions if item != reference}
    names = [*free, *_told_spreads(answers, reference is not None)]

    def unpacked(parameters: Vector) -> Abilities:
        given = dict(zip(names, map(float, parameters), strict=True))
        skills = {condition: given[name] for name, condition in free.items()}
        return Abilities(
            skills={**start.skills, **skills},
            mean=given.get("mean", start.mean),
            sigma=math.exp(given["sigma"]) if "sigma" in given else start.sigma,
            interaction=math.exp(given["interaction"])
            if "interaction" in given
            else start.interaction,
            correlation=math.tanh(max(-_LARGEST, min(_LARGEST, given["correlation"])))
            if "correlation" in given
            else start.correlation,
        )

    priors = {
        **{name: (start.skills[condition], SKILL_PRIOR) for name, condition in free.items()},
        "mean": (start.mean, MEAN_PRIOR),
        "sigma": (math.log(start.sigma), LOG_SPREAD_PRIOR),
        "interaction": (math.log(max(start.interaction, 0.1)), LOG_SPREAD_PRIOR),
        "correlation": (math.atanh(max(-0.9, min(0.9, start.correlation))), CORRELATION_PRIOR),
    }
    prior = Prior(
        mean=np.array([priors[name][0] for name in names]),
        sigma=np.array([priors[name][1] for name in names]),
    )
    found = maximise(lambda parameters: answers.log_likelihood(unpacked(parameters)), prior)
    best = unpacked(found.parameters)
    return SkillFit(
        best=best,
        reference=reference,
        errors=dict(zip(names, map(float, found.errors), strict=True)),
        log_posterior=answers.posterior(best)[1],
    )


def _told_spreads(answers: Answers, any_skill: bool) -> list[str]:
    """What besides skills the trials can tell."""
    if not any_skill:
        return []
    names = ["mean"]
    if answers.repeated >= LEAST_REPEATED:
        names.append("sigma")
    if answers.contrasted >= LEAST_REPEATED:
        names.append("interaction")
    if len(answers.problem_ids) >= LEAST_LENGTHS and answers.lengths.std() > 0.0:
        names.append("correlation")
    return names


def told(trials: Sequence[Trial]) -> tuple[Trial, ...]:
    """The trials of those skills that have enough of them."""
    counts: dict[Condition, int] = {}
    for item in trials:
        condition = (item.operator, item.skill)
        counts[condition] = counts.get(condition, 0) + 1
    return tuple(t for t in trials if counts[t.operator, t.skill] >= LEAST_TRIALS)


def _grouped(conditions: tuple[Condition, ...], cells: Sequence[Matrix]) -> _Group:
    table = np.concatenate(cells, axis=1)  # [P, 2C]: right, trials, right, trials …
    patterns, pattern_of = np.unique(table, axis=0, return_inverse=True)
    return _Group(conditions, patterns[:, 0::2], patterns[:, 1::2], pattern_of.reshape(-1))
