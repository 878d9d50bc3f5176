"""Where the records of a simulation go."""

from dataclasses import dataclass, field
from typing import Protocol

from lamas.domain.serving import ColdStart, NodeSample, ServedCall, ServedWorkflow


class Sink(Protocol):
    """Takes records in the order of their ends."""

    def call(self, record: ServedCall) -> None: ...

    def workflow(self, record: ServedWorkflow) -> None: ...

    def sample(self, record: NodeSample) -> None: ...

    def cold_start(self, record: ColdStart) -> None: ...


@dataclass(slots=True)
class Kept:
    """A sink that keeps everything."""

    calls: list[ServedCall] = field(default_factory=list[ServedCall])
    workflows: list[ServedWorkflow] = field(default_factory=list[ServedWorkflow])
    samples: list[NodeSample] = field(default_factory=list[NodeSample])
    cold_starts: list[ColdStart] = field(default_factory=list[ColdStart])

    def call(self, record: ServedCall) -> None:
        self.calls.append(record)

    def workflow(self, record: ServedWorkflow) -> None:
        self.workflows.append(record)

    def sample(self, record: NodeSample) -> None:
        self.samples.append(record)

    def cold_start(self, record: ColdStart) -> None:
        self.cold_starts.append(record)
