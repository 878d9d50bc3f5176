"""`lamas report`: a run as one HTML file and charts."""

import argparse
import os

from flows.cli.line import Command, add_overrides, settings_of


def _handle(options: argparse.Namespace) -> int:
    settings = settings_of(options)
    if settings is None:
        return 0
    from flows.report import write_report
    from flows.wiring.parts import open_warehouse

    files = write_report(open_warehouse(settings), settings.run, settings.reports_folder)
    if settings.run is None:
        print(f"{files.run.kind} {files.run.run_id}, the latest completed run of its kinds")
    print(f"{files.page}\n{len(files.pictures)} charts in {files.page.with_suffix('')}{os.sep}")
    return 0


COMMAND = Command(
    name="report",
    text="write a run (run=…; the latest retrain, comparison or sweep) as HTML and PNGs",
    add=add_overrides,
    handle=_handle,
)
