"""Every policy by its name, and the five that a dispatcher asks."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from lamas.errors import ConfigurationError
from lamas.serving.call import Call
from lamas.serving.policies.priority.attained import LeastAttainedService
from lamas.serving.policies.priority.edf import EarliestDeadline
from lamas.serving.policies.priority.fcfs import FirstComeFirstServed
from lamas.serving.policies.priority.maestro import ShortestRemainingWorkflow
from lamas.serving.policies.priority.oracle import OracleShortestRemaining
from lamas.serving.policies.priority.priority import Priority
from lamas.serving.policies.priority.pythia import CompletionAndUnblock
from lamas.serving.policies.priority.sjf import ShortestJob
from lamas.serving.policies.priority.slack import TrueSlack
from lamas.serving.policies.reservation.expected import ExpectedTokens
from lamas.serving.policies.reservation.most import MostTokens
from lamas.serving.policies.reservation.oracle import OracleTokens
from lamas.serving.policies.reservation.paged import PagedTokens
from lamas.serving.policies.reservation.predicted import PredictedTokens
from lamas.serving.policies.reservation.reservation import Reservation
from lamas.serving.policies.retention.lru import LeastRecentlyUsedPrefix
from lamas.serving.policies.retention.next_use import StepsToNextUse
from lamas.serving.policies.retention.none import KeepNothing
from lamas.serving.policies.routing.least_loaded import LeastLoaded
from lamas.serving.policies.routing.maestro import LatencyAware
from lamas.serving.policies.routing.prefix_affine import PrefixAffine
from lamas.serving.policies.routing.pythia import PredictiveCapacity
from lamas.serving.policies.routing.round_robin import RoundRobin
from lamas.serving.policies.routing.routing import Routing
from lamas.serving.policies.routing.turns import LeastHarm
from lamas.serving.policies.scaling.fixed import AllNodes
from lamas.serving.policies.scaling.projected import Projected
from lamas.serving.policies.scaling.reactive import Reactive
from lamas.serving.policies.scaling.scaling import Scaling
from lamas.serving.policies.weights.always import AlwaysLoaded
from lamas.serving.policies.weights.hierarchical import Hierarchical
from lamas.serving.policies.weights.lru import LeastRecentlyUsed
from lamas.serving.policies.weights.lru_host import LeastRecentlyUsedInTiers
from lamas.serving.policies.weights.weights import Weights
from lamas.serving.prefix_cache import Retention


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyNames:
    """Which policy of each kind; the defaults are a plain server's behind a load balancer."""

    priority: str = "fcfs"
    reservation: str = "max_tokens"
    routing: str = "least_loaded"
    weights: str = "lru"
    retention: str = "lru"
    scaling: str = "all"


@dataclass(frozen=True, kw_only=True, slots=True)
class Policies:
    """What a dispatcher asks."""

    priority: Priority
    reservation: Reservation
    routing: Routing
    weights: Weights
    retention: Retention
    scaling: Scaling


@dataclass(frozen=True, kw_only=True, slots=True)
class Truth:
    """What only a simulator knows; the oracles ask it."""

    output_tokens: Callable[[Call], int]
    remaining_seconds: Callable[[Call], float]


PRIORITIES: dict[str, Callable[[], Priority]] = {
    "fcfs": FirstComeFirstServed,
    "edf": EarliestDeadline,
    "sjf": ShortestJob,
    "attained": LeastAttainedService,
    "maestro": ShortestRemainingWorkflow,
    "pythia": CompletionAndUnblock,
    "slack": TrueSlack,
}
RESERVATIONS: dict[str, Callable[[], Reservation]] = {
    "max_tokens": MostTokens,
    "predicted": PredictedTokens,
    "expected": ExpectedTokens,
    "paged": PagedTokens,
}
ROUTINGS: dict[str, Callable[[], Routing]] = {
    "round_robin": RoundRobin,
    "least_loaded": LeastLoaded,
    "prefix_affine": PrefixAffine,
    "maestro": LatencyAware,
    "pythia": PredictiveCapacity,
    "turns": LeastHarm,
}
WEIGHTS: dict[str, Callable[[], Weights]] = {
    "always": AlwaysLoaded,
    "lru": LeastRecentlyUsed,
    "lru_host": LeastRecentlyUsedInTiers,
    "hierarchical": Hierarchical,
}
RETENTIONS: dict[str, Callable[[], Retention]] = {
    "none": KeepNothing,
    "lru": LeastRecentlyUsedPrefix,
    "next_use": StepsToNextUse,
}
SCALINGS: dict[str, Callable[[], Scaling]] = {
    "all": AllNodes,
    "reactive": Reactive,
    "projected": Projected,
}
ORACLE = "oracle"
_Policy = TypeVar("_Policy")


def policies(names: PolicyNames, truth: Truth | None = None) -> Policies:
    """Build the named policies; ConfigurationError for an unknown name or an oracle without truth.

    `truth` makes the two oracles available.
    """
    priorities, reservations = dict(PRIORITIES), dict(RESERVATIONS)
    if truth is not None:
        priorities[ORACLE] = lambda: OracleShortestRemaining(truth.remaining_seconds)
        reservations[ORACLE] = lambda: OracleTokens(truth.output_tokens)
    return Policies(
        priority=_of("priority", names.priority, priorities),
        reservation=_of("reservation", names.reservation, reservations),
        routing=_of("routing", names.routing, ROUTINGS),
        weights=_of("weights", names.weights, WEIGHTS),
        retention=_of("retention", names.retention, RETENTIONS),
        scaling=_of("scaling", names.scaling, SCALINGS),
    )


def _of(kind: str, name: str, known: dict[str, Callable[[], _Policy]]) -> _Policy:
    if name not in known:
        raise ConfigurationError(
            f"{kind}={name} is no policy of the catalogue: choose one of {', '.join(known)}"
            + ("; the oracle needs a simulator" if name == ORACLE else "")
        )
    return known[name]()
