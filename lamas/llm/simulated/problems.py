"""What the simulated model knows: problems with their answers, difficulty, and usual mistakes."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast
from urllib.parse import unquote

from lamas.domain import TASK_FAMILIES, Problem, TaskFamily
from lamas.errors import DomainError
from lamas.llm.simulated.profile import Population, SimulatedProfile
from lamas.llm.simulated.programs import (
    HIDDEN_BUG,
    KINDS_OF_BUG,
    bug_in,
    canonical_program,
    example_arguments,
    fingerprint,
    wrong_program,
)
from lamas.llm.simulated.randomness import Draws
from lamas.llm.simulated.wrong_answers import boxed_contents, plain_answer, wrong_answers


@dataclass(frozen=True, kw_only=True, slots=True)
class SimulatedProblem:
    """One problem as it is handed to the simulated endpoint."""

    problem_id: str
    family: TaskFamily
    question: str
    reference: str
    """Right answer; a whole solution with `####` or `\\boxed{…}` is understood too."""
    difficulty: float | None = None
    """Logits; drawn from the population's distribution when None."""
    entry_point: str | None = None
    """Code: name of the function asked for."""
    public_tests: tuple[str, ...] = ()
    """Code: statements that wrong programs with a hidden bug must pass."""

    @classmethod
    def of(cls, problem: Problem) -> "SimulatedProblem":
        """From a benchmark's problem; its difficulty is left to the profile."""
        tests = problem.tests
        return cls(
            problem_id=problem.problem_id,
            family=problem.family,
            question=problem.question,
            reference=problem.reference,
            entry_point=None if tests is None else tests.entry_point,
            public_tests=() if tests is None else tests.public,
        )

    @classmethod
    def parse(cls, value: object, place: str) -> "SimulatedProblem":
        """From JSON data; DomainError names `place`, the key and the rule when it is invalid."""
        if not isinstance(value, dict):
            raise DomainError(f"{place} must be a JSON object, got {type(value).__name__}")
        entry = cast("Mapping[str, object]", value)
        family = _text(entry, "family", place)
        if family not in TASK_FAMILIES:
            raise DomainError(
                f"{place}: family {family!r} is not one of {', '.join(TASK_FAMILIES)}"
            )
        difficulty = entry.get("difficulty")
        if difficulty is not None and (
            isinstance(difficulty, bool)
            or not isinstance(difficulty, int | float)
            or not math.isfinite(difficulty)
        ):
            raise DomainError(f"{place}: difficulty must be a number in logits, got {difficulty!r}")
        public = entry.get("public_tests") or ()
        if not isinstance(public, list | tuple):
            raise DomainError(f"{place}: public_tests must be a list of Python statements")
        entry_point = entry.get("entry_point")
        return cls(
            problem_id=_text(entry, "problem_id", place),
            family=family,
            question=_text(entry, "question", place),
            reference=_text(entry, "reference", place),
            difficulty=None if difficulty is None else float(difficulty),
            entry_point=None if entry_point is None else str(entry_point),
            public_tests=tuple(str(item) for item in cast("Iterable[object]", public)),
        )

    def as_json(self) -> dict[str, object]:
        return {
            "problem_id": self.problem_id,
            "family": self.family,
            "question": self.question,
            "reference": self.reference,
            "difficulty": self.difficulty,
            "entry_point": self.entry_point,
            "public_tests": list(self.public_tests),
        }


@dataclass(frozen=True, kw_only=True)
class KnownProblem:
    """A problem with everything about it that does not depend on the request."""

    problem_id: str
    family: TaskFamily
    question: str
    population: Population
    difficulty: float
    """Logits."""
    length_factor: float
    """Factor on scaled answer lengths, mean 1 over problems."""
    answers: tuple[str, ...]
    """The right answer, then the wrong ones, most likely first; programs for family `code`."""
    entry_point: str | None
    _answer_pattern: re.Pattern[str] | None
    _right_line: str
    _interactions: dict[str, float] = field(default_factory=dict)

    def interaction(self, operator: str, profile: SimulatedProfile) -> float:
        """Logits by which this operator is better (or worse) here than its skill says."""
        if operator not in self._interactions:
            draws = Draws("interaction", str(profile.seed), self.problem_id, operator)
            value = profile.interaction_sigma * draws.normal("strength")
            self._interactions[operator] = value
        return self._interactions[operator]

    def shown_answer(self, text: str) -> int | None:
        """Which known answer a text gives: 0 the right one, 1.. a wrong one, None neither."""
        if self.family == "code":
            bug = bug_in(text)
            if bug is not None:
                return bug + 1
            return 0 if self._right_line and self._right_line in text else None
        for content in reversed(boxed_contents(text)):
            if content.strip() in self.answers:
                return self.answers.index(content.strip())
        if self._answer_pattern is None:
            return None
        found = self._answer_pattern.findall(text)
        return self.answers.index(found[-1]) if found else None


class ProblemBook:
    """The known problems, by id and by question."""

    def __init__(self, profile: SimulatedProfile) -> None:
        self._profile = profile
        self._by_id: dict[str, KnownProblem] = {}
        self._by_opening: dict[str, list[KnownProblem]] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def add(self, problem: SimulatedProblem) -> None:
        """Learn a problem; one with the same id is replaced."""
        known = _study(problem, self._profile)
        previous = self._by_id.get(problem.problem_id)
        if previous is not None:
            self._by_opening[_opening(previous.question)].remove(previous)
        self._by_id[problem.problem_id] = known
        self._by_opening.setdefault(_opening(known.question), []).append(known)

    def find(self, problem_id: str | None, messages: Iterable[str]) -> KnownProblem | None:
        """By id if it is known, else the one with the longest question inside the messages.

        An id may be percent-encoded, as header values that are not ASCII are.
        """
        for name in () if problem_id is None else (problem_id, unquote(problem_id)):
            if name in self._by_id:
                return self._by_id[name]
        text = "\n".join(messages)
        found = [
            problem
            for opening, problems in self._by_opening.items()
            if opening in text
            for problem in problems
            if problem.question in text
        ]
        return max(found, key=lambda problem: len(problem.question), default=None)


def stranger(messages: Sequence[str], profile: SimulatedProfile) -> KnownProblem:
    """Stands in for a problem nobody announced: a numeric answer made up from the last message."""
    question = messages[-1] if messages else ""
    draws = Draws("stranger", str(profile.seed), question)
    known = _study(
        SimulatedProblem(
            problem_id=f"unknown/{draws.integer('id'):016x}",
            family="math",
            question=question,
            reference=str(draws.below("answer", 1000)),
        ),
        profile,
    )
    # Where the question ends is unknown, so nothing may be taken out of the message.
    return replace(known, question="")


def _study(problem: SimulatedProblem, profile: SimulatedProfile) -> KnownProblem:
    population = profile.population_of(problem.problem_id, problem.family)
    draws = Draws("problem", str(profile.seed), problem.problem_id)
    if problem.difficulty is None:
        standard = _standard_difficulty(problem.question, population, draws)
        difficulty = population.difficulty_mean + population.difficulty_sigma * standard
    else:
        difficulty = problem.difficulty
        standard = (difficulty - population.difficulty_mean) / population.difficulty_sigma
        standard = max(-3.0, min(3.0, standard))
    shared, sigma = population.length_correlation, population.length_sigma
    own = math.sqrt(1.0 - shared * shared) * draws.normal("length")
    answers = _answers(problem, profile, draws)
    question = problem.question.strip()
    return KnownProblem(
        problem_id=problem.problem_id,
        family=problem.family,
        question=question,
        population=population,
        difficulty=difficulty,
        length_factor=math.exp(sigma * (shared * standard + own) - sigma * sigma / 2),
        answers=answers,
        entry_point=problem.entry_point,
        _answer_pattern=None if problem.family == "code" else _pattern(answers),
        _right_line=fingerprint(answers[0], question) if problem.family == "code" else "",
    )


def _standard_difficulty(question: str, population: Population, draws: Draws) -> float:
    own = draws.normal("difficulty")
    length = population.question_length
    if length is None:
        return own
    long = (math.log(max(len(question.strip()), 1)) - math.log(length.median)) / length.sigma
    long = max(-3.0, min(3.0, long))
    return length.correlation * long + math.sqrt(1.0 - length.correlation**2) * own


def _answers(problem: SimulatedProblem, profile: SimulatedProfile, draws: Draws) -> tuple[str, ...]:
    if problem.family != "code":
        right = plain_answer(problem.reference)
        return (right, *wrong_answers(right, profile.wrong_answers.distinct, draws))
    entry_point = problem.entry_point or "solution"
    right = canonical_program(problem.question, problem.reference, entry_point)
    examples = example_arguments(problem.public_tests, entry_point)
    kinds = range(KINDS_OF_BUG)
    return (right, *(wrong_program(right, entry_point, kind, examples) for kind in kinds))


def wrong_weights(family: TaskFamily, profile: SimulatedProfile) -> tuple[float, ...]:
    """Share of each wrong answer among a problem's wrong samples, in the order of `answers`."""
    decay = profile.wrong_answers.concentration
    if family != "code":
        return _decaying(profile.wrong_answers.distinct, decay)
    hidden = profile.wrong_answers.hidden_bug_share
    shares = [(1.0 - hidden) * share for share in _decaying(KINDS_OF_BUG - 1, decay)]
    shares.insert(HIDDEN_BUG, hidden)
    return tuple(shares)


def _decaying(count: int, decay: float) -> tuple[float, ...]:
    weights = [decay**rank for rank in range(count)]
    return tuple(weight / math.fsum(weights) for weight in weights)


def _pattern(answers: tuple[str, ...]) -> re.Pattern[str]:
    longest_first = sorted(answers, key=len, reverse=True)
    alternatives = "|".join(map(re.escape, longest_first))
    return re.compile(rf"(?<![\w.])(?:{alternatives})(?!\w|\.\d)")


def _opening(question: str) -> str:
    return question[:24]


def _text(entry: Mapping[str, object], key: str, place: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or (key != "reference" and not value.strip()):
        raise DomainError(f"{place}: {key!r} must be a non-empty string, got {value!r}")
    return value
