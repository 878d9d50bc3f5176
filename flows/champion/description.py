"""The deployed controller as a person reads of it: metrics, lineage, the last decisions."""

import json
from datetime import UTC, datetime
from typing import cast

from lamas.domain import Checkpoint
from warehouse import Promotion, Registry, Warehouse
from warehouse.reader import Reader

DECISIONS = 5
METRICS = ("score", "cost_usd", "cp_tokens_mean", "makespan_seconds_mean")


def description(warehouse: Warehouse) -> str:
    """Champion, metrics, lineage, those of tags, the last decisions, as lines to print."""
    registry = Registry(warehouse)
    champion = registry.champion()
    decisions = registry.promotions()
    if champion is None:
        lines = ["There is no champion yet: `lamas retrain` promotes one when the rule holds."]
    else:
        lines = [
            f"champion  {champion.checkpoint_id}  step {champion.step}, {champion.controller}, "
            f"of run {champion.run_id}, {_time(champion.created_at)}",
            *_metrics(warehouse, champion),
            f"lineage   {' ← '.join(_lineage(registry, champion))}",
        ]
    lines += [
        f"lamas:{tag}  {item.checkpoint_id}  step {item.step}, {item.controller}"
        for tag, item in registry.tagged().items()
    ]
    if decisions:
        lines += ["decisions, the latest first:"]
        lines += [f"  {_decision(item)}" for item in reversed(decisions[-DECISIONS:])]
    return "\n".join(lines)


def _metrics(warehouse: Warehouse, champion: Checkpoint) -> list[str]:
    reader = Reader(warehouse)
    found = [
        item
        for item in reader.evaluations(checkpoint_id=champion.checkpoint_id)
        if item.metric in METRICS
    ]
    if not found:
        return ["metrics   never evaluated"]
    evaluated = {item.run_id for item in found}
    latest = [run.run_id for run in reader.runs() if run.run_id in evaluated][-1]
    lines = [f"metrics   of run {latest}"]
    for item in found:
        if item.run_id == latest:
            interval = "" if item.low is None else f"  [{item.low:.6g}, {item.high:.6g}]"
            lines.append(f"  {item.metric:<22} {item.value:.6g}{interval}  n {item.n}")
    return lines


def _lineage(registry: Registry, champion: Checkpoint) -> list[str]:
    """Ids from the champion to its first ancestor; the middle of a long line is left out."""
    by_id = {item.checkpoint_id: item for item in registry.checkpoints()}
    line: list[str] = []
    current: Checkpoint | None = champion
    while current is not None and current.checkpoint_id not in line:
        line.append(current.checkpoint_id)
        current = by_id.get(current.parent_id) if current.parent_id else None
    return line if len(line) <= 4 else [*line[:2], f"({len(line) - 3} more)", line[-1]]


def _decision(item: Promotion) -> str:
    evidence = cast("dict[str, object]", json.loads(item.evidence))
    since = f" after {item.previous_checkpoint_id}" if item.previous_checkpoint_id else ""
    why = str(evidence.get("reason") or _by_rule(evidence))
    decision = item.decision.replace("_", " ")
    return f"{_time(item.decided_at)}  {decision:<11} {item.checkpoint_id}{since}: {why}"


def _by_rule(evidence: dict[str, object]) -> str:
    if "non_inferior" not in evidence:
        return "no reason was given"
    if not evidence["non_inferior"]:
        return "the score may be lower than the margin allows"
    improved = cast("list[str]", evidence.get("improved") or [])
    names = " and ".join(name.removesuffix("_log_ratio") for name in improved)
    return f"score non-inferior, {names} lower" if names else "neither latency nor cost fell"


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
