"""Which overrides a run of a deployment may bring along besides those of the deployment."""

import os
import re
from collections.abc import Sequence

from pydantic import BaseModel

from lamas.errors import ConfigurationError

VARIABLE = "LAMAS_SERVED_OVERRIDES"
"""What `lamas serve` tells the runs it starts: each deployment's overrides, the allowed keys."""

# No `$`: an interpolation would read the environment, where keys are.
VALUE = r"[\w .,:/@+\[\]-]*"


class _Allowed(BaseModel):
    deployments: list[list[str]]
    keys: list[str]


def schema(own: Sequence[str], keys: Sequence[str]) -> dict[str, object]:
    """The overrides of a run as JSON schema: the deployment's own, then values for `keys` only."""
    return {
        "type": "array",
        "title": "overrides",
        "prefixItems": [{"type": "string", "const": item} for item in own],
        "items": {"type": "string", "pattern": f"^{_pattern(keys)}$"},
        "minItems": len(own),
        "default": list(own),
        "position": 0,
    }


def tell_runs(deployments: Sequence[Sequence[str]], keys: Sequence[str]) -> None:
    """Let the processes started from here know what their runs may be asked."""
    told = _Allowed(deployments=[list(own) for own in deployments], keys=list(keys))
    os.environ[VARIABLE] = told.model_dump_json()


def refuse_others(overrides: Sequence[str]) -> None:
    """In a run under `lamas serve`: ConfigurationError for an override nobody allowed.

    The server checks it too, but a run may be asked for without that check.
    """
    told = os.environ.get(VARIABLE)
    if told is None:
        return
    allowed = _Allowed.model_validate_json(told)
    own = [item for item in allowed.deployments if list(overrides[: len(item)]) == item]
    if not own:
        raise ConfigurationError(
            "this run was asked for without the overrides of its deployment: leave them as they "
            "are, and what is allowed behind them"
        )
    for item in overrides[max(map(len, own)) :]:
        if re.fullmatch(_pattern(allowed.keys), item) is None:
            raise ConfigurationError(
                f"this run was asked for with {item!r}; runs of this deployment may bring values "
                f"of {', '.join(allowed.keys) or 'no key'}: give the override to `lamas serve`, or "
                "its key to deployment.run_overrides"
            )


def _pattern(keys: Sequence[str]) -> str:
    # Without a key nothing matches.
    return f"(?:{'|'.join(map(re.escape, keys))})={VALUE}" if keys else r"(?!)"
