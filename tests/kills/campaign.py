"""Runs struck at random instants until they complete, compared with one that nothing disturbed."""

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from flows.orchestrator.server import free_port
from tests.kills.inspection import (
    NOTHING,
    Contents,
    contents,
    faults_of_now,
    faults_of_the_end,
    faults_since,
    running,
)
from tests.kills.marked import MARK
from tests.kills.nursery import Attempt, Nursery, start_cold, wait
from tests.kills.processes import left_running, workers
from tests.kills.results import differing, results
from tests.kills.runs import RUNS, RunKind
from tests.kills.targets import Blow, Place, Target, in_order, place_of

PATIENCE_SECONDS = 240.0
"""For one attempt, and for a stage to come."""
GRACE_SECONDS = 20.0
"""For workers to notice that their run is gone."""
PROMOTING_SHARE = 0.3
"""Of the time from the end of the evaluation to the end of the process."""
START = Place(stage="start")
TOLD_LINES = 60
"""Of a traceback."""


@dataclass(kw_only=True)
class Tally:
    """What the kills came to."""

    stages: Counter[str] = field(default_factory=Counter[str])
    victims: Counter[str] = field(default_factory=Counter[str])
    blows: Counter[Blow] = field(default_factory=Counter[Blow])
    violations: list[str] = field(default_factory=list[str])
    attempts: int = 0
    cold: int = 0
    replaced: int = 0
    """Killed workers without which, or with another in their place, the run went on."""
    gave_up: int = 0
    """Attempts that ended by themselves, with a sentence."""
    completed: int = 0
    replayed: int = 0
    """Answers that a completed run took from the store."""
    raced: int = 0
    """Stored rollouts of completed runs with a quorum."""
    cancelled: int = 0
    """Their calls that were cancelled."""

    @property
    def kills(self) -> int:
        return sum(self.victims.values())


@dataclass(frozen=True, kw_only=True)
class Undisturbed:
    """The run that all others must end like."""

    results: dict[str, pl.DataFrame]
    contents: Contents
    seconds: dict[Place, float]
    """How long each stage took."""


class Home:
    """One home folder: attempts at the same run, one after the other, until it completes."""

    def __init__(
        self,
        folder: Path,
        nursery: Nursery,
        tally: Tally,
        *,
        own_children: Callable[[], set[int]],
        seed: int,
        kind: RunKind = "simulated",
    ) -> None:
        """`kind`: only the simulated one has results to compare."""
        self.folder = folder
        self._nursery = nursery
        self._tally = tally
        self._own_children = own_children
        self.repeatable = kind == "simulated"
        self._arguments = (*RUNS[kind], f"seed={seed}", f"home={folder}")
        self._log = folder.with_name(f"{folder.name}.log")
        self._log.touch()
        self._attempt: Attempt | None = None
        self._begun = 0
        """Size of the log when the attempt began."""
        self._stored = NOTHING
        self._workers_killed = 0
        """Of the attempt."""
        self._hung_up = False
        """Whether the attempt was."""

    def start(self, *, cold: bool = False) -> Attempt:
        """The next attempt; a cold one has its own interpreter and its own Prefect server."""
        self._begun = self._log.stat().st_size
        self._tally.attempts += 1
        self._tally.cold += cold
        if cold:
            environment = {"PREFECT_API_URL": ""}
            arguments = (*self._arguments, f"prefect.port={free_port()}")
            self._attempt = start_cold(arguments, self._log, environment)
        else:
            self._attempt = self._nursery.start(self._arguments, self._log)
        return self._attempt

    def said(self) -> str:
        """What the attempt printed so far."""
        with self._log.open("rb") as log:
            log.seek(self._begun)
            return log.read().decode(errors="replace")

    def places(self) -> list[Place]:
        """The stages the attempt came by."""
        marks = [line for line in self.said().splitlines() if line.startswith(MARK)]
        return [START, *(place_of(mark.removeprefix(MARK)) for mark in marks)]

    def kill(self, target: Target, seconds: float) -> bool:
        """Kill the target's victim so many seconds into its stage; False when none was left.

        The attempt must run.
        """
        attempt = self._attempt
        assert attempt is not None
        if not self._reaches(attempt, target.place):
            return False
        time.sleep(seconds)
        if attempt.poll() is not None:
            return False
        role, victim = "main", attempt.pid
        if target.worker is not None and (found := sorted(workers(attempt.pid).items())):
            role, victim = found[int(target.worker * len(found))]
        place = self.places()[-1]
        if target.blow == "store":
            if not self._lose_store(attempt):
                return False
            role = "response store"
        else:
            self._strike(attempt, role, victim, target.blow)
        self._tally.stages[place.stage] += 1
        self._tally.victims[role] += 1
        self._tally.blows[target.blow] += 1
        return True

    def _strike(self, attempt: Attempt, role: str, victim: int, blow: Blow) -> None:
        hung_up = blow == "hangup" and role == "main"
        with suppress(ProcessLookupError):
            os.kill(victim, signal.SIGHUP if hung_up else signal.SIGKILL)
        if role == "main":
            self._hung_up = hung_up
            wait(attempt, PATIENCE_SECONDS if hung_up else 10.0)
        else:
            self._workers_killed += 1

    def _lose_store(self, attempt: Attempt) -> bool:
        """Delete the response store, and wait until it is put back; False when there is none."""
        store = self.folder / "responses.sqlite"
        if not store.exists():
            return False
        # Its log first: that of a file which is put back meanwhile must stay.
        for ending in ("-wal", "-shm", ""):
            store.with_name(store.name + ending).unlink(missing_ok=True)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not store.exists() and attempt.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        if not store.exists():
            self._report(["the response store was deleted and is not put back"])
        return True

    def _reaches(self, attempt: Attempt, place: Place) -> bool:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.places()[-1].order < place.order:
            if attempt.poll() is not None:
                return False
            if time.monotonic() > deadline:
                self._tally.violations.append(f"{self.folder.name}: {place.stage} never began")
                return False
            time.sleep(0.005)
        return True

    def inspect(self) -> None:
        """After an attempt's end: what is left running, and what the folder holds."""
        attempt = self._attempt
        assert attempt is not None
        code = attempt.poll()
        left = left_running({self._nursery.pid, *self._own_children()}, GRACE_SECONDS)
        faults = [f"{item.command.strip()!r} is left running" for item in left]
        for item in left:
            os.kill(item.pid, signal.SIGKILL)
        lines = [line for line in self.said().splitlines() if not line.startswith(MARK)]
        gave_up = code is not None and code > 0
        if gave_up and not self._workers_killed and not self._hung_up:
            faults.append(f"an attempt that nobody disturbed ended with code {code}")
        if gave_up and not (lines and lines[-1].startswith("lamas: ")):
            faults.append(f"an attempt ended with code {code} and no sentence")
        self._tally.gave_up += gave_up
        self._tally.replaced += self._workers_killed - (gave_up and self._workers_killed > 0)
        self._workers_killed = 0
        if self._hung_up and gave_up and (still := running(self.folder)):
            faults.append(f"{still} runs count as running although a closed terminal ended them")
        self._hung_up = False
        traces = [place for place, line in enumerate(lines) if line.startswith("Traceback")]
        if traces:
            told = "\n    ".join(lines[traces[0] : traces[0] + TOLD_LINES])
            faults.append(f"an attempt ended with a traceback:\n    {told}")
        faults += faults_of_now(self.folder)
        if not any("does not open" in fault for fault in faults):
            now = contents(self.folder)
            faults += faults_since(self._stored, now)
            self._stored = now
        self._report(faults)

    def compare(self, undisturbed: Undisturbed) -> None:
        """After the run completed: whether it ended like the undisturbed one."""
        self._tally.completed += 1
        self._tally.replayed += len(self._stored.replayed)
        self._tally.raced += self._stored.raced
        self._tally.cancelled += len(self._stored.cancelled)
        if not self.repeatable:
            self._report(faults_of_the_end(self._stored))
            return
        tables = differing(undisturbed.results, results(self.folder))
        faults = [f"{name} differ from the undisturbed run's" for name in tables]
        faults += faults_of_the_end(self._stored)
        paid, due = len(self._stored.answers), len(undisturbed.contents.answers)
        if paid != due:
            faults.append(f"{paid} answers were paid for, {due} by the undisturbed run")
        self._report(faults)

    def stored(self) -> Contents:
        """What the last inspection found."""
        return self._stored

    def _report(self, faults: Sequence[str]) -> None:
        self._tally.violations += [f"{self.folder.name}: {fault}" for fault in faults]


def undisturbed_run(home: Home) -> Undisturbed:
    """A run from begin to end, with the seconds of each stage."""
    began: list[tuple[Place, float]] = []
    attempt = home.start()
    while attempt.poll() is None:
        places = home.places()
        began += [(place, time.monotonic()) for place in places[len(began) :]]
        time.sleep(0.005)
    ended = [at for _, at in began[1:]] + [time.monotonic()]
    home.inspect()
    if attempt.poll() != 0:
        raise RuntimeError(f"the undisturbed run failed:\n{home.said()}")
    seconds = {place: end - at for (place, at), end in zip(began, ended, strict=True)}
    return Undisturbed(results=results(home.folder), contents=home.stored(), seconds=seconds)


def disturbed_run(
    home: Home, targets: Sequence[Target], undisturbed: Undisturbed, *, cold: bool
) -> list[Target]:
    """A run that is killed at `targets`, started again each time, and compared in the end.

    Returns the targets it never came by. The first attempt is `cold`.
    """
    missed: list[Target] = []
    waiting = in_order(targets)
    attempt = home.start(cold=cold)
    while True:
        if waiting and attempt.poll() is None:
            target = waiting.pop(0)
            usual = undisturbed.seconds.get(target.place, 0.1)
            if target.place.stage == "promote":
                # The rest is the end of the process: all is done by then.
                usual *= PROMOTING_SHARE
            if not home.kill(target, target.fraction * usual):
                missed.append(target)
            continue
        code = wait(attempt, PATIENCE_SECONDS)
        if code is None:
            os.kill(attempt.pid, signal.SIGKILL)
            wait(attempt, 10.0)
            raise RuntimeError(f"{home.folder.name}: an attempt never ended:\n{home.said()}")
        home.inspect()
        # A kill may come when all is done but the process still ends.
        if code == 0 or home.stored().completed:
            home.compare(undisturbed)
            return [*missed, *waiting]
        attempt = home.start()
