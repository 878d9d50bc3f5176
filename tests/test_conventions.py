"""What every file of the house keeps to, checked where a reviewer would have to look."""

import ast
import re
from itertools import takewhile
from pathlib import Path

import pytest

from tests.house import ROOT

PACKAGES = ("lamas", "flows", "warehouse", "tests")
MODULES = tuple(sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py")))
SQL_FILES = tuple(sorted((ROOT / "warehouse").rglob("*.sql")))
ASKING = ("warehouse/queries/", "warehouse/reports/")
MOST_LINES = 300
MOST_LINES_OF_A_FLOW = 160
LONGER = frozenset(
    {
        "lamas/answers/formula.py",
        "lamas/llm/store.py",
        "tests/factories.py",
        "tests/flows/cli/test_bad_input.py",
        "tests/flows/home/test_foreign_backups.py",
        "tests/integration/test_faults.py",
        "tests/llm/test_dialects.py",
        "tests/llm/test_store.py",
        "tests/report/comparison/test_comparison_queries.py",
        "tests/report/test_queries.py",
        "tests/sandbox/test_attacks_on_accounting.py",
        "tests/sandbox/test_attacks_on_neighbours.py",
        "tests/sandbox/test_attacks_on_processes.py",
        "tests/sandbox/test_judging.py",
        "tests/warehouse/test_views.py",
        "warehouse/reader.py",
        "warehouse/retention.py",
    }
)
"""Files that are longer than they should be: this list only shrinks."""
SENTENCE = re.compile(r"[^\n]+[.?!]\Z")


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def opening(path: Path) -> str:
    """The first paragraph of a module's docstring."""
    return (ast.get_docstring(ast.parse(path.read_text())) or "").partition("\n\n")[0]


@pytest.mark.slow
def test_modules_open_with_one_sentence() -> None:
    without = {name(path) for path in MODULES if SENTENCE.match(opening(path)) is None}
    assert without == set(), "one line that says what it knows, with a full stop"


def test_files_can_be_held_in_the_head() -> None:
    lines = {name(path): len(path.read_text().splitlines()) for path in MODULES}
    longer = {file for file, count in lines.items() if count > MOST_LINES}
    assert longer - LONGER == set(), f"more than {MOST_LINES} lines: part them by what they know"
    assert LONGER - longer == set(), "no longer longer: take them off the list LONGER"


def test_a_flow_fits_on_a_page() -> None:
    lines = {
        name(path): len(path.read_text().splitlines()) for path in (ROOT / "flows").glob("*.py")
    }
    assert len(lines) > 10
    assert {file for file, count in lines.items() if count > MOST_LINES_OF_A_FLOW} == set()


def first_words(path: Path) -> str:
    """The comment that an SQL file opens with, in one line."""
    lines = takewhile(lambda line: line.startswith("--"), path.read_text().splitlines())
    return " ".join(line.removeprefix("--").strip() for line in lines)


def test_sql_files_open_with_their_grain_or_question() -> None:
    said = {name(path): first_words(path) for path in SQL_FILES}
    assert len(said) > 50
    assert {file for file, text in said.items() if len(text.split()) < 4} == set()
    views = {file: text for file, text in said.items() if "/views/" in file}
    assert {file for file, text in views.items() if not text.startswith("Grain: ")} == set()
    queries = {file: text for file, text in said.items() if file.startswith(ASKING)}
    assert {file for file, text in queries.items() if "?" not in text} == set()


@pytest.mark.slow
def test_a_list_of_exceptions_names_files_that_exist() -> None:
    assert {file for file in LONGER if not (ROOT / file).exists()} == set()
