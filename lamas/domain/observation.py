"""What a policy sees of a rollout between two of its layers, and what it does then."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Observation:
    """What a rollout had come to when a layer had ended."""

    layer: int
    """The layer that ended, from 1."""
    candidates: int
    agreeing: int
    """Candidates of the largest group with one normalised answer; 0 where none could be read."""
    failed_programs: int
    """Programs so far that ended in an error or at a limit."""
    cp_tokens: float
    """CP_len so far, in tokens."""
    seconds: float
    """So far: model seconds where answers carry them, measured ones otherwise."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ObservedDecision(Observation):
    """What a policy saw, and whether it went on; with which layer stands in the decisions."""

    stopped: bool
    log_probability: float
    """Of stopping, or of going on; 0 where that was certain."""
