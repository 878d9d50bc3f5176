"""What a gateway knows of a request besides its rollout, and what people say of its answer."""

import re
from dataclasses import dataclass

LEFT_EARLY = 499
"""Status of a request whose client left before the answer was ready."""
_TAG = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


def is_tag(text: str) -> bool:
    """Whether a champion can be called by that tag: small letters, digits, `.`, `_` and `-`."""
    return _TAG.fullmatch(text) is not None


@dataclass(frozen=True, kw_only=True, slots=True)
class ServedRequest:
    """One request that a gateway took on, as it ended."""

    request_id: str
    """What the client was given as the id of the answer."""
    run_id: str
    """Start of the gateway that took it on."""
    rollout_id: str | None
    """None where it was cancelled, or a cap or its time ended it."""
    checkpoint_id: str | None
    """Controller that decided; None where a plain model was asked for."""
    client: str
    """Name of the key it came with; `local` without keys."""
    client_user: str | None
    """Digest of what the client sent as `user`."""
    requested_model: str
    multiplier: float | None
    """Price of a unit of waiting in score that held for it; None: one trade-off is all there is."""
    deadline_seconds: float | None
    messages: int
    """Messages of the conversation, ≥ 1."""
    streamed: bool
    metadata: str
    """JSON object that the client sent along."""
    status: int
    """HTTP status, 200..599."""
    received_at: float
    """Seconds since the epoch, as the two below."""
    decided_at: float | None
    """When the graph was decided; None where it never was."""
    answered_at: float
    """When the answer was ready to be sent."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Feedback:
    """What somebody said of one answer: a score, what would have been right, or both."""

    feedback_id: str
    request_id: str
    client: str
    score: float | None
    """In [0, 1]."""
    reference: str | None
    comment: str | None
    given_at: float
    """Seconds since the epoch."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """One request on which the champion and a candidate both decided, before one graph ran."""

    request_id: str
    champion_id: str
    candidate_id: str
    candidate_share: float
    """Probability with which the candidate was drawn to decide; 0: in shadow."""
    champion_graph: str
    """As a graph prints itself, with widths and quorums; as the next one."""
    candidate_graph: str
    champion_log_probability: float
    """Of drawing its graph from it, ≤ 0; as the next one."""
    candidate_log_probability: float
