"""How what workers left on disk gets into the warehouse and the response store, once."""

import shutil
from dataclasses import fields
from pathlib import Path

from flows.rollouts.shards.shard import Landing, Shard
from flows.run.budget import paid_answers
from flows.run.session import Session
from lamas.domain import RolloutResult
from lamas.errors import WarehouseError
from lamas.llm import ResponseStore
from warehouse.landing import merge_landed, read_landed

_FIELDS = [field.name for field in fields(RolloutResult)]


def landing_of(current: Session) -> Landing:
    """Where the shards of the run in progress land."""
    return Landing(folder=(current.settings.landing_folder / current.run.run_id).absolute())


def take_in_rest(current: Session, *, wait_seconds: float) -> None:
    """Store everything that lies in the run's landing folder, and remove it.

    Workers that still run are waited for: nobody wants their work any more, so they stop soon.
    May be repeated. Raises ServerError when one goes on for longer than `wait_seconds`.
    """
    landing = landing_of(current)
    if not landing.folder.exists():
        return
    landing.end()
    for name in landing.started():
        with landing.held(name, wait_seconds=wait_seconds):
            pass
    with paid_answers(current) as store:
        for answers in landing.answers():
            store.absorb(answers)
    for folder in landing.landed():
        _merged(current, folder)
    shutil.rmtree(landing.folder)


def copied_answers(landing: Landing, store: ResponseStore) -> Path:
    """A new file with what the run has paid for so far, for workers to read."""
    copy = landing.new_copy()
    store.copy(copy)
    return copy


def take_in(
    current: Session, store: ResponseStore, shard: Shard
) -> list[tuple[RolloutResult, str | None]]:
    """Store what `shard` landed and paid for, then delete it; returns outcomes and their errors.

    Killed at any point and started again, it stores the same.
    """
    if shard.answers.exists():
        store.absorb(shard.answers)
    outcomes = _merged(current, shard.folder) if shard.folder.exists() else []
    if len(outcomes) == len(shard.plans):
        shard.done.touch()
    for path in shard.folder.parent.glob(f"{shard.answers.name}*"):
        path.unlink()
    shutil.rmtree(shard.folder, ignore_errors=True)
    return outcomes


def _merged(current: Session, folder: Path) -> list[tuple[RolloutResult, str | None]]:
    try:
        frame = read_landed(folder)
    except WarehouseError as error:
        current.say(f"{error}; they run again from their stored answers")
        return []
    merge_landed(current.warehouse, folder, frame)
    return [
        (RolloutResult(**row), error)
        for row, error in zip(
            frame.select(_FIELDS).iter_rows(named=True), frame["error"], strict=True
        )
    ]
