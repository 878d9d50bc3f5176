"""One problem answered once: the chosen graph, its decisions, its trace, its score."""

from dataclasses import dataclass
from typing import Literal

from lamas.domain.calls import ToolExecution
from lamas.domain.graph import ExecutionGraph
from lamas.domain.observation import ObservedDecision
from lamas.domain.operator_outcome import ChainOutcome
from lamas.domain.trace import Trace

Purpose = Literal["train", "evaluate", "ask", "tabulate", "serve"]
DecisionMode = Literal["sampled", "decided", "fixed"]


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyDecision:
    """One chosen operator."""

    layer: int
    """From 1."""
    draw_order: int
    """Position in the drawn sequence a_1..a_k of the layer, from 0."""
    operator: str
    probability: float
    """p_ℓ(o) after masking."""
    log_probability: float
    """log p(a_i) − log(1 − Σ_{j<i} p(a_j)); 0 for fixed graphs."""
    legal: tuple[str, ...]
    """Operators that were legal at this layer, in catalogue order."""
    quorum: int | None = None
    """Of its layer, which this operator was chosen together with."""
    width: int | None = None
    """Of its layer."""


@dataclass(frozen=True, slots=True)
class GraphChoice:
    """The graph chosen for one query, with the decisions that made it."""

    graph: ExecutionGraph
    decisions: tuple[PolicyDecision, ...]
    """By layer, then in draw order."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedRollout:
    """A rollout before it runs: everything that determines it except the model's answers."""

    rollout_id: str
    run_id: str
    problem_id: str
    checkpoint_id: str | None
    policy: str
    """Variant that chose the graph: `lamas`, `paper`, `generate`, `everything` …; when tabulating
    the operator that the graph consists of."""
    purpose: Purpose
    mode: DecisionMode
    execution_mode: Literal["parallel", "sequential"]
    step: int
    """Update step whose batch it belongs to; for evaluations the step of the checkpoint."""
    sample_index: int
    """Distinguishes rollouts of the same problem."""
    retry: int = 0
    """How often this slot failed before and was planned again; failures stay on record."""
    seed: int
    """Root of every random choice in it; equal across variants for common random numbers."""
    graph: ExecutionGraph
    decisions: tuple[PolicyDecision, ...]
    multiplier: float | None = None
    """The price of waiting at which the policy chose, without which its probabilities cannot be
    recomputed; None for a policy that knows none."""
    deadline: float | None = None
    """The mean waiting asked for, in the unit of the controller's clock, if one was."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rollout:
    """A finished rollout; a failed one has `status="failed"`, no score, and its error."""

    plan: PlannedRollout
    trace: Trace
    answer: str | None
    extracted_answer: str | None
    """What the scorer compared (a number, an expression), if it could be read."""
    score: float | None
    """S in [0, 1]; None when the rollout failed, or was served: nobody knows the right answer."""
    cost_usd: float
    """C: what was paid for all attempts of all calls."""
    cp_tokens: float
    """CP_len in tokens."""
    virtual_seconds: float
    """T = CP_len / γ."""
    makespan_seconds: float
    """Measured from the first start to the last end."""
    replayed_calls: int
    """Calls answered from the response store; makespan is a measurement only when 0."""
    status: Literal["ok", "failed"]
    error: str | None = None
    started_at: float
    ended_at: float
    judging: tuple[ToolExecution, ...] = ()
    """The sandboxed runs that judged the answer, where programs are asked for; when tabulating
    those of every candidate."""
    chains: tuple[ChainOutcome, ...] = ()
    """When tabulating: what each candidate of the operator came to, as if it stood alone."""
    observed: tuple[ObservedDecision, ...] = ()
    """What the policy saw after each layer, where it looks; the plan holds the graph that came
    of it."""

    @property
    def rollout_id(self) -> str:
        return self.plan.rollout_id

    @property
    def problem_id(self) -> str:
        return self.plan.problem_id

    @property
    def order(self) -> tuple[int, str, str, int, int, str]:
        """Where it stands in sums and batches, whichever run it is of, whenever it finished."""
        plan = self.plan
        return (
            plan.step,
            plan.problem_id,
            plan.policy,
            plan.sample_index,
            plan.retry,
            plan.rollout_id,
        )
