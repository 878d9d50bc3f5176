"""What can be known to be wrong before a run begins: found out while a server starts."""

import socket
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from importlib.util import find_spec
from urllib.parse import urlsplit

from flows.home.lock import writer_turn
from flows.run.batches import batch_checkpoint, batch_credits, latest_batch
from flows.run.credit_clock import credit_clock
from flows.run.judging import check_judging, judging
from flows.run.learners import chosen_checkpoint, evaluable, first_checkpoint, stored_learner
from flows.run.problems import checked_problems, prepared_problems
from flows.run.traffic import renew_questions
from flows.settings import Settings
from flows.settings.compose import load_settings
from flows.settings.deployment import ScheduledConfig
from flows.settings.engine import EngineConfig
from flows.wiring.learning import condition_of, table_settings
from flows.wiring.model import check_models
from flows.wiring.parts import Parts
from flows.wiring.profile import fitted_profile
from flows.wiring.serving import build_world
from lamas.controller.condition import UNCONDITIONAL
from lamas.domain import ExecutionGraph, Problem
from lamas.domain.printable import printable
from lamas.errors import ConfigurationError, ServerError
from lamas.execution import fixed_topology
from lamas.execution.requirements import requirements_of
from lamas.execution.tabulating import tabulated_graphs
from lamas.training import problem_batch

CONNECT_SECONDS = 10.0
"""Longest wait for a cluster to take a connection."""


def _say(text: str) -> None:
    print(f"  {printable(text)}", file=sys.stderr, flush=True)


async def preflight(stage: str, settings: Settings) -> None:
    """Raise the LamasError that `stage` would meet sooner or later, where that can be told now.

    Writes nothing but what people asked (`renew_questions`); the home folder and its lock file are
    made.
    """
    async with writer_turn(settings.home, settings.overlap, _say):
        await check(stage, settings)


async def check(stage: str, settings: Settings) -> None:
    """`preflight` for a run that holds the home folder already."""
    _check_engine(stage, settings)
    renew_questions(stage, settings, _say)
    if stage in ("retrain", "collect", "evaluate"):
        _check_conditions(stage, settings)
    async with AsyncExitStack() as stack:
        place = Parts(settings, stack)
        match stage:
            case "credit" | "update":
                _check_batch(place, credited=stage == "update")
            case "profile":
                _check_warehouse(place)
                fitted_profile(settings, place.reader, settings.run)
            case "simulate":
                _check_warehouse(place)
                build_world(settings, place.reader if settings.warehouse.exists() else None)
            case "prepare":
                _check_warehouse(place)
                checked_problems(place)
            case "judge":
                await _check_judges(settings)
            case "tabulate":
                await _check_table(place)
            case _:
                await _check_rollouts(stage, place)


async def check_scheduled(settings: Settings, overrides: Sequence[str]) -> None:
    """Raise the LamasError that every scheduled retrain or judging of `overrides` would end with.

    Told from the configuration and the benchmark's problems: what a home holds, and whether an
    endpoint answers, may be another thing when a run comes due. Writes nothing.
    """
    judge = _scheduled(settings.deployment.judge, overrides)
    if judge is not None:
        check_judging(judge)
    retrain = _scheduled(settings.deployment.retrain, overrides)
    if retrain is None:
        return
    _check_conditions("retrain", retrain)
    _check_split(retrain)
    async with AsyncExitStack() as stack:
        place = Parts(retrain, stack)
        # Of what people ask there may be too little now and enough by then.
        if not retrain.benchmark.served:
            _check_problems("retrain", place, place.loaded)
        _baselines(place)


def _scheduled(section: ScheduledConfig, overrides: Sequence[str]) -> Settings | None:
    """What its runs are configured with; None where no time is set."""
    if section.cron is None and section.every_seconds is None:
        return None
    return load_settings([*overrides, *section.overrides])


def _check_engine(stage: str, settings: Settings) -> None:
    kind = settings.engine.kind
    if kind == "local":
        return
    if stage in ("compare", "sweep"):
        raise ConfigurationError(
            f"engine={kind} spreads the rollouts of one run; `lamas {stage}` runs many side by "
            "side and shares their answers in one process: leave engine=local"
        )
    if find_spec(f"prefect_{kind}") is None:
        raise ConfigurationError(
            f"engine={kind} is not installed: pip install 'lamas[{kind}]', or choose engine=local"
        )
    _check_cluster(settings.engine)


def _check_cluster(config: EngineConfig) -> None:
    if config.address is None or config.address == "auto":
        return
    parts = urlsplit(config.address if "://" in config.address else f"//{config.address}")
    try:
        # The engines themselves would try for minutes.
        socket.create_connection((parts.hostname, parts.port or 0), CONNECT_SECONDS).close()
    except (OSError, ValueError) as error:
        raise ServerError(
            f"no {config.kind} cluster answers at engine.address={config.address} ({error}): start "
            "it, correct the address, or choose engine=local"
        ) from None


def _check_batch(place: Parts, *, credited: bool) -> None:
    run_id, step = latest_batch(place, place.settings.run)
    stored_learner(place, batch_checkpoint(place, run_id, step))
    credit_clock(place, run_id)
    if credited:
        batch_credits(place, run_id, step)


async def _check_table(place: Parts) -> None:
    _check_warehouse(place)
    problems = checked_problems(place)
    graphs = tabulated_graphs(place.operators)
    if not any(problem.split == "train" for problem in problems):
        raise ConfigurationError(
            f"benchmark {place.benchmark.name!r} has no training problem to tabulate: raise "
            "benchmark.train_fraction or benchmark.train_size"
        )
    if requirements_of(graphs, place.catalogue, place.benchmark, any_graph=False).model:
        await check_models(place.settings)


async def _check_rollouts(stage: str, place: Parts) -> None:
    if stage == "collect":
        problems = prepared_problems(place)
    else:
        _check_warehouse(place)
        problems = checked_problems(place)
    _ = place.operators
    if stage != "evaluate":
        _check_problems(stage, place, problems)
    if stage == "retrain" and place.settings.training.latency_model == "fitted":
        credit_clock(place, "")
    graphs = () if stage == "collect" else _baselines(place)
    fixed_only = stage == "evaluate" and place.settings.checkpoint == "none"
    if not fixed_only:
        _check_checkpoint(stage, place)
    if requirements_of(graphs, place.catalogue, place.benchmark, any_graph=not fixed_only).model:
        await check_models(place.settings)


async def _check_judges(settings: Settings) -> None:
    check_judging(settings)
    settings = judging(settings)
    async with AsyncExitStack() as stack:
        place = Parts(settings, stack)
        tabulated_graphs(place.operators)
        # What was asked is in there.
        _ = place.warehouse
    await check_models(settings)


def _check_conditions(stage: str, settings: Settings) -> None:
    kind = settings.controller.kind
    if stage == "collect" and settings.learner.kind == "table":
        raise ConfigurationError(
            "learner=table learns from what `lamas tabulate` runs, and `lamas collect` draws "
            "rollouts: add learner=reinforce, or take `lamas tabulate` or `lamas retrain`"
        )
    if kind == "conditioned":
        if stage in ("retrain", "collect") and settings.learner.kind != "table":
            raise ConfigurationError(
                f"controller=conditioned learns from a table, and learner={settings.learner.kind} "
                "draws rollouts: add learner=table, or take controller=lamas"
            )
    elif condition_of(settings) != UNCONDITIONAL and settings.checkpoint != "none":
        raise ConfigurationError(
            f"controller={kind} has one trade of score against time: deadline= and multiplier= "
            "need controller=conditioned, trained with learner=table"
        )


def _check_checkpoint(stage: str, place: Parts) -> None:
    if stage == "retrain":
        _check_split(place.settings)
        by_table = place.settings.learner.kind == "table"
        name = None if by_table else first_checkpoint(place)
    elif place.settings.checkpoint is None and not place.settings.warehouse.exists():
        name = None
    else:
        name = chosen_checkpoint(place)
    condition = condition_of(place.settings)
    if name is not None:
        found = (evaluable if stage == "evaluate" else stored_learner)(place, name)
        found.controller.multiplier(condition)


def _check_split(settings: Settings) -> None:
    if settings.evaluation.split != "test":
        raise ConfigurationError(
            f"evaluation.split={settings.evaluation.split} cannot decide on a promotion: "
            "a retrain evaluates on problems that it did not train on; leave it at test"
        )


def _check_warehouse(place: Parts) -> None:
    """A warehouse need not be there yet, but what is there must be one."""
    if place.settings.warehouse.exists():
        _ = place.warehouse


def _check_problems(stage: str, place: Parts, problems: Sequence[Problem]) -> None:
    """There are enough to train on, and operators to train with."""
    if stage == "retrain" and place.settings.learner.kind == "table":
        tabulated_graphs(place.operators)
        _check_table_size(place, problems)
    else:
        _check_training_batch(place, problems)


def _check_training_batch(place: Parts, problems: Sequence[Problem]) -> None:
    problem_batch(
        [problem.problem_id for problem in problems if problem.split == "train"],
        seed=place.settings.seed,
        step=0,
        size=place.settings.training.problems_per_step,
    )


def _check_table_size(place: Parts, problems: Sequence[Problem]) -> None:
    """A table must come apart into the parts by which its bound is kept."""
    training = sum(problem.split == "train" for problem in problems)
    most = place.settings.table.problems
    tabulated = training if most is None else min(training, most)
    parts = table_settings(place.settings).folds
    if tabulated < parts:
        raise ConfigurationError(
            f"a table of {tabulated} training problems is too small for {parts} parts, by "
            "which its bound is kept: raise table.problems, benchmark.train_size or "
            "benchmark.train_fraction, or take learner=reinforce"
        )


def _baselines(place: Parts) -> tuple[ExecutionGraph, ...]:
    """The fixed graphs to evaluate, legal over the configured operators."""
    names = place.settings.evaluation.baselines
    if not names and place.settings.checkpoint == "none":
        raise ConfigurationError(
            "nothing to evaluate: checkpoint=none, and evaluation.baselines is empty; "
            "name a checkpoint or a fixed graph"
        )
    return tuple(fixed_topology(name).graph(place.operators) for name in names)
