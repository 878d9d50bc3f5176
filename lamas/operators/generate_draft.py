"""GenerateDraft: one answer after steps of a few words."""

from lamas.domain import OperatorSpec
from lamas.operators.one_answer import OneAnswer


class GenerateDraft(OneAnswer):
    """Asks once for a minimal draft of each step and the answer they lead to.

    After S. Xu et al., "Chain of Draft: Thinking Faster by Writing Less", 2025, arXiv 2502.18600.
    """

    spec = OperatorSpec(
        name="GenerateDraft",
        description="Notes each step in a few words in one short call and ends with the answer.",
        adds=1,
    )
