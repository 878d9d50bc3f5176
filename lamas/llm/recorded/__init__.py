"""Recorded answers as an endpoint: what real models said, given again without a call."""

from lamas.llm.recorded.answers import RecordedAnswer, RecordedAnswers, read_answers
from lamas.llm.recorded.model import RecordedChatModel, RecordedSettings
from lamas.llm.recorded.speeds import SPEEDS_FILE, Speed, declared_speeds

__all__ = [
    "SPEEDS_FILE",
    "RecordedAnswer",
    "RecordedAnswers",
    "RecordedChatModel",
    "RecordedSettings",
    "Speed",
    "declared_speeds",
    "read_answers",
]
