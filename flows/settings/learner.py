"""The section `learner`: what a controller learns from, and under which constraint."""

from typing import Literal

from pydantic import Field

from flows.settings.section import Section


class LearnerConfig(Section):
    """Fresh rollouts of drawn graphs, or a table of what operators made of the problems."""

    kind: Literal["reinforce", "table"] = "reinforce"
    margin: float = Field(default=0.0075, ge=0, le=1)
    """Of `table`: how far below the best fixed graph's score the controller may stay."""
    clock: Literal["tokens", "seconds"] = "tokens"
    """Of `table`: what waiting is counted in, CP_len or seconds of the critical path."""
