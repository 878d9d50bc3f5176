"""What conventions read from a request and write into one, and usable values of strangers."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypedDict, cast

Body = Mapping[str, object]
"""A chat completion's JSON body."""
Headers = Mapping[str, str]
"""Names in lower case."""


class Known(TypedDict, total=False):
    """Fields of CallSemantics that a request told of."""

    workflow: str
    workflow_type: str
    session: str
    tenant: str
    role: str
    layer: int
    remaining_steps: int
    deadline_seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Hint:
    """What the dispatcher would tell a server about a call."""

    rank: int = 0
    """Place in the order of urgency, 0 first; ≥ 0."""
    output_tokens: int | None = None
    """Expected tokens of the answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """What is added to a request."""

    body: dict[str, object] = field(default_factory=dict[str, object])
    headers: dict[str, str] = field(default_factory=dict[str, str])


LONGEST_TEXT = 256
"""Characters of a foreign name that are kept: ids end up as keys of tables."""


def text(value: object) -> str | None:
    """A usable name, or None: what a stranger sent must never break his request."""
    if not isinstance(value, str) or not value.isprintable():
        return None
    return value[:LONGEST_TEXT] or None


def whole(value: object) -> int | None:
    """A whole number ≥ 0, or None."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        return None
    return value


def milliseconds(value: object) -> float | None:
    """Seconds from milliseconds > 0 given as a number or as its digits, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value) / 1000
    except (ValueError, OverflowError):
        return None
    return found if 0 < found < math.inf else None


def mapping(value: object) -> Mapping[str, object]:
    """A JSON object; an empty one where it is none."""
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else {}


def texts(known: Known, **values: object) -> Known:
    """`known` with those of the values that are usable names."""
    found = {name: kept for name, value in values.items() if (kept := text(value)) is not None}
    return cast("Known", {**known, **found})
