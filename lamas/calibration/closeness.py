"""How near simulated rollouts come to recorded ones: shares, tokens, layers, critical paths."""

import asyncio
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, cast

import numpy as np
import scipy
from numpy.typing import NDArray
from rich.table import Table

from lamas.calibration.judge import Judge
from lamas.domain import Rollout
from lamas.evaluation import cluster_bootstrap, proportion, quantile
from lamas.report.terminal import table_console

_RIGHT = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """How often something was right."""

    value: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        interval = f"[{100 * self.low:.1f}, {100 * self.high:.1f}]"
        return f"{100 * self.value:.1f} {interval}"


@dataclass(frozen=True, kw_only=True, slots=True)
class OperatorFigures:
    """One operator in one set of rollouts."""

    right: Share | None
    """Of its candidates; None when it left none."""
    tokens_p50: float | None
    """N_out of the invocations that asked the model; None when none did."""
    tokens_p90: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """One set of rollouts."""

    rollouts: int
    operators: dict[str, OperatorFigures]
    layers: dict[int, tuple[float, float]]
    """Largest cp_tokens of each layer: p50 and p90."""
    score: Share
    cp_tokens: tuple[float, ...]

    @property
    def cp_mean(self) -> float:
        return math.fsum(self.cp_tokens) / len(self.cp_tokens)


@dataclass(frozen=True, kw_only=True, slots=True)
class Distance:
    """Kolmogorov–Smirnov distance of two samples."""

    value: float
    usual: float
    """Two samples of one distribution are farther apart than this in 5 % of cases, when their
    members are independent."""


class _KsResult(Protocol):
    """SciPy does not declare what it returns."""

    statistic: float


async def figures_of(sets: Sequence[Sequence[Rollout]], judge: Judge, *, seed: int) -> Figures:
    """The figures of the finished rollouts of one or more sets.

    A problem of one set is another one in the next: its difficulty was drawn anew. `seed` fixes
    the bootstrap.
    """
    # All at once first: one after another would leave the judges waiting.
    await asyncio.gather(
        *(
            judge.all_right(rollout.plan.problem_id, invocation.candidates)
            for rollouts in sets
            for rollout in rollouts
            if rollout.status == "ok"
            for invocation in rollout.trace.invocations
        )
    )
    verdicts: defaultdict[str, list[tuple[str, bool]]] = defaultdict(list)
    tokens: defaultdict[str, list[float]] = defaultdict(list)
    layers: defaultdict[int, list[float]] = defaultdict(list)
    scores: list[tuple[str, bool]] = []
    cp_tokens: list[float] = []
    for number, rollouts in enumerate(sets):
        for rollout in (item for item in rollouts if item.status == "ok"):
            drawn = f"{number}/{rollout.plan.problem_id}"
            scores.append((drawn, (rollout.score or 0.0) > _RIGHT))
            cp_tokens.append(rollout.cp_tokens)
            for invocation in rollout.trace.invocations:
                right = await judge.all_right(rollout.plan.problem_id, invocation.candidates)
                verdicts[invocation.operator] += [(drawn, item) for item in right]
                if invocation.calls:
                    tokens[invocation.operator].append(float(invocation.output_tokens))
            for layer in rollout.trace.layers:
                layers[layer[0].layer].append(max(item.cp_tokens for item in layer))
    return Figures(
        rollouts=len(scores),
        operators={
            name: OperatorFigures(
                right=share_of(verdicts[name], seed=seed) if verdicts[name] else None,
                tokens_p50=quantile(tokens[name], 0.5) if tokens[name] else None,
                tokens_p90=quantile(tokens[name], 0.9) if tokens[name] else None,
            )
            for name in sorted({*verdicts, *tokens})
            if verdicts[name] or tokens[name]
        },
        layers={
            number: (quantile(values, 0.5), quantile(values, 0.9))
            for number, values in sorted(layers.items())
        },
        score=share_of(scores, seed=seed),
        cp_tokens=tuple(cp_tokens),
    )


def share_of(verdicts: Sequence[tuple[str, bool]], *, seed: int) -> Share:
    """Share of right ones with a 95 % interval over problems."""
    problems = [name for name, _ in verdicts]
    right: NDArray[np.float64] = np.array([float(item) for _, item in verdicts])
    value = float(right.mean())
    interval = None
    if len(set(problems)) < len(problems) and 0.0 < value < 1.0:
        interval = cluster_bootstrap(
            problems, lambda weights: (weights @ right) / weights.sum(axis=1), seed=seed
        )
    if interval is None:
        # All alike, or one answer a problem: a problem counts once.
        count = len(set(problems))
        interval = proportion(round(value * count), count)
    return Share(value=value, low=interval.low, high=interval.high, n=len(verdicts))


def distance(recorded: Sequence[float], simulated: Sequence[float]) -> Distance:
    """Largest difference of the two distribution functions."""
    result = cast("_KsResult", scipy.stats.ks_2samp(recorded, simulated))
    n, m = len(recorded), len(simulated)
    return Distance(value=float(result.statistic), usual=1.358 * math.sqrt((n + m) / (n * m)))


def print_closeness(recorded: Figures, simulated: Figures, recorded_name: str) -> None:
    """The tables, recorded beside simulated."""
    console = table_console()
    console.print(_operators_table(recorded, simulated, recorded_name))
    console.print(_layers_table(recorded, simulated))
    apart = distance(recorded.cp_tokens, simulated.cp_tokens)
    console.print(
        f"score %     {recorded.score} recorded, {simulated.score} simulated", highlight=False
    )
    console.print(
        f"CP_len mean {recorded.cp_mean:.0f} recorded, {simulated.cp_mean:.0f} simulated "
        f"({simulated.cp_mean / recorded.cp_mean - 1:+.1%}); Kolmogorov–Smirnov distance "
        f"{apart.value:.3f} (two samples of one distribution: above {apart.usual:.3f} in 5 %)"
        if recorded.cp_mean > 0.0
        else "CP_len is 0 in every recorded rollout",
        highlight=False,
    )
    console.print(
        "95 % intervals over problems; the simulated problems' difficulties are drawn anew",
        style="dim",
        highlight=False,
    )


def _operators_table(recorded: Figures, simulated: Figures, recorded_name: str) -> Table:
    title = (
        f"{recorded.rollouts} rollouts recorded from {recorded_name} against "
        f"{simulated.rollouts} simulated"
    )
    headers = ("n", "right % recorded", "simulated", "tokens p50", "sim.", "p90", "sim.")
    table = _table("operator", headers, title)
    for name in sorted({*recorded.operators, *simulated.operators}):
        one, other = recorded.operators.get(name), simulated.operators.get(name)
        table.add_row(
            name,
            "–" if one is None or one.right is None else str(one.right.n),
            _text(one and one.right),
            _text(other and other.right),
            _text(one and one.tokens_p50),
            _text(other and other.tokens_p50),
            _text(one and one.tokens_p90),
            _text(other and other.tokens_p90),
        )
    return table


def _layers_table(recorded: Figures, simulated: Figures) -> Table:
    headers = ("p50 recorded", "simulated", "p90 recorded", "simulated")
    table = _table("largest of layer, tokens", headers)
    for number in sorted({*recorded.layers, *simulated.layers}):
        one, other = recorded.layers.get(number), simulated.layers.get(number)
        table.add_row(
            str(number),
            _text(one and one[0]),
            _text(other and other[0]),
            _text(one and one[1]),
            _text(other and other[1]),
        )
    return table


def _table(first: str, others: Sequence[str], title: str | None = None) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", title=title, title_justify="left")
    table.add_column(first, no_wrap=True)
    for header in others:
        table.add_column(header, justify="right", no_wrap=True)
    return table


def _text(value: Share | float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.0f}" if isinstance(value, float) else str(value)
