"""What every test of the project shares: how hypothesis runs, and a session that leaves nothing."""

import os
import secrets
import signal
import subprocess
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from flows.orchestrator.quiet import hide_leak_report
from flows.orchestrator.server import prefect_server
from lamas.domain import user_cache
from tests.leftovers import Growth, Session, Worker
from tests.prefect_client import OWN, opened_by_all

SESSION = pytest.StashKey[Session]()
WORKERS = pytest.StashKey[list[Worker]]()
FAULTS = pytest.StashKey[list[str]]()
REPORT = "lamas"
GROWTH = Growth()

hide_leak_report()

# Before Prefect reads its settings, and for every process that the tests start.
os.environ.setdefault(OWN, secrets.token_urlsafe(32))

# A shell starts what it puts in the background without SIGINT, and every child inherits that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A busy machine makes any example slow; wrong results are what these tests look for.
settings.register_profile("project", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("project")


def pytest_configure(config: pytest.Config) -> None:
    """In the process that starts the workers, or does without them: the session begins."""
    if not hasattr(config, "workerinput"):
        config.stash[SESSION] = Session.begin()
        config.stash[WORKERS] = []
        # Not the user's own; what lies there is good for the next session, too.
        if config.pluginmanager.hasplugin("cacheprovider"):
            os.environ.setdefault(user_cache.VARIABLE, str(config.cache.mkdir("lamas")))


@pytest.hookimpl(trylast=True)
def pytest_runtest_logfinish(nodeid: str) -> None:
    """In whichever process ran a test: note by how much it grew."""
    GROWTH.look(nodeid)


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """After the last test of a file: what its runs held is free by now."""
    if nextitem is None or nextitem.path != item.path:
        GROWTH.give_back(last=nextitem is None)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object) -> None:
    """A worker of pytest-xdist has ended: keep what it told last."""
    config: pytest.Config = getattr(node, "config")  # noqa: B009
    output: dict[str, object] = getattr(node, "workeroutput", {})
    if REPORT in output:
        config.stash[WORKERS].append(Worker.told(str(output[REPORT])))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker tells what it holds; the session fails when anything outlives it."""
    config = session.config
    output: dict[str, object] | None = getattr(config, "workeroutput", None)
    worker = GROWTH.worker()
    if output is not None:
        output[REPORT] = worker.telling()
        return
    config.stash[WORKERS].append(worker)
    faults = [fault for item in config.stash[WORKERS] for fault in item.faults()]
    config.stash[FAULTS] = [*faults, *config.stash[SESSION].end()]
    if config.stash[FAULTS] and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Memory of every worker; what is left behind."""
    stash = terminalreporter.config.stash
    if FAULTS in stash:
        for worker in stash[WORKERS]:
            terminalreporter.write_line(str(worker))
        for fault in stash[FAULTS]:
            terminalreporter.write_line(f"LEFT BEHIND: {fault}", red=True)


@pytest.fixture(autouse=True)
def _hardly_any_backoff(  # pyright: ignore[reportUnusedFunction]
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever tries again hardly waits, but where a server says when, or waiting is the subject."""
    if request.node.get_closest_marker("real_backoff") is None:
        monkeypatch.setattr("lamas.llm.settings.RetryPolicy.delay_seconds", hardly_any)


def hardly_any(
    policy: object,
    failed_attempts: int,
    jitter: float,
    retry_after_seconds: float | None = None,
) -> float:
    """In place of `RetryPolicy.delay_seconds`."""
    return (retry_after_seconds or 0.0) + 0.01 * jitter


@pytest.fixture(scope="session")
def prefect_api(tmp_path_factory: pytest.TempPathFactory) -> Generator[str, None, None]:
    """The API address of a real Prefect server that runs while the tests do."""
    before = dict(os.environ)
    os.environ.pop("PREFECT_API_URL", None)
    home = opened_by_all(tmp_path_factory.mktemp("prefect"))
    with prefect_server(home) as server:
        address = server.api_url
        # Who wants it says so; all others find the environment as it was.
        os.environ.clear()
        os.environ.update(before)
        yield address


@pytest.fixture
def frozen(tmp_path: Path) -> Callable[[Path, bool], None]:
    """Makes a file immutable, for root too, or mutable again."""
    probe = tmp_path / "probe"
    probe.touch()

    def set_frozen(path: Path, on: bool) -> None:
        subprocess.run(["chattr", "+i" if on else "-i", str(path)], check=True, timeout=60)

    try:
        set_frozen(probe, True)
        set_frozen(probe, False)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("files cannot be made immutable here (chattr)")
    return set_frozen
