"""What is stored of prompts and answers, and that nothing else changes with it."""

import hashlib
from dataclasses import replace

import pytest

from lamas.domain import ChatMessage, Rollout
from lamas.domain.texts import Texts, with_texts
from tests.naive import naive_labels
from tests.random_rollouts import random_rollouts
from warehouse import Warehouse
from warehouse.reader import Reader
from warehouse.writer import Writer

SECRET = "what only this rollout says"


def spoken(rollout: Rollout) -> Rollout:
    """The rollout with a telling text in every place that holds one."""
    invocations = tuple(
        replace(
            item,
            candidates=(SECRET,) * len(item.candidates),
            calls=tuple(
                replace(
                    call,
                    request_messages=(ChatMessage(role="user", content=SECRET),),
                    response_text=None if call.status == "error" else SECRET,
                )
                for call in item.calls
            ),
            tools=tuple(
                replace(tool, program=SECRET, stdout=SECRET, stderr=SECRET) for tool in item.tools
            ),
        )
        for item in rollout.trace.invocations
    )
    return replace(rollout, trace=replace(rollout.trace, invocations=invocations), answer=SECRET)


@pytest.mark.slow
@pytest.mark.parametrize("texts", ["hash", "drop"])
def test_no_text_is_stored_and_every_audit_is_clean(warehouse: Warehouse, texts: Texts) -> None:
    batch = [spoken(item) for item in random_rollouts(30)]
    Writer(warehouse, texts=texts).add_rollouts(
        [(item, naive_labels(item.trace)) for item in batch]
    )
    columns = warehouse.query(
        "SELECT table_name, column_name FROM duckdb_columns() "
        "WHERE NOT internal AND schema_name = 'main' AND table_name IN "
        "('rollouts', 'operator_invocations', 'model_calls', 'tool_executions')"
    ).rows()
    for table, column in columns:
        found = warehouse.query(
            f"SELECT count(*) FROM {table} WHERE contains({column}::VARCHAR, ?)", [SECRET]
        ).item()
        assert found == 0, (table, column)
    assert [result.name for result in warehouse.audit() if result.rows.height] == []
    stored = {item.rollout_id: item for item in Reader(warehouse).rollouts(with_calls=True)}
    assert stored == {item.rollout_id: with_texts(item, texts) for item in batch}


def test_only_texts_change() -> None:
    rollout = spoken(random_rollouts(1, failed_share=0.0)[0])
    hashed, dropped = with_texts(rollout, "hash"), with_texts(rollout, "drop")
    expected = f"sha256:{hashlib.sha256(SECRET.encode()).hexdigest()}"
    assert with_texts(rollout, "keep") is rollout
    assert hashed.answer == expected
    assert dropped.answer is None
    for one in (hashed, dropped):
        assert one.extracted_answer == rollout.extracted_answer
        assert (one.score, one.cost_usd, one.cp_tokens) == (
            rollout.score,
            rollout.cost_usd,
            rollout.cp_tokens,
        )
    assert hashed.trace.invocations[0].calls[0].request_messages[0].content == expected
    assert dropped.trace.invocations[0].calls[0].request_messages[0].content == ""
    assert dropped.trace.invocations[0].calls[0].response_text is None


@pytest.mark.slow
def test_half_a_surrogate_pair_has_a_digest() -> None:
    rollout = replace(random_rollouts(1)[0], answer="\ud800")
    assert (with_texts(rollout, "hash").answer or "").startswith("sha256:")
