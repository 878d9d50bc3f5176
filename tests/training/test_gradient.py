"""The gradient step's direction: against exact enumeration of the expected reward."""

import itertools
import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

from lamas.controller import (
    LAYERED_KINDS,
    Controller,
    ControllerKind,
    ControllerSettings,
    LogProbabilities,
    build_controller,
)
from lamas.controller.policy import History
from lamas.domain import ExecutionGraph, GraphChoice, PolicyDecision, Rollout
from lamas.training import TrainerSettings
from lamas.training.objective import objective
from tests.controller import naive
from tests.training.world import THREE, Spent, plan, rollout, unit_rows

Drawn = tuple[tuple[str, ...], ...]
QUERY = unit_rows(1, 9)
TAU = 0.7
# A reward without structure, so that nothing cancels by luck.
REWARD = {"Short": 0.31, "Long": 1.0, "Stop": -0.4}


def moved_controller(kind: ControllerKind) -> Controller:
    built = build_controller(
        ControllerSettings(kind=kind, layers=2, tau=TAU, hidden=3, seed=2), THREE, unit_rows(3, 1)
    )
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in built.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator).double())
    return built


def reward_of(drawn: Drawn) -> float:
    places = enumerate(itertools.chain.from_iterable(drawn))
    return math.sin(sum((place + 1) * REWARD[name] for place, name in places)) + len(drawn)


def probabilities(built: Controller, prefix: Drawn) -> list[float]:
    """p_ℓ after `prefix`, straight from the policy's scores."""
    chosen = torch.zeros(1, 2, 3, dtype=torch.bool)
    candidates, first = 0, 0
    for number, names in enumerate(prefix):
        chosen[0, number, [THREE.position(name) for name in names]] = True
        candidates = THREE.candidates_after(candidates, names)
        first = THREE.position(names[0])
    history = History(len(prefix), chosen, torch.tensor([first]), torch.tensor([candidates]))
    with torch.no_grad():
        encoded = built.policy.encode(torch.from_numpy(QUERY).double())
        scores = built.policy.scores(encoded, history)[0]
    return naive.softmax([float(score) for score in scores], THREE.legal(candidates))


def every_graph(built: Controller) -> Iterator[tuple[Drawn, float]]:
    """All graphs with their probabilities, by plain recursion."""

    def extend(prefix: Drawn, mass: float) -> Iterator[tuple[Drawn, float]]:
        if len(prefix) == 2 or (prefix and THREE.stops_after(prefix[-1])):
            yield prefix, mass
            return
        candidates = sum(THREE.candidates_after(0, names) for names in prefix)
        legal = THREE.legal(candidates)
        for drawn, p in naive.sequences(probabilities(built, prefix), legal, TAU):
            yield from extend((*prefix, tuple(THREE.names[o] for o in drawn)), mass * p)

    yield from extend((), 1.0)


def stored(drawn: Drawn, rollout_id: str) -> Rollout:
    decisions = tuple(
        PolicyDecision(
            layer=number,
            draw_order=place,
            operator=name,
            probability=0.5,
            log_probability=-0.5,
            legal=THREE.names,
        )
        for number, names in enumerate(drawn, start=1)
        for place, name in enumerate(names)
    )
    choice = GraphChoice(ExecutionGraph.of(drawn, THREE), decisions)
    return rollout(plan(choice, rollout_id, "p"), lambda _, name: Spent(1.0), 1.0)


def recomputed(built: Controller, rollouts: list[Rollout]) -> LogProbabilities:
    return built.log_prob(
        np.repeat(QUERY, len(rollouts), axis=0), [item.plan.decisions for item in rollouts]
    )


def flat_gradient(built: Controller) -> list[float]:
    return [
        float(value)
        for parameter in built.parameters()
        if parameter.grad is not None
        for value in parameter.grad.flatten()
    ]


def expected_reward(built: Controller) -> float:
    return sum(p * reward_of(drawn) for drawn, p in every_graph(built))


@pytest.mark.parametrize("kind", LAYERED_KINDS)
def test_the_loss_gradient_is_the_gradient_of_the_expected_reward(kind: ControllerKind) -> None:
    built = moved_controller(kind)
    every = list(every_graph(built))
    assert sum(p for _, p in every) == pytest.approx(1.0)
    assert len(every) >= 10
    # Every graph once, its reward weighted by its probability: the expectation without sampling.
    rollouts = [stored(drawn, f"{place:03d}") for place, (drawn, _) in enumerate(every)]
    advantages = [
        p * reward_of(drawn) for drawn, p in every for _ in itertools.chain.from_iterable(drawn)
    ]
    built.zero_grad()
    found = objective(recomputed(built, rollouts), rollouts, advantages, TrainerSettings())
    torch.autograd.backward(found.loss * len(advantages))
    analytic = [-value for value in flat_gradient(built)]

    step = 1e-5
    checked = 0
    place = 0
    for parameter in built.parameters():
        values = parameter.data.view(-1)
        # The first few entries of each parameter suffice: they are all alike.
        for index in range(min(4, values.numel())):
            kept = values[index].item()
            values[index] = kept + step
            above = expected_reward(built)
            values[index] = kept - step
            below = expected_reward(built)
            values[index] = kept
            numeric = (above - below) / (2 * step)
            assert analytic[place + index] == pytest.approx(numeric, abs=1e-7, rel=1e-5)
            checked += abs(numeric) > 1e-4
        place += values.numel()
    assert checked > 8


@pytest.mark.slow
def test_the_sampled_estimate_converges_to_the_exact_gradient() -> None:
    built = moved_controller("lamas")
    every = list(every_graph(built))
    built.zero_grad()
    rollouts = [stored(drawn, f"{place:03d}") for place, (drawn, _) in enumerate(every)]
    exact = [p * reward_of(drawn) for drawn, p in every for _ in itertools.chain(*drawn)]
    found = objective(recomputed(built, rollouts), rollouts, exact, TrainerSettings())
    torch.autograd.backward(found.loss * len(exact))
    gradient = np.array(flat_gradient(built))

    copies = 20_000
    queries = np.repeat(QUERY, copies, axis=0)
    choices = built.sample(queries, range(copies))
    rewards = [
        reward_of(
            tuple(
                tuple(item.operator for item in layer)
                for _, layer in itertools.groupby(choice.decisions, key=lambda item: item.layer)
            )
        )
        for choice in choices
    ]
    lengths = [len(choice.decisions) for choice in choices]
    weights = torch.tensor(np.repeat(rewards, lengths))
    built.zero_grad()
    log_probs = built.log_prob(queries, [choice.decisions for choice in choices]).decisions
    torch.autograd.backward(-(weights * log_probs).sum() / copies)
    estimate = np.array(flat_gradient(built))
    assert np.linalg.norm(estimate - gradient) < 0.1 * np.linalg.norm(gradient)


@pytest.mark.slow
def test_importance_weights_are_capped_ratios_of_whole_graphs() -> None:
    built = moved_controller("lamas")
    now = built.sample(np.repeat(QUERY, 2, axis=0), [1, 2])
    rollouts: list[Rollout] = []
    for place, (choice, shift) in enumerate(zip(now, (0.1, -9.0), strict=True)):
        item = stored((("Short",),), f"r{place}")
        decisions = tuple(
            replace(decision, log_probability=decision.log_probability - shift)
            for decision in choice.decisions
        )
        rollouts.append(
            replace(item, plan=replace(item.plan, graph=choice.graph, decisions=decisions))
        )
    advantages = [1.0] * sum(len(choice.decisions) for choice in now)
    current = recomputed(built, rollouts)
    settings = TrainerSettings(importance_weighting=True, importance_cap=1.05)
    found = objective(current, rollouts, advantages, settings)
    first = len(now[0].decisions)
    ratios = (
        min(1.05, math.exp(0.1 * first)),
        math.exp(-9.0 * len(now[1].decisions)),
    )
    by_graph = (current.decisions[:first].sum().item(), current.decisions[first:].sum().item())
    expected = -(ratios[0] * by_graph[0] + ratios[1] * by_graph[1]) / len(advantages)
    assert found.loss.item() == pytest.approx(expected)
    assert found.drift == pytest.approx(9.0)


@pytest.mark.slow
def test_the_entropy_bonus_rewards_undecided_layers() -> None:
    built = moved_controller("lamas")
    rollouts = [stored((("Short",), ("Stop",)), "r")]
    current = recomputed(built, rollouts)
    plain, bonus = (
        objective(current, rollouts, [0.5, 0.5], TrainerSettings(entropy_bonus=weight))
        for weight in (0.0, 0.1)
    )
    gain = plain.loss.item() - bonus.loss.item()
    assert gain == pytest.approx(0.1 * current.entropies.mean().item())
    assert bonus.entropy.item() == pytest.approx(current.entropies.mean().item())
