"""The command line: help a newcomer understands, texts anywhere, formats, ways to end."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from conf import FOLDER
from flows.cli.stage import STAGES
from flows.cli.stopping import run_until_signal
from lamas.errors import ModelUnreachableError
from tests.command import run_here
from tests.flows.conftest import TINY


def test_help_names_every_command_group_and_option() -> None:
    shown = run_here("--help")
    assert shown.code == 0
    for command in (*STAGES, "ask", "sql", "audit", "ui"):
        assert f"\n    {command} " in shown.stdout
    for path in FOLDER.glob("*/*.yaml"):
        assert path.parent.name in shown.stdout
        assert path.stem in shown.stdout
    assert "lamas retrain --cfg job" in shown.stdout


@pytest.mark.parametrize("command", [*STAGES, "ask", "sql", "audit", "ui"])
def test_every_command_explains_itself(command: str) -> None:
    shown = run_here(command, "--help")
    assert shown.code == 0
    assert f"usage: lamas {command}" in shown.stdout
    assert "group=option" in shown.stdout


def test_no_command_shows_help_and_fails() -> None:
    shown = run_here()
    assert shown.code == 2
    assert "usage: lamas" in shown.stdout


@pytest.mark.slow
@pytest.mark.parametrize("command", [*STAGES, "ask", "sql", "audit"])
def test_the_resolved_configuration_is_shown_and_nothing_done(command: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shown = run_here(command, "seed=42", f"home={home}", "--cfg", "job")
    assert (shown.code, shown.stderr) == (0, "")
    assert "seed: 42" in shown.stdout
    assert f"warehouse: {home}/warehouse.duckdb" in shown.stdout
    assert "${" not in shown.stdout
    assert not home.exists()


COUNT = "SELECT count(*) AS n FROM problems"


@pytest.mark.slow
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_query_may_stand_anywhere_on_the_line(prepared: Path, place: int) -> None:
    arguments = [f"home={prepared}", "seed=3"]
    arguments.insert(place, COUNT)
    shown = run_here("sql", *arguments)
    assert (shown.code, shown.stdout.split()) == (0, ["n", "20", "(1", "row)"])


@pytest.mark.parametrize(
    "query", ["FROM runs WHERE seed=0", "SELECT 1=1", "SHOW TABLES", "VALUES (1)"]
)
def test_queries_are_told_from_overrides(prepared: Path, query: str) -> None:
    assert run_here("sql", query, f"home={prepared}").code == 0


@pytest.mark.parametrize(
    ("style", "expected"),
    [("csv", "n,t\n20,a\n"), ("json", '[{"n":20,"t":"a"}]\n')],
)
def test_formats(prepared: Path, style: str, expected: str) -> None:
    query = "SELECT count(*) AS n, 'a' AS t FROM problems"
    shown = run_here("sql", f"home={prepared}", query, "--format", style)
    assert shown.stdout == expected


def test_queries_in_files(prepared: Path, tmp_path: Path) -> None:
    path = tmp_path / "count.sql"
    path.write_text(f"-- how many\n{COUNT};\n")
    shown = run_here("sql", "--file", str(path), f"home={prepared}", "--format", "json")
    assert json.loads(shown.stdout) == [{"n": 20}]


@pytest.mark.slow
def test_audits_end_with_their_verdict(prepared: Path) -> None:
    shown = run_here("audit", f"home={prepared}")
    assert shown.code == 0
    assert "0 with findings" in shown.stdout


@pytest.mark.slow
def test_ask_takes_its_question_from_anywhere_and_draws_the_graph(prepared: Path) -> None:
    name = json.loads(
        run_here(
            "sql",
            "SELECT checkpoint_id FROM checkpoints WHERE controller = 'lamas'",
            f"home={prepared}",
            "--format=json",
        ).stdout
    )[0]["checkpoint_id"]
    shown = run_here("ask", f"checkpoint={name}", "What is 17 + 25?", *TINY, f"home={prepared}")
    assert shown.code == 0, shown.stderr
    assert f"({name})" in shown.stdout
    assert "█" in shown.stdout
    assert "simulated" in shown.stdout.lower()


@pytest.mark.slow
def test_a_reader_that_leaves_early_is_no_error(prepared: Path) -> None:
    many = "SELECT repeat('x', 100) FROM range(3000)"
    with subprocess.Popen(
        [sys.executable, "-m", "flows", "sql", many, f"home={prepared}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""


def test_work_ends_with_its_result_or_its_error() -> None:
    done: list[int] = []

    async def works() -> None:
        done.append(1)

    async def fails() -> None:
        raise ModelUnreachableError("gone")

    run_until_signal(works())
    assert done == [1]
    with pytest.raises(ModelUnreachableError, match="gone"):
        run_until_signal(fails())


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_cancels_the_work_and_lets_it_clean_up(number: signal.Signals) -> None:
    cleaned: list[str] = []

    async def works() -> None:
        threading.Timer(0.05, os.kill, (os.getpid(), number)).start()
        try:
            await asyncio.sleep(600)
        finally:
            await asyncio.sleep(0.01)
            cleaned.append("stored")

    before = handlers()
    with pytest.raises(asyncio.CancelledError):
        run_until_signal(works())
    assert cleaned == ["stored"]
    assert handlers() == before


def handlers() -> list[object]:
    return [signal.getsignal(item) for item in (signal.SIGINT, signal.SIGTERM)]
