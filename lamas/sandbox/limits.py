"""How much one sandboxed run may use."""

from dataclasses import dataclass, fields

from lamas.errors import ConfigurationError

_MIB = 1024 * 1024
_SMALLEST_MEMORY = 64 * _MIB


@dataclass(frozen=True, kw_only=True, slots=True)
class SandboxLimits:
    """Ceilings of one run. Raises ConfigurationError for one that no program could start under."""

    cpu_seconds: float = 10.0
    """Over all processes of the run."""
    wall_seconds: float = 15.0
    memory_bytes: int = 1024 * _MIB
    """Address space of each process, and memory of all of them together."""
    processes: int = 16
    """Processes and threads at the same time."""
    open_files: int = 64
    """For each process."""
    output_bytes: int = 64 * 1024
    """For stdout and for stderr each; more ends the run, what came before is kept."""
    scratch_bytes: int = 64 * _MIB
    """All files of the run together; also the largest file."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not value > 0:
                raise ConfigurationError(
                    f"Sandbox limit {field.name} is {value}; it must be above 0."
                )
        if self.memory_bytes < _SMALLEST_MEMORY:
            raise ConfigurationError(
                f"Sandbox limit memory_bytes is {self.memory_bytes}; the interpreter itself needs "
                f"{_SMALLEST_MEMORY}."
            )
        if self.open_files < 16:
            raise ConfigurationError(
                f"Sandbox limit open_files is {self.open_files}; imports need at least 16."
            )
