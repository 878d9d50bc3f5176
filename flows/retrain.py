"""The whole loop: prepare, (collect, credit, update) × steps, evaluate, promote or not."""

from prefect import flow

from flows.champion.promotion import promote_or_not
from flows.collect import collect
from flows.credit import credit
from flows.evaluate import evaluate
from flows.prepare import prepare
from flows.run.learners import first_learner, stored_chooser
from flows.run.naming import run_name
from flows.run.opening import session
from flows.run.session import Session
from flows.update import update
from flows.wiring.learning import condition_of
from lamas.errors import CheckpointError, ConfigurationError


@flow(name="retrain", flow_run_name=run_name("retrain"))
async def retrain(overrides: list[str] | None = None, with_report: bool = False) -> None:
    """Started by hand or on a schedule. Reads the benchmark's source and whatever an interrupted
    run of the same configuration stored; writes every table.

    May run twice: an interrupted run is gone on with, a completed one is followed by a new run.
    `with_report` ends it with its report.
    """
    async with session("retrain", overrides) as current:
        await prepare()
        first = _started_from(current) or first_learner(current).checkpoint_id
        last = first
        for number in range(current.settings.training.steps):
            current.step = number + 1
            last = await _one_step(current, last)
        current.step = None
        reference = _comparable_champion(current, last) or first
        await evaluate(checkpoint_ids=[first, last, reference])
        await promote_or_not(current, reference=reference, candidate=last)
        home, run_id = current.settings.home, current.run.run_id
        current.say(f"`lamas report home={home} run={run_id}` makes an HTML file of all this")
    if with_report:
        # Drawing takes its time to load: only where it is wanted.
        from flows.report import publish_report

        await publish_report(current.settings, current.run.run_id)


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
