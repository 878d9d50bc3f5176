"""Who has arrived when a layer ends at a quorum, and what the others had come to by then.

The order of arrival is that of the chains' seconds, at a tie that of the catalogue; so it follows
from records alone, whoever really finished first.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from lamas.domain import ModelCall, ToolExecution, Trace, whole_ticks
from lamas.domain.clock import TICK_SECONDS
from lamas.timing.critical_path import makespan_seconds, virtual_seconds

Step = ModelCall | ToolExecution


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrival:
    """One chain that came to its end."""

    at: float
    """Seconds, on a clock that all chains of the layer share."""
    key: str | None
    """Chains with equal keys agree; None agrees with nobody."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finish:
    """How a layer ended."""

    places: tuple[int, ...]
    """Of the arrivals that were in time, in order of arrival."""
    moment: float
    """When the last of them arrived; 0 without any."""
    reached: bool
    """Whether so many agreed; otherwise all arrivals were waited for."""


def finish(arrivals: Sequence[Arrival], quorum: int) -> Finish:
    """Who arrived until `quorum` of them agreed; `arrivals` stand in catalogue order."""
    alike: Counter[str] = Counter()
    order = sorted(range(len(arrivals)), key=lambda place: (arrivals[place].at, place))
    for count, place in enumerate(order, start=1):
        key = arrivals[place].key
        if key is not None:
            alike[key] += 1
            if alike[key] == quorum:
                return Finish(places=tuple(order[:count]), moment=arrivals[place].at, reached=True)
    last = arrivals[order[-1]].at if order else 0.0
    return Finish(places=tuple(order), moment=last, reached=False)


def in_turn(steps: Iterable[Step]) -> tuple[Step, ...]:
    """The steps of one chain, which follow each other."""
    return tuple(sorted(steps, key=lambda step: (step.stage, step.started_at)))


def spans(steps: Iterable[Step], gamma: float | None) -> list[tuple[Step, float]]:
    """The steps of a chain, one after another, with their seconds.

    Calls take tokens ÷ γ, which is what CP_len takes seconds to be; with `gamma=None` the seconds
    on their records. Tool runs take their charged seconds.
    """
    return [
        (
            step,
            step.charged_seconds
            if isinstance(step, ToolExecution)
            else step.seconds
            if gamma is None
            else step.usage_output_tokens / gamma,
        )
        for step in in_turn(steps)
    ]


def model_seconds(trace: Trace) -> float:
    """What a trace makes its reader wait for by the seconds of its records.

    The makespan where answers carry their seconds; T where one of them was measured on a clock,
    which says nothing of the model.
    """
    calls = [call for item in trace.invocations for call in item.calls]
    if all(call.seconds_from != "measured" for call in calls):
        return makespan_seconds(trace)
    return virtual_seconds(trace)


def cut(
    steps: Sequence[tuple[Step, float]], moment: float, reason: str
) -> tuple[tuple[ModelCall, ...], tuple[ToolExecution, ...]]:
    """The calls and tool runs of a chain that was cancelled `moment` seconds after its begin.

    What had ended by then stays; what had not begun was never made. The call in between keeps the
    share of its output tokens, text, cost and seconds that had passed, its prompt in full; a tool
    run that had not ended leaves nothing. The last call is the cancelled one, and there is one.
    """
    calls: list[ModelCall] = []
    tools: list[ToolExecution] = []
    now, moment = 0.0, max(moment, 0.0)
    for step, seconds in steps:
        if calls and now >= moment and seconds > 0.0:
            break
        ended = now + seconds <= moment
        if isinstance(step, ToolExecution):
            if not ended:
                break
            tools.append(step)
        else:
            calls.append(step if ended else _shortened(step, (moment - now) / seconds))
            if not ended:
                break
        now += seconds
    return cancelled(calls, reason), tuple(tools)


def cancelled(calls: Sequence[ModelCall], reason: str) -> tuple[ModelCall, ...]:
    """The calls of a chain whose last one is marked as cancelled."""
    if not calls or calls[-1].status == "cancelled":
        return tuple(calls)
    return (*calls[:-1], replace(calls[-1], status="cancelled", error=reason))


def _shortened(call: ModelCall, share: float) -> ModelCall:
    """`share` of a call, in [0, 1)."""
    text = call.response_text
    # Never longer than the share: in whole ticks a sum of seconds stays exact.
    seconds = whole_ticks(call.seconds * share - TICK_SECONDS / 2)
    first = call.time_to_first_chunk_seconds
    return replace(
        call,
        usage_output_tokens=int(call.usage_output_tokens * share),
        response_text=None if text is None else text[: int(len(text) * share)],
        response_finish_reasons=(),
        cost_usd=call.cost_usd * share,
        ended_at=call.started_at + max(seconds, 0.0),
        time_to_first_chunk_seconds=None if first is None or first > seconds else first,
        remarks=(),
    )
