"""The layer sampler as the specification words it: one row at a time, by enumeration."""

import math
from collections.abc import Iterator, Sequence


def softmax(logits: Sequence[float], legal: Sequence[bool]) -> list[float]:
    largest = max(z for z, allowed in zip(logits, legal, strict=True) if allowed)
    weights = [
        math.exp(z - largest) if allowed else 0.0 for z, allowed in zip(logits, legal, strict=True)
    ]
    return [weight / sum(weights) for weight in weights]


def sequences(
    probabilities: Sequence[float], legal: Sequence[bool], tau: float, width: int | None = None
) -> Iterator[tuple[tuple[int, ...], float]]:
    """Every sequence that can be drawn, with its probability."""

    def extend(
        drawn: tuple[int, ...], mass: float, so_far: float
    ) -> Iterator[tuple[tuple[int, ...], float]]:
        left = [o for o, allowed in enumerate(legal) if allowed and o not in drawn]
        if drawn and (mass >= tau - 1e-9 or not left or len(drawn) == width):
            yield drawn, so_far
            return
        remaining = sum(probabilities[o] for o in left)
        for o in left:
            share = probabilities[o] / remaining
            yield from extend((*drawn, o), mass + probabilities[o], so_far * share)

    yield from extend((), 0.0, 1.0)


def decided(probabilities: Sequence[float], legal: Sequence[bool], tau: float) -> tuple[int, ...]:
    ranked = sorted(
        (o for o, allowed in enumerate(legal) if allowed), key=lambda o: (-probabilities[o], o)
    )
    drawn: list[int] = []
    while len(drawn) < len(ranked) and sum(probabilities[o] for o in drawn) < tau - 1e-9:
        drawn.append(ranked[len(drawn)])
    return tuple(drawn)


def log_prob(probabilities: Sequence[float], drawn: Sequence[int]) -> float:
    """Σ [log p(a_i) − log(1 − Σ_{j<i} p(a_j))]."""
    total, before = 0.0, 0.0
    for o in drawn:
        total += math.log(probabilities[o]) - math.log(1.0 - before)
        before += probabilities[o]
    return total
