"""How much of a workflow is left, by history: seconds and steps after calls like this one.

T̂_future is the conditional median over history given where the call stands (Maestro, arXiv
2606.12950, as summaries give it): workflow type, role and invocation index; where too few calls
were seen, given less. Ours is that indices count in powers of two and that an index beyond those
seen often is taken for the last that was: work that has gone on for long mostly goes on for long.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from statistics import fmean, median

from lamas.serving.prediction.observed import ObservedCall

FEWEST = 8
"""Calls on which a median may rest."""

Key = tuple[str, str, int] | tuple[str, int] | tuple[str] | tuple[()]


def _key(workflow_type: str, role: str, invocation_index: int) -> tuple[str, str, int]:
    return (workflow_type, role, invocation_index.bit_length())


def _keys(workflow_type: str, role: str, invocation_index: int) -> Iterator[Key]:
    """What a call stands for, the closest first."""
    _, _, place = _key(workflow_type, role, invocation_index)
    for below in range(place, -1, -1):
        yield (workflow_type, role, below)
    for below in range(place, -1, -1):
        yield (role, below)
    yield (role,)
    yield ()


class RemainingHistory:
    """Medians of seconds and means of steps, by how much of the call's place is known."""

    def __init__(self, calls: Sequence[ObservedCall]) -> None:
        seconds: defaultdict[Key, list[float]] = defaultdict(list)
        steps: defaultdict[Key, list[int]] = defaultdict(list)
        for call in calls:
            kind, role, place = _key(call.workflow_type, call.role, call.invocation_index)
            for key in ((kind, role, place), (role, place), (role,), ()):
                seconds[key].append(call.seconds_after)
                steps[key].append(call.steps)
        self._found: dict[Key, tuple[float, float]] = {
            key: (median(seconds[key]), fmean(steps[key]))
            for key in seconds
            if len(seconds[key]) >= FEWEST or key == ()
        }

    def after(self, workflow_type: str, role: str, invocation_index: int) -> tuple[float, float]:
        """Seconds from the call's end to its workflow's, and steps with it; (0, 1) unseen."""
        for key in _keys(workflow_type, role, invocation_index):
            if key in self._found:
                return self._found[key]
        return (0.0, 1.0)
