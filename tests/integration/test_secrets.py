"""A key is planted where an endpoint repeats it, and looked for in all that a run leaves."""

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from flows.home.secret_scan import leaks
from lamas.llm import ResponseStore
from tests.command import run_here, start
from tests.factories import make_call
from tests.patience import ended

pytestmark = pytest.mark.slow

# Nothing about it looks like a key: only knowing it can keep it out.
SECRET = "quiet7harbour3lantern9"
NAME = "LAMAS_PLANTED_KEY"

SMALL = (
    "learner=reinforce",
    "llm=endpoint",
    "llm.model=echo",
    "llm.price={input: 1.0, output: 1.0}",
    f"llm.api_key_env={NAME}",
    "llm.retry.attempts=2",
    "llm.retry.backoff_seconds=0.01",
    "benchmark.size=30",
    "training.steps=1",
    "training.problems_per_step=2",
    "training.rollouts_per_problem=2",
    "training.max_failed_fraction=1.0",
    "evaluation.problems=3",
)


class Echo(BaseHTTPRequestHandler):
    """Repeats the Authorization header in answers, in errors and in headers."""

    requests = 0

    def do_GET(self) -> None:
        self._send(200, {"data": [{"id": "echo"}]})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        key = self.headers["authorization"]
        Echo.requests += 1
        if Echo.requests in (6, 20) or Echo.requests % 9 == 0:
            status = 500 if Echo.requests % 9 == 0 else 400
            self._send(status, {"error": {"message": f"you sent {key}", "code": key}})
            return
        self._send(
            200,
            {
                "id": key,
                "model": f"echo {key}",
                "object": "chat.completion",
                "choices": [
                    {
                        "index": 0,
                        "finish_reason": "stop",
                        "message": {"role": "assistant", "content": f"{key}: the answer is 4"},
                    }
                ],
                "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
            },
        )

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _send(self, status: int, body: object) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.send_header("x-echo", self.headers["authorization"] or "")
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def echoing() -> Generator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"llm.base_url=http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_planted_key_is_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    with echoing() as url:
        # Its own server is one more place where a key could be kept.
        process = start("retrain", *SMALL, url, f"home={home}", env={NAME: SECRET})
        said = [*ended(process)]
        assert process.returncode == 0, said
        monkeypatch.setenv(NAME, SECRET)
        for line in (("report",), ("retrain", *SMALL, url, "--cfg", "job")):
            finished = run_here(*line, f"home={home}")
            said += [finished.stdout, finished.stderr]
            assert finished.code == 0, said
    assert Echo.requests > 10
    stored = [path.name for path in home.rglob("*") if path.is_file()]
    assert "warehouse.duckdb" in stored
    assert "responses.sqlite" in stored
    assert any(name.endswith(".html") for name in stored)
    assert leaks(home, SECRET) == []
    assert all(SECRET not in text for text in said)
    # What is looked for was there to be found: the endpoint did repeat it.
    assert leaks(home, "[key]") != []


def test_the_scan_finds_a_key(tmp_path: Path) -> None:
    with ResponseStore(tmp_path / "responses.sqlite") as store:
        store.put(SECRET, (make_call(1),))
    assert len(leaks(tmp_path, SECRET)) == 2


@pytest.mark.parametrize(
    "override",
    [
        "llm.api_key_env=sk-quiet7harbour3lantern9",
        "llm.api_key_env=quiet7harbour3lantern9",
        "+llm.extra_body.api_key=quiet7harbour3lantern9",
        "llm.base_url=https://me:quiet7harbour3lantern9@host/v1",
    ],
)
def test_a_key_in_the_configuration_is_refused_unrepeated(override: str) -> None:
    for more in ((), ("--cfg", "job")):
        line = ("llm=endpoint", "llm.model=echo", "llm.base_url=http://127.0.0.1:9/v1", override)
        done = run_here("retrain", *line, *more)
        assert done.code != 0
        assert SECRET not in done.stdout + done.stderr
        assert "llm.api_key_env" in done.stderr
