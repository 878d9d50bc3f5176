"""The knobs of learning from a table: what is asked for, and how the policy is fitted."""

from dataclasses import dataclass

from lamas.errors import ConfigurationError


@dataclass(frozen=True, kw_only=True, slots=True)
class TableSettings:
    """How a table of outcomes becomes a conditioned controller."""

    margin: float = 0.0075
    """How far below the best fixed graph's score the controller's own multiplier may leave it."""
    doubtful_margin: float = 0.02
    """The same where the score turns out a standard error lower than it seems: what keeps a
    controller of few problems careful. Of 1,000 problems and more `margin` is the narrower one."""
    steps: tuple[int, ...] = (0, 5, 10, 20, 40)
    """Numbers of gradient steps on the exact expectation, rising; the parts choose among them."""
    batch: int = 512
    """Problems of a step, each with a multiplier of its own."""
    learning_rate: float = 0.0005
    sharpness: float = 20.0
    """Inverse temperature of the policy while it learns."""
    commitment: float = 1000.0
    """Inverse temperature of the policy that is kept: what it is nearly sure of it does."""
    folds: int = 5
    """Parts of the training problems: what is reported comes from those a fit did not see."""

    def __post_init__(self) -> None:
        if not self.steps or min(self.steps) < 0 or sorted(set(self.steps)) != list(self.steps):
            raise ConfigurationError(f"steps must be rising numbers ≥ 0, got {self.steps}")
        if self.batch < 1:
            raise ConfigurationError(f"batch must be at least 1, got {self.batch}")
        if self.folds < 2:
            raise ConfigurationError(f"folds must be at least 2, got {self.folds}")
        for name in ("learning_rate", "sharpness", "commitment"):
            value: float = getattr(self, name)
            if not 0.0 < value < float("inf"):
                raise ConfigurationError(f"{name} must be a number > 0, got {value}")
        for name in ("margin", "doubtful_margin"):
            allowed: float = getattr(self, name)
            if not 0.0 <= allowed < float("inf"):
                raise ConfigurationError(f"{name} must be a number ≥ 0, got {allowed}")
