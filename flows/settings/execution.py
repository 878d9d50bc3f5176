"""The section `execution`: how planned rollouts are run."""

from typing import Literal

from pydantic import Field

from flows.settings.section import Section


class ExecutionConfig(Section):
    """How rollouts run."""

    mode: Literal["parallel", "sequential"] = "parallel"
    gamma: float = Field(default=50.0, gt=0)
    """Virtual tokens per tool second."""
    concurrency: int = Field(default=32, ge=1)
    """Rollouts in flight."""
    granularity: Literal["auto", "operator", "rollout", "batch"] = "auto"
    """What one Prefect task run is; with `batch` only the flow that collects is shown, with `auto`
    an operator while showing it takes this process next to no time, else as much as that allows."""
