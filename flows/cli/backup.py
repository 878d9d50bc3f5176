"""`lamas backup` and `lamas restore`: a home folder in one file, and back."""

import argparse
from pathlib import Path

from flows.cli.line import Command, add_overrides, settings_of


def _add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="the backup, one file")
    add_overrides(parser)


def _backup(options: argparse.Namespace) -> int:
    settings = settings_of(options)
    if settings is None:
        return 0
    from flows.home.backup import backup

    manifest = backup(settings, options.file)
    size = options.file.stat().st_size / 1e6
    print(f"{options.file}: {len(manifest.sha256)} files of {settings.home}, {size:,.1f} MB")
    return 0


def _restore(options: argparse.Namespace) -> int:
    settings = settings_of(options)
    if settings is None:
        return 0
    from flows.cli.printing import print_audit
    from flows.home.backup import restore

    results = restore(settings, options.file)
    print(f"{settings.home} is restored from {options.file}")
    return print_audit(results)


BACKUP = Command(
    name="backup",
    text="write warehouse, paid responses and checkpoints to one file, also during a run",
    add=_add,
    handle=_backup,
)
RESTORE = Command(
    name="restore",
    text="put a backup into an empty home folder and run every audit",
    add=_add,
    handle=_restore,
)
