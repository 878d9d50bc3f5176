"""What survives the end of a gateway at any instant: entries as lines, on disk before an answer.

A gateway writes segments `RUN.NUMBER.journal`: the row of its run, then an entry a line. A segment
that is full of what was answered lands as the folder `RUN.NUMBER` and is deleted. `RUN.lock` is
held while the gateway lives; of a dead one, whoever finds its segments lands them under the same
names, so that nothing lands twice.
"""

import asyncio
import fcntl
import os
import shutil
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import replace
from io import TextIOWrapper
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from lamas.domain import Run
from lamas.domain.texts import Texts
from lamas.errors import WarehouseError, unwritable
from lamas.gateway.entry import Entry, kept
from lamas.timing import label
from warehouse.landing import UNFINISHED
from warehouse.served import Answered, Served, write_served

SEGMENT = ".journal"
LOCK = ".lock"
KNOWN_REQUESTS = 100_000
_ENTRY = TypeAdapter(Entry)
_RUN = TypeAdapter(Run)


class Journal:
    """The journal of one gateway; a `Record` for its service."""

    def __init__(
        self,
        folder: Path,
        run: Run,
        *,
        texts: Texts,
        land: Callable[[Path, Run], Awaitable[None]],
        stored: Callable[[str], bool],
    ) -> None:
        """`land` takes a full segment and the row of the run as it is by then to `land_segment`;
        `stored`: whether a request of that id is known outside this process.

        Raises WarehouseError when `folder` cannot be written to.
        """
        self._folder = folder
        self._run = run
        self._texts: Texts = texts
        self._land_segment = land
        self._stored = stored
        self._known: OrderedDict[str, None] = OrderedDict()
        self._waiting: list[tuple[bytes, str | None, asyncio.Future[None]]] = []
        """Lines, with the request that each is of."""
        self._written = False
        """Whether anything is in the segment in use."""
        self._full: list[Path] = []
        """Segments that are to land."""
        self._turn = asyncio.Lock()
        """Between writing to a segment and going on to the next one."""
        self._writing: asyncio.Task[None] | None = None
        self._number = 0
        self.failing: str | None = None
        """Why the last entry could not be kept."""
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = _locked(folder / f"{run.run_id}{LOCK}")
            self._segment = self._opened()
        except OSError as error:
            raise unwritable(folder, error.strerror or str(error)) from None

    async def keep(self, entry: Entry) -> None:
        """Return once `entry` is on disk; entries that come together share the wait."""
        safe = kept(entry, self._texts)
        line = _ENTRY.dump_json(safe) + b"\n"
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        request = safe.request and safe.request.request_id
        self._waiting.append((line, request, done))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        # Whoever gives up waiting takes nothing back from the disk.
        await asyncio.shield(done)

    async def knows(self, request_id: str) -> bool:
        """Whether a request of that id was kept, here or earlier."""
        return request_id in self._known or await asyncio.to_thread(self._stored, request_id)

    async def land(self) -> bool:
        """Land what is in the journal; returns whether anything was.

        WarehouseError when it cannot be written; the journal stays, and the next call tries again.
        """
        async with self._turn:
            if self._written:
                segment = self._opened()
                self._full.append(self._segment.path)
                self._segment.close()
                self._segment, self._written = segment, False
        return await self._land_full()

    async def close(self, run: Run) -> None:
        """Land the rest and the end of the run, and let go of the lock."""
        self._run = run
        while self._writing is not None and not self._writing.done():
            await asyncio.shield(self._writing)
        self._full.append(self._segment.path)
        self._segment.close()
        await self._land_full()
        (self._folder / f"{run.run_id}{LOCK}").unlink(missing_ok=True)
        self._lock.close()

    async def _land_full(self) -> bool:
        landed = bool(self._full)
        while self._full:
            await self._land_segment(self._full[0], self._run)
            self._full.pop(0)
        return landed

    async def _write(self) -> None:
        while self._waiting:
            async with self._turn:
                batch, self._waiting = self._waiting, []
                content = b"".join(line for line, _, _ in batch)
                error = await asyncio.to_thread(self._segment.append, content)
                self._written = self._written or error is None
            self.failing = error
            for _, request, done in batch:
                if error is None and request is not None:
                    self._remember(request)
                if done.done():
                    continue
                if error is None:
                    done.set_result(None)
                else:
                    done.set_exception(unwritable(self._segment.path, error))

    def _remember(self, request_id: str) -> None:
        self._known[request_id] = None
        if len(self._known) > KNOWN_REQUESTS:
            self._known.popitem(last=False)

    def _opened(self) -> "_Segment":
        self._number += 1
        path = self._folder / f"{self._run.run_id}.{self._number:06d}{SEGMENT}"
        segment = _Segment(path)
        error = segment.append(_RUN.dump_json(self._run) + b"\n")
        if error is not None:
            segment.close()
            path.unlink(missing_ok=True)
            raise unwritable(path, error)
        return segment


class _Segment:
    """One file that only ever grows by whole lines."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        self._size = 0

    def append(self, content: bytes) -> str | None:
        """None when all of `content` is on disk; otherwise nothing of it is there, and why."""
        left = memoryview(content)
        try:
            while left:
                left = left[os.write(self._file, left) :]
            os.fsync(self._file)
        except OSError as error:
            # Half a line would hide the next one.
            os.ftruncate(self._file, self._size)
            return error.strerror or str(error)
        self._size += len(content)
        return None

    def close(self) -> None:
        os.close(self._file)


def land_segment(path: Path, *, encoder: str, run: Run | None = None, now: float = 0.0) -> bool:
    """Land a segment that nobody writes to, and delete it; returns whether anything was in it.

    `run` is the row of its run; without one the run is no more, and ended by `now`. May be
    repeated. Raises WarehouseError when it is damaged, or nothing can be written.
    """
    if not path.exists():
        # Whoever asked for it the first time gave up waiting.
        return False
    read = _read(path)
    if read is not None:
        begun, entries = read
        ended_at = max(now, begun.started_at)
        killed = replace(begun, status="cancelled", ended_at=ended_at, error="killed")
        write_served(path.with_suffix(""), served_of(run or killed, entries, encoder))
    path.unlink(missing_ok=True)
    return read is not None


def land_left_behind(folder: Path, *, encoder: str, now: float) -> int:
    """Land what gateways left that are no more, sweep what they had half landed; returns how many
    segments that were.

    Raises WarehouseError when it cannot be written.
    """
    count = 0
    for path in sorted(folder.glob(f"*{SEGMENT}")):
        run_id = path.name.split(".", 1)[0]
        lock = folder / f"{run_id}{LOCK}"
        try:
            handle = _locked(lock)
        except BlockingIOError:
            continue
        with handle:
            count += land_segment(path, encoder=encoder, now=now)
            if not any(folder.glob(f"{run_id}.*{SEGMENT}")):
                lock.unlink(missing_ok=True)
    for path in folder.glob(f".*{UNFINISHED}"):
        if not _lives(folder / f"{path.name[1:].split('.', 1)[0]}{LOCK}"):
            shutil.rmtree(path, ignore_errors=True)
    return count


def served_of(run: Run, entries: list[Entry], encoder: str) -> Served:
    """Entries as the warehouse takes them."""
    return Served(
        run=run,
        answered=tuple(
            Answered(
                rollout=entry.rollout,
                labels=label(entry.rollout.trace),
                problem=entry.problem,
                embedding=entry.vector(),
            )
            for entry in entries
            if entry.rollout is not None and entry.problem is not None
        ),
        requests=tuple(entry.request for entry in entries if entry.request is not None),
        trials=tuple(entry.trial for entry in entries if entry.trial is not None),
        feedback=tuple(entry.feedback for entry in entries if entry.feedback is not None),
        encoder=encoder,
    )


def _read(path: Path) -> tuple[Run, list[Entry]] | None:
    """The run and the whole lines of a segment; the last line may have been cut by a kill, and of a
    segment that just began there may be nothing.
    """
    lines = path.read_bytes().split(b"\n")
    if len(lines) < 2:
        return None
    try:
        return _RUN.validate_json(lines[0]), [_ENTRY.validate_json(line) for line in lines[1:-1]]
    except ValidationError as error:
        raise WarehouseError(
            f"the journal {path} of a gateway is damaged ({error.error_count()} faults): restore "
            "it, or move it away to go on without it"
        ) from None


def _lives(lock: Path) -> bool:
    if not lock.exists():
        return False
    try:
        _locked(lock).close()
    except BlockingIOError:
        return True
    return False


def _locked(path: Path) -> TextIOWrapper:
    """Held until it is closed; BlockingIOError when another holds it."""
    handle = path.open("a")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.close()
        raise
    return handle
