"""One node as the scheduler keeps it: memory, hosted weights, running and waiting calls."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from lamas.serving.call import Call
from lamas.serving.demand import Demand
from lamas.serving.prefix_cache import PrefixCache, Retention
from lamas.serving.queue import CallQueue, Waiting
from lamas.serving.shapes import ModelShape

Tier = Literal["host", "disk"]


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeSpec:
    """A kind of node. The default is an 80 GB accelerator on a common host: an assumption."""

    memory_bytes: float = 80e9
    usable_share: float = 0.9
    """Of the memory, for weights and keys and values."""
    host_bytes: float = 256e9
    """Host memory for weights."""
    host_bandwidth: float = 25e9
    """Bytes a second from the host to the accelerator."""
    disk_bandwidth: float = 2.5e9
    """Bytes a second from the disk."""
    load_seconds: float = 1.0
    """Seconds of every load, on top of the bytes'."""
    start_seconds: float = 30.0
    """From asking for a further node to its first load."""

    def seconds_to_load(self, weight_bytes: float, tier: Tier) -> float:
        """t_load(tier) = bytes / bandwidth + constant."""
        bandwidth = self.host_bandwidth if tier == "host" else self.disk_bandwidth
        return weight_bytes / bandwidth + self.load_seconds


@dataclass(slots=True)
class Hosted:
    """A model whose weights lie in a node's memory or are on their way there."""

    model: str
    hot_at: float
    """When its weights are there."""
    last_used_at: float
    running: int = 0
    loading: bool = False
    draining: bool = False
    """It ends what it runs and takes no more."""


@dataclass(slots=True, eq=False)
class Running:
    """A call that holds memory of a node."""

    waiting: Waiting
    started_at: float
    cached_tokens: int
    reserved_tokens: int
    """Tokens of the answer that there is room for."""
    reserved_bytes: float
    growths: int = 0

    @property
    def call(self) -> Call:
        return self.waiting.call


class NodeState:
    """What policies may look at; only the dispatcher changes it."""

    def __init__(
        self, name: str, spec: NodeSpec, shapes: Mapping[str, ModelShape], retention: Retention
    ) -> None:
        self.name = name
        self.spec = spec
        self.shapes = shapes
        self.cache = PrefixCache(retention)
        self.demand = Demand()
        """What is asked of the whole cluster (`shared_demand`)."""
        self.queue = CallQueue()
        self.hosted: dict[str, Hosted] = {}
        self.host_tier: dict[str, float] = {}
        """Models whose weights lie in the host's memory, by when they came."""
        self.running: dict[int, Running] = {}
        self.reserved_bytes = 0.0
        """For answers; prompts are the cache's."""
        self.weight_bytes = 0.0
        self.load_seconds = 0.0
        """Machine seconds of everything that waits or runs, as forecast."""
        self.upper_bytes = 0.0
        """Σ of bounds of everything that waits or runs: prompt and upper length of the answer."""
        self.exceeding = 0.0
        """Σ of the probabilities that these bounds are exceeded (union bound)."""
        self.rescored_at = 0.0
        self.open = True
        """False: it is off, starting, or ends what it has."""

    @property
    def usable_bytes(self) -> float:
        return self.spec.memory_bytes * self.spec.usable_share

    @property
    def free_bytes(self) -> float:
        """Bytes that hold nothing; idle prefixes could be evicted beyond them."""
        return self.usable_bytes - self.weight_bytes - self.reserved_bytes - self.cache.held_bytes

    @property
    def kv_bytes(self) -> float:
        """Room for keys and values beside the weights that are there."""
        return self.usable_bytes - self.weight_bytes

    def calls(self) -> int:
        """Waiting and running."""
        return len(self.queue) + len(self.running)

    def tier(self, model: str) -> Tier:
        """Where the weights of a model would come from."""
        return "host" if model in self.host_tier else "disk"

    def seconds_to_host(self, model: str, now: float) -> float:
        """Until the model is hot: 0 where it is, the rest of a load that is under way."""
        hosted = self.hosted.get(model)
        if hosted is not None and not hosted.draining:
            return max(hosted.hot_at - now, 0.0)
        return self.spec.seconds_to_load(self.shapes[model].weight_bytes, self.tier(model))

    def batch(self, model: str) -> int:
        """Calls of the model that run."""
        hosted = self.hosted.get(model)
        return hosted.running if hosted is not None else 0

    def upper_bytes_of(self, call: Call) -> float:
        """Bytes that a call holds at the bound of its answer."""
        tokens = call.input_tokens + min(call.max_tokens, call.forecast.upper_tokens)
        return tokens * self.shapes[call.model].token_bytes


def shared_demand(nodes: Iterable[NodeState]) -> Demand:
    """One count of what is asked, for all nodes of a cluster."""
    demand = Demand()
    for node in nodes:
        node.demand = demand
    return demand
