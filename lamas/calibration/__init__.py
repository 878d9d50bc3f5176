"""Fits a simulated model's profile to what a real one was seen to do."""

from lamas.calibration.fit import Calibration, calibrate
from lamas.calibration.observations import (
    CallLength,
    CallSeconds,
    Finding,
    Observations,
    ObservedProblem,
    ProgramRun,
    Selection,
    Statement,
    Trial,
    WrongAnswer,
)
from lamas.calibration.profile_file import profile_text, write_profile

__all__ = [
    "Calibration",
    "CallLength",
    "CallSeconds",
    "Finding",
    "Observations",
    "ObservedProblem",
    "ProgramRun",
    "Selection",
    "Statement",
    "Trial",
    "WrongAnswer",
    "calibrate",
    "profile_text",
    "write_profile",
]
