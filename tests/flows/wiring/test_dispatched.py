"""Runs whose calls wait for a named policy: the same answers, and graphs that say what is left."""

import asyncio
from pathlib import Path
from typing import get_args

import pytest

from flows.settings.compose import load_settings
from flows.settings.serving import ServingConfig
from flows.wiring.dispatched import dispatched
from lamas.domain import ChatMessage
from lamas.domain.call_semantics import CallSemantics, PlannedCall
from lamas.llm import ChatRequest
from lamas.llm.chat import ChatResult
from lamas.serving.live import DispatchedModel
from lamas.serving.policies.catalogue import PRIORITIES


class Noting:
    """One place's model: notes who asked, answers when the loop comes round."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def complete(self, request: ChatRequest) -> ChatResult:
        self.asked.append(request.sample_key)
        await asyncio.sleep(0)
        return ChatResult(text="", attempts=())


def request(name: str, layers_left: int) -> ChatRequest:
    return ChatRequest(
        messages=(ChatMessage(role="user", content="how many?"),),
        temperature=0.0,
        max_tokens=10,
        sample_key=name,
        seed=0,
        semantics=CallSemantics(
            workflow=name, role="A", rest=((PlannedCall(role="B"),),) * layers_left
        ),
    )


async def asked_under(priority: str, home: Path) -> list[str]:
    noting = Noting()
    settings = load_settings([f"home={home}", "llm.concurrency=1", f"serving.priority={priority}"])
    model = dispatched(settings, noting, None)
    wanted = [request("first", 0), request("long", 3), request("short", 0), request("middle", 1)]
    await asyncio.gather(*(model.complete(item) for item in wanted))
    return noting.asked


def test_every_order_of_the_catalogue_can_be_configured() -> None:
    (names,) = [
        get_args(part)
        for part in get_args(ServingConfig.model_fields["priority"].annotation)
        if get_args(part)
    ]
    assert set(names) == set(PRIORITIES)


@pytest.mark.slow
async def test_a_graph_with_less_to_do_goes_first_where_slack_decides(tmp_path: Path) -> None:
    assert await asked_under("fcfs", tmp_path) == ["first", "long", "short", "middle"]
    assert await asked_under("slack", tmp_path) == ["first", "short", "middle", "long"]


@pytest.mark.slow
def test_without_a_policy_the_client_keeps_its_own_queue(tmp_path: Path) -> None:
    noting = Noting()
    assert dispatched(load_settings([f"home={tmp_path}"]), noting, None) is noting
    named = load_settings([f"home={tmp_path}", "serving.priority=edf"])
    assert isinstance(dispatched(named, noting, None), DispatchedModel)
