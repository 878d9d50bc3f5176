"""What a person sees while rollouts run: done, score, CP_len, cost, time left."""

import asyncio
import logging
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress

from prefect.artifacts import (
    acreate_progress_artifact,
    aupdate_progress_artifact,
)
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from lamas.domain import AnyResult
from lamas.domain.printable import printable

_LOGGER = logging.getLogger(__name__)

TERMINAL_LINE_SECONDS = 10.0
ARTIFACT_SECONDS = 3.0


class CollectProgress:
    """Running figures of one collection."""

    def __init__(self, label: str, total: int) -> None:
        self.label = label
        self.total = total
        self.done = 0
        self.failed = 0
        self._score = 0.0
        self._cp_tokens = 0.0
        self._cost = 0.0
        self._started = time.monotonic()

    def add(self, rollout: AnyResult) -> None:
        """Count one finished rollout."""
        self.done += 1
        self._cost += rollout.cost_usd
        if rollout.score is None:
            self.failed += 1
        else:
            self._score += rollout.score
            self._cp_tokens += rollout.cp_tokens

    @property
    def percent(self) -> float:
        return 100.0 * self.done / self.total if self.total else 100.0

    def figures(self) -> str:
        """One line: score, CP_len and cost so far, failures, time left."""
        ok = self.done - self.failed
        parts = [f"{self.done}/{self.total} rollouts"]
        if ok:
            parts += [
                f"score {100 * self._score / ok:.1f} %",
                f"CP_len {self._cp_tokens / ok:.0f} tokens",
            ]
        parts.append(f"{self._cost:.4f} USD")
        if self.failed:
            parts.append(f"{self.failed} failed")
        if 0 < self.done < self.total:
            left = (time.monotonic() - self._started) / self.done * (self.total - self.done)
            parts.append(f"{left:.0f} s left")
        return ", ".join(parts)


async def publish(progress: CollectProgress, stop: asyncio.Event) -> None:
    """Keep a Prefect progress artifact up to date until `stop` is set.

    A server that does not take it is nobody's failure: nothing is shown then.
    """
    try:
        await _published(progress, stop)
    except Exception as error:
        _LOGGER.debug("progress could not be shown: %s", error)


async def _published(progress: CollectProgress, stop: asyncio.Event) -> None:
    identity = await acreate_progress_artifact(
        progress=progress.percent, description=f"{progress.label}: {progress.figures()}"
    )
    ended = False
    while not ended:
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), ARTIFACT_SECONDS)
        # The last figures are shown too, however soon the end came.
        ended = stop.is_set()
        await aupdate_progress_artifact(
            artifact_id=identity,
            progress=progress.percent,
            description=f"{progress.label}: {progress.figures()}",
        )


@contextmanager
def on_terminal(progress: CollectProgress, console: Console) -> Generator[None, None, None]:
    """Show `progress`: a live bar on a terminal, a line now and then elsewhere."""
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TaskProgressColumn(),
        TextColumn("{task.fields[figures]}", markup=False),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    task = bar.add_task(printable(progress.label), total=progress.total, figures="")
    loop = asyncio.get_running_loop()
    last_line = time.monotonic()
    handle: asyncio.TimerHandle | None = None

    def show_line() -> None:
        text = f"  {progress.label}: {progress.figures()}"
        console.print(text, highlight=False, soft_wrap=True)

    def refresh() -> None:
        nonlocal last_line, handle
        bar.update(task, completed=progress.done, figures=progress.figures())
        if not console.is_terminal and time.monotonic() - last_line >= TERMINAL_LINE_SECONDS:
            last_line = time.monotonic()
            show_line()
        handle = loop.call_later(0.25, refresh)

    with bar:
        refresh()
        try:
            yield
        finally:
            if handle is not None:
                handle.cancel()
    show_line()
