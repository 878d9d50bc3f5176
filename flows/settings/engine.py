"""The section `engine` of the configuration."""

from typing import Literal

from pydantic import Field, model_validator

from flows.settings.section import Section


class EngineConfig(Section):
    """Where rollouts run."""

    kind: Literal["local", "dask", "ray"] = "local"
    workers: int = Field(default=2, ge=1)
    """Processes started on this machine; each runs `execution.concurrency` rollouts at once."""
    shard: int = Field(default=32, ge=1)
    """Rollouts that a worker takes, and lands, together."""
    address: str | None = None
    """Scheduler or cluster that is running; `workers` is then how many shards it gets at once."""

    @model_validator(mode="after")
    def _address_of_an_engine(self) -> "EngineConfig":
        if self.kind == "local" and self.address is not None:
            raise ValueError(
                f"engine.address={self.address} needs an engine: add engine=dask or engine=ray"
            )
        return self
