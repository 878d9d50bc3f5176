"""EarlyStop: the graph ends after this layer."""

from lamas.domain import OperatorSpec, Problem
from lamas.operators.chain import Chain
from lamas.operators.operator import Operator
from lamas.operators.state import Candidate, SolutionState


class EarlyStop(Operator):
    """Calls nothing and leaves nothing; its spec is what ends the graph."""

    spec = OperatorSpec(
        name="EarlyStop",
        description="Stops here because the solutions found so far are good enough.",
        needs=1,
        stops=True,
    )

    async def run(
        self, problem: Problem, state: SolutionState, chain: Chain
    ) -> tuple[Candidate, ...]:
        return ()
