"""What a model name asks for: a champion at one of its trade-offs, or a plain model."""

import re
from collections.abc import Collection
from dataclasses import dataclass

from lamas.controller.condition import Condition
from lamas.controller.named_points import POINT_NAMES, PointName
from lamas.domain.served import is_tag
from lamas.gateway.refusal import RefusedError

CHAMPION = "lamas"
LONGEST_DEADLINE_SECONDS = 86_400.0
OWN = Condition()
"""The champion's own trade-off."""
_DEADLINE = re.compile(r"(\d{1,8}(?:\.\d{1,6})?)(ms|s)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What a request wants to be answered by."""

    name: str
    """As it was sent."""
    plain: bool = False
    """A configured model alone, without a controller."""
    tag: str | None = None
    """Of the champion that is wanted, after a colon; None: the one without."""
    condition: Condition = OWN
    point: PointName | None = None

    @property
    def conditioned(self) -> bool:
        """Whether it asks for another trade-off than the champion's own."""
        return self.point is not None or self.condition != OWN


def asked_for(
    name: str,
    plain: Collection[str],
    *,
    deadline_seconds: float | None = None,
    multiplier: float | None = None,
) -> Asked:
    """What `name` and the wishes that came with it ask for.

    `plain` are the configured models. Raises RefusedError: 404 for an unknown name, 400 for two
    trade-offs at once.
    """
    if name in plain:
        if deadline_seconds is not None or multiplier is not None:
            raise RefusedError(
                f"model {name} has no trade-off to choose: leave the deadline and the multiplier "
                f"out, or ask for model {CHAMPION}",
                parameter="lamas",
            )
        return Asked(name=name, plain=True)
    base, separator, wish = name.partition("@")
    start, colon, tag = base.partition(":")
    if start != CHAMPION or (separator and not wish) or (colon and not is_tag(tag)):
        raise _unknown(name, plain)
    given = [item for item in (deadline_seconds, multiplier) if item is not None]
    if len(given) + bool(wish) > 1:
        raise RefusedError(
            f"model {name} was asked for with more than one trade-off: give one, in the name, as "
            "lamas.deadline_ms, or as lamas.multiplier",
            parameter="model",
        )
    if not wish:
        return Asked(
            name=name,
            tag=tag or None,
            condition=Condition(deadline=deadline_seconds, multiplier=multiplier),
        )
    for point in POINT_NAMES:
        if wish == point:
            return Asked(name=name, tag=tag or None, point=point)
    found = _DEADLINE.fullmatch(wish)
    if found is None:
        raise _unknown(name, plain)
    seconds = float(found[1]) / (1000.0 if found[2] == "ms" else 1.0)
    if not 0.0 < seconds <= LONGEST_DEADLINE_SECONDS:
        raise RefusedError(
            f"model {name}: a deadline lies above 0 and at {LONGEST_DEADLINE_SECONDS:g} s at most",
            parameter="model",
        )
    return Asked(name=name, tag=tag or None, condition=Condition(deadline=seconds))


def _unknown(name: str, plain: Collection[str]) -> RefusedError:
    known = ", ".join([CHAMPION, *(f"{CHAMPION}@{point}" for point in POINT_NAMES), *plain])
    return RefusedError(
        f"there is no model {name[:100]!r}; known: {known}, and {CHAMPION}@2s for a deadline",
        status=404,
        parameter="model",
        code="model_not_found",
    )
