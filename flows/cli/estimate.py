"""`lamas estimate`: what a candidate would have brought on a gateway's requests."""

import argparse

from flows.cli.line import Command, add_overrides, place_of
from lamas.errors import WarehouseError


def _handle(options: argparse.Namespace) -> int:
    place = place_of(options)
    if place is None:
        return 0
    from flows.wiring.warehouse import open_warehouse
    from lamas.report.candidates import print_tried, tried

    rows = open_warehouse(place).query("FROM trial_outcomes ORDER BY received_at, request_id")
    if rows.is_empty():
        raise WarehouseError(
            f"no candidate was tried on a request in {place.warehouse}: start `lamas gateway "
            "gateway.candidate=CHECKPOINT gateway.candidate_share=0.1`, or wait until its "
            "requests have landed"
        )
    print_tried(tried(rows.iter_rows(named=True)))
    return 0


COMMAND = Command(
    name="estimate",
    text="what a gateway's candidate would bring beside its champion, doubly robust",
    add=add_overrides,
    handle=_handle,
)
