"""Which Prefect server a run talks to, and that its own ends with it."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest

from flows.orchestrator import server
from flows.orchestrator.access import IDENTITY_PATH, auth_string, proof
from flows.orchestrator.server import HOST, answers, kept_open, prefect_server
from lamas.errors import ServerError
from tests.patience import until
from tests.prefect_client import OWN, client


class Healthy(BaseHTTPRequestHandler):
    """Answers what is asked of a home's server; the home is whichever it is told to be."""

    secret = ""
    api = ""

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?nonce=")
        answers = {"/api/health": "true", IDENTITY_PATH: proof(self.secret, self.api, query)}
        answer = answers.get(path, "")
        self.send_response(200 if answer else 404)
        self.end_headers()
        self.wfile.write(answer.encode())

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def healthy(home: Path | None = None, port: int = 0) -> Generator[str, None, None]:
    """The API address of something that answers as the server of `home`."""
    if home is not None:
        home.mkdir(exist_ok=True)
    handler = type("Handler", (Healthy,), {"secret": auth_string(home) if home else ""})
    with HTTPServer((HOST, port), handler) as stand_in:
        handler.api = f"http://{HOST}:{stand_in.server_port}/api"
        thread = threading.Thread(target=stand_in.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield handler.api
        finally:
            stand_in.shutdown()
            thread.join()


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PREFECT_API_URL", "PREFECT_HOME", "PREFECT_LOGGING_LEVEL", OWN):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


@pytest.fixture
def no_start(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(*_: object) -> None:
        raise AssertionError("a server was started")

    monkeypatch.setattr(server, "_start", start)


@pytest.mark.usefixtures("no_start")
def test_the_named_server_is_used_and_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with healthy() as address:
        monkeypatch.setenv("PREFECT_API_URL", address)
        done: list[str] = []
        with prefect_server(tmp_path, meanwhile=lambda: done.append("meanwhile")) as found:
            assert done == ["meanwhile"]
            assert (found.api_url, found.owned) == (address, False)
            assert found.ui_url == address.removesuffix("/api")
        assert os.environ["PREFECT_API_URL"] == address
        assert answers(address)


@pytest.mark.usefixtures("no_start")
def test_a_named_server_that_does_not_answer_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    with (
        pytest.raises(ServerError, match=r"PREFECT_API_URL=http://127\.0\.0\.1:9/api"),
        prefect_server(tmp_path),
    ):
        pass


@pytest.mark.usefixtures("no_start")
def test_the_server_kept_open_on_the_home_folder_is_found(tmp_path: Path) -> None:
    with healthy(tmp_path) as address:
        (tmp_path / "server.json").write_text(json.dumps({"api_url": address, "pid": 1}))
        done: list[str] = []
        with prefect_server(tmp_path, meanwhile=lambda: done.append("meanwhile")) as found:
            assert done == ["meanwhile"]
            assert (found.api_url, found.owned) == (address, False)
            assert os.environ["PREFECT_API_URL"] == address
            assert os.environ[OWN] == auth_string(tmp_path)
        assert OWN not in os.environ
        assert (tmp_path / "server.json").exists()
    assert kept_open(tmp_path) is None, "it no longer answers"


def test_a_note_that_leads_to_another_homes_server_is_passed_by(tmp_path: Path) -> None:
    with healthy(tmp_path / "other") as address:
        (tmp_path / "server.json").write_text(json.dumps({"api_url": address, "pid": 1}))
        assert kept_open(tmp_path) is None


@pytest.mark.parametrize("note", ["", "{", "[]", "3", '{"pid": 1}', '{"api_url": 7}'])
def test_a_note_that_says_nothing_is_no_server(tmp_path: Path, note: str) -> None:
    (tmp_path / "server.json").write_text(note)
    assert kept_open(tmp_path) is None


def test_a_busy_port_is_passed_by() -> None:
    free_port = server.free_port
    with socket.create_server((HOST, 0)) as taken:
        port = int(taken.getsockname()[1])
        assert free_port(port) not in (port, 0)
    assert free_port(port) == port


def test_a_server_that_ends_while_starting_is_an_error_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "prefect.py"
    fake.write_text("import sys; print('first'); sys.exit('no such table')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with (
        pytest.raises(ServerError, match=r"code 1 while starting \(no such table\); its log is"),
        prefect_server(tmp_path / "home"),
    ):
        pass
    assert "PREFECT_API_URL" not in os.environ


FAKE = """
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

def create_app(*, final):
    return Starlette(routes=[Route("/api/health", lambda request: PlainTextResponse("true"))])
"""


@pytest.fixture
def quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that starts in no time, as it does nothing."""
    package = tmp_path / "prefect" / "server" / "api"
    package.mkdir(parents=True)
    for folder in (package, package.parent, package.parent.parent):
        (folder / "__init__.py").touch()
    (package / "server.py").write_text(FAKE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


@pytest.mark.usefixtures("quick")
def test_a_port_that_is_taken_is_left_to_the_other(tmp_path: Path) -> None:
    with healthy(tmp_path / "other") as address:
        taken = int(address.split(":")[2].removesuffix("/api"))
        with prefect_server(tmp_path / "home", port=taken) as found:
            assert found.owned
            assert found.api_url != address
            assert answers(found.api_url)
        assert not answers(found.api_url)
        assert answers(address)


@pytest.mark.usefixtures("quick")
def test_what_is_done_meanwhile_knows_the_server(tmp_path: Path) -> None:
    known: list[str] = []
    with prefect_server(
        tmp_path / "home", meanwhile=lambda: known.append(os.environ["PREFECT_API_URL"])
    ) as found:
        assert known == [found.api_url]


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_a_failure_meanwhile_ends_the_server(tmp_path: Path) -> None:
    known: list[str] = []

    def fail() -> None:
        known.append(os.environ["PREFECT_API_URL"])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), prefect_server(tmp_path / "home", meanwhile=fail):
        pass
    assert not answers(known[0])
    assert "PREFECT_API_URL" not in os.environ


HOLD = """
import sys, time
from pathlib import Path
from flows.orchestrator.server import prefect_server
with prefect_server(Path(sys.argv[1]), keep_open=True) as server:
    print(server.api_url, server.owned, flush=True)
    time.sleep(600)
"""


@pytest.mark.slow
def test_its_own_server_answers_is_noted_and_dies_with_a_killed_run(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout is not None
        address, owned = run.stdout.readline().split()
        assert owned == "True"
        assert answers(address)
        found = kept_open(tmp_path)
        assert found is not None
        assert (found.api_url, found.owned) == (address, False)
        pid = int(json.loads((tmp_path / "server.json").read_text())["pid"])
        assert (tmp_path / "prefect.db").exists()
        asking = client(address, auth_string(tmp_path))
        assert asking.get("admin/version").is_success
        assert (tmp_path / "prefect.db").stat().st_mode & 0o077 == 0
        page = address.removesuffix("/api")
        assert httpx.get(f"{page}/ui-settings").json()["api_url"] == address
        run.kill()
        run.wait()
    until(lambda: not answers(address))
    assert kept_open(tmp_path) is None
    until(lambda: not Path(f"/proc/{pid}").exists())
