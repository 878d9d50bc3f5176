"""What a judge reads of a served answer, and what it answers itself."""

from dataclasses import dataclass

JUDGE = "judge:"
"""How the client of a statement begins that a judge made; names of keys never do."""
POLICY = "judge"
"""Where a judge's rollout names the variant that chose its graph."""
PREFIX = "judged/"
"""How the id of a judged problem begins; the request's follows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ServedAnswer:
    """What a gateway answered to a question, which nobody has said anything of."""

    request_id: str
    question: str
    answer: str
    """As the client got it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgeAnswer:
    """One answer of a judge."""

    form: str | None
    """Canonical form of it; None when nothing could be read."""
    score: float
    """Whether the served answer is the same, in [0, 1]."""
