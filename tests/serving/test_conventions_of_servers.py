"""What foreign requests say of their place, and what is written for each server."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamas.domain.call_semantics import CallSemantics, PlannedCall
from lamas.serving.conventions import CONVENTIONS, semantics_of, stripped, told, written
from lamas.serving.conventions.opentelemetry import attributes
from lamas.serving.conventions.wire import Hint

SEMANTICS = CallSemantics(
    workflow="w1",
    workflow_type="math",
    session="s1",
    tenant="t1",
    role="SelfRefine",
    layer=1,
    rest=((PlannedCall(role="ScEnsemble"),),),
    deadline_seconds=12.5,
)
TEXT = st.text("abYZ019äß中", min_size=1, max_size=20)


@settings(max_examples=30)
@given(
    workflow=TEXT,
    kind=TEXT,
    session=TEXT,
    tenant=TEXT,
    role=TEXT,
    layer=st.integers(0, 9),
    deadline=st.one_of(st.none(), st.integers(1, 10**6).map(lambda ms: ms / 1000)),
)
def test_what_we_write_we_read(
    workflow: str,
    kind: str,
    session: str,
    tenant: str,
    role: str,
    layer: int,
    deadline: float | None,
) -> None:
    given_ = CallSemantics(
        workflow=workflow,
        workflow_type=kind,
        session=session,
        tenant=tenant,
        role=role,
        layer=layer,
        deadline_seconds=deadline,
    )
    request = written("lamas", given_, Hint())
    assert semantics_of(request.body, request.headers, otherwise="?") == given_


def test_urgency_has_the_sign_that_each_server_wants() -> None:
    urgent, idle = (
        {name: written(name, SEMANTICS, Hint(rank=rank, output_tokens=40)) for name in CONVENTIONS}
        for rank in (0, 7)
    )
    assert (urgent["vllm"].body, idle["vllm"].body) == ({"priority": 0}, {"priority": 7})
    assert idle["sglang"].body == {"priority": -7, "session_id": "s1"}
    assert idle["dynamo"].body == {"nvext": {"agent_hints": {"priority": -7, "osl": 40}}}
    assert idle["dynamo"].headers == {"x-dynamo-session-id": "s1"}
    assert idle["llm_d"].headers == {
        "x-llm-d-inference-objective": "math",
        "x-llm-d-inference-fairness-id": "t1",
    }
    assert idle["openai"].body["prompt_cache_key"] == "math:SelfRefine"
    assert idle["program"].body == {"program_id": "w1"}
    assert idle["lamas"].body["lamas"] == {
        "workflow": "w1",
        "tenant": "t1",
        "operator": "SelfRefine",
        "layer": 1,
        "remaining": 2,
        "deadline_ms": 12500,
    }


def test_a_strict_server_never_sees_our_fields() -> None:
    body = {"model": "m", **written("lamas", SEMANTICS, Hint()).body}
    assert stripped(body) == {"model": "m"}


def test_newer_names_win_and_headers_know_no_case() -> None:
    known = told(
        {"program_id": "p"},
        {
            "X-Gateway-Inference-Objective": "old",
            "x-llm-d-inference-objective": "new",
            "X-Session-Id": "s",
        },
    )
    assert known == {"workflow": "p", "session": "s", "workflow_type": "new"}


def test_what_a_stranger_bent_is_left_out() -> None:
    body = {
        "app_metadata": ["no object"],
        "lamas": {"layer": -1, "deadline_ms": "soon", "operator": "a\nb", "remaining": True},
        "metadata": {"workflow": 7},
        "program_id": "x" * 1000,
    }
    assert semantics_of(body, {}, otherwise="other") == CallSemantics(workflow="x" * 256)
    assert semantics_of({}, {}, otherwise="other") == CallSemantics(workflow="other")


@pytest.mark.slow
def test_spans_carry_the_published_names() -> None:
    assert attributes(SEMANTICS) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.workflow.name": "math",
        "gen_ai.agent.name": "SelfRefine",
        "gen_ai.conversation.id": "s1",
    }
