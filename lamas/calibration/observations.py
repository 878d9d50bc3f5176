"""What recorded rollouts show of a model, as plain records, and what a fit makes of them."""

from dataclasses import dataclass
from typing import Literal

from lamas.domain import TaskFamily

Part = Literal["tokens", "statement_tokens"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ObservedProblem:
    """One problem that was asked."""

    problem_id: str
    question_characters: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """One answer, judged, of which the profile says P(right) = sigmoid(skill + b − d)."""

    problem_id: str
    operator: str
    skill: str
    """Which of the operator's skills was at work: `skill`, `skill_when_right`,
    `skill_when_wrong` or `skill_by_attempt.0` (a position)."""
    right: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class CallLength:
    """Output tokens of one call."""

    problem_id: str
    operator: str
    part: Part = "tokens"
    tokens: int
    cut: bool = False
    """Ended by max_tokens: the answer would have been at least so long."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """One pick among candidates of which some were right and some wrong."""

    operator: str
    margin: float
    """Share of right candidates − share of the most frequent wrong answer."""
    right: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ProgramRun:
    """One program written to compute an answer, and whether it gave a value."""

    operator: str
    raised: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """What was stated after a program that had returned the right value."""

    operator: str
    faithful: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class WrongAnswer:
    """A readable wrong answer; equal ones of a problem agree."""

    problem_id: str
    answer: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CallSeconds:
    """How long one call took."""

    tokens: int
    seconds: float
    first_token_seconds: float | None
    """None when the answer came in one piece."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Observations:
    """All that was seen on one benchmark."""

    benchmark: str
    """Problem ids begin with it and a slash."""
    family: TaskFamily
    problems: tuple[ObservedProblem, ...]
    trials: tuple[Trial, ...] = ()
    lengths: tuple[CallLength, ...] = ()
    selections: tuple[Selection, ...] = ()
    program_runs: tuple[ProgramRun, ...] = ()
    statements: tuple[Statement, ...] = ()
    wrong_answers: tuple[WrongAnswer, ...] = ()
    wrong_passed_public: tuple[bool, ...] = ()
    """Code: for each wrong program that met the public tests, whether it passed them."""
    call_seconds: tuple[CallSeconds, ...] = ()
    tool_seconds: tuple[float, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What the fit says of one key of the profile."""

    path: tuple[str, ...]
    """Where it stands in the file: `("operators", "Generate", "skill")`."""
    before: float
    value: float
    """Equal to `before` unless fitted."""
    fitted: bool
    note: str
    """From how much it was fitted, or why it was not."""
    error: float | None = None
    """Posterior standard deviation, where the fit gives one."""

    @property
    def key(self) -> str:
        return ".".join(self.path)
