"""The doubly robust estimate: against a slow one, over all draws, and where its intervals end."""

import itertools
import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamas.evaluation.doubly_robust import DoublyRobust, TrialOutcome, doubly_robust

GRAPHS = st.sampled_from(["a", "b", "c"])
OUTCOMES = st.builds(
    TrialOutcome,
    champion_graph=GRAPHS,
    candidate_graph=GRAPHS,
    by_candidate=st.booleans(),
    candidate_share=st.floats(0.05, 0.5),
    value=st.floats(-10, 10),
)


def naive_term(item: TrialOutcome, others: list[TrialOutcome], graph: str) -> float:
    """What one request says of `graph`, with what all others say of it."""
    mean = sum(one.value for one in others) / len(others)
    same = [one.value for one in others if one.ran == graph]
    expected = (sum(same) + mean) / (len(same) + 1)
    if item.ran != graph:
        return expected
    shares = (
        (item.candidate_graph, item.candidate_share),
        (item.champion_graph, 1 - item.candidate_share),
    )
    return expected + (item.value - expected) / sum(part for who, part in shares if who == graph)


def naive(trials: list[TrialOutcome], policy: str) -> tuple[float, float]:
    """(value, standard error), each term from all other trials anew."""
    terms: list[float] = []
    for place, item in enumerate(trials):
        others = trials[:place] + trials[place + 1 :]
        champion = naive_term(item, others, item.champion_graph)
        candidate = naive_term(item, others, item.candidate_graph)
        found = {"champion": champion, "candidate": candidate}
        terms.append(found.get(policy, candidate - champion))
    value = sum(terms) / len(terms)
    spread = sum((one - value) ** 2 for one in terms) / (len(terms) - 1)
    return value, math.sqrt(spread / len(terms))


@given(st.lists(OUTCOMES, min_size=2, max_size=12))
def test_it_equals_the_slow_one(trials: list[TrialOutcome]) -> None:
    for item in doubly_robust(trials):
        value, error = naive(trials, item.policy)
        assert item.value == pytest.approx(value, rel=1e-9, abs=1e-9)
        assert item.standard_error == pytest.approx(error, rel=1e-6, abs=1e-6)
    assert doubly_robust(trials[:1]) == ()


Question = tuple[str, str, float]
"""Graphs of champion and candidate, and a value that every graph's own value is added to."""


@settings(max_examples=30, deadline=None)
@given(
    questions=st.lists(st.tuples(GRAPHS, GRAPHS, st.floats(-5, 5)), min_size=2, max_size=6),
    share=st.floats(0.1, 0.5),
)
def test_over_all_draws_it_is_the_truth(questions: list[Question], share: float) -> None:
    worth = {"a": 0.0, "b": 1.0, "c": -3.0}
    mean = dict.fromkeys(("champion", "candidate", "difference"), 0.0)
    for draws in itertools.product((False, True), repeat=len(questions)):
        chance = math.prod(share if drawn else 1 - share for drawn in draws)
        trials = [
            TrialOutcome(
                champion_graph=first,
                candidate_graph=second,
                by_candidate=drawn,
                candidate_share=share,
                value=easy + worth[second if drawn else first],
            )
            for (first, second, easy), drawn in zip(questions, draws, strict=True)
        ]
        for item in doubly_robust(trials):
            mean[item.policy] += chance * item.value
    champion = sum(easy + worth[first] for first, _, easy in questions) / len(questions)
    candidate = sum(easy + worth[second] for _, second, easy in questions) / len(questions)
    assert mean["champion"] == pytest.approx(champion, abs=1e-9)
    assert mean["candidate"] == pytest.approx(candidate, abs=1e-9)
    assert mean["difference"] == pytest.approx(candidate - champion, abs=1e-9)


def estimated(seed: int, requests: int) -> tuple[DoublyRobust, ...]:
    """A fifth of the traffic goes to a candidate that is right in 0.7 of the cases, not in 0.5, of
    the half of the questions on which it differs.
    """
    draw = random.Random(seed)
    trials: list[TrialOutcome] = []
    for _ in range(requests):
        drawn, other = draw.random() < 0.2, draw.random() < 0.5
        right = draw.random() < (0.7 if drawn and other else 0.5)
        trials.append(
            TrialOutcome(
                champion_graph="a",
                candidate_graph="b" if other else "a",
                by_candidate=drawn,
                candidate_share=0.2,
                value=float(right),
            )
        )
    return doubly_robust(trials)


def test_intervals_cover_the_truth() -> None:
    covered = 0
    for seed in range(100):
        _, candidate, _ = estimated(seed, 600)
        assert candidate.low is not None
        assert candidate.high is not None
        covered += candidate.low <= 0.6 <= candidate.high
    assert 90 <= covered <= 100


def test_too_little_has_no_interval() -> None:
    champion, candidate, difference = estimated(1, 60)
    assert candidate.by_candidate < 20 <= candidate.by_champion
    assert (candidate.low, candidate.high, difference.low) == (None, None, None)
    assert champion.low is not None
    same = [
        TrialOutcome(
            champion_graph="a",
            candidate_graph="a",
            by_candidate=bool(number % 2),
            candidate_share=0.5,
            value=float(number),
        )
        for number in range(4)
    ]
    champion, candidate, difference = doubly_robust(same)
    assert champion.value == candidate.value == 1.5
    assert (difference.value, difference.low, difference.high) == (0.0, 0.0, 0.0)
