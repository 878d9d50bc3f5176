"""The section `controller`: which policy, how large."""

from typing import Literal

from pydantic import Field

from flows.settings.section import Section


class ControllerConfig(Section):
    """The policy that picks graphs."""

    kind: Literal["lamas", "paper", "conditioned"]
    layers: int = Field(default=4, ge=1, le=16)
    threshold: float = Field(default=0.3, gt=0, le=1)
    hidden: int = Field(default=32, ge=1)
    width: int | None = Field(default=None, ge=1, le=8)
    """The most operators of a layer; no limit by default."""
    quorum: int | None = Field(default=None, ge=2, le=8)
    """Of `conditioned`: a layer of more chains ends as soon as so many of its chains agree."""
    encoder: Literal["float32", "int8", "words"] = "float32"
    """How questions are embedded: as published, faster and slightly otherwise, or by their words
    alone. A controller is asked with the encoder that it was trained with."""
