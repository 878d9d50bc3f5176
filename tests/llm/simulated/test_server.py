"""The server's process starts, reports, stops, and never outlives its parent."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from lamas.domain import CodeTests, Problem
from lamas.errors import ConfigurationError, ServerError
from lamas.llm.simulated import SimulatedProblem, SimulatedServer, load_profile
from lamas.llm.simulated.__main__ import main
from tests.llm.simulated.support import bearer
from tests.patience import ended, until


def is_running(process_id: int) -> bool:
    try:
        status = Path(f"/proc/{process_id}/stat").read_text()
    except OSError:
        return False
    return status.rsplit(")", 1)[1].split()[0] != "Z"


@pytest.mark.slow
def test_the_block_bounds_the_process() -> None:
    server = SimulatedServer()
    with pytest.raises(ServerError, match="not running"):
        _ = server.base_url
    with server as running:
        process_id = running.process_id
        assert is_running(process_id)
        assert httpx.get(running.base_url.removesuffix("/v1") + "/health").json()["problems"] == 0
        with pytest.raises(ServerError, match="runs already"):
            running.start()
    assert not is_running(process_id)
    server.stop()


FOREIGN: list[tuple[str, dict[str, str], int]] = [
    ("without a key", {}, 401),
    ("with another key", bearer("guessed"), 401),
    ("a page of another site", {"origin": "https://evil.example"}, 403),
    ("a page of no site", {"origin": "null"}, 403),
    ("a script or picture in a page", {"sec-fetch-site": "cross-site"}, 403),
    ("a name made to mean this machine", {"host": "evil.example"}, 403),
    ("a name and the right port", {"host": "evil.example:{port}"}, 403),
]
PATHS = ("/v1/chat/completions", "/v1/models", "/simulated/problems", "/simulated/statistics")


@pytest.mark.slow
@pytest.mark.attack
def test_nobody_but_its_run_is_answered() -> None:
    asked = {"model": "any", "messages": [{"role": "user", "content": "x"}]}
    with SimulatedServer() as server, SimulatedServer() as other:
        own, root = bearer(server.api_key), server.base_url.removesuffix("/v1")
        command = Path(f"/proc/{server.process_id}/cmdline").read_bytes()
        assert server.api_key.encode() not in command
        port = root.rpartition(":")[2]
        assert httpx.post(f"{root}{PATHS[0]}", headers=own, json=asked).status_code == 200
        for name, headers, status in [*FOREIGN, ("another's", bearer(other.api_key), 401)]:
            # The key itself helps no page.
            sent = {**(own if status == 403 else {}), **headers}
            sent = {key: value.format(port=port) for key, value in sent.items()}
            for path in PATHS:
                answer = httpx.post(f"{root}{path}", headers=sent, json=asked)
                assert answer.status_code == status, (name, path)
                assert "access-control-allow-origin" not in answer.headers


@pytest.mark.slow
def test_it_may_be_started_from_a_thread_that_ends() -> None:
    server = SimulatedServer()
    thread = threading.Thread(target=server.start)
    thread.start()
    thread.join()
    time.sleep(0.7)
    assert is_running(server.process_id)
    server.stop()


PARENT = """
import sys, time
from lamas.llm.simulated import SimulatedServer
server = SimulatedServer()
server.start()
print(server.process_id, flush=True)
time.sleep(600)
"""


@pytest.mark.slow
@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM])
def test_it_dies_with_its_parent(ending: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=Path(__file__).parents[3],
    ) as parent:
        assert parent.stdout is not None
        process_id = int(parent.stdout.readline())
        assert is_running(process_id)
        os.kill(parent.pid, ending)
        ended(parent)
    until(lambda: not is_running(process_id))


@pytest.mark.slow
def test_a_port_in_use_is_said_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServerError, match=f"cannot listen on 127.0.0.1:{port}"):
            SimulatedServer(port=port).start()


def test_invalid_settings_are_refused_before_anything_starts() -> None:
    with pytest.raises(ConfigurationError, match="time_scale=-1"):
        SimulatedServer(time_scale=-1)
    with pytest.raises(ConfigurationError, match="neither a shipped one"):
        SimulatedServer("no_such_profile")


@pytest.mark.slow
def test_problems_of_a_benchmark_are_taken_as_they_are() -> None:
    problem = Problem(
        problem_id="b/v/0",
        benchmark="b",
        version="v",
        family="code",
        index=0,
        split="test",
        question="def f(): ...",
        reference="",
        tests=CodeTests(entry_point="f", public=("assert f() == 1",), hidden=""),
    )
    expected = SimulatedProblem(
        problem_id="b/v/0",
        family="code",
        question="def f(): ...",
        reference="",
        entry_point="f",
        public_tests=("assert f() == 1",),
    )
    assert SimulatedProblem.of(problem) == expected
    assert SimulatedProblem.parse(expected.as_json(), "here") == expected
    with SimulatedServer(problems=[problem]) as server:
        health = httpx.get(server.base_url.removesuffix("/v1") + "/health")
    assert health.json()["problems"] == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--profile", "nothing"], "neither a shipped one"),
        (["--time-scale", "-2"], "--time-scale -2 must be ≥ 0"),
        (["--key-variable", "LAMAS_NO_SUCH"], "LAMAS_NO_SUCH is not set: export LAMAS_NO_SUCH=…"),
        (["--port", "99999"], "choose another port"),
        (["--problems", "/nowhere.json"], "problems file /nowhere.json cannot be read"),
    ],
)
def test_the_command_reports_bad_arguments_in_one_line(
    arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) != 0
    complaint = capsys.readouterr().err.strip()
    assert expected in complaint
    assert "\n" not in complaint


@pytest.mark.slow
def test_the_command_serves(tmp_path: Path) -> None:
    problems = tmp_path / "problems.json"
    problems.write_text(
        '[{"problem_id": "p", "family": "text", "question": "Who?", "reference": "me"}]'
    )
    with subprocess.Popen(
        [
            *(sys.executable, "-m", "lamas.llm.simulated", "--time-scale", "0"),
            *("--problems", str(problems), "--profile", load_profile_path()),
            *("--key-variable", "THE_KEY"),
        ],
        env={**os.environ, "THE_KEY": "k"},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().split('"')[3]
            health = httpx.get(address.removesuffix("/v1") + "/health")
            assert health.json() == {"status": "ok", "simulated": True, "problems": 1}
            assert httpx.get(f"{address}/models").status_code == 401
            assert httpx.get(f"{address}/models", headers=bearer("k")).is_success
        finally:
            process.terminate()


def load_profile_path() -> str:
    from lamas.llm.simulated.profile import PROFILE_FOLDER

    assert load_profile().seed == 0
    return str(PROFILE_FOLDER / "gpt_4o_mini_like.yaml")


@pytest.mark.slow
def test_a_server_that_dies_is_replaced_on_its_port() -> None:
    with SimulatedServer() as server:
        url, first = server.base_url, server.process_id
        os.kill(first, signal.SIGKILL)
        health = url.removesuffix("/v1") + "/health"
        until(lambda: server.process_id != first)
        assert httpx.get(health).is_success
        assert server.base_url == url
        second = server.process_id
    assert not is_running(second)
    with pytest.raises(httpx.ConnectError):
        httpx.get(health)


@pytest.mark.slow
def test_a_server_whose_successor_dies_at_once_is_replaced_all_the_same() -> None:
    with SimulatedServer() as server:
        first = server.process_id
        os.kill(first, signal.SIGKILL)
        children = Path(f"/proc/{os.getpid()}/task")
        killed = {first}

        def kill_the_successor() -> bool:
            for file in children.glob("*/children"):
                # Threads and children of this process come and go meanwhile.
                with suppress(OSError):
                    for child in map(int, file.read_text().split()):
                        command = Path(f"/proc/{child}/cmdline").read_bytes()
                        if child != first and b"lamas.llm.simulated" in command:
                            os.kill(child, signal.SIGKILL)
                            killed.add(child)
            return len(killed) > 1

        until(kill_the_successor, every=0.0)
        until(lambda: server.process_id not in killed)
        assert httpx.get(server.base_url.removesuffix("/v1") + "/health").is_success
