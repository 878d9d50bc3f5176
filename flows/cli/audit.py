"""`lamas audit`: every audit of the warehouse."""

import argparse

from flows.cli.line import Command, add_overrides, place_of


def _handle(options: argparse.Namespace) -> int:
    place = place_of(options)
    if place is None:
        return 0
    from flows.cli.printing import print_audit
    from flows.wiring.warehouse import open_warehouse

    return print_audit(open_warehouse(place).audit())


COMMAND = Command(
    name="audit",
    text="run every audit; exits 1 when one returns a row",
    add=add_overrides,
    handle=_handle,
)
