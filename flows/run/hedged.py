"""What second requests for slow calls came to in a run, said at its end."""

from flows.run.session import Session


def say_hedged(current: Session) -> None:
    """One line where calls may be hedged; none otherwise."""
    if current.settings.llm.hedge.quantile is None:
        return
    runs = list(dict.fromkeys([current.run.run_id, *current.paid_runs]))
    attempts, hedged, won, extra, cost = current.warehouse.query(
        "SELECT coalesce(sum(attempts), 0), coalesce(sum(hedged_attempts), 0), "
        "coalesce(sum(won_hedges), 0), coalesce(sum(cost_usd_hedges), 0.0), "
        "coalesce(sum(cost_usd), 0.0) FROM spending WHERE run_id IN (SELECT unnest(?))",
        [runs],
    ).row(0)
    share = f", {extra / cost:.1%} of what the run cost" if cost else ""
    current.say(
        f"hedged: {hedged} of {attempts} calls were sent a second time, {won} were answered by "
        f"it; the requests that lost cost {extra:.4f} USD{share}"
    )
