"""What a home's Prefect server is told: by its environment, before it imports Prefect."""

import os
from pathlib import Path

from flows.orchestrator.access import auth_string
from flows.orchestrator.blank_database import start_settings

# The recorder's defaults write 50–60 task runs a second and leave bursts stuck in Running.
ALWAYS = {
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "500",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "500",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
    # A run that waits for its deployment's turn asks again after so long; 30 s by default.
    "PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS": "10",
    # So does a call that waits for its endpoint's turn, at most; 30 s by default.
    "PREFECT_SERVER_CONCURRENCY_MAXIMUM_CONCURRENCY_SLOT_WAIT_SECONDS": "2",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
    "DO_NOT_TRACK": "1",
}


# What only matters where schedules are served: a server that ends with its run starts none of them.
WITHOUT_SCHEDULES = {
    "PREFECT_SERVER_SERVICES_SCHEDULER_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_LATE_RUNS_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_FOREMAN_ENABLED": "false",
}


def server_environment(home: Path, origin: str, *, schedules: bool) -> dict[str, str]:
    """The environment of a server of `home` at `origin`; `schedules` says whether it serves them.

    What the user's environment sets stays, but for where the server is and what opens it.
    """
    others = {} if schedules else WITHOUT_SCHEDULES
    environment = {**ALWAYS, **others, **os.environ}
    environment["PREFECT_HOME"] = str(home)
    environment.update(start_settings(home))
    environment.pop("PREFECT_API_URL", None)
    # Left to itself the page asks the default port, whichever one serves it.
    environment["PREFECT_SERVER_UI_API_URL"] = f"{origin}/api"
    environment["PREFECT_SERVER_API_AUTH_STRING"] = auth_string(home)
    environment["PREFECT_SERVER_CORS_ALLOWED_ORIGINS"] = origin
    environment["PREFECT_SERVER_CSRF_PROTECTION_ENABLED"] = "true"
    return environment
