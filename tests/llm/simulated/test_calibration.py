"""The shipped profile gives the published figures it says it was solved from."""

import math
from collections.abc import Iterator

import pytest

from lamas.llm.simulated import load_profile
from lamas.llm.simulated.problems import wrong_weights
from lamas.llm.simulated.profile import Select
from lamas.llm.simulated.randomness import Draws, sigmoid

# Score in % of Generate, GenerateCoT and CoT*5+SC; tokens of Generate, GenerateCoT.
PUBLISHED = {
    "gsm8k": (92.80, 92.23, 92.99, 405.2, 345.8),
    "humaneval": (88.55, 90.08, 90.84, 797.9, 734.5),
    "math": (50.00, 47.74, 50.35, 1030.4, 989.3),
}
SAMPLES = 5


def splits(total: int, parts: int) -> Iterator[tuple[int, ...]]:
    """All ways to share `total` among `parts`."""
    if parts == 1:
        yield (total,)
        return
    for first in range(total + 1):
        for rest in splits(total - first, parts - 1):
            yield (first, *rest)


def best_of_five(right: float, wrong: tuple[float, ...], select: Select) -> float:
    """P(ScEnsemble picks a right one of five samples), by enumeration of all counts."""
    total = 0.0
    for counts in splits(SAMPLES, 1 + len(wrong)):
        chance = float(math.factorial(SAMPLES))
        for count, share in zip(counts, (right, *((1 - right) * q for q in wrong)), strict=True):
            chance *= share**count / math.factorial(count)
        if counts[0] == SAMPLES:
            total += chance
        elif counts[0]:
            margin = (counts[0] - max(counts[1:])) / SAMPLES
            total += chance * sigmoid(select.bias + select.steepness * margin)
    return total


def between(table: list[float], position: float) -> float:
    """Linear interpolation in a table over [0, 1]."""
    place = position * (len(table) - 1)
    low = min(int(place), len(table) - 2)
    return table[low] + (place - low) * (table[low + 1] - table[low])


@pytest.mark.parametrize("name", PUBLISHED)
def test_scores_and_tokens_are_the_published_ones(name: str) -> None:
    profile = load_profile()
    population = profile.populations[name]
    select = profile.operators["ScEnsemble"]
    assert isinstance(select, Select)
    wrong = wrong_weights("code" if name == "humaneval" else "math", profile)
    spread = math.hypot(population.difficulty_sigma, profile.interaction_sigma)
    grid = [-6 + 12 * i / 2000 for i in range(2001)]
    density = [math.exp(-z * z / 2) for z in grid]

    def expected(score: dict[float, float]) -> float:
        return 100 * sum(score[z] * d for z, d in zip(grid, density, strict=True)) / sum(density)

    def single(skill: float) -> dict[float, float]:
        return {z: sigmoid(skill - population.difficulty_mean - spread * z) for z in grid}

    steps = single(0.0)
    # best_of_five is smooth: interpolating a table of it is exact enough and far faster.
    table = [best_of_five(i / 400, wrong, select) for i in range(401)]
    best = {
        z: table[int(p * 400)]
        + (p * 400 % 1) * (table[min(int(p * 400) + 1, 400)] - table[int(p * 400)])
        for z, p in steps.items()
    }
    generate, cot, ensemble, tokens, cot_tokens = PUBLISHED[name]
    assert expected(single(population.skill["Generate"])) == pytest.approx(generate, abs=0.1)
    assert expected(steps) == pytest.approx(cot, abs=0.1)
    assert expected(best) == pytest.approx(ensemble, abs=0.1)
    for operator, published in (("Generate", tokens), ("GenerateCoT", cot_tokens)):
        factor = population.length.get(operator, population.length.get("*", 1.0))
        mean = profile.operators[operator].tokens.mean * factor
        assert mean == pytest.approx(published, rel=0.001)


@pytest.mark.slow
def test_token_sigma_explains_the_longest_of_five() -> None:
    """Mean of the longest of five over the mean of one is (488.3 − 40) / 345.8 on GSM8K."""
    profile = load_profile()
    sigma = profile.operators["GenerateCoT"].tokens.sigma
    draws = Draws("longest")
    longest = [
        math.exp(sigma * max(draws.normal(f"{i}/{j}") for j in range(5)) - sigma**2 / 2)
        for i in range(4000)
    ]
    ratios = [(488.3 - 40) / 345.8, (952.5 - 40) / 734.5, (1220.6 - 40) / 989.3]
    assert min(ratios) < sum(longest) / len(longest) < max(ratios)
