"""`python -m tests.measure.start [CHECKOUT]`: CPU of a tiny retrain, wall time to its rollouts.

72 rollouts of the simulated model in a new home: what is left is starting. CHECKOUT is another
work tree with its installation in `.venv`, to be compared with. Linux only: it reads /proc.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

LINE = (
    "learner=reinforce",
    "llm=simulated",
    "training.steps=4",
    "training.problems_per_step=2",
    "training.rollouts_per_problem=4",
    "evaluation.problems=10",
    "evaluation.baselines=[generate,generate_cot]",
)
PARTS = {"orchestrator.guarded": "server", "prefect server": "server", "flows retrain": "main"}
"""What a process is called, by what stands in its command line."""
TICK_SECONDS = 0.2
FIRST_ROLLOUT = """
import duckdb, sys
with duckdb.connect(sys.argv[1], read_only=True) as warehouse:
    print(*warehouse.sql("SELECT min(started_at), count(*) FROM rollouts").fetchall()[0])
"""


@dataclass(frozen=True, kw_only=True)
class Spent:
    """What one process of the run has spent."""

    part: str
    cpu_seconds: float


def spent(pid: int) -> Spent | None:
    """What /proc says; None when the process is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        line = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return None
    if not line:
        # It has ended, and nobody has asked for its exit code yet: what was seen before stands.
        return None
    per_second = os.sysconf("SC_CLK_TCK")
    cpu = (int(fields[11]) + int(fields[12])) / per_second
    part = next((name for key, name in PARTS.items() if key in line), "other")
    return Spent(part=part, cpu_seconds=cpu)


def below(pid: int) -> dict[int, Spent]:
    """Every process below `pid`, itself included."""
    found: dict[int, Spent] = {}
    new = [pid]
    while new:
        number = new.pop()
        item = spent(number)
        if item is None:
            continue
        found[number] = item
        for thread in Path(f"/proc/{number}/task").glob("*/children"):
            with suppress(OSError):
                new += map(int, thread.read_text().split())
    return found


def main() -> None:
    """Run it once and print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("checkout", type=Path, nargs="?")
    given: Path | None = parser.parse_args().checkout
    python = Path(sys.executable) if given is None else given.resolve() / ".venv/bin/python"
    with tempfile.TemporaryDirectory(prefix="lamas-start-") as temporary:
        home = Path(temporary) / "home"
        began, wall = time.time(), time.perf_counter()
        run = subprocess.Popen(
            [python, "-m", "flows", "retrain", *LINE, f"home={home}"],
            cwd=given,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        seen: dict[int, Spent] = {}
        while run.poll() is None:
            seen |= below(run.pid)
            time.sleep(TICK_SECONDS)
        wall = time.perf_counter() - wall
        usage = os.times()
        total = usage.children_user + usage.children_system
        if run.returncode != 0:
            raise SystemExit(f"the retrain ended with exit code {run.returncode}")
        said = subprocess.run(
            [python, "-c", FIRST_ROLLOUT, home / "warehouse.duckdb"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
    first = float(said[0]) - began
    print(f"CPU {total:.1f} s")
    print(f"wall {wall:.1f} s, {first:.1f} s to the first of {int(said[1])} rollouts")
    for part in ("main", "server", "other"):
        cpu = sum(item.cpu_seconds for item in seen.values() if item.part == part)
        print(f"  {part:<9} {cpu:5.1f} s")


if __name__ == "__main__":
    main()
