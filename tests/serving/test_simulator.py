"""Whole simulations: what holds under every policy, and what a hand can compute."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lamas.errors import DomainError
from lamas.serving.dispatcher import Dispatcher
from lamas.serving.node import NodeState
from lamas.serving.policies.catalogue import (
    ORACLE,
    PRIORITIES,
    RESERVATIONS,
    RETENTIONS,
    ROUTINGS,
    SCALINGS,
    WEIGHTS,
    PolicyNames,
)
from lamas.serving.simulation.records import Kept
from lamas.serving.workloads.workflow import Arrival, CallTruth, Piece, Workflow
from tests.serving.world import (
    LARGE,
    NODE,
    SHAPES,
    SMALL,
    arrivals,
    simulate,
    simulator,
    workflows,
)

NAMES = st.builds(
    PolicyNames,
    priority=st.sampled_from([*PRIORITIES, ORACLE]),
    reservation=st.sampled_from([*RESERVATIONS, ORACLE]),
    routing=st.sampled_from([*ROUTINGS]),
    weights=st.sampled_from([*WEIGHTS]),
    retention=st.sampled_from([*RETENTIONS]),
    scaling=st.sampled_from([*SCALINGS]),
)
QUIET = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def check_memory(node: NodeState) -> None:
    """Every byte is counted once, and they fit."""
    assert node.free_bytes >= -1e-6
    assert node.reserved_bytes == pytest.approx(
        sum(item.reserved_bytes for item in node.running.values())
    )
    assert node.weight_bytes == sum(SHAPES[name].weight_bytes for name in node.hosted)
    assert 0 <= node.cache.pinned_bytes <= node.cache.held_bytes + 1e-6
    for name, hosted in node.hosted.items():
        running = [item for item in node.running.values() if item.call.model == name]
        assert hosted.running == len(running) <= SHAPES[name].slots


@QUIET
@given(names=NAMES, seed=st.integers(0, 10_000), rate=st.sampled_from([0.5, 5.0, 50.0]))
def test_capacity_holds_and_every_call_ends_once(
    names: PolicyNames, seed: int, rate: float
) -> None:
    pool = workflows(12, seed=seed, known_graph=seed % 2 == 0)
    kept = Kept()
    run = simulator(names, kept)
    look = Dispatcher.look

    def checked(self: Dispatcher, node: NodeState, now: float) -> object:
        found = look(self, node, now)
        check_memory(node)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Dispatcher, "look", checked)
        run.run(iter(arrivals(pool, rate=rate, seed=seed)))
    assert sorted(item.call for item in kept.calls) == list(
        range(sum(len(item.calls) for item in pool))
    )
    assert sorted(item.workflow for item in kept.workflows) == list(range(len(pool)))
    for item in kept.calls:
        assert item.ready_at <= item.started_at <= item.first_token_at <= item.ended_at
        assert item.used_byte_seconds <= item.reserved_byte_seconds * (1 + 1e-9) + 1e-6
        assert 0 <= item.cached_tokens <= item.input_tokens
    for node in run.dispatcher.nodes:
        check_memory(node)
        assert not node.running
        assert not len(node.queue)
        assert node.reserved_bytes == node.load_seconds == node.upper_bytes == 0.0
    assert all(count == 0 for count in run.dispatcher.demand.waiting.values())
    assert all(count == 0 for count in run.dispatcher.demand.planned.values())
    for model, count in run.dispatcher.demand.hosts.items():
        assert count == sum(model in node.hosted for node in run.dispatcher.nodes)


def test_equal_inputs_give_equal_records() -> None:
    pool = workflows(40, seed=3)
    names = PolicyNames(priority="slack", reservation="predicted", routing="maestro")
    first, second = (simulate(names, pool, rate=10.0) for _ in range(2))
    assert first == second


def test_layers_wait_for_the_ones_before_and_for_their_delay() -> None:
    pool = workflows(30, seed=5)
    kept = simulate(PolicyNames(), pool, rate=1.0)
    by_workflow: dict[int, list[tuple[int, float, float]]] = {}
    for item in kept.calls:
        by_workflow.setdefault(item.workflow, []).append((item.layer, item.ready_at, item.ended_at))
    seen = 0
    for number, found in by_workflow.items():
        ended = max(end for layer, _, end in found if layer == 0)
        for layer, ready, _ in found:
            if layer == 1:
                delay = pool[number].calls[-1].delay_seconds
                assert ready == pytest.approx(ended + delay)
                seen += 1
    assert seen > 5


def test_one_call_alone_takes_what_its_two_lines_say() -> None:
    call = CallTruth(
        role="a",
        model=SMALL,
        layer=0,
        output_tokens=50,
        max_tokens=50,
        prompt=(Piece(1, 100),),
    )
    item = Workflow(workflow_type="a", calls=(call,))
    kept = Kept()
    simulator(PolicyNames(), kept).run(iter([Arrival(1.0, item, 0, "s")]))
    (done,) = kept.workflows
    assert done.ended_at - 1.0 == pytest.approx(0.01 + 100e-4 + 50 * 0.011)
    assert done.idle_seconds == pytest.approx(done.ended_at - 1.0)


def test_a_cached_prefix_is_not_computed_again() -> None:
    call = CallTruth(
        role="a", model=SMALL, layer=0, output_tokens=1, max_tokens=1, prompt=(Piece(1, 400),)
    )
    item = Workflow(workflow_type="a", calls=(call,))
    again = [Arrival(at, item, 0, "s") for at in (0.0, 5.0)]
    took: dict[str, list[float]] = {}
    for retention in ("lru", "none"):
        kept = Kept()
        simulator(PolicyNames(retention=retention), kept, nodes=1).run(iter(again))
        took[retention] = [done.ended_at - done.arrived_at for done in kept.workflows]
        assert [done.cached_tokens for done in kept.calls] == [0, 400 * (retention == "lru")]
    assert took["lru"][1] == pytest.approx(took["lru"][0] - 400e-4)
    assert took["none"][1] == pytest.approx(took["none"][0])


def test_an_answer_that_outgrows_its_memory_preempts_the_least_urgent() -> None:
    """Two calls that fit at their first blocks and not at their ends."""
    calls = [
        CallTruth(
            role="a",
            model=SMALL,
            layer=0,
            output_tokens=900,
            max_tokens=1000,
            prompt=(Piece(1, 10),),
        )
        for _ in range(2)
    ]
    pool = [Workflow(workflow_type="a", calls=(call,)) for call in calls]
    kept = Kept()
    small = type(NODE)(
        memory_bytes=20_000 + 1500 * 200,
        usable_share=1.0,
        host_bytes=0.0,
        disk_bandwidth=1e9,
        load_seconds=0.0,
    )
    run = simulator(PolicyNames(reservation="paged"), kept, nodes=1, node=small)
    run.run(
        iter([Arrival(place / 100, item, place, f"s{place}") for place, item in enumerate(pool)])
    )
    first, second = sorted(kept.calls, key=lambda item: item.call)
    assert (first.preemptions, second.preemptions > 0) == (0, True)
    assert first.ended_at < second.ended_at


@pytest.mark.slow
@pytest.mark.parametrize("priority", ["maestro", "slack"])
def test_nobody_starves_behind_a_stream_of_shorter_work(priority: str) -> None:
    """A long workflow among many short ones that alone keep the node busy is not the last."""
    long = Workflow(
        workflow_type="a",
        calls=tuple(
            CallTruth(
                role="Draft",
                model=SMALL,
                layer=layer,
                output_tokens=110,
                max_tokens=120,
                prompt=(Piece(layer, 50),),
                parents=(layer - 1,) if layer else (),
            )
            for layer in range(4)
        ),
    )
    short = workflows(60, seed=9)
    pool = [*short[:5], long, *short[5:]]
    kept = simulate(PolicyNames(priority=priority), pool, rate=30.0, nodes=1)
    ended = {item.workflow: item.ended_at for item in kept.workflows}
    assert len(ended) == len(pool)
    assert any(ended[number] > ended[5] for number in range(6, len(pool)))


@pytest.mark.parametrize("weights", ["lru", "lru_host", "hierarchical"])
def test_weights_that_find_no_room_at_first_are_loaded_when_they_are_wanted(weights: str) -> None:
    """One node that holds either model, not both."""
    node = replace(NODE, memory_bytes=158_000)
    shapes = {**SHAPES, SMALL: replace(SHAPES[SMALL], weight_bytes=100_000)}

    def served(weights: str) -> Kept:
        names, pool = PolicyNames(weights=weights), workflows(12, seed=2)
        return simulate(names, pool, rate=0.5, nodes=1, node=node, shapes=shapes)

    kept = served(weights)
    assert {item.model for item in kept.calls} == {SMALL, LARGE}
    assert len(kept.workflows) == 12
    # What was there before lies in the host, where it may.
    assert any(item.tier == "host" for item in kept.cold_starts) == (weights != "lru")
    with pytest.raises(DomainError, match="find no room on 1 nodes"):
        served("always")


@pytest.mark.slow
@pytest.mark.parametrize("scaling", ["reactive", "projected"])
def test_the_only_node_of_a_model_is_never_closed(scaling: str) -> None:
    """Weights that stay where they are: whoever closes their node holds their calls for ever."""
    names = PolicyNames(weights="always", scaling=scaling)
    kept = simulate(
        names, workflows(12, seed=2), rate=0.5, node=replace(NODE, memory_bytes=158_000)
    )
    assert {item.model for item in kept.calls} == {SMALL, LARGE}
    assert len({item.node for item in kept.calls}) == 2
    assert len(kept.workflows) == 12
