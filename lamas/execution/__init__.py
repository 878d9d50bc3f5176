"""Running graphs: layers in order, operators of a layer together, scored and added up."""

from lamas.execution.executor import Execution, GraphExecutor
from lamas.execution.fixed import (
    TOPOLOGIES,
    FixedTopology,
    certain_decisions,
    fixed_plan,
    fixed_topology,
)
from lamas.execution.invocation import InvocationLabel, InvocationRunner, run_directly
from lamas.execution.planning import as_try
from lamas.execution.runner import RolloutRunner

__all__ = [
    "TOPOLOGIES",
    "Execution",
    "FixedTopology",
    "GraphExecutor",
    "InvocationLabel",
    "InvocationRunner",
    "RolloutRunner",
    "as_try",
    "certain_decisions",
    "fixed_plan",
    "fixed_topology",
    "run_directly",
]
