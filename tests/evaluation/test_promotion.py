"""The promotion rule at its edges, and the words in which it is told."""

import math
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamas.evaluation import PairedDifference
from lamas.evaluation.promotion import Verdict
from lamas.report.verdict import difference_lines


def difference(
    metric: str, value: float, low: float | None = None, high: float | None = None
) -> PairedDifference:
    return PairedDifference(
        metric=metric, value=value, low=low, high=high, problems=10, method="bootstrap"
    )


def verdict(
    *, score_low: float | None, cp_high: float | None, cost_high: float | None, margin: float = 0.05
) -> Verdict:
    def made() -> Iterator[PairedDifference]:
        yield difference("score_difference", 0.0, score_low, 0.1)
        if cp_high is not None:
            yield difference("cp_tokens_log_ratio", -1.0, -2.0, cp_high)
        if cost_high is not None:
            yield difference("cost_usd_log_ratio", -1.0, -2.0, cost_high)

    return Verdict(differences=tuple(made()), margin=margin)


@pytest.mark.parametrize(
    ("score_low", "cp_high", "cost_high", "holds"),
    [
        (-0.049, -0.001, 0.5, True),
        (-0.049, 0.5, -0.001, True),
        (-0.05, -0.5, -0.5, False),  # Exactly the margin is not above it.
        (-0.049, 0.0, 0.0, False),  # Exactly no change is no reduction.
        (0.2, 0.5, 0.5, False),
        (None, -0.5, -0.5, False),  # Too few problems for an interval.
        (0.0, None, -0.1, True),
        (0.0, None, None, False),
    ],
)
def test_the_rule(
    score_low: float | None, cp_high: float | None, cost_high: float | None, holds: bool
) -> None:
    found = verdict(score_low=score_low, cp_high=cp_high, cost_high=cost_high)
    assert found.holds is holds


@given(
    low=st.floats(-1, 1),
    cp=st.floats(-2, 2),
    cost=st.floats(-2, 2),
    margin=st.floats(0, 1),
)
def test_holding_means_both_halves(low: float, cp: float, cost: float, margin: float) -> None:
    found = verdict(score_low=low, cp_high=cp, cost_high=cost, margin=margin)
    assert found.holds == (low > -margin and (cp < 0 or cost < 0))


def test_without_a_score_nothing_is_promoted() -> None:
    only = Verdict(differences=(difference("cp_tokens_log_ratio", -1, -2, -0.5),), margin=0.05)
    assert not only.holds


def test_the_reason_names_what_decided() -> None:
    assert "5 points lower" in verdict(score_low=-0.2, cp_high=-1, cost_high=-1).reason()
    assert "neither" in verdict(score_low=0.0, cp_high=0.1, cost_high=0.1).reason()
    both = verdict(score_low=0.0, cp_high=-0.1, cost_high=-0.1).reason()
    assert both == "the score is non-inferior and CP_len and cost fell"
    assert verdict(score_low=0.0, cp_high=0.1, cost_high=-0.1).reason().endswith("and cost fell")


def test_differences_are_told_in_points_and_per_cent() -> None:
    lines = difference_lines(
        [
            difference("score_difference", 0.02, -0.01, 0.05),
            difference("cp_tokens_log_ratio", math.log(0.5), math.log(0.25), math.log(2.0)),
            difference("cost_usd_log_ratio", 0.0),
        ]
    )
    assert lines[0].split() == ["score", "+2.0", "points", "[-1.0,", "+5.0]", "(10", "problems)"]
    assert lines[1].split() == ["cp_tokens", "-50.0", "%", "[-75.0,", "+100.0]", "(10", "problems)"]
    assert lines[2].split() == ["cost_usd", "+0.0", "%", "(10", "problems)"]
