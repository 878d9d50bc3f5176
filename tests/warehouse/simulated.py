"""A small simulated cell, run for real."""

from functools import cache

from lamas.domain.serving import SimulatedCell
from lamas.serving.policies.catalogue import PolicyNames
from lamas.serving.simulation.records import Kept
from tests.factories import make_run
from tests.serving.world import arrivals, simulator, workflows


@cache
def simulated_cell(policies: str = "maestro", seed: int = 0) -> tuple[SimulatedCell, Kept]:
    """Crowded enough that calls wait, overtake, grow and lose memory; weights move."""
    kept = Kept()
    names = PolicyNames(priority=policies, reservation="paged", weights="hierarchical")
    run = simulator(names, kept, nodes=2, sample_seconds=1.0)
    ended_at = run.run(iter(arrivals(workflows(40, seed=seed), rate=30.0, seed=seed)))
    cell = SimulatedCell(
        run_id=make_run().run_id,
        policies=policies,
        priority=names.priority,
        reservation=names.reservation,
        routing=names.routing,
        weights=names.weights,
        retention=names.retention,
        scaling=names.scaling,
        workload="made up",
        load=1.5,
        seed=seed,
        nodes=2,
        ended_at=ended_at,
        open_node_seconds=run.fleet.open_seconds,
    )
    return cell, kept
