"""Generate: one direct answer."""

from lamas.domain import OperatorSpec
from lamas.operators.one_answer import OneAnswer


class Generate(OneAnswer):
    """Asks once for the answer."""

    spec = OperatorSpec(
        name="Generate",
        description="Answers the question directly in one call, without writing out the steps.",
        adds=1,
    )
