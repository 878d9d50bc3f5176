"""`python -m tests.measure.scaling`: what a second worker brings, and that it changes no row.

The same evaluation of fixed graphs runs in one process, and on each engine with one worker and
with two. The simulated model answers at once, so the time is the machine's own work: two workers
on two cores can at most halve it. Seconds are from the first rollout's begin to the last one's end,
without the start of the engine; the whole command is printed beside them.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from flows.orchestrator.quiet import hide_leak_report
from flows.orchestrator.server import prefect_server
from warehouse import Warehouse

ENGINES = ("dask", "ray")
WORKERS = (1, 2)
BASELINES = ("cot5_sc", "cot_refine")

# Everything of a rollout but its times and its run.
_ROWS = """
SELECT r.policy, r.problem_id, r.sample_index, r.seed, r.graph, r.answer, r.score, r.cost_usd,
    r.cp_tokens, r.virtual_seconds, r.status, i.layer, i.operator, i.output_tokens,
    i.cost_usd AS operator_cost_usd,
    l.is_critical
FROM rollouts AS r
JOIN operator_invocations AS i USING (rollout_id)
JOIN critical_path_labels AS l USING (invocation_id)
ORDER BY ALL
"""
_SECONDS = "SELECT max(ended_at) - min(started_at) AS seconds FROM rollouts"


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One run of the evaluation."""

    name: str
    seconds: float
    command_seconds: float
    rows: pl.DataFrame


def main(arguments: Sequence[str] | None = None) -> None:
    """Print seconds, speed-up and whether the rows are the same; exits 1 when they are not."""
    hide_leak_report()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problems", type=int, default=600, help="problems to answer")
    parser.add_argument("--shard", type=int, default=100, help="rollouts that a worker takes")
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=ENGINES)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        with prefect_server(root / "prefect"):
            local = _run(root, options.problems, "local")
            _print(local, local)
            same = True
            for engine in options.engines:
                alone: Measured | None = None
                for workers in WORKERS:
                    kind = [f"engine={engine}", f"engine.workers={workers}"]
                    found = _run(root, options.problems, *kind, f"engine.shard={options.shard}")
                    alone = alone or found
                    _print(found, alone)
                    same = same and found.rows.equals(local.rows)
    verdict = "the same everywhere" if same else "NOT the same"
    print(f"rows: {verdict} ({local.rows.height} invocations compared)")
    sys.exit(0 if same else 1)


def _run(root: Path, problems: int, *engine: str) -> Measured:
    name = " ".join(engine[:2]).replace("engine.", "").replace("engine=", "")
    home = root / name.replace(" ", "-").replace("=", "-")
    command = [
        *(sys.executable, "-m", "flows", "evaluate", f"home={home}", "checkpoint=none"),
        *("llm=simulated", "llm.simulated.in_process=true", "execution.granularity=batch"),
        *(f"benchmark.size={problems}", "evaluation.split=all", f"evaluation.problems={problems}"),
        *(f"evaluation.baselines=[{','.join(BASELINES)}]", *(engine if len(engine) > 1 else ())),
    ]
    begun = time.monotonic()
    ended = subprocess.run(command, check=False, capture_output=True, text=True)
    if ended.returncode:
        sys.exit(f"{name}: {ended.stderr.strip().splitlines()[-1]}")
    command_seconds = time.monotonic() - begun
    warehouse = Warehouse.open(home / "warehouse.duckdb")
    return Measured(
        name=name,
        seconds=float(warehouse.query(_SECONDS)["seconds"].item()),
        command_seconds=command_seconds,
        rows=warehouse.query(_ROWS),
    )


def _print(found: Measured, reference: Measured) -> None:
    print(
        f"{found.name:<18} {found.seconds:7.1f} s   speed-up "
        f"{reference.seconds / found.seconds:5.2f} ×   command {found.command_seconds:6.1f} s",
        flush=True,
    )


if __name__ == "__main__":
    main()
