"""Stored rollouts as workflows: layers, stages and branches as they ran, tokens as they were.

Of prompts only the counts are used; calls of one operator share its first message where the texts
were kept, measured by its share of the prompt's characters.
"""

import zlib
from collections.abc import Iterable, Sequence
from itertools import groupby

from lamas.domain import ModelCall, OperatorInvocation, Rollout
from lamas.serving.workloads.workflow import PRIVATE, CallTruth, Piece, Workflow


def rollout_workflow(rollout: Rollout, *, workflow_type: str) -> Workflow | None:
    """The workflow of a finished rollout; None where no model answered in it.

    Retries and failed attempts are left out: a simulated cluster answers at once or later.
    """
    calls: list[CallTruth] = []
    before: tuple[int, ...] = ()
    layer = 0
    ordered = sorted(rollout.trace.invocations, key=lambda item: item.layer)
    for _, group in groupby(ordered, key=lambda item: item.layer):
        ends: list[int] = []
        deepest = 0
        for invocation in group:
            last, depth = _add(calls, invocation, before, layer)
            ends += last
            deepest = max(deepest, depth)
        if ends and tuple(ends) != before:
            before = tuple(dict.fromkeys(ends))
            layer += deepest
    return Workflow(workflow_type=workflow_type, calls=tuple(calls)) if calls else None


def rollout_workflows(rollouts: Iterable[Rollout], *, workflow_type: str) -> tuple[Workflow, ...]:
    """Those of all finished rollouts in which a model answered."""
    found = (
        rollout_workflow(rollout, workflow_type=workflow_type)
        for rollout in rollouts
        if rollout.status == "ok"
    )
    return tuple(workflow for workflow in found if workflow is not None)


def _add(
    calls: list[CallTruth], invocation: OperatorInvocation, before: tuple[int, ...], layer: int
) -> tuple[tuple[int, ...], int]:
    """Append an invocation's calls; the places of its last stage, and how many stages it has."""
    answered = [call for call in invocation.calls if call.status == "ok"]
    parents, depth = before, 0
    for stage, group in groupby(answered, key=lambda call: call.stage):
        tools = sum(tool.charged_seconds for tool in invocation.tools if tool.stage == stage - 1)
        ends: list[int] = []
        for _, branch in groupby(group, key=lambda call: call.branch):
            chain = parents
            for call in branch:
                chain = (_append(calls, call, invocation.operator, layer + depth, chain, tools),)
            ends += chain
        parents, depth = tuple(ends), depth + 1
    return parents, depth


def _append(
    calls: list[CallTruth],
    call: ModelCall,
    role: str,
    layer: int,
    parents: tuple[int, ...],
    delay_seconds: float,
) -> int:
    output = max(call.usage_output_tokens, 1)
    calls.append(
        CallTruth(
            role=role,
            model=call.request_model,
            layer=layer,
            output_tokens=output,
            max_tokens=max(call.request_max_tokens, output),
            prompt=_prompt(call, len(calls)),
            parents=parents,
            delay_seconds=delay_seconds,
        )
    )
    return len(calls) - 1


def _prompt(call: ModelCall, place: int) -> tuple[Piece, ...]:
    tokens = max(call.usage_input_tokens, 1)
    own = Piece(1 + place, tokens)
    messages: Sequence[str] = [message.content for message in call.request_messages]
    if len(messages) < 2 or not messages[0]:
        return (own,)
    shared = round(tokens * len(messages[0]) / sum(map(len, messages)))
    if not 0 < shared < tokens:
        return (own,)
    number = zlib.crc32(messages[0].encode("utf-8", "replace")) % PRIVATE
    return (Piece(number, shared, private=False), Piece(1 + place, tokens - shared))
