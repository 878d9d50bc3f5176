"""Reserve block by block and promise nothing (PagedAttention, arXiv 2309.06180; baseline)."""

from lamas.serving.call import Call
from lamas.serving.policies.reservation.predicted import BLOCK_TOKENS


class PagedTokens:
    name = "paged"

    def __init__(self, block_tokens: int = BLOCK_TOKENS) -> None:
        self._block_tokens = block_tokens

    def first(self, call: Call) -> int:
        return min(call.max_tokens, self._block_tokens)

    def grown(self, call: Call, reserved_tokens: int) -> int:
        return min(call.max_tokens, reserved_tokens + self._block_tokens)
