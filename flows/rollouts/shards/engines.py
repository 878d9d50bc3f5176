"""How Dask and Ray are started, or found, and handed to Prefect."""

import logging
import os
import signal
from collections.abc import Callable, Generator
from contextlib import AsyncExitStack, contextmanager
from multiprocessing import resource_tracker
from typing import Protocol, cast

from prefect.futures import PrefectFuture
from prefect.task_runners import TaskRunner

from flows.settings.engine import EngineConfig
from lamas.errors import ServerError

HOST = "127.0.0.1"
OBJECT_STORE_BYTES = 100 * 1024 * 1024
"""Nearly Ray's least: shards are small, and their results land as files."""

AnyTaskRunner = TaskRunner[PrefectFuture[object]]
NewTaskRunner = Callable[[], AnyTaskRunner]


class _Cluster(Protocol):
    """The part of `distributed.LocalCluster` used here."""

    @property
    def scheduler_address(self) -> str: ...
    def close(self) -> None: ...


def open_engine(config: EngineConfig, stack: AsyncExitStack) -> NewTaskRunner:
    """What makes task runners on the configured engine, which `stack` ends if it was started here.

    Started processes listen on loopback alone. Blocks for some seconds.
    """
    return {"dask": _dask, "ray": _ray}[config.kind](config, stack)


def _dask(config: EngineConfig, stack: AsyncExitStack) -> NewTaskRunner:
    from distributed import LocalCluster
    from prefect_dask.task_runners import DaskTaskRunner

    # Workers that come and go are told of one by one otherwise.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    address = config.address
    if address is None:
        # What the stubs get wrong: None leaves the dashboards out; outside of a coroutine this is
        # a cluster at once.
        new_cluster = cast("Callable[..., _Cluster]", LocalCluster)
        with _ctrl_c_for_the_run_alone():
            cluster = new_cluster(
                n_workers=config.workers,
                threads_per_worker=1,
                host=HOST,
                dashboard_address=None,
                worker_dashboard_address=None,
            )
        stack.callback(cluster.close)
        address = cluster.scheduler_address
    return lambda: cast("AnyTaskRunner", DaskTaskRunner(address=address))


def _ray(config: EngineConfig, stack: AsyncExitStack) -> NewTaskRunner:
    # It would report to its makers otherwise.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if config.address is None:
        # One machine, so that everything it starts listens on loopback: Ray's default for desktop
        # systems, wherever it runs.
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    import ray
    from prefect_ray.task_runners import RayTaskRunner

    if config.address is None:
        ray.init(
            num_cpus=config.workers,
            object_store_memory=OBJECT_STORE_BYTES,
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    else:
        ray.init(config.address, log_to_driver=False, logging_level=logging.ERROR)
    stack.callback(cast("Callable[[], None]", ray.shutdown))
    return lambda: cast("AnyTaskRunner", RayTaskRunner())


@contextmanager
def _ctrl_c_for_the_run_alone() -> Generator[None, None, None]:
    """Processes and threads started in here never see SIGINT: the run ends them when it stops.

    Ray does the same for what it starts.
    """
    # Starting it later would let SIGINT through again.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def lost_worker(config: EngineConfig, error: Exception) -> ServerError | None:
    """What to say when it was the engine that failed, not the work; None when it was the work."""
    if type(error).__module__.partition(".")[0] not in ("distributed", "ray"):
        return None
    reason = str(error).strip().split("\n", 1)[0]
    return ServerError(
        f"engine={config.kind} lost a worker ({type(error).__name__}: {reason}); what it paid for "
        "is kept: start the same command again to go on"
    )
