"""What can be known to be wrong before a run begins: found out before any server starts."""

from contextlib import AsyncExitStack

from flows import wiring
from flows.learners import chosen_checkpoint, first_checkpoint, stored_learner
from flows.live import check_model
from flows.problems import checked_problems, prepared_problems
from flows.session import writer_lock
from flows.settings import Settings
from flows.workplace import Workplace
from lamas.domain import Problem
from lamas.execution import fixed_topology
from lamas.training import problem_batch

SAMPLING = frozenset({"collect", "retrain"})
"""Stages that run a batch of training problems."""
ASKING = SAMPLING | {"evaluate"}
"""Stages that need a model."""
FIRST = frozenset({"prepare", "retrain"})
"""Stages that may begin with an empty home folder."""


async def preflight(stage: str, settings: Settings) -> None:
    """Raise the LamasError that `stage` would meet later, where that can be told now.

    Writes nothing but the lock of the home folder.
    """
    with writer_lock(settings.home):
        async with AsyncExitStack() as stack:
            place = Workplace(settings, stack)
            problems = _check_problems(stage, place)
            _check_choices(stage, place, problems)
            if stage in ASKING:
                await check_model(settings)


def _check_problems(stage: str, place: Workplace) -> tuple[Problem, ...]:
    if settings_lack_warehouse(place.settings) and stage in FIRST:
        return checked_problems(place)
    _ = place.warehouse
    if stage in FIRST:
        return checked_problems(place)
    return prepared_problems(place) if stage in ASKING else ()


def settings_lack_warehouse(settings: Settings) -> bool:
    return not settings.warehouse.exists()
