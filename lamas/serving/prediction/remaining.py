"""How much of a workflow is left, by history: seconds and steps after calls like this one.

T̂_future is the conditional median over history given where the call stands (Maestro, arXiv
2606.12950, as summaries give it): workflow type, role and invocation index; where too few calls
were seen, given less.
"""

from collections import defaultdict
from collections.abc import Sequence
from statistics import fmean, median

from lamas.serving.prediction.observed import ObservedCall

FEWEST = 8
"""Calls on which a median may rest."""

Key = tuple[str, str, int] | tuple[str, int] | tuple[str] | tuple[()]


def _keys(workflow_type: str, role: str, invocation_index: int) -> tuple[Key, ...]:
    return (
        (workflow_type, role, invocation_index),
        (role, invocation_index),
        (role,),
        (),
    )


class RemainingHistory:
    """Medians of seconds and means of steps, by how much of the call's place is known."""

    def __init__(self, calls: Sequence[ObservedCall]) -> None:
        seconds: defaultdict[Key, list[float]] = defaultdict(list)
        steps: defaultdict[Key, list[int]] = defaultdict(list)
        for call in calls:
            for key in _keys(call.workflow_type, call.role, call.invocation_index):
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
