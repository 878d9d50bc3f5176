"""`lamas calibrate`: a simulated profile fitted to a run's rollouts, and how close it comes."""

import json
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import cast

from flows.settings import Settings, validate
from flows.wiring.calibrated import simulated_executor, simulated_settings
from flows.wiring.parts import Parts
from flows.wiring.warehouse import open_warehouse
from lamas.calibration import calibrate, profile_text, write_profile
from lamas.calibration.closeness import figures_of, print_closeness
from lamas.calibration.findings import print_findings, remarks_on
from lamas.calibration.judge import Judge
from lamas.calibration.observed import observations
from lamas.calibration.profile_file import check_writable
from lamas.calibration.replay import replayed, spread_over
from lamas.domain import Problem, Rollout, Run
from lamas.errors import BenchmarkError, ConfigurationError
from lamas.llm.simulated import load_profile
from warehouse.reader import Reader

RECORDED_SECTIONS = ("seed", "benchmark", "llm", "operators", "recording")
"""What is taken from the run: it says how its rollouts came about."""


async def calibrate_run(settings: Settings) -> Path:
    """Fit, write `calibration.output`, and print how close it comes; returns where it lies.

    Reads the warehouse and writes nothing into it. Raises WarehouseError for an unknown run,
    ConfigurationError for one without rollouts or texts and for an output that cannot be written,
    BenchmarkError when the run's benchmark holds other problems by now.
    """
    config = settings.calibration
    start = load_profile(config.start)
    check_writable(config.output)
    reader = Reader(open_warehouse(settings))
    run = _chosen_run(reader, settings.run)
    recorded = _recorded_settings(settings, run)
    rollouts = _finished(reader, run)
    async with AsyncExitStack() as stack:
        place = Parts(recorded, stack)
        problems = _fitting_problems(place, reader, rollouts)
        judge = Judge(place.benchmark, problems)
        _say(f"run {run.run_id}: {len(rollouts)} rollouts of {len(problems)} problems")
        seen = await observations(
            rollouts,
            judge,
            place.catalogue,
            start,
            seconds_per_second=_seconds_per_second(recorded),
        )
        fitted = calibrate(start, seen, model=recorded.llm.model)
        remarks = remarks_on(
            run, seen, model=recorded.llm.model, rollouts=len(rollouts), start=config.start
        )
        write_profile(config.output, profile_text(fitted, remarks))
        print_findings(fitted, simulated=run.simulated)
        if config.check:
            compared = spread_over(rollouts, config.check_rollouts)
            sets: list[Sequence[Rollout]] = []
            for repeat in range(config.check_repeats):
                _say(f"the same graphs on the fitted profile, {repeat + 1}/{config.check_repeats}")
                simulated = simulated_settings(recorded, config.output, repeat=repeat)
                async with AsyncExitStack() as opened:
                    executor = await simulated_executor(simulated, judge, opened)
                    sets.append(await replayed(executor, compared, judge))
            print_closeness(
                await figures_of([compared], judge, seed=settings.seed),
                await figures_of(sets, judge, seed=settings.seed),
                recorded.llm.model,
            )
    return config.output


def _chosen_run(reader: Reader, run_id: str | None) -> Run:
    if run_id is not None:
        return reader.run(run_id)
    real = [run for run in reader.runs() if not run.simulated]
    for run in reversed(real):
        if reader.rollout_statuses(run.run_id):
            return run
    raise ConfigurationError(
        "the warehouse holds no run of a real model with rollouts; name a run with run=… "
        "(`lamas sql 'FROM run_summary'` lists them)"
    )


def _recorded_settings(settings: Settings, run: Run) -> Settings:
    """The settings with what determined the run's rollouts taken from the run."""
    stored = cast("dict[str, object]", json.loads(run.config_json))
    content = settings.model_dump(mode="json")
    content |= {name: stored[name] for name in RECORDED_SECTIONS if name in stored}
    gamma = cast("dict[str, object]", stored["execution"])["gamma"]
    content["execution"] = {**settings.execution.model_dump(mode="json"), "gamma": gamma}
    try:
        recorded = validate(content)
    except ConfigurationError as error:
        raise ConfigurationError(
            f"run {run.run_id} was configured in a way this version does not know: {error}"
        ) from None
    if recorded.recording.texts != "keep":
        raise ConfigurationError(
            f"run {run.run_id} kept no answers (recording.texts={recorded.recording.texts}), so "
            "they cannot be judged; calibrate with a run that has recording.texts=keep"
        )
    return recorded


def _finished(reader: Reader, run: Run) -> tuple[Rollout, ...]:
    finished = tuple(
        item for item in reader.rollouts(run.run_id, with_calls=True) if item.status == "ok"
    )
    if not any(item.calls for rollout in finished for item in rollout.trace.invocations):
        raise ConfigurationError(
            f"run {run.run_id} ({run.kind}) holds no finished rollouts in which a model answered; "
            "name one that does with run=…"
        )
    return finished


def _fitting_problems(
    place: Parts, reader: Reader, rollouts: Sequence[Rollout]
) -> tuple[Problem, ...]:
    """The rollouts' problems as the benchmark holds them now."""
    asked = sorted({rollout.plan.problem_id for rollout in rollouts})
    questions = {item.problem_id: item.question for item in reader.problems(problem_ids=asked)}
    now = {problem.problem_id: problem for problem in place.loaded}
    changed = [name for name in asked if name not in now or now[name].question != questions[name]]
    if changed:
        raise BenchmarkError(
            f"benchmark {place.benchmark.name!r} no longer fits the run: {len(changed)} of its "
            f"{len(asked)} problems are gone or changed, {changed[0]} first; bring back the source "
            f"{place.settings.benchmark.path or 'it was generated from'} or choose another run"
        )
    return tuple(now[name] for name in asked)


def _seconds_per_second(recorded: Settings) -> float | None:
    """Recorded seconds in one of the model's; None when the endpoint did not wait."""
    if not recorded.simulated:
        return 1.0
    return recorded.llm.simulated.time_scale or None


def _say(text: str) -> None:
    print(f"  {text}", file=sys.stderr)
