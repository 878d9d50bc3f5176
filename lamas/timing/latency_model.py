"""What a latency model says of invocations and rollouts: predicted seconds in place of CP_len.

Sums run in the order of the records, so that SQL repeats them to the last bit.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from lamas.domain import ModelCall, OperatorInvocation, Rollout, ToolExecution, Trace, ordered_sum
from lamas.domain.latency import LatencyModel
from lamas.errors import DomainError
from lamas.timing.critical_path import cp_tokens, virtual_seconds


def invocation_seconds(
    model: LatencyModel, calls: Iterable[ModelCall], tools: Iterable[ToolExecution]
) -> float:
    """Predicted seconds of one invocation: per stage its slowest branch, summed over stages.

    Calls at the reference load, answers from the response store like any other; attempts that
    failed or were cancelled take nothing, as in CP_len. Tool runs take their charged
    seconds. Raises DomainError for a call to another model.
    """
    calls = tuple(calls)
    left = {(call.stage, call.branch) for call in calls if call.status == "cancelled"}
    of_calls: defaultdict[tuple[int, int], list[float]] = defaultdict(list)
    of_tools: defaultdict[tuple[int, int], list[float]] = defaultdict(list)
    for call in calls:
        if call.request_model != model.request_model:
            raise DomainError(
                f"latency model {model.latency_model_id} is of {model.request_model}, a call asked "
                f"{call.request_model}: fit one for it with `lamas latency`"
            )
        seconds = 0.0
        if call.status == "ok":
            seconds = model.call_seconds(
                call.usage_input_tokens,
                call.usage_output_tokens,
                cached_tokens=call.usage_cached_tokens,
            )
        of_calls[call.stage, call.branch].append(seconds)
    for tool in tools:
        of_tools[tool.stage, tool.branch].append(tool.charged_seconds)
    slowest: dict[int, float] = {}
    for key in sorted((of_calls.keys() | of_tools.keys()) - left):
        seconds = ordered_sum(of_calls.get(key, ())) + ordered_sum(of_tools.get(key, ()))
        slowest[key[0]] = max(slowest.get(key[0], 0.0), seconds)
    return ordered_sum(slowest.values())


def predicted_seconds(
    model: LatencyModel, invocations: Sequence[OperatorInvocation]
) -> dict[str, float]:
    """Predicted seconds by invocation_id; the invocations must carry their calls and tool runs."""
    return {
        item.invocation_id: 0.0
        if item.status == "cancelled"
        else invocation_seconds(model, item.calls, item.tools)
        for item in invocations
    }


def in_seconds(rollout: Rollout, seconds: Mapping[str, float]) -> Rollout:
    """The rollout with predicted seconds in place of tokens, and γ = 1 "token" per second.

    Labels, CP_len, T and credits computed from it then mean predicted seconds: the slowest
    operator of a layer is the one predicted slowest, and T is the predicted makespan. `seconds` by
    invocation_id; DomainError when one is missing.
    """
    trace = _retimed(rollout.trace, seconds)
    return replace(
        rollout, trace=trace, cp_tokens=cp_tokens(trace), virtual_seconds=virtual_seconds(trace)
    )


def predicted_makespan(trace: Trace, seconds: Mapping[str, float]) -> float:
    """Sum over layers of the slowest invocation, in sequential mode of all of them."""
    return cp_tokens(_retimed(trace, seconds))


def _retimed(trace: Trace, seconds: Mapping[str, float]) -> Trace:
    for item in trace.invocations:
        if item.invocation_id not in seconds:
            raise DomainError(
                f"invocation {item.invocation_id} has no predicted seconds: predict those of the "
                "whole rollout"
            )
    return replace(
        trace,
        gamma=1.0,
        invocations=tuple(
            replace(item, cp_tokens=seconds[item.invocation_id]) for item in trace.invocations
        ),
    )
