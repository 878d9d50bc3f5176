"""The critical path of a trace: labels, slack, CP_len, T and the measured makespan.

Sums run left to right in (layer, position) order, so that SQL repeats them to the last bit.
"""

from collections.abc import Sequence

from lamas.domain import CriticalPathLabel, OperatorInvocation, Trace, ordered_sum
from lamas.errors import DomainError


def label(trace: Trace) -> tuple[CriticalPathLabel, ...]:
    """One label for each invocation, in (layer, position) order.

    Parallel: critical is whoever reaches its layer's maximum (several at a tie), and slack is the
    distance to it; one that was cancelled, which nobody waited for, is not. Sequential: the
    operators of a layer follow each other, so each is critical, slack is 0, and the "maximum" of
    the layer is the layer's sum, the "second" the sum without it.
    """
    labels: list[CriticalPathLabel] = []
    for layer in trace.layers:
        ordered = sorted(layer, key=lambda item: item.position)
        if trace.execution_mode == "sequential":
            labels.extend(_sequential_labels(ordered))
        else:
            labels.extend(_parallel_labels(ordered))
    return tuple(labels)


def cp_tokens(trace: Trace) -> float:
    """CP_len: what each layer makes the user wait for, added up, in tokens."""
    return ordered_sum(_layer_tokens(layer, trace) for layer in trace.layers)


def virtual_seconds(trace: Trace) -> float:
    """T = CP_len / γ, in virtual seconds."""
    if not trace.gamma > 0.0:
        raise DomainError(f"γ must be > 0 tokens per second to speak of seconds, got {trace.gamma}")
    return cp_tokens(trace) / trace.gamma


def makespan_seconds(trace: Trace) -> float:
    """Measured seconds from the first start to the last end of the trace's invocations."""
    if not trace.invocations:
        return 0.0
    first = min(invocation.started_at for invocation in trace.invocations)
    last = max(invocation.ended_at for invocation in trace.invocations)
    return last - first


def _layer_tokens(layer: Sequence[OperatorInvocation], trace: Trace) -> float:
    ordered = sorted(layer, key=lambda item: item.position)
    if trace.execution_mode == "sequential":
        return ordered_sum(item.cp_tokens for item in ordered)
    return max(item.cp_tokens for item in ordered)


def _parallel_labels(layer: Sequence[OperatorInvocation]) -> list[CriticalPathLabel]:
    descending = sorted((item.cp_tokens for item in layer), reverse=True)
    largest = descending[0]
    runner_up = descending[1] if len(descending) > 1 else 0.0
    return [
        CriticalPathLabel(
            invocation_id=item.invocation_id,
            layer=item.layer,
            operator=item.operator,
            is_critical=item.cp_tokens == largest and item.status != "cancelled",
            slack_tokens=largest - item.cp_tokens,
            layer_max_tokens=largest,
            # Without a maximal one the runner-up is largest (at a tie: the maximum itself).
            layer_second_tokens=runner_up if item.cp_tokens == largest else largest,
        )
        for item in layer
    ]


def _sequential_labels(layer: Sequence[OperatorInvocation]) -> list[CriticalPathLabel]:
    total = ordered_sum(item.cp_tokens for item in layer)
    return [
        CriticalPathLabel(
            invocation_id=item.invocation_id,
            layer=item.layer,
            operator=item.operator,
            is_critical=True,
            slack_tokens=0.0,
            layer_max_tokens=total,
            layer_second_tokens=ordered_sum(
                other.cp_tokens for other in layer if other is not item
            ),
        )
        for item in layer
    ]
