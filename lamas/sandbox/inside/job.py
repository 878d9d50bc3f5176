"""What the zygote is asked for and what a finished run reports, as JSON between the two halves."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal, TypedDict, cast

Role = Literal["program", "candidate", "checker"]


class _SetupData(TypedDict):
    base: str
    packages: tuple[str, ...]
    preload: tuple[str, ...]
    namespaces: bool
    disabled: tuple[str, ...]


class _JobData(TypedDict):
    role: Role
    program: str
    limits: Mapping[str, float]
    scratch: str
    setup: str
    checker: str
    names: tuple[str, ...]
    verdict: str


class _ReportData(TypedDict):
    exit_code: int | None
    cpu_seconds: float
    scratch_full: bool
    broken: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Setup:
    """How a zygote builds its runs; fixed for its life."""

    base: str
    """Empty folder: mount point of the new root, or parent of the scratch folders."""
    packages: tuple[str, ...]
    preload: tuple[str, ...]
    namespaces: bool
    """Own user, process, mount, network and IPC namespaces for every run."""
    disabled: tuple[str, ...]
    """Barriers left out although they could be had."""

    def dumps(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def loads(cls, text: str) -> "Setup":
        return cls(**cast("_SetupData", _with_tuples(json.loads(text))))


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """One program and its limits."""

    role: Role
    program: str
    limits: Mapping[str, float]
    scratch: str
    """Folder to create and work in; ignored where every run has its own memory file system."""
    setup: str = ""
    checker: str = ""
    names: tuple[str, ...] = ()
    verdict: str = ""

    def dumps(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def loads(cls, text: bytes) -> "Job":
        return cls(**cast("_JobData", _with_tuples(json.loads(text))))


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """How a run ended, told by its supervisor."""

    exit_code: int | None = None
    """Minus the signal's number when a signal ended the program."""
    cpu_seconds: float = 0.0
    scratch_full: bool = False
    broken: str = ""
    """Not empty when a barrier could not be put up: the program never started."""

    def dumps(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def loads(cls, text: bytes) -> "Report":
        return cls(**cast("_ReportData", json.loads(text)))


def _with_tuples(data: dict[str, object]) -> dict[str, object]:
    return {
        key: tuple(cast("list[object]", value)) if isinstance(value, list) else value
        for key, value in data.items()
    }
