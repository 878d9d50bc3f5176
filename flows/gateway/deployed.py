"""The deployed controller as it is at the moment: taken over when another one is promoted."""

import asyncio
import logging
from collections.abc import Callable

from flows.champion.deployed import deployed_checkpoint, deployed_controller
from flows.wiring.parts import Parts
from lamas.errors import CheckpointError, LamasError
from lamas.gateway.deciding import Champion

_LOGGER = logging.getLogger(__name__)


class WatchedChampion:
    """Looks now and then whether the warehouse names another champion, and loads it beside the one
    that decides: requests on their way keep theirs.
    """

    def __init__(self, parts: Parts, *, every_seconds: float, told: Callable[[str], None]) -> None:
        """`told` hears the id of every checkpoint that begins to decide."""
        self._parts = parts
        self._every = every_seconds
        self._told = told
        self._current: Champion | None = None
        self._seen = (0, 0)

    def current(self) -> Champion | None:
        """The controller that decides; None before the first promotion."""
        return self._current

    async def look(self) -> None:
        """Load the champion if it is another one.

        Raises what loading raises; without a champion there is nothing to load.
        """
        try:
            found = await asyncio.to_thread(self._found)
        except CheckpointError:
            if self._parts.registry.champion() is None:
                return
            raise
        if found is not None:
            self._current = found
            self._told(found.checkpoint.checkpoint_id)

    async def watch(self) -> None:
        """Look until cancelled; what cannot be loaded leaves the one that decides in place."""
        while True:
            await asyncio.sleep(self._every)
            try:
                await self.look()
            except LamasError as error:
                _LOGGER.warning("the champion stays as it is: %s", error)

    def _found(self) -> Champion | None:
        # Asking a warehouse takes its file for a moment: only where it changed.
        stat = self._parts.settings.warehouse.stat()
        seen = (stat.st_mtime_ns, stat.st_size)
        if seen == self._seen:
            return None
        checkpoint = deployed_checkpoint(self._parts)
        current = self._current
        found = None
        if current is None or current.checkpoint.checkpoint_id != checkpoint.checkpoint_id:
            found = Champion(
                checkpoint=checkpoint,
                controller=deployed_controller(self._parts, checkpoint),
                units_per_second=self._units_per_second(checkpoint.checkpoint_id),
            )
        self._seen = seen
        return found

    def _units_per_second(self, checkpoint_id: str) -> float:
        fits = self._parts.warehouse.query(
            "SELECT clock FROM table_fits WHERE checkpoint_id = $1", [checkpoint_id]
        )
        # γ tokens of CP_len count as a second of tool time, and as T everywhere.
        counts_tokens = fits["clock"].to_list() == ["tokens"]
        return self._parts.settings.execution.gamma if counts_tokens else 1.0
