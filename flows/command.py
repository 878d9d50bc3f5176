"""The `lamas` command: which flow or query a line on the terminal means."""

import argparse
import asyncio
import logging
import os
import re
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from flows.compose import CONFIG_FOLDER, load_settings
from flows.settings import Settings
from flows.tidy_exit import hide_leak_report
from lamas.errors import ConfigurationError, LamasError

STAGES = {
    "prepare": "load, check, split and embed the benchmark's problems",
    "collect": "sample graphs for one batch of training problems and run them",
    "credit": "label the critical path and assign credit to a run's decisions",
    "update": "one gradient step from a run's credited rollouts; writes a checkpoint",
    "evaluate": "answer the held-out problems with a checkpoint and the baselines",
    "retrain": "all of it: prepare, (collect, credit, update) × steps, evaluate, promote or not",
}

OVERRIDE = re.compile(r"[+~]{0,2}[A-Za-z_][\w./@]*(=|$)")
"""What Hydra reads as an override; a question or a query never looks like one."""

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
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: Sequence[str]) -> int:
    """Exit code of one command line."""
    options = _parser().parse_args(arguments)
    if options.command is None:
        _parser().print_help()
        return 2
    try:
        return options.handler(options)
    except LamasError as error:
        print(f"lamas: {error}", file=sys.stderr)
        return error.exit_code
    except (KeyboardInterrupt, asyncio.CancelledError):
        print(
            "lamas: stopped; what had finished is stored, the same command goes on from there",
            file=sys.stderr,
        )
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def _groups() -> str:
    lines = ["configuration groups (group=option, group.key=value):"]
    for folder in sorted(path for path in CONFIG_FOLDER.iterdir() if path.is_dir()):
        options = sorted(path.stem for path in folder.glob("*.yaml"))
        if options:
            lines.append(f"  {folder.name:<12} {', '.join(options)}")
    return "\n".join(lines)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One sentence here too, in place of the whole usage."""
        self.exit(2, f"lamas: {message}; `{self.prog} --help` shows what is understood\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="lamas",
        description=DESCRIPTION,
        epilog=f"{EXAMPLES}\n{_groups()}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")

    def add(
        name: str, text: str, handler: Callable[[argparse.Namespace], int]
    ) -> argparse.ArgumentParser:
        sub = commands.add_parser(
            name,
            help=text,
            description=f"{text[0].upper()}{text[1:]}.",
            epilog=_groups(),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        sub.set_defaults(handler=handler)
        return sub

    for name, text in STAGES.items():
        _add_overrides(add(name, text, _stage))
    ask = add("ask", "answer one question with the champion controller and draw its graph", _ask)
    _add_overrides(ask, text="QUESTION", text_help="the question, in quotes")
    sql = add("sql", "print the result of a read-only query on the warehouse", _sql)
    _add_overrides(sql, text="QUERY", text_help='SQL in quotes, for instance "FROM run_summary"')
    sql.add_argument("--file", type=Path, help="a .sql file instead, such as warehouse/queries/…")
    sql.add_argument("--format", choices=["table", "csv", "json"], default="table")
    report = add("report", "write a run (run=…; the latest retrain) as HTML and PNGs", _report)
    _add_overrides(report)
    audit = add("audit", "run every audit; exits 1 when one returns a row", _audit)
    _add_overrides(audit)
    ui = add("ui", "keep the Prefect UI open on the runs of this home folder", _ui)
    _add_overrides(ui)
    return parser


def _add_overrides(
    parser: argparse.ArgumentParser, *, text: str | None = None, text_help: str = ""
) -> None:
    name = f"{text}|OVERRIDE" if text else "OVERRIDE"
    help_text = f"{text_help}; and Hydra overrides" if text else "Hydra override"
    parser.add_argument("overrides", nargs="*", metavar=name, help=help_text)
    parser.add_argument("--cfg", choices=["job"], help="print the resolved configuration and stop")
    parser.set_defaults(takes_text=text is not None, text=None)


def _split_text(options: argparse.Namespace) -> None:
    """Take the question or query out of the overrides, wherever on the line it stands."""
    given: list[str] = options.overrides
    texts = [item for item in given if not OVERRIDE.match(item)]
    if not options.takes_text or not texts:
        return
    if len(texts) > 1:
        raise ConfigurationError(
            f"give one text in quotes, got {len(texts)}: {', '.join(map(repr, texts))}"
        )
    options.text = texts[0]
    options.overrides = [item for item in given if item is not texts[0]]


def _settings(options: argparse.Namespace) -> Settings | None:
    """The validated settings; None when they were only to be shown."""
    _split_text(options)
    settings = load_settings(options.overrides)
    if options.cfg:
        from omegaconf import OmegaConf

        print(OmegaConf.to_yaml(settings.model_dump(mode="json")), end="")
        return None
    return settings


def _stage(options: argparse.Namespace) -> int:
    settings = _settings(options)
    if settings is None:
        return 0
    from flows.preflight import preflight
    from flows.server import prefect_server
    from flows.stopping import run_until_signal

    asyncio.run(preflight(options.command, settings))
    with prefect_server(settings.prefect_home, port=settings.prefect.port) as server:
        # Prefect reads its settings when it is imported: not before the server is known.
        from flows import stages

        _leave_runs_to_the_ui()
        print(f"Prefect UI: {server.ui_url}", file=sys.stderr)
        try:
            run_until_signal(stages.FLOWS[options.command](options.overrides))
        finally:
            _deliver_logs()
        if server.owned:
            print(
                "The run's Prefect server is stopped; `lamas ui` opens what it recorded.",
                file=sys.stderr,
            )
    return 0


def _ask(options: argparse.Namespace) -> int:
    settings = _settings(options)
    if settings is None:
        return 0
    if not options.text:
        raise ConfigurationError('give one question in quotes: lamas ask "What is 17 + 25?"')
    from flows.ask import ask
    from flows.stopping import run_until_signal

    run_until_signal(ask(options.text, settings))
    return 0


def _sql(options: argparse.Namespace) -> int:
    settings = _settings(options)
    if settings is None:
        return 0
    from flows.storage import open_warehouse
    from flows.tables import print_frame, read_sql_file

    query: str | None = options.text if options.file is None else read_sql_file(options.file)
    if not (query and query.strip()):
        raise ConfigurationError('give one query in quotes, as in lamas sql "FROM run_summary"')
    print_frame(open_warehouse(settings).query(query, run_id=settings.run), options.format)
    return 0


def _report(options: argparse.Namespace) -> int:
    settings = _settings(options)
    if settings is None:
        return 0
    from flows.report.build import write_report
    from flows.storage import open_warehouse

    files = write_report(open_warehouse(settings), settings.run, settings.reports_folder)
    print(f"{files.page}\n{len(files.pictures)} charts in {files.page.with_suffix('')}{os.sep}")
    return 0


def _audit(options: argparse.Namespace) -> int:
    settings = _settings(options)
    if settings is None:
        return 0
    from flows.storage import open_warehouse
    from flows.tables import print_audit

    return print_audit(open_warehouse(settings).audit())


def _ui(options: argparse.Namespace) -> int:
    settings = _settings(options)
    if settings is None:
        return 0
    from flows.server import prefect_server

    home, port = settings.prefect_home, settings.prefect.port
    with prefect_server(home, port=port, keep_open=True) as server:
        print(f"Prefect UI: {server.ui_url}")
        if not server.owned:
            return 0
        print("Runs of this home folder use this server while it is open. Ctrl-C stops it.")
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        signal.pause()
    return 0


def _leave_runs_to_the_ui() -> None:
    """Keep what Prefect logs about flow and task runs off the terminal; its UI has it.

    A failed operator is a row with a reason, and whatever ends the command is printed by `run`, or
    by Python with a traceback when it is a bug: nothing is hidden, and nothing said twice.
    """

    def of_no_run(record: logging.LogRecord) -> bool:
        return not record.name.startswith(("prefect.flow_runs", "prefect.task_runs"))

    for handler in logging.getLogger().handlers:
        handler.addFilter(of_no_run)


def _deliver_logs() -> None:
    """Send what the runs logged while there is a server to receive it."""
    for name in ("prefect.flow_runs", "prefect.task_runs"):
        for handler in logging.getLogger(name).handlers:
            handler.flush()
