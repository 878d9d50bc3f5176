"""What a problem is: one query with its reference answer or its tests."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from lamas.errors import DomainError

TaskFamily = Literal["math", "code", "text"]
Split = Literal["train", "test"]

TASK_FAMILIES: tuple[TaskFamily, ...] = ("math", "code", "text")


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeTests:
    """How a generated program is judged."""

    entry_point: str
    """Name of the function the tests call."""
    public: tuple[str, ...]
    """Python statements (assertions) that an operator may see and run."""
    hidden: str
    """Python source that raises when the program is wrong; only the scorer runs it."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One query of one benchmark version."""

    problem_id: str
    """Unique over all benchmarks, stable for the same source: `<benchmark>/<version>/<index>`."""
    benchmark: str
    version: str
    """Digest of the benchmark's source."""
    family: TaskFamily
    index: int
    """Position in the source, from 0."""
    split: Split
    question: str
    reference: str
    """Reference answer; for code the canonical solution (may be empty)."""
    tests: CodeTests | None = None
    """Present exactly for family "code"."""
    choices: tuple[str, ...] = ()
    """Texts of the options in the order of their letters, of a multiple-choice problem; an empty
    text where only the number of options is known."""
    metadata: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Whatever else the source says (level, type, difficulty …)."""

    def __post_init__(self) -> None:
        if not self.question.strip():
            raise DomainError(f"problem {self.problem_id}: the question is empty")
        if self.family not in TASK_FAMILIES:
            raise DomainError(
                f"problem {self.problem_id}: family {self.family!r} is not one of "
                f"{', '.join(TASK_FAMILIES)}"
            )
        if (self.family == "code") != (self.tests is not None):
            raise DomainError(
                f"problem {self.problem_id}: tests are given exactly for family 'code', "
                f"family is {self.family!r}"
            )


def asked_problem(
    question: str, family: TaskFamily, *, problem_id: str, benchmark: str, reference: str = ""
) -> Problem:
    """A question that somebody asked, as a problem of no benchmark's source."""
    return Problem(
        problem_id=problem_id,
        benchmark=benchmark,
        version=benchmark,
        family=family,
        index=0,
        split="test",
        question=question,
        reference=reference,
        # Without tests the operator Test reviews instead of running any.
        tests=CodeTests(entry_point="", public=(), hidden="") if family == "code" else None,
    )
