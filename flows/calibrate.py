"""`lamas calibrate`: a simulated profile fitted to a run's rollouts, and how close it comes."""

import json
import sys
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from flows.settings import Settings, validate
from flows.wiring.endpoint import endpoint_settings, simulated_profile
from flows.wiring.parts import Parts, open_warehouse
from lamas.calibration import Calibration, Observations, calibrate, profile_text, write_profile
from lamas.calibration.closeness import figures_of, print_closeness
from lamas.calibration.judge import Judge
from lamas.calibration.observed import observations
from lamas.calibration.replay import replayed
from lamas.domain import Problem, Rollout, Run, derive_seed
from lamas.errors import BenchmarkError, ConfigurationError
from lamas.execution import GraphExecutor
from lamas.llm import OpenAIChatModel, Price
from lamas.llm.simulated import SimulatedServer, load_profile
from lamas.report.terminal import table_console
from warehouse.reader import Reader

_SEEDS = 1_000_000
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
        remarks = _remarks(run, recorded, seen, rollouts, config.start)
        write_profile(config.output, profile_text(fitted, remarks))
        _print_findings(fitted, run)
        if config.check:
            compared = spread_over(rollouts, config.check_rollouts)
            sets: list[Sequence[Rollout]] = []
            for repeat in range(config.check_repeats):
                _say(f"the same graphs on the fitted profile, {repeat + 1}/{config.check_repeats}")
                simulated = simulated_settings(recorded, config.output, repeat=repeat)
                async with AsyncExitStack() as opened:
                    executor = await _executor(simulated, judge, opened)
                    sets.append(await replayed(executor, compared, judge))
            print_closeness(
                await figures_of([compared], judge, seed=settings.seed),
                await figures_of(sets, judge, seed=settings.seed),
                recorded.llm.model,
            )
    return config.output


def check_writable(output: Path) -> None:
    """Raise ConfigurationError when no file can be put there."""
    try:
        if output.is_dir():
            raise IsADirectoryError(21, "it is a folder")
        with tempfile.NamedTemporaryFile(dir=output.parent, prefix=f".{output.name}."):
            pass
    except OSError as error:
        raise ConfigurationError(
            f"calibration.output={output} cannot be written ({error.strerror}); "
            "name a file in a folder that exists and is yours"
        ) from None


def spread_over(rollouts: Sequence[Rollout], most: int) -> tuple[Rollout, ...]:
    """At most `most` of them, evenly spread."""
    if len(rollouts) <= most:
        return tuple(rollouts)
    return tuple(rollouts[place * len(rollouts) // most] for place in range(most))


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


def _remarks(
    run: Run, recorded: Settings, seen: Observations, rollouts: Sequence[Rollout], start: str
) -> list[str]:
    lines = [
        f"Fitted by `lamas calibrate run={run.run_id}` on {datetime.now(UTC):%Y-%m-%d} to "
        f"{recorded.llm.model}",
        f"on benchmark {seen.benchmark}: {len(rollouts)} rollouts of {len(seen.problems)} "
        f"problems, {len(seen.lengths)} calls, {len(seen.trials)} judged answers.",
        f"Starting profile: {start}. docs/simulated.md explains every key and how it is fitted.",
    ]
    if run.simulated:
        lines.append("The run itself was simulated: this profile says nothing of a real model.")
    return lines


def _print_findings(fitted: Calibration, run: Run) -> None:
    console = table_console()
    for item in fitted.findings:
        if item.fitted:
            error = "" if item.error is None else f" ± {item.error:.2g}"
            line = f"{item.key} = {item.value:.4g}{error}  (was {item.before:.4g}; {item.note})"
            console.print(line, highlight=False, markup=False, soft_wrap=True)
    for item in fitted.kept:
        line = f"not told: {item.key} stays {item.value:.4g} ({item.note})"
        console.print(line, style="dim", highlight=False, markup=False, soft_wrap=True)
    if run.simulated:
        console.print("The run was simulated: this tells how well a profile is recovered.")


def _say(text: str) -> None:
    print(f"  {text}", file=sys.stderr)


def simulated_settings(recorded: Settings, profile: Path, *, repeat: int) -> Settings:
    """The run's settings with the fitted profile in place of its model.

    Each repeat draws the difficulties anew: a fit that only gave back the draws it was made from
    would tell nothing.
    """
    content = recorded.model_dump(mode="json")
    content["llm"] = {
        "kind": "simulated",
        "model": "simulated-calibrated",
        "price": {"input": 0.0, "output": 0.0},
        "concurrency": 64,
        "stream": False,
        "simulated": {
            "profile": str(profile),
            "seed": derive_seed(recorded.seed, "calibration", repeat) % _SEEDS,
            "time_scale": 0.0,
        },
    }
    return validate(content)


async def _executor(settings: Settings, judge: Judge, stack: AsyncExitStack) -> GraphExecutor:
    place = Parts(settings, stack)
    profile = simulated_profile(settings)
    server = stack.enter_context(SimulatedServer(profile, problems=judge.problems.values()))
    model = await stack.enter_async_context(
        OpenAIChatModel(
            endpoint_settings(settings, server.base_url),
            price=Price(input=0.0, output=0.0),
        )
    )
    return GraphExecutor(
        catalogue=place.catalogue,
        model=model,
        sandbox=place.sandbox,
        gamma=settings.execution.gamma,
    )
