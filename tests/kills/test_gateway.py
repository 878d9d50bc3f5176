"""A gateway that is killed at load: what was answered is in the warehouse once, and it is back."""

import asyncio
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.flows.conftest import TINY
from tests.flows.conftest import prepared as prepared  # the same home
from tests.patience import patience
from warehouse import Registry, Warehouse

ADDRESS = re.compile(r"answering at (\S+)/v1")


def started(home: Path) -> tuple[subprocess.Popen[str], str]:
    """A gateway in a process of its own, and its address."""
    program = "from flows.cli.main import main; main()"
    line = [sys.executable, "-c", program, "gateway", *TINY, f"home={home}", "gateway.port=0"]
    line += ["llm.simulated.in_process=true", "gateway.land_seconds=0.3"]
    process = subprocess.Popen(line, stderr=subprocess.PIPE, text=True)
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
