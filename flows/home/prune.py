"""Retention: which runs go by age or by name, and everything of theirs outside of the warehouse."""

import time
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from flows.home.lock import writer_lock
from flows.settings import Settings
from flows.wiring.parts import open_warehouse
from lamas.errors import ConfigurationError
from lamas.llm import ResponseStore
from warehouse import Warehouse
from warehouse.reader import Reader
from warehouse.retention import Pruning, ended_before, prune

SECONDS_IN_DAY = 86_400


def prune_home(settings: Settings) -> Pruning:
    """Delete the runs named by `run` or older than `retention.days`, or only say which.

    Raises ConfigurationError when neither is given, WarehouseError when a run is writing.
    """
    apply = settings.retention.apply
    with writer_lock(settings.home):
        warehouse = open_warehouse(settings)
        chosen = _chosen(settings, warehouse)
        if not apply:
            return prune(warehouse, chosen, apply=False)
        going = prune(warehouse, chosen, apply=False).gone
        # What is lost when this is killed here would have gone anyway; the other way round the
        # answers of runs that nobody knows any more would stay.
        if settings.responses_path.exists() and going:
            with ResponseStore(settings.responses_path) as store:
                store.forget(going)
        pruning = prune(warehouse, chosen, apply=True)
        _remove(settings.home, pruning.checkpoint_paths)
    return pruning


def pruning_frame(pruning: Pruning) -> pl.DataFrame:
    """One row for each run asked for."""
    return pl.DataFrame(
        [
            {
                "run_id": run.run_id,
                "kind": run.kind,
                "status": run.status,
                "rollouts": run.rollouts,
                "stays": run.stays_because
                or (f"{run.kept_checkpoints} checkpoints in use" if run.kept_checkpoints else ""),
            }
            for run in pruning.runs
        ],
        schema={
            "run_id": pl.String,
            "kind": pl.String,
            "status": pl.String,
            "rollouts": pl.Int64,
            "stays": pl.String,
        },
    )


def _chosen(settings: Settings, warehouse: Warehouse) -> tuple[str, ...]:
    if settings.run is not None:
        return (Reader(warehouse).run(settings.run).run_id,)
    if settings.retention.days is None:
        raise ConfigurationError(
            "say what is to go: retention.days=90 for runs that ended longer ago, or run=RUN"
        )
    return ended_before(warehouse, time.time() - settings.retention.days * SECONDS_IN_DAY)


def _remove(home: Path, paths: Sequence[str]) -> None:
    for path in paths:
        file = (home / path).resolve()
        if file.is_relative_to(home.resolve()):
            file.unlink(missing_ok=True)
