"""The `lamas` command: which flow or query a line on the terminal means."""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

from flows.orchestrator.quiet import hide_leak_report
from lamas.errors import LamasError

DESCRIPTION = "Learn, per query, which LLM operators to run side by side and when to stop."

EXAMPLES = """\
examples:
  lamas retrain                                   train on the embedded model with the defaults
  lamas retrain experiment=demo seed=1            a smaller run, another seed
  lamas retrain llm=simulated controller=paper    the published controller, simulated model
  lamas evaluate llm=openai benchmark=gsm8k benchmark.path=gsm8k_test.jsonl
  lamas ask "What is 17 + 25 - 4?"                one question, with the chosen graph drawn
  lamas sql "FROM operator_bottlenecks"           ask the warehouse
  lamas report                                    the latest retrain as one HTML file and charts
  lamas retrain --cfg job                         show the resolved configuration, run nothing
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point; exits 0, or with the error's code after one sentence on stderr."""
    hide_leak_report()
    # Prompts, answers and programs are for their user alone, wherever a command writes them.
    os.umask(0o077)
    # Until a run takes the signals over itself, SIGTERM ends a command as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # So does the end of its terminal, unless somebody said that it shall not (`nohup`).
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.default_int_handler)
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: Sequence[str]) -> int:
    """Exit code of one command line."""
    try:
        parser = _parser()
        options = _options(parser, arguments)
        if options.command is None:
            parser.print_help()
            return 2
        return options.handler(options)
    except LamasError as error:
        # With it come all the nouns of the domain, which `--help` has no use for.
        from lamas.domain.printable import printable

        print(f"lamas: {printable(str(error))}", file=sys.stderr)
        return error.exit_code
    except PermissionError as error:
        if error.filename is None:
            raise
        print(
            f"lamas: {error.filename} may not be used by this user ({error.strerror}): "
            "change its permissions, or choose another place",
            file=sys.stderr,
        )
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except BaseException as error:
        if not _was_stopped(error):
            raise
        print(
            "lamas: stopped; what had finished is stored, the same command goes on from there",
            file=sys.stderr,
        )
        return 130


def _was_stopped(error: BaseException) -> bool:
    # Importing asyncio takes a tenth of a query's time; where nobody did, nothing was cancelled.
    asyncio = sys.modules.get("asyncio")
    cancelled = asyncio is not None and isinstance(error, asyncio.CancelledError)
    return cancelled or isinstance(error, KeyboardInterrupt)


def _options(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> argparse.Namespace:
    # What follows an option, argparse leaves over; overrides may stand anywhere on the line.
    options, rest = parser.parse_known_args(arguments)
    unknown = [item for item in rest if item.startswith("-")]
    if unknown:
        parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    if rest:
        options.overrides = [*options.overrides, *rest]
    return options


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One sentence here too, in place of the whole usage."""
        self.exit(2, f"lamas: {message}; `{self.prog} --help` shows what is understood\n")


def _parser() -> argparse.ArgumentParser:
    # Loaded here, where a signal already ends the command with a sentence.
    from flows.cli import COMMANDS
    from flows.cli.line import groups

    parser = _Parser(
        prog="lamas",
        description=DESCRIPTION,
        epilog=f"{EXAMPLES}\n{groups()}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND")
    for command in COMMANDS:
        sub = subparsers.add_parser(
            command.name,
            help=command.text,
            description=f"{command.text[0].upper()}{command.text[1:]}.",
            epilog=groups(),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add(sub)
        sub.set_defaults(handler=command.handle)
    return parser
