"""What the rest of the system knows of a sandbox."""

from dataclasses import dataclass, field
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


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgedProgram:
    """A program and what decides whether it passes; see `judge`, which builds it."""

    program: str
    checker: str
    names: tuple[str, ...]
    """The functions of the program that the checker may call."""
    setup: str
    """The trusted part of a prompt, run before the checker."""
    verdict: str = field(repr=False)
    """What the checker's process prints when it came to its end: nobody else may know it."""


class JudgingSandbox(Sandbox, Protocol):
    """A sandbox that can also keep a program and its checker in processes apart."""

    async def run_judged(
        self, judged: JudgedProgram, *, limits: SandboxLimits | None = None
    ) -> tuple[ToolExecution, ToolExecution]:
        """(run of the program, run of the checker); see `judge`, which reads the outcome."""
        ...
