"""The section `operators`: which ones there are, and how they ask."""

from typing import Literal

from pydantic import Field

from flows.settings.section import Section


class HistoryConfig(Section):
    """How limits follow from the answers of earlier runs."""

    quantile: float = Field(default=0.99, gt=0, le=1)
    """Share of an operator's earlier answers that should be whole without any head room."""
    head_room: float = Field(default=1.25, ge=1)
    """The limit is that quantile times this."""
    calls: int = Field(default=50, ge=1)
    """With fewer earlier answers an operator keeps its configured limit."""


class OperatorsConfig(Section):
    """Which operators exist and how they sample."""

    enabled: list[str]
    ensemble: Literal["vote", "plurality", "model"] = "vote"
    samples: int = Field(default=3, ge=2)
    """Parallel chains of thought of MultiGenerateCoT."""
    tries: int = Field(default=3, ge=1)
    """Attempts of Programmer and Test."""
    temperature: float = Field(default=1.0, ge=0, le=2)
    max_tokens: int = Field(default=1024, ge=1)
    max_tokens_by_operator: dict[str, int] = Field(default_factory=dict[str, int])
    max_tokens_from: Literal["configured", "history"] = "configured"
    """`history`: from the operator's own answers in earlier runs, at most what is configured; a
    run keeps the limits it began with."""
    history: HistoryConfig = HistoryConfig()
    prompts: str = "zero_shot"
    """One of `PROMPT_SETS`, or a folder of prompt files laid out like the packaged ones."""
    temperature_by_operator: dict[str, float] = Field(default_factory=dict[str, float])
    end_at_answer: bool = False
    """Close the stream of an answer where it is whole: behind its box, or its code block."""
    computed: Literal["ask", "state"] = "ask"
    """What Programmer makes of a result of one line: lets the model state it, or states it."""
    shown_characters: int = Field(default=24_000, ge=1)
    """Characters of earlier solutions one prompt may show."""
    feedback_characters: int = Field(default=1_500, ge=1)
    """Characters of a program's output or error one prompt may show."""
