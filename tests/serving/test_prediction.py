"""Lengths, remaining work and role automata against what made-up histories must give."""

import random
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamas.domain.call_semantics import CallSemantics, PlannedCall
from lamas.errors import DomainError
from lamas.evaluation.serving import forecast_quality
from lamas.serving.prediction.automaton import END, RoleAutomaton
from lamas.serving.prediction.expressions import BoundedExpressions
from lamas.serving.prediction.forecaster import Forecaster
from lamas.serving.prediction.lengths import LengthModel
from lamas.serving.prediction.observed import ObservedCall, observations
from lamas.serving.prediction.remaining import RemainingHistory
from lamas.serving.workloads.workflow import CallTruth, Piece, Workflow
from tests.serving.world import LARGE, SHAPES, SMALL, workflows


def observed(output_tokens: int, **changes: object) -> ObservedCall:
    made = ObservedCall(
        workflow_type="a",
        role="Draft",
        model=SMALL,
        layer=0,
        invocation_index=0,
        input_tokens=50,
        output_tokens=output_tokens,
        seconds_after=1.0,
        steps=1,
    )
    return replace(made, **changes)  # pyright: ignore[reportArgumentType]


def told_by_type(count: int, seed: int) -> list[ObservedCall]:
    """Short answers to one type, long ones to another."""
    rng = random.Random(seed)
    return [
        observed(
            rng.randint(10, 30) if kind == "short" else rng.randint(100, 300), workflow_type=kind
        )
        for kind in (rng.choice(("short", "long")) for _ in range(count))
    ]


def test_lengths_use_the_type_and_beat_the_empirical_quantile_on_calls_unseen() -> None:
    model = LengthModel.fit(told_by_type(600, 0))
    short, long = (model.length("Draft", SMALL, kind, 50) for kind in ("short", "long"))
    assert short.median < 40 < 100 < long.median
    assert short.upper < 120 < long.upper
    forecaster = Forecaster(told_by_type(600, 0), SHAPES)
    everything = forecast_quality(told_by_type(600, 0), told_by_type(600, 1), forecaster)[0]
    assert (everything.role, everything.calls) == ("", 600)
    assert everything.median_loss < 0.5 * everything.baseline_median_loss
    assert everything.upper_loss < everything.baseline_upper_loss


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9])
def test_the_bound_covers_its_level_on_calls_unseen(level: float) -> None:
    model = LengthModel.fit(told_by_type(1500, 2), level=level)
    fresh = told_by_type(1500, 3)
    covered = sum(
        call.output_tokens <= model.length(call.role, call.model, call.workflow_type, 50).upper
        for call in fresh
    )
    # Whole tokens, rounded up, cover a little more.
    assert level - 0.04 < covered / len(fresh) < level + 0.08


def test_strangers_get_the_forecast_of_their_role_or_of_all() -> None:
    calls = [observed(10) for _ in range(100)] + [observed(90, role="Judge") for _ in range(100)]
    model = LengthModel.fit(calls)
    assert model.length("Draft", "unknown", "a", 50).median == 10
    assert 10 <= model.length("Nobody", "unknown", "a", 50).median <= 90
    with pytest.raises(DomainError, match="at least 2 calls"):
        LengthModel.fit(calls[:1])


def test_remaining_work_is_the_median_of_what_followed_calls_like_it() -> None:
    calls = [observed(5, seconds_after=float(value), steps=value) for value in range(1, 10)]
    calls += [observed(5, role="Judge", seconds_after=0.0)] * 9
    history = RemainingHistory(calls)
    assert history.after("a", "Draft", 0) == (5.0, 5.0)
    assert history.after("other", "Judge", 7) == (0.0, 1.0)
    assert RemainingHistory([]).after("a", "Draft", 0) == (0.0, 1.0)


def test_a_known_graph_adds_the_slowest_of_every_layer() -> None:
    calls = [observed(50, input_tokens=100)] * 60 + [
        observed(200, input_tokens=100, role="Judge", model=LARGE)
    ] * 60
    forecaster = Forecaster(calls, SHAPES)
    draft, judge = PlannedCall(role="Draft", model=SMALL), PlannedCall(role="Judge", model=LARGE)
    own = SHAPES[SMALL].alone_seconds(100, 50)
    slow = SHAPES[LARGE].alone_seconds(100, 200)
    semantics = CallSemantics(
        workflow="w",
        workflow_type="a",
        role="Draft",
        siblings=(judge,),
        rest=((draft, judge), (draft,)),
    )
    found = forecaster.forecast(semantics, SMALL, 100, 1000)
    assert found.call_seconds == pytest.approx(own)
    assert found.slack_seconds == pytest.approx(slow - own)
    assert found.graph_seconds == pytest.approx(slow + slow + own)
    assert found.remaining_steps == 3.0
    assert forecaster.forecast(semantics, SMALL, 100, 20).upper_tokens == 20


def test_tails_are_the_longest_paths() -> None:
    """Against every path of every workflow."""

    def paths(item: Workflow, place: int) -> float:
        call = item.calls[place]
        own = SHAPES[call.model].alone_seconds(call.input_tokens, call.output_tokens)
        behind = [
            item.calls[child].delay_seconds + paths(item, child) for child in item.children[place]
        ]
        return own + max(behind, default=0.0)

    for item in workflows(20, seed=6):
        assert item.tails(SHAPES) == pytest.approx(
            [paths(item, place) for place in range(len(item.calls))]
        )
        found = observations([item], SHAPES)
        assert [call.steps for call in found] == [
            2 if item.children[place] else 1 for place in range(len(item.calls))
        ]


def test_a_workflow_refuses_what_cannot_be() -> None:
    call = CallTruth(
        role="a", model=SMALL, layer=0, output_tokens=5, max_tokens=9, prompt=(Piece(1, 1),)
    )
    with pytest.raises(DomainError, match="must all stand before it"):
        Workflow(workflow_type="a", calls=(replace(call, parents=(0,)),))
    with pytest.raises(DomainError, match=re.escape("must be in 1..9")):
        Workflow(workflow_type="a", calls=(replace(call, output_tokens=10),))


SESSIONS = [["a", "a", "b"], ["a", "b"], ["a", "a", "a", "b"]]


def test_an_automaton_counts_runs_and_their_steps() -> None:
    automaton = RoleAutomaton.fit(SESSIONS)
    assert automaton.mean_runs == {"a": 2.0, "b": 1.0}
    assert automaton.transition("a") == {"a": 0.5, "b": 0.5}
    assert automaton.steps_to_end("b") == 1.0
    assert automaton.steps_to_end("a") == pytest.approx(3.0)
    assert automaton.steps_to("a", "b") == pytest.approx(2.0)
    assert automaton.steps_to("b", "a") == float("inf")
    assert automaton.steps_to_end("stranger") == 1.0
    assert automaton.allows(["a", "a", "b"])
    assert not automaton.allows(["b", "a"])


def test_rare_transitions_are_dropped_and_the_end_never() -> None:
    sessions = [["a", "b"]] * 40 + [["a", "c"]]
    automaton = RoleAutomaton.fit(sessions)
    assert automaton.following["a"] == {"b": 1.0}
    assert automaton.following["c"] == {END: 1.0}
    with pytest.raises(DomainError, match="at least one session"):
        RoleAutomaton.fit([[]])


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=12), min_size=1, max_size=12))
def test_steps_to_the_end_solve_their_own_equations(sessions: list[list[str]]) -> None:
    automaton = RoleAutomaton.fit(sessions, rare=0.0)
    for role in automaton.roles:
        expected = 1.0 + sum(
            share * automaton.steps_to_end(after)
            for after, share in automaton.transition(role).items()
            if after != END
        )
        assert automaton.steps_to_end(role) == pytest.approx(expected)
    assert all(automaton.allows(session) for session in sessions)


@pytest.mark.slow
def test_expressions_bound_runs_and_say_what_they_cover() -> None:
    expressions = BoundedExpressions.fit(SESSIONS)
    assert expressions.of_role("a") == "(a){1,3}"
    assert expressions.of_session == "((a){1,3}|(b){1,1}){1,2}"
    assert expressions.session_coverage(SESSIONS) == 1.0
    assert expressions.session_coverage([["a"] * 7, ["a", "b"], ["x"]]) == pytest.approx(1 / 3)
    assert expressions.run_coverage([["a"] * 4, ["a", "b"], ["x"]]) == pytest.approx(2 / 4)
