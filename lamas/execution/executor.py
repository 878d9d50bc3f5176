"""How a graph runs: layer by layer, the operators of a layer together, everything recorded.

Every operator of a layer reads the state as the previous layer left it; results are merged in
catalogue order, so a rollout follows from its responses, whatever the order they arrive in.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lamas.domain import (
    Clock,
    ExecutionGraph,
    Observation,
    ObservedDecision,
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
from lamas.execution.closed_loop import Continuation, ObservingPolicy
from lamas.execution.invocation import InvocationRunner, run_directly
from lamas.execution.layer import LayerRunner, Work, merged
from lamas.llm import ChatModel
from lamas.operators import Catalogue, Operator, SolutionState
from lamas.sandbox import Sandbox
from lamas.timing import cp_tokens, makespan_seconds, with_given_times
from lamas.timing.quorum import model_seconds


@dataclass(frozen=True, slots=True)
class Execution:
    """What running a graph came to."""

    trace: Trace
    answer: str | None
    """Text of the final candidate; None exactly when it failed."""
    error: str | None
    """Why it failed, naming the operators."""
    plan: PlannedRollout
    """With the graph that ran, which a policy that observes chooses on the way."""
    observed: tuple[ObservedDecision, ...] = ()


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
        live: bool = False,
    ) -> None:
        """`gamma`: γ in tokens per tool second, > 0 (ConfigurationError).

        A layer with a quorum ends by the seconds of its records, whoever really answered first;
        `live`: when its chains really arrive, and what still runs is cancelled.
        """
        self._live = live
        if not gamma > 0.0:
            raise ConfigurationError(f"γ must be > 0 tokens per tool second, got {gamma}")
        self._catalogue = catalogue
        self._model = model
        self._sandbox = sandbox
        self._gamma = gamma
        self._clock = clock or Clock()
        self._layers = LayerRunner(
            model=model, sandbox=sandbox, gamma=gamma, clock=self._clock, live=live
        )
        self._wider: dict[int, Catalogue] = {}
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
            live=self._live,
        )

    async def execute(
        self,
        plan: PlannedRollout,
        problem: Problem,
        *,
        invoke: InvocationRunner = run_directly,
        policy: ObservingPolicy | None = None,
    ) -> Execution:
        """Run `plan.graph` on `problem` and pick the final answer.

        With a `policy` that observes, it says after each layer what follows. A failing
        operator costs its siblings nothing: they finish, all are recorded, and the graph
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
        graph = ExecutionGraph.of(plan.graph.layers, allowed)
        work = Work(plan, problem, allowed, invoke, graph.names)
        state = SolutionState()
        done: list[OperatorInvocation] = []
        observed: list[ObservedDecision] = []
        number = 0
        while number < len(graph.layers):
            layer = graph.layers[number]
            number += 1
            operators = [self._operator(name, layer.width) for name in layer.operators]
            ran = await self._layers.run(
                work, number, operators, state, "graph", quorum=layer.quorum
            )
            done += ran
            error = _first_error(ran)
            if error is not None:
                return Execution(self._trace(plan, done), None, error, plan, tuple(observed))
            state = merged(state, operators, ran)
            if policy is not None and number == len(graph.layers):
                seen = await self._seen(work, number, state, self._trace(plan, done))
                next_layer = policy.after(plan, seen)
                observed.append(_decided(seen, next_layer))
                if next_layer.layer is not None:
                    graph = ExecutionGraph.of([*graph.layers, next_layer.layer], work.operators)
                    decisions = (*plan.decisions, *next_layer.decisions)
                    plan = replace(plan, graph=graph, decisions=decisions)
                    work = replace(work, layers=graph.names)
        # A table knows every candidate: which of them wins is arithmetic on its cells.
        if len(state.candidates) > 1 and plan.purpose != "tabulate":
            ensemble = [self._catalogue.ensemble]
            ran = await self._layers.run(work, len(graph.layers) + 1, ensemble, state, "post")
            done += ran
            error = _first_error(ran)
            if error is not None:
                return Execution(self._trace(plan, done), None, error, plan, tuple(observed))
            state = merged(state, ensemble, ran)
        trace = self._trace(plan, done)
        if not state.candidates:
            error = f"{graph} leaves no candidate"
            return Execution(trace, None, error, plan, tuple(observed))
        return Execution(trace, state.candidates[0].text, None, plan, tuple(observed))

    async def _seen(
        self, work: Work, number: int, state: SolutionState, trace: Trace
    ) -> Observation:
        """What layer `number` came to."""
        keys = [
            await self._catalogue.ensemble.read_answer(work.problem, candidate.text)
            for candidate in state.candidates
        ]
        groups = Counter(key for key in keys if key is not None)
        return Observation(
            layer=number,
            candidates=len(keys),
            agreeing=max(groups.values(), default=0),
            failed_programs=sum(
                tool.status != "ok" for item in trace.invocations for tool in item.tools
            ),
            cp_tokens=cp_tokens(trace),
            seconds=makespan_seconds(trace) if self._live else model_seconds(trace),
        )

    def _operator(self, name: str, width: int | None) -> Operator:
        operator = self._catalogue.operator(name)
        if width is None or not operator.spec.draws or width == operator.spec.adds:
            return operator
        if width not in self._wider:
            self._wider[width] = self._catalogue.with_samples(width)
        return self._wider[width].operator(name)

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


def _decided(seen: Observation, next_layer: Continuation) -> ObservedDecision:
    return ObservedDecision(
        layer=seen.layer,
        candidates=seen.candidates,
        agreeing=seen.agreeing,
        failed_programs=seen.failed_programs,
        cp_tokens=seen.cp_tokens,
        seconds=seen.seconds,
        stopped=next_layer.layer is None,
        log_probability=next_layer.log_probability,
    )


def _first_error(ran: Sequence[OperatorInvocation]) -> str | None:
    for invocation in ran:
        if invocation.status == "failed":
            return f"{invocation.operator} in layer {invocation.layer}: {invocation.error}"
    return None
