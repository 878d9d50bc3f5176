"""`lamas prepare|collect|…|retrain|compare|sweep`: one flow on a real Prefect server."""

import argparse
import importlib
import logging
import sys
from collections.abc import Awaitable, Callable
from functools import partial

from flows.cli.line import Command, add_overrides, settings_of
from lamas.errors import ServerError

Flow = Callable[[list[str]], Awaitable[object]]

STAGES = {
    "prepare": "load, check, split and embed the benchmark's problems",
    "collect": "sample graphs for one batch of training problems and run them",
    "tabulate": "run each operator that reads no predecessor on each training problem",
    "credit": "label the critical path and assign credit to a run's decisions",
    "judge": "let a strong model answer what a gateway was asked and nobody said the answer to",
    "update": "one gradient step from a run's credited rollouts; writes a checkpoint",
    "evaluate": "answer the held-out problems with a checkpoint and the baselines",
    "retrain": "all of it: prepare, (collect, credit, update) × steps, evaluate, promote or not",
    "compare": "train variants over several seeds, weigh them on the same held-out problems",
    "profile": "fit what is expected of calls to stored rollouts, and show its held-out error",
    "simulate": "serve a workload on a simulated cluster under several sets of policies",
    "sweep": "the same for a grid of configuration values: what does each cost and bring?",
}


FILES = {"sweep": "compare", "profile": "simulate", "tabulate": "outcome_table"}
"""Flows in a file of another name: that of a flow beside it, or one that hides no package where
Prefect loads a flow by its file and puts that file's folder on the path of imports."""


def run_flow(options: argparse.Namespace) -> int:
    """Check what can be known before, start or find the server, run the flow until it ends."""
    settings = settings_of(options)
    if settings is None:
        return 0
    import asyncio

    from flows.cli.stopping import run_until_signal
    from flows.home.lock import brief_turn
    from flows.orchestrator.blank_database import is_ready
    from flows.orchestrator.server import answers, prefect_server

    load = partial(flow_of, options.command)

    def check() -> None:
        from flows.run.preflight import preflight

        asyncio.run(preflight(options.command, settings))

    def check_and_load() -> None:
        check()
        load()

    # Whoever writes has a server on this home's database: no second one while it is waited for. And
    # one that migrates is not to be ended in the middle, because a check failed.
    with brief_turn(settings.home) as is_free:
        at_once = is_free and is_ready(settings.prefect_home)
    if not at_once:
        check()
    with prefect_server(
        settings.prefect_home,
        port=settings.prefect.port,
        meanwhile=check_and_load if at_once else load,
    ) as server:
        # Prefect reads its settings when it is imported: not before the server is known.
        from httpx import TransportError
        from prefect import tags
        from prefect.exceptions import PrefectException, PrefectHTTPStatusError

        from flows.orchestrator.lost_events import give_up_events, tell_of_lost_events_once
        from flows.orchestrator.quiet import leave_runs_to_the_ui
        from flows.run.naming import run_tags

        leave_runs_to_the_ui()
        tell_of_lost_events_once()
        entrance = server.entrance(terminal=sys.stderr.isatty())
        print(f"Prefect UI: {entrance}", file=sys.stderr)
        try:
            with tags(*run_tags(settings)):
                run_until_signal(flow_of(options.command)(options.overrides))
        except (TransportError, PrefectException, PrefectHTTPStatusError) as error:
            if answers(server.api_url, timeout_seconds=10.0):
                raise
            give_up_events()
            raise ServerError(
                f"the Prefect server at {server.api_url} is gone ({type(error).__name__}): start "
                "it again; the same command goes on from here"
            ) from error
        finally:
            _deliver_logs()
        if server.owned:
            print(
                "The run's Prefect server is stopped; `lamas ui` opens what it recorded.",
                file=sys.stderr,
            )
    return 0


def flow_of(name: str) -> Flow:
    """The flow called `name`; Prefect is imported with it."""
    module = importlib.import_module(f"flows.{FILES.get(name, name)}")
    flow: Flow = getattr(module, name)
    return flow


def _deliver_logs() -> None:
    """Send what the runs logged while there is a server to receive it."""
    for name in ("prefect.flow_runs", "prefect.task_runs"):
        for handler in logging.getLogger(name).handlers:
            handler.flush()


COMMANDS = tuple(
    Command(name=name, text=text, add=add_overrides, handle=run_flow)
    for name, text in STAGES.items()
)
