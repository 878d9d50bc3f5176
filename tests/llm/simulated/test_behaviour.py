"""Quality and length depend on operator, difficulty and what was shown, as the profile says."""

import statistics
from dataclasses import replace
from itertools import pairwise

import pytest

from lamas.llm.simulated import SimulatedProblem, SimulatedProfile, load_profile
from lamas.llm.simulated.model import Labels, SimulatedModel
from lamas.llm.simulated.programs import bug_in
from lamas.llm.simulated.protocol import CompletionRequest
from tests.llm.simulated.support import arithmetic, changed_profile, says, share

SAMPLES = 300
CODE = SimulatedProblem(
    problem_id="sums/code",
    family="code",
    question='def total(numbers):\n    """Add up."""\n',
    reference="    result = sum(numbers)\n    return result\n",
    difficulty=0.0,
    entry_point="total",
    public_tests=("assert total([1, 2]) == 3",),
)


def request(prompt: str, seed: int = 1, *, temperature: float = 1.0) -> CompletionRequest:
    return CompletionRequest(
        messages=(prompt,),
        temperature=temperature,
        max_tokens=100_000,
        choices=1,
        seed=seed,
        stream=False,
        include_usage=False,
    )


def answers(
    problem: SimulatedProblem,
    prompt: str,
    operator: str,
    *,
    profile: SimulatedProfile | None = None,
    stage: int = 0,
    count: int = SAMPLES,
) -> list[str]:
    """Samples that differ in their seed only."""
    model = SimulatedModel(profile or flat(), [problem])
    given = Labels(problem.problem_id, operator, str(stage), "0", "1")
    return [
        model.outcome(request(prompt, seed), given, 0).completion.choices[0].text
        for seed in range(count)
    ]


def flat() -> SimulatedProfile:
    """Without interactions: what is left is skill and difficulty."""
    return changed_profile(interaction_sigma=0.0)


def right_share(problem: SimulatedProblem, operator: str, **given: object) -> float:
    profile = given.get("profile")
    assert profile is None or isinstance(profile, SimulatedProfile)
    texts = answers(problem, problem.question, operator, profile=profile)
    return share([says(text, problem) for text in texts])


def test_quality_falls_with_difficulty_and_is_half_at_the_skill() -> None:
    shares = [
        right_share(arithmetic(1, difficulty=float(difficulty))[0], "GenerateCoT")
        for difficulty in (-6, -2, 0, 2, 6)
    ]
    assert all(easier > harder for easier, harder in pairwise(shares))
    assert shares[2] == pytest.approx(0.5, abs=4 * 0.5 / SAMPLES**0.5)


def test_quality_rises_with_skill() -> None:
    problem = arithmetic(1, difficulty=0.0)[0]
    operators = load_profile().model_dump()["operators"]
    shares: list[float] = []
    for skill in (-2.0, 0.0, 2.0):
        skilled = {**operators, "GenerateCoT": {**operators["GenerateCoT"], "skill": skill}}
        profile = changed_profile(interaction_sigma=0.0, operators=skilled)
        shares.append(right_share(problem, "GenerateCoT", profile=profile))
    assert shares[0] < shares[1] < shares[2]


def test_errors_of_different_operators_fall_on_the_same_problems() -> None:
    problems = arithmetic(300, benchmark="math")
    model = SimulatedModel(load_profile(), problems)

    def rights(operator: str) -> list[float]:
        return [
            float(
                says(
                    model.outcome(
                        request(p.question), Labels(p.problem_id, operator, "0", "0", "1"), 0
                    )
                    .completion.choices[0]
                    .text,
                    p,
                )
            )
            for p in problems
        ]

    assert statistics.correlation(rights("Generate"), rights("GenerateCoT")) > 0.4


def test_two_operators_may_share_their_strengths() -> None:
    profile = changed_profile(interaction_sigma=20.0)
    differing = agreeing = 0
    for problem in arithmetic(60, difficulty=0.0):
        chances = {
            operator: share(
                [
                    says(text, problem)
                    for text in answers(problem, "", operator, profile=profile, count=8)
                ]
            )
            for operator in ("GenerateCoT", "MultiGenerateCoT", "Generate")
        }
        agreeing += abs(chances["GenerateCoT"] - chances["MultiGenerateCoT"]) < 0.8
        differing += abs(chances["GenerateCoT"] - chances["Generate"]) > 0.8
    assert agreeing == 60
    assert differing > 15


@pytest.mark.slow
def test_length_has_the_configured_mean_and_scales_with_the_population() -> None:
    def mean_tokens(benchmark: str, operator: str) -> float:
        # Questions of the usual length: shorter ones are easier, and get shorter answers.
        usual = {"gsm8k": 222, "math": 147}[benchmark]
        problems = [
            replace(problem, question=problem.question.ljust(usual, "?"))
            for problem in arithmetic(700, benchmark=benchmark)
        ]
        model = SimulatedModel(load_profile(), problems)
        return statistics.mean(
            model.outcome(
                request(p.question), Labels(p.problem_id, operator, "0", "0", "1"), 0
            ).completion.output_tokens
            for p in problems
        )

    assert mean_tokens("gsm8k", "Generate") == pytest.approx(405.2, rel=0.05)
    assert mean_tokens("gsm8k", "GenerateCoT") == pytest.approx(345.8, rel=0.05)
    assert mean_tokens("math", "GenerateCoT") == pytest.approx(989.3, rel=0.05)


def test_longer_questions_are_harder_where_the_profile_says_so() -> None:
    model = SimulatedModel(load_profile())
    lengths: list[float] = []
    difficulties: list[float] = []
    for index in range(800):
        words = "word " * (20 + index % 60)
        question = f"{index} {words}?"
        problem = SimulatedProblem(
            problem_id=f"gsm8k/{index}", family="math", question=question, reference="1"
        )
        model.problems.add(problem)
        known = model.problems.find(problem.problem_id, ())
        assert known is not None
        lengths.append(len(question))
        difficulties.append(known.difficulty)
    assert 0.05 < statistics.correlation(lengths, difficulties) < 0.4


@pytest.mark.parametrize(("shown", "expected"), [("right", 0.62), ("wrong", 0.18)])
def test_a_refined_solution_depends_on_the_one_shown(shown: str, expected: float) -> None:
    problem = arithmetic(1, difficulty=0.0)[0]
    right = "1000"
    wrong = next(text for text in answers(problem, "", "GenerateCoT") if not says(text, problem))
    solution = f"The answer is \\boxed{{{right}}}" if shown == "right" else wrong
    texts = answers(problem, f"{problem.question}\nSolution: {solution}\nRefine it.", "SelfRefine")
    rights = share([says(text, problem) for text in texts])
    assert rights == pytest.approx(expected, abs=4 * 0.5 / SAMPLES**0.5)
    if shown == "wrong":
        ending = wrong[wrong.rindex("\\boxed") :]
        assert all(text.endswith(ending) for text in texts if not says(text, problem))


@pytest.mark.parametrize("rights", [0, 1, 2, 3, 4])
def test_ensemble_picks_right_more_often_the_more_right_ones_it_is_shown(rights: int) -> None:
    problem = arithmetic(1)[0]
    known = SimulatedModel(flat(), [problem]).problems.find(problem.problem_id, ())
    assert known is not None
    solutions = [known.answers[0]] * rights + [known.answers[1]] * (4 - rights)
    listed = "\n\n".join(
        f"{letter}: some steps\n\nThe answer is \\boxed{{{solution}}}"
        for letter, solution in zip("ABCD", solutions, strict=True)
    )
    texts = answers(problem, f"{problem.question}\n{listed}\nWhich?", "ScEnsemble")
    picked = ["ABCD".index(text[-2]) for text in texts]
    chosen_right = share([place < rights for place in picked])
    # sigmoid(6 · (rights − wrongs) / 4); none to pick, none picked.
    expected = (0.0, 0.047, 0.5, 0.953, 1.0)[rights]
    assert chosen_right == pytest.approx(expected, abs=4 * 0.5 / SAMPLES**0.5)
    assert len(set(picked)) >= (1 if rights in (1, 3) else 2)


def test_a_line_that_begins_like_a_letter_does_not_split_a_candidate() -> None:
    problem = arithmetic(1)[0]
    prompt = f"A: first\nC: still first \\boxed{{{problem.reference}}}\n\nB: second \\boxed{{3}}"
    texts = answers(problem, prompt, "ScEnsemble", count=40)
    assert {text[-2] for text in texts} <= {"A", "B"}


def test_programs_are_right_as_often_as_the_skill_says_and_sometimes_raise() -> None:
    problem = arithmetic(1, difficulty=0.0)[0]
    texts = answers(problem, f"{problem.question}\nWrite def solve():", "Programmer", count=500)
    assert all("```python\ndef solve():" in text for text in texts)
    raising = share(["undefined" in text for text in texts])
    rights = share([f"answer = {problem.reference}\n" in text for text in texts])
    assert raising == pytest.approx(0.05, abs=4 * 0.05**0.5 / 500**0.5)
    assert rights == pytest.approx(0.5, abs=4 * 0.5 / 500**0.5)


def test_the_statement_repeats_what_the_program_returned() -> None:
    problem = arithmetic(1, difficulty=0.0)[0]
    prompt = (
        f"{problem.question}\n```python\ndef solve():\n    answer = 77\n    return answer\n```\n"
        "It gave: 77\nState the final answer in \\boxed{}."
    )
    texts = answers(problem, prompt, "Programmer", stage=2)
    assert share([text.endswith("\\boxed{77}") for text in texts]) > 0.95


def test_a_failed_program_is_written_again_or_answered_for() -> None:
    problem = arithmetic(1, difficulty=0.0)[0]
    shown = f"{problem.question}\nundefined_total\nError: NameError\n"
    repaired = answers(problem, shown + "Correct the program.", "Programmer", stage=2, count=20)
    stated = answers(problem, shown + "State it in \\boxed{}.", "Programmer", stage=6, count=20)
    assert all("def solve()" in text for text in repaired)
    assert all("\\boxed{" in text and "def solve" not in text for text in stated)


def test_code_answers_are_programs_and_repairs_get_weaker_by_attempt() -> None:
    wrong = next(text for text in answers(CODE, "", "Generate") if bug_in(text) is not None)
    prompt = f"{CODE.question}\nThis fails:\n{wrong}\nRepair it."
    fixed = [
        share([bug_in(text) is None for text in answers(CODE, prompt, "Test", stage=stage)])
        for stage in (1, 3, 5, 7)
    ]
    expected = (0.818, 0.731, 0.622, 0.622)
    for found, chance in zip(fixed, expected, strict=True):
        assert found == pytest.approx(chance, abs=4 * 0.5 / SAMPLES**0.5)


def test_a_right_program_under_review_stays_right() -> None:
    right = next(text for text in answers(CODE, "", "Generate") if bug_in(text) is None)
    texts = answers(CODE, f"{CODE.question}\n{right}\nCheck it.", "Test", stage=0, count=30)
    assert all(bug_in(text) is None for text in texts)


def test_at_temperature_zero_samples_do_not_differ() -> None:
    problem = arithmetic(1, difficulty=0.0)[0]
    model = SimulatedModel(flat(), [problem])
    texts = {
        model.outcome(
            request(problem.question, seed, temperature=0.0),
            Labels(problem.problem_id, "Generate", "0", str(seed), "1"),
            0,
        )
        .completion.choices[0]
        .text
        for seed in range(20)
    }
    assert len(texts) == 1


def test_an_unknown_problem_gets_a_letter_of_those_it_shows() -> None:
    model = SimulatedModel(flat())
    prompt = "Why?\nA: because\n\nB: so\n\nC: \\boxed{3}"
    texts = [
        model.outcome(request(prompt, seed), Labels(None, "ScEnsemble", "0", "0", None), 0)
        .completion.choices[0]
        .text
        for seed in range(60)
    ]
    assert {text[-2] for text in texts} == {"A", "B", "C"}


@pytest.mark.slow
def test_a_learned_problem_replaces_the_one_with_its_id() -> None:
    model = SimulatedModel(flat(), arithmetic(2))
    known = model.problems.find(None, ["Say: " + arithmetic(2)[1].question])
    assert known is not None
    assert known.problem_id == "sums/v/1"
    model.problems.add(
        SimulatedProblem(problem_id="sums/v/1", family="text", question="Why?", reference="so")
    )
    assert len(model.problems) == 2
    assert model.problems.find(None, [arithmetic(2)[1].question]) is None
    found = model.problems.find("sums%2Fv%2F1", [])
    assert found is not None
    assert found.question == "Why?"
