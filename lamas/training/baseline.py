"""Baselines: what a reward is compared with and divided by, as pure functions of a small state."""

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from lamas.domain import ordered_sum
from lamas.errors import ConfigurationError
from lamas.training.reward import DecisionReward


@dataclass(frozen=True, kw_only=True, slots=True)
class BaselineState:
    """What a baseline remembers between batches."""

    batches: int = 0
    """Batches seen."""
    mean: float = 0.0
    """Moving mean of the rewards."""
    variance: float = 0.0
    """Moving variance that scales advantages."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Advantage:
    """How one reward compares."""

    baseline: float
    scale: float
    """Standard deviation it is divided by, never below the floor."""
    advantage: float
    """(reward − baseline) / scale."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BaselineSettings:
    """Knobs that both baselines share."""

    momentum: float = 0.95
    """Weight of the past when a batch arrives, in [0, 1)."""
    floor: float = 0.01
    """Smallest scale: differences in reward below it are noise and are not blown up."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.momentum < 1.0:
            raise ConfigurationError(f"baseline momentum must be in [0, 1), got {self.momentum}")
        if not self.floor > 0.0:
            raise ConfigurationError(f"baseline floor must be > 0, got {self.floor}")


class Baseline(Protocol):
    """`advance` is a pure function, so stored advantages can be recomputed to the last bit."""

    settings: BaselineSettings

    @property
    def name(self) -> str: ...

    def advance(
        self, state: BaselineState, rewards: Sequence[DecisionReward]
    ) -> tuple[tuple[Advantage, ...], BaselineState]:
        """Advantages of one batch in its order, and the state after it.

        The state after the batch depends on the order of `rewards` in the last bits: give them by
        `Rollout.order`, then layer, then draw order. An empty batch changes nothing.
        """
        ...

    def scale(self, state: BaselineState) -> float:
        """What advantages of the latest batch were divided by."""
        ...


class ExponentialBaseline:
    """Moving mean and standard deviation of all rewards (the paper).

    The average is free of start-up bias: after t batches batch i weighs momentum^(t−i), normalised,
    so the first batch is compared with its own mean and the early ones with their plain average.
    A batch counts in the baseline it is compared with; for n rollouts that only shortens the
    gradient by O(1/n), and it keeps the baseline from lagging behind a policy that learns fast.
    """

    name = "ema"

    def __init__(self, settings: BaselineSettings | None = None) -> None:
        self.settings = settings or BaselineSettings()

    def advance(
        self, state: BaselineState, rewards: Sequence[DecisionReward]
    ) -> tuple[tuple[Advantage, ...], BaselineState]:
        if not rewards:
            return (), state
        values = [item.reward for item in rewards]
        mean = ordered_sum(values) / len(values)
        variance = ordered_sum((value - mean) * (value - mean) for value in values) / len(values)
        weight = _newest_weight(state, self.settings)
        step = mean - state.mean
        after = BaselineState(
            batches=state.batches + 1,
            mean=state.mean + weight * step,
            # Variance of the mixture of the past and this batch.
            variance=(1.0 - weight) * (state.variance + weight * step * step) + weight * variance,
        )
        scale = self.scale(after)
        return tuple(_compared(value, after.mean, scale) for value in values), after

    def scale(self, state: BaselineState) -> float:
        return max(math.sqrt(state.variance), self.settings.floor)


class LeaveOneOutBaseline:
    """Each rollout is compared with the other rollouts of the same problem in the batch.

    The baseline of a rollout's decisions is the mean, over the other rollouts of its problem, of
    the mean reward of their decisions: it knows how hard the problem is, and nothing of the
    rollout itself. A rollout alone on its problem is compared with all other rollouts of the batch,
    one alone in its batch with the moving mean. Advantages are divided by the moving root mean
    square of (reward − baseline).
    """

    name = "leave_one_out"

    def __init__(self, settings: BaselineSettings | None = None) -> None:
        self.settings = settings or BaselineSettings()

    def advance(
        self, state: BaselineState, rewards: Sequence[DecisionReward]
    ) -> tuple[tuple[Advantage, ...], BaselineState]:
        if not rewards:
            return (), state
        values = [item.reward for item in rewards]
        weight = _newest_weight(state, self.settings)
        mean = state.mean + weight * (ordered_sum(values) / len(values) - state.mean)
        baselines = _of_the_others(rewards, alone=state.mean)
        gaps = [
            value - baselines[item.rollout_id] for value, item in zip(values, rewards, strict=True)
        ]
        square = ordered_sum(gap * gap for gap in gaps) / len(gaps)
        after = BaselineState(
            batches=state.batches + 1,
            mean=mean,
            variance=(1.0 - weight) * state.variance + weight * square,
        )
        scale = self.scale(after)
        advantages = tuple(
            _compared(value, baselines[item.rollout_id], scale)
            for value, item in zip(values, rewards, strict=True)
        )
        return advantages, after

    def scale(self, state: BaselineState) -> float:
        return max(math.sqrt(state.variance), self.settings.floor)


BASELINES: Mapping[str, Callable[[BaselineSettings], Baseline]] = {
    ExponentialBaseline.name: ExponentialBaseline,
    LeaveOneOutBaseline.name: LeaveOneOutBaseline,
}


def build_baseline(name: str, settings: BaselineSettings | None = None) -> Baseline:
    """The baseline called `name`; ConfigurationError lists the known ones otherwise."""
    if name not in BASELINES:
        raise ConfigurationError(f"baseline {name!r} is not one of {', '.join(BASELINES)}")
    return BASELINES[name](settings or BaselineSettings())


def _newest_weight(state: BaselineState, settings: BaselineSettings) -> float:
    """(1 − m) / (1 − m^t): 1 for the first batch, towards 1 − m later."""
    return (1.0 - settings.momentum) / (1.0 - settings.momentum ** (state.batches + 1))


def _compared(value: float, baseline: float, scale: float) -> Advantage:
    return Advantage(baseline=baseline, scale=scale, advantage=(value - baseline) / scale)


def _of_the_others(rewards: Sequence[DecisionReward], *, alone: float) -> dict[str, float]:
    """For each rollout the mean over the others it is compared with, each by its own mean."""
    values: dict[str, list[float]] = defaultdict(list)
    problem_of: dict[str, str] = {}
    for item in rewards:
        values[item.rollout_id].append(item.reward)
        problem_of[item.rollout_id] = item.problem_id
    means = {rollout: ordered_sum(of) / len(of) for rollout, of in values.items()}
    same_problem: dict[str, list[str]] = defaultdict(list)
    for rollout, problem in problem_of.items():
        same_problem[problem].append(rollout)
    total = ordered_sum(means.values())
    baselines: dict[str, float] = {}
    for rollout, own in means.items():
        others = [means[other] for other in same_problem[problem_of[rollout]] if other != rollout]
        if others:
            baselines[rollout] = ordered_sum(others) / len(others)
        elif len(means) > 1:
            baselines[rollout] = (total - own) / (len(means) - 1)
        else:
            baselines[rollout] = alone
    return baselines
