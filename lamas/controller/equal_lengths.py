"""Which texts go through the encoder together: those with equally many tokens, and no others."""

from collections import defaultdict
from collections.abc import Sequence

BATCH_TOKENS = 2048
"""Tokens of one batch at most (one text may have more): beyond some thousand rows a matrix product
gains nothing, and activations leave the cache."""


def equal_length_batches(
    lengths: Sequence[int], most_tokens: int = BATCH_TOKENS
) -> list[tuple[int, ...]]:
    """Positions of texts by batch; all texts of a batch have the same length, so none is padded.

    Every position occurs once. Long batches come first, so that workers end together.
    """
    by_length: dict[int, list[int]] = defaultdict(list)
    for position, length in enumerate(lengths):
        by_length[length].append(position)
    batches: list[tuple[int, ...]] = []
    for length in sorted(by_length, reverse=True):
        positions = by_length[length]
        size = max(1, most_tokens // max(1, length))
        batches += [
            tuple(positions[start : start + size]) for start in range(0, len(positions), size)
        ]
    return sorted(batches, key=lambda batch: -len(batch) * lengths[batch[0]])
