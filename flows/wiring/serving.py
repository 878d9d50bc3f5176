"""From settings to a simulated world: workload, model shapes, profiles, one run of a cell."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from flows.settings.settings import Settings
from flows.settings.simulation import SimulationConfig
from lamas.domain.serving import SimulatedCell
from lamas.errors import ConfigurationError
from lamas.serving.node import NodeSpec
from lamas.serving.policies.catalogue import PolicyNames
from lamas.serving.prediction.automaton import RoleAutomaton
from lamas.serving.prediction.expressions import BoundedExpressions
from lamas.serving.prediction.forecaster import Forecaster
from lamas.serving.prediction.observed import observations
from lamas.serving.shapes import ASSUMED_FILE, ModelShape, read_shapes
from lamas.serving.simulation.cluster import ClusterSpec
from lamas.serving.simulation.records import Kept
from lamas.serving.simulation.simulator import Simulator
from lamas.serving.workloads.arrivals import Surges, poisson, rate_at, scaled, sessions
from lamas.serving.workloads.azure import azure_arrivals
from lamas.serving.workloads.mooncake import mooncake_arrivals
from lamas.serving.workloads.recorded import in_halves, read_questions, recorded_workflows
from lamas.serving.workloads.rollouts import rollout_workflows
from lamas.serving.workloads.weka import AgentSession, read_sessions
from lamas.serving.workloads.workflow import Arrival, Workflow
from warehouse.reader import Reader


@dataclass(frozen=True, kw_only=True)
class World:
    """Everything that the cells of a simulation share. Profiles know the training part alone."""

    config: SimulationConfig
    shapes: Mapping[str, ModelShape]
    training: tuple[Workflow, ...]
    held_out: tuple[Workflow, ...]
    sessions: tuple[AgentSession, ...]
    """workload=agents: those that are simulated."""
    trace: tuple[Arrival, ...]
    """A trace's own arrivals, where it is replayed."""
    forecaster: Forecaster
    automaton: RoleAutomaton
    expressions: BoundedExpressions
    deadlines: Mapping[str, float]

    def arrivals(self, load: float, seed: int) -> Iterator[Arrival]:
        """Those of one cell: a function of load and seed."""
        config = self.config
        if self.trace:
            return scaled(self.trace, load)
        rate = rate_at(load, self.held_out, self.shapes, config.nodes)
        if self.sessions:
            turns = sum(len(item.turns) for item in self.sessions) / len(self.sessions)
            return sessions(self.sessions, rate=rate / turns, count=config.workflows, seed=seed)
        return poisson(
            self.held_out,
            rate=rate,
            count=config.workflows,
            seed=seed,
            tenants=config.tenants,
            surges=Surges(**config.surges.model_dump()),
        )


def build_world(settings: Settings, reader: Reader | None) -> World:
    """Read the workload and fit profiles to its training half.

    `reader` is needed for workload=rollouts alone. Raises ConfigurationError for a file that is
    not set or cannot be read, and for a model that no shape is known of.
    """
    config = settings.simulation
    training, held_out, simulated_sessions, trace = _workload(settings, reader)
    known = read_shapes(config.shapes or ASSUMED_FILE)
    used = sorted({call.model for item in (*training, *held_out) for call in item.calls})
    missing = [model for model in used if model not in known]
    if missing:
        raise ConfigurationError(
            f"no shape is known of model {missing[0]}: add it to simulation.shapes "
            f"({config.shapes or ASSUMED_FILE} has {', '.join(known)})"
        )
    shapes = {model: known[model] for model in used}
    sequences = [[call.role for call in item.calls] for item in training]
    automaton = RoleAutomaton.fit(sequences)
    idle: dict[str, list[float]] = {}
    for item in training:
        idle.setdefault(item.workflow_type, []).append(item.idle_seconds(shapes))
    return World(
        config=config,
        shapes=shapes,
        training=training,
        held_out=held_out,
        sessions=simulated_sessions,
        trace=trace,
        forecaster=Forecaster(
            observations(training, shapes),
            shapes,
            automaton=automaton,
            level=config.level,
            seed=settings.seed,
        ),
        automaton=automaton,
        expressions=BoundedExpressions.fit(sequences),
        deadlines={
            name: config.deadline_factor * median(seconds) for name, seconds in idle.items()
        },
    )


def run_cell(
    world: World, run_id: str, name: str, load: float, seed: int
) -> tuple[SimulatedCell, Kept]:
    """One set of policies under one load with one seed."""
    config, chosen = world.config, world.config.policies[name]
    kept = Kept()
    simulator = Simulator(
        cluster=ClusterSpec(nodes=config.nodes, node=NodeSpec(memory_bytes=config.memory_bytes)),
        shapes=world.shapes,
        names=PolicyNames(**chosen.model_dump()),
        forecaster=world.forecaster,
        deadlines=world.deadlines,
        sink=kept,
        sample_seconds=config.sample_seconds,
    )
    ended_at = simulator.run(world.arrivals(load, seed))
    cell = SimulatedCell(
        run_id=run_id,
        policies=name,
        workload=config.workload,
        load=load,
        seed=seed,
        nodes=config.nodes,
        ended_at=ended_at,
        open_node_seconds=simulator.fleet.open_seconds,
        **chosen.model_dump(),
    )
    return cell, kept


def _workload(
    settings: Settings, reader: Reader | None
) -> tuple[
    tuple[Workflow, ...], tuple[Workflow, ...], tuple[AgentSession, ...], tuple[Arrival, ...]
]:
    config, seed = settings.simulation, settings.seed
    match config.workload:
        case "recorded":
            asked = read_questions(
                _set(config.questions, "questions"),
                _set(config.answers, "answers"),
                benchmark=config.recorded_benchmark,
            )
            halves = in_halves(asked, seed=seed)
            first, second = (
                recorded_workflows(
                    half,
                    seed=seed + place,
                    benchmark=config.recorded_benchmark,
                    max_tokens=config.max_tokens,
                )
                for place, half in enumerate(halves)
            )
            return first, second, (), ()
        case "agents":
            folder = _set(config.traces, "traces")
            found = read_sessions(
                folder.glob("*.json"), models=config.stands_for, max_tokens=config.max_tokens
            )
            return *_session_halves(found), ()
        case "azure" | "mooncake":
            read = azure_arrivals if config.workload == "azure" else mooncake_arrivals
            arrivals = read(
                _set(config.traces, "traces"), model=config.model, max_tokens=config.max_tokens
            )
            # What came first is history, what came later is simulated.
            middle = len(arrivals) // 2
            later = arrivals[middle : middle + config.workflows]
            begin = later[0].at if later else 0.0
            shifted = tuple(
                Arrival(item.at - begin, item.workflow, item.instance, item.session)
                for item in later
            )
            return *_parts([item.workflow for item in arrivals], middle), (), shifted
        case "rollouts":
            if reader is None:
                raise ConfigurationError("workload=rollouts needs a warehouse that holds some")
            rollouts = reader.rollouts(settings.run, with_calls=True)
            found = rollout_workflows(rollouts, workflow_type=settings.benchmark.name)
            if len(found) < 2:
                raise ConfigurationError(
                    f"the warehouse holds {len(found)} finished rollouts in which a model "
                    "answered: name a run that has more with run=…"
                )
            return *_parts(found, len(found) // 2), (), ()


def _parts(
    found: Sequence[Workflow], middle: int
) -> tuple[tuple[Workflow, ...], tuple[Workflow, ...]]:
    return tuple(found[:middle]), tuple(found[middle:])


def _session_halves(
    found: Sequence[AgentSession],
) -> tuple[tuple[Workflow, ...], tuple[Workflow, ...], tuple[AgentSession, ...]]:
    """Every other session for the profiles, the rest for the simulation; one is used for both."""
    training = found[::2]
    held_out = found[1::2] or found
    first, second = (
        tuple(turn for item in half for _, turn in item.turns) for half in (training, held_out)
    )
    return first, second, tuple(held_out)


def _set(path: Path | None, name: str) -> Path:
    if path is None:
        raise ConfigurationError(f"simulation.{name} is missing: set it with simulation.{name}=…")
    return path
