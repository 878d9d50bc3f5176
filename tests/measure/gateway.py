"""`python -m tests.measure.gateway`: what the gateway adds to a call, and what a process takes.

The same questions go to a simulated endpoint whose every answer takes 500 ms, directly and through
a gateway that asks it as it is (a graph of one call), by turns, at 1 and at 64 clients, which begin
one after another within the time of an answer. Then 64 clients ask a gateway whose simulated model
answers at once in its own process. Linux only.
"""

import argparse
import asyncio
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from flows.orchestrator.quiet import hide_leak_report
from lamas.llm.simulated import SimulatedProfile, SimulatedServer, load_profile
from lamas.llm.simulated.profile import Latency, Lognormal
from warehouse import Warehouse

CALL_SECONDS = 0.5
CLIENTS = (1, 64)
KEY_VARIABLE = "LAMAS_MEASURED_KEY"
_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
ADDRESS = re.compile(r"answering at (\S+)/v1")


def slow_profile() -> SimulatedProfile:
    """Every answer takes the same time."""
    first = Lognormal(median=CALL_SECONDS, sigma=0.0)
    latency = Latency(
        first_token_seconds=first, seconds_per_token=Lognormal(median=1e-9, sigma=0.0)
    )
    return load_profile("gpt_4o_mini_like").model_copy(update={"latency": latency})


@contextmanager
def gateway(home: Path, *overrides: str) -> Generator[tuple[str, int]]:
    """(address, process id) of a gateway on a home, by default a new one."""
    home.mkdir(exist_ok=True)
    Warehouse.open(home / "warehouse.duckdb", create=True)
    line = [
        sys.executable,
        "-c",
        "from flows.cli.main import main; main()",
        "gateway",
        f"home={home}",
        "gateway.port=0",
        *overrides,
    ]
    with subprocess.Popen(line, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            said = ""
            for text in process.stderr:
                said += text
                found = ADDRESS.search(text)
                if found is not None:
                    yield found[1], process.pid
                    return
            raise SystemExit(f"the gateway did not start: {said}")
        finally:
            process.terminate()
            process.wait()


class Caller:
    """One connection that is kept; a general client costs more than the gateway it would measure.

    Knows the answers of such servers only: a status line, Content-Length, a body.
    """

    def __init__(self, url: str, key: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = str(parts.hostname), int(parts.port or 80)
        self._head = (
            f"POST /v1/chat/completions HTTP/1.1\r\nHost: {parts.netloc}\r\n"
            f"Content-Type: application/json\r\nAuthorization: Bearer {key}\r\n"
            "Content-Length: "
        )

    async def open(self) -> None:
        self._reader, self._writer = await asyncio.open_connection(self._host, self._port)

    async def post(self, body: bytes) -> int:
        """The status of the answer, once all of it is here."""
        self._writer.write(f"{self._head}{len(body)}\r\n\r\n".encode() + body)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(head)
        assert length is not None, head
        await self._reader.readexactly(int(length[1]))
        return int(head.split(b" ", 2)[1])

    def close(self) -> None:
        self._writer.close()


async def asked(
    url: str, model: str, clients: int, each: int, *, key: str = "", within: float = 0.0
) -> tuple[list[float], int]:
    """(seconds of every answer, how many were none) of `clients` that ask one after another, and
    begin spread over so many seconds.
    """
    seconds: list[float] = []
    lost = 0

    async def ask(name: int) -> None:
        nonlocal lost
        caller = Caller(url, key)
        await asyncio.sleep(within * name / clients)
        await caller.open()
        for number in range(each):
            content = f"What is {name} + {number}?"
            body = {
                "model": model,
                "messages": [{"role": "user", "content": content}],
                "max_tokens": 50,
            }
            began = time.perf_counter()
            lost += await caller.post(json.dumps(body).encode()) != 200
            seconds.append(time.perf_counter() - began)
        caller.close()

    await asyncio.gather(*(ask(name) for name in range(clients)))
    return seconds, lost


def milliseconds(seconds: list[float]) -> tuple[float, float]:
    """p50 and p99."""
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    return 1000.0 * cuts[49], 1000.0 * cuts[98]


def resident(pid: int) -> float:
    """MiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024.0


def processor(pid: int) -> float:
    """Seconds that a process has used of its cores."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def overhead(folder: Path, rounds: int, each: int) -> None:
    """Print what the gateway adds."""
    profile = slow_profile()
    with SimulatedServer(profile, time_scale=1.0) as server:
        direct = server.base_url.removesuffix("/v1")
        os.environ[KEY_VARIABLE] = server.api_key
        overrides = (
            "llm=endpoint",
            f"llm.base_url={server.base_url}",
            f"llm.api_key_env={KEY_VARIABLE}",
            f"llm.model={profile.model}",
            "llm.concurrency=64",
            "llm.stream=false",
        )
        with gateway(folder / "overhead", *overrides) as (through, _):
            for clients in CLIENTS:
                both: dict[str, list[float]] = {direct: [], through: []}
                asyncio.run(asked(through, profile.model, clients, 1))
                for _ in range(rounds):
                    for url, seconds in both.items():
                        key = server.api_key if url == direct else ""
                        more, lost = asyncio.run(
                            asked(url, profile.model, clients, each, key=key, within=CALL_SECONDS)
                        )
                        assert lost == 0, f"{lost} requests were not answered"
                        seconds += more
                (p50, p99), (own50, own99) = milliseconds(both[direct]), milliseconds(both[through])
                print(
                    f"{clients:>3} clients, {len(both[direct])} requests each way: "
                    f"directly p50 {p50:.1f} ms, p99 {p99:.1f} ms; through the gateway "
                    f"+{own50 - p50:.1f} ms at p50 ({own50 / p50:.3f} ×), "
                    f"+{own99 - p99:.1f} ms at p99 ({own99 / p99:.3f} ×)"
                )


def throughput(folder: Path, seconds: float) -> None:
    """Print what one process takes, with a model that costs no time."""
    overrides = ("llm=simulated", "llm.simulated.in_process=true")
    model = "simulated-gpt-4o-mini-like"
    home = folder / "throughput"
    answered = 0
    with gateway(home, *overrides) as (url, pid):
        asyncio.run(asked(url, model, 64, 4))
        before, began, used = resident(pid), time.perf_counter(), processor(pid)
        while time.perf_counter() - began < seconds:
            took, lost = asyncio.run(asked(url, model, 64, 8))
            assert lost == 0, f"{lost} requests were not answered"
            answered += len(took)
        rate = answered / (time.perf_counter() - began)
        after, used = resident(pid), processor(pid) - used
    stored = Warehouse.open(home / "warehouse.duckdb").query("FROM served_requests").height
    print(
        f" 64 clients, model without waiting: {rate:.0f} requests/s for {seconds:g} s, "
        f"{answered + 256} answered, {stored} in the warehouse; "
        f"{1000.0 * used / answered:.1f} ms of a core for each, model included; "
        f"memory {before:.0f} MiB before, {after:.0f} MiB after ({after / before:.2f} ×)"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--each", type=int, default=10, help="requests a client sends in a round")
    parser.add_argument("--seconds", type=float, default=20.0, help="of the throughput")
    options = parser.parse_args()
    hide_leak_report()
    with tempfile.TemporaryDirectory() as folder:
        overhead(Path(folder), options.rounds, options.each)
        throughput(Path(folder), options.seconds)


if __name__ == "__main__":
    main()
