"""What a home folder holds is its user's alone, and its path is one that every part can name."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from flows.home.lock import writer_lock
from flows.settings.compose import load_settings
from lamas.errors import ConfigurationError
from lamas.sandbox import ProcessSandbox

pytestmark = pytest.mark.attack


@pytest.fixture(autouse=True)
def generous() -> None:
    """As most machines are set up."""
    os.umask(0o022)


def test_a_command_works_under_a_mask_that_hides_what_it_writes() -> None:
    line = (
        "import os\nfrom flows.cli import main as command\n"
        "command.run = lambda line: print(oct(os.umask(0))) or 0\ncommand.main([])"
    )
    done = subprocess.run(
        [sys.executable, "-c", line], check=True, capture_output=True, text=True, timeout=120
    )
    assert done.stdout == "0o77\n"


def test_a_writer_makes_a_folder_for_its_user_alone(tmp_path: Path) -> None:
    with writer_lock(tmp_path / "home"):
        pass
    assert stat.S_IMODE((tmp_path / "home").stat().st_mode) == 0o700


@pytest.mark.parametrize("backend", ["auto", "landlock"])
async def test_programs_run_under_a_mask_that_hides_everything(backend: str) -> None:
    """Their Python is read by another user than the one who opened the sandbox."""
    before = os.umask(0o077)
    try:
        async with ProcessSandbox(backend="auto" if backend == "auto" else "landlock") as sandbox:
            outcome = await sandbox.run("import json\nopen('x', 'w').write('y')\nprint(json)")
    finally:
        os.umask(before)
    assert outcome.status == "ok", outcome.stderr


@pytest.mark.parametrize("name", ["what?", "a\nb", "a\x1b[2J", "a\x00b", "\u202ebmoh"])
def test_a_home_that_not_every_part_can_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"usable path|override|home"):
        load_settings([f'home="{tmp_path}/{name}"'])


@pytest.mark.parametrize("name", ["with space", "umlaut-ä", "per%20cent", "hash#", "quote's"])
def test_other_names_are_taken(tmp_path: Path, name: str) -> None:
    assert load_settings([f'home="{tmp_path}/{name}"']).home == tmp_path / name
