"""What the rest of the system knows of a sandbox."""

from collections.abc import Sequence
from typing import Protocol

from lamas.domain import ToolExecution
from lamas.sandbox.limits import SandboxLimits


class Sandbox(Protocol):
    """Runs programs that a model wrote."""

    async def run(
        self, program: str, *, stdin: str = "", limits: SandboxLimits | None = None
    ) -> ToolExecution:
        """One run in a fresh process; never raises for what the program does.

        Raises SandboxError when the sandbox itself is broken.
        """
        ...


class JudgingSandbox(Sandbox, Protocol):
    """A sandbox that can also keep a program and its checker in processes apart."""

    async def run_judged(
        self,
        program: str,
        *,
        checker: str,
        names: Sequence[str],
        setup: str,
        verdict: str,
        limits: SandboxLimits | None = None,
    ) -> tuple[ToolExecution, ToolExecution]:
        """(run of the program, run of the checker); see `judge`, which reads the outcome."""
        ...
