"""Least recently used weights leave, to the host's memory: the tiers without the choice."""

from lamas.serving.policies.weights.lru import LeastRecentlyUsed


class LeastRecentlyUsedInTiers(LeastRecentlyUsed):
    name = "lru_host"
    uses_host = True
