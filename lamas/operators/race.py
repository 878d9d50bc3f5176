"""What an operator's chains are told while others of their layer may make them superfluous."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Protocol

from lamas.llm import Turn

if TYPE_CHECKING:
    from lamas.operators.chain import Chain


class Race(Protocol):
    """One operator's part in a layer that ends at a quorum."""

    async def run(
        self, branch: int, chain: "Chain", work: Callable[[], Awaitable[str]]
    ) -> str | None:
        """What `work` on `chain` leaves; None when the layer ended without it.

        Raises what `work` raises.
        """
        ...

    def turn(self, branch: int) -> Turn | None:
        """What calls of that branch are sent with."""
        ...
