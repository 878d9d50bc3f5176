"""The deployed controllers as they are at the moment: taken over when others are promoted."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence

from flows.champion.deployed import deployed_checkpoint, deployed_controller
from flows.wiring.parts import Parts
from lamas.domain import Checkpoint
from lamas.errors import CheckpointError, LamasError
from lamas.gateway.deciding import Champion
from lamas.gateway.trials import Candidate

_LOGGER = logging.getLogger(__name__)
LATEST = "latest"


class WatchedChampion:
    """Looks now and then whether the warehouse names other champions, or another candidate, and
    loads them beside those that decide: requests on their way keep theirs.
    """

    def __init__(self, parts: Parts, *, every_seconds: float, told: Callable[[str], None]) -> None:
        """`told` hears the id of every checkpoint that begins to decide as the champion."""
        self._parts = parts
        self._every = every_seconds
        self._told = told
        self._current: Champion | None = None
        self._tagged: Mapping[str, Champion] = {}
        self._candidate: Candidate | None = None
        self._seen = (0, 0)

    def current(self, tag: str | None = None) -> Champion | None:
        """The controller that decides, or the one of a tag; None before the first promotion."""
        return self._current if tag is None else self._tagged.get(tag)

    def tags(self) -> Sequence[str]:
        """Tags that have a champion of their own."""
        return tuple(self._tagged)

    def candidate(self) -> Candidate | None:
        """What is tried beside the champion; None for nothing."""
        return self._candidate

    async def look(self) -> None:
        """Load what is deployed if it is another one than before.

        Raises what loading raises; without a champion there is nothing to load.
        """
        before = self._current
        await asyncio.to_thread(self._look)
        after = self._current
        if after is not None and after is not before:
            self._told(after.checkpoint.checkpoint_id)

    async def watch(self) -> None:
        """Look until cancelled; what cannot be loaded leaves what decides in place."""
        while True:
            await asyncio.sleep(self._every)
            try:
                await self.look()
            except LamasError as error:
                _LOGGER.warning("what decides stays as it is: %s", error)

    def _look(self) -> None:
        # Asking a warehouse takes its file for a moment: only where it changed.
        stat = self._parts.settings.warehouse.stat()
        seen = (stat.st_mtime_ns, stat.st_size)
        if seen == self._seen:
            return
        registry = self._parts.registry
        try:
            self._current = self._loaded(deployed_checkpoint(self._parts))
        except CheckpointError:
            if registry.champion() is not None:
                raise
        # The champion first: what is wrong with another one is no matter of its.
        self._tagged = {tag: self._loaded(item) for tag, item in registry.tagged().items()}
        tried = self._tried()
        share = self._parts.settings.gateway.candidate_share
        self._candidate = tried and Candidate(chosen=self._loaded(tried), share=share)
        self._seen = seen

    def _tried(self) -> Checkpoint | None:
        name, registry = self._parts.settings.gateway.candidate, self._parts.registry
        if name is None:
            return None
        return registry.weighed_last() if name == LATEST else registry.checkpoint(name)

    def _loaded(self, checkpoint: Checkpoint) -> Champion:
        """The one that was loaded before, or a new one."""
        name, tried = checkpoint.checkpoint_id, self._candidate
        held = [self._current, *self._tagged.values(), tried and tried.chosen]
        for one in held:
            if one is not None and one.checkpoint.checkpoint_id == name:
                return one
        return Champion(
            checkpoint=checkpoint,
            controller=deployed_controller(self._parts, checkpoint),
            units_per_second=self._units_per_second(name),
        )

    def _units_per_second(self, checkpoint_id: str) -> float:
        fits = self._parts.warehouse.query(
            "SELECT clock FROM table_fits WHERE checkpoint_id = $1", [checkpoint_id]
        )
        # γ tokens of CP_len count as a second of tool time, and as T everywhere.
        counts_tokens = fits["clock"].to_list() == ["tokens"]
        return self._parts.settings.execution.gamma if counts_tokens else 1.0
