"""What a test session leaves behind is named: the process, its port, the file, and the test."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.leftovers import MOST_MEMORY, SESSION, TESTING, Growth, Session, Worker

LISTENS = """
import socket, time
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
time.sleep(600)
"""


def test_a_process_that_stays_is_named_with_its_port_and_the_test_that_started_it(
    tmp_path: Path,
) -> None:
    session = Session(sign="of nobody else", folder=tmp_path)
    environment = {**os.environ, SESSION: session.sign, TESTING: "tests/test_x.py::test_y (call)"}
    with subprocess.Popen(
        [sys.executable, "-c", LISTENS], env=environment, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        port = int(child.stdout.readline())
        (left,) = session.left(grace_seconds=0.1)
        child.kill()
    assert f"process {child.pid} (" in left
    assert f"127.0.0.1:{port}" in left
    assert "tests/test_x.py::test_y (call)" in left
    assert session.left(grace_seconds=0.1) == []


def test_what_ends_soon_is_not_left(tmp_path: Path) -> None:
    session = Session(sign="of a short one", folder=tmp_path)
    code = "import time; print(flush=True); time.sleep(0.3)"
    with subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, SESSION: session.sign},
        stdout=subprocess.PIPE,
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert session.left() == []


def test_a_file_that_stays_is_named_and_caches_of_libraries_are_not(tmp_path: Path) -> None:
    (tmp_path / "lamas-sandbox-x").mkdir()
    (tmp_path / "torchinductor_me").mkdir()
    session = Session(sign="of files", folder=tmp_path)
    assert session.left(grace_seconds=0.1) == ["lamas-sandbox-x in the temporary folder"]


@pytest.mark.slow
def test_a_worker_tells_what_it_holds() -> None:
    growth = Growth()
    kept = [bytearray(64 << 20)]
    growth.look("the one that keeps 64 MiB")
    worker = Worker.told(growth.worker().telling())
    assert worker.grew[0][1] == "the one that keeps 64 MiB"
    assert worker.grew[0][0] > 50
    assert worker.memory <= worker.peak + 1
    assert len(kept[0]) == 64 << 20
    large = Worker(name="gw0", memory=MOST_MEMORY + 1, peak=9999, ports=["::1:80"], grew=[])
    assert large.faults() == [
        "port ::1:80 of gw0",
        f"{MOST_MEMORY + 1} MiB of memory by gw0, {MOST_MEMORY} are enough",
    ]
