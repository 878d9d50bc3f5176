"""What a model takes: bytes of weights and of keys and values, seconds of prefill and decoding."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import yaml
from pydantic import TypeAdapter, ValidationError

from lamas.errors import ConfigurationError

TYPICAL_BATCH = 16
"""Calls that share a step where a call's own part of it is estimated."""
ASSUMED_FILE = Path(__file__).with_name("assumed_models.yaml")


@dataclass(frozen=True, kw_only=True)
class ModelShape:
    """One model on one kind of node. Raises ConfigurationError for figures that cannot be.

    Seconds follow two lines: prefill = a + b · uncached tokens; one decode step = c + d · batch.
    """

    layers: int
    kv_heads: int
    head_dim: int
    kv_bytes: float = 2.0
    """Bytes of one stored number; 2 for half precision."""
    weight_bytes: float
    prefill_seconds: float
    """a."""
    prefill_seconds_per_token: float
    """b, per token that no cache holds."""
    step_seconds: float
    """c."""
    step_seconds_per_call: float
    """d, per call in the batch."""
    slots: int = 32
    """Most calls decoded together."""

    def __post_init__(self) -> None:
        for name in ("layers", "kv_heads", "head_dim", "kv_bytes", "slots"):
            if not getattr(self, name) > 0:
                raise ConfigurationError(f"model shape: {name}={getattr(self, name)} must be > 0")
        for name in (
            "weight_bytes",
            "prefill_seconds",
            "prefill_seconds_per_token",
            "step_seconds",
            "step_seconds_per_call",
        ):
            if not 0 <= getattr(self, name) < float("inf"):
                raise ConfigurationError(f"model shape: {name}={getattr(self, name)} must be ≥ 0")
        if not self.step_seconds + self.step_seconds_per_call > 0:
            raise ConfigurationError(
                "model shape: step_seconds=0 and step_seconds_per_call=0, a step must take time"
            )

    @cached_property
    def token_bytes(self) -> float:
        """Keys and values of one token: 2 · layers · kv_heads · head_dim · bytes."""
        return 2 * self.layers * self.kv_heads * self.head_dim * self.kv_bytes

    def alone_seconds(self, input_tokens: int, output_tokens: float) -> float:
        """One call on an idle node that has cached nothing of it."""
        return (
            self.prefill_seconds
            + self.prefill_seconds_per_token * input_tokens
            + (self.step_seconds + self.step_seconds_per_call) * output_tokens
        )

    def machine_seconds(self, input_tokens: int, output_tokens: float) -> float:
        """A call's own part of a busy node: its prefill and its share of decode steps."""
        step = self.step_seconds / TYPICAL_BATCH + self.step_seconds_per_call
        return (
            self.prefill_seconds
            + self.prefill_seconds_per_token * input_tokens
            + step * output_tokens
        )


_SHAPES = TypeAdapter(dict[str, ModelShape])


def read_shapes(path: Path = ASSUMED_FILE) -> dict[str, ModelShape]:
    """Shapes by model name; ConfigurationError when the file holds something else."""
    try:
        return _SHAPES.validate_python(yaml.safe_load(path.read_text("utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise ConfigurationError(f"{path}: {name}: {first['msg'].lower()}") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise ConfigurationError(
            f"the shapes of models in {path} cannot be read: {reason}"
        ) from None
