"""How one layer runs: its operators side by side, or one after another; what each leaves."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from lamas.domain import (
    Clock,
    InvocationKind,
    OperatorInvocation,
    OperatorSet,
    PlannedRollout,
    Problem,
)
from lamas.errors import BudgetExceededError, LamasError, OperatorError
from lamas.execution.graph_semantics import graph_semantics
from lamas.execution.invocation import InvocationLabel, InvocationRunner
from lamas.execution.invocation_record import ended, invocation_of
from lamas.execution.live_race import LiveRace
from lamas.execution.race import LayerRace, OperatorRace, RecordedRace
from lamas.llm import ChatModel
from lamas.operators import Candidate, Chain, ChainScope, Operator, SolutionState
from lamas.operators.concurrency import settle_all
from lamas.operators.public_tests import public_failure, public_tests
from lamas.sandbox import Sandbox

_LOGGER = logging.getLogger(__name__)
_ERROR_CHARACTERS = 500
_PASSED = "passes the public tests"


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

    def __init__(
        self, *, model: ChatModel, sandbox: Sandbox, gamma: float, clock: Clock, live: bool
    ) -> None:
        """`gamma`: γ in tokens per tool second; `live`: a quorum is that of real arrival."""
        self._live = live
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
        *,
        quorum: int | None = None,
    ) -> list[OperatorInvocation]:
        """Invoke `operators` as layer `number` on `state`, as the plan's execution mode says.

        A failing one costs its siblings nothing (sequential: those behind it do not run). With a
        `quorum` the layer ends as soon as so many chains agree. Raises BudgetExceededError when the
        run's cap is reached, OperatorError for a quorum of operators that do not run side by side.
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
            if quorum is not None:
                raise OperatorError(
                    f"layer {number} ends at a quorum of {quorum}, and its operators run one after "
                    "another: set execution=parallel, or choose a graph without a quorum"
                )
            return await self._one_after_another(work, labels, operators, state)
        race = None if quorum is None else self._race(work, number, operators, quorum)
        return await self._side_by_side(work, labels, operators, state, race)

    async def _side_by_side(
        self,
        work: Work,
        labels: Sequence[InvocationLabel],
        operators: Sequence[Operator],
        state: SolutionState,
        race: LayerRace | None,
    ) -> list[OperatorInvocation]:
        async def invoked(label: InvocationLabel, operator: Operator) -> OperatorInvocation:
            try:
                return await work.invoke(
                    label, partial(self._run, work, label, operator, state, race)
                )
            finally:
                # Nobody may wait for an operator that ended without a record.
                if race is not None:
                    race.leave(label.position)

        outcomes = await settle_all(
            [
                partial(invoked, label, operator)
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
        self,
        work: Work,
        label: InvocationLabel,
        operator: Operator,
        state: SolutionState,
        race: LayerRace | None = None,
    ) -> OperatorInvocation:
        own = None if race is None or not operator.spec.adds else race.of(label.position)
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
        chain = Chain(scope, model=self._model, sandbox=self._sandbox, call=operator.call, race=own)
        candidates: Sequence[Candidate] = ()
        error: str | None = None
        started_at = self._clock.now()
        try:
            if own is None:
                candidates = await operator.run(work.problem, state, chain)
                _check_count(operator, candidates)
            else:
                candidates = await raced(operator, work.problem, state, chain, own)
        except BudgetExceededError:
            raise
        # Whatever else goes wrong is this invocation's result; its siblings go on.
        except Exception as failure:
            candidates, error = (), described(failure)
            if not isinstance(failure, LamasError):
                _LOGGER.warning("%s failed: %s", label.invocation_id, error, exc_info=failure)
        record = invocation_of(
            label,
            times=(started_at, self._clock.now()),
            calls=chain.calls,
            tools=chain.tools,
            candidates=tuple(candidate.text for candidate in candidates),
            error=error,
            gamma=self._gamma,
        )
        if race is None:
            return record
        outcome = await race.settled(label.position, record)
        if own is None or outcome is None or record.status == "failed":
            return record
        return ended(record, race, outcome, self._gamma)

    def _race(
        self, work: Work, number: int, operators: Sequence[Operator], quorum: int
    ) -> LayerRace:
        """The race of a layer's chains."""
        places = [
            (position, branch)
            for position, operator in enumerate(operators)
            for branch in range(operator.spec.adds if operator.spec.draws else 1)
            if operator.spec.adds
        ]
        tested = bool(public_tests(work.problem).strip())
        reader = next(operator.read_answer for operator in operators)

        async def judge(text: str, chain: Chain) -> str | None:
            if not tested:
                return await reader(work.problem, text)
            failure = await public_failure(work.problem, text, chain)
            return _PASSED if failure is None else None

        needed = 1 if tested else quorum
        why = "a program passed the public tests" if tested else f"{quorum} chains agreed"
        reason = f"layer {number} ended: {why}"
        if self._live:
            return LiveRace(places, needed, judge, reason=reason)
        return RecordedRace(
            places, needed, judge, reason=reason, operators=len(operators), gamma=self._gamma
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


async def raced(
    operator: Operator, problem: Problem, state: SolutionState, chain: Chain, race: OperatorRace
) -> Sequence[Candidate]:
    """The candidates that an operator leaves in a race: those of its chains that arrived."""
    if operator.spec.draws:
        return await operator.run(problem, state, chain)
    left: list[Candidate] = []

    async def work() -> str:
        candidates = await operator.run(problem, state, chain)
        _check_count(operator, candidates)
        left.extend(candidates)
        return candidates[0].text

    return () if await race.run(0, chain, work) is None else left


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
