"""Paired differences in words a person reads."""

import math
from collections.abc import Sequence

from lamas.evaluation import PairedDifference


def difference_lines(differences: Sequence[PairedDifference]) -> list[str]:
    """Each difference in words a person reads: points of score, per cent of the rest."""
    lines: list[str] = []
    for item in differences:
        if item.metric == "score_difference":
            name, unit = "score", "points"
            values = [100 * value for value in _numbers(item)]
        else:
            name, unit = item.metric.removesuffix("_log_ratio"), "%"
            values = [100 * math.expm1(value) for value in _numbers(item)]
        text = f"{name:<18} {values[0]:+.1f} {unit}"
        if len(values) == 3:
            text += f"  [{values[1]:+.1f}, {values[2]:+.1f}]"
        lines.append(f"{text}  ({item.problems} problems)")
    return lines


def _numbers(item: PairedDifference) -> list[float]:
    return [value for value in (item.value, item.low, item.high) if value is not None]
