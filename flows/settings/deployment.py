"""The sections of the configuration that concern unattended operation: schedules and drift."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator

from flows.settings.section import Overlap, Section


class ScheduledConfig(Section):
    """When one deployment runs, and with which overrides beside those given to all."""

    cron: str | None = None
    """Five fields, in `deployment.timezone`; null: only when asked to."""
    every_seconds: float | None = Field(default=None, gt=0)
    """An interval in place of `cron`."""
    overrides: list[str] = Field(default_factory=list[str])
    """Hydra overrides of this deployment."""


class DeploymentConfig(Section):
    """What `lamas deploy` and `lamas serve` leave to a Prefect server."""

    timezone: str = "UTC"
    work_pool: str = Field(default="lamas", min_length=1)
    """Process work pool of `lamas deploy`; made when missing."""
    overlap: Overlap = "wait"
    """A run that comes due while one of its deployment runs waits for it, or is cancelled; one that
    meets another writer of the home folder waits, or is refused."""
    catch_up: bool = False
    """Times missed while nothing served: one run at the next start, or none."""
    paused: bool = False
    """Register the schedules without starting them."""
    with_report: bool = True
    """A scheduled retrain ends with its report."""
    run_overrides: list[str] = Field(default_factory=lambda: ["seed", "run", "checkpoint"])
    """Keys that somebody who asks for a run of a deployment may give values for; no other."""
    poll_seconds: float = Field(default=5.0, gt=0)
    """How often `lamas serve` asks the server for runs that are due."""
    retrain: ScheduledConfig = ScheduledConfig()
    evaluate: ScheduledConfig = ScheduledConfig()
    report: ScheduledConfig = ScheduledConfig()
    judge: ScheduledConfig = ScheduledConfig()

    @field_validator("timezone")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(
                f"timezone {name!r} is unknown; name one of the IANA database, as Europe/Berlin"
            ) from None
        return name
