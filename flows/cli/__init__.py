"""The subcommands of `lamas`, in the order `--help` shows them; one file each."""

from flows.cli import (
    ask,
    audit,
    backup,
    calibrate,
    champion,
    deploy,
    estimate,
    export,
    gateway,
    latency,
    prune,
    report,
    score,
    serve,
    sql,
    stage,
    ui,
)
from flows.cli.line import Command

COMMANDS: tuple[Command, ...] = (
    *stage.COMMANDS,
    ask.COMMAND,
    sql.COMMAND,
    report.COMMAND,
    score.COMMAND,
    calibrate.COMMAND,
    latency.COMMAND,
    audit.COMMAND,
    ui.COMMAND,
    champion.COMMAND,
    estimate.COMMAND,
    deploy.COMMAND,
    serve.COMMAND,
    gateway.COMMAND,
    export.COMMAND,
    backup.BACKUP,
    backup.RESTORE,
    prune.COMMAND,
)
