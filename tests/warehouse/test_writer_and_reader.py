"""What is written comes back equal; twice is once; contradictions are refused."""

import itertools
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lamas.domain import CodeTests, Rollout
from lamas.errors import WarehouseError
from tests.factories import (
    T0,
    Step,
    make_call,
    make_checkpoint,
    make_problem,
    make_rollout,
    make_run,
    step,
)
from tests.naive import naive_credits, naive_labels
from tests.random_rollouts import random_rollouts
from tests.warehouse.records import make_metric, make_update, rollouts
from warehouse import Warehouse
from warehouse.reader import Reader
from warehouse.writer import Writer

Store = Callable[..., int]

numbers = itertools.count()


@pytest.mark.slow
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_any_rollout_comes_back_equal(store: Store, reader: Reader, data: st.DataObject) -> None:
    names = [f"any-{next(numbers)}" for _ in range(2)]
    written = [data.draw(rollouts(name)) for name in names]
    store(*written)
    found = {item.rollout_id: item for item in reader.rollouts(rollout_ids=names, with_calls=True)}
    assert [found[name] for name in names] == written


@pytest.mark.slow
def test_realistic_rollouts_come_back_equal_and_in_order(store: Store, reader: Reader) -> None:
    written = random_rollouts(50, seed=5)
    store(*reversed(written))
    key = sorted(written, key=lambda item: (item.plan.problem_id, item.plan.sample_index))
    assert list(reader.rollouts("run-1", with_calls=True)) == key
    without = reader.rollouts("run-1")
    assert all(not part.calls for item in without for part in item.trace.invocations)
    assert [item.cp_tokens for item in without] == [item.cp_tokens for item in key]


@pytest.mark.slow
def test_rollouts_are_found_by_what_they_are(store: Store, reader: Reader) -> None:
    first = make_rollout(rollout_id="a", at_step=1)
    second = make_rollout(rollout_id="b", at_step=2, purpose="evaluate", checkpoint_id="lamas-1")
    store(first, second)
    assert names(reader.rollouts("run-1", step=2)) == ["b"]
    assert names(reader.rollouts(purpose="train")) == ["a"]
    assert names(reader.rollouts(checkpoint_id="lamas-1")) == ["b"]
    assert names(reader.rollouts(policy="nobody")) == []
    assert names(reader.rollouts(rollout_ids=[])) == []
    assert reader.rollout_statuses("run-1") == {"a": "ok", "b": "ok"}
    assert reader.rollout_statuses("another") == {}


@pytest.mark.slow
def test_labels_come_back_in_order(store: Store, reader: Reader) -> None:
    written = random_rollouts(10, seed=6)
    store(*written)
    found = reader.labels([item.rollout_id for item in written])
    assert found == {item.rollout_id: naive_labels(item.trace) for item in written}


@pytest.mark.slow
def test_writing_twice_stores_once(
    store: Store, writer: Writer, reader: Reader, warehouse: Warehouse
) -> None:
    written = random_rollouts(20, seed=7, failed_share=0.0)
    credits = [credit for item in written for credit in naive_credits(item, "uniform")]
    for new in (20, 0):
        writer.add_run(make_run())
        assert store(*written, *written[:3]) == new
        writer.add_credits(credits)
        writer.add_updates([make_update()], checkpoints=[make_checkpoint(1)], credits=credits)
        writer.add_evaluations([make_metric(), make_metric("cost_usd", 0.5)])
    assert len(reader.rollouts("run-1")) == 20
    assert len(reader.credits(run_id="run-1")) == len(credits)
    assert reader.updates("run-1") == (make_update(),)
    assert reader.evaluations(run_id="run-1") == (make_metric("cost_usd", 0.5), make_metric())
    calls = sum(len(part.calls) for item in written for part in item.trace.invocations)
    assert warehouse.query("SELECT count(*) FROM model_calls").item() == calls


@pytest.mark.slow
def test_of_two_rollouts_with_one_name_the_first_stands_with_all_its_parts(
    store: Store, reader: Reader
) -> None:
    first = make_rollout([[step("Generate", 100)]])
    second = make_rollout([[step("Generate", 200, 5), step("GenerateCoT", 7)]])
    store(first)
    assert store(second) == 0
    assert reader.rollouts(with_calls=True) == (first,)


@pytest.mark.slow
def test_credits_come_back_by_step_and_rule(store: Store, writer: Writer, reader: Reader) -> None:
    first, second = make_rollout(rollout_id="a"), make_rollout(rollout_id="b", at_step=2)
    store(first, second)
    for item, rule in itertools.product((first, second), ("uniform", "marginal")):
        writer.add_credits(naive_credits(item, rule))
    assert reader.credits(step=2, credit_rule="marginal") == naive_credits(second, "marginal")
    assert len(reader.credits(run_id="run-1")) == 4


@pytest.mark.slow
def test_problems_come_back_with_tests_metadata_and_embeddings(
    writer: Writer, reader: Reader
) -> None:
    code = replace(
        make_problem(0, benchmark="code"),
        family="code",
        tests=CodeTests(entry_point="f", public=("assert f(1) == 1",), hidden="def check(): ..."),
        metadata={"level": "schwer «ü»", "": "empty"},
    )
    embedding = np.linspace(-1, 1, 384, dtype=np.float32)[None, :]
    writer.add_problems([code], embedding)
    assert reader.problems(benchmark="code") == (code,)
    ids = ["code/v1/0", "sums/v1/3", "code/v1/0"]
    found = reader.embeddings(ids)
    assert found.shape == (3, 384)
    assert found.dtype == np.float32
    assert (found[0] == embedding[0]).all()
    assert (found[0] == found[2]).all()
    assert reader.embeddings([]).shape == (0, 384)
    assert len(reader.problems(benchmark="sums", split="train")) == 5


@pytest.mark.slow
def test_half_a_surrogate_pair_is_replaced_and_the_rest_kept(store: Store, reader: Reader) -> None:
    odd = Step(operator="Generate", calls=(replace(make_call(), response_text="a\ud800b\0c"),))
    store(make_rollout([[odd]]))
    (found,) = reader.rollouts(with_calls=True)
    assert found.trace.invocations[0].calls[0].response_text == "a?b\0c"


def test_a_number_that_no_column_holds_is_a_sentence_that_names_the_rollout(
    store: Store, reader: Reader
) -> None:
    poisoned = replace(make_call(), usage_input_tokens=2**63)
    with pytest.raises(WarehouseError, match=r"invocation_id large/.*input_tokens=9223372"):
        store(make_rollout([[Step(operator="Generate", calls=(poisoned,))]], rollout_id="large"))
    assert reader.rollouts("run-1") == ()


@pytest.mark.slow
def test_a_run_is_finished_and_taken_up_again(writer: Writer, reader: Reader) -> None:
    writer.finish_run("run-1", "failed", ended_at=T0 + 5, error="no endpoint")
    assert reader.run("run-1").error == "no endpoint"
    writer.add_run(make_run())
    assert reader.run("run-1") == make_run()
    writer.finish_run("run-1", "completed", ended_at=T0 + 9)
    writer.add_run(make_run())
    assert reader.run("run-1").status == "completed"
    assert [run.run_id for run in reader.runs(kind="retrain")] == ["run-1"]
    assert reader.runs(kind="prepare") == ()


@pytest.mark.slow
def test_a_contradiction_is_refused_and_nothing_of_its_batch_stored(
    store: Store, writer: Writer, reader: Reader
) -> None:
    moved = replace(make_problem(0), split="test")
    new = make_problem(99)
    with pytest.raises(WarehouseError, match=r"problems sums/v1/0 .* another split"):
        writer.add_problems([new, moved], np.zeros((2, 384), np.float32))
    assert new not in reader.problems()
    item = make_rollout()
    store(item)
    credits = naive_credits(item, "uniform")
    writer.add_credits(credits)
    with pytest.raises(WarehouseError, match="another cost_term, reward"):
        writer.add_credits(naive_credits(item, "uniform", lambda_c=9.0))
    assert reader.credits() == credits


def test_a_rollout_without_its_problem_is_refused_whole(store: Store, reader: Reader) -> None:
    with pytest.raises(WarehouseError, match="nothing of it was stored"):
        store(make_rollout(rollout_id="good"), make_rollout(rollout_id="bad", problem_id="none"))
    assert reader.rollouts() == ()


def test_what_is_unknown_is_named(writer: Writer, reader: Reader) -> None:
    with pytest.raises(WarehouseError, match="run nope is not in warehouse"):
        reader.run("nope")
    with pytest.raises(WarehouseError, match="run nope is unknown"):
        writer.finish_run("nope", "completed", ended_at=T0)
    with pytest.raises(WarehouseError, match=r"problem nope/1 .*lamas prepare"):
        reader.embeddings(["nope/1"])


@pytest.mark.slow
def test_misshapen_records_are_refused(store: Store, writer: Writer) -> None:
    with pytest.raises(WarehouseError, match=r"shape \(1, 384\), got \(1, 3\)"):
        writer.add_problems([make_problem()], np.zeros((1, 3), np.float32))
    item = make_rollout()
    odd = replace(item, trace=replace(item.trace, execution_mode="sequential"))
    with pytest.raises(WarehouseError, match="planned parallel and ran sequential"):
        store(odd)


def names(found: tuple[Rollout, ...]) -> list[str]:
    return [item.rollout_id for item in found]
