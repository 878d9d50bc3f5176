"""The promotion rule at its edges, and the words in which it is told."""

import math
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamas.evaluation import PairedDifference
from lamas.evaluation.promotion import Rival, Verdict
from lamas.report.verdict import difference_lines, in_one_sentence


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


@pytest.mark.parametrize(
    ("score", "wait", "sentence"),
    [
        ((0.02, -0.01, 0.05), (0.62, 0.5, 0.8), "As good as Programmer, 38 % less wait."),
        (
            (0.1, 0.02, 0.2),
            (1.5, 1.2, 2.0),
            "Better than Programmer by 10.0 points, 50 % mor",
        ),
        (
            (-0.02, -0.2, 0.1),
            (0.9, 0.7, 1.2),
            "Not surely as good as Programmer (-2.0 points), no sure difference in waiting (-10 %",
        ),
        ((-0.1, -0.2, -0.01), (1.0, 1.0, 1.0), "Worse than Programmer by 10.0 points, no sure"),
    ],
)
def test_one_sentence_says_what_it_comes_to(
    score: tuple[float, float, float], wait: tuple[float, float, float], sentence: str
) -> None:
    value, low, high = (math.log(item) for item in wait)
    found = in_one_sentence(
        "Programmer",
        [
            difference("score_difference", *score),
            difference("cp_tokens_log_ratio", 5.0, 4.0, 6.0),
            difference("makespan_seconds_log_ratio", value, low, high),
        ],
        0.05,
    )
    assert found.startswith(sentence)


def rival(score: float, length: float, *, low: float = -0.01, best: bool = False) -> Rival:
    return Rival(
        name="GenerateCoT",
        differences=(
            difference("score_difference", score, low, 0.3),
            difference("cp_tokens_log_ratio", length, length - 0.1, length + 0.1),
        ),
        best=best,
    )


@pytest.mark.parametrize(
    ("score", "length", "holds"),
    [
        (-0.01, 0.0, False),
        (0.0, 0.01, False),
        (-0.01, 0.5, False),
        (0.0, 0.0, True),  # Equal: it chose that graph itself.
        (-0.01, -0.01, True),
        (0.01, 0.5, True),
    ],
)
def test_nothing_that_a_fixed_graph_dominates_is_promoted(
    score: float, length: float, holds: bool
) -> None:
    good = verdict(score_low=0.0, cp_high=-0.1, cost_high=-0.1)
    found = replace(good, rivals=(rival(score, length),))
    assert found.holds is holds
    assert ("the fixed graph GenerateCoT is no worse" in found.reason()) is not holds


def test_the_best_fixed_graphs_score_must_be_reached_but_for_the_margin() -> None:
    good = verdict(score_low=0.0, cp_high=-0.1, cost_high=-0.1)
    short = rival(-0.02, -1.0, low=-0.06)
    assert replace(good, rivals=(short,)).holds
    found = replace(good, rivals=(replace(short, best=True),))
    assert not found.holds
    assert found.reason() == (
        "the score may be more than 5 points below the best fixed graph's, GenerateCoT, "
        "score -2.0 points [-6.0, +30.0]"
    )


def longer(length: float, makespan_low: float) -> Verdict:
    return Verdict(
        differences=(
            difference("score_difference", 0.0, 0.0, 0.1),
            difference("cp_tokens_log_ratio", length, length - 1.0, length + 1.0),
            difference("cost_usd_log_ratio", -1.0, -2.0, -0.5),
            difference("makespan_seconds_log_ratio", 0.5, makespan_low, 1.0),
        ),
        margin=0.05,
    )


@pytest.mark.slow
def test_a_longer_wait_is_not_promoted_unless_it_is_allowed() -> None:
    cheaper = longer(math.log(1.63), -0.1)
    assert cheaper.improved == ("cost_usd_log_ratio",)
    assert not cheaper.holds
    assert cheaper.reason() == (
        "waiting became longer, CP_len +63.0 % [-40.0, +343.1], promotion.longer_wait allows 0 %"
    )
    assert replace(cheaper, longer_wait=0.7).holds
    # Of the makespan, which the machine's mood moves, only what is sure counts.
    assert longer(0.0, -0.1).holds
    assert "makespan" in longer(0.0, 0.1).reason()
    assert replace(longer(0.0, 0.1), timed=False).holds
