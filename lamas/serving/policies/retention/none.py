"""No prompt is kept after its call (baseline)."""

from lamas.serving.prefix_cache import SegmentUse


class KeepNothing:
    name = "none"
    keeps = False

    def worth(self, use: SegmentUse) -> tuple[float, float]:
        return (0.0, use.last_used_at)
