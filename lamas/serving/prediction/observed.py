"""What history tells of one call: where it stood, how long its answer was, what came after it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lamas.serving.shapes import ModelShape
from lamas.serving.workloads.workflow import Workflow


@dataclass(frozen=True, kw_only=True, slots=True)
class ObservedCall:
    """One call of a workflow that has ended."""

    workflow_type: str
    role: str
    model: str
    layer: int
    invocation_index: int
    input_tokens: int
    output_tokens: int
    seconds_after: float
    """From its end to the end of its workflow, waits left out."""
    steps: int
    """Calls in a row to the end of the workflow, this one included; ≥ 1."""


def observations(
    workflows: Iterable[Workflow], shapes: Mapping[str, ModelShape]
) -> tuple[ObservedCall, ...]:
    """Every call of workflows that have ended; seconds are those of an idle cluster."""
    found: list[ObservedCall] = []
    for workflow in workflows:
        tails = workflow.tails(shapes)
        steps = [1] * len(workflow.calls)
        for place in range(len(workflow.calls) - 1, -1, -1):
            steps[place] += max((steps[child] for child in workflow.children[place]), default=0)
        for place, call in enumerate(workflow.calls):
            alone = shapes[call.model].alone_seconds(call.input_tokens, call.output_tokens)
            found.append(
                ObservedCall(
                    workflow_type=workflow.workflow_type,
                    role=call.role,
                    model=call.model,
                    layer=call.layer,
                    invocation_index=workflow.invocation_indices[place],
                    input_tokens=call.input_tokens,
                    output_tokens=call.output_tokens,
                    seconds_after=tails[place] - alone,
                    steps=steps[place],
                )
            )
    return tuple(found)
