"""The nouns of LAMaS as frozen records: standard library only, no tensors."""

from lamas.domain.arithmetic import ordered_sum
from lamas.domain.calls import ChatMessage, ModelCall, SecondsFrom, ToolExecution, prompt_digest
from lamas.domain.clock import Clock, whole_ticks
from lamas.domain.comparison import (
    ComparisonEstimate,
    ComparisonMember,
    NonInferiorityVerdict,
)
from lamas.domain.graph import ExecutionGraph, Layer
from lamas.domain.identity import derive_seed, digest
from lamas.domain.learning import Checkpoint, CheckpointStatus, Credit, EvaluationMetric, Update
from lamas.domain.observation import Observation, ObservedDecision
from lamas.domain.operator import OperatorSet, OperatorSpec
from lamas.domain.problem import TASK_FAMILIES, CodeTests, Problem, Split, TaskFamily
from lamas.domain.result import AnyResult, RolloutResult
from lamas.domain.rollout import (
    DecisionMode,
    GraphChoice,
    PlannedRollout,
    PolicyDecision,
    Purpose,
    Rollout,
)
from lamas.domain.run import Run, RunStatus
from lamas.domain.trace import (
    CriticalPathLabel,
    ExecutionMode,
    InvocationKind,
    OperatorInvocation,
    Trace,
)

__all__ = [
    "TASK_FAMILIES",
    "AnyResult",
    "ChatMessage",
    "Checkpoint",
    "CheckpointStatus",
    "Clock",
    "CodeTests",
    "ComparisonEstimate",
    "ComparisonMember",
    "Credit",
    "CriticalPathLabel",
    "DecisionMode",
    "EvaluationMetric",
    "ExecutionGraph",
    "ExecutionMode",
    "GraphChoice",
    "InvocationKind",
    "Layer",
    "ModelCall",
    "NonInferiorityVerdict",
    "Observation",
    "ObservedDecision",
    "OperatorInvocation",
    "OperatorSet",
    "OperatorSpec",
    "PlannedRollout",
    "PolicyDecision",
    "Problem",
    "Purpose",
    "Rollout",
    "RolloutResult",
    "Run",
    "RunStatus",
    "SecondsFrom",
    "Split",
    "TaskFamily",
    "ToolExecution",
    "Trace",
    "Update",
    "derive_seed",
    "digest",
    "ordered_sum",
    "prompt_digest",
    "whole_ticks",
]
