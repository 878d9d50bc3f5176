"""Credit rules: known answers, the words of the specification, and what is refused."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamas.domain import (
    CriticalPathLabel,
    ExecutionGraph,
    ExecutionMode,
    GraphChoice,
    PolicyDecision,
    Rollout,
    Trace,
)
from lamas.errors import ConfigurationError, DomainError
from lamas.training import CREDIT_RULES, DecisionReward, RewardWeights, credit_rule, rollout_reward
from tests.training.world import GAMMA, SEVEN, Spent, failed, plan, rollout

WEIGHTS = RewardWeights(lambda_c=3.0, lambda_t=0.005)
LAYERS = (("Generate", "GenerateCoT", "MultiGenerateCoT"), ("ScEnsemble", "EarlyStop"))
SPENT = {
    "Generate": Spent(100.0, 0.01),
    "GenerateCoT": Spent(400.0, 0.02),
    "MultiGenerateCoT": Spent(300.0, 0.04),
    "ScEnsemble": Spent(50.0, 0.08),
    "EarlyStop": Spent(0.0),
}


def finished(
    layers: tuple[tuple[str, ...], ...] = LAYERS,
    spent: dict[str, Spent] = SPENT,
    *,
    post: tuple[Spent, ...] = (),
    mode: ExecutionMode = "parallel",
) -> Rollout:
    decisions = tuple(
        PolicyDecision(
            layer=number,
            draw_order=place,
            operator=name,
            probability=0.5,
            log_probability=-0.7,
            legal=SEVEN.names,
        )
        for number, names in enumerate(layers, start=1)
        for place, name in enumerate(names)
    )
    choice = GraphChoice(ExecutionGraph.of(layers, SEVEN), decisions)
    planned = plan(choice, "r", "p", mode=mode)
    return rollout(planned, lambda _, name: spent[name], 1.0, post=post)


def naive_labels(trace: Trace) -> tuple[CriticalPathLabel, ...]:
    """What the critical path of a parallel trace is, spelled out operator by operator."""
    labels: list[CriticalPathLabel] = []
    for item in trace.invocations:
        layer = [other for other in trace.invocations if other.layer == item.layer]
        longest = max(other.cp_tokens for other in layer)
        without = max((other.cp_tokens for other in layer if other is not item), default=0.0)
        labels.append(
            CriticalPathLabel(
                invocation_id=item.invocation_id,
                layer=item.layer,
                operator=item.operator,
                is_critical=item.cp_tokens == longest,
                slack_tokens=longest - item.cp_tokens,
                layer_max_tokens=longest,
                layer_second_tokens=without,
            )
        )
    return tuple(labels)


def assigned(rule: str, done: Rollout) -> dict[str, DecisionReward]:
    rewards = credit_rule(rule).assign(done, naive_labels(done.trace), WEIGHTS)
    assert [(item.layer, item.operator) for item in rewards] == [
        (item.layer, item.operator) for item in done.plan.decisions
    ]
    assert {item.credit_rule for item in rewards} == {rule}
    return {item.operator: item for item in rewards}


def test_reward_of_a_rollout_in_virtual_seconds() -> None:
    done = finished()
    assert done.cp_tokens == 450.0
    assert rollout_reward(done, WEIGHTS) == pytest.approx(1.0 - 3 * 0.15 - 0.005 * 450 / 50)


def test_uniform_gives_everyone_the_whole_reward() -> None:
    done = finished(post=(Spent(50.0, 0.01),))
    for item in assigned("uniform", done).values():
        assert item.reward == rollout_reward(done, WEIGHTS)
        assert item.latency_term == -WEIGHTS.lambda_t * (500.0 / GAMMA)


def test_cost_only_forgets_time() -> None:
    for item in assigned("cost_only", finished()).values():
        assert item.latency_term == 0.0
        assert item.reward == pytest.approx(1.0 - 3 * 0.15)


def test_critical_path_charges_the_slowest_of_each_layer_with_the_whole_path() -> None:
    rewards = assigned("critical_path", finished())
    whole = -0.005 * (450.0 / 50.0)
    assert {name: item.latency_term for name, item in rewards.items()} == pytest.approx(
        {
            "Generate": 0.0,
            "GenerateCoT": whole,
            "MultiGenerateCoT": 0.0,
            "ScEnsemble": whole,
            "EarlyStop": 0.0,
        }
    )
    assert {item.cost_term for item in rewards.values()} == {-(3.0 * finished().cost_usd)}


def test_an_early_stop_alone_in_its_layer_is_that_layers_slowest() -> None:
    done = finished((("Generate",), ("EarlyStop",)))
    assert assigned("critical_path", done)["EarlyStop"].latency_term == -0.005 * (100.0 / 50.0)
    alone = assigned("marginal", done)["EarlyStop"]
    assert (alone.cost_term, alone.latency_term, alone.reward) == (0.0, 0.0, 1.0)


def test_marginal_charges_own_cost_and_the_time_that_would_vanish() -> None:
    rewards = assigned("marginal", finished())
    assert {name: item.cost_term for name, item in rewards.items()} == pytest.approx(
        {name: -3.0 * spent.cost_usd for name, spent in SPENT.items()}
    )
    assert {name: item.latency_term for name, item in rewards.items()} == pytest.approx(
        {
            "Generate": 0.0,
            "GenerateCoT": -0.005 * 100.0 / 50.0,
            "MultiGenerateCoT": 0.0,
            "ScEnsemble": -0.005 * 50.0 / 50.0,
            "EarlyStop": 0.0,
        }
    )


def test_marginal_charges_nobody_at_a_tie_and_critical_path_both() -> None:
    spent = {"Generate": Spent(200.0), "GenerateCoT": Spent(200.0)}
    done = finished((("Generate", "GenerateCoT"),), spent)
    assert {item.latency_term for item in assigned("marginal", done).values()} == {0.0}
    assert {item.latency_term for item in assigned("critical_path", done).values()} == {
        -0.005 * (200.0 / 50.0)
    }


def test_marginal_charges_post_processing_to_every_decision() -> None:
    post = (Spent(50.0, 0.01), Spent(70.0, 0.02))
    with_post, without = (assigned("marginal", finished(post=of_post)) for of_post in (post, ()))
    assert set(with_post) == set(without)
    for name, item in with_post.items():
        assert item.cost_term == pytest.approx(without[name].cost_term - 3.0 * 0.03)
        # The two ran side by side: the layer takes as long as its slowest.
        assert item.latency_term == pytest.approx(without[name].latency_term - 0.005 * 70.0 / 50.0)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 400), min_size=3, max_size=3))
def test_marginal_equals_removing_the_operator(tokens: list[int]) -> None:
    names = LAYERS[0]
    spent = {name: Spent(float(t)) for name, t in zip(names, tokens, strict=True)}
    rewards = assigned("marginal", finished((names,), spent))
    for name in names:
        rest = tuple(other for other in names if other != name)
        vanished = finished((names,), spent).cp_tokens - finished((rest,), spent).cp_tokens
        assert rewards[name].latency_term == pytest.approx(-0.005 * vanished / 50.0)


def test_in_a_sequential_rollout_everyone_adds_its_own_time() -> None:
    from lamas.timing.critical_path import label

    done = finished(mode="sequential")
    rewards = credit_rule("marginal").assign(done, label(done.trace), WEIGHTS)
    for item in rewards:
        assert item.latency_term == pytest.approx(-0.005 * SPENT[item.operator].tokens / 50.0)


@pytest.mark.parametrize("rule", list(CREDIT_RULES))
def test_a_failed_rollout_has_no_reward(rule: str) -> None:
    done = failed(finished())
    with pytest.raises(DomainError, match=r"rollout r failed .*refused.*leave it out"):
        credit_rule(rule).assign(done, naive_labels(done.trace), WEIGHTS)


@pytest.mark.slow
@pytest.mark.parametrize("rule", ["critical_path", "marginal"])
def test_labels_and_trace_must_cover_the_decisions(rule: str) -> None:
    done = finished()
    with pytest.raises(DomainError, match="has no critical-path label"):
        credit_rule(rule).assign(done, (), WEIGHTS)
    cut = replace(done, trace=replace(done.trace, invocations=done.trace.invocations[:1]))
    with pytest.raises(DomainError, match="no invocation of GenerateCoT in layer 1"):
        credit_rule(rule).assign(cut, naive_labels(done.trace), WEIGHTS)


@pytest.mark.slow
def test_unknown_rules_and_negative_weights_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="'fair' is not one of critical_path, uniform"):
        credit_rule("fair")
    with pytest.raises(ConfigurationError, match="λ_c must be a number ≥ 0, got -1"):
        RewardWeights(lambda_c=-1.0)
