"""A command that is told to stop in its first seconds ends with a sentence and leaves nothing."""

import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.command import start


def _hears_sigterm(process: subprocess.Popen[str]) -> bool:
    """Whether the process has a handler for SIGTERM by now (Linux)."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)


def _processes_of(home: Path) -> list[str]:
    """Command lines or environments that name the home folder."""
    found: list[str] = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes()
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if str(home).encode() in environment + command:
            found.append(command.replace(b"\0", b" ").decode(errors="replace"))
    return found


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
@pytest.mark.parametrize("seconds", [0.0, 1.0, 4.0])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_in_the_first_seconds_is_clean(
    tmp_path: Path, seconds: float, number: signal.Signals
) -> None:
    home = tmp_path / "home"
    process = start("retrain", "llm=simulated", f"home={home}", env={"PREFECT_API_URL": ""})
    deadline = time.monotonic() + 60
    while not _hears_sigterm(process):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(seconds)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == 130, stderr
    assert stderr.endswith("the same command goes on from there\n")
    assert "Traceback" not in stderr
    deadline = time.monotonic() + 30
    while _processes_of(home):
        assert time.monotonic() < deadline, _processes_of(home)
        time.sleep(0.1)
