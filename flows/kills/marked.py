"""The `lamas` command, telling on stderr which stage begins: where a kill falls must be known."""

import os
import sys
from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING, cast

from flows import stopping

if TYPE_CHECKING:
    from prefect import Flow
    from prefect.client.schemas.objects import FlowRun, State

MARK = "@stage "


def run_marked(arguments: Sequence[str]) -> None:
    """Run the command line to its end; exits as the command does."""
    from flows.command import main

    stopping.run_until_signal = _run_with_marks
    main(arguments)


def _run_with_marks(work: Awaitable[object]) -> None:
    # Not before: Prefect reads its settings when it is imported, and by now the server is known.
    from flows.stages import FLOWS

    for flow in _hooked(FLOWS).values():
        flow.on_running_hooks.append(_begins)
    _hooked(FLOWS)["evaluate"].on_completion_hooks.append(_evaluated)
    _run_until_signal(work)


def _hooked(flows: object) -> "dict[str, Flow[..., object]]":
    # They are typed as the functions that they wrap.
    return cast("dict[str, Flow[..., object]]", flows)


_run_until_signal = stopping.run_until_signal


def _begins(flow: "Flow[..., object]", flow_run: "FlowRun", state: "State[object]") -> None:
    _tell(flow_run.name if flow.name != "retrain" else "open")


def _evaluated(flow: "Flow[..., object]", flow_run: "FlowRun", state: "State[object]") -> None:
    _tell("promote")


def _tell(name: str) -> None:
    os.write(2, f"{MARK}{name}\n".encode())


if __name__ == "__main__":
    run_marked(sys.argv[1:])
