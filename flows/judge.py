"""Served answers that nobody said anything of, judged by what a stronger model answers."""

from prefect import flow
from prefect.artifacts import acreate_markdown_artifact

from flows.rollouts.run import run_plans
from flows.run.judging import judged_problems, judging, judging_plans, verdicts
from flows.run.naming import run_name
from flows.run.opening import session


@flow(name="judge", flow_run_name=run_name("judge"))
async def judge(overrides: list[str] | None = None) -> None:
    """Started by hand or on a schedule. Reads `served_requests` and the rollouts they got; writes
    `rollouts` of policy `judge`, and `feedback` that stands until a person says otherwise.

    May run twice: a question is judged once.
    """
    async with session("judge", overrides, judging) as current:
        problems = await judged_problems(current)
        if problems is None:
            current.say("judge: somebody said something of every question, or it was judged before")
            return
        await run_plans(current, problems, judging_plans(current, problems.all), name="judge")
        said = verdicts(current)
        given = [item for item in said if item is not None]
        current.writer.add_feedback(given)
        right = sum(item.score == 1.0 for item in given)
        text = (
            f"{len(said)} questions: {right} answered right, {len(given) - right} wrong, "
            f"{len(said) - len(given)} on which fewer than {current.settings.judge.agreement} "
            "answers of the judge agree"
        )
        current.say(f"judge: {text}")
        await acreate_markdown_artifact(key="judge", markdown=text)
