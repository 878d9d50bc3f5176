"""A small made-up serving world for tests: two models, drawn workflows, a sink that keeps all."""

import random
from collections.abc import Mapping, Sequence

from lamas.serving.node import NodeSpec
from lamas.serving.policies.catalogue import PolicyNames
from lamas.serving.prediction.forecaster import Forecaster
from lamas.serving.prediction.observed import observations
from lamas.serving.shapes import ModelShape
from lamas.serving.simulation.cluster import ClusterSpec
from lamas.serving.simulation.records import Kept
from lamas.serving.simulation.simulator import Simulator
from lamas.serving.workloads.workflow import Arrival, CallTruth, Piece, Workflow

SMALL, LARGE = "small", "large"
SHAPES = {
    SMALL: ModelShape(
        layers=2,
        kv_heads=1,
        head_dim=25,
        weight_bytes=20_000,
        prefill_seconds=0.01,
        prefill_seconds_per_token=1e-4,
        step_seconds=0.01,
        step_seconds_per_call=0.001,
        slots=8,
    ),
    LARGE: ModelShape(
        layers=4,
        kv_heads=1,
        head_dim=25,
        weight_bytes=60_000,
        prefill_seconds=0.02,
        prefill_seconds_per_token=2e-4,
        step_seconds=0.02,
        step_seconds_per_call=0.002,
        slots=8,
    ),
}
"""200 and 400 bytes a token."""
NODE = NodeSpec(
    memory_bytes=500_000,
    usable_share=1.0,
    host_bytes=100_000,
    host_bandwidth=100_000,
    disk_bandwidth=20_000,
    load_seconds=0.1,
    start_seconds=2.0,
)


def workflow(rng: random.Random, *, known_graph: bool = True) -> Workflow:
    """One to three drafts side by side, and often a judge of them."""
    drafts = rng.randint(1, 3)
    calls = [
        CallTruth(
            role="Draft",
            model=rng.choice((SMALL, LARGE)),
            layer=0,
            output_tokens=rng.randint(1, 100),
            max_tokens=120,
            prompt=(Piece(1, 20, private=False), Piece(1, rng.randint(1, 60))),
        )
        for _ in range(drafts)
    ]
    if rng.random() < 0.6:
        calls.append(
            CallTruth(
                role="Judge",
                model=LARGE,
                layer=1,
                output_tokens=rng.randint(1, 30),
                max_tokens=120,
                prompt=(Piece(2, 30, private=False), Piece(2, rng.randint(1, 90))),
                parents=tuple(range(drafts)),
                delay_seconds=rng.choice((0.0, 0.5)),
            )
        )
    return Workflow(
        workflow_type=rng.choice(("a", "b")), calls=tuple(calls), known_graph=known_graph
    )


def workflows(count: int, *, seed: int, known_graph: bool = True) -> tuple[Workflow, ...]:
    rng = random.Random(seed)
    return tuple(workflow(rng, known_graph=known_graph) for _ in range(count))


def arrivals(pool: Sequence[Workflow], *, rate: float, seed: int) -> list[Arrival]:
    """Every workflow of the pool once, at `rate` a second."""
    rng = random.Random(seed)
    at, found = 0.0, list[Arrival]()
    for number, item in enumerate(pool):
        at += rng.expovariate(rate)
        found.append(Arrival(at, item, number, f"s{number}", rng.choice(("x", "y"))))
    return found


def forecaster(*, seed: int = 0) -> Forecaster:
    """Fitted to workflows that no test simulates."""
    return Forecaster(observations(workflows(60, seed=1_000 + seed), SHAPES), SHAPES)


FORECASTER = forecaster()


def simulator(
    names: PolicyNames,
    kept: Kept,
    *,
    nodes: int = 2,
    node: NodeSpec = NODE,
    shapes: Mapping[str, ModelShape] = SHAPES,
    sample_seconds: float | None = None,
) -> Simulator:
    return Simulator(
        cluster=ClusterSpec(nodes=nodes, node=node),
        shapes=shapes,
        names=names,
        forecaster=FORECASTER,
        deadlines={"a": 3.0, "b": 6.0},
        sink=kept,
        sample_seconds=sample_seconds,
    )


def simulate(
    names: PolicyNames,
    pool: Sequence[Workflow],
    *,
    rate: float = 4.0,
    seed: int = 0,
    nodes: int = 2,
    node: NodeSpec = NODE,
    shapes: Mapping[str, ModelShape] = SHAPES,
) -> Kept:
    kept = Kept()
    run = simulator(names, kept, nodes=nodes, node=node, shapes=shapes)
    run.run(iter(arrivals(pool, rate=rate, seed=seed)))
    return kept
