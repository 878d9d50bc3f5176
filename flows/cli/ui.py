"""`lamas ui`: the Prefect UI, kept open."""

import argparse
import signal
import sys

from flows.cli.line import Command, add_overrides, settings_of


def _handle(options: argparse.Namespace) -> int:
    settings = settings_of(options)
    if settings is None:
        return 0
    from flows.orchestrator.server import prefect_server

    home, port = settings.prefect_home, settings.prefect.port
    with prefect_server(home, port=port, keep_open=True) as server:
        print(f"Prefect UI: {server.entrance(terminal=sys.stdout.isatty())}", flush=True)
        if not server.owned:
            return 0
        print("Runs of this home folder use this server while it is open. Ctrl-C stops it.")
        signal.pause()
    return 0


COMMAND = Command(
    name="ui",
    text="keep the Prefect UI open on the runs of this home folder",
    add=add_overrides,
    handle=_handle,
)
