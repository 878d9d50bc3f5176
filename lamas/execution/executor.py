"""How a graph runs: layer by layer, the operators of a layer together, everything recorded.

Every operator of a layer reads the state as the previous layer left it; results are merged in
catalogue order, so a rollout follows from its responses, whatever the order they arrive in.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from lamas.domain import (
    Clock,
    ExecutionGraph,
    InvocationKind,
    ModelCall,
    OperatorInvocation,
    OperatorSet,
    PlannedRollout,
    Problem,
    TaskFamily,
    ToolExecution,
    Trace,
    ordered_sum,
)
from lamas.errors import (
    BudgetExceededError,
    ConfigurationError,
    DomainError,
    LamasError,
    OperatorError,
)
from lamas.execution.invocation import InvocationLabel, InvocationRunner, run_directly
from lamas.llm import ChatModel
from lamas.operators import Candidate, Catalogue, Chain, ChainScope, Operator, SolutionState
from lamas.operators.concurrency import settle_all
from lamas.sandbox import Sandbox
from lamas.timing import longest_chain, with_given_times

_LOGGER = logging.getLogger(__name__)
_ERROR_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class Execution:
    """What running a graph came to."""

    trace: Trace
    answer: str | None
    """Text of the final candidate; None exactly when it failed."""
    error: str | None
    """Why it failed, naming the operators."""


@dataclass(frozen=True, slots=True)
class _Work:
    plan: PlannedRollout
    problem: Problem
    operators: OperatorSet
    invoke: InvocationRunner


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
        work = _Work(plan, problem, self._operators_of(problem.family), invoke)
        graph = ExecutionGraph.of(plan.graph.names, work.operators)
        state = SolutionState()
        done: list[OperatorInvocation] = []
        for number, layer in enumerate(graph.layers, start=1):
            operators = [self._catalogue.operator(name) for name in layer.operators]
            ran = await self._run_layer(work, number, operators, state, "graph")
            done += ran
            error = _first_error(ran)
            if error is not None:
                return Execution(self._trace(plan, done), None, error)
            state = _merged(state, operators, ran)
        if len(state.candidates) > 1:
            ensemble = [self._catalogue.ensemble]
            ran = await self._run_layer(work, len(graph.layers) + 1, ensemble, state, "post")
            done += ran
            error = _first_error(ran)
            if error is not None:
                return Execution(self._trace(plan, done), None, error)
            state = _merged(state, ensemble, ran)
        if not state.candidates:
            return Execution(self._trace(plan, done), None, f"{graph} leaves no candidate")
        return Execution(self._trace(plan, done), state.candidates[0].text, None)

    async def _run_layer(
        self,
        work: _Work,
        number: int,
        operators: Sequence[Operator],
        state: SolutionState,
        kind: InvocationKind,
    ) -> list[OperatorInvocation]:
        labels = [
            InvocationLabel(
                rollout_id=work.plan.rollout_id,
                problem_id=work.problem.problem_id,
                layer=number,
                position=position,
                operator=operator.spec.name,
                kind=kind,
            )
            for position, operator in enumerate(operators)
        ]
        if work.plan.execution_mode == "sequential":
            return await self._one_after_another(work, labels, operators, state)
        return await self._side_by_side(work, labels, operators, state)

    async def _side_by_side(
        self,
        work: _Work,
        labels: Sequence[InvocationLabel],
        operators: Sequence[Operator],
        state: SolutionState,
    ) -> list[OperatorInvocation]:
        outcomes = await settle_all(
            [
                partial(work.invoke, label, partial(self._run, work, label, operator, state))
                for label, operator in zip(labels, operators, strict=True)
            ]
        )
        for outcome in outcomes:
            if isinstance(outcome.error, BudgetExceededError):
                raise outcome.error
        return [outcome.value for outcome in outcomes]

    async def _one_after_another(
        self,
        work: _Work,
        labels: Sequence[InvocationLabel],
        operators: Sequence[Operator],
        state: SolutionState,
    ) -> list[OperatorInvocation]:
        ran: list[OperatorInvocation] = []
        for label, operator in zip(labels, operators, strict=True):
            seen = _merged(state, operators[: len(ran)], ran)
            start = partial(self._run, work, label, operator, seen)
            ran.append(await work.invoke(label, start))
            if ran[-1].status == "failed":
                break
        return ran

    async def _run(
        self, work: _Work, label: InvocationLabel, operator: Operator, state: SolutionState
    ) -> OperatorInvocation:
        scope = ChainScope(
            rollout_id=label.rollout_id,
            problem_id=label.problem_id,
            layer=label.layer,
            operator=label.operator,
            seed=work.plan.seed,
            sample_index=work.plan.sample_index,
        )
        chain = Chain(scope, model=self._model, sandbox=self._sandbox, call=operator.call)
        candidates: tuple[Candidate, ...] = ()
        error: str | None = None
        started_at = self._clock.now()
        try:
            candidates = await operator.run(work.problem, state, chain)
            _check_count(operator, candidates)
        except BudgetExceededError:
            raise
        # Whatever else goes wrong is this invocation's result; its siblings go on.
        except Exception as failure:
            candidates, error = (), described(failure)
            if not isinstance(failure, LamasError):
                _LOGGER.warning("%s failed: %s", label.invocation_id, error, exc_info=failure)
        return self._record(
            label,
            times=(started_at, self._clock.now()),
            calls=chain.calls,
            tools=chain.tools,
            candidates=tuple(candidate.text for candidate in candidates),
            error=error,
        )

    def _record(
        self,
        label: InvocationLabel,
        *,
        times: tuple[float, float],
        calls: tuple[ModelCall, ...],
        tools: tuple[ToolExecution, ...],
        candidates: tuple[str, ...],
        error: str | None,
    ) -> OperatorInvocation:
        longest = longest_chain(calls, tools, self._gamma)
        return OperatorInvocation(
            invocation_id=label.invocation_id,
            layer=label.layer,
            position=label.position,
            operator=label.operator,
            kind=label.kind,
            started_at=times[0],
            ended_at=times[1],
            output_tokens=longest.output_tokens,
            tool_seconds=longest.tool_seconds,
            cp_tokens=longest.cp_tokens(self._gamma),
            total_input_tokens=sum(call.usage_input_tokens for call in calls),
            total_output_tokens=sum(call.usage_output_tokens for call in calls),
            cost_usd=ordered_sum(call.cost_usd for call in calls),
            status="ok" if error is None else "failed",
            error=error,
            candidates=candidates,
            calls=calls,
            tools=tools,
        )

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


def _merged(
    state: SolutionState, operators: Sequence[Operator], ran: Sequence[OperatorInvocation]
) -> SolutionState:
    # From the records alone: a runner may hand back one that it kept from before a restart.
    return state.merged(
        [
            (
                operator.spec,
                tuple(Candidate(text, invocation.operator) for text in invocation.candidates),
            )
            for operator, invocation in zip(operators, ran, strict=True)
        ]
    )


def _first_error(ran: Sequence[OperatorInvocation]) -> str | None:
    for invocation in ran:
        if invocation.status == "failed":
            return f"{invocation.operator} in layer {invocation.layer}: {invocation.error}"
    return None


def _check_count(operator: Operator, candidates: Sequence[Candidate]) -> None:
    expected = 1 if operator.spec.replaces else operator.spec.adds
    if len(candidates) != expected:
        raise OperatorError(
            f"operator {operator.spec.name} left {len(candidates)} candidates, "
            f"its spec promises {expected}"
        )


def described(error: Exception) -> str:
    """Class and message on one line, at most 500 characters."""
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return text if len(text) <= _ERROR_CHARACTERS else text[: _ERROR_CHARACTERS - 1] + "…"
