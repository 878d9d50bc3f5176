"""Homes that released versions wrote are read, asked and gone on with as if this one had."""

import sqlite3
import tarfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

import tests.released
from flows.settings.compose import load_settings
from lamas.operators import unused_later
from lamas.operators.prompts import PROMPT_SETS, prompts_digest
from tests.command import Finished
from tests.released.make import LINE as RELEASED
from tests.released.make import ROLLOUTS_OF_A_STEP
from warehouse import Registry, Warehouse

pytestmark = pytest.mark.slow

Run = Callable[..., Finished]

LINE = (*RELEASED, "learner=reinforce", "operators.prompts=question_last")
"""As released, where nothing learned from a table and questions came last in a prompt."""
FOLDER = Path(tests.released.__file__).parent
VERSIONS = sorted({path.name.partition("-")[0] for path in FOLDER.glob("*-*.tar.xz")})


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    """A released version that left homes."""
    found: str = request.param
    return found


def unpacked(version: str, name: str, folder: Path) -> Path:
    """The home that the archive holds, below `folder`."""
    with tarfile.open(FOLDER / f"{version}-{name}.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return folder / name


def rows(home: Path, query: str) -> list[tuple[object, ...]]:
    return Warehouse.open(home / "warehouse.duckdb").query(query).rows()


def answers(home: Path) -> dict[str, float]:
    """When each answer was stored, by its key."""
    with sqlite3.connect(home / "responses.sqlite") as store:
        return dict(store.execute("SELECT key, stored_at FROM responses").fetchall())


def test_versions_left_homes() -> None:
    assert "c4b92c2" in VERSIONS


def test_a_completed_home_answers_every_question(version: str, tmp_path: Path, lamas: Run) -> None:
    home = unpacked(version, "completed", tmp_path)
    place = f"home={home}"
    counted = lamas("sql", "SELECT status, count(*) FROM rollouts GROUP BY ALL", place)
    assert counted.code == 0, counted.stderr
    audit = lamas("audit", place)
    assert audit.code == 0, audit.stdout + audit.stderr
    champion = Registry(Warehouse.open(home / "warehouse.duckdb")).champion()
    assert champion is not None
    shown = lamas("champion", "show", place)
    assert shown.code == 0, shown.stderr
    assert champion.checkpoint_id in shown.stdout
    ((run_id,),) = rows(home, "SELECT run_id FROM runs")
    report = lamas("report", place, f"run={run_id}")
    assert report.code == 0, report.stderr
    assert list((home / "reports").rglob("*.html"))


def test_an_old_champion_answers_problems(version: str, tmp_path: Path, lamas: Run) -> None:
    home = unpacked(version, "completed", tmp_path)
    evaluated = lamas(
        "evaluate",
        *LINE,
        f"home={home}",
        "checkpoint=champion",
        "execution.granularity=batch",
        "evaluation.problems=3",
        "evaluation.baselines=[]",
        # Other answers than the retrain's, which are not paid for twice.
        "llm.simulated.seed=1",
    )
    assert evaluated.code == 0, evaluated.stderr
    champion = Registry(Warehouse.open(home / "warehouse.duckdb")).champion()
    assert champion is not None
    query = """
        SELECT r.checkpoint_id, count(*)
        FROM rollouts AS r JOIN runs USING (run_id) WHERE kind = 'evaluate' GROUP BY ALL
    """
    assert rows(home, query) == [(champion.checkpoint_id, 3)]


def test_an_interrupted_run_is_gone_on_with(version: str, tmp_path: Path, lamas: Run) -> None:
    home = unpacked(version, "interrupted", tmp_path)
    every_rollout = "FROM rollouts ORDER BY rollout_id"
    # As the killed process left it, before this version changes its schema.
    with duckdb.connect(str(home / "warehouse.duckdb")) as warehouse:
        run_id, before = (
            warehouse.sql(query).fetchall()
            for query in ("SELECT run_id FROM runs", f"SELECT rollout_id, ended_at {every_rollout}")
        )
    paid = answers(home)
    assert ROLLOUTS_OF_A_STEP < len(before) < 2 * ROLLOUTS_OF_A_STEP

    ended = lamas("retrain", *LINE, f"home={home}", "execution.granularity=batch")

    assert ended.code == 0, ended.stderr
    assert f"{run_id[0][0]} (taken up again)" in ended.stderr
    assert rows(home, "SELECT run_id FROM runs WHERE status = 'completed'") == run_id
    # What was stored stays as it is; the rest of both steps is there once.
    after = rows(home, f"SELECT rollout_id, ended_at {every_rollout}")
    assert set(before) <= set(after)
    trained = rows(home, "SELECT step, count(*) FROM rollouts WHERE purpose = 'train' GROUP BY 1")
    assert sorted(trained) == [(1, ROLLOUTS_OF_A_STEP), (2, ROLLOUTS_OF_A_STEP)]
    # No answer is asked for twice: each belongs to one stored call, also those of rollouts that
    # were cut off.
    kept = answers(home)
    assert paid.items() <= kept.items()
    calls = rows(home, "SELECT count(DISTINCT call_id) FROM model_calls WHERE status = 'ok'")
    assert calls == [(len(kept),)]
    assert rows(home, "SELECT sum(replayed_calls) > 0 FROM rollouts") == [(True,)]
    audit = lamas("audit", f"home={home}")
    assert audit.code == 0, audit.stdout


def test_an_old_backup_is_restored(version: str, tmp_path: Path, lamas: Run) -> None:
    original = unpacked(version, "completed", tmp_path)
    home = tmp_path / "restored"
    restored = lamas("restore", str(original.with_name("backup")), f"home={home}")
    assert restored.code == 0, restored.stdout + restored.stderr
    for table in ("rollouts", "model_calls", "checkpoints", "promotions", "credits"):
        query = f"FROM {table} ORDER BY ALL"
        assert rows(home, query) == rows(original, query), table
    assert answers(home) == answers(original)
    files = {path.name: path.read_bytes() for path in (home / "checkpoints").iterdir()}
    assert files == {path.name: path.read_bytes() for path in (original / "checkpoints").iterdir()}


def test_an_old_configuration_has_the_digest_it_had(version: str, tmp_path: Path) -> None:
    home = unpacked(version, "completed", tmp_path)
    ((prompts, digest),) = rows(home, "SELECT prompts_digest, config_digest FROM runs")
    settings = load_settings(LINE)
    assert settings.result_digest("retrain", prompts=str(prompts)) == digest
    unused = unused_later(settings.operators.enabled)
    assert prompts_digest(PROMPT_SETS[settings.operators.prompts], without=unused) == prompts
