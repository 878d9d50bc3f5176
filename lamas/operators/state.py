"""What is handed from layer to layer: the candidate solutions and the current best one."""

from collections.abc import Sequence
from dataclasses import dataclass

from lamas.domain import OperatorSpec
from lamas.errors import OperatorError


@dataclass(frozen=True, slots=True)
class Candidate:
    """One solution text and the operator that wrote it."""

    text: str
    produced_by: str


@dataclass(frozen=True, slots=True)
class SolutionState:
    """The candidates a layer left, in order, and the one to build on."""

    candidates: tuple[Candidate, ...] = ()
    current: Candidate | None = None

    def merged(
        self, results: Sequence[tuple[OperatorSpec, tuple[Candidate, ...]]]
    ) -> "SolutionState":
        """The state after a layer whose operators left `results`, given in catalogue order.

        The pick of an operator that replaces stands in for the candidates so far; additions
        follow in catalogue order. Current is that pick, else the last addition, else unchanged.
        """
        picked: Candidate | None = None
        additions: list[Candidate] = []
        for spec, candidates in results:
            if spec.replaces:
                picked = candidates[0]
            else:
                additions.extend(candidates)
        kept = self.candidates if picked is None else (picked,)
        current = picked
        if current is None:
            current = additions[-1] if additions else self.current
        return SolutionState((*kept, *additions), current)


def current_of(state: SolutionState, spec: OperatorSpec) -> Candidate:
    """The solution `spec`'s operator builds on; OperatorError when the layers left none."""
    if state.current is None:
        raise OperatorError(
            f"operator {spec.name} needs {spec.needs} candidates, the layers before leave none"
        )
    return state.current
