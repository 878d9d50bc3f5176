"""How domain records become columns: one function for each table, values in table order."""

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from lamas.domain import CriticalPathLabel, ModelCall, Problem, Rollout, ToolExecution
from lamas.domain.latency import LATENCY_UNITS, LatencyFit
from lamas.errors import WarehouseError
from warehouse.arrow import Columns
from warehouse.schema import EMBEDDING_SIZE


def fields(records: Sequence[object], names: Iterable[str]) -> dict[str, list[object]]:
    """Columns that are attributes of the records under the same name."""
    return {name: list(map(attrgetter(name), records)) for name in names}


def problem_columns(
    problems: Sequence[Problem],
    embeddings: NDArray[np.float32],
    names: Iterable[str],
    *,
    encoder: str,
) -> Columns:
    """`embeddings` [n, 384] float32 made by `encoder`, one row for each problem."""
    if embeddings.shape != (len(problems), EMBEDDING_SIZE):
        raise WarehouseError(
            f"{len(problems)} problems need embeddings of shape ({len(problems)}, "
            f"{EMBEDDING_SIZE}), got {embeddings.shape}: embed them with the query encoder"
        )
    tests = [problem.tests for problem in problems]
    special: dict[str, Sequence[object] | NDArray[np.float32]] = {
        "problem_index": [problem.index for problem in problems],
        "test_entry_point": [test and test.entry_point for test in tests],
        "test_public": [test and test.public for test in tests],
        "test_hidden": [test and test.hidden for test in tests],
        "metadata": [
            json.dumps(dict(problem.metadata), ensure_ascii=False) for problem in problems
        ],
        "embedding": np.ascontiguousarray(embeddings, dtype=np.float32),
        "encoder": [encoder] * len(problems),
    }
    return {**fields(problems, _without(names, special)), **special}


def rollout_columns(rollouts: Sequence[Rollout], names: Iterable[str]) -> Columns:
    plans = [rollout.plan for rollout in rollouts]
    for rollout in rollouts:
        if rollout.trace.execution_mode != rollout.plan.execution_mode:
            raise WarehouseError(
                f"rollout {rollout.rollout_id} was planned {rollout.plan.execution_mode} and ran "
                f"{rollout.trace.execution_mode}: build its trace with the mode of its plan"
            )
    special: dict[str, list[object]] = {
        **fields(
            plans,
            (
                "run_id",
                "problem_id",
                "checkpoint_id",
                "policy",
                "purpose",
                "mode",
                "execution_mode",
                "step",
                "sample_index",
                "retry",
                "seed",
                "multiplier",
                "deadline",
            ),
        ),
        "graph": [plan.graph.names for plan in plans],
        "gamma": [rollout.trace.gamma for rollout in rollouts],
        "trace_started_at": [rollout.trace.started_at for rollout in rollouts],
        "trace_ended_at": [rollout.trace.ended_at for rollout in rollouts],
    }
    return {**fields(rollouts, _without(names, special)), **special}


def decision_columns(rollouts: Sequence[Rollout], names: Iterable[str]) -> Columns:
    owned = [(rollout.rollout_id, item) for rollout in rollouts for item in rollout.plan.decisions]
    return _owned("rollout_id", owned, names)


def invocation_columns(rollouts: Sequence[Rollout], names: Iterable[str]) -> Columns:
    owned = [
        (rollout.rollout_id, item) for rollout in rollouts for item in rollout.trace.invocations
    ]
    return _owned("rollout_id", owned, names)


def call_columns(rollouts: Sequence[Rollout], names: Iterable[str]) -> Columns:
    owned: list[tuple[str, ModelCall]] = []
    indices: list[int] = []
    for rollout in rollouts:
        for invocation in rollout.trace.invocations:
            owned += [(invocation.invocation_id, call) for call in invocation.calls]
            indices += range(len(invocation.calls))
    messages = [_messages(call) for _, call in owned]
    special = {"call_index": indices, "request_messages": messages}
    return {**_owned("invocation_id", owned, _without(names, special)), **special}


def tool_columns(rollouts: Sequence[Rollout], names: Iterable[str]) -> Columns:
    owned: list[tuple[str, ToolExecution]] = []
    indices: list[int] = []
    for rollout in rollouts:
        last = len(rollout.trace.invocations) - 1
        for place, invocation in enumerate(rollout.trace.invocations):
            # The answer is judged after the last invocation.
            tools = (*invocation.tools, *(rollout.judging if place == last else ()))
            owned += [(invocation.invocation_id, tool) for tool in tools]
            indices += range(len(tools))
    special = {"tool_index": indices}
    return {**_owned("invocation_id", owned, _without(names, special)), **special}


def label_columns(labels: Iterable[Sequence[CriticalPathLabel]], names: Iterable[str]) -> Columns:
    return fields(list(chain.from_iterable(labels)), names)


def chain_columns(rollouts: Sequence[Rollout], names: Iterable[str]) -> Columns:
    owned = [(rollout.rollout_id, item) for rollout in rollouts for item in rollout.chains]
    places = [place for rollout in rollouts for place in range(len(rollout.chains))]
    special = {"chain": places}
    return {**_owned("rollout_id", owned, _without(names, special)), **special}


def observation_columns(rollouts: Sequence[Rollout], names: Iterable[str]) -> Columns:
    owned = [(rollout.rollout_id, item) for rollout in rollouts for item in rollout.observed]
    return _owned("rollout_id", owned, names)


def latency_model_columns(fits: Sequence[LatencyFit], names: Iterable[str]) -> Columns:
    models = [fit.model for fit in fits]
    held_out, proxy = [fit.held_out for fit in fits], [fit.proxy for fit in fits]
    figures = ("median_absolute_percentage_error", "r_squared", "pearson", "spearman")
    special: dict[str, list[object]] = {
        **fields(models, ("latency_model_id", "request_model", *LATENCY_UNITS, "uncached")),
        "held_out_rollouts": [item.n for item in held_out],
        **fields(held_out, figures),
        **{f"proxy_{name}": values for name, values in fields(proxy, figures).items()},
    }
    return {**fields(fits, _without(names, special)), **special}


def simulated_columns(records: Sequence[object], cell_id: str, names: Iterable[str]) -> Columns:
    """Records of one simulated cell, whose id stands in every row."""
    return _owned("cell_id", [(cell_id, record) for record in records], names)


def _messages(call: ModelCall) -> list[dict[str, str]]:
    return [{"role": item.role, "content": item.content} for item in call.request_messages]


def _owned(
    owner: str, owned: Sequence[tuple[str, object]], names: Iterable[str]
) -> dict[str, list[object]]:
    records = [record for _, record in owned]
    return {
        owner: [identifier for identifier, _ in owned],
        **fields(records, _without(names, {owner: ()})),
    }


def _without(names: Iterable[str], special: Mapping[str, object]) -> list[str]:
    return [name for name in names if name not in special]
