"""The simulated model understands the operators' own prompts, and they understand its replies."""

import pytest

from lamas.answers.program import fenced_program
from lamas.domain import TaskFamily
from lamas.llm.simulated import SimulatedProblem, load_profile
from lamas.llm.simulated.model import Labels, SimulatedModel
from lamas.llm.simulated.programs import bug_in, solve_program
from lamas.llm.simulated.protocol import CompletionRequest
from lamas.operators.catalogue import CATALOGUE_NAMES
from lamas.operators.prompts import Places, PromptLibrary
from lamas.operators.text import chosen_position, lettered
from tests.llm.simulated.support import changed_profile, says

MATH = SimulatedProblem(
    problem_id="m/1",
    family="math",
    question="A box holds 12 eggs. How many eggs are in 3 boxes?",
    reference="36",
    difficulty=0.0,
)
CODE = SimulatedProblem(
    problem_id="c/1",
    family="code",
    question='def total(numbers):\n    """Add up.\n\n    >>> total([1, 2])\n    3\n    """',
    reference="    result = sum(numbers)\n    return result\n",
    difficulty=0.0,
    entry_point="total",
    public_tests=("assert total([1, 2]) == 3",),
)
SURE = changed_profile(interaction_sigma=0.0)


def reply(
    problem: SimulatedProblem,
    operator: str,
    template: str = "main",
    *,
    stage: int = 0,
    seed: int = 1,
    **values: str,
) -> str:
    """What the model answers to a real prompt."""
    family: TaskFamily = problem.family
    places = Places(required=frozenset({"question", *values}), optional=frozenset({"entry_point"}))
    prompt = PromptLibrary().template(family, operator, template, places)
    offered = {"question": problem.question, "entry_point": "total", **values}
    request = CompletionRequest(
        messages=tuple(message.content for message in prompt.render(offered)),
        temperature=1.0,
        max_tokens=10_000,
        choices=1,
        seed=seed,
        stream=False,
        include_usage=False,
    )
    labels = Labels(problem.problem_id, operator, str(stage), "0", "1")
    return SimulatedModel(SURE, [problem]).outcome(request, labels, 0).completion.choices[0].text


def sample(problem: SimulatedProblem, *, right: bool) -> str:
    """A step-by-step answer that is right, or wrong."""
    for seed in range(100):
        text = reply(problem, "GenerateCoT", seed=seed)
        if (says(text, problem) or (problem.family == "code" and bug_in(text) is None)) == right:
            return text
    raise AssertionError("no such sample among 100")


@pytest.mark.parametrize("problem", [MATH, CODE], ids=lambda problem: problem.family)
@pytest.mark.parametrize("place", range(5))
def test_the_only_right_candidate_among_disagreeing_ones_is_found(
    problem: SimulatedProblem, place: int
) -> None:
    texts = ["I do not know."] * 5
    texts[place] = sample(problem, right=True)
    shown = lettered(texts, 6000)
    picks = [
        chosen_position(reply(problem, "ScEnsemble", seed=seed, candidates=shown), len(texts))
        for seed in range(20)
    ]
    assert None not in picks
    # Nobody agrees with anybody: a coin decides between the right one and the others.
    assert place in picks


@pytest.mark.parametrize("problem", [MATH, CODE], ids=lambda problem: problem.family)
def test_a_majority_is_followed_by_its_letter(problem: SimulatedProblem) -> None:
    right, wrong = sample(problem, right=True), sample(problem, right=False)
    shown = lettered([wrong, right, right, right, right], 9000)
    picks = [
        chosen_position(reply(problem, "ScEnsemble", seed=seed, candidates=shown), 5)
        for seed in range(40)
    ]
    assert sum(pick != 0 for pick in picks) >= 36


def test_the_three_prompts_of_the_programmer_get_what_they_ask_for() -> None:
    written = reply(MATH, "Programmer", "write")
    program = fenced_program(written, "def solve")
    assert program is not None
    failed = solve_program("36", raises=True)
    repaired = reply(MATH, "Programmer", "repair", stage=2, program=failed, error="NameError")
    assert fenced_program(repaired, "def solve") is not None
    good = solve_program("41", raises=False)
    stated = reply(MATH, "Programmer", "answer", stage=2, program=good, output="41")
    assert stated.endswith("\\boxed{41}")
    given_up = reply(MATH, "Programmer", "answer", stage=6, program=failed, output="NameError")
    assert "\\boxed{" in given_up


@pytest.mark.parametrize("problem", [MATH, CODE], ids=lambda problem: problem.family)
def test_refinement_looks_at_the_solution_shown(problem: SimulatedProblem) -> None:
    def rights(solution: str) -> int:
        texts = [reply(problem, "SelfRefine", seed=seed, solution=solution) for seed in range(200)]
        if problem.family == "code":
            return sum(bug_in(fenced_program(text, "def total") or "") is None for text in texts)
        return sum(says(text, problem) for text in texts)

    assert rights(sample(problem, right=True)) > rights(sample(problem, right=False)) + 40


def test_repair_and_review_give_whole_programs() -> None:
    wrong, right = sample(CODE, right=False), sample(CODE, right=True)
    for seed in range(20):
        text = reply(
            CODE,
            "Test",
            "repair",
            stage=1,
            seed=seed,
            solution=wrong,
            tests="assert total([1, 2]) == 3",
            error="AssertionError",
        )
        assert "def total" in (fenced_program(text, "def total") or "")
        reviewed = reply(CODE, "Test", "review", seed=seed, solution=right)
        assert bug_in(reviewed) is None


@pytest.mark.slow
def test_every_operator_that_calls_a_model_is_in_the_shipped_profile() -> None:
    assert set(CATALOGUE_NAMES) - {"EarlyStop"} == set(load_profile().operators)
