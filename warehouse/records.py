"""How frames of rows become domain records, validated on the way in."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Generic, TypeVar

import polars as pl
from pydantic import TypeAdapter

from lamas.domain import (
    Checkpoint,
    CodeTests,
    ComparisonEstimate,
    ComparisonMember,
    Credit,
    CriticalPathLabel,
    EvaluationMetric,
    ExecutionGraph,
    Layer,
    ModelCall,
    ObservedDecision,
    OperatorInvocation,
    PlannedRollout,
    PolicyDecision,
    Problem,
    Rollout,
    RolloutResult,
    Run,
    ToolExecution,
    Trace,
    Update,
)
from lamas.domain.operator_outcome import ChainOutcome

Record = TypeVar("Record")


class RecordOf(Generic[Record]):
    """Validates rows as one class; what that takes is built when the first row comes."""

    def __init__(self, kind: type[Record]) -> None:
        self._kind = kind

    @cached_property
    def _adapter(self) -> TypeAdapter[Record]:
        return TypeAdapter(self._kind)

    def validate(self, row: Mapping[str, object]) -> Record:
        """The record of a row; columns it does not know are left out."""
        return self._adapter.validate_python(row)


CHECKPOINT = RecordOf(Checkpoint)
CREDIT = RecordOf(Credit)
ESTIMATE = RecordOf(ComparisonEstimate)
EVALUATION = RecordOf(EvaluationMetric)
LABEL = RecordOf(CriticalPathLabel)
MEMBER = RecordOf(ComparisonMember)
OUTCOME = RecordOf(RolloutResult)
RUN = RecordOf(Run)
UPDATE = RecordOf(Update)
_CALL = RecordOf(ModelCall)
_CHAIN = RecordOf(ChainOutcome)
_DECISION = RecordOf(PolicyDecision)
_INVOCATION = RecordOf(OperatorInvocation)
_OBSERVED = RecordOf(ObservedDecision)
_PLAN = RecordOf(PlannedRollout)
_PROBLEM = RecordOf(Problem)
_ROLLOUT = RecordOf(Rollout)
_TOOL = RecordOf(ToolExecution)


def read(frame: pl.DataFrame, adapter: RecordOf[Record]) -> tuple[Record, ...]:
    """One record for each row; columns the record does not know are left out."""
    return tuple(adapter.validate(row) for row in frame.iter_rows(named=True))


def grouped(
    frame: pl.DataFrame, owner: str, adapter: RecordOf[Record]
) -> dict[str, tuple[Record, ...]]:
    """The records of each owner, in the order of the rows."""
    groups: defaultdict[str, list[Record]] = defaultdict(list)
    for row in frame.iter_rows(named=True):
        groups[str(row[owner])].append(adapter.validate(row))
    return {name: tuple(group) for name, group in groups.items()}


def problems(frame: pl.DataFrame) -> tuple[Problem, ...]:
    found: list[Problem] = []
    for row in frame.iter_rows(named=True):
        tests = None
        if row["family"] == "code":
            tests = CodeTests(
                entry_point=row["test_entry_point"],
                public=tuple(row["test_public"]),
                hidden=row["test_hidden"],
            )
        special = {
            "index": row["problem_index"],
            "metadata": json.loads(row["metadata"]),
            "tests": tests,
        }
        found.append(_PROBLEM.validate({**row, **special}))
    return tuple(found)


def rollouts(
    frame: pl.DataFrame,
    *,
    decisions: pl.DataFrame,
    invocations: pl.DataFrame,
    calls: pl.DataFrame,
    tools: pl.DataFrame,
    chains: pl.DataFrame,
    observations: pl.DataFrame,
) -> tuple[Rollout, ...]:
    """Rollouts put together from their rows; the other frames are ordered within each owner."""
    observed_of = grouped(observations, "rollout_id", _OBSERVED)
    chains_of = grouped(chains, "rollout_id", _CHAIN)
    decisions_of = grouped(decisions, "rollout_id", _DECISION)
    tools_of = grouped(tools, "invocation_id", _TOOL)
    invocations_of = _invocations(
        invocations,
        calls_of=grouped(calls, "invocation_id", _CALL),
        tools_of={owner: _run_by_operator(group) for owner, group in tools_of.items()},
    )
    judging_of = _judging(invocations, tools_of)
    found: list[Rollout] = []
    for row in frame.iter_rows(named=True):
        rollout_id = str(row["rollout_id"])
        decided = decisions_of.get(rollout_id, ())
        plan = _PLAN.validate({**row, "graph": _graph(row["graph"], decided), "decisions": decided})
        trace = Trace(
            execution_mode=plan.execution_mode,
            gamma=row["gamma"],
            invocations=invocations_of.get(rollout_id, ()),
            started_at=row["trace_started_at"],
            ended_at=row["trace_ended_at"],
        )
        parts = {
            "plan": plan,
            "trace": trace,
            "judging": judging_of.get(rollout_id, ()),
            "chains": chains_of.get(rollout_id, ()),
            "observed": observed_of.get(rollout_id, ()),
        }
        found.append(_ROLLOUT.validate({**row, **parts}))
    return tuple(found)


def _graph(names: Sequence[Sequence[str]], decided: Sequence[PolicyDecision]) -> ExecutionGraph:
    of_layer = {decision.layer: decision for decision in decided}
    layers: list[Layer] = []
    for number, operators in enumerate(names, start=1):
        decision = of_layer.get(number)
        layers.append(
            Layer(tuple(operators))
            if decision is None
            else Layer(tuple(operators), quorum=decision.quorum, width=decision.width)
        )
    return ExecutionGraph(tuple(layers))


def _run_by_operator(tools: Sequence[ToolExecution]) -> tuple[ToolExecution, ...]:
    return tuple(tool for tool in tools if tool.role == "operator")


def _judging(
    invocations: pl.DataFrame, tools_of: Mapping[str, Sequence[ToolExecution]]
) -> dict[str, tuple[ToolExecution, ...]]:
    """By rollout."""
    found: dict[str, tuple[ToolExecution, ...]] = {}
    for row in invocations.iter_rows(named=True):
        tools = tools_of.get(str(row["invocation_id"]), ())
        judging = tuple(tool for tool in tools if tool.role != "operator")
        if judging:
            found[str(row["rollout_id"])] = judging
    return found


def _invocations(
    frame: pl.DataFrame,
    *,
    calls_of: Mapping[str, Sequence[ModelCall]],
    tools_of: Mapping[str, Sequence[ToolExecution]],
) -> dict[str, tuple[OperatorInvocation, ...]]:
    groups: defaultdict[str, list[OperatorInvocation]] = defaultdict(list)
    for row in frame.iter_rows(named=True):
        invocation_id = str(row["invocation_id"])
        parts = {
            "calls": calls_of.get(invocation_id, ()),
            "tools": tools_of.get(invocation_id, ()),
        }
        groups[str(row["rollout_id"])].append(_INVOCATION.validate({**row, **parts}))
    return {name: tuple(group) for name, group in groups.items()}
