"""`lamas serve`: a Prefect server, the deployments, and what runs them, until Ctrl-C."""

import argparse
import sys

from flows.cli.line import Command, add_overrides, settings_of


def _handle(options: argparse.Namespace) -> int:
    settings = settings_of(options)
    if settings is None:
        return 0
    import asyncio

    from flows.cli.stopping import run_until_signal
    from flows.orchestrator.server import prefect_server
    from flows.run.preflight import check_scheduled

    asyncio.run(check_scheduled(settings, options.overrides))
    home, port = settings.prefect_home, settings.prefect.port
    with prefect_server(home, port=port, keep_open=True) as server:
        from flows.schedules.serve import serve

        print(f"Prefect UI: {server.entrance(terminal=sys.stdout.isatty())}", flush=True)
        print("Ctrl-C pauses the schedules and stops what this command started.", flush=True)
        # Not uvloop: it undoes the signal mask that keeps Ctrl-C from the runs' processes.
        run_until_signal(serve(settings, options.overrides), run_loop=asyncio.run)
    return 0


COMMAND = Command(
    name="serve",
    text="run retrain, evaluate and report on their schedules on this machine",
    add=add_overrides,
    handle=_handle,
)
