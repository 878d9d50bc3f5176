"""Single policies on states that a hand can judge, and what must not reach their decisions."""

from dataclasses import replace

import pytest

from lamas.domain.call_semantics import PlannedCall
from lamas.errors import ConfigurationError
from lamas.serving.call import Call
from lamas.serving.demand import Demand
from lamas.serving.policies.catalogue import (
    PRIORITIES,
    RESERVATIONS,
    ROUTINGS,
    PolicyNames,
    policies,
)
from lamas.serving.policies.priority.maestro import AGING
from lamas.serving.policies.priority.pythia import CompletionAndUnblock
from lamas.serving.policies.scaling.projected import Projected
from lamas.serving.policies.scaling.reactive import Reactive
from lamas.serving.policies.weights.hierarchical import Hierarchical
from lamas.serving.policies.weights.lru import LeastRecentlyUsed
from lamas.serving.queue import CallQueue, Waiting
from lamas.serving.workloads.workflow import Workflow
from tests.serving.calls import make_call, make_forecast, make_node
from tests.serving.world import LARGE, SMALL, arrivals, simulate, workflows


def order(name: str, *calls: Call, demand: Demand | None = None) -> list[int]:
    priority = PRIORITIES[name]()
    ranked = sorted(calls, key=lambda call: (priority.key(call, demand or Demand()), call.number))
    return [call.number for call in ranked]


def test_each_order_looks_at_what_it_is_named_after() -> None:
    early, late = make_call(0, ready_at=1.0), make_call(1, ready_at=2.0)
    assert order("fcfs", late, early) == [0, 1]
    due = make_call(0, deadline_seconds=9.0), make_call(1, deadline_seconds=3.0), make_call(2)
    assert order("edf", *due) == [1, 0, 2]
    jobs = [make_call(at, forecast=make_forecast(call_seconds=5.0 - at)) for at in range(3)]
    assert order("sjf", *jobs) == [2, 1, 0]
    served = [make_call(at, attained_seconds=5.0 - at) for at in range(3)]
    assert order("attained", *served) == [2, 1, 0]


def test_maestro_follows_history_and_slack_the_graph() -> None:
    history_says_short = make_call(
        0, rest=(), forecast=make_forecast(remaining_seconds=1.0, graph_seconds=9.0)
    )
    graph_says_short = make_call(
        1, rest=(), forecast=make_forecast(remaining_seconds=9.0, graph_seconds=1.0)
    )
    assert order("maestro", history_says_short, graph_says_short) == [0, 1]
    assert order("slack", history_says_short, graph_says_short) == [1, 0]


def test_a_branch_with_slack_waits_behind_the_critical_one() -> None:
    critical = make_call(1, rest=(), forecast=make_forecast(graph_seconds=5.0, slack_seconds=0.0))
    idle = make_call(0, rest=(), forecast=make_forecast(graph_seconds=5.0, slack_seconds=3.0))
    assert order("slack", idle, critical) == [1, 0]


@pytest.mark.parametrize("name", ["maestro", "slack"])
def test_whoever_waits_long_enough_comes_first(name: str) -> None:
    long = make_call(0, rest=(), forecast=make_forecast(remaining_seconds=9.0, graph_seconds=9.0))
    after = 8.0 / AGING
    for arrived, first in ((after - 1, 1), (after + 1, 0)):
        short = make_call(
            1,
            rest=(),
            workflow_arrived_at=arrived,
            forecast=make_forecast(remaining_seconds=1.0, graph_seconds=1.0),
        )
        assert order(name, long, short)[0] == first


def test_pythia_scores_ends_and_short_queues_in_steps() -> None:
    policy, demand = CompletionAndUnblock(), Demand(waiting={LARGE: 9})
    last = make_call(0, rest=(), forecast=make_forecast(remaining_steps=1.0))
    to_small = make_call(
        1, rest=((PlannedCall(role="J", model=SMALL),),), forecast=make_forecast(remaining_steps=2)
    )
    to_large = make_call(
        2, rest=((PlannedCall(role="J", model=LARGE),),), forecast=make_forecast(remaining_steps=2)
    )
    assert policy.key(last, demand) == -1.0
    assert policy.key(to_small, demand) == -1.5
    assert policy.key(to_large, demand) == -0.5
    # 30 seconds of waiting are worth a whole point.
    assert policy.key(make_call(3, ready_at=30.0, rest=()), demand) == 0.5


def test_weights_leave_by_age_or_by_what_keeping_them_is_worth() -> None:
    at = make_node("n", SMALL, LARGE)
    at.hosted[SMALL].last_used_at = 9.0
    both = list(at.hosted.values())
    assert LeastRecentlyUsed().victim(at, both, Demand(), 10.0).model == LARGE
    owed = Demand(planned={LARGE: 5})
    assert Hierarchical().victim(at, both, owed, 10.0).model == SMALL
    assert Hierarchical().victim(at, both, Demand(rate={SMALL: 1.0}), 10.0).model == LARGE


def test_scaling_follows_queues_or_what_graphs_in_flight_still_owe() -> None:
    nodes = [make_node("a"), make_node("b")]
    assert Reactive().wanted(nodes, Demand(waiting={SMALL: 20}), 4) == 3
    assert Reactive().wanted(nodes, Demand(waiting={SMALL: 20}), 2) == 2
    assert Reactive().wanted(nodes, Demand(), 4) == 1
    assert Projected(calls=10.0).wanted(nodes, Demand(planned={SMALL: 35}), 9) == 4
    assert Projected(calls=10.0).wanted(nodes, Demand(), 9) == 1


def test_the_queue_gives_what_sorting_would() -> None:
    queue, calls = (
        CallQueue(),
        [
            make_call(number, model=model, ready_at=float(-number % 7))
            for number, model in enumerate((SMALL, LARGE) * 10)
        ],
    )
    for call in calls:
        queue.push(Waiting(call, call.ready_at))
    taken: list[int] = []
    while (item := queue.best()) is not None:
        queue.pop(item)
        taken.append(item.call.number)
    assert taken == [
        call.number for call in sorted(calls, key=lambda call: (call.ready_at, call.number))
    ]


def test_an_oracle_needs_the_truth() -> None:
    with pytest.raises(ConfigurationError, match="the oracle needs a simulator"):
        policies(PolicyNames(priority="oracle"))
    with pytest.raises(ConfigurationError, match="choose one of round_robin"):
        policies(PolicyNames(routing="best"))


def other_futures(pool: tuple[Workflow, ...]) -> tuple[Workflow, ...]:
    """The same workflows whose last one turns out otherwise."""
    last = pool[-1]
    calls = tuple(
        replace(call, output_tokens=call.max_tokens if call.output_tokens < 60 else 1)
        for call in last.calls
    )
    return (*pool[:-1], replace(last, calls=calls))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "routing"),
    [*((name, "maestro") for name in PRIORITIES), *(("slack", name) for name in ROUTINGS)],
)
def test_no_decision_knows_the_future(name: str, routing: str) -> None:
    """Two worlds that are equal until the last arrival's answers: every start before is equal."""
    pool = workflows(25, seed=4)
    names = PolicyNames(
        priority=name, reservation="predicted", routing=routing, weights="hierarchical"
    )
    last_at = arrivals(pool, rate=20.0, seed=0)[-1].at
    worlds = [simulate(names, world, rate=20.0) for world in (pool, other_futures(pool))]
    seen = [
        [
            (item.call, item.node, item.started_at, item.first_reserved_tokens)
            for item in sorted(kept.calls, key=lambda item: item.call)
            if item.started_at <= last_at
        ]
        for kept in worlds
    ]
    assert seen[0] == seen[1]
    assert len(seen[0]) > 20
    first_of_last = [
        min((item for item in kept.calls if item.workflow == len(pool) - 1), key=lambda i: i.call)
        for kept in worlds
    ]
    assert first_of_last[0].upper_tokens == first_of_last[1].upper_tokens
    assert first_of_last[0].output_tokens != first_of_last[1].output_tokens


def test_slack_counts_what_a_workflow_had_where_no_graph_is_known() -> None:
    much = make_call(0, attained_seconds=9.0, forecast=make_forecast(remaining_seconds=1.0))
    little = make_call(1, attained_seconds=1.0, forecast=make_forecast(remaining_seconds=9.0))
    assert order("slack", much, little) == [1, 0]
    assert order("maestro", much, little) == [0, 1]


@pytest.mark.slow
def test_reservations_start_where_they_say_and_never_exceed_the_limit() -> None:
    call = make_call(max_tokens=100, forecast=make_forecast(output_tokens=50.2, upper_tokens=80))
    firsts = {name: made().first(call) for name, made in RESERVATIONS.items()}
    assert firsts == {"max_tokens": 100, "predicted": 80, "expected": 51, "paged": 64}
    for made in RESERVATIONS.values():
        assert made().grown(call, 90) == 100
