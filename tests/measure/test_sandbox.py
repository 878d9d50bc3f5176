"""What a run costs, measured beside a bare interpreter under the same load."""

import asyncio
import statistics
import subprocess
import sys

from lamas.sandbox import ProcessSandbox
from tests.measure.sandbox import bare_seconds, sandboxed_seconds


def test_the_bench_prints_all_its_figures() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.measure.sandbox", "--runs", "25"],
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    for figure in ("python -c pass: median", "sandboxed pass: median", "overhead", "throughput:"):
        assert figure in ran.stdout


async def test_a_run_costs_at_most_60_ms_more_than_a_bare_interpreter() -> None:
    bare: list[float] = []
    boxed: list[float] = []
    async with ProcessSandbox() as sandbox:
        for _ in range(4):
            bare += await asyncio.to_thread(bare_seconds, 3)
            boxed += await sandboxed_seconds(sandbox, 5)
    assert statistics.median(boxed) <= statistics.median(bare) + 0.060
