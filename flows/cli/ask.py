"""`lamas ask`: one question, answered by the champion."""

import argparse

from flows.cli.line import Command, add_overrides, settings_of
from lamas.errors import ConfigurationError


def _add(parser: argparse.ArgumentParser) -> None:
    add_overrides(parser, text="QUESTION", text_help="the question, in quotes")


def _handle(options: argparse.Namespace) -> int:
    settings = settings_of(options)
    if settings is None:
        return 0
    if not options.text:
        raise ConfigurationError('give one question in quotes: lamas ask "What is 17 + 25?"')
    from flows.champion.ask import ask
    from flows.cli.stopping import run_until_signal

    run_until_signal(ask(options.text, settings))
    return 0


COMMAND = Command(
    name="ask",
    text="answer one question with the champion controller and draw its graph",
    add=_add,
    handle=_handle,
)
