"""What calls are like (`profile`), and which policies serve them how well (`simulate`)."""

import asyncio
from dataclasses import dataclass

from prefect import flow, task, unmapped
from prefect.artifacts import acreate_markdown_artifact
from prefect.cache_policies import NO_CACHE

from flows.run.opening import session
from flows.run.session import Session
from flows.wiring.profile import fitted_profile
from flows.wiring.serving import World, build_world, run_cell
from lamas.errors import ConfigurationError
from lamas.evaluation.serving import CellFigures, compared, forecast_quality
from lamas.report.serving_tables import print_forecasts, print_serving, serving_markdown
from lamas.serving.prediction.observed import observations
from warehouse.simulations import Simulations


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """What one task simulates."""

    policies: str
    load: float
    seed: int

    def __str__(self) -> str:
        return f"{self.policies} · load {self.load:g} · seed {self.seed}"


class Bench:
    """What the tasks share. No dataclass: Prefect would look through every workflow for futures."""

    def __init__(self, world: World, current: Session) -> None:
        self.world = world
        self.current = current


@task(name="cell", task_run_name="{cell}", cache_policy=NO_CACHE, persist_result=False)
async def simulate_cell(cell: Cell, bench: Bench) -> None:
    """Simulate one cell in a thread and store it whole.

    May run twice: the same cell gives the same records, and a stored one stands.
    """
    found, kept = await asyncio.to_thread(
        run_cell,
        bench.world,
        bench.current.run.run_id,
        cell.policies,
        cell.load,
        cell.seed,
    )
    bench.current.writer.add_simulated(found, kept.records)


@flow(name="profile", flow_run_name="profile")
async def profile(overrides: list[str] | None = None) -> None:
    """Started by hand or by `retrain` at its end. Reads the finished rollouts of a run (`run=…`; of
    all runs by default), fits what a scheduler expects of calls to half of them; writes
    `length_profiles` of the other half and shows them beside the empirical quantile.

    May run twice: the profile that a run has stored stands. No model is asked.
    """
    async with session("profile", overrides) as current:
        try:
            found = await asyncio.to_thread(
                fitted_profile, current.settings, current.reader, current.batch_run
            )
        except ConfigurationError as error:
            if current.run.kind == "profile":
                raise
            current.say(f"calls were not profiled: {error}")
            return
        current.writer.add_length_profiles(found.records(current.run.run_id))
        print_forecasts(found.quality, found.expressions, found.held_out_roles)


@flow(name="simulate", flow_run_name="simulate")
async def simulate(overrides: list[str] | None = None) -> None:
    """Started by hand. Reads the files of `simulation` or stored rollouts; simulates every set of
    policies under every load with every seed, one mapped task each; writes `simulated_…` and shows
    tables.

    May run twice: an interrupted run is gone on with (stored cells are not simulated again), a
    completed one is made anew. No model is asked.
    """
    async with session("simulate", overrides) as current:
        config = current.settings.simulation
        world = await asyncio.to_thread(build_world, current.settings, current.reader)
        held_out = observations(world.held_out, world.shapes)
        print_forecasts(
            forecast_quality(
                observations(world.training, world.shapes), held_out, world.forecaster
            ),
            world.expressions,
            [[call.role for call in item.calls] for item in world.held_out],
        )
        stored = Simulations(current.warehouse)
        done = stored.cells(current.run.run_id)
        cells = [
            Cell(policies=name, load=load, seed=seed)
            for load in config.loads
            for name in config.policies
            for seed in range(current.settings.seed, current.settings.seed + config.seeds)
            if (name, load, seed) not in done
        ]
        current.say(f"{len(cells)} cells to simulate, {len(done)} are stored")
        if cells:
            futures = simulate_cell.map(cells, unmapped(Bench(world, current)))
            for future in futures:
                await asyncio.to_thread(future.result)
        figures = stored.figures(current.run.run_id, CellFigures)
        rows = compared(figures, config.reference)
        print_serving(rows, config.reference)
        # Drawing takes its time to load: only where there is something to draw.
        from flows.report import write_report

        folder = current.settings.reports_folder
        files = write_report(current.warehouse, current.run.run_id, folder)
        current.say(f"SLOs over load, completion times, memory and waits: {files.page}")
        await acreate_markdown_artifact(
            key="simulate", markdown=serving_markdown(rows, config.reference)
        )
