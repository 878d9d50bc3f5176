"""`lamas latency`: what a model call takes, fitted on measured calls, and how well CP_len tells."""

import argparse

from flows.cli.line import Command, add_overrides, settings_of


def _handle(options: argparse.Namespace) -> int:
    settings = settings_of(options)
    if settings is None:
        return 0
    from flows.home.lock import writer_lock
    from flows.latency import fit_run
    from flows.wiring.parts import open_warehouse
    from lamas.report.latency_table import print_latency

    with writer_lock(settings.home):
        results = fit_run(open_warehouse(settings), settings)
    for result in results:
        print_latency(result)
    return 0


COMMAND = Command(
    name="latency",
    text="fit a latency model on a run's measured calls (run=…, run=all; the latest), set it "
    "against CP_len, store it",
    add=add_overrides,
    handle=_handle,
)
