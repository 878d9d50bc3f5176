"""Calls that wait at one node: by model, the most urgent first."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

from lamas.serving.call import Call


@dataclass(slots=True)
class Waiting:
    """A call that waits, and what it did before it was pre-empted."""

    call: Call
    key: float
    """Lower runs first; ties in order of readiness."""
    generated_tokens: int = 0
    """Tokens of the answer that it had when it was pre-empted; they are kept."""
    preemptions: int = 0

    def __lt__(self, other: "Waiting") -> bool:
        return (self.key, self.call.number) < (other.key, other.call.number)


class CallQueue:
    """One heap a model; the most urgent head of all is found among them."""

    def __init__(self) -> None:
        self._heaps: dict[str, list[Waiting]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Waiting]:
        return (item for heap in self._heaps.values() for item in heap)

    def count(self, model: str) -> int:
        """Calls that wait for one model."""
        return len(self._heaps.get(model, ()))

    def models(self) -> list[str]:
        """Models that somebody waits for."""
        return [model for model, heap in self._heaps.items() if heap]

    def push(self, item: Waiting) -> None:
        heappush(self._heaps.setdefault(item.call.model, []), item)
        self._count += 1

    def best(self, without: Collection[str] = ()) -> Waiting | None:
        """The most urgent call of models not in `without`; it stays in the queue."""
        best: Waiting | None = None
        for model, heap in self._heaps.items():
            if heap and model not in without and (best is None or heap[0] < best):
                best = heap[0]
        return best

    def pop(self, item: Waiting) -> None:
        """Take out what `best` gave."""
        popped = heappop(self._heaps[item.call.model])
        assert popped is item
        self._count -= 1

    def remove(self, call: Call) -> bool:
        """Take a call out wherever it stands; False where it is not in the queue."""
        heap = self._heaps.get(call.model, [])
        kept = [item for item in heap if item.call is not call]
        if len(kept) == len(heap):
            return False
        heapify(kept)
        self._heaps[call.model] = kept
        self._count -= 1
        return True

    def rescore(self, key: Callable[[Call], float]) -> None:
        """Give every waiting call the key it has now."""
        for heap in self._heaps.values():
            for item in heap:
                item.key = key(item.call)
            heapify(heap)
