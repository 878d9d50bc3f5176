"""Rollouts drawn from a known profile without a server, as the observations a fit is given."""

from collections import Counter
from collections.abc import Sequence

from lamas.calibration import (
    CallLength,
    Observations,
    ObservedProblem,
    Selection,
    Trial,
    WrongAnswer,
)
from lamas.llm.simulated import SimulatedProblem, SimulatedProfile, parse_profile
from lamas.llm.simulated.model import Labels, SimulatedModel
from lamas.llm.simulated.prose import tokens_in
from lamas.llm.simulated.protocol import CompletionRequest
from lamas.llm.simulated.wrong_answers import boxed_contents
from lamas.operators.text import chosen_position, lettered
from tests.llm.simulated.support import arithmetic, changed_profile


def altered(**population: object) -> SimulatedProfile:
    """A profile unlike the shipped one in everything that `draw` shows."""
    content = changed_profile(interaction_sigma=1.6).model_dump()
    content["populations"]["other_math"].update(
        {
            "difficulty_mean": 0.8,
            "difficulty_sigma": 2.2,
            "length_sigma": 0.45,
            "length_correlation": 0.6,
            **population,
        }
    )
    content["operators"]["Generate"].update(
        skill=-1.2, tokens={"mean": 90.0, "sigma": 0.4, "scaled": True}
    )
    content["operators"]["GenerateCoT"].update(tokens={"mean": 220.0, "sigma": 0.3, "scaled": True})
    content["operators"]["SelfRefine"].update(
        skill_when_right=2.0, skill_when_wrong=-0.5, tokens={"mean": 300.0, "sigma": 0.25}
    )
    content["operators"]["ScEnsemble"].update(bias=0.7, steepness=3.0)
    content["wrong_answers"].update(concentration=0.6)
    return parse_profile(content)


class Drawing:
    """Asks a simulated model like the operators do, and keeps what they would record."""

    def __init__(self, profile: SimulatedProfile, count: int, *, max_tokens: int = 20_000) -> None:
        self.problems = arithmetic(count)
        self._model = SimulatedModel(profile, self.problems)
        self._max_tokens = max_tokens
        self.trials: list[Trial] = []
        self.lengths: list[CallLength] = []
        self.selections: list[Selection] = []
        self.wrong: list[WrongAnswer] = []

    def ask(self, problem: SimulatedProblem, operator: str, seed: int, shown: str = "") -> str:
        """One answer; its length is kept."""
        request = CompletionRequest(
            messages=(f"{problem.question}\n\n{shown}",),
            temperature=1.0,
            max_tokens=self._max_tokens,
            choices=1,
            seed=seed,
            stream=False,
            include_usage=False,
        )
        labels = Labels(problem.problem_id, operator, "0", "0", "1")
        choice = self._model.outcome(request, labels, 0).completion.choices[0]
        self.lengths.append(
            CallLength(
                problem_id=problem.problem_id,
                operator=operator,
                tokens=tokens_in(choice.text),
                cut=choice.finish_reason == "length",
            )
        )
        return choice.text

    def trial(self, problem: SimulatedProblem, operator: str, skill: str, text: str) -> bool:
        """Judge a text and keep the result."""
        right = said(text) == problem.reference
        if r"\boxed" in text:
            self.trials.append(
                Trial(problem_id=problem.problem_id, operator=operator, skill=skill, right=right)
            )
        return right

    def solve_all(
        self, samples: int, operators: Sequence[str] = ("Generate", "GenerateCoT")
    ) -> None:
        """Samples of each solving operator, then one refinement of a step-by-step answer."""
        for problem in self.problems:
            for seed in range(samples):
                for operator in operators:
                    text = self.ask(problem, operator, seed)
                    if not self.trial(problem, operator, "skill", text) and said(text):
                        self.wrong.append(
                            WrongAnswer(problem_id=problem.problem_id, answer=said(text))
                        )

    def refine_all(self, samples: int) -> None:
        """Refinements of fresh step-by-step answers."""
        for problem in self.problems:
            for seed in range(samples):
                shown = self.ask(problem, "GenerateCoT", 1000 + seed)
                right = self.trial(problem, "GenerateCoT", "skill", shown)
                skill = "skill_when_right" if right else "skill_when_wrong"
                self.trial(
                    problem, "SelfRefine", skill, self.ask(problem, "SelfRefine", seed, shown)
                )

    def select_all(self) -> None:
        """One pick among five step-by-step answers."""
        for problem in self.problems:
            texts = [self.ask(problem, "GenerateCoT", 2000 + seed) for seed in range(5)]
            right = [said(text) == problem.reference for text in texts]
            if all(right) or not any(right):
                continue
            wrong = Counter(said(t) for t, good in zip(texts, right, strict=True) if not good)
            reply = self.ask(problem, "ScEnsemble", 0, lettered(texts, 100_000))
            picked = chosen_position(reply, len(texts))
            assert picked is not None
            margin = (sum(right) - max(wrong.values())) / len(texts)
            self.selections.append(
                Selection(operator="ScEnsemble", margin=margin, right=right[picked])
            )

    def seen(self) -> Observations:
        """Everything kept so far."""
        return Observations(
            benchmark="sums",
            family="math",
            problems=tuple(
                ObservedProblem(problem_id=item.problem_id, question_characters=len(item.question))
                for item in self.problems
            ),
            trials=tuple(self.trials),
            lengths=tuple(self.lengths),
            selections=tuple(self.selections),
            wrong_answers=tuple(self.wrong),
        )


def said(text: str) -> str:
    """The boxed answer of a text; empty without one."""
    return (boxed_contents(text) or [""])[-1]
