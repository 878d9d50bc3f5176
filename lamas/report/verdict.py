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


def in_one_sentence(reference: str, differences: Sequence[PairedDifference], margin: float) -> str:
    """What it comes to, as "As good as Programmer, 38 % less wait".

    `margin` is the share of the score below which a difference does not count. Waiting is the
    makespan, or CP_len where no makespan was measured; it counts where its interval lies on one
    side of 0.
    """
    by_metric = {item.metric: item for item in differences}
    score = by_metric["score_difference"]
    wait = by_metric.get("makespan_seconds_log_ratio", by_metric.get("cp_tokens_log_ratio"))
    low, high = score.low or 0.0, score.high or 0.0
    points = f"{100 * abs(score.value):.1f} points"
    if low > 0.0:
        how = f"Better than {reference} by {points}"
    elif high < 0.0:
        how = f"Worse than {reference} by {points}"
    elif low >= -margin:
        how = f"As good as {reference}"
    else:
        how = f"Not surely as good as {reference} ({100 * score.value:+.1f} points)"
    if wait is None:
        return f"{how}."
    share = 100 * math.expm1(wait.value)
    sure = wait.low is not None and wait.high is not None and wait.low * wait.high > 0.0
    less = f"{abs(share):.0f} % {'less' if share < 0 else 'more'} wait"
    return f"{how}, {less}." if sure else f"{how}, no sure difference in waiting ({share:+.0f} %)."


def _numbers(item: PairedDifference) -> list[float]:
    return [value for value in (item.value, item.low, item.high) if value is not None]
