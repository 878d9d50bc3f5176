"""What every order of waiting calls has in common."""

from typing import Protocol

from lamas.serving.call import Call
from lamas.serving.demand import Demand


class Priority(Protocol):
    """An order of the calls that wait at a node.

    Aging is part of the key: of two calls whose urgency grows with their wait at one rate, the
    order never changes, so that a term −rate · wait is a term + rate · arrival.
    """

    name: str
    changes: bool
    """Whether a key depends on the state of the cluster and is worth computing again."""

    def key(self, call: Call, demand: Demand) -> float:
        """Lower runs first."""
        ...
