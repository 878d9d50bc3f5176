"""The steps in which a table becomes a controller: what each was made of, and what it left."""

import math
import time as clock
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from torch import Tensor

from lamas.controller import Controller


@dataclass(frozen=True, kw_only=True, slots=True)
class TableStep:
    """One step of the fit that is kept: the regression it starts from, then gradient steps."""

    step: int
    """From 1, which is the regression."""
    problems: int
    """Those of the batch; the regression takes all."""
    loss: float
    """Minus the mean scaled value S − μ·T of what the weights before the step would draw."""
    gradient_norm: float
    entropy: float
    """Mean entropy of p_ℓ before the step, in nats."""
    scale: float
    """Mean over the batch of what S − μ·T was divided by."""
    learning_rate: float
    """0 for the regression, which makes no gradient step."""
    seconds: float


OnStep = Callable[[TableStep, Controller], None]
"""Told of each step with the controller it left."""


class StepRecorder:
    """Tells `on_step` of the steps of one fit, each when its controller is complete."""

    def __init__(self, on_step: OnStep | None) -> None:
        self._on_step = on_step
        self._waiting: TableStep | None = None
        self._steps = 0
        self._problems, self._entropy, self._scale = 0, 0.0, 0.0
        self._started = clock.perf_counter()

    @property
    def wanted(self) -> bool:
        """Whether anybody listens: what is said of a step costs as much as the step."""
        return self._on_step is not None

    def drawn_from(self, log_p: Tensor, scale: Tensor) -> None:
        """Keep of the batch that follows what its step says of it: log p_ℓ [B, O], and what values
        are divided by [B].
        """
        self._problems = len(log_p)
        self._entropy = float(-(log_p.exp() * log_p).sum(dim=1).mean())
        self._scale = float(scale.mean())

    def made(self, loss: Tensor, gradients: Iterable[Tensor], *, learning_rate: float) -> None:
        """Keep a step whose loss and gradients these are, until it is told of what it left."""
        self._steps += 1
        squares = sum(float((gradient**2).sum()) for gradient in gradients)
        now = clock.perf_counter()
        self._waiting = TableStep(
            step=self._steps,
            problems=self._problems,
            loss=float(loss.detach()),
            gradient_norm=math.sqrt(squares),
            entropy=self._entropy,
            scale=self._scale,
            learning_rate=learning_rate,
            seconds=now - self._started,
        )
        self._started = now

    def left(self, controller: Controller) -> None:
        """Tell of the step that is kept, with what it left."""
        if self._on_step is not None and self._waiting is not None:
            self._on_step(self._waiting, controller)
        self._waiting = None
