"""`lamas audit`: every audit of the warehouse."""

import argparse

from flows.cli.line import Command, add_overrides, settings_of


def _handle(options: argparse.Namespace) -> int:
    settings = settings_of(options)
    if settings is None:
        return 0
    from flows.cli.printing import print_audit
    from flows.wiring.parts import open_warehouse

    return print_audit(open_warehouse(settings).audit())


COMMAND = Command(
    name="audit",
    text="run every audit; exits 1 when one returns a row",
    add=add_overrides,
    handle=_handle,
)
