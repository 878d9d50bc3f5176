"""What evaluation needs to know of a rollout: identity and results, neither plan nor trace."""

from dataclasses import dataclass
from typing import Literal, Protocol

from lamas.domain.rollout import Rollout

Order = tuple[int, str, str, int, int, str]


class AnyResult(Protocol):
    """The part of a `Rollout` that metrics and comparisons are computed from."""

    @property
    def rollout_id(self) -> str: ...
    @property
    def problem_id(self) -> str: ...
    @property
    def score(self) -> float | None: ...
    @property
    def cost_usd(self) -> float: ...
    @property
    def cp_tokens(self) -> float: ...
    @property
    def virtual_seconds(self) -> float: ...
    @property
    def makespan_seconds(self) -> float: ...
    @property
    def replayed_calls(self) -> int: ...
    @property
    def status(self) -> Literal["ok", "failed"]: ...
    @property
    def order(self) -> Order: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class RolloutResult:
    """An outcome alone, a few hundred bytes where the whole rollout takes tens of thousands."""

    rollout_id: str
    problem_id: str
    policy: str
    step: int
    sample_index: int
    retry: int
    score: float | None
    cost_usd: float
    cp_tokens: float
    virtual_seconds: float
    makespan_seconds: float
    replayed_calls: int
    status: Literal["ok", "failed"]

    @classmethod
    def of(cls, rollout: Rollout) -> "RolloutResult":
        """What remains of a rollout when only its outcome is kept."""
        plan = rollout.plan
        return cls(
            rollout_id=plan.rollout_id,
            problem_id=plan.problem_id,
            policy=plan.policy,
            step=plan.step,
            sample_index=plan.sample_index,
            retry=plan.retry,
            score=rollout.score,
            cost_usd=rollout.cost_usd,
            cp_tokens=rollout.cp_tokens,
            virtual_seconds=rollout.virtual_seconds,
            makespan_seconds=rollout.makespan_seconds,
            replayed_calls=rollout.replayed_calls,
            status=rollout.status,
        )

    @property
    def order(self) -> Order:
        """As `Rollout.order`."""
        return (
            self.step,
            self.problem_id,
            self.policy,
            self.sample_index,
            self.retry,
            self.rollout_id,
        )
