"""The same policies before a live model: what goes when, decided as the simulator decides."""

import asyncio

import pytest

from lamas.domain import ChatMessage
from lamas.domain.call_semantics import CallSemantics
from lamas.errors import DomainError
from lamas.llm.chat import ChatRequest, ChatResult
from lamas.serving.dispatcher import Dispatcher
from lamas.serving.live import DispatchedModel, labelled
from lamas.serving.node import NodeSpec, NodeState, Running
from lamas.serving.policies.catalogue import PolicyNames
from lamas.serving.shapes import ModelShape
from lamas.serving.simulation.cluster import ClusterSpec
from lamas.serving.simulation.records import Kept
from lamas.serving.simulation.simulator import Simulator
from lamas.serving.workloads.workflow import Arrival, CallTruth, Piece, Workflow
from tests.serving.world import FORECASTER, SMALL

NODE = NodeSpec(memory_bytes=1e9, usable_share=1.0)
SHAPE = ModelShape(
    layers=1,
    kv_heads=1,
    head_dim=1,
    weight_bytes=10.0,
    prefill_seconds=0.0,
    prefill_seconds_per_token=0.0,
    step_seconds=1.0,
    step_seconds_per_call=0.0,
    slots=1,
)


class Slow:
    """Answers when told to, in the order it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.release = asyncio.Event()

    async def complete(self, request: ChatRequest) -> ChatResult:
        self.asked.append(request.sample_key)
        await self.release.wait()
        return ChatResult(text=request.sample_key, attempts=())


def request(name: str, *, max_tokens: int = 10, operator: str = "Draft") -> ChatRequest:
    return ChatRequest(
        messages=(ChatMessage(role="user", content="four" * 4),),
        temperature=0.0,
        max_tokens=max_tokens,
        sample_key=name,
        seed=0,
        labels={"operator": operator, "problem_id": name, "layer": "2", "sample": "0"},
    )


def dispatched(model: Slow, names: PolicyNames | None = None) -> DispatchedModel:
    return DispatchedModel(model, name=SMALL, shapes={SMALL: SHAPE}, node=NODE, names=names)


def test_labels_of_the_executor_say_what_a_request_belongs_to() -> None:
    assert labelled(request("p1")) == CallSemantics(workflow="p1/0", role="Draft", layer=1)


async def order_of(names: PolicyNames | None, lengths: dict[str, int]) -> list[str]:
    """In which order one slot serves requests that all wait behind the first."""
    slow = Slow()
    model = dispatched(slow, names)
    tasks = [
        asyncio.create_task(model.complete(request(name, max_tokens=length)))
        for name, length in lengths.items()
    ]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert slow.asked == ["first"]
    slow.release.set()
    results = await asyncio.gather(*tasks)
    assert [result.text for result in results] == list(lengths)
    return slow.asked


LENGTHS = {"first": 50, "long": 40, "short": 10, "middle": 20}


async def test_first_come_first_served_is_the_default_and_another_order_is_a_name() -> None:
    assert await order_of(None, LENGTHS) == ["first", "long", "short", "middle"]
    shortest = PolicyNames(priority="sjf", weights="always")
    assert await order_of(shortest, LENGTHS) == ["first", "short", "middle", "long"]


async def test_a_request_that_is_cancelled_or_fails_leaves_its_place() -> None:
    slow = Slow()
    model = dispatched(slow)
    tasks = [asyncio.create_task(model.complete(request(name))) for name in ("a", "b", "c")]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    tasks[1].cancel()
    tasks[0].cancel()
    slow.release.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert slow.asked == ["a", "c"]
    assert isinstance(results[2], ChatResult)
    (node,) = model.dispatcher.nodes
    assert not node.running
    assert not len(node.queue)
    assert node.reserved_bytes == node.load_seconds == 0.0
    assert model.dispatcher.demand.waiting[SMALL] == 0


@pytest.mark.slow
async def test_what_no_memory_could_hold_is_refused_with_its_size() -> None:
    model = dispatched(Slow())
    with pytest.raises(DomainError, match="shorten the prompt or lower max_tokens"):
        await model.complete(request("big", max_tokens=10**9))


@pytest.mark.slow
async def test_live_and_simulated_decisions_are_of_the_same_objects(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One slot, the same arrivals: both start the same calls in the same order, by one method."""
    starts: list[str] = []
    start = Dispatcher._start  # pyright: ignore[reportPrivateUsage]

    def noted(
        self: Dispatcher, node: NodeState, hosted: object, head: object, now: float
    ) -> Running:
        running = start(self, node, hosted, head, now)  # pyright: ignore[reportArgumentType]
        starts.append(running.call.semantics.role)
        return running

    monkeypatch.setattr(Dispatcher, "_start", noted)
    names = PolicyNames(priority="fcfs", weights="always")
    pool = [
        Workflow(
            workflow_type="a",
            calls=(
                CallTruth(
                    role=name,
                    model=SMALL,
                    layer=0,
                    output_tokens=length,
                    max_tokens=length,
                    prompt=(Piece(1, 8),),
                ),
            ),
        )
        for name, length in LENGTHS.items()
    ]
    simulator = Simulator(
        cluster=_one_node(),
        shapes={SMALL: SHAPE},
        names=names,
        forecaster=FORECASTER,
        deadlines={},
        sink=Kept(),
    )
    simulator.run(
        iter([Arrival(place / 100, item, place, f"s{place}") for place, item in enumerate(pool)])
    )
    simulated, starts[:] = list(starts), []
    slow = Slow()
    slow.release.set()
    model = dispatched(slow, names)
    await asyncio.gather(
        *(
            model.complete(request(name, max_tokens=length, operator=name))
            for name, length in LENGTHS.items()
        )
    )
    assert starts == simulated == list(LENGTHS)
    assert type(model.dispatcher) is type(simulator.dispatcher)
    live, other = model.dispatcher.policies, simulator.dispatcher.policies
    for kind in ("priority", "reservation", "routing", "weights", "retention", "scaling"):
        assert type(getattr(live, kind)) is type(getattr(other, kind))
    assert type(model.dispatcher.nodes[0]) is type(simulator.dispatcher.nodes[0])


def _one_node() -> ClusterSpec:
    return ClusterSpec(nodes=1, node=NODE)
