"""What a run costs, measured beside a bare interpreter under the same load."""

import subprocess
import sys

import pytest


@pytest.mark.slow
def test_the_bench_prints_all_its_figures() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.measure.sandbox", "--runs", "25"],
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    for figure in ("python -c pass: median", "sandboxed pass: median", "overhead", "throughput:"):
        assert figure in ran.stdout
