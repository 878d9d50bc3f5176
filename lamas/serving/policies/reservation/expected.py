"""Reserve the expected length and grow by blocks, ours: calls that share a node share their luck.

A bound of each answer reserves for the worst of every call, and they do not all come to it at once.
Half-way through, an answer of the expected length holds half of what it reserves, which is what the
longer ones beside it grow into.
"""

import math

from lamas.serving.call import Call
from lamas.serving.policies.reservation.predicted import BLOCK_TOKENS


class ExpectedTokens:
    name = "expected"

    def __init__(self, block_tokens: int = BLOCK_TOKENS) -> None:
        self._block_tokens = block_tokens

    def first(self, call: Call) -> int:
        return max(min(call.max_tokens, math.ceil(call.forecast.output_tokens)), 1)

    def grown(self, call: Call, reserved_tokens: int) -> int:
        return min(call.max_tokens, reserved_tokens + self._block_tokens)
