"""What a retrain says at its end, besides its verdict: picks, the cache, T, where to look next."""

import shlex
from collections.abc import Sequence

from flows.latency import fit_run
from flows.run.session import Session
from lamas.errors import LamasError
from lamas.evaluation.latency import LatencyResult


def closing_lines(current: Session, checkpoint_id: str, overrides: Sequence[str] = ()) -> list[str]:
    """Picks of the checkpoint by kind of question, how much of the prompts was cached, how well
    predicted seconds tell measured ones, and commands that show more.

    A question is asked under the run's own `overrides`: operators set otherwise answer otherwise.
    """
    home = shlex.quote(f"home={current.settings.home}")
    asked = shlex.join(item for item in overrides if not item.startswith("home="))
    return [
        *_picks(current, checkpoint_id),
        *_cached(current),
        *_predicted(current),
        "Look next:",
        f"  lamas ask 'What is 7 + 8 - 3?' {home} {asked}".rstrip(),
        f"  lamas sql 'FROM picks_by_category' {home}",
        f"  lamas latency run={current.run.run_id} {home}",
        f"  lamas report run={current.run.run_id} {home}",
    ]


def fitted_latency(current: Session) -> tuple[LatencyResult, ...]:
    """Latency models of the run's calls, stored; none where no model's seconds were measured, or
    too few."""
    settings = current.settings
    if settings.llm.kind == "recorded" or not settings.seconds_are_the_models:
        return ()
    own = settings.model_copy(update={"run": current.run.run_id})
    try:
        return fit_run(current.warehouse, own)
    except LamasError as error:
        current.say(f"no latency model: {error}")
        return ()


def _picks(current: Session, checkpoint_id: str) -> list[str]:
    rows = current.warehouse.query(
        "SELECT category, string_agg(graph || ' ' || picks, ', ' ORDER BY picks DESC, graph) "
        "FROM picks_by_category WHERE run_id = ? AND checkpoint_id = ? "
        "GROUP BY category ORDER BY category",
        [current.run.run_id, checkpoint_id],
    ).rows()
    width = max((len(str(category)) for category, _ in rows), default=0)
    picked = [f"  {category!s:<{width}}  {graphs}" for category, graphs in rows]
    return ["What it picked, by kind of question:", *picked] if picked else []


def _cached(current: Session) -> list[str]:
    cached, tokens = current.warehouse.query(
        "SELECT coalesce(sum(cached_tokens), 0), coalesce(sum(input_tokens), 0) "
        "FROM run_summary WHERE run_id = ?",
        [current.run.run_id],
    ).row(0)
    if not cached:
        return []
    return [f"{cached / tokens:.0%} of the prompts' {tokens:,} tokens came from the cache"]


def _predicted(current: Session) -> list[str]:
    return [
        f"T predicts the seconds of {result.fit.held_out.n} held-out rollouts with Pearson "
        f"{result.fit.held_out.pearson:.3f}, CP_len with {result.fit.proxy.pearson:.3f}"
        for result in fitted_latency(current)
        if result.fit.held_out.pearson is not None and result.fit.proxy.pearson is not None
    ]
