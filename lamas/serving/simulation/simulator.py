"""Workflows arrive, their calls become ready, run and end: the simulation of a whole cluster."""

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field

import simpy

from lamas.domain.call_semantics import CallSemantics
from lamas.domain.serving import NodeSample, ServedCall, ServedWorkflow
from lamas.serving.call import Call
from lamas.serving.dispatcher import Dispatcher
from lamas.serving.node import NodeState, Running
from lamas.serving.policies.catalogue import PolicyNames, Truth, policies
from lamas.serving.prediction.forecaster import Forecaster
from lamas.serving.shapes import ModelShape
from lamas.serving.simulation.cluster import ClusterSpec
from lamas.serving.simulation.fleet import TICK_SECONDS, Fleet
from lamas.serving.simulation.machine import Machine, Progress
from lamas.serving.simulation.records import Sink
from lamas.serving.workloads.workflow import Arrival, Workflow


@dataclass(slots=True)
class _Flow:
    """A workflow in flight."""

    number: int
    arrival: Arrival
    owed: list[int]
    """By place: parents that have not ended."""
    unfinished: set[int]
    tails: tuple[float, ...]
    idle_seconds: float
    attained_seconds: float = 0.0
    layer: int = -1
    """The last layer that became ready."""


@dataclass(slots=True)
class _Counts:
    calls: int = 0
    workflows: int = 0
    places: dict[int, tuple[_Flow, int]] = field(default_factory=dict[int, "tuple[_Flow, int]"])
    """By number of a call in flight."""


class Simulator:
    """One run of one cluster under one set of policies; the same inputs give the same records."""

    def __init__(
        self,
        *,
        cluster: ClusterSpec,
        shapes: Mapping[str, ModelShape],
        names: PolicyNames,
        forecaster: Forecaster,
        deadlines: Mapping[str, float],
        sink: Sink,
        sample_seconds: float | None = None,
    ) -> None:
        """`deadlines` are seconds from arrival by workflow type; a type without has none.

        A look at every node's memory is taken each `sample_seconds`. Raises ConfigurationError for
        a policy that is unknown, DomainError for weights that find no room.
        """
        self._environment = simpy.Environment()
        self._shapes = shapes
        self._forecaster = forecaster
        self._deadlines = deadlines
        self._sink = sink
        self._sample_seconds = sample_seconds
        self._counts = _Counts()
        self._progress: dict[int, Progress] = {}
        self._idle: dict[int, tuple[Workflow, tuple[float, ...], float]] = {}
        self._delayed_calls = 0
        self._last_end = 0.0
        self._arriving = True
        truth = Truth(output_tokens=self._output_tokens, remaining_seconds=self._remaining_seconds)
        chosen = policies(names, truth)
        nodes = [
            NodeState(f"node{place}", cluster.node, shapes, chosen.retention)
            for place in range(cluster.nodes)
        ]
        self.dispatcher = Dispatcher(nodes, chosen)
        self.dispatcher.place(sorted(shapes), 0.0)
        self._machines = {
            node.name: Machine(
                self._environment,
                node,
                self.dispatcher,
                progress=self._progress,
                ended=self._ended,
                moved=self._look,
                cold_start=sink.cold_start,
            )
            for node in nodes
        }
        self.fleet = Fleet(self._environment, self.dispatcher, moved=self._look)

    def run(self, arrivals: Iterator[Arrival]) -> float:
        """Serve all arrivals, which come in order of time; the second when the last one ended."""
        self._environment.process(self._arrive(arrivals))
        self._environment.process(self._tick())
        if self._sample_seconds is not None:
            self._environment.process(self._sample(self._sample_seconds))
        self._environment.run()
        return self._last_end

    def _arrive(self, arrivals: Iterator[Arrival]) -> Generator[simpy.Event]:
        for arrival in arrivals:
            if arrival.at > self._environment.now:
                yield self._environment.timeout(arrival.at - self._environment.now)
            self._begin(arrival)
        self._arriving = False

    @property
    def _busy(self) -> bool:
        return self._arriving or bool(self._counts.places) or self._delayed_calls > 0

    def _begin(self, arrival: Arrival) -> None:
        workflow = arrival.workflow
        key = id(workflow)
        if key not in self._idle:
            # Kept with the workflow, so that no other ever has its identity.
            self._idle[key] = (
                workflow,
                workflow.tails(self._shapes),
                workflow.idle_seconds(self._shapes),
            )
        _, tails, idle_seconds = self._idle[key]
        flow = _Flow(
            number=self._counts.workflows,
            arrival=arrival,
            owed=[len(call.parents) for call in workflow.calls],
            unfinished=set(range(len(workflow.calls))),
            tails=tails,
            idle_seconds=idle_seconds,
        )
        self._counts.workflows += 1
        if workflow.known_graph:
            self.dispatcher.demand.plans(workflow.models, 1)
        for place, call in enumerate(workflow.calls):
            if not call.parents:
                self._soon(flow, place)

    def _soon(self, flow: _Flow, place: int) -> None:
        delay = flow.arrival.workflow.calls[place].delay_seconds
        if not delay:
            self._ready(flow, place)
            return
        self._delayed_calls += 1

        def delayed(event: simpy.Event) -> None:
            self._delayed_calls -= 1
            self._ready(flow, place)

        self._environment.timeout(delay).callbacks.append(delayed)

    def _ready(self, flow: _Flow, place: int) -> None:
        now, arrival = self._environment.now, flow.arrival
        workflow, truth = arrival.workflow, arrival.workflow.calls[place]
        if workflow.known_graph:
            self.dispatcher.demand.plans({truth.model: 1}, -1)
        known = workflow.known_graph
        semantics = CallSemantics(
            workflow=f"w{flow.number}",
            workflow_type=workflow.workflow_type,
            session=arrival.session,
            tenant=arrival.tenant,
            role=truth.role,
            layer=truth.layer,
            invocation_index=workflow.invocation_indices[place],
            siblings=workflow.siblings[place] if known else (),
            rest=workflow.rests[truth.layer] if known else None,
            deadline_seconds=self._deadlines.get(workflow.workflow_type),
        )
        input_tokens = truth.input_tokens
        number = self._counts.calls
        self._counts.calls += 1
        call = Call(
            number=number,
            semantics=semantics,
            model=truth.model,
            input_tokens=input_tokens,
            max_tokens=truth.max_tokens,
            prompt=tuple(piece.segment(arrival.instance) for piece in truth.prompt),
            ready_at=now,
            workflow_arrived_at=arrival.at,
            attained_seconds=flow.attained_seconds,
            forecast=self._forecaster.forecast(
                semantics, truth.model, input_tokens, truth.max_tokens
            ),
        )
        self._counts.places[number] = (flow, place)
        self._progress[number] = Progress(truth.output_tokens)
        node = self.dispatcher.submit(call, now)
        if node is not None:
            self._look(node)

    def _look(self, node: NodeState) -> None:
        self._machines[node.name].look()

    def _ended(self, running: Running, node: NodeState) -> None:
        call, now = running.call, self._environment.now
        flow, place = self._counts.places.pop(call.number)
        progress = self._progress.pop(call.number)
        flow.attained_seconds += progress.service_seconds
        self._sink.call(_record(running, flow.number, progress, node, now))
        flow.unfinished.discard(place)
        workflow = flow.arrival.workflow
        if not flow.unfinished:
            self._last_end = now
            self._sink.workflow(
                ServedWorkflow(
                    workflow=flow.number,
                    workflow_type=workflow.workflow_type,
                    tenant=flow.arrival.tenant,
                    arrived_at=flow.arrival.at,
                    ended_at=now,
                    calls=len(workflow.calls),
                    idle_seconds=flow.idle_seconds,
                )
            )
            return
        for child in workflow.children[place]:
            flow.owed[child] -= 1
            if not flow.owed[child]:
                self._soon(flow, child)

    def _output_tokens(self, call: Call) -> int:
        return self._progress[call.number].output_tokens

    def _remaining_seconds(self, call: Call) -> float:
        flow, _ = self._counts.places[call.number]
        return max(flow.tails[place] for place in flow.unfinished)

    def _tick(self) -> Generator[simpy.Event]:
        while self._busy:
            self.fleet.tick()
            yield self._environment.timeout(TICK_SECONDS)

    def _sample(self, seconds: float) -> Generator[simpy.Event]:
        while self._busy:
            for node in self.dispatcher.nodes:
                self._sink.sample(_sample_of(node, self._environment.now))
            yield self._environment.timeout(seconds)


def _record(
    running: Running, workflow: int, progress: Progress, node: NodeState, now: float
) -> ServedCall:
    call = running.call
    return ServedCall(
        call=call.number,
        workflow=workflow,
        role=call.semantics.role,
        model=call.model,
        layer=call.semantics.layer,
        tenant=call.semantics.tenant,
        node=node.name,
        key=running.waiting.key,
        ready_at=call.ready_at,
        started_at=progress.started_at,
        first_token_at=progress.first_token_at,
        ended_at=now,
        input_tokens=call.input_tokens,
        cached_tokens=progress.cached_tokens,
        output_tokens=progress.output_tokens,
        max_tokens=call.max_tokens,
        upper_tokens=call.forecast.upper_tokens,
        first_reserved_tokens=progress.first_reserved_tokens,
        preemptions=progress.preemptions,
        growths=progress.growths,
        reserved_byte_seconds=progress.reserved_byte_seconds,
        used_byte_seconds=progress.used_byte_seconds,
    )


def _sample_of(node: NodeState, now: float) -> NodeSample:
    return NodeSample(
        node=node.name,
        seen_at=now,
        open=node.open,
        weight_bytes=node.weight_bytes,
        reserved_bytes=node.reserved_bytes,
        pinned_bytes=node.cache.pinned_bytes,
        cached_bytes=node.cache.idle_bytes,
        running=len(node.running),
        waiting=len(node.queue),
    )
