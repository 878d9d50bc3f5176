"""The process beside a gateway that lands and takes in what was answered.

It reads orders as lines and answers each with a line. It ends with its gateway, however that ends:
there is nothing to read then.
"""

import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from flows.gateway.journal import land_left_behind, land_segment
from flows.home.intake import landed_by_gateways, served_folder, take_in_served
from flows.home.lock import brief_turn
from flows.wiring.warehouse import open_warehouse
from lamas.domain import Run
from lamas.errors import LamasError
from warehouse.warehouse import Warehouse

NICE = 5
"""Whoever waits for an answer comes first."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a gateway keeps what it answered, and which encoder it has."""

    home: Path
    warehouse: Path
    warehouse_wait_seconds: float
    encoder: str


@dataclass(frozen=True, kw_only=True)
class Order:
    """Land a full segment, with the row of its run, or what gateways left that are no more; or
    neither, and take in what has landed.
    """

    segment: Path | None = None
    run: Run | None = None
    left_by: float | None = None
    """Seconds since the epoch by which those had ended."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of an order: lines for whoever watches, and why it was not carried out."""

    said: list[str]
    error: str | None = None


PLACE, ORDER, OUTCOME = TypeAdapter(Place), TypeAdapter(Order), TypeAdapter(Outcome)


def take_in(warehouse: Warehouse, home: Path, say: Callable[[str], None]) -> None:
    """Store what has landed, unless another run has the writer's turn: it does so then."""
    folder = served_folder(home)
    if not landed_by_gateways(folder):
        return
    with brief_turn(home) as ours:
        if ours:
            take_in_served(warehouse, folder, say)


def carried_out(order: Order, place: Place, warehouse: Warehouse) -> Outcome:
    """What came of it; nothing that can be tried again is raised."""
    said: list[str] = []
    try:
        if order.segment is not None:
            land_segment(order.segment, encoder=place.encoder, run=order.run)
            return Outcome(said=said)
        if order.left_by is not None:
            folder = served_folder(place.home)
            if land_left_behind(folder, encoder=place.encoder, now=order.left_by):
                said.append("what an earlier gateway had answered when it was killed has landed")
        take_in(warehouse, place.home, said.append)
    except (LamasError, OSError) as error:
        return Outcome(said=said, error=str(error))
    return Outcome(said=said)


def main() -> None:
    """Carry out orders until there is nobody to give any."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # A terminal tells the gateway and its children alike: it still has something for us then.
        signal.signal(number, signal.SIG_IGN)
    os.umask(0o077)
    os.nice(NICE)
    place = PLACE.validate_json(sys.argv[1])
    warehouse = open_warehouse(place)
    for line in sys.stdin.buffer:
        outcome = carried_out(ORDER.validate_json(line), place, warehouse)
        sys.stdout.buffer.write(OUTCOME.dump_json(outcome) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
