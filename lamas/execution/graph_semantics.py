"""What a drawn graph tells a scheduler of each of its calls: siblings and layers still owed."""

from collections.abc import Sequence

from lamas.domain import PlannedRollout, Problem
from lamas.domain.call_semantics import CallSemantics, PlannedCall
from lamas.operators import asking_operators, parted


def graph_semantics(
    plan: PlannedRollout,
    problem: Problem,
    layers: Sequence[Sequence[str]],
    number: int,
    operator: str,
) -> CallSemantics:
    """The first call of `operator` in layer `number`, from 1, of `layers` of operator names.

    A layer behind the graph's (post-processing) owes nothing. Operators that ask no model are left
    out. `workflow_type` is the problem's family.
    """
    base, _ = parted(operator)
    here = layers[number - 1] if number <= len(layers) else ()
    before = [parted(name)[0] for layer in layers[: number - 1] for name in layer]
    return CallSemantics(
        workflow=plan.rollout_id,
        workflow_type=str(problem.family),
        session=plan.rollout_id,
        role=base,
        layer=number - 1,
        invocation_index=before.count(base),
        siblings=_planned([name for name in here if name != operator]),
        rest=tuple(filter(None, map(_planned, layers[number:]))),
    )


def _planned(operators: Sequence[str]) -> tuple[PlannedCall, ...]:
    asking = asking_operators()
    return tuple(
        PlannedCall(role=base, model=model)
        for base, model in map(parted, operators)
        if base in asking or model is not None
    )
