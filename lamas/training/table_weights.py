"""How weights are fitted to some of a table's problems: a regression, then gradient steps."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lamas.controller import Controller
from lamas.controller.conditioned_policy import ConditionedPolicy
from lamas.domain import derive_seed
from lamas.execution.graph_values import Floats
from lamas.training.adam import Adam
from lamas.training.expected import ExactChoices
from lamas.training.landmarks import Landmarks
from lamas.training.ridge import PrincipalAxes, chosen_rows
from lamas.training.table_decisions import policy_of
from lamas.training.table_settings import TableSettings
from lamas.training.table_steps import StepRecorder
from lamas.training.training_table import TrainingTable


@dataclass(frozen=True, kw_only=True, slots=True)
class Common:
    """What all fits of one table share."""

    range: tuple[float, float]
    """Logarithms of the multipliers that matter."""
    units: tuple[float, float]
    """(a, b): values are divided by a + μ·b."""
    strength: float
    """Of the ridge regression."""
    settings: TableSettings
    seed: int


def table_random(seed: int, *name: str) -> np.random.Generator:
    """The stream of random numbers of one purpose."""
    return np.random.Generator(np.random.Philox(key=derive_seed("table", seed, *name)))


class WeightFits:
    """Fits controllers to rows of one table."""

    def __init__(
        self,
        table: TrainingTable,
        landmarks: Landmarks,
        common: Common,
        fresh: Callable[[], Controller],
    ) -> None:
        """`landmarks` are the table's; `fresh` makes an untrained controller."""
        self._table = table
        self._landmarks = landmarks
        self._features = landmarks.features()
        self._common = common
        self._fresh = fresh

    def fits(
        self,
        rows: NDArray[np.int64],
        name: str,
        steps: Sequence[int],
        recorder: StepRecorder | None = None,
    ) -> list[Controller]:
        """The controller of these problems after each number of gradient steps.

        `recorder` hears of every step; of the last one whoever completes the controller must tell
        what it left.
        """
        settings = self._common.settings
        controller = self._fresh()
        policy, choices = policy_of(controller), ExactChoices(controller)
        part = self._part(policy, rows)
        told = recorder if recorder is not None and recorder.wanted else None
        if told is not None:
            # A stream of its own: whether anybody listens changes no weight.
            random = table_random(self._common.seed, name, "regression")
            loss = self._batch(part, random, len(rows)).loss(choices, told)
            torch.autograd.backward(loss)
            told.made(loss, gradients_of(controller), learning_rate=0.0)
        self._start(policy, rows)
        part = self._part(policy, rows)
        optimiser = Adam(controller.parameters(), learning_rate=settings.learning_rate)
        random = table_random(self._common.seed, name)
        policy.sharpness.fill_(settings.sharpness)
        found: list[Controller] = []
        for step in range(steps[-1] + 1):
            if step in steps:
                found.append(self._committed(controller))
            if step == steps[-1]:
                break
            if told is not None:
                told.left(controller)
            loss = self._batch(part, random, settings.batch).loss(choices, told)
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            if told is not None:
                told.made(loss, gradients_of(controller), learning_rate=settings.learning_rate)
            optimiser.step()
        return found

    def _committed(self, controller: Controller) -> Controller:
        """A copy that does what it is nearly sure of."""
        copied = copy.deepcopy(controller)
        policy_of(copied).sharpness.fill_(self._common.settings.commitment)
        return copied

    def encoded(self, controller: Controller, rows: NDArray[np.int64]) -> Tensor:
        """These problems as a fitted controller encodes them: how near they lie is known."""
        near = torch.from_numpy(self._landmarks.near[rows])
        return policy_of(controller).encode_near(near)

    @torch.no_grad()
    def _start(self, policy: ConditionedPolicy, rows: NDArray[np.int64]) -> None:
        """What is common to all multipliers, and the ridge regression that learning starts from."""
        common, part = self._common, self._table.rows(rows)
        axes = PrincipalAxes.of(self._features[rows], policy.directions.shape[1])
        found = axes.under(common.strength)
        features = found.features(self._features[rows])
        policy.range.copy_(torch.tensor(common.range, dtype=torch.float64))
        policy.units.copy_(torch.tensor(common.units, dtype=torch.float64))
        places = len(self._landmarks.places)
        policy.landmarks[:places].copy_(torch.from_numpy(self._landmarks.places))
        policy.near_mean.copy_(torch.from_numpy(self._landmarks.near[rows].mean(axis=0)))
        directions = torch.from_numpy(self._landmarks.root) @ torch.from_numpy(found.basis)
        policy.directions[:places, : features.shape[1]].copy_(directions)
        layers = policy.first_layers()
        for mean, weight, target in (
            (policy.score_mean, policy.score_weight, part.score),
            (policy.time_mean, policy.time_weight, part.time),
        ):
            mean[layers] = torch.from_numpy(target.mean(axis=0))
            deviation = torch.from_numpy(target - target.mean(axis=0))
            weight[: features.shape[1], layers] = (
                torch.from_numpy(features).T @ deviation / len(target)
            )

    def _part(self, policy: ConditionedPolicy, rows: NDArray[np.int64]) -> "_Part":
        table = self._table.rows(rows)
        return _Part(
            encoded=policy.encode_near(torch.from_numpy(self._landmarks.near[rows])),
            score=torch.from_numpy(table.score),
            time=torch.from_numpy(table.time),
        )

    def _batch(self, part: "_Part", random: np.random.Generator, size: int) -> "_Batch":
        common = self._common
        of = torch.from_numpy(chosen_rows(random, len(part.encoded), size))
        condition = torch.from_numpy(self._conditions(random, len(of)))
        return _Batch(
            encoded=part.encoded[of],
            score=part.score[of],
            time=part.time[of],
            condition=condition,
            scale=common.units[0] + condition.exp() * common.units[1],
        )

    def _conditions(self, random: np.random.Generator, count: int) -> Floats:
        """Logarithms of multipliers, one in each of `count` equal parts of the range, shuffled."""
        low, high = self._common.range
        places = (np.arange(count) + random.random(count)) / count
        return low + (high - low) * random.permutation(places)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Part:
    """The problems of one fit."""

    encoded: Tensor
    """[P, hidden]: what of them the weights are linear in."""
    score: Tensor
    """[P, G], and so is `time`."""
    time: Tensor


@dataclass(frozen=True, kw_only=True, slots=True)
class _Batch:
    """Problems, each with a multiplier of its own."""

    encoded: Tensor
    """[B, hidden]."""
    score: Tensor
    """[B, G], and so is `time`."""
    time: Tensor
    condition: Tensor
    """[B]: logarithms of the multipliers."""
    scale: Tensor
    """[B]: what values are divided by."""

    def loss(self, choices: ExactChoices, told: StepRecorder | None) -> Tensor:
        """Minus the mean value of what would be drawn, exactly."""
        if told is not None:
            with torch.no_grad():
                told.drawn_from(choices.scores(self.encoded, self.condition), self.scale)
        price = self.condition.exp()
        weights = choices.of(self.encoded, self.condition)
        reward = (weights * (self.score - price[:, None] * self.time)).sum(dim=1)
        return -(reward / self.scale).mean()


def gradients_of(controller: Controller) -> list[Tensor]:
    """Those that the last backward pass left."""
    return [item.grad for item in controller.parameters() if item.grad is not None]
