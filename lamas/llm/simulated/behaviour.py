"""What a simulated model answers: item response, then a text that says so."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from lamas.llm.simulated.problems import KnownProblem, wrong_weights
from lamas.llm.simulated.profile import (
    Refine,
    Repair,
    Select,
    SimulatedProfile,
    Solve,
    TokenLength,
    WriteProgram,
)
from lamas.llm.simulated.programs import answer_of_program, solve_program
from lamas.llm.simulated.prose import with_length
from lamas.llm.simulated.randomness import Draws, sigmoid
from lamas.llm.simulated.reading import asks_for_statement, candidates, letter, without_question

RIGHT = 0


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as the behaviour sees it."""

    operator: str
    """Empty when the request does not say."""
    stage: int
    """Position in the operator's sequence of calls and tool runs, from 0."""
    messages: Sequence[str]


def answer(problem: KnownProblem, asked: Asked, profile: SimulatedProfile, draws: Draws) -> str:
    """The complete text; all randomness comes from `draws`."""
    return _Answering(problem, asked, profile, draws).text()


def probability_right(
    skill: float, problem: KnownProblem, profile: SimulatedProfile, operator: str
) -> float:
    """P(right) = sigmoid(skill + population's skill + interaction − difficulty)."""
    behaviour = profile.behaviour_of(operator)
    shared = behaviour.strengths_of if isinstance(behaviour, Solve) else None
    logit = skill + problem.population.skill.get(operator, 0.0)
    logit += problem.interaction(shared or operator, profile) - problem.difficulty
    return sigmoid(logit)


class _Answering:
    def __init__(
        self, problem: KnownProblem, asked: Asked, profile: SimulatedProfile, draws: Draws
    ) -> None:
        self._problem = problem
        self._asked = asked
        self._profile = profile
        self._draws = draws

    def text(self) -> str:
        behaviour = self._profile.behaviour_of(self._asked.operator)
        match behaviour:
            case Solve():
                return self._stated(self._solved(behaviour.skill), behaviour.tokens)
            case Select():
                return self._selected(behaviour)
            case Refine():
                return self._refined(behaviour)
            case WriteProgram():
                return self._programmed(behaviour)
            case Repair():
                return self._repaired(behaviour)

    def _shown(self) -> str:
        return without_question(self._asked.messages, self._problem.question)

    def _is_right(self, skill: float) -> bool:
        chance = probability_right(skill, self._problem, self._profile, self._asked.operator)
        return self._draws.uniform("right") < chance

    def _wrong(self) -> int:
        weights = wrong_weights(self._problem.family, self._profile)
        return 1 + self._draws.weighted("mistake", weights)

    def _solved(self, skill: float) -> int:
        return RIGHT if self._is_right(skill) else self._wrong()

    def _refined(self, behaviour: Refine) -> str:
        shown = self._problem.shown_answer(self._shown())
        if shown == RIGHT:
            given = self._solved(behaviour.skill_when_right)
        elif self._is_right(behaviour.skill_when_wrong):
            given = RIGHT
        else:
            given = self._wrong() if shown is None else shown
        return self._stated(given, behaviour.tokens)

    def _repaired(self, behaviour: Repair) -> str:
        if self._problem.shown_answer(self._shown()) == RIGHT:
            return self._stated(RIGHT, behaviour.tokens)
        skills = behaviour.skill_by_attempt
        skill = skills[min(self._asked.stage // 2, len(skills) - 1)]
        return self._stated(self._solved(skill), behaviour.tokens)

    def _programmed(self, behaviour: WriteProgram) -> str:
        shown = self._shown()
        if self._asked.stage > 0 and asks_for_statement(shown):
            return self._concluded(behaviour, shown)
        value = self._problem.answers[self._solved(behaviour.skill)]
        raises = self._draws.uniform("raises") < behaviour.raises
        return self._written(f"```python\n{solve_program(value, raises)}```", behaviour.tokens)

    def _concluded(self, behaviour: WriteProgram, shown: str) -> str:
        """States what the program returned; falls back on its own judgement if it failed."""
        value = answer_of_program(shown)
        if value is None:
            return self._stated(self._solved(behaviour.skill), behaviour.statement_tokens)
        if self._draws.uniform("faithful") >= behaviour.faithful:
            value = self._problem.answers[self._wrong()]
        return self._written(_final(value), behaviour.statement_tokens)

    def _selected(self, behaviour: Select) -> str:
        shown = candidates(self._shown())
        if not shown:
            return self._written(_final(letter(0)), behaviour.tokens)
        judged = [self._problem.shown_answer(text) for text in shown]
        right = [place for place, given in enumerate(judged) if given == RIGHT]
        wrong = [place for place, given in enumerate(judged) if given != RIGHT]
        if right and wrong:
            agreeing = Counter(given for given in judged if given)
            largest = max(agreeing.values(), default=1)
            margin = (len(right) - largest) / len(judged)
            chance = sigmoid(behaviour.bias + behaviour.steepness * margin)
            chosen = right if self._draws.uniform("right") < chance else wrong
        else:
            chosen = right or wrong
        place = chosen[self._draws.below("which", len(chosen))]
        return self._written(_final(letter(place)), behaviour.tokens)

    def _stated(self, given: int, length: TokenLength) -> str:
        value = self._problem.answers[given]
        ending = f"```python\n{value}```" if self._problem.family == "code" else _final(value)
        return self._written(ending, length)

    def _written(self, ending: str, length: TokenLength) -> str:
        mean, factors = length.mean, self._problem.population.length
        if length.scaled:
            mean *= factors.get(self._asked.operator, factors.get("*", 1.0))
            mean *= self._problem.length_factor
        sigma = length.sigma
        drawn = mean * math.exp(sigma * self._draws.normal("tokens") - sigma * sigma / 2)
        where = self._draws.integer("prose")
        return with_length(ending, max(1, round(drawn)), where)


def _final(value: str) -> str:
    return f"The answer is \\boxed{{{value}}}"
