"""`lamas prune`: runs deleted by age or by name."""

import argparse

from flows.cli.line import Command, add_overrides, settings_of


def _handle(options: argparse.Namespace) -> int:
    settings = settings_of(options)
    if settings is None:
        return 0
    from flows.cli.printing import print_frame
    from flows.home.prune import prune_home, pruning_frame

    before = settings.warehouse.stat().st_size if settings.warehouse.exists() else 0
    pruning = prune_home(settings)
    print_frame(pruning_frame(pruning), "table")
    what = f"{len(pruning.gone)} runs, {len(pruning.checkpoint_paths)} checkpoint files"
    if not settings.retention.apply:
        print(f"would delete {what}; retention.apply=true does it")
    else:
        after = settings.warehouse.stat().st_size
        print(
            f"deleted {what}; the warehouse had {before / 1e6:,.1f} MB, has {after / 1e6:,.1f} MB"
        )
    return 0


COMMAND = Command(
    name="prune",
    text="delete runs by age (retention.days=…) or by name (run=…), or show which would go",
    add=add_overrides,
    handle=_handle,
)
