"""The knobs of a controller: which policy, how many layers, how wide."""

from dataclasses import dataclass
from typing import Literal, get_args

from lamas.errors import ConfigurationError

ControllerKind = Literal["lamas", "paper", "conditioned"]
CONTROLLER_KINDS: tuple[ControllerKind, ...] = get_args(ControllerKind)
LAYERED_KINDS: tuple[ControllerKind, ...] = ("lamas", "paper")
"""Those that choose layer after layer and learn from rollouts; the other learns from a table."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ControllerSettings:
    """What must be equal for two controllers' weights to mean the same."""

    kind: ControllerKind = "lamas"
    layers: int = 4
    """L: the most layers a graph may have."""
    tau: float = 0.3
    """τ: probability mass at which a layer is complete, in (0, 1]."""
    width: int | None = None
    """The most operators of a layer, None for no limit."""
    quorum: int | None = None
    """Of a `conditioned` controller's layers: one of more chains ends as soon as so many agree."""
    hidden: int = 32
    """Width of the projections."""
    seed: int = 0
    """Of the initial weights; no part of what a checkpoint must match."""

    def __post_init__(self) -> None:
        if self.kind not in CONTROLLER_KINDS:
            raise ConfigurationError(
                f"controller kind {self.kind!r} is not one of {', '.join(CONTROLLER_KINDS)}"
            )
        if self.layers < 1:
            raise ConfigurationError(f"L must be at least 1 layer, got {self.layers}")
        if not 0.0 < self.tau <= 1.0:
            raise ConfigurationError(f"τ must be in (0, 1], got {self.tau}")
        if self.kind == "conditioned" and self.width is None:
            raise ConfigurationError(
                "controller=conditioned values every layer it may choose: set controller.width, "
                "for instance to 3"
            )
        if self.width is not None and self.width < 1:
            raise ConfigurationError(f"a layer holds at least 1 operator, got width {self.width}")
        if self.quorum is not None and self.quorum < 2:
            raise ConfigurationError(
                f"fewer than 2 chains agree with nobody, got quorum {self.quorum}: set "
                "controller.quorum to 2 or more, or to null"
            )
        if self.quorum is not None and self.kind != "conditioned":
            raise ConfigurationError(
                f"controller={self.kind} values no quorum, got {self.quorum}: take "
                "controller=conditioned, or set controller.quorum to null"
            )
        if self.hidden < 1:
            raise ConfigurationError(f"hidden must be at least 1, got {self.hidden}")
