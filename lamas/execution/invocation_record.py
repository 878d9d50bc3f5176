"""How what an operator did becomes its record, and what of it remains when its layer has ended."""

from collections.abc import Sequence
from dataclasses import replace

from lamas.domain import ModelCall, OperatorInvocation, ToolExecution, ordered_sum
from lamas.execution.invocation import InvocationLabel
from lamas.execution.race import LayerRace, Outcome, steps_of
from lamas.timing import longest_chain


def invocation_of(
    label: InvocationLabel,
    *,
    times: tuple[float, float],
    calls: Sequence[ModelCall],
    tools: Sequence[ToolExecution],
    candidates: tuple[str, ...],
    error: str | None,
    gamma: float,
) -> OperatorInvocation:
    """The record of an operator that ran from `times[0]` to `times[1]`, and failed with `error` if
    it did.
    """
    blank = OperatorInvocation(
        invocation_id=label.invocation_id,
        layer=label.layer,
        position=label.position,
        operator=label.operator,
        kind=label.kind,
        started_at=times[0],
        ended_at=times[1],
        output_tokens=0,
        tool_seconds=0.0,
        cp_tokens=0.0,
        total_input_tokens=0,
        total_output_tokens=0,
        cost_usd=0.0,
        status="ok" if error is None else "failed",
        error=error,
        candidates=candidates,
    )
    return _with_steps(blank, calls, tools, gamma)


def ended(
    ran: OperatorInvocation, race: LayerRace, outcome: Outcome, gamma: float
) -> OperatorInvocation:
    """What remains of an operator's record when its layer has ended at a quorum."""
    places = [place for place in race.places if place[0] == ran.position]
    if all(place in outcome.arrived for place in places):
        return ran
    calls: list[ModelCall] = []
    tools: list[ToolExecution] = []
    for place in places:
        steps = steps_of(ran, place, race.places)
        if place not in outcome.arrived:
            kept_calls, kept_tools = outcome.cut(steps)
            calls += kept_calls
            tools += kept_tools
        else:
            calls += [step for step in steps if isinstance(step, ModelCall)]
            tools += [step for step in steps if isinstance(step, ToolExecution)]
    candidates = ran.candidates
    if len(candidates) == len(places):
        # Every chain ran to its end, in time or not.
        pairs = zip(places, candidates, strict=True)
        candidates = tuple(text for place, text in pairs if place in outcome.arrived)
    kept = _with_steps(replace(ran, candidates=candidates), calls, tools, gamma)
    if candidates:
        return kept
    return replace(
        kept,
        status="cancelled",
        error=race.reason,
        output_tokens=0,
        tool_seconds=0.0,
        cp_tokens=0.0,
    )


def _with_steps(
    ran: OperatorInvocation,
    calls: Sequence[ModelCall],
    tools: Sequence[ToolExecution],
    gamma: float,
) -> OperatorInvocation:
    longest = longest_chain(calls, tools, gamma)
    return replace(
        ran,
        output_tokens=longest.output_tokens,
        tool_seconds=longest.tool_seconds,
        cp_tokens=longest.cp_tokens(gamma),
        total_input_tokens=sum(call.usage_input_tokens for call in calls),
        total_output_tokens=sum(call.usage_output_tokens for call in calls),
        cost_usd=ordered_sum(call.cost_usd for call in calls),
        calls=tuple(calls),
        tools=tuple(tools),
    )
