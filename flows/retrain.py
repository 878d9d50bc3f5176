"""The whole loop: prepare, learn from a table or from rollouts, evaluate, promote or not."""

import asyncio

from prefect import flow

from flows.champion.promotion import promote_or_not
from flows.collect import collect
from flows.credit import credit
from flows.evaluate import evaluate
from flows.outcome_table import learn, tabulate
from flows.prepare import prepare
from flows.run.closing import closing_lines
from flows.run.learners import first_learner, stored_chooser
from flows.run.naming import run_name
from flows.run.opening import session
from flows.run.session import Session
from flows.simulate import profile
from flows.update import update
from flows.wiring.learning import condition_of
from lamas.errors import CheckpointError, ConfigurationError
from warehouse.table_fits import TableFits


@flow(name="retrain", flow_run_name=run_name("retrain"))
async def retrain(overrides: list[str] | None = None, with_report: bool = False) -> None:
    """Started by hand or on a schedule. Reads the benchmark's source and whatever an interrupted
    run of the same configuration stored; writes every table. With learner=table it fills an outcome
    table and learns from that, else (collect, credit, update) × steps.

    May run twice: an interrupted run is gone on with, a completed one is followed by a new run.
    `with_report` ends it with its report.
    """
    async with session("retrain", overrides) as current:
        await prepare()
        table = current.settings.learner.kind == "table"
        first, last = await (_from_table(current) if table else _from_rollouts(current))
        best = _best_fixed(current, last)
        champion = _comparable_champion(current, last)
        # An untrained controller that knows conditions decides nothing worth comparing.
        before = first if best is None else None
        reference = champion or best or first
        evaluated = [item for item in (before, last, champion) if item is not None]
        await evaluate(checkpoint_ids=evaluated)
        await promote_or_not(current, reference=reference, candidate=last, best_fixed=best)
        await profile()
        lines = await asyncio.to_thread(closing_lines, current, last, overrides or ())
        print("\n" + "\n".join(lines))
    if with_report:
        # Drawing takes its time to load: only where it is wanted.
        from flows.report import publish_report

        await publish_report(current.settings, current.run.run_id)


async def _from_table(current: Session) -> tuple[str, str]:
    """The first checkpoint, and the one that is fitted to the run's outcome table."""
    fits, run_id = TableFits(current.warehouse), current.run.run_id
    fit = fits.of_run(run_id)
    if fit is None:
        await tabulate()
        await learn()
        fit = fits.of_run(run_id)
        assert fit is not None, "what was learned is stored"
    return _started_from(current) or fit.checkpoint_id, fit.checkpoint_id


async def _from_rollouts(current: Session) -> tuple[str, str]:
    """The checkpoint before the first step and the one after the last."""
    first = _started_from(current) or first_learner(current).checkpoint_id
    last = first
    for number in range(current.settings.training.steps):
        current.step = number + 1
        last = await _one_step(current, last)
    current.step = None
    return first, last


def _best_fixed(current: Session, checkpoint_id: str) -> str | None:
    """The best fixed graph of the table that the controller learned from; None without one."""
    fit = TableFits(current.warehouse).of_checkpoint(checkpoint_id)
    return None if fit is None else fit.best_name


def _started_from(current: Session) -> str | None:
    """Where an earlier part of this run started: there may be another champion by now."""
    updates = sorted(current.reader.updates(current.run.run_id), key=lambda item: item.step)
    return updates[0].checkpoint_before if updates else None


async def _one_step(current: Session, checkpoint_id: str) -> str:
    """The checkpoint one step on, from the warehouse when that step was made before."""
    after = _made_before(current, checkpoint_id)
    if after is None:
        await collect(checkpoint_id=checkpoint_id)
        await credit()
        await update()
        after = _made_before(current, checkpoint_id)
        assert after is not None, "an update names the checkpoint it started from"
    return after


def _comparable_champion(current: Session, candidate: str) -> str | None:
    """The champion, if it decides over the same operators and is not the candidate itself."""
    champion = current.registry.champion()
    if champion is None or champion.checkpoint_id == candidate:
        return None
    try:
        controller = stored_chooser(current, champion.checkpoint_id).controller
        if controller.settings.kind == current.settings.controller.kind:
            controller.multiplier(condition_of(current.settings))
    except (CheckpointError, ConfigurationError) as error:
        current.say(f"the champion cannot be compared with this run's controller: {error}")
        return None
    return champion.checkpoint_id


def _made_before(current: Session, checkpoint_id: str) -> str | None:
    for item in current.reader.updates(current.run.run_id):
        if item.checkpoint_before == checkpoint_id:
            return item.checkpoint_after
    return None
