"""When workflows arrive: at random at a load, sessions that begin at random, or as a trace says."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

from lamas.errors import DomainError
from lamas.serving.shapes import ModelShape
from lamas.serving.workloads.weka import AgentSession
from lamas.serving.workloads.workflow import Arrival, Workflow


def rate_at(
    load: float, workflows: Sequence[Workflow], shapes: Mapping[str, ModelShape], nodes: int
) -> float:
    """Workflows a second at which `nodes` are busy to the share `load`, nothing cached.

    1 is what the nodes could just serve if every decode step were shared by 16 calls: a nominal
    capacity, the same for every policy. DomainError for a load that is not above 0.
    """
    if not load > 0:
        raise DomainError(f"load={load} must be > 0")
    mean = sum(workflow.machine_seconds(shapes) for workflow in workflows) / len(workflows)
    return load * nodes / mean


@dataclass(frozen=True, kw_only=True, slots=True)
class Surges:
    """Arrivals that swell now and then; the mean rate stays what it is."""

    factor: float = 1.0
    """How many times as many arrive a second in a surge as between two of them, ≥ 1."""
    seconds: float = 60.0
    """How long a surge lasts; the first one begins at 0."""
    every_seconds: float = 300.0
    """From the begin of one to that of the next."""

    def __post_init__(self) -> None:
        """DomainError for surges that do not swell, or that never end."""
        if not (self.factor >= 1 and 0 < self.seconds < self.every_seconds):
            raise DomainError(
                f"surges {self.factor:g} times as dense for {self.seconds:g} of every "
                f"{self.every_seconds:g} s: the factor must be >= 1 and a surge shorter than "
                "the time from one to the next"
            )

    def at(self, even: float) -> float:
        """When arrives what would arrive at `even` seconds at a rate that never changes."""
        between = self.every_seconds / (
            self.factor * self.seconds + self.every_seconds - self.seconds
        )
        periods, rest = divmod(even, self.every_seconds)
        swollen = between * self.factor * self.seconds
        if rest < swollen:
            return periods * self.every_seconds + rest / (between * self.factor)
        return periods * self.every_seconds + self.seconds + (rest - swollen) / between


def poisson(
    workflows: Sequence[Workflow],
    *,
    rate: float,
    count: int,
    seed: int,
    tenants: int = 1,
    surges: Surges | None = None,
) -> Iterator[Arrival]:
    """`count` workflows drawn with replacement, at a mean `rate` a second, one session each.

    Tenant t has a share 1 / t of the first one's arrivals.
    """
    rng = random.Random(seed)
    names = [f"tenant{number}" for number in range(1, tenants + 1)]
    weights = [1 / number for number in range(1, tenants + 1)]
    even = 0.0
    for number in range(count):
        even += rng.expovariate(rate)
        at = even if surges is None else surges.at(even)
        tenant = rng.choices(names, weights)[0]
        yield Arrival(at, rng.choice(workflows), number, f"s{number}", tenant)


def sessions(
    recorded: Sequence[AgentSession],
    *,
    rate: float,
    count: int,
    seed: int,
    longest_pause_seconds: float = 30.0,
) -> Iterator[Arrival]:
    """`count` sessions that begin at `rate` a second; each takes its turns one after another.

    Drawn with replacement; every copy has prompts of its own. Between turns the trace's time passes
    from begin to begin, users' pauses cut to `longest_pause_seconds` beyond what a turn's own
    tools take. The load is open: a turn does not wait for the one before.
    """
    rng = random.Random(seed)
    waiting: list[tuple[float, int, int, AgentSession]] = []
    at = 0.0
    for number in range(count):
        at += rng.expovariate(rate)
        while waiting and waiting[0][0] <= at:
            yield _turn(waiting, longest_pause_seconds)
        heappush(waiting, (at, number, 0, rng.choice(recorded)))
    while waiting:
        yield _turn(waiting, longest_pause_seconds)


def _turn(
    waiting: list[tuple[float, int, int, AgentSession]], longest_pause_seconds: float
) -> Arrival:
    at, number, place, session = heappop(waiting)
    began, workflow = session.turns[place]
    if place + 1 < len(session.turns):
        apart = session.turns[place + 1][0] - began
        busy = sum(call.delay_seconds for call in workflow.calls)
        heappush(
            waiting, (at + min(apart, busy + longest_pause_seconds), number, place + 1, session)
        )
    return Arrival(at, workflow, number, f"s{number}")


def scaled(arrivals: Sequence[Arrival], factor: float) -> Iterator[Arrival]:
    """A trace's arrivals `factor` times as fast."""
    for arrival in arrivals:
        yield Arrival(
            arrival.at / factor,
            arrival.workflow,
            arrival.instance,
            arrival.session,
            arrival.tenant,
        )
