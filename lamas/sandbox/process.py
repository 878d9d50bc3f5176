"""The sandbox: a warm fork server behind the strongest barriers this machine offers."""

import asyncio
import contextlib
import os
import secrets
import sys
import sysconfig
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Literal, TypeVar

from lamas.domain import Clock, ToolExecution
from lamas.errors import SandboxError
from lamas.sandbox import backends
from lamas.sandbox.barriers import refuse_if_weak
from lamas.sandbox.base import Base, make, sweep
from lamas.sandbox.inside.job import Job, Role, Setup
from lamas.sandbox.limits import SandboxLimits
from lamas.sandbox.protocol import JudgedProgram
from lamas.sandbox.running import Ending, OneRun, PipeEnds, joined
from lamas.sandbox.scratch import remove_tree
from lamas.sandbox.tool_time import MeasuredToolTime, ToolTime
from lamas.sandbox.zygote_client import ZygoteClient, ZygoteLostError

Result = TypeVar("Result")

PRELOADED = (
    "bisect", "collections", "copy", "dataclasses", "datetime", "decimal", "enum", "fractions",
    "functools", "hashlib", "heapq", "itertools", "json", "math", "operator", "random", "re",
    "statistics", "string", "typing",
)  # fmt: skip
_ATTEMPTS = 4
_NOT_OPEN = "The sandbox is not open; use it inside `async with`."
_SERVING_GRACE_SECONDS = 0.5
"""How long a judged program may take to end once its checker has."""


class ProcessSandbox:
    """Runs every program in a fresh process; an async context manager, for one event loop.

    `barriers` names what is active, strongest backend first found. Refuses to start (SandboxError)
    without own process, resource limits, no network and scratch-only writes, unless `allow_weak`.
    """

    def __init__(
        self,
        *,
        limits: SandboxLimits | None = None,
        concurrency: int | None = None,
        tool_time: ToolTime | None = None,
        backend: backends.Backend = "auto",
        preload: Sequence[str] = PRELOADED,
        packages: Sequence[str] | None = None,
        allow_weak: bool = False,
        disabled: Sequence[Literal["landlock", "seccomp"]] = (),
    ) -> None:
        """`concurrency`: runs at once, by default one for each CPU, at least 2.

        `preload`: modules imported once and shared by all runs. `packages`: folders of third-party
        packages that programs may import, by default this environment's. `disabled`: barriers left
        out although they could be had.
        """
        cpus = len(os.sched_getaffinity(0)) if sys.platform == "linux" else 1
        self._limits = limits or SandboxLimits()
        self._slots = asyncio.Semaphore(concurrency or max(2, cpus))
        self._tool_time = tool_time or MeasuredToolTime()
        self._backend: backends.Backend = backend
        self._preload = tuple(preload)
        paths = sysconfig.get_paths()
        chosen = packages if packages is not None else (paths["purelib"], paths["platlib"])
        self._packages = tuple(dict.fromkeys(chosen))
        self._allow_weak = allow_weak
        self._disabled = tuple(disabled)
        self._clock = Clock()
        self._base: Base | None = None
        self._start_zygote: Callable[[], Awaitable[ZygoteClient]] | None = None
        self._zygote: ZygoteClient | None = None
        self._restarting = asyncio.Lock()
        self._problems: tuple[str, ...] = ()
        self._runs = 0
        self._removals: set[asyncio.Future[None]] = set()

    @property
    def barriers(self) -> tuple[str, ...]:
        """Names of the active barriers; empty before the start."""
        return () if self._zygote is None else self._zygote.barriers

    @property
    def problems(self) -> tuple[str, ...]:
        """Why stronger backends were passed over."""
        return self._problems

    @property
    def zygote_pid(self) -> int | None:
        """Of the fork server, or of the bubblewrap around it."""
        return None if self._zygote is None else self._zygote.pid

    async def __aenter__(self) -> "ProcessSandbox":
        if sys.platform != "linux":
            raise SandboxError(
                f"The sandbox needs Linux, this is {sys.platform}; run in a Linux container or "
                "virtual machine."
            )
        await asyncio.to_thread(sweep)
        self._base = make()
        try:
            found = await backends.strongest(self._backend, self._setup, self._trial)
            self._problems = found.problems
            self._zygote, self._start_zygote = found.zygote, found.start
            barriers = () if found.zygote is None else found.zygote.barriers
            refuse_if_weak(barriers, problems=found.problems, allow_weak=self._allow_weak)
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        zygote, self._zygote, self._start_zygote = self._zygote, None, None
        if zygote is not None:
            zygote.close()
        await asyncio.gather(*self._removals)
        base, self._base = self._base, None
        if base is not None:
            base.remove()

    @property
    def _folder(self) -> str:
        if self._base is None:
            raise SandboxError(_NOT_OPEN)
        return self._base.path

    def _setup(self, *, namespaces: bool) -> Setup:
        return Setup(
            base=self._folder,
            packages=self._packages,
            preload=self._preload,
            namespaces=namespaces,
            disabled=self._disabled,
        )

    async def _trial(self, zygote: ZygoteClient) -> None:
        """A first run: barriers that only fail when used fail here."""
        job = self._job("program", "print(6 * 7)", self._limits)
        try:
            ending = await self._finish(zygote, job, self._limits)
        except ZygoteLostError:
            raise SandboxError("its fork server died in the first run") from None
        if ending.stdout != "42\n":
            raise SandboxError(f"a first program failed: {ending.stderr.strip()[-300:]}")

    async def run(
        self, program: str, *, stdin: str = "", limits: SandboxLimits | None = None
    ) -> ToolExecution:
        """One run in a fresh process; waits for a free slot first, which is not its time."""
        chosen = limits or self._limits
        job = self._job("program", program, chosen)

        async def attempt(zygote: ZygoteClient) -> Ending:
            return await self._finish(zygote, job, chosen, stdin=stdin)

        async with self._slots:
            started = self._clock.now()
            ending = await self._persist(attempt)
            return self._record(program, ending, started)

    async def run_judged(
        self, judged: JudgedProgram, *, limits: SandboxLimits | None = None
    ) -> tuple[ToolExecution, ToolExecution]:
        """(run of the program, run of the checker), joined by pipes; one slot for both."""
        chosen = limits or self._limits
        candidate = self._job("candidate", judged.program, chosen, judged)
        check = self._job("checker", "", chosen, judged)

        async def attempt(zygote: ZygoteClient) -> tuple[Ending, Ending]:
            return await self._finish_pair(zygote, candidate, check, chosen)

        async with self._slots:
            started = self._clock.now()
            served, checked = await self._persist(attempt)
            return (
                self._record(judged.program, served, started),
                self._record(judged.checker, checked, started),
            )

    def _job(
        self,
        role: Role,
        program: str,
        limits: SandboxLimits,
        judged: JudgedProgram | None = None,
    ) -> Job:
        self._runs += 1
        values = {name: getattr(limits, name) for name in SandboxLimits.__dataclass_fields__}
        # The candidate's process must hold nothing of what decides.
        checked = judged if role == "checker" else None
        return Job(
            role=role,
            program=program.encode(errors="replace").decode(),
            limits=values,
            scratch=os.path.join(self._folder, f"run-{self._runs}-{secrets.token_hex(4)}"),
            names=() if judged is None else judged.names,
            setup="" if checked is None else checked.setup,
            checker="" if checked is None else checked.checker,
            verdict="" if checked is None else checked.verdict,
        )

    async def _persist(self, attempt: Callable[[ZygoteClient], Awaitable[Result]]) -> Result:
        """Tries again with a new fork server when the old one died."""
        for _ in range(_ATTEMPTS):
            zygote = await self._living_zygote()
            with contextlib.suppress(ZygoteLostError):
                return await attempt(zygote)
        raise SandboxError(
            f"The sandbox's fork server died {_ATTEMPTS} times during one run; the machine may be "
            "out of memory."
        )

    async def _living_zygote(self) -> ZygoteClient:
        async with self._restarting:
            if self._zygote is None or self._start_zygote is None:
                raise SandboxError(_NOT_OPEN)
            if not self._zygote.alive:
                self._zygote.close()
                self._zygote = await self._start_zygote()
            return self._zygote

    async def _finish(
        self,
        zygote: ZygoteClient,
        job: Job,
        limits: SandboxLimits,
        *,
        stdin: str = "",
        pipes: PipeEnds | None = None,
    ) -> Ending:
        on_disk = "scratch-memory" not in zygote.barriers
        run = OneRun(zygote, job, limits, stdin=stdin, pipes=pipes, scratch_on_disk=on_disk)
        try:
            return await run.finish()
        finally:
            if on_disk:
                self._remove_later(job.scratch)

    async def _finish_pair(
        self, zygote: ZygoteClient, candidate: Job, check: Job, limits: SandboxLimits
    ) -> tuple[Ending, Ending]:
        on_disk = "scratch-memory" not in zygote.barriers
        loop = asyncio.get_running_loop()
        with joined() as (serving_ends, asking_ends):
            served = OneRun(zygote, candidate, limits, pipes=serving_ends, scratch_on_disk=on_disk)
            checked = OneRun(zygote, check, limits, pipes=asking_ends, scratch_on_disk=on_disk)

            async def check_then_stop() -> Ending:
                ending = await checked.finish()
                loop.call_later(_SERVING_GRACE_SECONDS, served.kill, "wall_seconds")
                return ending

            try:
                async with asyncio.TaskGroup() as both:
                    serving = both.create_task(served.finish())
                    checking = both.create_task(check_then_stop())
            except BaseExceptionGroup as group:
                raise group.exceptions[0] from None
            finally:
                if on_disk:
                    self._remove_later(candidate.scratch)
                    self._remove_later(check.scratch)
        return serving.result(), checking.result()

    def _remove_later(self, scratch: str) -> None:
        """Not within the run: a program may leave more than can be removed in its time."""
        removal = asyncio.get_running_loop().run_in_executor(None, remove_tree, scratch)
        self._removals.add(removal)
        removal.add_done_callback(self._removals.discard)

    def _record(self, program: str, ending: Ending, started: float) -> ToolExecution:
        ended = self._clock.now()
        wall = ended - started
        failed = "ok" if ending.exit_code == 0 else "error"
        return ToolExecution(
            tool_execution_id=secrets.token_hex(16),
            program=program,
            stdout=ending.stdout,
            stderr=ending.stderr,
            exit_code=ending.exit_code,
            status="limit" if ending.limits_hit else failed,
            limits_hit=ending.limits_hit,
            started_at=started,
            ended_at=ended,
            wall_seconds=wall,
            charged_seconds=self._tool_time.charge(program, wall),
        )
