"""`lamas champion`: what it shows, what it changes, and what it refuses."""

import json
import shutil
from pathlib import Path

import pytest

from flows.home.lock import writer_lock
from tests.command import Finished, run_here
from warehouse import Registry, Warehouse

pytestmark = pytest.mark.slow


@pytest.fixture
def home(prepared: Path, tmp_path: Path) -> Path:
    """A home with two checkpoints and no champion."""
    return Path(shutil.copytree(prepared, tmp_path / "home"))


def registry(home: Path) -> Registry:
    return Registry(Warehouse.open(home / "warehouse.duckdb"))


def names(home: Path) -> list[str]:
    return [item.checkpoint_id for item in registry(home).checkpoints()]


def champion(home: Path, *arguments: str) -> Finished:
    return run_here("champion", *arguments, f"home={home}")


def refused(finished: Finished, *, code: int) -> str:
    """The one sentence of a command that failed."""
    assert finished.code == code
    assert finished.stdout == ""
    (line,) = finished.stderr.splitlines()
    return line


def test_promote_show_and_roll_back(home: Path) -> None:
    first, second = names(home)
    assert "no champion yet" in champion(home, "show").stdout
    promoted = champion(home, "promote", first, "--reason", "the first one")
    assert promoted.stdout == f"{first} is champion\n"
    promoted = champion(home, "promote", second, "--reason", "a better one")
    assert promoted.stdout == f"{second} is champion; {first} is retired\n"
    shown = champion(home, "show").stdout.splitlines()
    assert shown[0].startswith(f"champion  {second}  step 0")
    assert shown[1] == "metrics   never evaluated"
    assert shown[2] == f"lineage   {second}"
    assert [line.partition("promoted")[2].split(":")[-1].strip() for line in shown[4:]] == [
        "a better one",
        "the first one",
    ]
    rolled = champion(home, "rollback", "--reason", "worse after all")
    assert rolled.stdout == f"{first} is champion again; {second} is retired\n"
    found = registry(home).champion()
    assert found is not None
    assert found.checkpoint_id == first
    decisions = registry(home).promotions()
    assert [item.decision for item in decisions] == ["promoted", "promoted", "rolled_back"]
    assert [json.loads(item.evidence)["reason"] for item in decisions] == [
        "the first one",
        "a better one",
        "worse after all",
    ]
    assert run_here("audit", f"home={home}").code == 0


def test_a_promotion_needs_a_reason_and_a_name(home: Path) -> None:
    first = names(home)[0]
    assert "needs a reason" in refused(champion(home, "promote", first), code=2)
    assert "needs a reason" in refused(champion(home, "promote", first, "--reason", " "), code=2)
    sentence = refused(champion(home, "promote", "--reason", "x"), code=2)
    assert "name one checkpoint to promote, got 0" in sentence
    sentence = refused(champion(home, "rollback", first), code=2)
    assert "rollback takes no name" in sentence
    assert registry(home).promotions() == ()


def test_unknown_repeated_and_impossible_changes_are_refused(home: Path) -> None:
    first = names(home)[0]
    unknown = champion(home, "promote", "lamas-0", "--reason", "x")
    assert "checkpoint lamas-0 is unknown" in refused(unknown, code=1)
    assert "there is no champion to roll back" in refused(champion(home, "rollback"), code=1)
    assert champion(home, "promote", first, "--reason", "x").code == 0
    again = champion(home, "promote", first, "--reason", "y")
    assert f"{first} is the champion already" in refused(again, code=1)
    assert "replaced no other" in refused(champion(home, "rollback"), code=1)
    assert len(registry(home).promotions()) == 1


@pytest.mark.parametrize("action", ["promote", "rollback"])
def test_nothing_changes_while_a_run_writes(home: Path, action: str) -> None:
    arguments = [action, *([names(home)[0]] if action == "promote" else []), "--reason", "x"]
    with writer_lock(home):
        assert "another run is writing" in refused(champion(home, *arguments), code=1)
    assert registry(home).promotions() == ()


def test_show_reads_while_a_run_writes(home: Path) -> None:
    with writer_lock(home):
        assert champion(home, "show").code == 0
