"""Running graphs: layers in order, operators of a layer together, scored and added up."""

from lamas.execution.executor import Execution, GraphExecutor
from lamas.execution.fixed import (
    TOPOLOGIES,
    FixedTopology,
    certain_decisions,
    fixed_plan,
    fixed_topology,
    rollout_id_of,
)
from lamas.execution.invocation import InvocationLabel, InvocationRunner, run_directly
from lamas.execution.runner import RolloutRunner

__all__ = [
    "TOPOLOGIES",
    "Execution",
    "FixedTopology",
    "GraphExecutor",
    "InvocationLabel",
    "InvocationRunner",
    "RolloutRunner",
    "certain_decisions",
    "fixed_plan",
    "fixed_topology",
    "rollout_id_of",
    "run_directly",
]
