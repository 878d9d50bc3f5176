"""The sections `evaluation` and `promotion`: what is measured on held-out problems, and why."""

from typing import Literal

from pydantic import Field

from flows.settings.section import Section

CONTROLS: tuple[Literal["neighbours", "random", "oracle"], ...] = (
    "neighbours",
    "random",
    "oracle",
)


class EvaluationConfig(Section):
    """What is compared on the held-out problems."""

    split: Literal["test", "train", "all"] = "test"
    problems: int | None = Field(default=None, ge=1)
    """At most so many problems of the split; all by default."""
    samples: int = Field(default=1, ge=1)
    baselines: list[str] = Field(default_factory=list[str])
    """Fixed graphs: generate, generate_cot, cot5_sc, everything …"""
    mode: Literal["decided", "sampled"] = "decided"
    """Graphs as they would be deployed, or drawn from the policy."""
    seed: int | None = Field(default=None, ge=0)
    """Of the model's answers; the run's own by default. Equal seeds are common random numbers."""
    bootstrap: int = Field(default=2000, ge=100)
    controls: list[Literal["neighbours", "random", "oracle"]] = Field(
        default_factory=lambda: list(CONTROLS)
    )
    """Beside a controller that was learned from a table and the best fixed graph of it. The
    oracle runs every operator of the table on the evaluated problems."""
    deadlines: list[float] = Field(default_factory=list[float])
    """A controller that knows conditions is evaluated at each of these too."""


class PromotionConfig(Section):
    """When a candidate becomes champion."""

    score_margin: float = Field(default=0.05, ge=0, le=1)
    """Non-inferiority margin of the score difference, fixed before the run."""
    longer_wait: float = Field(default=0.0, ge=0)
    """By which share waiting may become longer than the reference's: 0.1 is a tenth."""
    enabled: bool = True
