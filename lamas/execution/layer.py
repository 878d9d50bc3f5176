"""How one layer runs: its operators side by side, or one after another; what each leaves."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from lamas.domain import (
    Clock,
    InvocationKind,
    ModelCall,
    OperatorInvocation,
    OperatorSet,
    PlannedRollout,
    Problem,
    ToolExecution,
    ordered_sum,
)
from lamas.errors import BudgetExceededError, LamasError, OperatorError
from lamas.execution.graph_semantics import graph_semantics
from lamas.execution.invocation import InvocationLabel, InvocationRunner
from lamas.llm import ChatModel
from lamas.operators import Candidate, Chain, ChainScope, Operator, SolutionState
from lamas.operators.concurrency import settle_all
from lamas.sandbox import Sandbox
from lamas.timing import longest_chain

_LOGGER = logging.getLogger(__name__)
_ERROR_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class Work:
    """One rollout in progress: what all of its layers need."""

    plan: PlannedRollout
    problem: Problem
    operators: OperatorSet
    invoke: InvocationRunner
    layers: tuple[tuple[str, ...], ...] = ()
    """Operators of the whole graph, by layer; () where none was drawn."""


class LayerRunner:
    """Runs the layers of any number of rollouts at a time."""

    def __init__(self, *, model: ChatModel, sandbox: Sandbox, gamma: float, clock: Clock) -> None:
        """`gamma`: γ in tokens per tool second."""
        self._model = model
        self._sandbox = sandbox
        self._gamma = gamma
        self._clock = clock

    async def run(
        self,
        work: Work,
        number: int,
        operators: Sequence[Operator],
        state: SolutionState,
        kind: InvocationKind,
    ) -> list[OperatorInvocation]:
        """Invoke `operators` as layer `number` on `state`, as the plan's execution mode says.

        A failing one costs its siblings nothing (sequential: those behind it do not run). Raises
        BudgetExceededError when the run's cap is reached.
        """
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
        work: Work,
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
        work: Work,
        labels: Sequence[InvocationLabel],
        operators: Sequence[Operator],
        state: SolutionState,
    ) -> list[OperatorInvocation]:
        ran: list[OperatorInvocation] = []
        for label, operator in zip(labels, operators, strict=True):
            seen = merged(state, operators[: len(ran)], ran)
            start = partial(self._run, work, label, operator, seen)
            ran.append(await work.invoke(label, start))
            if ran[-1].status == "failed":
                break
        return ran

    async def _run(
        self, work: Work, label: InvocationLabel, operator: Operator, state: SolutionState
    ) -> OperatorInvocation:
        scope = ChainScope(
            rollout_id=label.rollout_id,
            problem_id=label.problem_id,
            layer=label.layer,
            operator=label.operator,
            seed=work.plan.seed,
            sample_index=work.plan.sample_index,
            semantics=graph_semantics(
                work.plan, work.problem, work.layers, label.layer, label.operator
            ),
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


def merged(
    state: SolutionState, operators: Sequence[Operator], ran: Sequence[OperatorInvocation]
) -> SolutionState:
    """`state` with what the operators of a layer left, in catalogue order."""
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
