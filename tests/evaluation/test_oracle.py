"""The oracle over rollouts of operators that ran alone, and the gap that a policy closed."""

import pytest

from lamas.domain import EvaluationMetric, RolloutResult
from lamas.evaluation import EvaluationLabel
from lamas.evaluation.oracle import Gap, best_answers
from lamas.report.gap import gap_sentence


def result(policy: str, problem: str, score: float | None, tokens: float) -> RolloutResult:
    return RolloutResult(
        rollout_id=f"{policy}/{problem}",
        problem_id=problem,
        policy=policy,
        step=0,
        sample_index=0,
        retry=0,
        score=score,
        cost_usd=0.0,
        cp_tokens=tokens,
        virtual_seconds=tokens / 50.0,
        makespan_seconds=1.0,
        replayed_calls=0,
        status="failed" if score is None else "ok",
    )


def metrics(score: float, tokens: float) -> list[EvaluationMetric]:
    return [
        EvaluationMetric(
            evaluation_id="e",
            run_id="r",
            checkpoint_id=None,
            policy="p",
            split="test",
            metric=name,
            value=value,
            low=None,
            high=None,
            n=10,
            failed=0,
            method="mean",
        )
        for name, value in (("score", score), ("cp_tokens_mean", tokens))
    ]


def test_the_oracle_takes_the_best_then_the_shortest_then_the_first_by_name() -> None:
    found = best_answers(
        [
            result("Long", "a", 1.0, 40.0),
            result("Quick", "a", 1.0, 10.0),
            result("Quick", "b", 0.0, 10.0),
            result("Long", "b", 1.0, 40.0),
            result("Zeal", "c", 0.0, 10.0),
            result("Quick", "c", 0.0, 10.0),
            result("Quick", "d", None, 0.0),
        ]
    )
    assert [item.rollout_id for item in found] == ["Quick/a", "Long/b", "Quick/c"]


def test_the_gap_is_closed_in_score_less_the_price_of_waiting() -> None:
    fixed, oracle, own = metrics(0.7, 40.0), metrics(0.9, 20.0), metrics(0.7, 20.0)
    gap = Gap.between(fixed, oracle, multiplier=0.01, clock="tokens")
    assert gap is not None
    assert gap.width == pytest.approx(0.4)
    assert gap.closed(own) == pytest.approx(0.5)
    label = EvaluationLabel(
        evaluation_id="mine", run_id="r", checkpoint_id="c", policy="p", split="test"
    )
    row = gap.metric(own, label)
    assert row is not None
    assert (row.metric, row.value, row.evaluation_id) == ("gap_closed", gap.closed(own), "mine")
    words = gap_sentence(gap, "Long", {"conditioned": gap.closed(own), "nobody": None})
    assert words == (
        "From the best fixed graph, Long, to the oracle: 40.0 points of S − μT at 0.01 a token; "
        "closed by conditioned 50 %."
    )


def test_without_a_gap_there_is_nothing_to_choose() -> None:
    same = metrics(0.7, 40.0)
    gap = Gap.between(same, same, multiplier=0.01, clock="tokens")
    assert gap is not None
    assert gap.closed(same) is None
    assert gap_sentence(gap, "Long", {"conditioned": None}).startswith("Nothing to choose")


@pytest.mark.slow
def test_seconds_that_were_not_measured_make_no_gap() -> None:
    known = metrics(0.7, 1.0)
    assert Gap.between(known, known, multiplier=1.0, clock="seconds") is None
