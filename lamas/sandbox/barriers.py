"""Which barriers stand between a program and the machine, and which of them a run must have."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lamas.errors import SandboxError


@dataclass(frozen=True, kw_only=True, slots=True)
class Requirement:
    """A protection and the barriers any one of which gives it."""

    protection: str
    given_by: tuple[str, ...]
    remedy: str


REQUIRED = (
    Requirement(
        protection="own process", given_by=("process",), remedy="run on Linux 5.4 or later"
    ),
    Requirement(
        protection="resource limits", given_by=("rlimits",), remedy="run on Linux 5.4 or later"
    ),
    Requirement(
        protection="no network",
        given_by=("net-namespace", "bubblewrap", "seccomp"),
        remedy="allow user namespaces or seccomp filters, or install bubblewrap",
    ),
    Requirement(
        protection="writes to the scratch folder only",
        given_by=("mount-namespace", "bubblewrap", "landlock"),
        remedy=(
            "allow user namespaces, or use a kernel with Landlock and seccomp, or install "
            "bubblewrap"
        ),
    ),
)


def missing(barriers: Iterable[str]) -> tuple[Requirement, ...]:
    """The requirements none of whose barriers is there."""
    names = {_kind(barrier) for barrier in barriers}
    if "mount-namespace" not in names and "bubblewrap" not in names and "seccomp" not in names:
        # Alone it guards neither modes and owners of files nor, before version 3, their length.
        names.discard("landlock")
    return tuple(wanted for wanted in REQUIRED if not names.intersection(wanted.given_by))


def _kind(barrier: str) -> str:
    """Without the version: landlock-7 is landlock."""
    name, _, version = barrier.rpartition("-")
    return name if name and version.isdigit() else barrier


def refuse_if_weak(barriers: Sequence[str], *, problems: Sequence[str], allow_weak: bool) -> None:
    """Raises SandboxError when a requirement is missing, unless `allow_weak`."""
    lacking = missing(barriers)
    if not lacking or allow_weak:
        return
    what = "; ".join(f"{item.protection} ({item.remedy})" for item in lacking)
    tried = f" Tried: {'; '.join(problems)}." if problems else ""
    raise SandboxError(
        f"Programs written by a model will not be run here: missing {what}. "
        f"Active: {', '.join(barriers) or 'nothing'}.{tried} "
        "To run them all the same, on a machine that holds nothing of value, insist with "
        "sandbox.allow_weak=true."
    )
