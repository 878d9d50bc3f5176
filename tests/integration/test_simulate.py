"""`lamas simulate` and `lamas profile` under Prefect: cells, report, going on after a kill."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.command import Finished
from tests.serving.test_workloads import recorded_files
from tests.warm import Starter
from warehouse import Warehouse

pytestmark = pytest.mark.slow

Run = Callable[..., Finished]
ENDS = (
    "SELECT policies, load, seed, workflow, role, call, key, calls.ended_at "
    "FROM simulated_calls AS calls JOIN simulated_cells USING (cell_id) ORDER BY ALL"
)


def arguments(folder: Path, home: Path, *, workflows: int) -> tuple[str, ...]:
    """Eight cells of two sets of policies."""
    questions, answers = recorded_files(folder, 40)
    return (
        "simulate",
        f"home={home}",
        f"simulation.questions={questions}",
        f"simulation.answers={answers}",
        f"simulation.workflows={workflows}",
        "simulation.loads=[0.6,1.5]",
        "simulation.seeds=2",
        "simulation.sample_seconds=5.0",
        "simulation.policies={baseline: {}, ours: {reservation: expected, priority: slack, "
        "routing: turns}}",
    )


def query(home: Path, sql: str) -> list[tuple[object, ...]]:
    return Warehouse.open(home / "warehouse.duckdb").query(sql).rows()


def test_cells_are_stored_compared_and_drawn(tmp_path: Path, home: Path, lamas: Run) -> None:
    finished = lamas(*arguments(tmp_path, home, workflows=60))
    assert finished.code == 0, finished.stderr
    assert "Simulated clusters: means over seeds" in finished.stdout
    assert "Against baseline, paired by seed" in finished.stdout
    assert query(home, "SELECT count(*), count(DISTINCT policies) FROM serving_cells") == [(8, 2)]
    ((run_id,),) = query(home, "SELECT run_id FROM runs")
    page = (home / "reports" / f"{run_id}.html").read_text("utf-8")
    for heading in (
        "SLO attainment over load",
        "How long workflows take",
        "One node&#x27;s memory",
    ):
        assert heading in page.replace("'", "&#x27;")
    assert "Who waited for whom" in page
    assert "GenerateCoT of" in page
    drawn = sorted(path.stem for path in (home / "reports" / str(run_id)).glob("*.png"))
    assert drawn == ["completion-times", "memory-of-a-node", "slo-over-load"]
    again = lamas("report", f"home={home}", f"run={run_id}")
    assert again.code == 0, again.stderr
    assert (home / "reports" / f"{run_id}.html").read_text("utf-8") == page


def test_a_killed_simulation_goes_on_with_the_cells_that_are_missing(
    tmp_path: Path, home: Path, lamas: Run, warm: Starter
) -> None:
    wanted = arguments(tmp_path, home, workflows=600)
    process = warm(*wanted)
    process.until(lambda: (home / "warehouse.duckdb").exists() and stored(home))
    process.kill()
    before = stored(home)
    assert before > 0
    finished = lamas(*wanted)
    assert finished.code == 0, finished.stderr
    assert f"{8 - before} cells to simulate, {before} are stored" in finished.stderr
    other = tmp_path / "undisturbed"
    undisturbed = lamas(*arguments(tmp_path, other, workflows=600))
    assert undisturbed.code == 0, undisturbed.stderr
    assert query(home, ENDS) == query(other, ENDS)
    assert query(home, "SELECT count(*) FROM runs") == [(1,)]


def stored(home: Path) -> int:
    """Cells in the warehouse; 0 while its tables are being made."""
    tables = query(
        home, "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'simulated_cells'"
    )
    if tables != [(1,)]:
        return 0
    ((count,),) = query(home, "SELECT count(*) FROM simulated_cells")
    return int(str(count))


def test_a_retrain_profiles_its_calls_and_so_does_the_command(
    trained: Path, tmp_path: Path, lamas: Run
) -> None:
    home = shutil.copytree(trained, tmp_path / "copy")
    ((run_id, calls),) = query(home, "SELECT run_id, calls FROM length_profiles WHERE role = ''")
    finished = lamas("profile", f"home={home}", f"run={run_id}")
    assert finished.code == 0, finished.stderr
    assert "beside the empirical quantile" in finished.stdout
    stored = "SELECT calls FROM length_profiles WHERE role = '' ORDER BY run_id = $run"
    assert query(home, stored.replace("$run", f"'{run_id}'")) == [(calls,), (calls,)]
