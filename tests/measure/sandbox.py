"""`python -m tests.measure.sandbox` prints what a sandboxed run costs beside a bare interpreter."""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import time

from lamas.sandbox.process import ProcessSandbox
from lamas.sandbox.zygote_client import interpreter


def bare_seconds(runs: int) -> list[float]:
    """Wall seconds of `python -c pass`, one after another."""
    taken: list[float] = []
    for _ in range(runs):
        started = time.perf_counter()
        subprocess.run([interpreter(), "-c", "pass"], check=True, stdin=subprocess.DEVNULL)
        taken.append(time.perf_counter() - started)
    return taken


async def sandboxed_seconds(sandbox: ProcessSandbox, runs: int) -> list[float]:
    """Wall seconds of a trivial program in the sandbox, one after another."""
    taken: list[float] = []
    for _ in range(runs):
        started = time.perf_counter()
        await sandbox.run("pass")
        taken.append(time.perf_counter() - started)
    return taken


async def runs_per_second(sandbox: ProcessSandbox, runs: int) -> float:
    """All at once, as many at a time as the sandbox allows."""
    started = time.perf_counter()
    await asyncio.gather(*(sandbox.run("pass") for _ in range(runs)))
    return runs / (time.perf_counter() - started)


async def _measure(runs: int) -> None:
    started = time.perf_counter()
    async with ProcessSandbox() as sandbox:
        ready = time.perf_counter() - started
        # In turns, so that another load on the machine meets both alike.
        bare: list[float] = []
        boxed: list[float] = []
        for _ in range(5):
            bare += await asyncio.to_thread(bare_seconds, max(1, runs // 25))
            boxed += await sandboxed_seconds(sandbox, max(1, runs // 5))
        rate = await runs_per_second(sandbox, runs)
        names = ", ".join(sandbox.barriers)
    cpus = len(os.sched_getaffinity(0))
    print(f"CPUs: {cpus}; ready in {ready:.2f} s; barriers: {names}")
    for name, taken in (("python -c pass", bare), ("sandboxed pass", boxed)):
        cuts = statistics.quantiles(taken, n=100)
        print(
            f"{name}: median {1000 * statistics.median(taken):.1f} ms, p90 {1000 * cuts[89]:.1f} ms"
            f" ({len(taken)} runs)"
        )
    difference = statistics.median(boxed) - statistics.median(bare)
    print(f"overhead of a sandboxed run over the bare interpreter: {1000 * difference:+.1f} ms")
    print(f"throughput: {rate:.0f} runs/s ({runs} runs)")


def main() -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200, help="trivial programs to run")
    asyncio.run(_measure(parser.parse_args().runs))
    return 0


if __name__ == "__main__":
    sys.exit(main())
