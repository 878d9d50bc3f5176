"""How a planned rollout becomes a finished one: run, score, add up."""

from collections.abc import Callable
from dataclasses import replace

from lamas.benchmarks.benchmark import Benchmark, Score
from lamas.domain import OperatorSet, PlannedRollout, Problem, Rollout, ordered_sum
from lamas.domain.operator_outcome import ChainOutcome
from lamas.errors import BudgetExceededError
from lamas.execution.closed_loop import ObservingPolicy
from lamas.execution.executor import Execution, GraphExecutor
from lamas.execution.fixed import observer_of
from lamas.execution.invocation import InvocationRunner, run_directly
from lamas.execution.layer import described
from lamas.execution.tabulating import judged_chains
from lamas.timing import cp_tokens, makespan_seconds, virtual_seconds

PolicyOf = Callable[[PlannedRollout, OperatorSet], ObservingPolicy | None]


class RolloutRunner:
    """Runs and scores rollouts; the only place that turns a failure into a failed rollout."""

    def __init__(
        self, executor: GraphExecutor, benchmark: Benchmark, policy_of: PolicyOf = observer_of
    ) -> None:
        """`policy_of` names the policy that chooses the later layers of a plan, if one does."""
        self._policy_of = policy_of
        self._executor = executor
        self._benchmark = benchmark

    async def run(
        self, plan: PlannedRollout, problem: Problem, *, invoke: InvocationRunner = run_directly
    ) -> Rollout:
        """The finished rollout; `status="failed"` and no score if an operator or scoring failed.

        Raises what `GraphExecutor.execute` raises: a reached budget, an illegal plan.
        """
        operators = self._executor.catalogue.for_family(problem.family)
        execution = await self._executor.execute(
            plan, problem, invoke=invoke, policy=self._policy_of(plan, operators)
        )
        answer, error = execution.answer, execution.error
        score: Score | None = None
        chains: tuple[ChainOutcome, ...] = ()
        if answer is not None:
            try:
                if plan.purpose == "tabulate":
                    judged = await judged_chains(execution.trace, problem, self._benchmark)
                    answer, score, chains = judged.answer, judged.score, judged.chains
                else:
                    score = await self._benchmark.score(problem, answer)
            except BudgetExceededError:
                raise
            # An answer that could not be judged is a failed rollout, not a wrong answer.
            except Exception as failure:
                error = f"scoring: {described(failure)}"
        return assembled(replace(execution, answer=answer, error=error), score, chains)


def assembled(
    execution: Execution,
    score: Score | None,
    chains: tuple[ChainOutcome, ...] = (),
) -> Rollout:
    """The rollout that `execution` came to; without an error it did not fail, whether or not
    somebody could judge it.
    """
    plan, trace = execution.plan, execution.trace
    answer, error = execution.answer, execution.error
    replayed = {
        call.call_id
        for invocation in trace.invocations
        for call in invocation.calls
        if call.replayed
    }
    return Rollout(
        plan=plan,
        trace=trace,
        answer=answer,
        extracted_answer=None if score is None else score.extracted,
        score=None if score is None else score.value,
        cost_usd=ordered_sum(invocation.cost_usd for invocation in trace.invocations),
        cp_tokens=cp_tokens(trace),
        virtual_seconds=virtual_seconds(trace),
        makespan_seconds=makespan_seconds(trace),
        replayed_calls=len(replayed),
        status="ok" if error is None else "failed",
        error=error,
        judging=() if score is None else score.runs,
        chains=chains,
        observed=execution.observed,
        started_at=trace.started_at,
        ended_at=trace.ended_at,
    )
