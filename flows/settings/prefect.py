"""The section `prefect`: what a run tells its Prefect server."""

from pydantic import Field

from flows.settings.section import Section


class PrefectConfig(Section):
    """The orchestrator."""

    port: int = Field(default=4200, ge=1, le=65535)
