"""When each step of a rollout would have happened, where its answers were given without waiting."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import groupby

from lamas.domain import ModelCall, OperatorInvocation, ToolExecution, Trace, whole_ticks

Step = ModelCall | ToolExecution


def with_given_times(trace: Trace) -> Trace:
    """The same trace with starts and ends that follow from the seconds of its calls and tool runs.

    A recorded answer carries the seconds it took, or would take, and arrives at once; so what comes
    after it is moved to where it would have been. Layers follow each other, operators of a layer
    start together (sequential: follow each other), stages follow each other, branches of a stage
    start together; a tool run takes its charged seconds and nothing else takes time. In whole
    ticks, so that equal seconds give equal makespans to the last bit, whenever they are given. A
    trace whose calls were all measured stays as it is.
    """
    calls = [call for item in trace.invocations for call in item.calls]
    if all(call.seconds_from == "measured" for call in calls):
        return trace
    moved: list[OperatorInvocation] = []
    now = start_of_all = whole_ticks(trace.started_at)
    for layer in trace.layers:
        began = now
        for item in sorted(layer, key=lambda item: item.position):
            start = now if trace.execution_mode == "sequential" else began
            moved.append(_moved(item, start))
            now = max(now, moved[-1].ended_at)
    return replace(trace, invocations=tuple(moved), started_at=start_of_all, ended_at=now)


def _moved(item: OperatorInvocation, start: float) -> OperatorInvocation:
    steps = sorted([*item.calls, *item.tools], key=lambda step: (step.stage, step.started_at))
    now = start
    done: list[Step] = []
    for _, stage in groupby(steps, key=lambda step: step.stage):
        began = now
        together = sorted(stage, key=lambda step: step.branch)
        for _, branch in groupby(together, key=lambda step: step.branch):
            done += _one_after_another(branch, began)
            now = max(now, done[-1].ended_at)
    return replace(
        item,
        started_at=start,
        ended_at=now,
        calls=tuple(step for step in done if isinstance(step, ModelCall)),
        tools=tuple(step for step in done if isinstance(step, ToolExecution)),
    )


def _one_after_another(branch: Iterable[Step], start: float) -> list[Step]:
    done: list[Step] = []
    for step in branch:
        took = step.seconds if isinstance(step, ModelCall) else step.charged_seconds
        seconds = whole_ticks(took)
        done.append(replace(step, started_at=start, ended_at=start + seconds))
        start += seconds
    return done
