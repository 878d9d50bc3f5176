"""Loaders on files of the published form, written here, and arrivals."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamas.errors import ConfigurationError, DomainError
from lamas.serving.shapes import read_shapes
from lamas.serving.workloads.arrivals import Surges, poisson, rate_at, scaled, sessions
from lamas.serving.workloads.azure import azure_arrivals
from lamas.serving.workloads.mooncake import mooncake_arrivals
from lamas.serving.workloads.recorded import (
    LARGE,
    SMALL,
    TEMPLATES,
    in_halves,
    read_questions,
    recorded_workflows,
)
from lamas.serving.workloads.rollouts import rollout_workflows
from lamas.serving.workloads.weka import read_session, read_sessions
from tests.random_rollouts import random_rollouts
from tests.serving.world import SHAPES, workflows

MODELS = {"big": "B", "small": "S"}


def call(
    t: float, given: int, ids: list[int], *, kind: str = "tool_result", **changes: object
) -> dict[str, object]:
    return {
        "t": t,
        "type": "n",
        "model": "the-big-one",
        "in": given,
        "out": 10,
        "hash_ids": ids,
        "input_types": [kind],
        "api_time": 2.0,
        **changes,
    }


def session_file(folder: Path, requests: Sequence[Mapping[str, object]]) -> Path:
    path = folder / "session.json"
    path.write_text(json.dumps({"id": "t1", "block_size": 64, "requests": requests}))
    return path


def test_a_session_is_turns_of_calls_with_nested_agents_beside_each_other(tmp_path: Path) -> None:
    helper = {"model": "a-small-one"}
    requests = [
        call(0.0, 130, [1, 2], kind="text"),
        {
            "t": 3.0,
            "type": "subagent",
            "subagent_type": "Explore",
            "requests": [call(0.0, 70, [9], **helper), call(5.0, 140, [9, 10], **helper)],
        },
        {
            "t": 3.5,
            "type": "subagent",
            "subagent_type": "Plan",
            "requests": [call(0.0, 64, [9], **helper)],
        },
        call(20.0, 200, [1, 2, 3]),
        call(100.0, 270, [1, 2, 3, 4], kind="text", out=99999),
    ]
    found = read_session(session_file(tmp_path, requests), models=MODELS, max_tokens=500)
    (began, first), (later, second) = found.turns
    assert (began, later) == (0.0, 100.0)
    assert found.roles == (("main", "Explore", "Explore", "Plan", "main"), ("main",))
    assert [item.parents for item in first.calls] == [(), (0,), (1,), (0,), (0, 2, 3)]
    assert [item.layer for item in first.calls] == [0, 1, 2, 1, 3]
    assert [item.model for item in first.calls] == ["B", "S", "S", "S", "B"]
    # From the end of the last parent: 3 − 2, 8 − 5, 3.5 − 2, 20 − 10.
    assert [item.delay_seconds for item in first.calls] == [0.0, 1.0, 3.0, 1.5, 10.0]
    assert [item.input_tokens for item in first.calls] == [130, 70, 140, 64, 200]
    assert second.calls[0].output_tokens == second.calls[0].max_tokens == 500
    assert not first.known_graph


def test_equal_beginnings_of_prompts_are_equal_pieces(tmp_path: Path) -> None:
    requests = [
        call(0.0, 130, [1, 2], kind="text"),
        call(9.0, 260, [1, 2, 3, 4]),
        call(20.0, 200, [1, 2, 7]),
    ]
    ((_, turn),) = read_session(session_file(tmp_path, requests), models=MODELS).turns
    first, second, third = (
        [(piece.number, piece.tokens) for piece in item.prompt] for item in turn.calls
    )
    assert first[0] == second[0] == third[0] == (1, 128)
    assert second[1] == (3, 128)
    assert third[1] == (7, 64)
    ends = {first[1][0], second[2][0], third[2][0]}
    assert len(ends) == 3
    assert [first[1][1], second[2][1], third[2][1]] == [2, 4, 8]


def test_what_is_no_session_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is no agent session"):
        read_session(tmp_path / "none.json", models=MODELS)
    path = session_file(tmp_path, [call(0.0, 1, [], model="huge")])
    with pytest.raises(ConfigurationError, match="no model stands for the trace's 'huge'"):
        read_session(path, models=MODELS)
    with pytest.raises(ConfigurationError, match="no agent sessions were found"):
        read_sessions([], models=MODELS)


def test_an_azure_trace_keeps_its_times(tmp_path: Path) -> None:
    path = tmp_path / "azure.csv"
    path.write_text(
        "TIMESTAMP,ContextTokens,GeneratedTokens\n"
        "2023-11-16 18:17:04.0319600,3180,8\n2023-11-16 18:17:03.9799600,4808,5000\n"
    )
    first, second = azure_arrivals(path, model="m", max_tokens=100)
    assert (first.at, second.at) == (0.0, pytest.approx(0.052))
    assert [item.workflow.calls[0].input_tokens for item in (first, second)] == [4808, 3180]
    assert [item.workflow.calls[0].output_tokens for item in (first, second)] == [100, 8]
    assert [item.at for item in scaled([first, second], 2.0)] == [0.0, pytest.approx(0.026)]
    path.write_text("a,b\n1,2\n")
    with pytest.raises(ConfigurationError, match="is no Azure trace"):
        azure_arrivals(path, model="m")


def test_a_mooncake_trace_shares_its_blocks(tmp_path: Path) -> None:
    path = tmp_path / "mooncake.jsonl"
    lines = [
        {"timestamp": 1000, "input_length": 1000, "output_length": 5, "hash_ids": [4, 6]},
        {"timestamp": 0, "input_length": 512, "output_length": 0, "hash_ids": [4]},
    ]
    path.write_text("\n".join(map(json.dumps, lines)))
    first, second = mooncake_arrivals(path, model="m")
    assert (first.at, second.at) == (0.0, 1.0)
    one, two = (item.workflow.calls[0].prompt for item in (first, second))
    assert one[0].segment(first.instance) == two[0].segment(second.instance)
    assert [piece.tokens for piece in two] == [512, 488]
    path.write_text("{}\n")
    with pytest.raises(ConfigurationError, match="line 1 of"):
        mooncake_arrivals(path, model="m")


def recorded_files(folder: Path, count: int) -> tuple[Path, Path]:
    ids = list(range(count))
    questions, answers = folder / "questions.parquet", folder / "answers.parquet"
    pl.DataFrame(
        {
            "question_id": ids,
            "benchmark": ["mmlu_pro"] * count,
            "question": ["four" * 5] * count,
            "category": ["law"] * count,
        }
    ).write_parquet(questions)
    rows = [
        (number, "GenerateCoT", model, 0, "x" * 4 * (place + 1))
        for number in ids
        for place, model in enumerate((*SMALL, *LARGE))
    ]
    pl.DataFrame(
        rows, schema=["question_id", "operator", "model", "sample", "text"], orient="row"
    ).write_parquet(answers)
    return questions, answers


def test_recorded_answers_become_graphs_of_their_lengths(tmp_path: Path) -> None:
    asked = read_questions(*recorded_files(tmp_path, 40))
    assert (asked[0].tokens, asked[0].category) == (5, "law")
    assert asked[0].answers[SMALL[1]] == 2
    found = recorded_workflows(asked, seed=0)
    assert found == recorded_workflows(asked, seed=0)
    assert len({len(item.calls) for item in found}) > 2
    for item in found:
        layers = tuple(tuple(call.model or "" for call in layer) for layer in item.layers)
        assert layers in TEMPLATES
        for call_ in item.calls:
            assert call_.output_tokens == asked[0].answers[call_.model]
            assert {item.calls[place].layer for place in call_.parents} <= {call_.layer - 1}
    first, second = in_halves(asked, seed=1)
    assert not {item.question_id for item in first} & {item.question_id for item in second}
    assert len(first) + len(second) == len(asked)
    with pytest.raises(ConfigurationError, match=r"set simulation\.questions"):
        read_questions(tmp_path / "none", tmp_path / "none")


def test_rollouts_keep_their_layers_and_tokens() -> None:
    rollouts = random_rollouts(30, seed=3, failed_share=0.2)
    found = rollout_workflows(rollouts, workflow_type="math")
    answered = [
        [call for item in rollout.trace.invocations for call in item.calls if call.status == "ok"]
        for rollout in rollouts
        if rollout.status == "ok"
    ]
    expected = [sorted(max(c.usage_output_tokens, 1) for c in calls) for calls in answered if calls]
    assert [sorted(c.output_tokens for c in item.calls) for item in found] == expected
    for item in found:
        for call_ in item.calls:
            assert all(item.calls[place].layer < call_.layer for place in call_.parents)


def test_arrivals_come_in_order_at_their_rate() -> None:
    pool = workflows(20, seed=1)
    found = list(poisson(pool, rate=5.0, count=2000, seed=3, tenants=3))
    assert [item.at for item in found] == sorted(item.at for item in found)
    assert found[-1].at == pytest.approx(400.0, rel=0.1)
    counts = [sum(item.tenant == f"tenant{number}" for item in found) for number in (1, 2, 3)]
    assert counts[0] > counts[1] > counts[2] > 0
    assert rate_at(1.0, pool, SHAPES, 2) == pytest.approx(2 * rate_at(0.5, pool, SHAPES, 2))
    with pytest.raises(DomainError, match="load=0"):
        rate_at(0, pool, SHAPES, 2)


SURGES = st.builds(
    Surges,
    factor=st.floats(1, 20),
    seconds=st.floats(1, 99),
    every_seconds=st.floats(100, 1000),
)


@given(surges=SURGES, even=st.floats(0, 1e5), later=st.floats(0, 1e3))
def test_surges_keep_the_order_and_the_mean_rate(surges: Surges, even: float, later: float) -> None:
    assert surges.at(even) <= surges.at(even + later) + 1e-6
    whole = round(even / surges.every_seconds) * surges.every_seconds
    assert surges.at(whole) == pytest.approx(whole, abs=1e-3)
    assert surges.at(even) <= even + 1e-6
    assert replace(surges, factor=1.0).at(even) == pytest.approx(even)


def test_so_many_times_as_many_arrive_in_a_surge() -> None:
    surges = Surges(factor=6.0, seconds=60.0, every_seconds=300.0)
    pool = workflows(20, seed=1)
    found = [item.at for item in poisson(pool, rate=5.0, count=9000, seed=3, surges=surges)]
    swollen = sum(at % 300.0 < 60.0 for at in found)
    assert swollen / (len(found) - swollen) == pytest.approx(6.0 * 60.0 / 240.0, rel=0.1)
    assert found[-1] == pytest.approx(1800.0, rel=0.1)
    for wrong in ({"factor": 0.5}, {"seconds": 300.0}, {"seconds": 0.0}):
        with pytest.raises(DomainError, match="shorter than"):
            replace(surges, **wrong)


def test_sessions_take_their_turns_in_order(tmp_path: Path) -> None:
    requests = [call(float(at), 64, [1], kind="text") for at in (0, 10, 500)]
    session = read_session(session_file(tmp_path, requests), models=MODELS)
    found = list(sessions([session], rate=0.1, count=30, seed=0, longest_pause_seconds=20.0))
    assert len(found) == 90
    assert [item.at for item in found] == sorted(item.at for item in found)
    own = [item.at for item in found if item.instance == 7]
    assert [round(later - at, 6) for at, later in pairwise(own)] == [10.0, 20.0]


def test_packaged_shapes_have_the_bytes_that_their_heads_make() -> None:
    shapes = read_shapes()
    assert shapes["Meta-Llama-3_1-8B-Instruct"].token_bytes == 131_072
    assert shapes["Meta-Llama-3_1-70B-Instruct"].token_bytes == 327_680


@pytest.mark.slow
def test_shapes_that_cannot_be_are_told(tmp_path: Path) -> None:
    path = tmp_path / "shapes.yaml"
    path.write_text("m: {layers: 0}")
    with pytest.raises(ConfigurationError, match=r"shapes\.yaml: m"):
        read_shapes(path)
