"""The section `simulation`: which policies serve which workload on what cluster."""

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from flows.settings.section import Section


class PolicySetConfig(Section):
    """One policy of each kind; the defaults are a plain server's behind a load balancer."""

    priority: str = "fcfs"
    reservation: str = "max_tokens"
    routing: str = "least_loaded"
    weights: str = "always"
    retention: str = "lru"
    scaling: str = "all"


class SurgesConfig(Section):
    """Arrivals that swell now and then, at the same mean rate."""

    factor: float = Field(default=1.0, ge=1)
    """How many times as many arrive a second in a surge as between two; 1 is none."""
    seconds: float = Field(default=60.0, gt=0)
    """How long a surge lasts."""
    every_seconds: float = Field(default=300.0, gt=0)
    """From the begin of one to that of the next."""


class SimulationConfig(Section):
    """What `lamas simulate` runs: every set of policies under every load with every seed."""

    workload: Literal["recorded", "agents", "azure", "mooncake", "rollouts"] = "recorded"
    """Graphs over recorded answers, agent sessions, single calls of a trace, or stored rollouts."""
    questions: Path | None = None
    """workload=recorded: Parquet of questions."""
    answers: Path | None = None
    """workload=recorded: Parquet of recorded answers."""
    recorded_benchmark: str = "mmlu_pro"
    """workload=recorded: which of its benchmarks."""
    traces: Path | None = None
    """workload=agents: folder of session files; azure, mooncake: the file."""
    model: str = "Meta-Llama-3_1-8B-Instruct"
    """workload=azure, mooncake: model that answers a trace without names."""
    stands_for: dict[str, str] = Field(default_factory=dict[str, str])
    """workload=agents: part of a trace's model name, and the model that stands for it."""
    max_tokens: int = Field(default=1024, ge=1)
    """Limit that clients set on answers, where the workload does not say; longer ones are cut."""
    shapes: Path | None = None
    """YAML of model shapes; the packaged assumptions by default."""
    nodes: int = Field(default=4, ge=1)
    memory_bytes: float = Field(default=80e9, gt=0)
    """Of a node's accelerator."""
    workflows: int = Field(default=500, ge=1)
    """Workflows of a cell (workload=agents: sessions)."""
    tenants: int = Field(default=1, ge=1)
    loads: list[float] = Field(default_factory=lambda: [0.6, 0.9, 1.2], min_length=1)
    """Shares of the nominal capacity that arrive; factors on its pace for a trace."""
    surges: SurgesConfig = Field(default_factory=SurgesConfig)
    """workload=recorded, rollouts: when they arrive."""
    seeds: int = Field(default=3, ge=1)
    level: float = Field(default=0.9, gt=0, lt=1)
    """What the bound of an answer's length should cover."""
    deadline_factor: float = Field(default=3.0, gt=0)
    """A type's deadline: so many times its median seconds on an idle cluster, from training."""
    sample_seconds: float | None = Field(default=None, gt=0)
    """How often every node's memory is looked at; null never looks."""
    reference: str = "baseline"
    """The set that others are compared with."""
    policies: dict[str, PolicySetConfig] = Field(
        default_factory=lambda: {"baseline": PolicySetConfig()}, min_length=1
    )

    @model_validator(mode="after")
    def _reference_is_there(self) -> "SimulationConfig":
        if self.reference not in self.policies:
            raise ValueError(
                f"simulation.reference={self.reference} is none of simulation.policies "
                f"({', '.join(self.policies)})"
            )
        if any(not load > 0 for load in self.loads):
            raise ValueError(f"simulation.loads={self.loads} must all be > 0")
        if self.surges.factor > 1 and self.workload not in ("recorded", "rollouts"):
            raise ValueError(
                f"simulation.workload={self.workload} says itself when calls arrive: "
                "simulation.surges.factor must be 1"
            )
        if self.surges.seconds >= self.surges.every_seconds:
            raise ValueError(
                f"simulation.surges.seconds={self.surges.seconds:g} must be below "
                f"simulation.surges.every_seconds={self.surges.every_seconds:g}"
            )
        return self
