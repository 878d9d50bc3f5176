"""A whole run against an endpoint of which every fifth answer is odd, in every way there is."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from lamas.llm.answer_parts import FAILED_FINISHES
from tests.command import Finished
from tests.integration.conftest import TINY
from tests.llm.hostile_mix import KINDS, HostileMix
from tests.llm.scripted_endpoint import ScriptedEndpoint, completion, sends_json
from warehouse import Warehouse
from warehouse.reader import Reader

ROLLOUTS = (
    "learner=reinforce",
    "benchmark.size=50",
    "training.steps=1",
    "training.problems_per_step=7",
    "training.rollouts_per_problem=20",
    "controller.layers=2",
    "evaluation.problems=5",
    "evaluation.samples=4",
    "evaluation.baselines=[generate]",
)
"""140 to learn from and 3 times 20 to compare."""


@pytest.mark.slow
def test_a_run_against_a_hostile_endpoint_ends_clear_and_pays_nothing_twice(
    lamas: Callable[..., Finished], home: Path
) -> None:
    mix = HostileMix(share=0.2)
    with ScriptedEndpoint(mix) as endpoint:
        run = (
            "retrain",
            "llm=endpoint",
            "llm.model=tiny",
            f"llm.base_url={endpoint.base_url}",
            "llm.price={input:1.0,output:2.0,cached_input:0.1}",
            # What two rollouts ask alike is asked once: any second time is one too many.
            "llm.reuse_responses=shared",
            "llm.retry.backoff_seconds=0.01",
            "llm.first_chunk_timeout_seconds=30",
            "execution.granularity=batch",
            "execution.concurrency=8",
            f"home={home}",
            *ROLLOUTS,
        )
        first = lamas(*run, "llm.max_calls=150")
        assert first.code == 1, first.stderr
        assert "llm.max_calls=150 is reached" in first.stderr.splitlines()[-1]
        again = lamas(*run)
    assert again.code == 0, again.stderr
    assert "Traceback" not in first.stderr + again.stderr
    assert "\x1b]" not in first.stderr + again.stderr

    warehouse = Warehouse.open(home / "warehouse.duckdb")
    assert [item.name for item in warehouse.audit() if item.rows.height] == []
    assert [run.status for run in Reader(warehouse).runs()] == ["completed"]
    rollouts = warehouse.query("SELECT status, score, error FROM rollouts")
    assert rollouts.height == 200
    failed = rollouts.filter(pl.col("status") == "failed")
    assert 0 < failed.height < 100
    assert failed["score"].null_count() == failed.height
    assert failed["error"].null_count() == 0

    calls = warehouse.query("FROM model_calls")
    answers = calls.filter(pl.col("status") == "ok")
    reasons = set(answers["response_finish_reasons"].explode().to_list())
    assert reasons <= {"stop", "length"}
    assert not reasons & FAILED_FINISHES
    remarks = set(answers["remarks"].explode().drop_nulls().to_list())
    assert remarks == {
        "usage_incomplete",
        "usage_impossible",
        "text_mended",
        "no_text",
        "only_reasoning",
    }
    assert answers["usage_cached_tokens"].sum() > 0
    assert calls.filter(pl.col("cost_usd") > 0.1).is_empty()
    # Of each request one usable answer at most was sent, over both starts.
    assert max(mix.answered.values()) == 1
    assert len(mix.met) == KINDS


@pytest.mark.slow
def test_a_run_whose_answers_are_thoughts_alone_says_so_and_stops(
    lamas: Callable[..., Finished], home: Path
) -> None:
    thought = completion({"content": None, "reasoning_content": "hm " * 300}, "length")
    with ScriptedEndpoint(sends_json(thought)) as endpoint:
        run = (
            "retrain",
            *TINY,
            "llm=endpoint",
            "llm.model=tiny",
            f"llm.base_url={endpoint.base_url}",
            "execution.granularity=batch",
            f"home={home}",
        )
        first = lamas(*run)
        asked = len(endpoint.script.chats_seen)
        again = lamas(*run)
        # Nothing is asked again but the check before the run.
        assert len(endpoint.script.chats_seen) == asked + 1
        insisting = lamas(*run, "training.max_failed_fraction=1.0")
    for stopped in (first, again):
        assert stopped.code == 1
        last = stopped.stderr.splitlines()[-1]
        assert "answers are empty because the model was still thinking" in last
        assert "raise operators.max_tokens" in last
    assert insisting.code == 0, insisting.stderr
    assert "answers are empty because" in insisting.stderr
    warehouse = Warehouse.open(home / "warehouse.duckdb")
    assert [item.name for item in warehouse.audit() if item.rows.height] == []
    assert warehouse.query("SELECT sum(answers) FROM odd_answers").item() > 0
