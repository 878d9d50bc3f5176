"""`lamas gateway`: the champion as a model that any OpenAI client can call."""

import argparse
import sys

from flows.cli.line import Command, add_overrides, settings_of


def _handle(options: argparse.Namespace) -> int:
    settings = settings_of(options)
    if settings is None:
        return 0
    from flows.cli.stopping import run_until_signal
    from flows.gateway.serve import serve

    run_until_signal(serve(settings, _say))
    return 0


def _say(text: str) -> None:
    from lamas.domain.printable import printable

    print(f"  {printable(text)}", file=sys.stderr, flush=True)


COMMAND = Command(
    name="gateway",
    text="answer OpenAI clients with the champion, and record every request",
    add=add_overrides,
    handle=_handle,
)
