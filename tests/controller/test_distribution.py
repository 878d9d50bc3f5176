"""The layer distribution: against enumeration, against the formula, and at its edges."""

import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lamas.controller import Draw, LayerDistribution
from lamas.errors import ConfigurationError, ControllerError
from tests.controller import naive

Row = tuple[list[float], list[bool], float]


@st.composite
def rows(draw: st.DrawFn, *, size: int = 4, span: float = 4.0) -> Row:
    logits = draw(st.lists(st.floats(-span, span, allow_nan=False), min_size=size, max_size=size))
    legal = draw(st.lists(st.booleans(), min_size=size, max_size=size).filter(any))
    return logits, legal, draw(st.floats(0.05, 1.0))


def distribution(row: Row, copies: int = 1) -> LayerDistribution:
    logits, legal, tau = row
    return LayerDistribution(
        torch.tensor([logits] * copies, dtype=torch.float64), torch.tensor([legal] * copies), tau
    )


def sequence(draw: Draw, row: int = 0) -> tuple[int, ...]:
    return tuple(int(position) for position in draw.order[row, : int(draw.count[row])])


def draw_of(*drawn: tuple[int, ...], size: int) -> Draw:
    order = [[*row, *(o for o in range(size) if o not in row)] for row in drawn]
    return Draw(torch.tensor(order), torch.tensor([len(row) for row in drawn]))


def gumbel(shape: tuple[int, ...], seed: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).gumbel(size=shape))


@given(rows())
def test_log_probabilities_of_all_sequences_sum_to_one(row: Row) -> None:
    probabilities = naive.softmax(row[0], row[1])
    every = list(naive.sequences(probabilities, row[1], row[2]))
    draw = draw_of(*(drawn for drawn, _ in every), size=4)
    log_prob = distribution(row, len(every)).log_prob(draw)
    assert log_prob.exp().sum().item() == pytest.approx(1.0, abs=1e-9)
    assert log_prob.exp().tolist() == pytest.approx([p for _, p in every], abs=1e-9)


@given(rows(span=2.0), st.integers(0, 2**31))
def test_log_probability_is_the_formula(row: Row, seed: int) -> None:
    layer = distribution(row)
    draw = layer.sample(gumbel((1, 4), seed))
    probabilities = naive.softmax(row[0], row[1])
    expected = naive.log_prob(probabilities, sequence(draw)[:-1])
    last = sequence(draw)[-1]
    left = sum(p for o, p in enumerate(probabilities) if row[1][o] and o not in sequence(draw)[:-1])
    expected += math.log(probabilities[last]) - math.log(left)
    assert layer.log_prob(draw).item() == pytest.approx(expected, abs=1e-9)


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(rows(span=1.5))
def test_sampled_frequencies_agree_with_enumeration(row: Row) -> None:
    copies = 4000
    draw = distribution(row, copies).sample(gumbel((copies, 4), 11))
    expected = dict(naive.sequences(naive.softmax(row[0], row[1]), row[1], row[2]))
    counts: dict[tuple[int, ...], int] = dict.fromkeys(expected, 0)
    for index in range(copies):
        counts[sequence(draw, index)] += 1
    for drawn, probability in expected.items():
        deviation = math.sqrt(probability * (1 - probability) / copies)
        assert counts[drawn] / copies == pytest.approx(probability, abs=5.5 * deviation + 1e-9)


@pytest.mark.slow
@given(rows(size=7, span=30.0), st.integers(0, 2**31))
def test_a_draw_is_legal_distinct_and_stops_exactly_when_tau_is_reached(
    row: Row, seed: int
) -> None:
    layer = distribution(row)
    probabilities = [float(p) for p in layer.probabilities[0]]
    for draw in (layer.sample(gumbel((1, 7), seed)), layer.decide()):
        drawn = sequence(draw)
        assert len(drawn) >= 1
        assert len(set(drawn)) == len(drawn)
        assert all(row[1][o] for o in drawn)
        assert sorted(int(place) for place in draw.order[0]) == list(range(7))
        assert math.fsum(probabilities[o] for o in drawn[:-1]) < row[2]
        reached = math.fsum(probabilities[o] for o in drawn) >= row[2] - 2e-9
        assert reached or len(drawn) == sum(row[1])
        assert draw.chosen[0].tolist() == [o in drawn for o in range(7)]


@given(rows(size=7))
def test_deciding_takes_operators_in_order_of_probability(row: Row) -> None:
    # Ties up to rounding may go either way between the two softmaxes.
    probabilities = [float(p) for p in distribution(row).probabilities[0]]
    gaps = np.diff(sorted(p for p, allowed in zip(probabilities, row[1], strict=True) if allowed))
    assume(bool((gaps > 1e-9).all()))
    assert sequence(distribution(row).decide()) == naive.decided(probabilities, row[1], row[2])


def test_ties_are_decided_by_catalogue_order() -> None:
    row = ([1.0, 2.0, 2.0, 1.0, 2.0], [True, True, False, True, True], 0.95)
    assert sequence(distribution(row).decide()) == (1, 4, 0, 3)


@pytest.mark.parametrize(("size", "tau", "count"), [(10, 0.3, 3), (5, 0.6, 3), (3, 1.0, 3)])
def test_mass_equal_to_tau_up_to_rounding_has_reached_it(size: int, tau: float, count: int) -> None:
    row = ([0.0] * size, [True] * size, tau)
    draws = distribution(row, 200).sample(gumbel((200, size), 3))
    assert bool((draws.count == count).all())


@pytest.mark.parametrize("gap", [1.0, 40.0, 800.0, 1e6])
def test_value_and_gradient_stay_finite_when_nothing_remains(gap: float) -> None:
    logits = torch.tensor([[gap, 0.0, -gap]], dtype=torch.float64, requires_grad=True)
    layer = LayerDistribution(logits, torch.tensor([[True, True, True]]), 1.0)
    log_prob = layer.log_prob(draw_of((0, 1, 2), size=3))
    torch.autograd.backward(log_prob.sum() + layer.entropy().sum())
    assert torch.isfinite(log_prob).all()
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()


def test_gradient_with_masks_equals_finite_differences() -> None:
    legal = torch.tensor([[True, False, True, True], [True, True, True, True]])
    draw = draw_of((2, 0), (1, 3, 0, 2), size=4)

    def value(logits: torch.Tensor) -> torch.Tensor:
        layer = LayerDistribution(logits, legal, 0.9)
        return torch.cat([layer.log_prob(draw), layer.entropy()])

    start = torch.tensor(
        [[0.3, 5.0, -1.0, 0.7], [1.0, -2.0, 0.1, 0.0]], dtype=torch.float64, requires_grad=True
    )
    assert torch.autograd.gradcheck(value, (start,))


def test_entropy_of_equally_likely_operators_is_the_logarithm_of_their_number() -> None:
    row = ([3.0, 3.0, 3.0, 99.0], [True, True, True, False], 0.3)
    assert distribution(row).entropy().item() == pytest.approx(math.log(3))


@pytest.mark.parametrize("tau", [0.0, -0.1, 1.1, math.nan])
def test_tau_out_of_range_is_refused(tau: float) -> None:
    with pytest.raises(ConfigurationError, match="τ must be in"):
        LayerDistribution(torch.zeros(1, 2), torch.tensor([[True, True]]), tau)


def test_scores_that_are_not_finite_and_empty_layers_are_refused() -> None:
    with pytest.raises(ControllerError, match="not finite"):
        LayerDistribution(torch.tensor([[0.0, math.nan]]), torch.tensor([[True, True]]), 0.3)
    with pytest.raises(ControllerError, match="no legal operator"):
        LayerDistribution(torch.zeros(1, 2), torch.tensor([[False, False]]), 0.3)
