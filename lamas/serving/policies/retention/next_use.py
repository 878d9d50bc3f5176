"""The prompt whose next use is fewest steps away stays (Pythia, arXiv 2604.25899; KVFlow).

A prompt whose workflow will not come back leaves first, a template that several workflows use stays
longest: its next use is as near as anybody's [own]. Ties leave least recently used first.
"""

from lamas.serving.prefix_cache import SegmentUse


class StepsToNextUse:
    name = "next_use"
    keeps = True

    def worth(self, use: SegmentUse) -> tuple[float, float]:
        steps = 0.0 if use.shared else use.steps_to_next_use
        return (-steps, use.last_used_at)
