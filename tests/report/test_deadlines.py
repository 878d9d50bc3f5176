"""What was asked and what came out, in words."""

from lamas.domain import EvaluationMetric
from lamas.report.deadlines import deadline_sentences


def metrics(**values: float) -> list[EvaluationMetric]:
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
        for name, value in values.items()
    ]


def test_each_deadline_has_a_line_with_mean_and_p90() -> None:
    found = metrics(score=0.5, cp_tokens_mean=190.0, cp_tokens_p90=400.0)
    assert deadline_sentences([(200.0, found), (100.0, found)], "tokens") == (
        "Asked for 200 tokens of CP_len: 190 on average (-5.0 %), p90 400.\n"
        "Asked for 100 tokens of CP_len: 190 on average (+90.0 %), p90 400."
    )


def test_what_was_not_measured_or_not_asked_is_not_made_up() -> None:
    said = deadline_sentences([(2.0, metrics(score=0.5))], "seconds")
    assert said == "Asked for 2 s: no waiting was measured."
    assert deadline_sentences([], "seconds") == ""
