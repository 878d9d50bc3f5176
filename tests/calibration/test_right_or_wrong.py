"""The fast likelihood is the slow one, and skills and difficulties are found again."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamas.calibration.observations import Trial
from lamas.calibration.right_or_wrong import LEAST_TRIALS, Abilities, Answers, fit_skills, told
from lamas.llm.simulated.randomness import sigmoid

STRENGTHS = {"Multi": "CoT"}


def made(problem: int, operator: str, right: bool, skill: str = "skill") -> Trial:
    return Trial(problem_id=f"p/{problem}", operator=operator, skill=skill, right=right)


def naive_log_likelihood(
    trials: list[Trial], lengths: dict[str, float], at: Abilities, *, nodes: int = 161
) -> float:
    """By the definition: nested sums over difficulty and over each operator's strength."""
    grid = [-7.0 + 14.0 * place / (nodes - 1) for place in range(nodes)]
    step = grid[1] - grid[0]
    density = [step * math.exp(-z * z / 2) / math.sqrt(2 * math.pi) for z in grid]
    total = 0.0
    for problem_id, length in lengths.items():
        by_strength: dict[str, list[Trial]] = {}
        for trial in trials:
            if trial.problem_id == problem_id:
                owner = STRENGTHS.get(trial.operator, trial.operator)
                by_strength.setdefault(owner, []).append(trial)
        likelihood = 0.0
        for z, weight in zip(grid, density, strict=True):
            t = at.correlation * length + math.sqrt(1 - at.correlation**2) * z
            product = weight
            for members in by_strength.values():
                inner = 0.0
                for b, own in zip(grid, density, strict=True):
                    chance = own
                    for trial in members:
                        skill = at.skills[trial.operator, trial.skill]
                        logit = skill + at.interaction * b - at.mean - at.sigma * t
                        p = sigmoid(logit)
                        chance *= p if trial.right else 1 - p
                    inner += chance
                product *= inner
            likelihood += product
        total += math.log(likelihood)
    return total


@pytest.mark.slow
@settings(max_examples=8)
@given(
    flags=st.lists(
        st.tuples(st.integers(0, 1), st.sampled_from(["CoT", "Multi", "Refine"]), st.booleans()),
        min_size=1,
        max_size=7,
    ),
    mean=st.floats(-3, 3),
    sigma=st.floats(0.3, 6),
    interaction=st.floats(0.1, 2),
    correlation=st.floats(-0.8, 0.8),
)
def test_the_likelihood_is_that_of_the_definition(
    flags: list[tuple[int, str, bool]],
    mean: float,
    sigma: float,
    interaction: float,
    correlation: float,
) -> None:
    trials = [made(*flag) for flag in flags]
    lengths = {"p/0": 0.7, "p/1": -1.2}
    at = Abilities(
        skills={("CoT", "skill"): 0.3, ("Multi", "skill"): -0.4, ("Refine", "skill"): 1.0},
        mean=mean,
        sigma=sigma,
        interaction=interaction,
        correlation=correlation,
    )
    fast = Answers(trials, lengths, STRENGTHS).log_likelihood(at)
    assert fast == pytest.approx(naive_log_likelihood(trials, lengths, at), abs=2e-3)


def test_shared_strengths_are_one_and_own_ones_are_not() -> None:
    """Two operators that are always right together are likelier with a strength in common."""
    lengths = {f"p/{index}": 0.0 for index in range(40)}
    trials = [
        made(index, operator, index % 2 == 0)
        for index in range(40)
        for operator in ("CoT", "Multi")
    ]
    at = Abilities(
        skills={("CoT", "skill"): 0.0, ("Multi", "skill"): 0.0},
        mean=0.0,
        sigma=0.5,
        interaction=3.0,
        correlation=0.0,
    )
    shared = Answers(trials, lengths, STRENGTHS).log_likelihood(at)
    assert shared > Answers(trials, lengths, {}).log_likelihood(at) + 5


def drawn(
    at: Abilities, count: int, samples: int, generator: np.random.Generator
) -> tuple[list[Trial], dict[str, float]]:
    """Trials of every skill on every problem."""
    lengths = {f"p/{index}": float(generator.normal()) for index in range(count)}
    trials: list[Trial] = []
    for index, length in enumerate(lengths.values()):
        t = at.correlation * length + math.sqrt(1 - at.correlation**2) * generator.normal()
        strengths = {name: at.interaction * generator.normal() for name, _ in at.skills}
        for (operator, skill), value in at.skills.items():
            logit = value + strengths[STRENGTHS.get(operator, operator)] - at.mean - at.sigma * t
            trials += [
                made(index, operator, bool(generator.random() < sigmoid(logit)), skill)
                for _ in range(samples)
            ]
    return trials, lengths


START = Abilities(
    skills={
        ("CoT", "skill"): 0.0,
        ("Direct", "skill"): 0.0,
        ("Refine", "skill_when_right"): 0.0,
        ("Refine", "skill_when_wrong"): 0.0,
    },
    mean=-2.0,
    sigma=4.5,
    interaction=1.0,
    correlation=0.0,
)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_parameters_are_found_again_within_their_errors(seed: int) -> None:
    truth = Abilities(
        skills={
            ("CoT", "skill"): 0.0,
            ("Direct", "skill"): -1.5,
            ("Refine", "skill_when_right"): 2.0,
            ("Refine", "skill_when_wrong"): -1.0,
        },
        mean=0.7,
        sigma=2.0,
        interaction=1.2,
        correlation=0.5,
    )
    trials, lengths = drawn(truth, 400, 3, np.random.default_rng(seed))
    fit = fit_skills(Answers(trials, lengths, {}), START)
    assert fit.reference == ("CoT", "skill")
    assert fit.best.skills["CoT", "skill"] == 0.0
    pairs = {
        "mean": (fit.best.mean, truth.mean),
        "sigma": (math.log(fit.best.sigma), math.log(truth.sigma)),
        "interaction": (math.log(fit.best.interaction), math.log(truth.interaction)),
        "correlation": (math.atanh(fit.best.correlation), math.atanh(truth.correlation)),
    }
    for condition, value in truth.skills.items():
        if condition != fit.reference:
            pairs[".".join(condition)] = (fit.best.skills[condition], value)
    assert set(pairs) == set(fit.errors)
    for name, (found, true) in pairs.items():
        assert abs(found - true) < 3.5 * fit.errors[name], name
        assert fit.errors[name] < 0.35, name


def test_what_cannot_be_told_stays() -> None:
    """One answer a problem tells a share, and nothing of spreads."""
    trials = [made(index, "CoT", index % 4 > 0) for index in range(40)]
    lengths = {f"p/{index}": 0.0 for index in range(40)}
    fit = fit_skills(Answers(trials, lengths, {}), START)
    assert set(fit.errors) == {"mean"}
    assert (fit.best.sigma, fit.best.interaction, fit.best.correlation) == (4.5, 1.0, 0.0)
    draws = np.random.default_rng(0).normal(size=(2, 20_000))
    chances = [sigmoid(-fit.best.mean - 4.5 * z + b) for z, b in draws.T.tolist()]
    assert sum(chances) / len(chances) == pytest.approx(0.75, abs=0.02)


def test_nothing_at_all_changes_nothing() -> None:
    fit = fit_skills(Answers([], {"p/0": 0.0}, {}), START)
    assert fit.best == START
    assert fit.reference is None


def test_skills_with_few_trials_are_left_out() -> None:
    trials = [made(index, "CoT", True) for index in range(LEAST_TRIALS)]
    few = [made(index, "Direct", True) for index in range(LEAST_TRIALS - 1)]
    assert told([*trials, *few]) == tuple(trials)
