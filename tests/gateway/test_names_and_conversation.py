"""What a model name asks for, and how a conversation reaches a call."""

import pytest

from lamas.controller.condition import Condition, OperatingPoint
from lamas.controller.named_points import named_multiplier
from lamas.domain import ChatMessage
from lamas.gateway.bodies import Message
from lamas.gateway.conversation import InConversation, Sampling, conversation_of
from lamas.gateway.names import asked_for
from lamas.gateway.refusal import RefusedError
from lamas.llm import ChatRequest
from tests.scripted import Reply, ScriptedModel

POINTS = tuple(
    OperatingPoint(multiplier=multiplier, score=score, time=time)
    for multiplier, score, time in (
        (0.01, 0.90, 10.0),
        (0.1, 0.89, 5.0),
        (1.0, 0.80, 2.0),
        (10.0, 0.50, 1.0),
    )
)


def test_a_name_carries_a_trade_off() -> None:
    assert asked_for("lamas", ()).condition == Condition()
    assert asked_for("lamas@2s", ()).condition == Condition(deadline=2.0)
    assert asked_for("lamas@1500ms", ()).condition == Condition(deadline=1.5)
    assert asked_for("lamas@fast", ()).point == "fast"
    assert asked_for("lamas", (), multiplier=0.5).condition == Condition(multiplier=0.5)
    assert asked_for("gpt", ("gpt",)).plain
    tagged = asked_for("lamas:math@2s", ())
    assert (tagged.tag, tagged.condition) == ("math", Condition(deadline=2.0))
    assert asked_for("lamas:math", ()).tag == "math"
    assert asked_for("lamas", ()).tag is None
    for name, wishes in (
        ("lamas@2s", {"multiplier": 1.0}),
        ("lamas", {"multiplier": 1.0, "deadline_seconds": 1.0}),
        ("gpt", {"deadline_seconds": 1.0}),
        ("lamas@", {}),
        ("lamas@0s", {}),
        ("lamas@2h", {}),
        ("Lamas", {}),
        ("lamas:", {}),
        ("lamas:Math", {}),
        ("lamas:@2s", {}),
    ):
        with pytest.raises(RefusedError):
            asked_for(name, ("gpt",), **wishes)


def test_named_points_lie_at_the_ends_and_at_the_bend() -> None:
    assert named_multiplier("fast", POINTS) == 10.0
    assert named_multiplier("best", POINTS) == 0.01
    assert named_multiplier("balanced", POINTS) == 1.0
    assert named_multiplier("balanced", POINTS[:1]) == 0.01


async def test_an_operators_call_knows_the_conversation() -> None:
    conversation = conversation_of(
        [
            Message(role="system", content="Be brief."),
            Message(role="user", content="Hello"),
            Message(role="assistant", content="Hi"),
            Message(role="user", content="What is 1 + 1?"),
        ]
    )
    assert conversation.question == "What is 1 + 1?"
    model = ScriptedModel(lambda request: Reply("2"))
    wrapped = InConversation(
        model, conversation, Sampling(temperature=0.0, max_tokens=7, stop=("\n",))
    )
    own = (
        ChatMessage(role="system", content="Solve it."),
        ChatMessage(role="user", content="Problem: What is 1 + 1?"),
    )
    await wrapped.complete(
        ChatRequest(messages=own, temperature=1.0, max_tokens=5, sample_key="k", seed=1)
    )
    (sent,) = model.requests
    assert [(item.role, item.content) for item in sent.messages] == [
        ("system", "Be brief.\n\nSolve it."),
        ("user", "Hello"),
        ("assistant", "Hi"),
        ("user", "Problem: What is 1 + 1?"),
    ]
    # A limit of the operator's own that is lower stays.
    assert (sent.temperature, sent.max_tokens, sent.stop) == (0.0, 5, ("\n",))
    assert conversation.messages()[-1].content == "What is 1 + 1?"


def test_a_text_ends_before_its_first_stop() -> None:
    assert Sampling(stop=("b", "a")).ended("xxaxb") == "xx"
    assert Sampling().ended("xxaxb") == "xxaxb"
