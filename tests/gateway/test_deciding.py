"""A champion that knows trade-offs takes them from the model's name; another one refuses."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from typing import cast

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from lamas.controller import ControllerSettings, QueryEncoder, build_controller
from lamas.controller.conditioned_policy import ConditionedPolicy
from lamas.gateway.deciding import Champion, Decided, Decider
from lamas.gateway.names import asked_for
from lamas.gateway.refusal import RefusedError
from tests.factories import OPERATORS, make_checkpoint, make_problem

POINTS = ((0.01, 0.9, 10.0), (0.1, 0.89, 5.0), (1.0, 0.8, 2.0), (10.0, 0.5, 1.0))
"""Multiplier, score, time."""


class CountingEncoder:
    """Embeds every text in the same place, and counts."""

    kind = "float32"

    def __init__(self) -> None:
        self.texts: list[str] = []

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.texts += texts
        return np.full((len(texts), 384), 384.0**-0.5, dtype=np.float32)


@pytest.fixture
def encoder() -> CountingEncoder:
    return CountingEncoder()


@pytest.fixture
async def decider(encoder: CountingEncoder) -> AsyncGenerator[Decider]:
    made = Decider(cast("QueryEncoder", encoder), run_id="serve-1", mode="parallel")
    yield made
    made.close()


def champion(settings: ControllerSettings, *, points: bool = True) -> Champion:
    embeddings = np.random.default_rng(0).standard_normal((len(OPERATORS), 384))
    controller = build_controller(settings, OPERATORS, embeddings)
    if points and isinstance(controller.policy, ConditionedPolicy):
        controller.policy.points[: len(POINTS)] = torch.tensor(POINTS, dtype=torch.float64)
    return Champion(checkpoint=make_checkpoint(3), controller=controller)


CONDITIONED = ControllerSettings(kind="conditioned", layers=1, width=2, tau=0.75)


async def decided(decider: Decider, one: Champion, name: str) -> Decided:
    asked = asked_for(name, ())
    return await decider.decide(one, make_problem(), asked, seed=7, rollout_id="r")


async def test_a_name_means_a_price_of_waiting(decider: Decider) -> None:
    one = champion(CONDITIONED)
    found = {
        name: (await decided(decider, one, f"lamas@{name}")).multiplier
        for name in ("fast", "balanced", "best", "2s", "5s", "1500ms")
    }
    assert found["fast"] == pytest.approx(10.0)
    assert found["balanced"] == pytest.approx(1.0)
    assert found["best"] == pytest.approx(0.01)
    assert found["2s"] == pytest.approx(1.0)
    assert found["5s"] == pytest.approx(0.1)
    between = found["1500ms"]
    assert between is not None
    assert 1.0 < between < 10.0
    in_tokens = replace(one, units_per_second=50.0)
    assert (await decided(decider, in_tokens, "lamas@100ms")).multiplier == found["5s"]
    own = await decided(decider, one, "lamas")
    assert own.planned.multiplier == own.multiplier
    assert own.multiplier == pytest.approx(1.0)
    assert (own.planned.rollout_id, own.planned.purpose) == ("r", "serve")
    assert own.planned.checkpoint_id == "lamas-3"
    assert own.planned.decisions


async def test_what_a_champion_cannot_do_is_a_refusal(decider: Decider) -> None:
    lamas = champion(ControllerSettings(kind="lamas"))
    assert (await decided(decider, lamas, "lamas")).multiplier is None
    for one, name in (
        (lamas, "lamas@fast"),
        (lamas, "lamas@2s"),
        (champion(CONDITIONED), "lamas@500ms"),
        (champion(CONDITIONED, points=False), "lamas@best"),
    ):
        with pytest.raises(RefusedError) as refused:
            await decided(decider, one, name)
        assert (refused.value.status, refused.value.parameter) == (400, "model")


@pytest.mark.slow
async def test_a_question_is_encoded_once(decider: Decider, encoder: CountingEncoder) -> None:
    one = champion(CONDITIONED)
    found = [await decided(decider, one, "lamas") for _ in range(3)]
    assert encoder.texts == [make_problem().question]
    assert {item.embedding.shape for item in found} == {(384,)}
