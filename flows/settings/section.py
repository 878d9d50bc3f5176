"""What every section of the configuration has in common: no unknown key, no change."""

from typing import Literal

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A part of the configuration: unknown keys are errors, values never change."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, protected_namespaces=(), allow_inf_nan=False
    )


Overlap = Literal["refuse", "wait"]
"""What a second writer does: end with a sentence, or wait for the first."""
