"""What commands load: a line is read, a warehouse asked, without what runs are made of."""

import subprocess
import sys
from pathlib import Path

import pytest

from warehouse import Warehouse

pytestmark = pytest.mark.slow

HEAVY = {"prefect", "torch", "openai", "transformers", "matplotlib"}
"""What only runs need."""
CONFIGURATION = {"hydra", "omegaconf", "pyarrow"}
"""What a command that asks nothing but a home does without."""


def loaded(*arguments: str) -> set[str]:
    """Top-level modules in a process that ran the command line."""
    code = (
        "import sys\n"
        "from flows.cli.main import main\n"
        "try:\n"
        "    main(sys.argv[1:])\n"
        "except SystemExit as end:\n"
        "    assert end.code == 0, end.code\n"
        "print('loaded', *{name.partition('.')[0] for name in sys.modules})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    return set(done.stdout.splitlines()[-1].split()[1:])


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    Warehouse.open(folder / "warehouse.duckdb", create=True)
    return folder


def test_help_loads_nothing_that_is_not_shown() -> None:
    found = loaded("--help")
    assert not found & (HEAVY | CONFIGURATION | {"duckdb", "polars", "pydantic", "numpy", "yaml"})


@pytest.mark.parametrize(
    "command", [["sql", "SELECT 1"], ["audit"], ["champion", "show"]], ids=lambda item: item[0]
)
def test_asking_a_home_loads_neither_runs_nor_configuration(command: list[str], home: Path) -> None:
    assert not loaded(*command, f"home={home}") & (HEAVY | CONFIGURATION)


def test_an_export_loads_no_runs(home: Path, tmp_path: Path) -> None:
    assert not loaded("export", str(tmp_path / "out"), f"home={home}") & HEAVY


def test_other_overrides_take_the_whole_way(home: Path) -> None:
    found = loaded("sql", "SELECT 1", f"home={home}", "seed=1")
    assert "hydra" in found
    assert not found & HEAVY
