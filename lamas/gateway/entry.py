"""What a gateway puts on record: a request with its rollout, or what somebody said of one."""

import base64
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lamas.domain import Problem, Rollout
from lamas.domain.served import Feedback, ServedRequest, Trial
from lamas.domain.texts import Texts, change_of, with_texts

NOT_KEPT = "(not kept)"


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One thing to be kept; a request that was not answered has no rollout."""

    request: ServedRequest | None = None
    rollout: Rollout | None = None
    problem: Problem | None = None
    """The question of `rollout`."""
    embedding: str = ""
    """Its query embedding, 384 float32 in base64; empty: zeros."""
    trial: Trial | None = None
    """What a candidate had to say to `request`, if one is tried."""
    feedback: Feedback | None = None

    def vector(self) -> NDArray[np.float32]:
        """[384] float32."""
        if not self.embedding:
            return np.zeros(384, dtype=np.float32)
        return np.frombuffer(base64.b64decode(self.embedding), dtype=np.float32)


def packed(embedding: NDArray[np.float32]) -> str:
    """An embedding [384] float32 as text."""
    return base64.b64encode(np.ascontiguousarray(embedding, dtype=np.float32).tobytes()).decode()


def kept(entry: Entry, texts: Texts) -> Entry:
    """`entry` with its texts as `texts` says, before any of them reaches a disk.

    Metadata and the embedding, from which a question could be guessed, are kept only where texts
    are.
    """
    if texts == "keep":
        return entry
    change = change_of(texts)
    problem, request, feedback = entry.problem, entry.request, entry.feedback
    return Entry(
        request=request and replace(request, metadata="{}"),
        rollout=entry.rollout and with_texts(entry.rollout, texts),
        problem=problem and replace(problem, question=change(problem.question) or NOT_KEPT),
        trial=entry.trial,
        feedback=feedback
        and replace(
            feedback,
            reference=None if feedback.reference is None else change(feedback.reference),
            comment=None if feedback.comment is None else change(feedback.comment),
        ),
    )
