"""Which served answers a run judges, by which rollouts, and what it says of them."""

import asyncio
from collections.abc import Sequence

from flows.run.session import Session
from flows.settings import Settings
from flows.wiring.model import used_models
from lamas.benchmarks.problem_set import ProblemSet
from lamas.domain import GraphChoice, PlannedRollout, Problem, derive_seed
from lamas.domain.judged import POLICY
from lamas.domain.served import Feedback
from lamas.errors import ConfigurationError
from lamas.evaluation.judging import judged_problem, verdict
from lamas.execution.fixed import certain_decisions
from lamas.execution.planning import PlanKey, plan
from lamas.execution.tabulating import tabulated_graphs
from warehouse.judging import Judging


def judging(settings: Settings) -> Settings:
    """The same with those operators alone that answer as judges."""
    operators = settings.operators.model_copy(update={"enabled": list(settings.judge.operators)})
    return settings.model_copy(update={"operators": operators})


def check_judging(settings: Settings) -> None:
    """ConfigurationError where no answer could be judged, whatever is in the warehouse."""
    config = settings.benchmark
    if not config.served:
        raise ConfigurationError(
            f"lamas judge answers what a gateway was asked, and benchmark={config.name} is not of "
            "that: add benchmark=traffic"
        )
    if config.family == "code":
        raise ConfigurationError(
            "lamas judge compares answers, and programs (benchmark.family=code) can only be "
            "tested: send feedback to the gateway"
        )
    if settings.recording.texts != "keep":
        raise ConfigurationError(
            f"recording.texts={settings.recording.texts} keeps no question to judge an answer by: "
            "leave it at keep"
        )


async def judged_problems(current: Session) -> ProblemSet | None:
    """The questions that are to be judged, stored with the answers they got; None without any."""
    family = current.benchmark.family
    waiting = await asyncio.to_thread(
        Judging(current.warehouse).waiting,
        current.run.run_id,
        family,
        most=current.settings.judge.questions,
    )
    if not waiting:
        return None
    problems: list[Problem] = []
    for served in waiting:
        unread = judged_problem(served, None, family)
        form = await current.benchmark.extract(unread, served.answer)
        problems.append(judged_problem(served, form, family))
    embeddings = current.encoder.encode([problem.question for problem in problems])
    current.writer.add_problems(problems, embeddings, encoder=current.encoder.kind)
    return ProblemSet(problems, embeddings)


def judging_plans(current: Session, judged: Sequence[Problem]) -> tuple[PlannedRollout, ...]:
    """Every sample of every judge, question by question."""
    settings, operators = current.settings, current.operators
    key = PlanKey(
        run_id=current.run.run_id,
        purpose="ask",
        policy=POLICY,
        checkpoint_id=None,
        mode="fixed",
        execution_mode="parallel",
        step=0,
    )
    choices = [
        GraphChoice(graph, certain_decisions(graph, operators))
        for graph in tabulated_graphs(operators)
    ]
    return tuple(
        plan(key, problem, choice, sample_index=number, seed=derive_seed(settings.seed, "judge"))
        for problem in judged
        for number, choice in enumerate(choices * settings.judge.samples)
    )


def verdicts(current: Session) -> list[Feedback | None]:
    """What the run's judges say of each answer; None where they do not agree."""
    settings, run_id = current.settings, current.run.run_id
    models = [settings.of_model(name).llm.model for name in used_models(settings)]
    return [
        verdict(
            request_id,
            answers,
            agreement=settings.judge.agreement,
            run_id=run_id,
            judge="+".join(dict.fromkeys(models)),
            given_at=current.clock.now(),
        )
        for request_id, answers in Judging(current.warehouse).answers(run_id).items()
    ]
