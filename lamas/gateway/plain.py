"""A model asked as it is, recorded as a rollout of one operator that no controller chose."""

from lamas.domain import (
    ChatMessage,
    Clock,
    ExecutionGraph,
    ExecutionMode,
    Layer,
    OperatorSet,
    OperatorSpec,
    PlannedRollout,
    Problem,
    Trace,
)
from lamas.execution import Execution
from lamas.execution.invocation import run_directly
from lamas.execution.layer import LayerRunner, Work
from lamas.llm import ChatModel
from lamas.operators import Candidate, Chain, Operator, SolutionState
from lamas.operators.settings import CallSettings
from lamas.sandbox import Sandbox
from lamas.timing import with_given_times

POLICY = "model"
"""Where another rollout names the variant that chose its graph."""
_SPEC = OperatorSpec(name="Model", description="Asks a model as it is.", adds=1)
_SET = OperatorSet((_SPEC,))


class PlainModel(Operator):
    """Sends a conversation to a model and leaves what it says."""

    spec = _SPEC

    def __init__(self, messages: tuple[ChatMessage, ...], call: CallSettings) -> None:
        # Neither prompts nor settings: everything about the call is the client's.
        self._messages = messages
        self._call = call

    @property
    def call(self) -> CallSettings:
        return self._call

    async def run(
        self, problem: Problem, state: SolutionState, chain: Chain
    ) -> tuple[Candidate, ...]:
        return (self.candidate(await chain.complete(self._messages)),)


def plain_plan(
    problem: Problem, *, rollout_id: str, run_id: str, mode: ExecutionMode, seed: int
) -> PlannedRollout:
    """A rollout of that one operator; nobody decided anything."""
    return PlannedRollout(
        rollout_id=rollout_id,
        run_id=run_id,
        problem_id=problem.problem_id,
        checkpoint_id=None,
        policy=POLICY,
        purpose="serve",
        mode="fixed",
        execution_mode=mode,
        step=0,
        sample_index=0,
        seed=seed,
        graph=ExecutionGraph((Layer((_SPEC.name,)),)),
        decisions=(),
    )


async def asked_plainly(
    planned: PlannedRollout,
    problem: Problem,
    operator: PlainModel,
    *,
    model: ChatModel,
    sandbox: Sandbox,
    gamma: float,
    clock: Clock,
) -> Execution:
    """Run it; a failed call is in the execution. Raises BudgetExceededError."""
    runner = LayerRunner(model=model, sandbox=sandbox, gamma=gamma, clock=clock, live=False)
    work = Work(planned, problem, _SET, run_directly)
    (ran,) = await runner.run(work, 1, [operator], SolutionState(), "graph")
    trace = with_given_times(
        Trace(
            execution_mode=planned.execution_mode,
            gamma=gamma,
            invocations=(ran,),
            started_at=ran.started_at,
            ended_at=ran.ended_at,
        )
    )
    if ran.error is not None:
        return Execution(trace, None, f"{ran.operator}: {ran.error}", planned)
    return Execution(trace, ran.candidates[0], None, planned)
