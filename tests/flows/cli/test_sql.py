"""`lamas sql` at a terminal: any text prints, a signal ends it, the warehouse stays as it is."""

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.command import run_here
from tests.patience import patience
from warehouse import Warehouse

LONG = (
    "SELECT count(*) FROM range(10000000) AS a, range(1000000) AS b "
    "WHERE a.range % 7 = b.range % 11"
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder with an empty warehouse."""
    home = tmp_path_factory.mktemp("sql")
    Warehouse.open(home / "warehouse.duckdb", create=True)
    return home


@pytest.mark.slow
@pytest.mark.parametrize(
    "cell",
    ["[/]", "[/INST] [bold]x[/bold]", "[link=file:///etc/passwd]x", ":smile:", "a [b] c", "[", "]"],
)
def test_what_looks_like_markup_is_shown_as_it_is(place: Path, cell: str) -> None:
    shown = run_here("sql", f"SELECT '{cell}' AS \"{cell}\"", f"home={place}")
    assert shown.code == 0, shown.stderr
    assert shown.stdout.count(cell) == 2


def test_what_would_steer_the_terminal_is_shown_escaped(place: Path) -> None:
    steering = "chr(27) || ']52;c;aGk=' || chr(7) || chr(155) || chr(8238) || chr(13)"
    shown = run_here("sql", f"SELECT {steering} AS said", f"home={place}")
    assert "\\x1b]52;c;aGk=\\x07\\x9b\\u202e\\x0d" in shown.stdout
    failed = run_here("sql", f"SELECT error({steering})", f"home={place}")
    assert failed.code == 1
    for text in (shown.stdout, failed.stderr):
        assert not set(text) & set("\x1b\x07\x9b\u202e\r")


@pytest.mark.slow
@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_at_a_terminal_every_form_is_escaped(place: Path, form: str) -> None:
    query = "SELECT chr(155) || '2J' || chr(8238) AS said"
    leader, follower = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "flows", "sql", query, f"home={place}", "--format", form],
        stdout=follower,
        stderr=follower,
    ) as asked:
        os.close(follower)
        text = _all_of(leader).decode()
    assert asked.returncode == 0, text
    assert "\\x9b2J\\u202e" in text
    assert not set(text) & set("\x9b\u202e")


def test_a_pipe_gets_what_is_stored(place: Path) -> None:
    told = run_here("sql", "SELECT chr(155) AS said", f"home={place}", "--format", "csv")
    assert told.stdout == "said\n\x9b\n"


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_a_long_query_with_a_sentence(place: Path, number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "flows", "sql", LONG, f"home={place}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # Whoever runs the tests may have had SIGHUP ignored (`nohup`), which is inherited.
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
    ) as asked:
        try:
            _until_busy(asked.pid)
            asked.send_signal(number)
            stdout, stderr = asked.communicate(timeout=patience(60))
        finally:
            asked.kill()
    assert asked.returncode == 130, stderr
    assert stderr == "lamas: the query was stopped before it had an answer\n"
    assert stdout == ""
    # Nobody holds the file any more.
    assert (
        Warehouse.open(place / "warehouse.duckdb", timeout_seconds=0).query("SELECT 1").item() == 1
    )


@pytest.mark.slow
def test_a_query_may_write_and_read_files_only_when_told_so(place: Path, tmp_path: Path) -> None:
    target = tmp_path / "victim"
    target.write_text("kept")
    copy = f"COPY (SELECT 1 AS n) TO '{target}' (FORMAT csv)"
    refused = run_here("sql", copy, f"home={place}")
    assert refused.code == 1
    assert "--unrestricted" in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert target.read_text() == "kept"
    assert run_here("sql", copy, f"home={place}", "--unrestricted").code == 0
    assert target.read_text() == "n\n1\n"


def _until_busy(pid: int) -> None:
    """Wait until the process has used more time than a start takes: it is in the query."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        holds = any(
            "warehouse.duckdb" in os.readlink(item)
            for item in Path(f"/proc/{pid}/fd").iterdir()
            if item.is_symlink()
        )
        if holds and len(threads) > 2 and _busy(pid):
            return
        time.sleep(0.05)
    raise AssertionError("the query never began")


def _busy(pid: int) -> bool:
    def used() -> int:
        return sum(map(int, Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]))

    before = used()
    time.sleep(0.5)
    return used() - before > 10


def _all_of(leader: int) -> bytes:
    pieces: list[bytes] = []
    while True:
        try:
            piece = os.read(leader, 65536)
        except OSError:
            # The other end is closed.
            break
        if not piece:
            break
        pieces.append(piece)
    os.close(leader)
    return b"".join(pieces)
