"""GenerateCoT: one answer, step by step."""

from lamas.domain import OperatorSpec
from lamas.operators.one_answer import OneAnswer


class GenerateCoT(OneAnswer):
    """Asks once for the steps and the answer they lead to."""

    spec = OperatorSpec(
        name="GenerateCoT",
        description="Reasons step by step in one call and ends with the answer.",
        adds=1,
    )
