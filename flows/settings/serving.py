"""The section `serving`: in what order a run's calls go to their endpoint."""

from typing import Literal

from flows.settings.section import Section


class ServingConfig(Section):
    """When calls run. It changes no answer, only who waits."""

    priority: Literal["fcfs", "edf", "sjf", "attained", "maestro", "pythia", "slack"] | None = None
    """Order of the calls that wait for one of the endpoint's llm.concurrency places; None is the
    client's own queue, first come, first served."""
