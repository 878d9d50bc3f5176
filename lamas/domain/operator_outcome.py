"""What one operator made of one problem: the answers of its chains, and what they took."""

from dataclasses import dataclass

from lamas.errors import DomainError


@dataclass(frozen=True, kw_only=True, slots=True)
class ChainOutcome:
    """One candidate that an operator leaves, as if it stood alone."""

    answer_key: str | None
    """The normalised answer: chains with equal keys agree; None where no answer could be read."""
    score: float
    """S of this candidate, in [0, 1]."""
    cp_tokens: float
    """N_out + γ·t_tool of this chain, in tokens."""
    seconds: float
    """From the operator's start to this chain's end."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.score <= 1.0:
            raise DomainError(f"the score of a chain lies in [0, 1], got {self.score}")
        for name in ("cp_tokens", "seconds"):
            value: float = getattr(self, name)
            if not 0.0 <= value < float("inf"):
                raise DomainError(f"{name} of a chain must be a number ≥ 0, got {value}")


@dataclass(frozen=True, kw_only=True, slots=True)
class OperatorOutcome:
    """One cell of an outcome table: problem × operator × sample → what came out."""

    problem_id: str
    operator: str
    """As in the catalogue; one bound to a model is called `Operator@model`."""
    sample: int
    """From 0."""
    chains: tuple[ChainOutcome, ...]
    """As many as the operator adds candidates, in the order in which it leaves them."""
    cost_usd: float

    def __post_init__(self) -> None:
        if not self.chains:
            raise DomainError(
                f"problem {self.problem_id}: the outcome of {self.operator} holds no chain"
            )
        if not 0.0 <= self.cost_usd < float("inf"):
            raise DomainError(
                f"problem {self.problem_id}: the cost of {self.operator} must be a number ≥ 0, "
                f"got {self.cost_usd}"
            )

    @property
    def cp_tokens(self) -> float:
        """What the operator adds to the critical path: chains run together, so their maximum."""
        return max(chain.cp_tokens for chain in self.chains)

    @property
    def seconds(self) -> float:
        """From its start to the end of its last chain."""
        return max(chain.seconds for chain in self.chains)
