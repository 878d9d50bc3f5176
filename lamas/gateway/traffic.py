"""What a gateway has seen lately: counters for Prometheus, figures for its own page."""

import math
from collections import Counter as Tally
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from lamas.domain import Rollout
from lamas.domain.served import ServedRequest
from lamas.timing import label

WINDOW_SECONDS = 3600.0
MOST_REMEMBERED = 20_000
SHOWN_REQUESTS = 20
_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, math.inf)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Seen:
    at: float
    model: str
    status: int
    seconds: float
    usd: float


class Traffic:
    """The requests of this process since it began."""

    def __init__(self, now: Callable[[], float]) -> None:
        """`now`: seconds since the epoch."""
        self._now = now
        self._began = now()
        self._seen: deque[_Seen] = deque(maxlen=MOST_REMEMBERED)
        self._shown: deque[Mapping[str, object]] = deque(maxlen=SHOWN_REQUESTS)
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "lamas_requests",
            "Requests by model name and status",
            ("model", "status"),
            registry=self.registry,
        )
        self._refused = Counter(
            "lamas_refused_requests",
            "Requests that were not taken on, by status",
            ("status",),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "lamas_request_seconds",
            "From a request to its answer",
            ("model",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._own_seconds = Histogram(
            "lamas_overhead_seconds",
            "Of them, those that no operator ran",
            buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, math.inf),
            registry=self.registry,
        )
        self._usd = Counter("lamas_usd", "USD by client", ("client",), registry=self.registry)
        self._tokens = Counter(
            "lamas_tokens", "Tokens of all calls", ("direction",), registry=self.registry
        )
        self._champion = Gauge(
            "lamas_champion",
            "1 for the checkpoint that decides",
            ("checkpoint",),
            registry=self.registry,
        )

    def watch(self, running: Callable[[], int], waiting: Callable[[], int]) -> None:
        """Show how many requests run and wait."""
        for name, text, read in (
            ("lamas_running", "Requests that run", running),
            ("lamas_waiting", "Requests that wait for a place", waiting),
        ):
            Gauge(name, text, registry=self.registry).set_function(read)

    def refused(self, status: int) -> None:
        """Count a request that was not taken on."""
        self._refused.labels(str(status)).inc()

    def champion(self, checkpoint_id: str) -> None:
        """Note which checkpoint decides."""
        self._champion.clear()
        self._champion.labels(checkpoint_id).set(1)

    def add(self, request: ServedRequest, rollout: Rollout | None) -> None:
        """Count a request that ended."""
        model = shown_name(request)
        seconds = request.answered_at - request.received_at
        usd = 0.0 if rollout is None else rollout.cost_usd
        self._requests.labels(model, str(request.status)).inc()
        self._seen.append(
            _Seen(
                at=request.answered_at, model=model, status=request.status, seconds=seconds, usd=usd
            )
        )
        if rollout is None:
            return
        self._seconds.labels(model).observe(seconds)
        self._own_seconds.observe(max(0.0, seconds - rollout.makespan_seconds))
        self._usd.labels(request.client).inc(usd)
        invocations = rollout.trace.invocations
        self._tokens.labels("input").inc(sum(item.total_input_tokens for item in invocations))
        self._tokens.labels("output").inc(sum(item.total_output_tokens for item in invocations))
        self._shown.appendleft(_shown(request, rollout, model))

    def metrics(self) -> bytes:
        """What Prometheus reads."""
        return generate_latest(self.registry)

    def figures(self) -> dict[str, object]:
        """What the page shows: the last hour, and the last requests without their texts."""
        now = self._now()
        recent = [item for item in self._seen if now - item.at <= WINDOW_SECONDS]
        answered = sorted(item.seconds for item in recent if item.status == 200)
        minutes = [0] * 60
        for item in recent:
            minutes[min(59, int((now - item.at) // 60))] += 1
        picks = Tally(item.model for item in recent)
        return {
            "now": now,
            "began": self._began,
            "requests": len(recent),
            "failed": sum(item.status != 200 for item in recent),
            "usd": math.fsum(item.usd for item in recent),
            "per_minute": minutes[::-1],
            "seconds": {f"p{share}": quantile(answered, share / 100.0) for share in (50, 90, 99)},
            "picks": [
                {
                    "model": model,
                    "requests": count,
                    "usd": math.fsum(item.usd for item in recent if item.model == model),
                }
                for model, count in picks.most_common()
            ],
            "last": list(self._shown),
        }


def quantile(ordered: Sequence[float], share: float) -> float | None:
    """The smallest value that `share` of the `ordered` ones do not exceed; None for none."""
    if not ordered:
        return None
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def shown_name(request: ServedRequest) -> str:
    """The model's name without its deadline: there are as many of those as somebody likes."""
    base, _, wish = request.requested_model.partition("@")
    return f"{base}@deadline" if wish[:1].isdigit() else request.requested_model


def _shown(request: ServedRequest, rollout: Rollout, model: str) -> Mapping[str, object]:
    begin = rollout.trace.started_at
    critical = {item.invocation_id for item in label(rollout.trace) if item.is_critical}
    return {
        "id": request.request_id,
        "at": request.answered_at,
        "model": model,
        "status": request.status,
        "seconds": request.answered_at - request.received_at,
        "usd": rollout.cost_usd,
        "cp_len": rollout.cp_tokens,
        "checkpoint": rollout.plan.checkpoint_id,
        "graph": str(rollout.plan.graph),
        "bars": [
            {
                "operator": item.operator,
                "start": item.started_at - begin,
                "end": item.ended_at - begin,
                "critical": item.invocation_id in critical,
            }
            for item in rollout.trace.invocations
        ],
    }
