"""The only room that runs code written by a model."""

from lamas.sandbox.judging import Judgement, judge
from lamas.sandbox.lazy import LazySandbox
from lamas.sandbox.limits import SandboxLimits
from lamas.sandbox.process import ProcessSandbox
from lamas.sandbox.protocol import JudgedProgram, JudgingSandbox, Sandbox
from lamas.sandbox.tool_time import MeasuredToolTime, ModelledToolTime, ToolTime

__all__ = [
    "JudgedProgram",
    "Judgement",
    "JudgingSandbox",
    "LazySandbox",
    "MeasuredToolTime",
    "ModelledToolTime",
    "ProcessSandbox",
    "Sandbox",
    "SandboxLimits",
    "ToolTime",
    "judge",
]
