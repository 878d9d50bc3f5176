"""Answers that were paid for: found again, kept, and asked for by one at a time."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Literal
from weakref import WeakValueDictionary

from lamas.domain import ModelCall
from lamas.errors import UnwritableError
from lamas.llm.chat import ChatResult
from lamas.llm.store import ResponseStore, replayed

logger = logging.getLogger(__name__)


def given(recorded: tuple[ModelCall, ...], blank: ModelCall) -> ChatResult:
    """A stored answer as that of the call that `blank` describes."""
    return ChatResult(text=recorded[-1].response_text or "", attempts=replayed(recorded, blank))


class KeptAnswers:
    """The response store of one model, if it has one, for one event loop."""

    def __init__(self, store: ResponseStore | None, where: str) -> None:
        """`where` is the model as complaints name it."""
        self._store = store
        self._where = where
        self._unstored: list[tuple[str, tuple[ModelCall, ...]]] = []
        """Paid answers, by key, that the store has not taken yet."""
        self._asking: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def found(self, key: str, status: Literal["ok", "cancelled"]) -> tuple[ModelCall, ...] | None:
        """Attempts stored under `key` of a call that ended so; what ended otherwise is none."""
        recorded = self._store.get(key) if self._store is not None else None
        return recorded if recorded is not None and recorded[-1].status == status else None

    def add(self, key: str, attempts: Sequence[ModelCall]) -> None:
        """Store what was paid, now or with the next call."""
        if self._store is not None:
            self._unstored.append((key, tuple(attempts)))
            # The answer is there and paid: it is used, and the next call will complain.
            with suppress(UnwritableError):
                self.store_all()

    def store_all(self) -> None:
        """Store the answers that are not stored; UnwritableError while that fails."""
        while self._store is not None and self._unstored:
            try:
                self._store.put(*self._unstored[0])
            except ValueError as error:
                # No later call can be the better for waiting until this one can be kept.
                logger.warning("an answer of %s is used but not kept: %s", self._where, error)
            del self._unstored[0]

    @asynccontextmanager
    async def alone_with(self, key: str, *, shared: bool) -> AsyncGenerator[None, None]:
        """One at a time asks for what others may reuse (`shared`): who comes second finds it."""
        if not shared:
            yield
            return
        lock = self._asking.setdefault(key, asyncio.Lock())
        async with lock:
            yield
