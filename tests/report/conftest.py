"""A retrain as a run leaves it, another run beside it, and the records both were made of."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from lamas.domain import ExecutionGraph, Layer, Rollout, Update
from lamas.evaluation import EvaluationLabel, PairedDifference, compare, summarise
from tests.factories import T0, make_checkpoint, make_problem, make_run
from tests.naive import naive_labels
from tests.random_rollouts import random_rollouts
from tests.warehouse.latency import make_fit, predictions_of
from tests.warehouse.tables import tabulated
from warehouse import Registry, Warehouse
from warehouse.reports import run_report
from warehouse.writer import Writer

ONE_GRAPH = ExecutionGraph((Layer(("Generate",)),))
TEST_PROBLEMS = tuple(f"sums/v1/{index}" for index in range(5, 10))


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """The warehouse and what went into it as run `run-1`."""

    warehouse: Warehouse
    frames: dict[str, pl.DataFrame]
    """Answers of the report queries on `run-1`."""
    training: tuple[Rollout, ...]
    evaluated: dict[tuple[str, str | None], tuple[Rollout, ...]]
    """By policy and checkpoint."""
    table: tuple[Rollout, ...]
    """Cells of the run's outcome table: two operators on three training problems."""
    updates: tuple[Update, ...]
    differences: tuple[PairedDifference, ...]

    @property
    def rollouts(self) -> tuple[Rollout, ...]:
        evaluated = (item for items in self.evaluated.values() for item in items)
        return (*self.training, *self.table, *evaluated)

    def finished(self, key: tuple[str, str | None]) -> list[Rollout]:
        return [item for item in self.evaluated[key] if item.status == "ok"]


def make_update(step: int) -> Update:
    return Update(
        update_id=f"update-{step}",
        run_id="run-1",
        step=step,
        rollouts=2,
        failed_rollouts=0,
        decisions=2,
        loss=0.5,
        gradient_norm=1.0,
        entropy=1.5 + step / 7,
        baseline_mean=0.0,
        baseline_scale=1.0,
        learning_rate=0.01,
        checkpoint_before=f"lamas-{step - 1}",
        checkpoint_after=f"lamas-{step}",
        seconds=0.1,
    )


def evaluation(
    seed: int, *, checkpoint_id: str | None, policy: str = "lamas", run_id: str = "run-1"
) -> tuple[Rollout, ...]:
    """Thirty rollouts on the test problems, some of them failed."""
    made = random_rollouts(
        30,
        seed=seed,
        run_id=run_id,
        problem_ids=TEST_PROBLEMS,
        checkpoint_id=checkpoint_id,
        at_step=seed % 10,
        failed_share=0.1,
    )
    return tuple(
        replace(
            item,
            plan=replace(
                item.plan,
                purpose="evaluate",
                policy=policy,
                mode="decided" if checkpoint_id else "fixed",
                decisions=item.plan.decisions if checkpoint_id else (),
                # A fixed graph is one for all problems.
                graph=item.plan.graph if checkpoint_id else ONE_GRAPH,
            ),
        )
        for item in made
    )


def category_of(problem_id: str) -> str:
    return "even" if int(problem_id[-1]) % 2 == 0 else "odd"


def prepared(path: Path, *run_ids: str) -> Warehouse:
    """A warehouse with problems, runs, and three checkpoints of `run-1`."""
    warehouse = Warehouse.open(path, create=True)
    writer = Writer(warehouse)
    for place, run_id in enumerate(run_ids):
        writer.add_run(replace(make_run(run_id), started_at=T0 + place))
    problems = [
        replace(
            make_problem(index, split="test" if index > 4 else "train"),
            metadata={"category": category_of(f"sums/v1/{index}")},
        )
        for index in range(10)
    ]
    writer.add_problems(problems, np.ones((10, 384), dtype=np.float32))
    for number in range(3):
        writer.add_checkpoint(make_checkpoint(number))
    return warehouse


def store(writer: Writer, rollouts: Sequence[Rollout]) -> None:
    writer.add_rollouts([(item, naive_labels(item.trace)) for item in rollouts])


def held_out(rollouts: Sequence[Rollout]) -> list[Rollout]:
    """Those that a latency model is evaluated on."""
    return [item for item in rollouts if item.status == "ok" and item.replayed_calls == 0]


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    warehouse = prepared(tmp_path_factory.mktemp("report") / "report.duckdb", "run-1", "run-2")
    writer, registry = Writer(warehouse), Registry(warehouse)
    training = (
        *random_rollouts(20, seed=11, at_step=1, failed_share=0.2),
        *random_rollouts(20, seed=12, at_step=2, checkpoint_id="lamas-1", failed_share=0.2),
    )
    evaluated: dict[tuple[str, str | None], tuple[Rollout, ...]] = {
        ("lamas", "lamas-0"): evaluation(20, checkpoint_id="lamas-0"),
        ("lamas", "lamas-2"): evaluation(22, checkpoint_id="lamas-2"),
        ("generate", None): evaluation(30, checkpoint_id=None, policy="generate"),
    }
    updates = (make_update(1), make_update(2))
    table = tuple(
        tabulated(operator, (str(problem), float(problem != short), tokens), problem=problem)
        for problem in range(3)
        for operator, tokens, short in (("Generate", 50, 1), ("GenerateCoT", 200, 2))
    )
    store(writer, table)
    store(writer, [*training, *(item for items in evaluated.values() for item in items)])
    # Another run in the same warehouse must not show.
    store(writer, random_rollouts(10, seed=13, run_id="run-2"))
    store(writer, evaluation(40, checkpoint_id="lamas-0", run_id="run-2"))
    for update in updates:
        writer.add_updates([update])
    for (policy, checkpoint_id), rollouts in evaluated.items():
        label = EvaluationLabel(
            evaluation_id=f"{policy}/{checkpoint_id}",
            run_id="run-1",
            checkpoint_id=checkpoint_id,
            policy=policy,
            split="test",
        )
        writer.add_evaluations(summarise(rollouts, label, seed=1))
    kept = held_out(evaluated["generate", None])
    writer.add_latency_fit(make_fit(kept), predictions_of(kept, held_out=True))
    differences = compare(evaluated["lamas", "lamas-2"], evaluated["lamas", "lamas-0"], seed=3)
    registry.reject(
        "lamas-2",
        evidence={
            "reference": "lamas-0",
            "margin": 0.05,
            "differences": {
                item.metric: {"value": item.value, "low": item.low, "high": item.high}
                for item in differences
            },
        },
        run_id="run-1",
        decided_at=T0,
    )
    writer.finish_run("run-1", "completed", ended_at=T0 + 60)
    return Recorded(
        warehouse=warehouse,
        frames=run_report(warehouse, "run-1"),
        training=training,
        table=table,
        evaluated=evaluated,
        updates=updates,
        differences=differences,
    )
