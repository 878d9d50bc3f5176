"""A shard: the rollouts that one worker takes together, and where they land.

The protocol between a run and its workers is files in one folder, because either side may die at
any instant and neither can ask the other:

- `term` names the start of the run that hands out shards. A worker looks at it while it works and
  stops when it is gone or another's: workers of a killed run must not go on spending its money.
- `NAME.lock` is held while a shard is worked on; the kernel frees it however the worker ends. The
  run waits for all locks before it takes in the rest, so nothing lands behind its back.
- `NAME/` holds finished rollouts as Parquet, written aside and renamed when complete;
  `NAME.sqlite` holds the answers that were paid for, whether or not they finished a rollout;
  `NAME.done` says that all of it is stored, for a worker that gets the shard once more.
"""

import fcntl
import time
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from flows.settings import Settings
from lamas.domain import PlannedRollout, Problem, digest
from lamas.errors import ServerError
from lamas.llm import Budget, EndpointSettings

ANSWERS = ".sqlite"
LOCK = ".lock"
POLL_SECONDS = 0.1


@dataclass(frozen=True, kw_only=True)
class Shard:
    """All that a worker needs; nothing in it is secret."""

    settings: Settings
    run_id: str
    landing: "Landing"
    plans: tuple[PlannedRollout, ...]
    problems: tuple[Problem, ...]
    """Those of `plans`."""
    budget: Budget
    """What the shard may spend."""
    endpoint: EndpointSettings | None
    """A model that the run itself serves."""
    earlier: Path | None
    """Answers that earlier starts of these rollouts paid for."""
    term: str
    """Given out by the run's process; a shard of another term has nobody to work for."""

    @property
    def name(self) -> str:
        return digest(*(planned.rollout_id for planned in self.plans))

    @property
    def folder(self) -> Path:
        """Where its finished rollouts land."""
        return self.landing.folder / self.name

    @property
    def answers(self) -> Path:
        """Where the answers lie that it pays for."""
        return self.folder.with_suffix(ANSWERS)

    @property
    def done(self) -> Path:
        """There once all of it is stored: whoever comes to it again has nothing to do."""
        return self.folder.with_suffix(".done")


@dataclass(frozen=True, kw_only=True)
class Landing:
    """The folder in which the shards of one run land, on a file system that all workers share."""

    folder: Path
    """Absolute."""

    def new_copy(self) -> Path:
        """A place for a copy of what the run has paid for, for workers to read."""
        return self.folder / "earlier" / f"{uuid.uuid4().hex}{ANSWERS}"

    def begin(self, term: str) -> None:
        """From now on only shards of `term` are worked on."""
        self.folder.mkdir(parents=True, exist_ok=True)
        unfinished = self._term.with_suffix(".unfinished")
        unfinished.write_text(term)
        unfinished.rename(self._term)

    def term(self) -> str | None:
        """The term in force; None while nobody collects."""
        try:
            return self._term.read_text()
        except FileNotFoundError:
            return None

    def end(self) -> None:
        """Let workers stop."""
        self._term.unlink(missing_ok=True)

    @property
    def _term(self) -> Path:
        return self.folder / "term"

    def landed(self) -> tuple[Path, ...]:
        """Shards that are finished."""
        return tuple(sorted(path.parent for path in self.folder.glob("[!.]*/rollouts.parquet")))

    def answers(self) -> tuple[Path, ...]:
        """Stores of shards."""
        return tuple(sorted(self.folder.glob(f"*{ANSWERS}")))

    def started(self) -> tuple[str, ...]:
        """Names of the shards that a worker took."""
        return tuple(sorted(path.stem for path in self.folder.glob(f"*{LOCK}")))

    @contextmanager
    def held(self, name: str, *, wait_seconds: float) -> Generator[None, None, None]:
        """Alone with a shard; the kernel frees it however a process ends.

        Raises ServerError when another process still holds it after `wait_seconds`.
        """
        deadline = time.monotonic() + wait_seconds
        with (self.folder / f"{name}{LOCK}").open("a") as handle:
            while True:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise ServerError(
                            f"a worker of an earlier start still works on shard {name} of "
                            f"{self.folder.name} after {wait_seconds:g} s: stop it, then start "
                            "the same command again"
                        ) from None
                    time.sleep(POLL_SECONDS)
            yield
