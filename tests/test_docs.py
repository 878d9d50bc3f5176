"""The command lines that README and docs print: each is understood by the command as it is."""

import importlib.util
import re
import shlex
from pathlib import Path

import pytest

from tests.command import run_here
from tests.house import ROOT

PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
FENCED = re.compile(r"^ *```\w*\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
LINE = re.compile(r"""^(?:\S*/)?(?:lamas|python3?) (?:"[^"]*"|[^"\n])*""", re.MULTILINE)
"""Up to the end of the line; a text in quotes may go on below it."""
CONTINUED = re.compile(r"\\\n *")
COLUMNS = re.compile(r"(?<=\w) {2,}(?=\w+[ :,-])")
"""Between a command and what a table in a block says of it."""


UNCONFIGURED = {"score"}
"""Commands that read no configuration, which could be shown in place of running them."""


def lines_of(page: str) -> list[list[str]]:
    """Words of every `lamas …` and `python …` line in the fenced blocks of a page."""
    blocks = (CONTINUED.sub(" ", str(block)) for block in FENCED.findall(page))
    return [
        shlex.split(COLUMNS.split(line)[0], comments=True)
        for block in blocks
        for line in LINE.findall(block)
    ]


PRINTED = [
    pytest.param(words, id=f"{page.name}: {' '.join(words)}"[:100])
    for page in PAGES
    for words in lines_of(page.read_text())
]


def test_lines_are_found_with_continuations_texts_comments_and_columns() -> None:
    page = """
Text with `lamas prose`.
```bash
.venv/bin/lamas retrain a=1 \\
  b=2         # a comment
lamas sql "SELECT 1
  FROM x" home=y
lamas collect    sample graphs
   lamas indented
export X=lamas
python -m flows --help
```
"""
    assert lines_of(page) == [
        [".venv/bin/lamas", "retrain", "a=1", "b=2"],
        ["lamas", "sql", "SELECT 1\n  FROM x", "home=y"],
        ["lamas", "collect"],
        ["python", "-m", "flows", "--help"],
    ]


def test_the_pages_print_lines() -> None:
    assert len(PRINTED) > 40


@pytest.mark.slow
@pytest.mark.parametrize("words", PRINTED)
def test_a_printed_line_is_understood(words: list[str], tmp_path: Path) -> None:
    program, *arguments = words
    if "python" in Path(program).name:
        if arguments[0] == "-c":
            compile(arguments[1], "<page>", "exec")
            return
        assert arguments[0] == "-m", words
        assert importlib.util.find_spec(arguments[1]) is not None, f"no module {arguments[1]}"
        return
    if arguments[0] in UNCONFIGURED:
        arguments += ["--help"]
    elif "--cfg" not in arguments and "--help" not in arguments:
        # Words that stand for something else, as … in `run=retrain-…`.
        arguments += ["--cfg", "job"]
    done = run_here(*(word.replace("…", "x") for word in arguments))
    assert done.code == 0, done.stderr


NAMED = re.compile(r"(tests/[\w/]+\.py)?(?:::(test_\w+))?")


@pytest.mark.slow
def test_tests_that_the_pages_name_exist() -> None:
    missing: list[str] = []
    for page in PAGES:
        file = ""
        for path, test in NAMED.findall(page.read_text()):
            # `::test_…` alone is one more of the file named before.
            file = path or file
            if path and not (ROOT / file).exists():
                missing.append(f"{page.name}: {file}")
            elif test and f"def {test}(" not in (ROOT / file).read_text():
                missing.append(f"{page.name}: {file}::{test}")
    assert missing == []
