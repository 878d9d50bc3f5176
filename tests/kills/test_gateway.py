"""Gateway, endpoint or writer killed at load: what was answered is in the warehouse once."""

import asyncio
import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.flows.conftest import TINY
from tests.flows.conftest import prepared as prepared  # the same home
from tests.patience import patience, soon
from warehouse import Registry, Warehouse

ADDRESS = re.compile(r"answering at (\S+)/v1")


IN_PROCESS = (*TINY, "llm.simulated.in_process=true")
WRITER = """
import sys, time
from contextlib import suppress
from pathlib import Path
from flows.home.intake import served_folder, take_in_served
from flows.home.lock import writer_lock
from lamas.errors import WarehouseError
from warehouse import Warehouse

home = Path(sys.argv[1])
warehouse = Warehouse.open(home / "warehouse.duckdb")
while True:
    with suppress(WarehouseError), writer_lock(home):
        print(take_in_served(warehouse, served_folder(home), print), flush=True)
    time.sleep(0.01)
"""
"""Takes in what gateways land, as a run does at its begin and end."""


def started(
    home: Path, *options: str, around: Sequence[str] = ()
) -> tuple[subprocess.Popen[str], str]:
    """A gateway in a process of its own, or in the command `around` it, and its address."""
    program = "from flows.cli.main import main; main()"
    line = [*around, sys.executable, "-c", program, "gateway", f"home={home}", "gateway.port=0"]
    line += [*(options or IN_PROCESS), "gateway.land_seconds=0.3"]
    process = subprocess.Popen(line, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for text in process.stderr:
        found = ADDRESS.search(text)
        if found is not None:
            return process, found[1]
    raise AssertionError("the gateway did not start")


@pytest.mark.slow
async def test_every_answer_survives_a_kill_once(prepared: Path, tmp_path: Path) -> None:
    home = Path(shutil.copytree(prepared, tmp_path / "home"))
    warehouse = Warehouse.open(home / "warehouse.duckdb")
    registry = Registry(warehouse)
    registry.promote(registry.checkpoints()[1].checkpoint_id, evidence={"reason": "a test"})
    answered: list[str] = []

    async def client(url: str, number: int) -> None:
        body = {"messages": [{"role": "user", "content": f"What is {number} + 1?"}]}
        body |= {"model": "lamas" if number % 2 else "simulated-gpt-4o-mini-like"}
        async with httpx.AsyncClient(timeout=patience(60)) as session:
            while True:
                try:
                    response = await session.post(f"{url}/v1/chat/completions", json=body)
                except httpx.TransportError:
                    return
                assert response.status_code == 200, response.text
                answered.append(response.json()["id"])

    for wanted in (15, 40):
        process, url = await asyncio.to_thread(started, home)
        asking = [asyncio.create_task(client(url, number)) for number in range(6)]
        while len(answered) < wanted:
            await asyncio.sleep(0.02)
            assert process.poll() is None
        process.send_signal(signal.SIGKILL)
        await asyncio.gather(*asking)
        process.communicate()
    process, _ = await asyncio.to_thread(started, home)
    process.terminate()
    process.communicate()
    stored = warehouse.query("SELECT request_id FROM served_requests WHERE status = 200")
    ids = stored["request_id"].to_list()
    assert len(ids) == len(set(ids))
    assert set(answered) <= set(ids)
    runs = warehouse.query("SELECT status FROM runs WHERE kind = 'serve' ORDER BY started_at")
    assert runs["status"].to_list() == ["cancelled", "cancelled", "completed"]
    assert [result.name for result in warehouse.audit() if result.rows.height] == []
    assert list((home / "landing" / "served").iterdir()) == []


def assert_stored_once(home: Path, answered: dict[str, float]) -> None:
    """Every answer, by id and USD, is there once at that price, and paid for by one call."""
    warehouse = Warehouse.open(home / "warehouse.duckdb")
    stored = warehouse.query(
        "SELECT request_id, rollouts.cost_usd FROM served_requests "
        "INNER JOIN rollouts USING (rollout_id) WHERE served_requests.status = 200"
    ).rows()
    assert len(stored) == len(dict(stored))
    assert answered.items() <= dict(stored).items()
    paid = warehouse.query(
        "SELECT rollout_id FROM model_calls INNER JOIN operator_invocations USING (invocation_id) "
        "WHERE model_calls.cost_usd > 0"
    )["rollout_id"]
    assert paid.n_unique() == len(paid) > 0
    assert [result.name for result in warehouse.audit() if result.rows.height] == []
    assert list((home / "landing").glob("served/*")) == []


def endpoint(port: int) -> tuple[subprocess.Popen[str], int]:
    """A simulated endpoint in a process of its own, and its port."""
    line = [sys.executable, "-m", "lamas.llm.simulated", "--port", str(port), "--time-scale", "0"]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    address: str = json.loads(process.stdout.readline())["base_url"]
    return process, urlsplit(address).port or 0


def taking_in(home: Path) -> subprocess.Popen[str]:
    """A process that takes in what lands, as often as it gets the turn."""
    line = [sys.executable, "-c", WRITER, str(home)]
    return subprocess.Popen(line, stdout=subprocess.PIPE, text=True)


def more(answered: dict[str, float], least: int) -> bool:
    """Whether so many were answered."""
    return len(answered) >= least


async def ask_until(
    stop: asyncio.Event, url: str, answered: dict[str, float], statuses: list[int]
) -> None:
    """What one client is told, one question after another; each is an answer or an error in
    OpenAI's form.
    """
    async with httpx.AsyncClient(timeout=patience(60)) as session:
        while not stop.is_set():
            body = {
                "model": "simulated-gpt-4o-mini-like",
                "messages": [{"role": "user", "content": f"What is {len(statuses)} + 1?"}],
            }
            response = await session.post(f"{url}/v1/chat/completions", json=body)
            told = response.json()
            if response.status_code == 200:
                answered[told["id"]] = told["lamas"]["cost_usd"]
            else:
                assert told["error"]["message"]
            statuses.append(response.status_code)


@pytest.mark.slow
async def test_a_killed_endpoint_is_a_proper_error_until_it_is_back(
    prepared: Path, tmp_path: Path
) -> None:
    home = Path(shutil.copytree(prepared, tmp_path / "home"))
    model, port = endpoint(0)
    process, url = await asyncio.to_thread(
        started,
        home,
        "llm=endpoint",
        f"llm.base_url=http://127.0.0.1:{port}/v1",
        "llm.model=simulated-gpt-4o-mini-like",
        "llm.price.input=1.0",
        "llm.price.output=1.0",
        "llm.stream=false",
        "llm.retry.outage_seconds=0",
        "llm.retry.backoff_seconds=0.01",
    )
    answered: dict[str, float] = {}
    statuses: list[int] = []
    stop = asyncio.Event()
    asking = [asyncio.create_task(ask_until(stop, url, answered, statuses)) for _ in range(4)]
    await soon(lambda: len(answered) >= 20)
    model.kill()
    model.communicate()
    await asyncio.sleep(0.5)
    before = len(answered)
    model, _ = await asyncio.to_thread(endpoint, port)
    await soon(lambda: len(answered) >= before + 20)
    stop.set()
    await asyncio.gather(*asking)
    assert set(statuses) == {200, 502}
    for one in (process, model):
        one.terminate()
        one.communicate()
    assert_stored_once(home, answered)


@pytest.mark.slow
async def test_a_killed_writer_loses_nothing(prepared: Path, tmp_path: Path) -> None:
    home = Path(shutil.copytree(prepared, tmp_path / "home"))
    process, url = await asyncio.to_thread(started, home, *IN_PROCESS)
    answered: dict[str, float] = {}
    statuses: list[int] = []
    stop = asyncio.Event()
    asking = [asyncio.create_task(ask_until(stop, url, answered, statuses)) for _ in range(4)]
    for _ in range(4):
        writer = taking_in(home)
        assert writer.stdout is not None
        # It has had the turn once, and is about to have it again.
        await asyncio.to_thread(writer.stdout.readline)
        await soon(partial(more, answered, len(answered) + 15))
        writer.kill()
        writer.communicate()
    stop.set()
    await asyncio.gather(*asking)
    assert set(statuses) == {200}
    process.terminate()
    process.communicate()
    assert_stored_once(home, answered)
