"""`python -m tests.measure.promoting`: other champions while a gateway answers, and its restart.

Clients ask a gateway in a process of its own, whose simulated model answers at once. After every
fifth of the requests another checkpoint is promoted, and at last the one before returns.
Then the gateway is killed, and started again.
"""

import argparse
import asyncio
import os
import signal
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from flows.orchestrator.quiet import hide_leak_report
from flows.prepare import store_problems
from flows.run.learners import initial_learner
from flows.run.opening import session
from tests.measure.gateway import gateway, processor
from tests.patience import patience
from warehouse import Registry, Warehouse

SMALL = (
    "llm=simulated",
    "learner=reinforce",
    "benchmark.size=20",
    "operators.enabled=[Generate,GenerateCoT]",
)
OPTIONS = (*SMALL, "llm.simulated.in_process=true", "gateway.champion_seconds=0.05")
CLIENTS = 16


@dataclass(kw_only=True)
class Told:
    """What clients were told by the end."""

    named: dict[str, str] = field(default_factory=dict[str, str])
    """The checkpoint that each answer says decided, by the answer's id."""
    failed: list[str] = field(default_factory=list[str])


async def prepared(home: Path) -> list[str]:
    """Four controllers in a new home, the first of them champion; their ids."""
    for seed in range(4):
        line = [*SMALL, f"home={home}", f"seed={seed}", "controller=lamas"]
        async with session("prepare", line) as current:
            if seed == 0:
                store_problems(current)
            initial_learner(current)
    registry = Registry(Warehouse.open(home / "warehouse.duckdb"))
    names = [item.checkpoint_id for item in registry.checkpoints()]
    registry.promote(names[0], evidence={"reason": "a measurement"})
    return names


async def ask_while_promoting(
    url: str, registry: Registry, names: list[str], requests: int
) -> Told:
    """Send `requests` in all, with three promotions and a rollback in between."""
    told, numbers = Told(), iter(range(requests))
    steps = [
        lambda: registry.promote(names[1], evidence={"reason": "a measurement"}),
        lambda: registry.promote(names[2], evidence={"reason": "a measurement"}),
        lambda: registry.promote(names[3], evidence={"reason": "a measurement"}),
        lambda: registry.rollback(),
    ]

    async def client(session: httpx.AsyncClient) -> None:
        for number in numbers:
            body = {
                "model": "lamas",
                "messages": [{"role": "user", "content": f"What is {number % 50} + 7?"}],
            }
            response = await session.post(f"{url}/v1/chat/completions", json=body)
            if response.status_code == 200:
                answer = response.json()
                told.named[answer["id"]] = answer["lamas"]["checkpoint_id"]
            else:
                told.failed.append(response.text)
            done = len(told.named) + len(told.failed)
            while steps and done >= requests * (5 - len(steps)) / 5:
                await asyncio.to_thread(steps.pop(0))

    async with httpx.AsyncClient(timeout=patience(120)) as session:
        await asyncio.gather(*(client(session) for _ in range(CLIENTS)))
    return told


async def promoted(home: Path, requests: int) -> tuple[Told, list[str]]:
    """(what clients were told by a gateway that was killed then, the controllers in order)."""
    names = await prepared(home)
    registry = Registry(Warehouse.open(home / "warehouse.duckdb"))
    with gateway(home, *OPTIONS) as (url, pid):
        told = await ask_while_promoting(url, registry, names, requests)
        os.kill(pid, signal.SIGKILL)
    return told, names


def restart(home: Path) -> tuple[float, float, str]:
    """(seconds and CPU seconds until a gateway is ready, the checkpoint that decides then)."""
    began = time.perf_counter()
    with gateway(home, *OPTIONS) as (url, pid):
        ready = httpx.get(f"{url}/healthz/ready").raise_for_status().json()
        return time.perf_counter() - began, processor(pid), ready["checkpoint_id"]


def on_record(home: Path) -> dict[str, str]:
    """The checkpoint that decided, by request."""
    warehouse = Warehouse.open(home / "warehouse.duckdb")
    return dict(warehouse.query("SELECT request_id, checkpoint_id FROM served_requests").rows())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--requests", type=int, default=1000)
    options = parser.parse_args()
    hide_leak_report()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "promoting"
        told, names = asyncio.run(promoted(home, options.requests))
        seconds, cpu, champion = restart(home)
        stored = on_record(home)
    decided = Counter(told.named.values())
    print(
        f"{options.requests} requests of {CLIENTS} clients, three promotions and a rollback "
        f"meanwhile: {len(told.failed)} failed, {len(told.named)} answered, "
        f"{sum(stored.get(name) == who for name, who in told.named.items())} of them on record "
        "under the checkpoint they named; decided by "
        + ", ".join(f"{name} {decided[name]}" for name in names)
    )
    print(
        f"killed and started again: ready after {seconds:.1f} s ({cpu:.1f} s of CPU), "
        f"{champion} decides"
    )


if __name__ == "__main__":
    main()
