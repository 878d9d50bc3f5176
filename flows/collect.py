"""Rollouts into the warehouse: sample graphs, run operators in parallel, record everything."""

from prefect import flow

from flows.rollouts.run import run_plans
from flows.run.learners import chosen_learner
from flows.run.naming import run_name
from flows.run.opening import session
from flows.run.plans import training_plans
from flows.run.problems import problem_set


@flow(name="collect", flow_run_name=run_name("collect"))
async def collect(overrides: list[str] | None = None, checkpoint_id: str | None = None) -> None:
    """Started by hand or by `retrain`, once per step. Reads `problems` and a checkpoint
    (`checkpoint=…`); writes `rollouts` and all that hangs on them.

    May run twice: rollouts that are stored are not run again.
    """
    async with session("collect", overrides) as current:
        problems = problem_set(current)
        learner = chosen_learner(current, checkpoint_id)
        plans = training_plans(current, problems, learner)
        await run_plans(current, problems, plans, name=f"collect step {learner.step + 1}")
