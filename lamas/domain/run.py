"""One flow run as the warehouse knows it."""

from dataclasses import dataclass
from typing import Literal

RunStatus = Literal["running", "completed", "failed", "cancelled"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One flow run; a run that was killed keeps status `running` until it is resumed."""

    run_id: str
    kind: str
    """`retrain`, `collect`, `evaluate` …"""
    config_json: str
    """Full resolved configuration, secrets left out."""
    config_digest: str
    """Digest of the part of the configuration that determines results."""
    code_version: str
    prompts_digest: str
    """Digest of every prompt file; answers to other prompts are not comparable."""
    seed: int
    simulated: bool
    """True when any answer came from the simulated endpoint."""
    status: RunStatus
    started_at: float
    ended_at: float | None = None
    error: str | None = None
    prefect_flow_run_id: str | None = None
