"""How many requests a second the simulated endpoint answers: run it as a script.

The client is a minimal HTTP/1.1 one, so that the figure is the server's; the server's own CPU
seconds per request are printed too, since a busy machine slows the wall clock only.
"""

import argparse
import asyncio
import json
import os
import time
from pathlib import Path
from urllib.parse import urlsplit

from lamas.llm.simulated import SimulatedProblem, SimulatedServer


def problems(count: int) -> list[SimulatedProblem]:
    """Arithmetic questions about as long as those of GSM8K."""
    padding = "Explain how you know. " * 9
    return [
        SimulatedProblem(
            problem_id=f"gsm8k/measure/{index}",
            family="math",
            question=f"{padding}What is {index} plus {index}?",
            reference=str(2 * index),
        )
        for index in range(count)
    ]


def http_request(problem: SimulatedProblem, seed: int, stream: bool, port: int, key: str) -> bytes:
    """One complete HTTP request."""
    body = json.dumps(
        {
            "model": "any",
            "messages": [{"role": "user", "content": problem.question}],
            "seed": seed,
            "stream": stream,
        }
    ).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        f"Authorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        "x-lamas-operator: GenerateCoT\r\nx-lamas-stage: 0\r\nx-lamas-branch: 0\r\n"
        f"x-lamas-problem_id: {problem.problem_id}\r\n\r\n"
    )
    return head.encode() + body


async def client(port: int, requests: list[bytes]) -> None:
    """Send requests one after another over one connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    for request in requests:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"unexpected answer: {head[:200]!r}")
        length = next(
            line.split(b":")[1]
            for line in head.lower().split(b"\r\n")
            if line.startswith(b"content-length:")
        )
        await reader.readexactly(int(length))
    writer.close()
    await writer.wait_closed()


def cpu_seconds(process_id: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{process_id}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def measure(total: int, connections: int, stream: bool) -> None:
    """Print one line of figures."""
    known = problems(500)
    async with SimulatedServer(problems=known) as server:
        port = urlsplit(server.base_url).port or 0
        requests = [
            http_request(known[i % 500], i, stream, port, server.api_key) for i in range(total)
        ]
        await client(port, requests[:200])
        before, started = cpu_seconds(server.process_id), time.perf_counter()
        await asyncio.gather(*(client(port, requests[i::connections]) for i in range(connections)))
        wall = time.perf_counter() - started
        cpu = cpu_seconds(server.process_id) - before
    kind = "streaming" if stream else "not streaming"
    print(
        f"{kind}: {total} requests, {connections} connections: {total / wall:,.0f} requests/s; "
        f"server CPU {cpu / total * 1e3:.3f} ms a request ({total / cpu:,.0f} a core second)"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=5000)
    parser.add_argument("--connections", type=int, default=64)
    options = parser.parse_args()
    for streaming in (False, True):
        asyncio.run(measure(options.requests, options.connections, streaming))
