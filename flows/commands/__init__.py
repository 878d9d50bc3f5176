"""The subcommands of `lamas`, in the order `--help` shows them; one file each."""

from flows.commands import ask, audit, calibrate, report, sql, stage, ui
from flows.commands.line import Command

COMMANDS: tuple[Command, ...] = (
    *stage.COMMANDS,
    ask.COMMAND,
    sql.COMMAND,
    report.COMMAND,
    calibrate.COMMAND,
    audit.COMMAND,
    ui.COMMAND,
)
