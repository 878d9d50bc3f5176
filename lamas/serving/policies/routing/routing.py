"""What every choice of a node has in common."""

from collections.abc import Sequence
from typing import Protocol

from lamas.serving.call import Call
from lamas.serving.node import NodeState


class Routing(Protocol):
    """Which node a ready call waits at."""

    name: str

    def choose(
        self, call: Call, nodes: Sequence[NodeState], previous: NodeState | None, now: float
    ) -> NodeState | None:
        """One of `nodes` (at least one; all of them may take the call), or None to hold it back.

        `previous` is the node of the session's last call; it may be missing among `nodes`.
        """
        ...
