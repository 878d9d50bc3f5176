"""From the outcome table of a run to a controller, and the rows that say how it came about."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from flows.run.learners import Learner, checkpoint_record
from flows.run.problems import problem_set
from flows.run.session import Session
from flows.wiring.learning import controller_settings, table_settings, trainer_settings
from lamas.controller import Controller
from lamas.controller.conditioned_policy import ConditionedPolicy
from lamas.domain import Checkpoint, Credit, Update, derive_seed, digest
from lamas.domain.table_fit import (
    OperatingPointRecord,
    TableFitRecord,
    TabulatedDecision,
    WaitClock,
)
from lamas.execution.graph_values import graph_values, one_layer_graphs
from lamas.execution.outcome_table import OutcomeTable
from lamas.training import SavedCheckpoint, Trainer, checkpoint_path, save_checkpoint, state_digest
from lamas.training.table_credit import table_credits
from lamas.training.table_learner import TableFit, fit_table
from lamas.training.table_steps import TableStep
from lamas.training.training_table import TrainingTable
from warehouse.writer import Writer


@dataclass(frozen=True, kw_only=True)
class Learned:
    """What a table taught; the checkpoint's file is written, the rows are not."""

    updates: tuple[Update, ...]
    checkpoints: tuple[Checkpoint, ...]
    credits: tuple[Credit, ...]
    controller: Controller
    fit: TableFitRecord
    points: tuple[OperatingPointRecord, ...]
    seconds: float


def training_table(current: Session, table: OutcomeTable, clock: WaitClock) -> TrainingTable:
    """The table's problems with their embeddings, and what every graph of it scores and takes."""
    operators, problems = current.operators, problem_set(current)
    config = current.settings.controller
    graphs = one_layer_graphs(operators, width=config.width or 1, quorum=config.quorum)
    values = graph_values(table, graphs, operators)
    embeddings = problems.embeddings([problems[name] for name in table.problem_ids])
    return TrainingTable(
        embeddings=embeddings.astype(np.float64),
        graphs=graphs,
        score=values.score,
        time=values.cp_tokens if clock == "tokens" else values.seconds,
    )


def learned_from(
    current: Session,
    table: OutcomeTable,
    first: Learner,
    *,
    decisions: Sequence[TabulatedDecision],
    left_out: int,
) -> Learned:
    """A controller fitted to `table`, which the run in progress filled, starting after `first`.

    `decisions` filled the table; `left_out` problems of it failed. Every step of the fit is an
    update with a checkpoint of its own, of which only the last one's file is kept.
    """
    settings = current.settings
    operators = current.operators
    made: list[tuple[TableStep, SavedCheckpoint]] = []

    def on_step(step: TableStep, controller: Controller) -> None:
        made.append((step, _identified(current, controller, step.step)))

    fit = fit_table(
        training_table(current, table, settings.learner.clock),
        operators,
        current.encoder.encode_operators(operators),
        controller=controller_settings(settings),
        settings=table_settings(settings),
        seed=derive_seed(settings.seed, "table"),
        on_step=on_step,
    )
    last = save_checkpoint(_trainer(current, fit.controller, made[-1][0].step), _folder(current))
    record = _record(current, table, fit, last.checkpoint_id)
    before = [first.checkpoint_id, *(saved.checkpoint_id for _, saved in made[:-1])]
    return Learned(
        updates=tuple(
            _update(current, step, parent, saved, table=table, left_out=left_out)
            for (step, saved), parent in zip(made, before, strict=True)
        ),
        checkpoints=tuple(
            checkpoint_record(current, saved, parent_id=parent)
            for (_, saved), parent in zip(made, before, strict=True)
        ),
        credits=table_credits(
            decisions,
            multiplier=fit.multiplier,
            score_unit=fit.units[0],
            time_unit=fit.units[1],
        ),
        controller=fit.controller,
        fit=record,
        points=_points(fit, last.checkpoint_id),
        seconds=fit.seconds,
    )


def store_learned(writer: Writer, learned: Learned) -> None:
    """Write its rows in one transaction; the rollouts that filled the table are stored."""
    writer.add_updates(
        learned.updates,
        checkpoints=learned.checkpoints,
        credits=learned.credits,
        fits=[learned.fit],
        points=learned.points,
    )


def _trainer(current: Session, controller: Controller, step: int) -> Trainer:
    settings = current.settings
    seed = derive_seed(settings.seed, "trainer")
    return Trainer(controller, trainer_settings(settings), seed=seed, step=step)


def _identified(current: Session, controller: Controller, step: int) -> SavedCheckpoint:
    """What a checkpoint would be called, without a file of it."""
    found = state_digest(_trainer(current, controller, step))
    name = f"{controller.settings.kind}-{found[:16]}"
    path = checkpoint_path(_folder(current), name)
    return SavedCheckpoint(checkpoint_id=name, digest=found, step=step, path=path)


def _folder(current: Session) -> Path:
    return current.settings.checkpoints_folder


def _update(
    current: Session,
    step: TableStep,
    before: str,
    saved: SavedCheckpoint,
    *,
    table: OutcomeTable,
    left_out: int,
) -> Update:
    run_id, cells = current.run.run_id, table.samples * len(table.operators)
    return Update(
        update_id=digest(run_id, step.step, before, saved.checkpoint_id),
        run_id=run_id,
        step=step.step,
        rollouts=step.problems * cells,
        failed_rollouts=left_out * cells,
        decisions=step.problems * cells,
        loss=step.loss,
        gradient_norm=step.gradient_norm,
        entropy=step.entropy,
        # The expectation is exact: nothing is subtracted from what it is of.
        baseline_mean=0.0,
        baseline_scale=step.scale,
        learning_rate=step.learning_rate,
        checkpoint_before=before,
        checkpoint_after=saved.checkpoint_id,
        seconds=step.seconds,
    )


def _record(
    current: Session, table: OutcomeTable, fit: TableFit, checkpoint_id: str
) -> TableFitRecord:
    config = current.settings.learner
    return TableFitRecord(
        run_id=current.run.run_id,
        checkpoint_id=checkpoint_id,
        clock=config.clock,
        margin=config.margin,
        problems=len(table),
        samples=table.samples,
        best_graph=fit.best.graph.names,
        best_score=fit.best.score,
        best_time=fit.best.time,
        multiplier=fit.multiplier,
        score=fit.score,
        time=fit.time,
        score_unit=fit.units[0],
        time_unit=fit.units[1],
    )


def _points(fit: TableFit, checkpoint_id: str) -> tuple[OperatingPointRecord, ...]:
    policy = fit.controller.policy
    assert isinstance(policy, ConditionedPolicy), "a table teaches a conditioned controller"
    return tuple(
        OperatingPointRecord(
            checkpoint_id=checkpoint_id,
            multiplier=point.multiplier,
            score=point.score,
            time=point.time,
        )
        for point in policy.operating_points()
    )
