"""Problems into the warehouse: load, check, split, embed."""

from prefect import flow

from flows.orchestrator.assets import dataset_key, record_asset
from flows.run.naming import run_name
from flows.run.opening import session
from flows.run.problems import checked_problems
from flows.run.session import Session
from lamas.domain import Problem


@flow(name="prepare", flow_run_name=run_name("prepare"))
async def prepare(overrides: list[str] | None = None) -> None:
    """Started by hand or by `retrain`. Reads the benchmark's source; writes `problems`.

    May run twice: problems that are stored are left alone, and a source that changed under a
    stored split is an error.
    """
    async with session("prepare", overrides) as current:
        problems = store_problems(current)
        await record_asset(
            dataset_key(problems[0].problem_id), made_from=(), metadata={"problems": len(problems)}
        )


def store_problems(current: Session) -> tuple[Problem, ...]:
    """The benchmark's problems, stored with split and embedding unless they are."""
    problems = checked_problems(current)
    name = current.benchmark.name
    stored = {problem.problem_id for problem in current.reader.problems(benchmark=name)}
    new = [problem for problem in problems if problem.problem_id not in stored]
    if new:
        current.say(f"prepare: embedding {len(new)} problems of {name}")
        embeddings = current.encoder.encode([problem.question for problem in new])
        current.writer.add_problems(new, embeddings, encoder=current.encoder.kind)
    train = sum(problem.split == "train" for problem in problems)
    current.say(f"prepare: {name} has {train} train and {len(problems) - train} test problems")
    return problems
