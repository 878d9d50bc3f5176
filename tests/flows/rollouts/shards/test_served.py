"""Workers reach the embedded model although what is sent to them tells no key."""

import asyncio
import os
import pickle
import subprocess
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from flows.rollouts.shards.served import KEY_VARIABLE, serve_to_workers
from flows.settings.compose import load_settings
from lamas.errors import ConfigurationError

pytestmark = pytest.mark.attack

SMALL = ("llm=embedded", "llm.embedded.slots=1", "llm.embedded.context_per_slot=256")
WORKER = """
import asyncio, pickle, sys
from lamas.llm import check_endpoint
endpoint = pickle.loads(sys.stdin.buffer.read())
asyncio.run(check_endpoint(endpoint))
"""


def worked(sent: bytes, environment: Mapping[str, str]) -> tuple[int, str]:
    """Exit code and complaint of a worker that asks the endpoint it is sent."""
    done = subprocess.run(
        [sys.executable, "-c", WORKER],
        input=sent,
        env=dict(environment),
        capture_output=True,
        check=False,
    )
    return done.returncode, done.stderr.decode()


def telling(folder: Path, key: str) -> list[Path]:
    """Files that hold the key; there must be some to look at."""
    files = [item for item in folder.rglob("*") if item.is_file()]
    assert files
    return [item for item in files if key.encode() in item.read_bytes()]


@pytest.mark.slow
async def test_a_key_is_in_the_environment_of_workers_and_in_nothing_that_is_sent(
    tmp_path: Path,
) -> None:
    settings = load_settings([*SMALL, f"home={tmp_path}"])
    async with AsyncExitStack() as stack:
        endpoint = await serve_to_workers(settings, stack)
        key = os.environ[KEY_VARIABLE]
        sent = pickle.dumps(endpoint)
        assert len(key) > 30
        assert key.encode() not in sent
        assert await asyncio.to_thread(worked, sent, os.environ) == (0, "")
        without = {name: value for name, value in os.environ.items() if name != KEY_VARIABLE}
        code, complaint = await asyncio.to_thread(worked, sent, without)
        assert code != 0
        assert KEY_VARIABLE in complaint
        assert telling(tmp_path, key) == []
    assert KEY_VARIABLE not in os.environ


@pytest.mark.slow
async def test_workers_of_others_are_refused() -> None:
    settings = load_settings([*SMALL, "engine=dask", "engine.address=tcp://127.0.0.1:1"])
    async with AsyncExitStack() as stack:
        with pytest.raises(ConfigurationError, match=r"tcp://127\.0\.0\.1:1 names others"):
            await serve_to_workers(settings, stack)
