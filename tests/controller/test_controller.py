"""The controller: legal graphs, reproducible sampling, exact log-probabilities, commitment."""

import itertools
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lamas.controller import (
    LAYERED_KINDS,
    Controller,
    ControllerKind,
    ControllerSettings,
    bounded_threads,
    build_controller,
    temperature,
)
from lamas.controller.legality import LegalityTracker
from lamas.controller.policy import History
from lamas.domain import ExecutionGraph, GraphChoice, OperatorSet, PolicyDecision
from lamas.errors import ConfigurationError, ControllerError
from tests.controller import naive
from tests.training.world import SEVEN, THREE, unit_rows

Drawn = tuple[tuple[str, ...], ...]
kinds = pytest.mark.parametrize("kind", LAYERED_KINDS)


def controller(
    kind: ControllerKind = "lamas",
    operators: OperatorSet = SEVEN,
    *,
    layers: int = 4,
    tau: float = 0.3,
    spread: float = 0.5,
) -> Controller:
    """A controller whose weights were moved away from their start by `spread`."""
    built = build_controller(
        ControllerSettings(kind=kind, layers=layers, tau=tau, seed=1),
        operators,
        unit_rows(len(operators), 1),
    )
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in built.parameters():
            noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
            parameter.add_(noise * spread)
    return built


def drawn_names(choice: GraphChoice) -> Drawn:
    """The drawn sequences, layer by layer in draw order."""
    layers = itertools.groupby(choice.decisions, key=lambda item: item.layer)
    return tuple(tuple(item.operator for item in layer) for _, layer in layers)


def decisions_of(drawn: Drawn) -> tuple[PolicyDecision, ...]:
    return tuple(
        PolicyDecision(
            layer=number,
            draw_order=place,
            operator=name,
            probability=0.0,
            log_probability=0.0,
            legal=(),
        )
        for number, names in enumerate(drawn, start=1)
        for place, name in enumerate(names)
    )


def every_graph(
    built: Controller, query: np.ndarray[tuple[int, ...], np.dtype[np.float32]]
) -> "dict[Drawn, float]":
    """Every drawable graph with its probability, layer by layer from the recorded p_ℓ."""
    operators, tau = built.operators, built.settings.tau

    def probabilities(prefix: Drawn, legal: tuple[bool, ...]) -> list[float]:
        # The first term of a layer's log-probability is log p(a_1).
        ways = [(*prefix, (name,)) for name, ok in zip(operators.names, legal, strict=True) if ok]
        result = built.log_prob(
            np.repeat(query[None], len(ways), axis=0), [decisions_of(way) for way in ways]
        )
        lengths = [sum(len(layer) for layer in way) for way in ways]
        last = np.cumsum(lengths) - 1
        values = iter(result.decisions.detach().numpy()[last].tolist())
        return [math.exp(next(values)) if ok else 0.0 for ok in legal]

    def extend(prefix: Drawn, candidates: int, mass: float) -> Iterator[tuple[Drawn, float]]:
        if prefix and (operators.stops_after(prefix[-1]) or len(prefix) == built.settings.layers):
            yield prefix, mass
            return
        legal = operators.legal(candidates)
        for drawn, p in naive.sequences(probabilities(prefix, legal), legal, tau):
            names = tuple(operators.names[o] for o in drawn)
            after = operators.candidates_after(candidates, names)
            yield from extend((*prefix, names), after, mass * p)

    return dict(extend((), 0, 1.0))


@kinds
def test_every_chosen_graph_is_legal_and_its_decisions_make_it(kind: ControllerKind) -> None:
    built = controller(kind, spread=1.0)
    queries = unit_rows(200, 2)
    for choice in (*built.sample(queries, range(200)), *built.decide(queries)):
        drawn = drawn_names(choice)
        assert ExecutionGraph.of(drawn, SEVEN) == choice.graph
        candidates = 0
        for number, names in enumerate(drawn, start=1):
            of_layer = [item for item in choice.decisions if item.layer == number]
            legal = tuple(itertools.compress(SEVEN.names, SEVEN.legal(candidates)))
            assert all(item.legal == legal for item in of_layer)
            assert [item.draw_order for item in of_layer] == list(range(len(of_layer)))
            assert sum(item.probability for item in of_layer[:-1]) < 0.3
            assert math.exp(of_layer[0].log_probability) == pytest.approx(of_layer[0].probability)
            candidates = SEVEN.candidates_after(candidates, names)
        assert len(drawn) == 4 or SEVEN.stops_after(drawn[-1])


@kinds
def test_a_sampled_graph_is_a_function_of_embedding_and_seed(kind: ControllerKind) -> None:
    built = controller(kind)
    queries = unit_rows(64, 3)
    seeds = [int(seed) for seed in np.random.default_rng(0).integers(0, 2**31, 64)]
    together = built.sample(queries, seeds)
    backwards = built.sample(queries[::-1].copy(), seeds[::-1])[::-1]
    alone = [built.sample(queries[row : row + 1], [seeds[row]])[0] for row in range(64)]
    for left, right, own in zip(together, backwards, alone, strict=True):
        assert left.graph == right.graph == own.graph
        for one, other in zip(left.decisions, own.decisions, strict=True):
            assert one.operator == other.operator
            assert one.log_probability == pytest.approx(other.log_probability, abs=1e-12)


def test_different_seeds_give_different_graphs() -> None:
    built = controller(spread=0.0)
    choices = built.sample(np.repeat(unit_rows(1, 0), 50, axis=0), range(50))
    assert len({str(choice.graph) for choice in choices}) > 30


@kinds
def test_recomputed_log_probabilities_equal_the_recorded_ones(kind: ControllerKind) -> None:
    built = controller(kind)
    queries = unit_rows(100, 4)
    choices = built.sample(queries, range(100))
    result = built.log_prob(queries, [choice.decisions for choice in choices])
    recorded = [item.log_probability for choice in choices for item in choice.decisions]
    assert result.decisions.tolist() == pytest.approx(recorded, abs=1e-12)
    assert len(result.entropies) == sum(len(choice.graph.layers) for choice in choices)


@kinds
def test_the_batched_pass_equals_one_graph_at_a_time(kind: ControllerKind) -> None:
    built = controller(kind)
    queries = unit_rows(30, 5)
    choices = built.sample(queries, range(30))
    batched = built.log_prob(queries, [choice.decisions for choice in choices])
    torch.autograd.backward(batched.decisions.sum())
    gradients = [parameter.grad for parameter in built.parameters()]
    built.zero_grad()
    values: list[float] = []
    for row, choice in enumerate(choices):
        single = built.log_prob(queries[row : row + 1], [choice.decisions])
        torch.autograd.backward(single.decisions.sum())
        values += single.decisions.tolist()
    assert batched.decisions.tolist() == pytest.approx(values, abs=1e-11)
    for together, parameter in zip(gradients, built.parameters(), strict=True):
        assert together is not None
        assert parameter.grad is not None
        assert torch.allclose(together, parameter.grad, atol=1e-10)


@pytest.mark.slow
@kinds
def test_probabilities_of_all_graphs_sum_to_one_and_match_frequencies(
    kind: ControllerKind,
) -> None:
    built = controller(kind, THREE, layers=2, tau=0.6)
    query = unit_rows(1, 6)[0]
    every = every_graph(built, query)
    assert sum(every.values()) == pytest.approx(1.0, abs=1e-9)
    rows = np.repeat(query[None], len(every), axis=0)
    result = built.log_prob(rows, [decisions_of(drawn) for drawn in every])
    ends = np.cumsum([sum(len(layer) for layer in drawn) for drawn in every])
    sums = np.add.reduceat(result.decisions.detach().numpy(), np.r_[0, ends[:-1]])
    assert np.exp(sums) == pytest.approx(list(every.values()), abs=1e-9)

    copies = 4000
    choices = built.sample(np.repeat(query[None], copies, axis=0), range(copies))
    counts = Counter(drawn_names(choice) for choice in choices)
    assert set(counts) <= set(every)
    for drawn, probability in every.items():
        deviation = math.sqrt(probability * (1 - probability) / copies)
        assert counts[drawn] / copies == pytest.approx(probability, abs=5 * deviation + 1e-9)


@pytest.mark.slow
def test_paper_probabilities_stay_within_the_published_bounds() -> None:
    low, high = 1 / (1 + 6 * math.e**2), math.e**2 / (math.e**2 + 6)
    assert (round(low, 3), round(high, 3)) == (0.022, 0.552)
    policy = controller("paper").policy
    chosen = torch.zeros(1, 4, len(SEVEN), dtype=torch.bool)
    history = History(0, chosen, torch.zeros(1, dtype=torch.int64), torch.ones(1))
    query = torch.from_numpy(unit_rows(1, 7)).double()
    optimiser = torch.optim.Adam(policy.parameters(), lr=0.01)
    p = torch.zeros(len(SEVEN))
    # However long it is pushed towards one operator, it never gets beyond the bounds.
    for _ in range(200):
        p = torch.softmax(policy.scores(policy.encode(query), history)[0], dim=0)
        assert p.min().item() >= low - 1e-12
        assert p.max().item() <= high + 1e-12
        optimiser.zero_grad()
        torch.autograd.backward(-p[2].log())
        optimiser.step()
    assert p[2].item() > high - 0.01


def test_lamas_starts_undecided() -> None:
    built = controller(spread=0.0)
    for choice in built.sample(unit_rows(20, 8), range(20)):
        for item in choice.decisions:
            assert item.probability == pytest.approx(1 / len(item.legal))
    assert temperature(built.policy) == 1.0
    assert temperature(controller("paper").policy) is None


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.integers(0, 6), min_size=1, max_size=4), min_size=1, max_size=5))
def test_the_tracker_follows_the_operator_set(layers: list[list[int]]) -> None:
    tracker = LegalityTracker(SEVEN, 3)
    rows = torch.tensor([1])
    candidates, running = 0, True
    for positions in layers:
        names = [SEVEN.names[position] for position in dict.fromkeys(positions)]
        assert tuple(bool(ok) for ok in tracker.legal(rows)[0]) == SEVEN.legal(candidates)
        chosen = torch.zeros(1, len(SEVEN), dtype=torch.bool)
        chosen[0, positions] = True
        tracker.advance(rows, chosen)
        candidates = SEVEN.candidates_after(candidates, names)
        running = running and not SEVEN.stops_after(names)
        assert tracker.candidates.tolist() == [0, candidates, 0]
        assert tracker.running.tolist() == [True, running, True]


def test_choosing_leaves_torch_threads_as_they_were() -> None:
    built = controller()
    with bounded_threads(2):
        built.decide(unit_rows(2, 0))
        assert torch.get_num_threads() == 2


def test_input_that_does_not_fit_is_refused() -> None:
    built = controller()
    with pytest.raises(ControllerError, match=r"must have shape \[B, 384\], got \[2, 10\]"):
        built.decide(np.zeros((2, 10), dtype=np.float32))
    with pytest.raises(ControllerError, match="2 embeddings came with 1 seeds"):
        built.sample(unit_rows(2, 0), [1])
    with pytest.raises(ControllerError, match="operator embeddings must have shape"):
        build_controller(ControllerSettings(), SEVEN, unit_rows(3, 0))
    with pytest.raises(ConfigurationError, match="controller kind 'x' is not one of lamas, paper"):
        ControllerSettings(kind="x")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ConfigurationError, match="L must be at least 1"):
        ControllerSettings(layers=0)


@pytest.mark.parametrize(
    ("drawn", "message"),
    [
        ((("ScEnsemble",),), "illegal where it stands"),
        ((("Generate",), ("EarlyStop",), ("Generate",)), "illegal where it stands"),
        ((("Generate", "Generate"),), "without gaps or repetitions"),
        ((("Nobody",),), "names operator 'Nobody'"),
        ((("Generate",),) * 5, "has 4 layers"),
        ((), "without gaps or repetitions"),
    ],
)
def test_stored_decisions_of_another_world_are_refused(drawn: Drawn, message: str) -> None:
    with pytest.raises(ControllerError, match=message):
        controller().log_prob(unit_rows(1, 0), [decisions_of(drawn)])


def test_stored_decisions_with_a_gap_are_refused() -> None:
    first, second = decisions_of((("Generate", "GenerateCoT"),))
    for broken in (
        (replace(first, layer=2),),
        (replace(second, draw_order=1),),
        (first, second, second),
    ):
        with pytest.raises(ControllerError, match="without gaps or repetitions"):
            controller().log_prob(unit_rows(1, 0), [broken])
