"""From the journal into the warehouse, in a process of its own.

Parquet and the warehouse would hold the gateway's threads up for a second at a time, and what they
keep in memory would grow with the warehouse.
"""

import asyncio
import logging
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from pathlib import Path

from flows.gateway.journal import Journal
from flows.gateway.lander import ORDER, OUTCOME, PLACE, Order, Outcome, Place
from flows.home.intake import landed_by_gateways, served_folder
from lamas.domain import Run
from lamas.errors import LamasError, WarehouseError
from warehouse.served import known_request, landed_requests
from warehouse.warehouse import Warehouse

_LOGGER = logging.getLogger(__name__)


class Landing:
    """The way of what one gateway answered; its process starts when something is to be done."""

    def __init__(self, place: Place, warehouse: Warehouse, say: Callable[[str], None]) -> None:
        self._place = place
        self._warehouse = warehouse
        self._say = say
        self._process: Process | None = None
        self._turn = asyncio.Lock()
        """Each order has its answer read before the next one is given."""

    async def land(self, segment: Path, run: Run) -> None:
        """Land a full segment with the row of its run; WarehouseError when it stays where it is."""
        await self._ordered(Order(segment=segment, run=run))

    async def take_in(self) -> None:
        """Store what has landed, unless another run has the writer's turn: it does so then."""
        await self._ordered(Order())

    async def take_over(self, now: float) -> None:
        """Land and store what gateways left that are no more; `now` in seconds since the epoch."""
        folder = served_folder(self._place.home)
        if folder.exists() and any(folder.iterdir()):
            await self._ordered(Order(left_by=now))

    def knows(self, request_id: str) -> bool:
        """Whether a request of that id is stored or has landed."""
        if known_request(self._warehouse, request_id):
            return True
        landed = landed_by_gateways(served_folder(self._place.home))
        return any(request_id in landed_requests(path) for path in landed)

    async def repeat(self, journal: Journal, every_seconds: float) -> None:
        """Land and take in until cancelled; what fails is tried again next time."""
        while True:
            await asyncio.sleep(every_seconds)
            try:
                await journal.land()
                await self.take_in()
            except LamasError as error:
                _LOGGER.warning("what was answered waits in the journal: %s", error)

    async def close(self) -> None:
        """Let the process end."""
        async with self._turn:
            if self._process is not None:
                await _ended(self._process)

    async def _ordered(self, order: Order) -> None:
        # Whoever gives up waiting leaves no answer behind that the next one would take for its own.
        await asyncio.shield(self._carried_out(order))

    async def _carried_out(self, order: Order) -> None:
        async with self._turn:
            # One that was killed left everything as it was.
            outcome = await self._answer(order) or await self._answer(order)
        if outcome is None:
            raise WarehouseError("the process that lands what was answered does not stay alive")
        for text in outcome.said:
            self._say(text)
        if outcome.error is not None:
            raise WarehouseError(outcome.error)

    async def _answer(self, order: Order) -> Outcome | None:
        """What came of it; None where the process ended instead of saying so."""
        process = self._process
        if process is None or process.returncode is not None:
            process = self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "flows.gateway.lander"),
                PLACE.dump_json(self._place).decode(),
                stdin=PIPE,
                stdout=PIPE,
            )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(ORDER.dump_json(order) + b"\n")
            await process.stdin.drain()
            line = await process.stdout.readline()
        except ConnectionError:
            line = b""
        if not line:
            await _ended(process)
            return None
        return OUTCOME.validate_json(line)


async def _ended(process: Process) -> int:
    """Wait for a process that has nothing more to read."""
    if process.stdin is not None:
        process.stdin.close()
    return await process.wait()
