"""A profile is found again from what it was seen to do, and its file can be used."""

from pathlib import Path

import pytest

from lamas.calibration import (
    Calibration,
    Observations,
    ObservedProblem,
    ProgramRun,
    Trial,
    calibrate,
    profile_text,
    write_profile,
)
from lamas.errors import ConfigurationError, DomainError
from lamas.llm.simulated import SimulatedProfile, load_profile
from lamas.llm.simulated.profile import Refine, Select, Solve
from tests.calibration.world import Drawing, altered, said
from tests.llm.simulated.support import changed_profile

TRUTH = altered()


@pytest.fixture(scope="module")
def seen() -> Observations:
    drawing = Drawing(TRUTH, 400)
    drawing.solve_all(3)
    drawing.refine_all(2)
    drawing.select_all()
    return drawing.seen()


@pytest.fixture(scope="module")
def fitted(seen: Observations) -> Calibration:
    return calibrate(load_profile(), seen, model="some-model")


def solver(profile: SimulatedProfile, name: str) -> Solve:
    behaviour = profile.operators[name]
    assert isinstance(behaviour, Solve)
    return behaviour


@pytest.mark.slow
def test_a_known_profile_is_found_again(fitted: Calibration) -> None:
    profile = fitted.profile
    truth = TRUTH.populations["other_math"]
    found = profile.populations[fitted.population]
    assert (fitted.population, found.matches, found.family) == ("sums", ("sums/*",), None)
    assert found.difficulty_mean == pytest.approx(truth.difficulty_mean, abs=0.5)
    assert found.difficulty_sigma == pytest.approx(truth.difficulty_sigma, rel=0.2)
    assert profile.interaction_sigma == pytest.approx(TRUTH.interaction_sigma, rel=0.2)
    assert found.length_sigma == pytest.approx(truth.length_sigma, rel=0.1)
    assert found.length_correlation == pytest.approx(truth.length_correlation, abs=0.12)
    assert profile.wrong_answers.concentration == pytest.approx(0.6, abs=0.08)
    for name in ("Generate", "GenerateCoT"):
        own, true = solver(profile, name), solver(TRUTH, name)
        assert own.skill == pytest.approx(true.skill, abs=0.4)
        assert own.tokens.mean == pytest.approx(true.tokens.mean, rel=0.08)
        assert own.tokens.sigma == pytest.approx(true.tokens.sigma, rel=0.1)
    refine = profile.operators["SelfRefine"]
    assert isinstance(refine, Refine)
    assert refine.skill_when_right == pytest.approx(2.0, abs=0.8)
    assert refine.skill_when_wrong == pytest.approx(-0.5, abs=0.6)
    select = profile.operators["ScEnsemble"]
    assert isinstance(select, Select)
    assert select.bias == pytest.approx(0.7, abs=0.6)
    assert select.steepness == pytest.approx(3.0, abs=1.8)


@pytest.mark.slow
def test_the_fitted_profile_is_right_as_often_as_the_true_one(fitted: Calibration) -> None:
    """On 1,500 problems, where the starting profile is far off."""

    def shares(profile: SimulatedProfile) -> dict[str, float]:
        drawing = Drawing(profile, 1500)
        drawing.solve_all(1)
        drawing.refine_all(1)
        return {
            name: sum(flags) / len(flags)
            for name in ("Generate", "GenerateCoT", "SelfRefine")
            for flags in [[item.right for item in drawing.trials if item.operator == name]]
        }

    true, found, start = shares(TRUTH), shares(fitted.profile), shares(load_profile())
    for name, share in true.items():
        # Four hundred problems tell a share to about two hundredths.
        assert found[name] == pytest.approx(share, abs=0.06), name
        assert abs(start[name] - share) > 0.1, name


@pytest.mark.slow
def test_what_was_not_seen_stays_and_is_listed(fitted: Calibration) -> None:
    start = load_profile()
    assert fitted.profile.latency == start.latency
    assert fitted.profile.tool_seconds == start.tool_seconds
    assert fitted.profile.faults == start.faults
    for name in ("Programmer", "Test", "MultiGenerateCoT"):
        assert fitted.profile.operators[name] == start.operators[name]
    for name in start.populations:
        assert fitted.profile.populations[name] == start.populations[name]
    listed = {item.key for item in fitted.kept}
    assert {
        "latency.first_token_seconds.median",
        "tool_seconds.median",
        "wrong_answers.hidden_bug_share",
        "operators.Programmer.tokens.mean",
        "operators.GenerateCoT.skill",
    } <= listed
    assert all(item.value == item.before for item in fitted.kept)


def test_few_answers_change_little() -> None:
    drawing = Drawing(TRUTH, 4)
    drawing.solve_all(1, operators=("Generate",))
    found = calibrate(load_profile(), drawing.seen(), model="m")
    start = load_profile()
    assert found.profile.interaction_sigma == start.interaction_sigma
    assert found.profile.operators["Generate"] == start.operators["Generate"]
    own, other = found.profile.populations["sums"], start.populations["other_math"]
    assert own.model_copy(update={"matches": (), "family": "math"}) == other


@pytest.mark.slow
def test_lengths_that_max_tokens_cut_do_not_shorten_the_fit() -> None:
    drawing = Drawing(TRUTH, 200, max_tokens=250)
    drawing.solve_all(3, operators=("GenerateCoT",))
    assert sum(item.cut for item in drawing.lengths) > 100
    found = calibrate(load_profile(), drawing.seen(), model="m").profile
    assert solver(found, "GenerateCoT").tokens.mean == pytest.approx(220, rel=0.15)


def test_a_population_that_names_the_problems_is_changed_in_place() -> None:
    """Its additions and factors go into the operators; those of others keep their effect."""
    seen = Observations(
        benchmark="math",
        family="math",
        problems=tuple(
            ObservedProblem(problem_id=f"math/v/{index}", question_characters=150)
            for index in range(30)
        ),
        trials=tuple(
            Trial(
                problem_id=f"math/v/{index}",
                operator=operator,
                skill="skill",
                right=index % 2 == 0,
            )
            for index in range(30)
            for operator in ("Generate", "GenerateCoT")
        ),
    )
    found = calibrate(load_profile(), seen, model="m")
    population = found.profile.populations["math"]
    assert found.population == "math"
    assert population.skill == {}
    assert population.length == {"Generate": 1.0, "GenerateCoT": 1.0, "*": 2.861}
    assert solver(found.profile, "Generate").tokens.mean == pytest.approx(2.543 * 405.2)
    assert list(found.profile.populations) == list(load_profile().populations)


def test_an_operator_that_the_profile_does_not_know_becomes_one() -> None:
    seen = Observations(
        benchmark="sums",
        family="math",
        problems=(ObservedProblem(problem_id="sums/v/0", question_characters=10),),
        trials=(
            *(Trial(problem_id="sums/v/0", operator="Debate", skill="skill", right=True),) * 20,
        ),
    )
    assert solver(calibrate(load_profile(), seen, model="m").profile, "Debate").skill == 0.0


def test_a_program_s_share_of_failures_is_counted() -> None:
    problem = ObservedProblem(problem_id="sums/v/0", question_characters=10)
    runs = tuple(ProgramRun(operator="Programmer", raised=place < 40) for place in range(100))
    trial = Trial(problem_id="sums/v/0", operator="Programmer", skill="skill", right=True)
    seen = Observations(
        benchmark="sums", family="math", problems=(problem,), trials=(trial,), program_runs=runs
    )
    found = {item.key: item for item in calibrate(load_profile(), seen, model="m").findings}
    assert found["operators.Programmer.raises"].value == pytest.approx(0.4, abs=0.03)
    assert not found["operators.Programmer.faithful"].fitted
    assert not found["operators.Programmer.skill"].fitted


def test_nothing_seen_is_an_error() -> None:
    with pytest.raises(DomainError, match="nothing to fit"):
        calibrate(
            load_profile(), Observations(benchmark="x", family="math", problems=()), model="m"
        )


@pytest.mark.slow
def test_the_file_holds_the_profile_and_says_where_its_numbers_come_from(
    fitted: Calibration, tmp_path: Path
) -> None:
    path = tmp_path / "mine.yaml"
    write_profile(path, profile_text(fitted, ["Fitted to a test."]))
    assert load_profile(path) == fitted.profile
    assert fitted.profile.model == "simulated-some-model"
    text = path.read_text()
    assert text.startswith("# Fitted to a test.\n")
    assert list(tmp_path.iterdir()) == [path]
    for item in fitted.findings:
        if not item.fitted:
            assert f"#   {item.key}: {item.note}" in text
    skills = [line for line in text.splitlines() if line.strip().startswith("skill: -1.")]
    assert len(skills) == 1
    assert "# fitted ±" in skills[0]


def test_remarks_stand_beside_the_numbers_of_lists(tmp_path: Path) -> None:
    start = changed_profile()
    trials = tuple(
        Trial(
            problem_id=f"bench/v/{index}",
            operator="Test",
            skill="skill_by_attempt.1",
            right=index % 2 == 0,
        )
        for index in range(30)
    )
    seen = Observations(
        benchmark="bench",
        family="code",
        problems=tuple(
            ObservedProblem(problem_id=f"bench/v/{index}", question_characters=50)
            for index in range(30)
        ),
        trials=trials,
    )
    text = profile_text(calibrate(start, seen, model="m"), [])
    lines = [line.strip() for line in text.splitlines()]
    place = lines.index("skill_by_attempt:")
    assert lines[place + 1] == "- 1.5  # kept: never at work"
    assert "15 of 30 right" in lines[place + 2]
    path = tmp_path / "p.yaml"
    write_profile(path, text)
    assert load_profile(path).model == "simulated-m"


def test_a_place_where_nothing_can_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be written"):
        write_profile(tmp_path / "missing" / "x.yaml", "")


def test_answers_are_read_from_their_box() -> None:
    assert said("The answer is \\boxed{12}") == "12"
