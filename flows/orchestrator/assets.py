"""Data sets, outcome tables, checkpoints, evaluations as Prefect assets: what made what."""

import logging
from collections.abc import Awaitable, Mapping, Sequence
from typing import cast

from prefect.assets import Asset, add_asset_metadata, materialize
from prefect.cache_policies import NO_CACHE

logger = logging.getLogger(__name__)


def dataset_key(problem_id: str) -> str:
    """The asset of the benchmark version that a problem belongs to."""
    return f"lamas://benchmark/{problem_id.rpartition('/')[0]}"


def checkpoint_key(checkpoint_id: str) -> str:
    """The asset of a checkpoint."""
    return f"lamas://checkpoint/{checkpoint_id}"


def evaluation_key(run_id: str) -> str:
    """The asset of what a run's evaluation found."""
    return f"lamas://evaluation/{run_id}"


def table_key(run_id: str) -> str:
    """The asset of the outcome table that a run filled."""
    return f"lamas://table/{run_id}"


async def record_asset(
    key: str, *, made_from: Sequence[str], metadata: Mapping[str, object]
) -> None:
    """Tell Prefect that the asset `key` exists now, and which assets it was made from.

    What Prefect cannot record at the moment ends no work: the warehouse holds the lineage.
    """

    @materialize(
        Asset(key=key),
        asset_deps=list(made_from),
        name="asset",
        task_run_name=key.removeprefix("lamas://"),
        cache_policy=NO_CACHE,
        persist_result=False,
    )
    async def record() -> None:
        add_asset_metadata(key, dict(metadata))

    try:
        # The overloads type a call that returns a state as that state also for async tasks.
        await cast("Awaitable[object]", record(return_state=True))
    except Exception as error:
        logger.debug("asset %s could not be recorded: %s", key, error)
