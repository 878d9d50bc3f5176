"""The probability of each set: against writing all sequences down, and its gradient."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lamas.controller.set_probabilities import SetLattice
from tests.controller import naive

Row = tuple[list[float], list[bool], float, int]


@st.composite
def rows(draw: st.DrawFn, size: int = 5) -> Row:
    logits = draw(st.lists(st.floats(-4.0, 4.0), min_size=size, max_size=size))
    legal = draw(st.lists(st.booleans(), min_size=size, max_size=size).filter(any))
    return logits, legal, draw(st.floats(0.05, 1.0)), draw(st.integers(1, size))


def of_lattice(row: Row) -> dict[frozenset[int], float]:
    logits, legal, tau, width = row
    lattice = SetLattice(len(logits), width)
    found = lattice.probabilities(
        torch.tensor([logits], dtype=torch.float64), torch.tensor([legal]), tau
    )
    of_row: list[float] = found[0].numpy().tolist()
    return {frozenset(chosen): p for chosen, p in zip(lattice.sets, of_row, strict=True)}


@given(rows())
def test_a_set_has_the_probability_of_all_sequences_that_end_with_it(row: Row) -> None:
    logits, legal, tau, width = row
    expected: dict[frozenset[int], float] = {}
    for drawn, p in naive.sequences(naive.softmax(logits, legal), legal, tau, width):
        expected[frozenset(drawn)] = expected.get(frozenset(drawn), 0.0) + p
    for chosen, p in of_lattice(row).items():
        assert p == pytest.approx(expected.get(chosen, 0.0), abs=1e-9)


@given(rows())
def test_sets_share_out_all_probability(row: Row) -> None:
    assert sum(of_lattice(row).values()) == pytest.approx(1.0, abs=1e-9)


def test_equal_shares_of_two_thirds_are_a_certain_layer() -> None:
    found = of_lattice(([0.0, -800.0, 0.0, 0.0, -800.0], [True] * 5, 0.8, 3))
    assert found[frozenset({0, 2, 3})] == pytest.approx(1.0, abs=1e-12)


def test_the_gradient_is_that_of_the_sum_over_sequences() -> None:
    logits = torch.tensor([[0.3, -0.2, 0.9, 0.1]], dtype=torch.float64)
    value = torch.tensor([0.1, 0.9, 0.4, 0.2, 0.7, 0.3, 0.8, 0.5, 0.6, 1.0], dtype=torch.float64)
    lattice = SetLattice(4, 2)
    tau = 0.65

    def expectation(shifted: torch.Tensor) -> float:
        row: list[float] = shifted[0].numpy().tolist()
        p = naive.softmax(row, [True] * 4)
        place = {frozenset(chosen): at for at, chosen in enumerate(lattice.sets)}
        return sum(
            weight * value[place[frozenset(drawn)]].item()
            for drawn, weight in naive.sequences(p, [True] * 4, tau, 2)
        )

    moving = logits.clone().requires_grad_()
    whole = (lattice.probabilities(moving, torch.ones(1, 4, dtype=torch.bool), tau) * value).sum()
    (gradient,) = torch.autograd.grad(whole, moving)
    for place in range(4):
        step = torch.zeros_like(logits)
        step[0, place] = 1e-6
        difference = (expectation(logits + step) - expectation(logits - step)) / 2e-6
        assert gradient[0, place].item() == pytest.approx(difference, abs=1e-6)


@pytest.mark.slow
def test_certainty_leaves_a_finite_gradient() -> None:
    moving = torch.tensor([[0.0, -2000.0, -2000.0]], dtype=torch.float64, requires_grad=True)
    found = SetLattice(3, 3).probabilities(moving, torch.ones(1, 3, dtype=torch.bool), 1.0)
    (gradient,) = torch.autograd.grad(found[0, 0], moving)
    assert torch.isfinite(gradient).all()
