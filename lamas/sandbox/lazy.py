"""A sandbox whose processes start when the first program comes."""

from collections.abc import Awaitable, Callable

from lamas.domain import ToolExecution
from lamas.domain.once import Once
from lamas.sandbox.limits import SandboxLimits
from lamas.sandbox.process import ProcessSandbox
from lamas.sandbox.protocol import JudgedProgram


class LazySandbox:
    """A `JudgingSandbox` that `opening` gives: when it is opened or the first program comes, once.

    All methods raise what `opening` raises: SandboxError when too few barriers can be had.
    """

    def __init__(self, opening: Callable[[], Awaitable[ProcessSandbox]]) -> None:
        self._sandbox = Once(opening)

    async def open(self) -> None:
        """Start it now, so that a machine where it may not be used is known before any work."""
        await self._sandbox.get()

    async def run(
        self, program: str, *, stdin: str = "", limits: SandboxLimits | None = None
    ) -> ToolExecution:
        """One run in a fresh process."""
        return await (await self._sandbox.get()).run(program, stdin=stdin, limits=limits)

    async def run_judged(
        self, judged: JudgedProgram, *, limits: SandboxLimits | None = None
    ) -> tuple[ToolExecution, ToolExecution]:
        """(run of the program, run of the checker)."""
        return await (await self._sandbox.get()).run_judged(judged, limits=limits)
