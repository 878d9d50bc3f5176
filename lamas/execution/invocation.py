"""The seam between running an operator and whatever watches it run."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from lamas.domain import InvocationKind, OperatorInvocation


@dataclass(frozen=True, kw_only=True, slots=True)
class InvocationLabel:
    """Which invocation it is, known before it runs."""

    rollout_id: str
    problem_id: str
    layer: int
    """From 1; post-processing continues the count."""
    position: int
    """Place within the layer in catalogue order, from 0."""
    operator: str
    kind: InvocationKind

    @property
    def invocation_id(self) -> str:
        return f"{self.rollout_id}/{self.layer}/{self.operator}"


InvocationRunner = Callable[
    [InvocationLabel, Callable[[], Awaitable[OperatorInvocation]]], Awaitable[OperatorInvocation]
]
"""Runs an invocation and hands back its record. An operator's failure is in the record; what the
runner itself raises, and a reached budget, ends the rollout without one."""


async def run_directly(
    label: InvocationLabel, start: Callable[[], Awaitable[OperatorInvocation]]
) -> OperatorInvocation:
    """No watcher: just run it."""
    return await start()
