"""What every reservation of memory for an answer has in common."""

from typing import Protocol

from lamas.serving.call import Call


class Reservation(Protocol):
    """How many tokens of an answer get memory when its call starts, and when it outgrows them."""

    name: str

    def first(self, call: Call) -> int:
        """Tokens reserved at the start; between 1 and max_tokens."""
        ...

    def grown(self, call: Call, reserved_tokens: int) -> int:
        """Tokens reserved once the answer has filled `reserved_tokens`; more than these."""
        ...
