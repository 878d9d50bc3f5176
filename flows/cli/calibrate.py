"""`lamas calibrate`: a simulated profile from recorded rollouts."""

import argparse

from flows.cli.line import Command, add_overrides, settings_of


def _handle(options: argparse.Namespace) -> int:
    settings = settings_of(options)
    if settings is None:
        return 0
    from flows.calibrate import calibrate_run
    from flows.cli.stopping import run_until_signal

    run_until_signal(calibrate_run(settings))
    output = settings.calibration.output
    print(f"{output}\nUse it with llm=simulated llm.simulated.profile={output}")
    return 0


COMMAND = Command(
    name="calibrate",
    text="fit the simulated model to a run's rollouts (run=…) and show how close it comes",
    add=add_overrides,
    handle=_handle,
)
