"""The outcome table: what every operator made of every problem, as arrays."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lamas.domain import OperatorSet
from lamas.domain.operator_outcome import OperatorOutcome
from lamas.errors import DomainError

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class OutcomeTable:
    """S samples × P problems × the chains of all operators; chains stand in catalogue order."""

    problem_ids: tuple[str, ...]
    operators: tuple[str, ...]
    """Those that read no predecessor, in catalogue order; O of them."""
    chain_operator: NDArray[np.int64]
    """[C]: whose chain it is, as a position in `operators`."""
    key: NDArray[np.int64]
    """[S, P, C]: equal numbers of one problem are equal answers; −1 where none could be read."""
    score: Floats
    """[S, P, C]."""
    cp_tokens: Floats
    """[S, P, C]."""
    seconds: Floats
    """[S, P, C]."""
    cost_usd: Floats
    """[S, P, O]."""

    @classmethod
    def of(cls, outcomes: Iterable[OperatorOutcome], operators: OperatorSet) -> "OutcomeTable":
        """The table of `outcomes`, problems sorted by id; other operators' outcomes are left out.

        Columns are the operators that need no candidates and add some. Raises DomainError for a
        cell that is missing, occurs twice, or has another number of chains than the operator adds.
        """
        roots = operators.tabulated
        names = tuple(spec.name for spec in roots)
        cells: dict[tuple[int, str, str], OperatorOutcome] = {}
        for outcome in outcomes:
            if outcome.operator not in names:
                continue
            place = (outcome.sample, outcome.problem_id, outcome.operator)
            if place in cells:
                raise DomainError(
                    f"problem {outcome.problem_id}: sample {outcome.sample} of "
                    f"{outcome.operator} occurs twice; a table holds each cell once"
                )
            cells[place] = outcome
        problem_ids = tuple(sorted({problem for _, problem, _ in cells}))
        samples = 1 + max((sample for sample, _, _ in cells), default=-1)
        if not problem_ids:
            raise DomainError(f"the table of {', '.join(names)} is empty: tabulate them first")
        whose = np.repeat(np.arange(len(roots)), [spec.adds for spec in roots])
        shape = (samples, len(problem_ids), len(whose))
        key = np.empty(shape, dtype=np.int64)
        score, cp_tokens, seconds = np.empty(shape), np.empty(shape), np.empty(shape)
        cost_usd = np.empty((*shape[:2], len(roots)))
        for row, problem in enumerate(problem_ids):
            codes: dict[str, int] = {}
            for sample in range(samples):
                for column, spec in enumerate(roots):
                    cell = _cell(cells, (sample, problem, spec.name), spec.adds)
                    at = (sample, row, whose == column)
                    key[at] = [
                        -1
                        if chain.answer_key is None
                        else codes.setdefault(chain.answer_key, len(codes))
                        for chain in cell.chains
                    ]
                    score[at] = [chain.score for chain in cell.chains]
                    cp_tokens[at] = [chain.cp_tokens for chain in cell.chains]
                    seconds[at] = [chain.seconds for chain in cell.chains]
                    cost_usd[sample, row, column] = cell.cost_usd
        return cls(
            problem_ids=problem_ids,
            operators=names,
            chain_operator=whose.astype(np.int64),
            key=key,
            score=score,
            cp_tokens=cp_tokens,
            seconds=seconds,
            cost_usd=cost_usd,
        )

    @property
    def samples(self) -> int:
        return self.key.shape[0]

    def __len__(self) -> int:
        """Problems."""
        return len(self.problem_ids)

    def rows(self, rows: Sequence[int] | NDArray[np.int64]) -> "OutcomeTable":
        """The table of the problems at positions `rows`, in that order."""
        chosen: NDArray[np.int64] = np.asarray(rows, dtype=np.int64)
        order: list[int] = chosen.tolist()
        return OutcomeTable(
            problem_ids=tuple(self.problem_ids[row] for row in order),
            operators=self.operators,
            chain_operator=self.chain_operator,
            key=self.key[:, chosen],
            score=self.score[:, chosen],
            cp_tokens=self.cp_tokens[:, chosen],
            seconds=self.seconds[:, chosen],
            cost_usd=self.cost_usd[:, chosen],
        )


def _cell(
    cells: dict[tuple[int, str, str], OperatorOutcome], place: tuple[int, str, str], chains: int
) -> OperatorOutcome:
    cell = cells.get(place)
    sample, problem, operator = place
    if cell is None:
        raise DomainError(
            f"problem {problem}: sample {sample} of {operator} is missing from the table; "
            "tabulate it, or leave the problem out"
        )
    if len(cell.chains) != chains:
        raise DomainError(
            f"problem {problem}: the outcome of {operator} holds {len(cell.chains)} chains, "
            f"the operator adds {chains} candidates"
        )
    return cell
