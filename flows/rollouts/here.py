"""Rollouts run in this process."""

from collections.abc import Callable, Sequence

from flows.rollouts.task_runs import Showing
from flows.run.budget import budget_left, budgets_left, paid_answers
from flows.run.session import Session
from flows.wiring.model import open_model
from lamas.benchmarks.problem_set import ProblemSet
from lamas.domain import AnyResult, PlannedRollout, Problem, Rollout, digest
from lamas.execution.collecting import Collected, collect_rollouts
from lamas.execution.requirements import requirements_of_plans
from lamas.execution.runners import LiveRunner
from lamas.llm import ChatModel, LazyModel
from lamas.timing import label


class Here:
    """Runs a run's rollouts side by side on this process's loop."""

    def __init__(self, current: Session) -> None:
        self._current = current

    async def run(
        self,
        problems: ProblemSet,
        plans: Sequence[PlannedRollout],
        *,
        on_finished: Callable[[AnyResult], None],
    ) -> Collected:
        """Run and store `plans`; raises what opening the model or the sandbox raises."""
        current = self._current
        live = live_runner(current, problems.all)
        await live.open(requirements_of_plans(plans, current.catalogue, current.benchmark))
        start = Showing(current.settings.execution.granularity, say=current.say)

        async def run_one(planned: PlannedRollout) -> Rollout:
            return await start(live.runner, planned, problems[planned.problem_id])

        def write(rollouts: Sequence[Rollout]) -> None:
            current.writer.add_rollouts([(item, label(item.trace)) for item in rollouts])

        return await collect_rollouts(
            plans,
            run_one=run_one,
            write=write,
            on_finished=on_finished,
            concurrency=current.settings.execution.concurrency,
        )


def live_runner(current: Session, problems: tuple[Problem, ...]) -> LiveRunner:
    """The run's live parts, started when needed and stopped when the run ends.

    `problems` are made known to a simulated endpoint, which must know the right answers.
    """
    if current.live is None:
        model = current.shared.models.setdefault(
            digest(current.settings.llm.model_dump(mode="json")),
            LazyModel(lambda: _model_of(current, problems)),
        )
        current.live = current.runner(model, current.clock)
    return current.live


async def _model_of(current: Session, problems: tuple[Problem, ...]) -> ChatModel:
    store = current.stack.enter_context(paid_answers(current))
    return await open_model(
        current.settings,
        current.stack,
        problems,
        store=store,
        budget=budget_left(current, store),
        budgets=budgets_left(current, store),
        clock=current.clock,
    )
