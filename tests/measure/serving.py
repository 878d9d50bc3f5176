"""What policies reach on simulated clusters, and how fast a call is simulated.

    python -m tests.measure.serving speed 1000000
    python -m tests.measure.serving compare experiment=serving simulation.questions=q.parquet …

The second runs the cells of `lamas simulate` without a server or a warehouse and prints its tables.
"""

import resource
import sys
import time
from collections.abc import Sequence

from flows.settings.compose import load_settings
from flows.wiring.serving import build_world, run_cell
from lamas.domain.serving import ColdStart, NodeSample, ServedCall, ServedWorkflow
from lamas.evaluation.serving import CellFigures, cell_figures, compared, forecast_quality
from lamas.report.serving_tables import print_forecasts, print_serving
from lamas.serving.policies.catalogue import PolicyNames
from lamas.serving.prediction.observed import observations
from lamas.serving.simulation.cluster import ClusterSpec
from lamas.serving.simulation.simulator import Simulator
from lamas.serving.workloads.arrivals import poisson
from tests.serving.world import FORECASTER, NODE, SHAPES, workflows


class Counted:
    """A sink that keeps nothing."""

    calls = 0

    def call(self, record: ServedCall) -> None:
        self.calls += 1

    def workflow(self, record: ServedWorkflow) -> None: ...

    def sample(self, record: NodeSample) -> None: ...

    def cold_start(self, record: ColdStart) -> None: ...


def memory_mib() -> float:
    """Most memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def speed(calls: int) -> None:
    """Simulate about so many calls on four nodes at four fifths of what they can serve."""
    pool = workflows(500, seed=1)
    mean = sum(len(item.calls) for item in pool) / len(pool)
    names = PolicyNames(
        priority="slack", reservation="predicted", routing="maestro", retention="next_use"
    )
    for count in (calls // 50, calls):
        sink = Counted()
        simulator = Simulator(
            cluster=ClusterSpec(nodes=4, node=NODE),
            shapes=SHAPES,
            names=names,
            forecaster=FORECASTER,
            deadlines={},
            sink=sink,
        )
        began, cpu = time.monotonic(), time.process_time()
        simulator.run(poisson(pool, rate=5.6, count=round(count / mean), seed=0))
        seconds, own = time.monotonic() - began, time.process_time() - cpu
        print(
            f"{sink.calls} calls in {seconds:.1f} s ({own:.1f} s of processor): "
            f"{sink.calls / own * 60:,.0f} a minute of processor, {memory_mib():.0f} MiB at most",
            flush=True,
        )


def compare(overrides: Sequence[str]) -> None:
    """Every cell of the configuration, in this process."""
    settings = load_settings(list(overrides))
    config, world = settings.simulation, build_world(settings, None)
    training = observations(world.training, world.shapes)
    held_out = observations(world.held_out, world.shapes)
    print_forecasts(
        forecast_quality(training, held_out, world.forecaster),
        world.expressions,
        [[call.role for call in item.calls] for item in world.held_out],
    )
    for load in config.loads:
        figures: list[CellFigures] = []
        for name in config.policies:
            for seed in range(settings.seed, settings.seed + config.seeds):
                cell, kept = run_cell(world, "measured", name, load, seed)
                figures.append(
                    cell_figures(cell, kept.workflows, kept.calls, len(kept.cold_starts))
                )
        print_serving(compared(figures, config.reference), config.reference)
        sys.stdout.flush()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["speed", count]:
            speed(int(count))
        case ["compare", *overrides]:
            compare(overrides)
        case _:
            print(__doc__)
