"""The final table says what was stored, in a person's units."""

import pytest

from lamas.domain import EvaluationMetric
from lamas.evaluation import EvaluationLabel, summarise
from lamas.report.run.metrics_table import HEADERS, NOTE, Standing, markdown, print_standings
from tests.factories import make_rollout, step


def standing(name: str = "lamas, step 2") -> Standing:
    rollouts = [
        make_rollout(
            [[step("Generate", 100 * (number + 1), cost_usd=0.001)]],
            rollout_id=f"r{number}",
            problem_id=f"sums/v1/{number}",
            purpose="evaluate",
            score=float(number % 2),
        )
        for number in range(4)
    ]
    label = EvaluationLabel(
        evaluation_id="e", run_id="run-1", checkpoint_id=None, policy="p", split="test"
    )
    return Standing(name=name, metrics=summarise(rollouts, label))


def metric(name: str, value: float, low: float | None = None) -> EvaluationMetric:
    return EvaluationMetric(
        evaluation_id="e",
        run_id="run-1",
        checkpoint_id=None,
        policy="p",
        split="test",
        metric=name,
        value=value,
        low=low,
        high=None if low is None else 2 * value - low,
        n=3,
        failed=1,
        method="mean",
    )


def test_cells_hold_what_was_summarised() -> None:
    row = dict(zip(HEADERS, standing().cells(), strict=True))
    assert row["policy"] == "lamas, step 2"
    assert (row["n"], row["failed"]) == ("4", "0")
    assert row["score %"].startswith("50.0 [")
    assert row["USD/1000"].startswith("1.000")
    assert row["CP_len mean"].startswith("250 [")
    assert row["p50"] == "250"


def test_what_is_missing_is_a_dash_and_what_has_no_interval_shows_none() -> None:
    metrics = (
        metric("score", 0.5),
        metric("cost_usd", 0.001, 0.0005),
        metric("cp_tokens_mean", 10),
    )
    row = dict(zip(HEADERS, Standing(name="x", metrics=metrics).cells(), strict=True))
    assert row["score %"] == "50.0"
    assert row["USD/1000"] == "1.000 [0.500, 1.500]"
    assert row["makespan s"] == row["p50"] == "–"
    assert row["failed"] == "1"


@pytest.mark.slow
def test_the_printed_table_is_never_wrapped_in_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    print_standings([standing(), standing("generate")], "generated, 4 problems — simulated model")
    lines = capsys.readouterr().out.splitlines()
    assert "simulated model" in lines[0]
    rows = [line for line in lines if line.startswith(("lamas, step 2", "generate "))]
    assert len(rows) == 2
    assert rows[0].split() == " ".join(standing().cells()).split()


@pytest.mark.slow
def test_markdown_has_a_row_for_each_entrant() -> None:
    text = markdown([standing(), standing("generate")], "title")
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len(rows) == 4
    assert {row.count("|") for row in rows} == {len(HEADERS) + 1}
    assert text.endswith(NOTE)
