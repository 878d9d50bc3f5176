"""Where kills are aimed: at which stage, how far into it, at whom."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

STAGES = (
    *("start", "open", "prepare", "collect", "credit", "update", "evaluate", "promote"),
    "profile",
)
"""In the order a retrain goes through them; the middle three once for each step."""
STEPPED = ("collect", "credit", "update")
WITH_WORKERS = ("collect", "credit", "update", "evaluate", "promote")
"""From the first rollout on there are an endpoint and a sandbox."""
WITH_ANSWERS = ("collect", "evaluate")
"""Answers are on their way into the response store."""
Blow = Literal["kill", "hangup", "store"]
"""SIGKILL; SIGHUP, as of a terminal that is closed; the response store's file is deleted."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """A stage of a run, with its step where it has one (0 otherwise)."""

    stage: str
    step: int = 0

    @property
    def order(self) -> tuple[int, int]:
        """Sorts places as a run comes by them."""
        index = STAGES.index(self.stage)
        if self.stage in STEPPED:
            return (STAGES.index("collect"), self.step * len(STAGES) + index)
        return (index, 0)


def place_of(mark: str) -> Place:
    """The place that a mark names: `collect · step 2`, `prepare · generated`, `promote`."""
    stage, _, rest = mark.partition(" · ")
    step = rest.partition("step ")[2]
    return Place(stage=stage, step=int(step) if stage in STEPPED and step.isdigit() else 0)


@dataclass(frozen=True, kw_only=True)
class Target:
    """One kill that is wanted."""

    place: Place
    fraction: float
    """How far into the stage, as a share of the seconds it took undisturbed."""
    worker: float | None
    """None is the main process, else which of the workers: 0 the first, below 1 the last; main is
    taken where there is none."""
    blow: Blow = "kill"
    """The last two are for the main process."""


def draw(rng: random.Random, count: int, *, steps: int, each: int) -> list[list[Target]]:
    """Targets for one home folder after the other: `each` for one, in the order they come by.

    Every stage gets its share; where there are workers, every second blow is aimed at one. Of
    those at the main process every third is another than SIGKILL.
    """
    stages: list[str] = []
    while len(stages) < count:
        stages += rng.sample(STAGES, len(STAGES))
    targets = [_target(rng, stage, steps) for stage in stages[:count]]
    return [in_order(targets[first : first + each]) for first in range(0, count, each)]


def _target(rng: random.Random, stage: str, steps: int) -> Target:
    place = Place(stage=stage, step=rng.randint(1, steps) if stage in STEPPED else 0)
    fraction = rng.random()
    worker = rng.random() if stage in WITH_WORKERS and rng.random() < 0.5 else None
    others: tuple[Blow, ...] = ("hangup", "store") if stage in WITH_ANSWERS else ("hangup",)
    blow: Blow = "kill"
    # Who begins has not said yet what it does when a terminal closes.
    if worker is None and stage != "start" and rng.random() < 1 / 3:
        blow = rng.choice(others)
    return Target(place=place, fraction=fraction, worker=worker, blow=blow)


def in_order(targets: Sequence[Target]) -> list[Target]:
    """Sorted as a run comes by them."""
    return sorted(targets, key=lambda item: (item.place.order, item.fraction))
