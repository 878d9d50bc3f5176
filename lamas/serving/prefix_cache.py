"""Prompts whose keys and values a node holds: pinned while calls use them, evicted leaf first."""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import Protocol

from lamas.serving.call import Segment

STALE = 8
"""Places in the order of eviction for each segment, beyond which it is made anew."""
Key = tuple[str, int]
"""Model and segment."""


@dataclass(frozen=True, slots=True)
class SegmentUse:
    """What is known of a segment that nobody uses at the moment."""

    last_used_at: float
    steps_to_next_use: float
    """Expected steps of its workflow until it is read again; infinity when it never will be."""
    shared: bool
    """Several workflows have used it: a template rather than one workflow's own text."""


class Retention(Protocol):
    """What stays of prompts that are not in use."""

    name: str
    keeps: bool
    """False: nothing stays."""

    def worth(self, use: SegmentUse) -> tuple[float, float]:
        """The least worth is evicted first."""
        ...


@dataclass(slots=True)
class _Entry:
    parent: Key | None
    size: float
    pins: int = 0
    children: int = 0
    owner: str = ""
    shared: bool = False
    stamp: int = -1
    """Of its latest place in the order of eviction; −1 while it is pinned."""
    worth: tuple[float, float] = (0.0, 0.0)


class PrefixCache:
    """A tree of segments by model. Sizes are bytes; the caller keeps them within the memory."""

    def __init__(self, retention: Retention) -> None:
        self._retention = retention
        self._entries: dict[Key, _Entry] = {}
        self._order: list[tuple[tuple[float, float], int, Key]] = []
        self._stamps = 0
        self.held_bytes = 0.0
        """Of all segments."""
        self.pinned_bytes = 0.0
        """Of those that running calls use."""

    @property
    def idle_bytes(self) -> float:
        """What eviction could free; every unpinned segment has only unpinned ones behind it."""
        return self.held_bytes - self.pinned_bytes

    def cached_tokens(self, model: str, prompt: Sequence[Segment]) -> int:
        """Tokens of the longest beginning of the prompt that is held."""
        entries, found = self._entries, 0
        for segment in prompt:
            if (model, segment.identity) not in entries:
                break
            found += segment.tokens
        return found

    def missing_bytes(
        self, model: str, prompt: Sequence[Segment], token_bytes: float
    ) -> tuple[float, float]:
        """Bytes that pinning the prompt adds, and idle bytes that it takes out of reach."""
        missing = idle = 0.0
        for segment in prompt:
            entry = self._entries.get((model, segment.identity))
            if entry is None:
                missing += segment.tokens * token_bytes
            elif not entry.pins:
                idle += entry.size
        return missing, idle

    def pin(self, model: str, prompt: Sequence[Segment], token_bytes: float, workflow: str) -> None:
        """Hold every segment of the prompt until it is unpinned as often as it was pinned."""
        parent: Key | None = None
        for segment in prompt:
            key = (model, segment.identity)
            entry = self._entries.get(key)
            if entry is None:
                entry = _Entry(parent=parent, size=segment.tokens * token_bytes, owner=workflow)
                self._entries[key] = entry
                self.held_bytes += entry.size
                if parent is not None:
                    self._entries[parent].children += 1
            elif entry.owner != workflow:
                entry.shared = True
            if not entry.pins:
                self.pinned_bytes += entry.size
                entry.stamp = -1
            entry.pins += 1
            parent = key

    def unpin(
        self, model: str, prompt: Sequence[Segment], *, now: float, steps_to_next_use: float
    ) -> None:
        """Let go of a prompt; what nobody else uses may be evicted from now on."""
        for segment in reversed(prompt):
            key = (model, segment.identity)
            entry = self._entries[key]
            entry.pins -= 1
            if entry.pins:
                continue
            self.pinned_bytes -= entry.size
            entry.worth = self._retention.worth(SegmentUse(now, steps_to_next_use, entry.shared))
            if not self._retention.keeps and not entry.children:
                self._remove(key, entry)
            elif not entry.children:
                self._offer(key, entry)

    def evict(self, needed_bytes: float) -> float:
        """Evict least worth first until so many bytes are free or nothing is idle; bytes freed."""
        freed = 0.0
        while freed < needed_bytes and self._order:
            _, stamp, key = heappop(self._order)
            entry = self._entries.get(key)
            if entry is None or entry.stamp != stamp:
                continue
            freed += entry.size
            self._remove(key, entry)
        return freed

    def drop(self, model: str) -> None:
        """Forget all of a model whose weights go; none of its segments may be pinned."""
        for key in [key for key in self._entries if key[0] == model]:
            entry = self._entries.pop(key)
            assert not entry.pins
            self.held_bytes -= entry.size

    def _offer(self, key: Key, entry: _Entry) -> None:
        self._stamps += 1
        entry.stamp = self._stamps
        heappush(self._order, (entry.worth, entry.stamp, key))
        if len(self._order) > STALE * len(self._entries) + STALE:
            # Places that were given up stay in the heap until it is their turn: a template's never.
            self._order = [
                (held.worth, held.stamp, name)
                for name, held in self._entries.items()
                if held.stamp >= 0
            ]
            heapify(self._order)

    def _remove(self, key: Key, entry: _Entry) -> None:
        del self._entries[key]
        self.held_bytes -= entry.size
        if entry.parent is None:
            return
        parent = self._entries[entry.parent]
        parent.children -= 1
        if parent.children or parent.pins:
            return
        if self._retention.keeps:
            self._offer(entry.parent, parent)
        else:
            self._remove(entry.parent, parent)
