"""Every report query against the same figure computed from the records in plain Python."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import cast

import pytest
from scipy import stats

from lamas.domain import CriticalPathLabel, OperatorInvocation, Rollout
from lamas.evaluation import EvaluationLabel, quantile, summarise
from lamas.report.candidates import CandidateEstimate
from lamas.report.deadlines import DeadlineKept
from tests.naive import naive_labels, plain_sum
from tests.report.conftest import TEST_PROBLEMS, Recorded, category_of, held_out
from tests.warehouse.latency import make_fit

Key = tuple[str, str | None]


def mean(values: Sequence[float]) -> float:
    return plain_sum(values) / len(values)


def score(rollout: Rollout) -> float:
    assert rollout.score is not None
    return rollout.score


def labelled(rollout: Rollout) -> Iterable[tuple[OperatorInvocation, CriticalPathLabel]]:
    return zip(rollout.trace.invocations, naive_labels(rollout.trace), strict=True)


@pytest.mark.slow
def test_there_is_one_field_for_each_query_and_none_is_forgotten_here(recorded: Recorded) -> None:
    tested = {name.split("__", 1)[1] for name in globals() if name.startswith("test_query__")}
    assert tested == set(recorded.frames)


@pytest.mark.slow
def test_query__run(recorded: Recorded) -> None:
    found = recorded.frames["run"].to_dicts()
    assert len(found) == 1
    run, rollouts = found[0], recorded.rollouts
    calls = [call for item in rollouts for part in item.trace.invocations for call in part.calls]
    assert run["run_id"] == "run-1"
    assert run["simulated"] is True
    assert run["seconds"] == 60.0
    assert run["updates"] == 2
    assert run["rollouts"] == len(rollouts)
    assert run["failed_rollouts"] == sum(item.status == "failed" for item in rollouts)
    assert run["problems"] == len({item.plan.problem_id for item in rollouts})
    assert run["attempts"] == len(calls)
    assert run["failed_attempts"] == sum(call.status == "error" for call in calls)
    assert run["output_tokens"] == sum(call.usage_output_tokens for call in calls)
    assert run["cost_usd"] == pytest.approx(sum(item.cost_usd for item in rollouts))
    assert (run["code_version"], run["config_digest"]) == ("0.1.0", "digest of run-1")
    assert run["prompts_digest"] == "digest of the prompts"


@pytest.mark.slow
def test_query__entrants(recorded: Recorded) -> None:
    assert recorded.frames["entrants"].select("policy", "checkpoint_id", "step", "role").rows() == [
        ("lamas", "lamas-0", 0, "before"),
        ("lamas", "lamas-2", 2, "after"),
        ("generate", None, 0, None),
    ]
    for row in recorded.frames["entrants"].to_dicts():
        rollouts = recorded.evaluated[row["policy"], row["checkpoint_id"]]
        assert row["rollouts"] == 30
        assert row["problems"] == len(TEST_PROBLEMS)
        assert row["failed_rollouts"] == sum(item.status == "failed" for item in rollouts)


def test_query__headline(recorded: Recorded) -> None:
    found = {
        (row["policy"], row["checkpoint_id"], row["metric"]): row
        for row in recorded.frames["headline"].to_dicts()
    }
    expected = 0
    for (policy, checkpoint_id), rollouts in recorded.evaluated.items():
        label = EvaluationLabel(
            evaluation_id="", run_id="run-1", checkpoint_id=checkpoint_id, policy=policy, split=""
        )
        for metric in summarise(rollouts, label, seed=1):
            row = found[policy, checkpoint_id, metric.metric]
            expected += 1
            assert (row["value"], row["low"], row["high"]) == (
                metric.value,
                metric.low,
                metric.high,
            )
            assert (row["n"], row["failed"]) == (metric.n, metric.failed)
    assert len(found) == expected > 10


def test_query__differences(recorded: Recorded) -> None:
    found = recorded.frames["differences"].to_dicts()
    assert [row["metric"] for row in found] == [item.metric for item in recorded.differences]
    for row, item in zip(found, recorded.differences, strict=True):
        assert row["value"] == pytest.approx(item.value, abs=1e-12)
        assert (row["low"], row["high"], row["problems"]) == (item.low, item.high, item.problems)
        assert (row["candidate"], row["reference"]) == ("lamas-2", "lamas-0")
        assert (row["decision"], row["margin"]) == ("rejected", 0.05)


def test_query__frontier(recorded: Recorded) -> None:
    means = {
        key: (
            mean([score(item) for item in recorded.finished(key)]),
            mean([item.cost_usd for item in recorded.finished(key)]),
            mean([item.cp_tokens for item in recorded.finished(key)]),
        )
        for key in recorded.evaluated
    }
    found = recorded.frames["frontier"].to_dicts()
    assert len(found) == len(means)
    for row in found:
        key: Key = (row["entrant"], row["checkpoint_id"])
        assert row["fixed"] == (row["checkpoint_id"] is None)
        assert row["learned"] == (row["checkpoint_id"] == "lamas-2")
        mine = means[key]
        assert (row["score"], row["cost_usd"], row["cp_tokens"]) == pytest.approx(mine)
        others = [value for other, value in means.items() if other != key]
        assert row["dominated"] == any(
            other[0] >= mine[0] and other[1] <= mine[1] and other[2] <= mine[2] for other in others
        )
        assert row["best_for_its_cost"] == (
            not any(other[0] >= mine[0] and other[1] <= mine[1] for other in others)
        )
        assert row["best_for_its_time"] == (
            not any(other[0] >= mine[0] and other[2] <= mine[2] for other in others)
        )
        assert row["score_low"] < row["score"] < row["score_high"]
        assert row["cp_tokens_low"] < row["cp_tokens"] < row["cp_tokens_high"]
        assert row["cost_usd_low"] < row["cost_usd"] < row["cost_usd_high"]


def test_query__path_lengths(recorded: Recorded) -> None:
    found: dict[Key, list[dict[str, float]]] = defaultdict(list)
    for row in recorded.frames["path_lengths"].to_dicts():
        found[row["policy"], row["checkpoint_id"]].append(row)
    assert set(found) == set(recorded.evaluated)
    for key, rows in found.items():
        lengths = sorted(item.cp_tokens for item in recorded.finished(key))
        assert [row["cp_tokens"] for row in rows] == lengths
        assert [row["share_up_to"] for row in rows] == pytest.approx(
            [(place + 1) / len(lengths) for place in range(len(lengths))]
        )


def test_query__cp_len(recorded: Recorded) -> None:
    rows = recorded.frames["cp_len"].to_dicts()
    found = {(row["entrant"], row["checkpoint_id"]): row for row in rows}
    assert set(found) == set(recorded.evaluated)
    for key, row in found.items():
        lengths = sorted(item.cp_tokens for item in recorded.finished(key))
        assert (row["rollouts"], row["longest"]) == (len(lengths), lengths[-1])
        assert row["mean"] == pytest.approx(mean(lengths))
        for name in ("p05", "p25", "p50", "p75", "p90", "p95", "p99"):
            assert row[name] == pytest.approx(quantile(lengths, int(name[1:]) / 100))


def test_query__operator_mix(recorded: Recorded) -> None:
    expected: dict[tuple[object, ...], float] = {}
    for (policy, checkpoint_id), rollouts in recorded.evaluated.items():
        if checkpoint_id is None:
            continue
        counts = Counter(
            (number, operator)
            for item in rollouts
            for number, layer in enumerate(item.plan.graph.layers, start=1)
            for operator in layer.operators
        )
        for (layer, operator), count in counts.items():
            expected[policy, checkpoint_id, layer, operator] = count / len(rollouts)
    columns = ("entrant", "checkpoint_id", "layer", "operator", "share")
    found = {row[:4]: row[4] for row in recorded.frames["operator_mix"].select(columns).rows()}
    assert found == pytest.approx(expected)


def test_query__learning(recorded: Recorded) -> None:
    found = recorded.frames["learning"].to_dicts()
    assert [row["step"] for row in found] == [1, 2]
    for row, update in zip(found, recorded.updates, strict=True):
        batch = [item for item in recorded.training if item.plan.step == row["step"]]
        finished = [item for item in batch if item.status == "ok"]
        assert row["rollouts"] == len(finished)
        assert row["failed_rollouts"] == len(batch) - len(finished)
        assert row["score"] == pytest.approx(mean([score(item) for item in finished]))
        assert row["cp_tokens"] == pytest.approx(mean([item.cp_tokens for item in finished]))
        assert row["cost_usd"] == pytest.approx(mean([item.cost_usd for item in finished]))
        assert row["entropy"] == update.entropy
        rewards = [
            score(item) - 3.0 * item.cost_usd - 0.005 * item.virtual_seconds for item in finished
        ]
        assert row["reward"] == pytest.approx(mean(rewards))


def test_query__gantt(recorded: Recorded) -> None:
    found: dict[tuple[object, ...], list[dict[str, object]]] = defaultdict(list)
    for row in recorded.frames["gantt"].to_dicts():
        found[row["entrant"], row["checkpoint_id"], row["example"]].append(row)
    assert len(found) == 2 * len(recorded.evaluated)
    modes: set[str] = set()
    for key in recorded.evaluated:
        ranked = sorted(recorded.finished(key), key=lambda item: (item.cp_tokens, item.rollout_id))
        examples = {"typical": ranked[(len(ranked) - 1) // 2], "worst": ranked[-1]}
        for example, rollout in examples.items():
            rows = found[*key, example]
            modes.add(rollout.trace.execution_mode)
            assert {row["rollout_id"] for row in rows} == {rollout.rollout_id}
            assert len(rows) == len(rollout.trace.invocations)
            starts = naive_starts(rollout)
            for row, (invocation, label) in zip(rows, labelled(rollout), strict=True):
                assert (row["layer"], row["operator"]) == (invocation.layer, invocation.operator)
                assert row["start_tokens"] == pytest.approx(starts[invocation.invocation_id])
                assert row["cp_tokens"] == invocation.cp_tokens
                assert row["is_critical"] == label.is_critical
                assert row["slack_tokens"] == label.slack_tokens


def naive_starts(rollout: Rollout) -> dict[str, float]:
    """When each invocation starts in virtual time."""
    starts: dict[str, float] = {}
    now = 0.0
    for layer in rollout.trace.layers:
        offset = now
        for item in layer:
            starts[item.invocation_id] = offset
            if rollout.trace.execution_mode == "sequential":
                offset += item.cp_tokens
        lengths = [item.cp_tokens for item in layer]
        sequential = rollout.trace.execution_mode == "sequential"
        now += sum(lengths) if sequential else max(lengths)
    return starts


def test_query__bottlenecks(recorded: Recorded) -> None:
    for key in recorded.evaluated:
        lengths: dict[tuple[int, str], list[float]] = defaultdict(list)
        critical: Counter[tuple[int, str]] = Counter()
        waited: dict[tuple[int, str], float] = defaultdict(float)
        for rollout in recorded.finished(key):
            slowest = Counter(label.layer for _, label in labelled(rollout) if label.is_critical)
            for item, label in labelled(rollout):
                place = (item.layer, item.operator)
                lengths[place].append(item.cp_tokens)
                critical[place] += label.is_critical
                ties = 1 if rollout.trace.execution_mode == "sequential" else slowest[item.layer]
                waited[place] += item.cp_tokens / ties if label.is_critical else 0.0
        rows = [
            row
            for row in recorded.frames["bottlenecks"].to_dicts()
            if (row["entrant"], row["checkpoint_id"]) == key
        ]
        assert len(rows) == len(lengths)
        assert sum(row["critical_path_share"] for row in rows) == pytest.approx(1.0)
        for row in rows:
            place = (row["layer"], row["operator"])
            assert row["invocations"] == len(lengths[place])
            assert row["critical_share"] == pytest.approx(critical[place] / len(lengths[place]))
            assert row["cp_tokens_p50"] == pytest.approx(quantile(sorted(lengths[place]), 0.5))
            assert row["cp_tokens_p90"] == pytest.approx(quantile(sorted(lengths[place]), 0.9))
            assert row["critical_path_share"] == pytest.approx(waited[place] / sum(waited.values()))


def test_query__spending(recorded: Recorded) -> None:
    dollars: dict[tuple[str, str], float] = defaultdict(float)
    attempts: Counter[tuple[str, str]] = Counter()
    for rollout in recorded.rollouts:
        for item in rollout.trace.invocations:
            if item.calls:
                dollars[rollout.plan.purpose, item.operator] += item.cost_usd
                attempts[rollout.plan.purpose, item.operator] += len(item.calls)
    found = {
        (row["purpose"], row["operator"]): row for row in recorded.frames["spending"].to_dicts()
    }
    assert {key: row["cost_usd"] for key, row in found.items()} == pytest.approx(dollars)
    assert {key: row["attempts"] for key, row in found.items()} == attempts
    assert sum(row["share_of_run"] for row in found.values()) == pytest.approx(1.0)


def test_query__failures(recorded: Recorded) -> None:
    rollouts = Counter(
        (f"{item.plan.purpose}, {item.plan.policy}", item.error)
        for item in recorded.rollouts
        if item.status == "failed"
    )
    calls = Counter(
        (part.operator, call.error)
        for item in recorded.rollouts
        for part in item.trace.invocations
        for call in part.calls
        if call.status == "error"
    )
    found = recorded.frames["failures"].to_dicts()
    for what, expected in (("rollout", rollouts), ("call", calls)):
        assert expected
        assert {
            (row["place"], row["reason"]): row["failures"] for row in found if row["what"] == what
        } == expected


def test_query__picks(recorded: Recorded) -> None:
    found = {
        (row["checkpoint_id"], row["category"], row["graph"]): row
        for row in recorded.frames["picks"].to_dicts()
    }
    expected = 0
    for (_, checkpoint_id), rollouts in recorded.evaluated.items():
        if checkpoint_id is None:
            continue
        everywhere = Counter(str(item.plan.graph) for item in rollouts)
        for category in ("even", "odd"):
            own = [item for item in rollouts if category_of(item.problem_id) == category]
            for graph, picks in Counter(str(item.plan.graph) for item in own).items():
                row = found[checkpoint_id, category, graph]
                expected += 1
                assert row["picks"] == picks
                assert row["share"] == pytest.approx(picks / len(own))
                assert row["share_of_all"] == pytest.approx(everywhere[graph] / len(rollouts))
    assert len(found) == expected > 10


def problem_means(rollouts: Sequence[Rollout]) -> dict[str, tuple[float, float]]:
    """(score, CP_len) by problem, of its finished samples."""
    by_problem: dict[str, list[Rollout]] = defaultdict(list)
    for item in rollouts:
        if item.status == "ok":
            by_problem[item.problem_id].append(item)
    return {
        name: (mean([score(item) for item in own]), mean([item.cp_tokens for item in own]))
        for name, own in by_problem.items()
    }


def test_query__gaps_closed(recorded: Recorded) -> None:
    means = {key: problem_means(rollouts) for key, rollouts in recorded.evaluated.items()}
    common = [
        name
        for name in means["generate", None]
        if all(name in finished for finished in means.values())
    ]
    rows = recorded.frames["gaps_closed"].to_dicts()
    assert rows
    for row in rows:
        names = [name for name in common if row["category"] in (None, category_of(name))]
        own = means["lamas", row["checkpoint_id"]]
        fixed = means["generate", None]
        assert row["best_fixed"] == "generate"
        assert row["problems"] == len(names)
        assert row["score"] == pytest.approx(mean([own[name][0] for name in names]))
        assert row["cp_tokens"] == pytest.approx(mean([own[name][1] for name in names]))
        # Of one fixed graph the best for each problem is itself: there is no way to go.
        assert row["fixed_score"] == pytest.approx(mean([fixed[name][0] for name in names]))
        assert row["oracle_score"] == row["fixed_score"]
        assert row["closed"] is None


def test_query__candidates(recorded: Recorded) -> None:
    # None was tried here; tests/warehouse/test_candidates.py has one.
    frame = recorded.frames["candidates"]
    assert frame.columns == list(CandidateEstimate.__slots__)
    assert frame.is_empty()


def test_query__deadlines(recorded: Recorded) -> None:
    # None was asked for here; tests/warehouse/test_deadlines.py has some.
    frame = recorded.frames["deadlines"]
    assert frame.columns == list(DeadlineKept.__slots__)
    assert frame.is_empty()


def test_query__operator_values(recorded: Recorded) -> None:
    rows = recorded.frames["operator_values"].to_dicts()
    assert len(rows) == 2 * 3
    for row in rows:
        own = [
            item
            for item in recorded.table
            if item.plan.policy == row["operator"]
            and row["category"] in (None, category_of(item.problem_id))
        ]
        assert row["problems"] == len(own)
        assert row["score"] == pytest.approx(mean([score(item) for item in own]))
        assert row["cp_tokens"] == pytest.approx(mean([item.cp_tokens for item in own]))
        assert row["seconds"] == pytest.approx(mean([item.chains[0].seconds for item in own]))
        assert row["cost_usd"] == pytest.approx(mean([item.cost_usd for item in own]))


def test_query__oracle_gaps(recorded: Recorded) -> None:
    # Generate fails problem 1, GenerateCoT problem 2: the oracle fails none, Generate is shorter.
    rows = recorded.frames["oracle_gaps"].to_dicts()
    assert [
        (row["category"], row["problems"], row["best_fixed"], row["fixed_score"]) for row in rows
    ] == [
        (None, 3, "Generate", 2 / 3),
        ("even", 2, "Generate", 1.0),
        ("odd", 1, "Generate", 0.0),
    ]
    assert [(row["oracle_score"], row["oracle_cp_tokens"]) for row in rows] == [
        (1.0, 100.0),
        (1.0, 50.0),
        (1.0, 200.0),
    ]


def test_query__proxy_rollouts(recorded: Recorded) -> None:
    pairs = [(item.cp_tokens, item.makespan_seconds) for item in measured(recorded)]
    found = recorded.frames["proxy_rollouts"].row(0)
    assert found == pytest.approx((len(pairs), *correlations(pairs)))


def test_query__proxy_operators(recorded: Recorded) -> None:
    points: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for rollout in measured(recorded):
        for item in rollout.trace.invocations:
            points[item.operator].append((item.cp_tokens, item.seconds))
    rows = recorded.frames["proxy_operators"].to_dicts()
    assert [row["operator"] for row in rows] == sorted(points)
    for row in rows:
        pairs = points[row["operator"]]
        assert row["invocations"] == len(pairs)
        assert row["seconds_p50"] == pytest.approx(quantile(sorted(b for _, b in pairs), 0.5))
        if len({a for a, _ in pairs}) > 1 and len({b for _, b in pairs}) > 1:
            assert (row["pearson"], row["spearman"]) == pytest.approx(correlations(pairs))
        else:
            assert (row["pearson"], row["spearman"]) == (None, None)


@pytest.mark.slow
def test_query__latency_models(recorded: Recorded) -> None:
    row = recorded.frames["latency_models"].to_dicts()[0]
    stated = make_fit(held_out(recorded.evaluated["generate", None]))
    assert row["latency_model_id"] == stated.model.latency_model_id
    assert row["seconds_per_output_token"] == stated.model.seconds_per_output_token
    assert (row["calls"], row["rollouts"]) == (stated.calls, stated.rollouts)
    assert row["held_out_rollouts"] == stated.held_out.n > 10
    for name in ("median_absolute_percentage_error", "r_squared", "pearson", "spearman"):
        assert row[name] == pytest.approx(getattr(stated.held_out, name)), name
        assert row[f"proxy_{name}"] == pytest.approx(getattr(stated.proxy, name)), name


def measured(recorded: Recorded) -> list[Rollout]:
    return [item for item in recorded.rollouts if item.status == "ok" and item.replayed_calls == 0]


def correlations(pairs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    left, right = [a for a, _ in pairs], [b for _, b in pairs]
    linear, of_ranks = stats.pearsonr(left, right), stats.spearmanr(left, right)
    return cast("tuple[float, float]", linear)[0], cast("tuple[float, float]", of_ranks)[0]
