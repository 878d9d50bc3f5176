"""Where single calls go, on nodes that a hand can judge."""

import pytest

from lamas.serving.call import Call, Segment
from lamas.serving.demand import Demand
from lamas.serving.node import NodeState, Running
from lamas.serving.policies.routing.least_loaded import LeastLoaded
from lamas.serving.policies.routing.maestro import LatencyAware
from lamas.serving.policies.routing.prefix_affine import PrefixAffine
from lamas.serving.policies.routing.pythia import PredictiveCapacity
from lamas.serving.policies.routing.round_robin import RoundRobin
from lamas.serving.policies.routing.routing import Routing
from lamas.serving.policies.routing.turns import LeastHarm
from lamas.serving.queue import Waiting
from tests.serving.calls import make_call, make_forecast, make_node, waits
from tests.serving.world import LARGE, SMALL


def chosen(
    routing: Routing, call: Call, *nodes: NodeState, previous: NodeState | None = None
) -> str:
    found = routing.choose(call, nodes, previous, 0.0)
    return "held" if found is None else found.name


def test_round_robin_and_least_loaded() -> None:
    first, second = make_node("a", SMALL), make_node("b", SMALL)
    assert [chosen(RoundRobin(), make_call(number), first, second) for number in range(3)] == [
        "a",
        "b",
        "a",
    ]
    waits(first, make_call(7))
    assert chosen(LeastLoaded(), make_call(8), first, second) == "b"


def test_prefix_affine_goes_to_the_cache_unless_little_of_the_prompt_is_there() -> None:
    cold, warm = make_node("cold", SMALL), make_node("warm", SMALL)
    prompt = (Segment(1, 60), Segment(2, 40))
    warm.cache.pin(SMALL, prompt[:1], 1.0, "w")
    waits(warm, make_call(7))
    assert chosen(PrefixAffine(), make_call(prompt=prompt), cold, warm) == "warm"
    longer = (*prompt[:1], Segment(3, 100))
    assert chosen(PrefixAffine(), make_call(prompt=longer), cold, warm) == "cold"
    for number in range(12):
        waits(warm, make_call(20 + number))
    assert chosen(PrefixAffine(), make_call(prompt=prompt), cold, warm) == "cold"


def test_maestro_avoids_cold_weights_queues_and_overflow() -> None:
    cold, hot = make_node("cold"), make_node("hot", LARGE)
    call = make_call(model=LARGE)
    assert chosen(LatencyAware(), call, cold, hot) == "hot"
    for number in range(20):
        waits(hot, make_call(number, model=LARGE))
    assert chosen(LatencyAware(), call, cold, hot) == "cold"
    full, free = make_node("full", LARGE), make_node("free", LARGE)
    full.upper_bytes = 2 * full.kv_bytes
    assert chosen(LatencyAware(), call, full, free) == "free"


def test_maestro_stays_where_the_session_was_unless_it_is_clearly_dearer() -> None:
    first, second = make_node("a", SMALL), make_node("b", SMALL)
    waits(second, make_call(1, forecast=make_forecast(call_seconds=0.02)))
    assert chosen(LatencyAware(), make_call(), first, second, previous=second) == "b"
    waits(second, make_call(2, forecast=make_forecast(call_seconds=5.0)))
    assert chosen(LatencyAware(), make_call(), first, second, previous=second) == "a"


def test_pythia_takes_most_headroom_and_holds_back_what_might_not_fit() -> None:
    first, second = make_node("a", SMALL), make_node("b", SMALL)
    waits(first, make_call(1))
    first.upper_bytes += 100_000
    assert chosen(PredictiveCapacity(), make_call(), first, second) == "b"
    waits(second, make_call(2))
    second.exceeding = first.exceeding = 8.0
    assert chosen(PredictiveCapacity(), make_call(), first, second) == "held"
    assert chosen(PredictiveCapacity(exceeding=9.0), make_call(), first, second) == "b"


def test_pythia_breaks_ties_by_the_cache() -> None:
    first, second = make_node("a", SMALL), make_node("b", SMALL)
    second.cache.pin(SMALL, (Segment(1, 20),), 1.0, "w")
    assert chosen(PredictiveCapacity(), make_call(), first, second) == "b"


def test_least_harm_keeps_away_from_turns_that_others_need() -> None:
    """A model that runs at a node costs its calls no further step, an idle one does."""
    small, large = make_node("small", SMALL, LARGE), make_node("large", SMALL, LARGE)
    for place, model in ((small, SMALL), (large, LARGE)):
        for number in range(2):
            call = make_call(number, model=model)
            place.running[number] = Running(
                waiting=Waiting(call, 0.0),
                started_at=0.0,
                cached_tokens=0,
                reserved_tokens=1,
                reserved_bytes=0.0,
            )
            place.hosted[model].running += 1
    assert chosen(LeastHarm(), make_call(9, model=SMALL), large, small) == "small"
    assert chosen(LeastHarm(), make_call(9, model=LARGE), small, large) == "large"


@pytest.mark.slow
def test_least_harm_leaves_room_to_what_graphs_in_flight_still_owe() -> None:
    wanted, free = make_node("wanted", SMALL, LARGE), make_node("free", SMALL)
    wanted.demand = free.demand = Demand(planned={LARGE: 8}, hosts={LARGE: 1, SMALL: 2})
    assert chosen(LeastHarm(), make_call(1, model=SMALL), wanted, free) == "free"
