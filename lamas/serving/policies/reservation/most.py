"""Reserve max_tokens: never outgrown, mostly unused (baseline)."""

from lamas.serving.call import Call


class MostTokens:
    name = "max_tokens"

    def first(self, call: Call) -> int:
        return call.max_tokens

    def grown(self, call: Call, reserved_tokens: int) -> int:
        return call.max_tokens
