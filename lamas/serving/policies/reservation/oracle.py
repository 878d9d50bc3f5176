"""Reserve exactly the answer's length: a bound, never a policy to deploy."""

from collections.abc import Callable

from lamas.serving.call import Call


class OracleTokens:
    name = "oracle"

    def __init__(self, output_tokens: Callable[[Call], int]) -> None:
        """`output_tokens` is the hidden truth, given by a simulator alone."""
        self._output_tokens = output_tokens

    def first(self, call: Call) -> int:
        return max(self._output_tokens(call), 1)

    def grown(self, call: Call, reserved_tokens: int) -> int:
        return call.max_tokens
