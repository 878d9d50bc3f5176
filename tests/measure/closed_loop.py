"""What looking after the first layer brings on recorded answers.

Only where the fast ones disagreed a strong model is asked, against the best fixed beforehand.

`python -m tests.measure.closed_loop FOLDER EMBEDDINGS SPEEDS`, arguments as in
`tests.measure.table_learning`. Both loops are the same regression on the same landmarks; the open
one chooses among layers of one to three models, the closed one besides among those followed by one
more model where no two answers of the first layer agreed. What each comes to follows exactly from
the table.
"""

import math
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from lamas.controller.nearness import nearness
from lamas.domain import ExecutionGraph, Layer
from lamas.evaluation.hypervolume_interval import compare_hypervolumes
from lamas.execution.graph_values import Floats, graph_values
from lamas.training.constraint import multiplier_range
from lamas.training.landmarks import Landmarks
from lamas.training.ridge import PrincipalAxes, best_strength
from lamas.training.table_weights import table_random
from tests.measure.recorded_table import Recorded, recorded
from tests.measure.table_frontier import DEADLINES, QUORUM
from tests.measure.table_learning import SEEDS, Setting, difference, percent, points

TRAINING = 3000
PRICES = 33


@dataclass(frozen=True, eq=False)
class Plans:
    """What may be chosen, and what each comes to, [P, N]."""

    names: tuple[str, ...]
    score: Floats
    time: Floats


def open_plans(setting: Setting) -> Plans:
    return Plans(
        tuple(str(graph) for graph in setting.values.graphs), setting.values.score, setting.time
    )


def closed_plans(setting: Setting, beforehand: Plans) -> Plans:
    """The open plans, and each layer of two or three models with one more where none agreed."""
    of = setting.of
    names: list[str] = list(beforehand.names)
    scores, times = [beforehand.score], [beforehand.time]
    for column, graph in enumerate(setting.values.graphs):
        first = graph.layers[0]
        if len(first.operators) < QUORUM:
            continue
        agreed = agreement(of, first)
        others = [name for name in of.operators.names if name not in first.operators]
        longer = [ExecutionGraph((first, Layer((name,)))) for name in others]
        values = graph_values(of.table, longer, of.operators)
        ends = agreed[:, None]
        names += [f"{first} → {name} unless agreed" for name in others]
        scores.append(np.where(ends, beforehand.score[:, [column]], values.score))
        times.append(np.where(ends, beforehand.time[:, [column]], values.seconds))
    return Plans(tuple(names), np.concatenate(scores, axis=1), np.concatenate(times, axis=1))


def agreement(of: Recorded, layer: Layer) -> NDArray[np.bool_]:
    """[P]: whether two answers of the layer are equal; whoever agrees has arrived by its end."""
    places = [of.table.operators.index(name) for name in layer.operators]
    keys = of.table.key[0][:, places]
    alike = (keys[:, :, None] == keys[:, None, :]) & (keys[:, :, None] >= 0)
    return (alike.sum(axis=2) >= QUORUM).any(axis=1)


def chosen_by(
    setting: Setting, plans: Plans, rows: NDArray[np.int64], *, seed: int
) -> tuple[Floats, Floats]:
    """Score and time [P, PRICES] of what a regression on the training `rows` chooses held out."""
    embeddings = setting.of.embeddings
    score, time = plans.score[rows], plans.time[rows]
    low, high = (math.log(end) for end in multiplier_range(score, time))
    units = (float(score.std(axis=1).mean()), float(time.std(axis=1).mean()))
    landmarks = Landmarks.of(embeddings[rows], table_random(seed, "landmarks"))
    features = landmarks.features()
    count = setting.controller.hidden
    strength = best_strength(
        features, count, score, time, multipliers=np.exp(np.linspace(low, high, 9)), units=units
    )
    axes = PrincipalAxes.of(features, count).under(strength)
    fitted = axes.features(features)
    near = nearness(*_tensors(embeddings[setting.held_out], landmarks.places)).numpy()
    seen = axes.features(near @ landmarks.root)

    def predicted(target: Floats) -> Floats:
        mean = target.mean(axis=0)
        return mean + seen @ (fitted.T @ (target - mean)) / len(rows)

    worth, wait = predicted(score), predicted(time)
    places = np.arange(len(setting.held_out))
    reached: list[tuple[Floats, Floats]] = []
    for price in np.exp(np.linspace(low, high, PRICES)).tolist():
        best = (worth - price * wait).argmax(axis=1)
        held_out = setting.held_out[places]
        reached.append((plans.score[held_out, best], plans.time[held_out, best]))
    return np.stack([s for s, _ in reached], axis=1), np.stack([t for _, t in reached], axis=1)


def within(score: Floats, time: Floats, deadline: float) -> float:
    """The best mean score [PRICES] whose mean time keeps the deadline."""
    kept = time.mean(axis=0) <= deadline
    return float(score.mean(axis=0)[kept].max()) if kept.any() else float("nan")


def quorum_alone(setting: Setting) -> None:
    """The three models of the best full vote on the training questions, with a quorum of 2."""
    of, pool, held_out = setting.of, setting.pool, setting.held_out
    triples = [graph for graph in setting.values.graphs if len(graph.layers[0].operators) == 3]
    full = graph_values(of.table, [graph.with_quorum(None) for graph in triples], of.operators)
    best = int(full.score[pool].mean(axis=0).argmax())
    ended = graph_values(of.table, [triples[best]], of.operators)
    score = difference([ended.score[held_out, 0]], [full.score[held_out, best]])
    time = difference([ended.seconds[held_out, 0]], [full.seconds[held_out, best]], ratio=True)
    print(f"  {triples[best]} against its full vote: score {points(score)}, time {percent(time)}")


def _tensors(*arrays: Floats) -> list[torch.Tensor]:
    return [torch.from_numpy(array) for array in arrays]


def main() -> None:
    folder, embeddings, speeds = (Path(name) for name in sys.argv[1:4])
    of = recorded(folder, embeddings / "mmlu_pro.npy", speeds, "mmlu_pro")
    setting = Setting.made(of, "mmlu_pro", quorum=QUORUM)
    print("MMLU-Pro, recorded; seconds from declared speeds")
    quorum_alone(setting)
    beforehand = open_plans(setting)
    plans = {"open": beforehand, "closed": closed_plans(setting, beforehand)}
    found = {
        name: [
            chosen_by(setting, of_loop, setting.training_rows(TRAINING, seed), seed=seed)
            for seed in range(SEEDS)
        ]
        for name, of_loop in plans.items()
    }
    for deadline in DEADLINES:
        scores = ", ".join(
            f"{name} {100 * np.mean([within(s, t, deadline) for s, t in of_seeds]):.1f} %"
            for name, of_seeds in found.items()
        )
        print(f"  within {deadline:.1f} s: {scores}")
    cubes = {
        name: (np.stack([s for s, _ in of_seeds]), np.stack([t for _, t in of_seeds]))
        for name, of_seeds in found.items()
    }
    gain = compare_hypervolumes(
        cubes["closed"],
        cubes["open"],
        worst_score=float(beforehand.score[setting.held_out].mean(axis=0).min()),
        worst_time=DEADLINES[-1],
        resamples=500,
    )
    print(
        f"  hypervolume, closed − open: {points(gain)} × s; {SEEDS} seeds, "
        f"{len(plans['open'].names)} and {len(plans['closed'].names)} plans"
    )


if __name__ == "__main__":
    main()
