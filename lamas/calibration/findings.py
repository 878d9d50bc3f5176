"""What a fit found, as lines to print and to keep with the profile."""

from datetime import UTC, datetime

from lamas.calibration.fit import Calibration
from lamas.calibration.observations import Observations
from lamas.domain import Run
from lamas.report.terminal import table_console


def print_findings(fitted: Calibration, *, simulated: bool) -> None:
    """Print what was fitted and what could not be told; `simulated`: of a simulated run."""
    console = table_console()
    for item in fitted.findings:
        if item.fitted:
            error = "" if item.error is None else f" ± {item.error:.2g}"
            line = f"{item.key} = {item.value:.4g}{error}  (was {item.before:.4g}; {item.note})"
            console.print(line, highlight=False, markup=False, soft_wrap=True)
    for item in fitted.kept:
        line = f"not told: {item.key} stays {item.value:.4g} ({item.note})"
        console.print(line, style="dim", highlight=False, markup=False, soft_wrap=True)
    if simulated:
        console.print("The run was simulated: this tells how well a profile is recovered.")


def remarks_on(run: Run, seen: Observations, *, model: str, rollouts: int, start: str) -> list[str]:
    """What the fitted profile says of where it comes from; `rollouts` counts those it is of."""
    lines = [
        f"Fitted by `lamas calibrate run={run.run_id}` on {datetime.now(UTC):%Y-%m-%d} to {model}",
        f"on benchmark {seen.benchmark}: {rollouts} rollouts of {len(seen.problems)} "
        f"problems, {len(seen.lengths)} calls, {len(seen.trials)} judged answers.",
        f"Starting profile: {start}. docs/simulated.md explains every key and how it is fitted.",
    ]
    if run.simulated:
        lines.append("The run itself was simulated: this profile says nothing of a real model.")
    return lines
