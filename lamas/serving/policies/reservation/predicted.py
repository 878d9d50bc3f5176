"""Reserve the predicted length and grow by blocks.

Maestro (arXiv 2606.12950) predicts the memory of each stage; that it reserves min(max_tokens,
conformal upper bound) and grows by blocks is our rule, because the paper says no more.
"""

from lamas.serving.call import Call

BLOCK_TOKENS = 64


class PredictedTokens:
    name = "predicted"

    def __init__(self, block_tokens: int = BLOCK_TOKENS) -> None:
        self._block_tokens = block_tokens

    def first(self, call: Call) -> int:
        return max(min(call.max_tokens, call.forecast.upper_tokens), 1)

    def grown(self, call: Call, reserved_tokens: int) -> int:
        return min(call.max_tokens, reserved_tokens + self._block_tokens)
