"""What every test of the project shares: how hypothesis runs, and a quiet end."""

import os
import secrets
import signal
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

from flows.server import prefect_server
from flows.tidy_exit import hide_leak_report
from tests.prefect_client import OWN, opened_by_all

hide_leak_report()

# Before Prefect reads its settings, and for every process that the tests start.
os.environ.setdefault(OWN, secrets.token_urlsafe(32))

# A shell starts what it puts in the background without SIGINT, and every child inherits that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A busy machine makes any example slow; wrong results are what these tests look for.
settings.register_profile("project", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("project")


@pytest.fixture(scope="session")
def prefect_api(tmp_path_factory: pytest.TempPathFactory) -> Generator[str, None, None]:
    """The API address of a real Prefect server that runs while the tests do."""
    before = dict(os.environ)
    os.environ.pop("PREFECT_API_URL", None)
    with prefect_server(opened_by_all(tmp_path_factory.mktemp("prefect"))) as server:
        address = server.api_url
        # Who wants it says so; all others find the environment as it was.
        os.environ.clear()
        os.environ.update(before)
        yield address
