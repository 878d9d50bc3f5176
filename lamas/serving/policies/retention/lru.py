"""Prompts are kept; the least recently used leaves first (baseline, as servers do by default)."""

from lamas.serving.prefix_cache import SegmentUse


class LeastRecentlyUsedPrefix:
    name = "lru"
    keeps = True

    def worth(self, use: SegmentUse) -> tuple[float, float]:
        return (0.0, use.last_used_at)
