"""From the settings to the sandbox and its limits."""

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack

from flows.settings import Settings
from flows.wiring.endpoint import simulated_profile
from lamas.sandbox import (
    LazySandbox,
    MeasuredToolTime,
    ModelledToolTime,
    ProcessSandbox,
    SandboxLimits,
    ToolTime,
)
from lamas.sandbox.barriers import missing

MIB = 1024 * 1024


def lazy_sandbox(
    settings: Settings, stack: AsyncExitStack, say: Callable[[str], None] = lambda text: None
) -> LazySandbox:
    """The configured sandbox, closed with `stack`; `say` is told which barriers are active."""

    async def opening() -> ProcessSandbox:
        sandbox = await stack.enter_async_context(process_sandbox(settings))
        say(f"sandbox: {barriers_line(sandbox.barriers)}")
        return sandbox

    return LazySandbox(opening)


def barriers_line(barriers: Sequence[str]) -> str:
    """The active barriers, and what a run that insists does without."""
    lacking = ", ".join(item.protection for item in missing(barriers))
    return (", ".join(barriers) or "no barrier") + (
        f" — WITHOUT {lacking}, as sandbox.allow_weak=true insists" if lacking else ""
    )


def process_sandbox(settings: Settings) -> ProcessSandbox:
    """A sandbox with the configured limits, to be entered."""
    config = settings.sandbox
    return ProcessSandbox(
        limits=SandboxLimits(
            cpu_seconds=config.cpu_seconds,
            wall_seconds=config.wall_seconds,
            memory_bytes=config.memory_mib * MIB,
        ),
        concurrency=config.concurrency,
        allow_weak=config.allow_weak,
        backend=config.backend,
        disabled=config.disabled,
        tool_time=_tool_time(settings),
    )


def _tool_time(settings: Settings) -> ToolTime:
    if not settings.simulated:
        return MeasuredToolTime()
    profile = simulated_profile(settings)
    return ModelledToolTime(
        seed=profile.seed,
        median_seconds=profile.tool_seconds.median,
        sigma=profile.tool_seconds.sigma,
    )
