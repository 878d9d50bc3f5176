"""A candidate beside the champion: on which requests it decides, and what is noted of both."""

from collections.abc import Sequence
from dataclasses import dataclass

from lamas.domain import PolicyDecision, digest
from lamas.domain.served import Trial
from lamas.gateway.deciding import Champion, Decided

_STEPS = 1 << 52


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A controller that is tried, and on which share of the requests it decides."""

    chosen: Champion
    share: float
    """In [0, 1); 0: in shadow, where what it would have done is noted only."""

    @property
    def checkpoint_id(self) -> str:
        return self.chosen.checkpoint.checkpoint_id


def decides(candidate_id: str, share: float, request_id: str) -> bool:
    """Whether the candidate decides on a request: a function of their names alone, true for
    `share` of all requests.
    """
    return int(digest("candidate", candidate_id, request_id)[:13], 16) < share * _STEPS


def trial_of(
    request_id: str,
    candidate: Candidate,
    *,
    of_champion: Decided,
    of_candidate: Decided,
) -> Trial:
    """What is put on record of a request that both decided on."""
    champion, other = of_champion.planned, of_candidate.planned
    assert champion.checkpoint_id is not None, "a controller decided"
    return Trial(
        request_id=request_id,
        champion_id=champion.checkpoint_id,
        candidate_id=candidate.checkpoint_id,
        candidate_share=candidate.share,
        champion_graph=str(champion.graph),
        candidate_graph=str(other.graph),
        champion_log_probability=_log_probability(champion.decisions),
        candidate_log_probability=_log_probability(other.decisions),
    )


def _log_probability(decisions: Sequence[PolicyDecision]) -> float:
    # A sure choice may come out as a trace above certainty.
    return min(0.0, sum(item.log_probability for item in decisions))
