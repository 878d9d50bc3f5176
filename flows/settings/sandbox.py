"""The section `sandbox`: limits and barriers of programs that a model wrote."""

from typing import Literal

from pydantic import Field

from flows.settings.section import Section


class SandboxConfig(Section):
    """Limits of model-written programs."""

    cpu_seconds: float = Field(default=5.0, gt=0)
    wall_seconds: float = Field(default=10.0, gt=0)
    memory_mib: int = Field(default=512, ge=32)
    concurrency: int = Field(default=2, ge=1)
    allow_weak: bool = False
    """Run model-written code even when too few barriers can be had."""
    backend: Literal["auto", "namespaces", "bubblewrap", "landlock"] = "auto"
    """`auto` takes the first of these that works."""
    disabled: list[Literal["landlock", "seccomp"]] = Field(
        default_factory=list[Literal["landlock", "seccomp"]]
    )
    """Barriers left out although they could be had."""
