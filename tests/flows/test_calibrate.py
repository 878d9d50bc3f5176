"""`lamas calibrate` on runs of a simulated model whose profile is known."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from flows.prepare import store_problems
from flows.rollouts.here import live_runner
from flows.run.opening import session
from flows.run.problems import problem_set
from lamas.calibration.closeness import distance, share_of
from lamas.calibration.replay import spread_over
from lamas.domain import Rollout
from lamas.execution import fixed_plan, fixed_topology
from lamas.llm.simulated import load_profile
from lamas.llm.simulated.profile import PROFILE_FOLDER, Solve
from lamas.timing import label
from tests.command import Finished, run_here
from tests.factories import make_rollout

QUESTIONS = 60
TOPOLOGIES = ("cot5_sc", "everything")


def write_questions(path: Path, extra: str = "") -> None:
    lines = [
        {
            "question": f"A shop sells {place} boxes{', each full,' * (place % 4)} and then 1000 "
            f"more. How many boxes is that?{extra}",
            "answer": str(1000 + place),
        }
        for place in range(QUESTIONS)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def write_truth(path: Path) -> None:
    """A profile whose step-by-step answers are short and whose direct ones are long and poor."""
    content = yaml.safe_load((PROFILE_FOLDER / "gpt_4o_mini_like.yaml").read_text())
    content["populations"]["other_math"]["difficulty_mean"] = 0.0
    content["populations"]["other_math"]["difficulty_sigma"] = 2.0
    content["operators"]["GenerateCoT"]["tokens"]["mean"] = 100
    content["operators"]["MultiGenerateCoT"]["tokens"]["mean"] = 100
    content["operators"]["Generate"]["tokens"]["mean"] = 600
    content["operators"]["Generate"]["skill"] = -2.0
    path.write_text(yaml.safe_dump(content))


def overrides(folder: Path) -> list[str]:
    return [
        f"home={folder / 'home'}",
        "llm=simulated",
        f"llm.simulated.profile={folder / 'truth.yaml'}",
        "llm.simulated.seed=3",
        "benchmark=file",
        f"benchmark.path={folder / 'questions.jsonl'}",
        "benchmark.name=boxes",
    ]


async def record(folder: Path, topologies: Sequence[str]) -> str:
    """One run with a rollout of each topology for each problem, without an orchestrator."""
    async with session("evaluate", [*overrides(folder), f"seed={len(topologies)}"]) as current:
        store_problems(current)
        problems = problem_set(current)
        live = live_runner(current, problems.all)
        slots = asyncio.Semaphore(16)

        async def run(name: str, place: int) -> None:
            topology = fixed_topology(name)
            plan = fixed_plan(
                topology,
                problems.all[place],
                current.operators,
                run_id=current.run.run_id,
                seed=1,
            )
            async with slots:
                done.append(await live.runner.run(plan, problems.all[place]))

        done: list[Rollout] = []
        steps = {"cot5_sc": 1, "everything": 2}
        # A program costs a process of its own, so not every problem has one.
        await asyncio.gather(
            *(run(n, p) for n in topologies for p in range(0, QUESTIONS, steps[n]))
        )
        current.writer.add_rollouts([(item, label(item.trace)) for item in done])
        return current.run.run_id


class Place:
    """A home folder with two runs, and the profile that one of them gave."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        write_questions(folder / "questions.jsonl")
        write_truth(folder / "truth.yaml")
        self.run_id = asyncio.run(record(folder, TOPOLOGIES))
        self.empty_id = asyncio.run(record(folder, ()))
        self.profile = folder / "mine.yaml"

    def calibrate(self, *more: str) -> Finished:
        home = f"home={self.folder / 'home'}"
        output = f"calibration.output={self.profile}"
        return run_here("calibrate", home, f"run={self.run_id}", output, *more)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("calibrate"))


@pytest.fixture(scope="module")
def finished(place: Place) -> Finished:
    return place.calibrate("calibration.check_repeats=2", "calibration.check_rollouts=40")


def refused(finished: Finished, *words: str) -> None:
    assert finished.code != 0
    last = finished.stderr.splitlines()[-1]
    assert last.startswith("lamas: "), finished.stderr
    for word in words:
        assert word in last, last
    assert "Traceback" not in finished.stderr


@pytest.mark.slow
def test_the_model_s_profile_is_found_again(place: Place, finished: Finished) -> None:
    assert finished.code == 0, finished.stderr
    profile = load_profile(place.profile)
    found = profile.populations["boxes"]
    assert found.difficulty_mean == pytest.approx(0.0, abs=1.0)
    assert found.difficulty_sigma == pytest.approx(2.0, abs=0.9)
    direct, steps = profile.operators["Generate"], profile.operators["GenerateCoT"]
    assert isinstance(direct, Solve)
    assert direct.skill == pytest.approx(-2.0, abs=1.0)
    assert direct.tokens.mean == pytest.approx(600, rel=0.12)
    assert steps.tokens.mean == pytest.approx(100, rel=0.12)
    assert profile.tool_seconds.median == pytest.approx(0.1, rel=0.3)
    assert profile.latency == load_profile().latency


@pytest.mark.slow
def test_what_was_fitted_and_what_not_is_said(place: Place, finished: Finished) -> None:
    lines = finished.stdout.splitlines()
    assert any(line.startswith("operators.Generate.skill = -") for line in lines)
    assert any(line.startswith("not told: latency.first_token_seconds.median") for line in lines)
    assert "The run was simulated" in finished.stdout
    text = place.profile.read_text()
    assert place.run_id in text.splitlines()[0]
    assert "90 rollouts of 60 problems" in text
    assert "says nothing of a real model" in text


def test_recorded_and_simulated_figures_stand_side_by_side(finished: Finished) -> None:
    lines = finished.stdout.splitlines()
    title = "40 rollouts recorded from simulated-gpt-4o-mini-like against 80 simulated"
    assert title in finished.stdout
    row = next(line for line in lines if line.startswith("Generate "))
    recorded_p50, simulated_p50 = map(float, row.split()[-4:-2])
    assert simulated_p50 == pytest.approx(recorded_p50, rel=0.25)
    cp_len = next(line for line in lines if line.startswith("CP_len mean"))
    change = float(cp_len.split("(")[1].split("%")[0])
    assert abs(change) < 12
    assert "Kolmogorov–Smirnov distance 0." in cp_len
    assert any(line.startswith("score %") for line in lines)


@pytest.mark.slow
def test_the_profile_serves_as_a_model(place: Place, finished: Finished) -> None:
    """The configuration that the command prints."""
    assert finished.code == 0
    used = f"llm.simulated.profile={place.profile}"
    shown = run_here("calibrate", "llm=simulated", used, "--cfg", "job")
    assert str(place.profile) in shown.stdout

    async def recorded() -> str:
        home = f"home={place.folder / 'other'}"
        given = [item for item in overrides(place.folder) if not item.startswith("home=")]
        async with session("evaluate", [*given, home, used]) as current:
            store_problems(current)
            problem = current.loaded[0]
            plan = fixed_plan(
                fixed_topology("generate"),
                problem,
                current.operators,
                run_id=current.run.run_id,
                seed=1,
            )
            rollout = await live_runner(current, current.loaded).runner.run(plan, problem)
            return rollout.status

    assert asyncio.run(recorded()) == "ok"


@pytest.mark.slow
def test_a_second_fit_of_the_same_run_gives_the_same_file(place: Place, finished: Finished) -> None:
    assert finished.code == 0
    before = place.profile.read_text()
    assert place.calibrate("calibration.check=false").code == 0
    assert place.profile.read_text() == before


@pytest.mark.slow
def test_an_unknown_run_is_named(place: Place) -> None:
    refused(place.calibrate("run=evaluate-nothing"), "evaluate-nothing", "run_summary")


@pytest.mark.slow
def test_a_run_without_rollouts_is_refused(place: Place) -> None:
    refused(place.calibrate(f"run={place.empty_id}"), place.empty_id, "no finished rollouts")


@pytest.mark.slow
def test_without_a_real_run_one_must_be_named(place: Place) -> None:
    refused(
        run_here("calibrate", f"home={place.folder / 'home'}"), "no run of a real model", "run="
    )


@pytest.mark.slow
def test_an_output_that_cannot_be_written_is_refused_before_any_work(place: Place) -> None:
    for output in (place.folder / "missing" / "x.yaml", place.folder):
        refused(place.calibrate(f"calibration.output={output}"), str(output), "cannot be written")


def test_an_unknown_starting_profile_is_refused(place: Place) -> None:
    refused(place.calibrate("calibration.start=nobody"), "nobody", "gpt_4o_mini_like")


@pytest.mark.slow
def test_a_benchmark_that_changed_since_is_refused(place: Place) -> None:
    path = place.folder / "questions.jsonl"
    before = path.read_text()
    write_questions(path, " Think.")
    try:
        refused(place.calibrate(), "'boxes' no longer fits the run", str(path))
    finally:
        path.write_text(before)


def test_rollouts_are_taken_from_the_whole_run() -> None:
    rollouts = [make_rollout(sample_index=place) for place in range(10)]
    taken = spread_over(rollouts, 3)
    assert [item.plan.sample_index for item in taken] == [0, 3, 6]
    assert spread_over(rollouts, 10) == tuple(rollouts)


def test_a_share_s_interval_counts_problems_not_answers() -> None:
    """A hundred answers to ten problems that are all alike tell as much as ten."""
    alike = [(f"p/{place // 10}", place // 10 < 5) for place in range(100)]
    apart = [(f"p/{place}", place < 50) for place in range(100)]
    wide, narrow = share_of(alike, seed=0), share_of(apart, seed=0)
    assert wide.value == narrow.value == 0.5
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)
    all_right = share_of([("p/0", True)] * 50, seed=0)
    assert all_right.low < 0.1


@pytest.mark.slow
def test_the_distance_of_two_samples_is_that_of_their_distributions() -> None:
    assert distance([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0]).value == 0.0
    assert distance([1.0, 2.0], [3.0, 4.0]).value == 1.0
    assert distance([1.0, 2.0, 3.0, 4.0], [3.0, 4.0, 5.0, 6.0]).value == 0.5
