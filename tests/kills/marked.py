"""The `lamas` command, telling on stderr which stage begins: where a kill falls must be known."""

import os
import sys
from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING, cast

from flows.cli import stopping

if TYPE_CHECKING:
    from prefect import Flow
    from prefect.client.schemas.objects import FlowRun, State

MARK = "@stage "


def run_marked(arguments: Sequence[str]) -> None:
    """Run the command line to its end; exits as the command does."""
    from flows.cli.main import main

    stopping.run_until_signal = _run_with_marks
    main(arguments)


def _run_with_marks(work: Awaitable[object]) -> None:
    # Not before: Prefect reads its settings when it is imported, and by now the server is known.
    from flows.cli.stage import STAGES, flow_of

    for name in STAGES:
        _hooked(flow_of(name)).on_running_hooks.append(_begins)
    _hooked(flow_of("evaluate")).on_completion_hooks.append(_evaluated)
    _run_until_signal(work)


def _hooked(flow: object) -> "Flow[..., object]":
    # It is typed as the function that it wraps.
    return cast("Flow[..., object]", flow)


_run_until_signal = stopping.run_until_signal


def _begins(flow: "Flow[..., object]", flow_run: "FlowRun", state: "State[object]") -> None:
    _tell(flow_run.name if flow.name != "retrain" else "open")


def _evaluated(flow: "Flow[..., object]", flow_run: "FlowRun", state: "State[object]") -> None:
    _tell("promote")


def _tell(name: str) -> None:
    os.write(2, f"{MARK}{name}\n".encode())


if __name__ == "__main__":
    run_marked(sys.argv[1:])
