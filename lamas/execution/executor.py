"""How a graph runs: layer by layer, the operators of a layer together, everything recorded.

Every operator of a layer reads the state as the previous layer left it; results are merged in
catalogue order, so a rollout follows from its responses, whatever the order they arrive in.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from lamas.domain import (
    Clock,
    ExecutionGraph,
    OperatorInvocation,
    OperatorSet,
    PlannedRollout,
    Problem,
    TaskFamily,
    Trace,
)
from lamas.errors import (
    ConfigurationError,
    DomainError,
)
from lamas.execution.invocation import InvocationRunner, run_directly
from lamas.execution.layer import LayerRunner, Work, merged
from lamas.llm import ChatModel
from lamas.operators import Catalogue, SolutionState
from lamas.sandbox import Sandbox
from lamas.timing import with_given_times


@dataclass(frozen=True, slots=True)
class Execution:
    """What running a graph came to."""

    trace: Trace
    answer: str | None
    """Text of the final candidate; None exactly when it failed."""
    error: str | None
    """Why it failed, naming the operators."""


class GraphExecutor:
    """Runs planned graphs; safe to share between any number of concurrent rollouts."""

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        model: ChatModel,
        sandbox: Sandbox,
        gamma: float = 50.0,
        clock: Clock | None = None,
    ) -> None:
        """`gamma`: γ in tokens per tool second, > 0 (ConfigurationError)."""
        if not gamma > 0.0:
            raise ConfigurationError(f"γ must be > 0 tokens per tool second, got {gamma}")
        self._catalogue = catalogue
        self._model = model
        self._sandbox = sandbox
        self._gamma = gamma
        self._clock = clock or Clock()
        self._layers = LayerRunner(model=model, sandbox=sandbox, gamma=gamma, clock=self._clock)
        self._families: dict[TaskFamily, OperatorSet] = {}

    @property
    def catalogue(self) -> Catalogue:
        return self._catalogue

    def with_samples(self, samples: int | None) -> "GraphExecutor":
        """The same executor with MultiGenerateCoT drawing `samples` chains (None: unchanged)."""
        if samples is None or samples == self._catalogue.settings.samples:
            return self
        return GraphExecutor(
            catalogue=self._catalogue.with_samples(samples),
            model=self._model,
            sandbox=self._sandbox,
            gamma=self._gamma,
            clock=self._clock,
        )

    async def execute(
        self, plan: PlannedRollout, problem: Problem, *, invoke: InvocationRunner = run_directly
    ) -> Execution:
        """Run `plan.graph` on `problem` and pick the final answer.

        A failing operator costs its siblings nothing: they finish, all are recorded, and the graph
        ends after that layer (sequential: with that operator). Raises OperatorError for a graph
        that is illegal here, DomainError for another problem than the planned one, and
        BudgetExceededError when the run's cap is reached.
        """
        if plan.problem_id != problem.problem_id:
            raise DomainError(
                f"rollout {plan.rollout_id} is planned for problem {plan.problem_id}, "
                f"got {problem.problem_id}"
            )
        allowed = self._operators_of(problem.family)
        graph = ExecutionGraph.of(plan.graph.names, allowed)
        work = Work(
            plan, problem, allowed, invoke, tuple(tuple(layer.operators) for layer in graph.layers)
        )
        state = SolutionState()
        done: list[OperatorInvocation] = []
        for number, layer in enumerate(graph.layers, start=1):
            operators = [self._catalogue.operator(name) for name in layer.operators]
            ran = await self._layers.run(work, number, operators, state, "graph")
            done += ran
            error = _first_error(ran)
            if error is not None:
                return Execution(self._trace(plan, done), None, error)
            state = merged(state, operators, ran)
        # A table knows every candidate: which of them wins is arithmetic on its cells.
        if len(state.candidates) > 1 and plan.purpose != "tabulate":
            ensemble = [self._catalogue.ensemble]
            ran = await self._layers.run(work, len(graph.layers) + 1, ensemble, state, "post")
            done += ran
            error = _first_error(ran)
            if error is not None:
                return Execution(self._trace(plan, done), None, error)
            state = merged(state, ensemble, ran)
        if not state.candidates:
            return Execution(self._trace(plan, done), None, f"{graph} leaves no candidate")
        return Execution(self._trace(plan, done), state.candidates[0].text, None)

    def _trace(self, plan: PlannedRollout, done: Sequence[OperatorInvocation]) -> Trace:
        return with_given_times(
            Trace(
                execution_mode=plan.execution_mode,
                gamma=self._gamma,
                invocations=tuple(done),
                started_at=min(invocation.started_at for invocation in done),
                ended_at=max(invocation.ended_at for invocation in done),
            )
        )

    def _operators_of(self, family: TaskFamily) -> OperatorSet:
        if family not in self._families:
            self._families[family] = self._catalogue.for_family(family)
        return self._families[family]


def _first_error(ran: Sequence[OperatorInvocation]) -> str | None:
    for invocation in ran:
        if invocation.status == "failed":
            return f"{invocation.operator} in layer {invocation.layer}: {invocation.error}"
    return None
