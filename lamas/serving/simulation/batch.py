"""Decoding as a fluid: how far every running answer is, between two changes of the batch.

Between changes all models of a node take turns, one step each, so that a round takes
Σ (c + d · batch) seconds and every running call gains one token a round. One virtual clock that
counts rounds is then enough for all of them: a call that joined at round r with n tokens to go ends
at round r + n. Changes cost O(log batch), a token costs nothing.
"""

from collections.abc import Mapping
from heapq import heappop, heappush

from lamas.serving.node import Running
from lamas.serving.shapes import ModelShape

ROUNDING = 1e-6
"""Rounds that count as none."""


class Batch:
    """Calls that decode on one node."""

    def __init__(self, shapes: Mapping[str, ModelShape]) -> None:
        self._shapes = shapes
        self._counts: dict[str, int] = {}
        self._heap: list[tuple[float, int, Running]] = []
        self._joined: dict[int, tuple[float, int]] = {}
        """By call: the round at which it joined, and which entry of the heap is its own."""
        self._entries = 0
        self._round_seconds = 0.0
        self._rounds = 0.0
        self._at = 0.0

    @property
    def round_seconds(self) -> float:
        """Seconds in which every running call gains a token; 0 while none runs."""
        return self._round_seconds

    def advance(self, now: float, *, decoding: bool = True) -> None:
        """Let time go by; while a prompt is computed nothing is decoded."""
        if decoding and self._round_seconds:
            self._rounds += (now - self._at) / self._round_seconds
        self._at = now

    def join(self, running: Running, tokens: float) -> None:
        """Decode a call from now on; it is due after so many tokens."""
        model, number = running.call.model, running.call.number
        self._counts[model] = self._counts.get(model, 0) + 1
        self._entries += 1
        self._joined[number] = (self._rounds, self._entries)
        heappush(self._heap, (self._rounds + tokens, self._entries, running))
        self._pace()

    def leave(self, running: Running) -> float:
        """Decode a call no longer; the tokens it gained since it joined."""
        number = running.call.number
        joined, _ = self._joined.pop(number)
        self._counts[running.call.model] -= 1
        self._pace()
        if not self._joined:
            self._heap.clear()
        return self._rounds - joined

    def due(self) -> Running | None:
        """A call that has its tokens, if there is one now; it stays until it leaves."""
        while self._heap:
            due, entry, running = self._heap[0]
            if self._joined.get(running.call.number, (0.0, 0))[1] != entry:
                heappop(self._heap)
            elif due <= self._rounds + ROUNDING:
                return running
            else:
                return None
        return None

    def next_at(self) -> float:
        """When the next call is due, should nothing change; infinity while none runs."""
        if self.due() is not None:
            return self._at
        if not self._heap:
            return float("inf")
        return self._at + (self._heap[0][0] - self._rounds) * self._round_seconds

    def _pace(self) -> None:
        self._round_seconds = sum(
            self._shapes[model].step_seconds + self._shapes[model].step_seconds_per_call * count
            for model, count in self._counts.items()
            if count
        )
