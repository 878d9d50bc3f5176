"""How long a model takes for so many tokens, where its seconds were not recorded."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import yaml
from pydantic import TypeAdapter, ValidationError

from lamas.errors import ConfigurationError

SPEEDS_FILE = Path(__file__).with_name("speeds.yaml")


@dataclass(frozen=True, kw_only=True, slots=True)
class Speed:
    """A declared speed; ConfigurationError when it is none."""

    time_to_first_token_seconds: float
    tokens_per_second: float

    def __post_init__(self) -> None:
        if not 0 <= self.time_to_first_token_seconds < float("inf"):
            raise ConfigurationError(
                f"time_to_first_token_seconds={self.time_to_first_token_seconds} must be ≥ 0"
            )
        if not 0 < self.tokens_per_second < float("inf"):
            raise ConfigurationError(f"tokens_per_second={self.tokens_per_second} must be > 0")

    def seconds(self, output_tokens: int) -> float:
        """From sending a request to the last of its output tokens."""
        return self.time_to_first_token_seconds + output_tokens / self.tokens_per_second


_SPEEDS = TypeAdapter(dict[str, Speed])


def declared_speeds(path: Path = SPEEDS_FILE) -> Mapping[str, Speed]:
    """Speeds by model name; ConfigurationError when the file holds something else."""
    try:
        return MappingProxyType(_SPEEDS.validate_python(yaml.safe_load(path.read_text("utf-8"))))
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise ConfigurationError(f"{path}: {name}: {first['msg'].lower()}") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise ConfigurationError(
            f"the speeds of models in {path} cannot be read: {reason}"
        ) from None
