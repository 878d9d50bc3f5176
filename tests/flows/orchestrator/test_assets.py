"""What Prefect is told of data sets, checkpoints and evaluations."""

from typing import cast

import pytest
from prefect import flow
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.orchestrator.assets import checkpoint_key, dataset_key, evaluation_key, record_asset
from tests.patience import until
from tests.prefect_client import client

pytestmark = pytest.mark.slow

Row = dict[str, object]


async def test_an_asset_names_what_it_was_made_from(prefect_api: str) -> None:
    checkpoint = checkpoint_key("lamas-0123")
    used = [dataset_key("gsm8k/v1/7"), checkpoint_key("lamas-0000")]

    @flow
    async def update() -> None:
        await record_asset(checkpoint, made_from=used, metadata={"step": 3})

    with temporary_settings({PREFECT_API_URL: prefect_api}):
        await update()
    event = materialised(prefect_api, checkpoint)
    related = cast("list[Row]", event["related"])
    assert {
        str(item["prefect.resource.id"])
        for item in related
        if item["prefect.resource.role"] == "asset"
    } == {"lamas://benchmark/gsm8k/v1", "lamas://checkpoint/lamas-0000"}
    assert cast("Row", event["payload"])["step"] == 3


def materialised(api: str, key: str) -> Row:
    """The event that tells of an asset; events are delivered after the run has gone on."""

    def told() -> list[Row]:
        found = client(api).post(
            "events/filter",
            json={
                "filter": {
                    "event": {"name": ["prefect.asset.materialization.succeeded"]},
                    "resource": {"id": [key]},
                }
            },
        )
        return cast("list[Row]", found.json()["events"])

    return until(told, every=0.2)[0]


async def test_a_server_that_is_gone_ends_no_work() -> None:
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:1/api"}):
        await record_asset(evaluation_key("run"), made_from=(), metadata={})


@pytest.mark.parametrize("name", ["generated", "GSM8K", "my_bench-2"])
def test_keys_are_what_prefect_takes(name: str) -> None:
    from prefect.assets import Asset

    assert Asset(key=dataset_key(f"{name}/0123abcd/17")).key.endswith(f"{name}/0123abcd")
