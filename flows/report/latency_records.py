"""What the report queries on measured seconds return, as records."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class ProxyRollouts:
    """CP_len against measured makespan, over all measured rollouts."""

    rollouts: int
    pearson: float | None
    spearman: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ProxyOperator:
    """CP tokens of one operator's invocations against their measured seconds."""

    operator: str
    invocations: int
    pearson: float | None
    spearman: float | None
    seconds_p50: float


@dataclass(frozen=True, kw_only=True, slots=True)
class LatencyModelFigures:
    """One latency model fitted on the run; `proxy_…` are the figures of CP_len."""

    latency_model_id: str
    first_token_seconds: float
    seconds_per_output_token: float
    calls: int
    held_out_rollouts: int
    median_absolute_percentage_error: float | None
    pearson: float | None
    spearman: float | None
    proxy_median_absolute_percentage_error: float | None
    proxy_pearson: float | None
    proxy_spearman: float | None
