"""How large a simulated cluster is."""

from dataclasses import dataclass, field

from lamas.errors import ConfigurationError
from lamas.serving.node import NodeSpec


@dataclass(frozen=True, kw_only=True, slots=True)
class ClusterSpec:
    """Equal nodes; ConfigurationError for fewer than one."""

    nodes: int = 4
    node: NodeSpec = field(default_factory=NodeSpec)

    def __post_init__(self) -> None:
        if self.nodes < 1:
            raise ConfigurationError(f"nodes={self.nodes} must be ≥ 1")
