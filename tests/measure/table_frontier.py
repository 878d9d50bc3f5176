"""One checkpoint's frontier of score against seconds on recorded answers of eight models.

`python -m tests.measure.table_frontier FOLDER EMBEDDINGS SPEEDS [mmlu_pro] [speed]`, the first
three arguments as in `tests.measure.table_learning`.
"""

import math
import resource
import sys
import time as clock
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from lamas.controller.condition import Condition
from lamas.controller.conditioned_policy import ConditionedPolicy
from lamas.evaluation.hypervolume_interval import compare_hypervolumes
from lamas.training.constraint import best_fixed
from lamas.training.table_decisions import decided_graphs
from lamas.training.table_learner import fit_table
from tests.measure.recorded_table import operator_rows, recorded
from tests.measure.table_learning import (
    SEEDS,
    SETTINGS,
    Reached,
    Setting,
    Trained,
    against_fixed,
    difference,
    points,
    print_picks,
    reached,
)

QUORUM = 2
DEADLINES = (0.9, 1.2, 1.6, 2.0, 2.5)


def multiplier_at(one: Trained, deadline: float) -> float:
    found = one.fit.controller.multiplier(Condition(deadline=deadline))
    assert found is not None
    return found


def neighbours_multiplier_at(one: Trained, deadline: float) -> float:
    """By bisection on the training questions, each judged without itself."""
    low, high = math.log(1e-4), math.log(1e2)
    nearest = one.neighbours.nearest_left_out()
    for _ in range(25):
        middle = (low + high) / 2
        chosen = one.neighbours.choose(nearest, math.exp(middle))
        if reached(one.table, chosen)[1].mean() <= deadline:
            high = middle
        else:
            low = middle
    return math.exp(high)


def deadlines(setting: Setting, seeds: Sequence[Trained]) -> None:
    """Asked for d seconds: what came out, beside the best fixed graph within d on the table."""
    held_out = setting.table(setting.held_out)
    print("\n  asked deadline → held-out mean, p90; score; best fixed graph within d; neighbours")
    for deadline in DEADLINES:
        own: list[Reached] = []
        fixed: list[Reached] = []
        near: list[Reached] = []
        for one in seeds:
            chosen = decided_graphs(
                one.fit.controller,
                held_out.embeddings,
                math.log(multiplier_at(one, deadline)),
            )
            own.append(reached(held_out, chosen))
            best = best_fixed(held_out.graphs, one.table.score, one.table.time, deadline=deadline)
            fixed.append(reached(held_out, np.full(len(chosen), best.column)))
            price = neighbours_multiplier_at(one, deadline)
            nearest = one.neighbours.nearest(held_out.embeddings)
            near.append(reached(held_out, one.neighbours.choose(nearest, price)))
        means = [float(np.mean([t for _, t in of])) for of in (own, fixed, near)]
        p90 = float(np.mean([np.quantile(t, 0.9) for _, t in own]))
        scores = [100 * float(np.mean([s for s, _ in of])) for of in (own, fixed, near)]
        gain = difference([s for s, _ in own], [s for s, _ in fixed])
        over_near = difference([s for s, _ in own], [s for s, _ in near])
        print(
            f"  {deadline:.1f} s → {means[0]:.3f} s ({100 * (means[0] / deadline - 1):+.1f} %), "
            f"p90 {p90:.2f} s; {scores[0]:.1f} %; fixed {scores[1]:.1f} % in {means[1]:.2f} s, "
            f"{points(gain)}; neighbours {scores[2]:.1f} % in {means[2]:.2f} s, {points(over_near)}"
        )


def frontier(setting: Setting, seeds: Sequence[Trained]) -> None:
    """One checkpoint's frontier against every fixed graph, and hypervolumes with intervals."""
    held_out = setting.table(setting.held_out)
    prices = [policy_points(one) for one in seeds]
    own = [
        [reached(held_out, decided_graphs(one.fit.controller, held_out.embeddings, math.log(p)))
         for p in of]
        for one, of in zip(seeds, prices, strict=True)
    ]  # fmt: skip
    near = [
        [reached(held_out, one.neighbours.choose(nearest, p)) for p in of]
        for one, of in zip(seeds, prices, strict=True)
        for nearest in (one.neighbours.nearest(held_out.embeddings),)
    ]

    def cube(of: list[list[Reached]]) -> Reached:
        """[S, P, G] scores and times."""
        return (
            np.stack([np.stack([s for s, _ in row], axis=1) for row in of]),
            np.stack([np.stack([t for _, t in row], axis=1) for row in of]),
        )

    controller, neighbours = cube(own), cube(near)
    every = (
        np.broadcast_to(held_out.score, (SEEDS, *held_out.score.shape)),
        np.broadcast_to(held_out.time, (SEEDS, *held_out.time.shape)),
    )
    first, last = DEADLINES[0], DEADLINES[-1]
    worst = float(held_out.score.mean(axis=0).min())
    for name, other in (("fixed graphs", every), ("neighbours", neighbours)):
        found = compare_hypervolumes(
            controller, other, worst_score=worst, worst_time=last, resamples=500
        )
        print(f"  hypervolume against {name}: {points(found)} × s")
    score, time = held_out.score.mean(axis=0), held_out.time.mean(axis=0)
    margins: list[tuple[float, str]] = []
    for column in np.flatnonzero((time >= first) & (time <= last)).tolist():
        at = [max(np.mean(s) for s, t in row if np.mean(t) <= time[column] + 1e-9) for row in own]
        margins.append((float(np.mean(at)) - float(score[column]), str(held_out.graphs[column])))
    below = [f"{name} ({100 * margin:+.2f})" for margin, name in margins if margin < 0.0]
    print(
        f"  of {len(margins)} fixed graphs between {first} and {last} s the frontier of one "
        f"checkpoint lies above {len(margins) - len(below)}; closest "
        f"{100 * min(margins)[0]:+.2f} points ({min(margins)[1]}); below: {', '.join(below) or '–'}"
    )


def policy_points(one: Trained) -> list[float]:
    policy = one.fit.controller.policy
    assert isinstance(policy, ConditionedPolicy)
    return [point.multiplier for point in policy.operating_points()]


def one_fit(arguments: tuple[Setting, int]) -> float:
    setting, seed = arguments
    return fit_table(
        setting.training(1000, seed),
        setting.of.operators,
        operator_rows(setting.of.operators),
        controller=setting.controller,
        settings=SETTINGS,
        seed=seed,
    ).seconds


def speed(setting: Setting, *, seeds: int = 50, workers: int = 2) -> None:
    """Many training seeds from a table of 1,000 questions × 8 operators."""
    started = clock.perf_counter()
    with ProcessPoolExecutor(workers) as pool:
        seconds = list(pool.map(one_fit, [(setting, seed) for seed in range(seeds)]))
    wall = clock.perf_counter() - started
    most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(
        f"\n{seeds} seeds on 1,000 questions × {len(setting.of.operators)} operators: "
        f"{wall:.0f} s in {workers} processes; one seed {np.median(seconds):.1f} s "
        f"(at most {max(seconds):.1f}); largest process {most:.0f} MiB"
    )


def main() -> None:
    folder, embeddings, speeds = (Path(name) for name in sys.argv[1:4])
    wanted = sys.argv[4:] or ["mmlu_pro", "speed"]
    of = recorded(folder, embeddings / "mmlu_pro.npy", speeds, "mmlu_pro")
    setting = Setting.made(of, "mmlu_pro", quorum=QUORUM)
    if "mmlu_pro" in wanted:
        print(
            f"MMLU-Pro, recorded; seconds from declared speeds; layers end at a quorum of {QUORUM}"
        )
        seeds = against_fixed(setting, 3000)
        print_picks(setting, seeds[0])
        deadlines(setting, seeds)
        frontier(setting, seeds)
    if "speed" in wanted:
        speed(setting)


if __name__ == "__main__":
    main()
