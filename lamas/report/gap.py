"""How far choosing could come, and how far it came: the gap to the oracle in words."""

from collections.abc import Mapping

from lamas.evaluation.oracle import Gap


def gap_sentence(gap: Gap, best_fixed: str, closed: Mapping[str, float | None]) -> str:
    """One sentence; `closed` says by policy which share of the gap it closed."""
    unit = "token" if gap.clock == "tokens" else "second"
    if gap.width <= 0.0:
        return (
            f"Nothing to choose: the best operator for each problem is worth no more than the "
            f"fixed graph {best_fixed}, in S − μT at {gap.multiplier:.3g} a {unit}."
        )
    shares = ", ".join(
        f"{name} {100 * share:.0f} %" for name, share in closed.items() if share is not None
    )
    return (
        f"From the best fixed graph, {best_fixed}, to the oracle: {100 * gap.width:.1f} points of "
        f"S − μT at {gap.multiplier:.3g} a {unit}; closed by {shares or 'nobody'}."
    )
