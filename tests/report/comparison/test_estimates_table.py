"""What the tables of a comparison say, in words and figures."""

import math
from dataclasses import replace

import pytest

from lamas.domain import ComparisonEstimate
from lamas.report.comparison.estimates_table import (
    differences,
    markdown,
    sample_size_lines,
    variant_rows,
)

SCORE = ComparisonEstimate(
    comparison_run_id="compare-1",
    variant="lamas",
    reference="maas",
    metric="score_difference",
    value=-0.004,
    low=-0.012,
    high=0.004,
    standard_error=0.004,
    degrees=50.0,
    p_value=0.3,
    seeds=5,
    problems=400,
    pairs=2000,
    method="test",
    margin=0.02,
    verdict="non-inferior",
    margin_p_value=0.001,
)
CP_LEN = replace(
    SCORE,
    metric="cp_tokens_log_ratio",
    value=math.log(0.6),
    low=math.log(0.5),
    high=math.log(0.7),
    margin=None,
    verdict=None,
)
COST = replace(CP_LEN, metric="cost_usd_log_ratio", low=math.log(0.5), high=math.log(1.2))
OWN = tuple(
    replace(SCORE, variant=name, reference="", metric=metric, value=value, low=None, high=None)
    for name, score in (("maas", 0.8), ("lamas", 0.9))
    for metric, value in (("score", score), ("cp_tokens", 500.0), ("cost_usd", 0.002))
)


def test_variants_stand_by_score_and_show_what_was_measured() -> None:
    rows = variant_rows([*OWN, SCORE])
    assert rows == [
        ("lamas", "5", "400", "90.0", "500", "2.000", "–"),
        ("maas", "5", "400", "80.0", "500", "2.000", "–"),
    ]


def test_a_difference_says_what_is_sure() -> None:
    (found,) = differences([*OWN, SCORE, CP_LEN, COST])
    assert found.verdict == "score non-inferior, CP_len lower, cost unclear"
    cells = found.cells()
    assert cells[:3] == ("lamas", "maas", "-0.4 [-1.2, +0.4]")
    assert cells[3] == "-40.0 [-50.0, -30.0]"
    assert cells[5] == "–"


@pytest.mark.parametrize(
    ("low", "high", "word"), [(0.1, 0.2, "higher"), (-0.2, -0.1, "lower"), (-0.1, 0.1, "unclear")]
)
def test_the_sign_of_an_interval_decides_the_word(low: float, high: float, word: str) -> None:
    (found,) = differences([SCORE, replace(CP_LEN, low=low, high=high)])
    assert f"CP_len {word}" in found.verdict


def test_too_small_a_sample_is_said() -> None:
    # t interval: n · (z_0.975 + z_0.9)² · (error · √n / margin)² / n ≈ 400 · 10.5 · 0.04 = 168.
    (enough,) = differences([SCORE])
    assert enough.problems_needed is not None
    assert 165 <= enough.problems_needed <= 175
    assert sample_size_lines([enough]) == []
    (few,) = differences([replace(SCORE, standard_error=0.02)])
    (line,) = sample_size_lines([few])
    assert "(here 400) would show a score within 2 points with 90 % power" in line


@pytest.mark.slow
def test_the_artifact_holds_both_tables() -> None:
    text = markdown([*OWN, SCORE, CP_LEN], "compare: test")
    assert text.startswith("# compare: test")
    assert "| lamas | maas | -0.4 [-1.2, +0.4] |" in text
