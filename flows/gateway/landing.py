"""From the journal into the warehouse: Parquet now and then, taken in whenever it is our turn."""

import asyncio
import logging
import threading
from collections.abc import Callable
from pathlib import Path

from flows.gateway.journal import Journal
from flows.home.intake import landed_by_gateways, served_folder, take_in_served
from flows.home.lock import brief_turn
from lamas.errors import LamasError
from warehouse.served import known_request, landed_requests
from warehouse.warehouse import Warehouse

_LOGGER = logging.getLogger(__name__)


class Landing:
    """The way of what gateways answered, for one home."""

    def __init__(self, warehouse: Warehouse, home: Path, say: Callable[[str], None]) -> None:
        self._warehouse = warehouse
        self._home = home
        self._folder = served_folder(home)
        self._say = say
        self._alone = threading.Lock()
        """A turn whose wait was given up goes on in its thread: the next one comes after it."""

    def take_in(self) -> bool:
        """Store what has landed, unless another run has the writer's turn: it does so then."""
        if not landed_by_gateways(self._folder):
            return True
        with self._alone, brief_turn(self._home) as ours:
            if ours:
                take_in_served(self._warehouse, self._folder, self._say)
            return ours

    def knows(self, request_id: str) -> bool:
        """Whether a request of that id is stored or has landed."""
        if known_request(self._warehouse, request_id):
            return True
        return any(request_id in landed_requests(path) for path in landed_by_gateways(self._folder))

    async def repeat(self, journal: Journal, every_seconds: float) -> None:
        """Land and take in until cancelled; what fails is tried again next time."""
        while True:
            await asyncio.sleep(every_seconds)
            try:
                await journal.land()
                await asyncio.to_thread(self.take_in)
            except LamasError as error:
                _LOGGER.warning("what was answered waits in the journal: %s", error)
