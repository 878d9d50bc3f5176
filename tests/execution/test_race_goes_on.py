"""A race that was decided before a run was stopped is decided so again, and pays for nothing."""

import sqlite3
from contextlib import closing
from pathlib import Path

from lamas.domain import Layer, OperatorInvocation
from lamas.execution import GraphExecutor
from lamas.llm import EndpointSettings, OpenAIChatModel, Price, ResponseStore
from lamas.operators import Catalogue
from tests.execution.rollouts import PROBLEM, plan_of
from tests.llm.scripted_endpoint import ScriptedEndpoint, chunk, says, streams
from tests.scripted import ScriptedSandbox, last_number

LAYER = Layer(("MultiGenerateCoT",), quorum=2, width=4)


async def raced(endpoint: ScriptedEndpoint, path: Path) -> OperatorInvocation:
    settings = EndpointSettings(base_url=endpoint.base_url, model="tiny")
    with ResponseStore(path, run_id="run") as store:
        async with OpenAIChatModel(
            settings, price=Price(input=1.0, output=2.0), store=store
        ) as model:
            executor = GraphExecutor(
                catalogue=Catalogue(read_answer=last_number),
                model=model,
                sandbox=ScriptedSandbox(),
                live=True,
            )
            execution = await executor.execute(plan_of([LAYER]), PROBLEM)
    assert execution.error is None
    return execution.trace.invocations[0]


def fate(ran: OperatorInvocation) -> list[tuple[int, str, str | None, float]]:
    return [(call.branch, call.status, call.response_text, call.cost_usd) for call in ran.calls]


async def test_what_happened_happens_again(tmp_path: Path) -> None:
    path = tmp_path / "responses.sqlite"
    # Whoever is the third to ask waits for ever; the fourth answers otherwise.
    slow = streams(chunk("7"), chunk("8"), pause=600.0)
    with ScriptedEndpoint(
        says("1", after=0.05), says("42"), slow, says("42", after=0.2)
    ) as endpoint:
        first = await raced(endpoint, path)
        sent = len(endpoint.script.chats_seen)
        assert sorted(call.status for call in first.calls) == ["cancelled", "ok", "ok", "ok"]
        again = await raced(endpoint, path)
        assert len(endpoint.script.chats_seen) == sent
    assert fate(again) == fate(first)
    assert again.candidates == first.candidates
    assert all(call.replayed for call in again.calls)
    assert again.cost_usd == first.cost_usd


async def test_a_quorum_that_is_stored_lets_nothing_more_be_sent(tmp_path: Path) -> None:
    path = tmp_path / "responses.sqlite"
    slow = streams(chunk("7"), chunk("8"), pause=600.0)
    with ScriptedEndpoint(says("42"), says("42"), slow, slow) as endpoint:
        first = await raced(endpoint, path)
        sent = len(endpoint.script.chats_seen)
        # Killed before what was cancelled could be written.
        with closing(sqlite3.connect(path)) as connection, connection:
            cut = 'DELETE FROM responses WHERE attempts LIKE \'%"status":"cancelled"%\''
            assert connection.execute(cut).rowcount == 2
        again = await raced(endpoint, path)
        assert len(endpoint.script.chats_seen) == sent
    assert again.candidates == first.candidates == ("42", "42")
    assert [call.status for call in again.calls] == [call.status for call in first.calls]
    assert {call.usage_output_tokens for call in again.calls if call.status == "cancelled"} == {0}


async def test_answers_that_were_stored_too_late_stay_too_late(tmp_path: Path) -> None:
    path = tmp_path / "responses.sqlite"
    with ScriptedEndpoint(says("42")) as endpoint:
        # All four are asked for and kept without a quorum, one after the other on record.
        settings = EndpointSettings(base_url=endpoint.base_url, model="tiny")
        with ResponseStore(path, run_id="run") as store:
            async with OpenAIChatModel(
                settings, price=Price(input=1.0, output=2.0), store=store
            ) as model:
                executor = GraphExecutor(
                    catalogue=Catalogue(read_answer=last_number),
                    model=model,
                    sandbox=ScriptedSandbox(),
                    live=True,
                )
                whole = plan_of([Layer(("MultiGenerateCoT",), width=4)])
                before = (await executor.execute(whole, PROBLEM)).trace.invocations[0]
        again = await raced(endpoint, path)
    in_time = sorted(before.calls, key=lambda call: (call.ended_at, call.branch))[:2]
    arrived = {call.branch for call in again.calls if call.status == "ok"}
    assert arrived == {call.branch for call in in_time}
    assert len(again.candidates) == 2
    # They are paid all the same.
    assert again.cost_usd == before.cost_usd > 0.0
