"""What learning from a table reaches on recorded answers, beside every control.

`python -m tests.measure.table_learning FOLDER EMBEDDINGS SPEEDS`: FOLDER holds questions.parquet
and answers.parquet, EMBEDDINGS bbh.npy (and mmlu_pro.npy for `tests.measure.table_frontier`),
SPEEDS is a YAML file of each model's seconds to the first token and tokens per second. Splits,
seeds and margin stand below and were fixed before the first run on the held-out questions.
"""

import math
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lamas.controller import ControllerSettings
from lamas.evaluation import PairedEstimate, hierarchical_bootstrap
from lamas.evaluation.controls import Neighbours, gap_closed, oracle
from lamas.execution.graph_values import Floats, GraphValues, graph_values, one_layer_graphs
from lamas.training.table_decisions import decided_graphs
from lamas.training.table_learner import TableFit, fit_table
from lamas.training.table_settings import TableSettings
from lamas.training.training_table import TrainingTable
from tests.measure.recorded_table import Recorded, operator_rows, recorded

SEEDS = 5
# The knobs' defaults were chosen on the questions beyond the held-out ones of this split.
SPLIT_SEED = 12345
HELD_OUT = {"bbh": 2000, "mmlu_pro": 3000}
WIDTH = 3
CONTROLLER = ControllerSettings(kind="conditioned", layers=1, tau=0.8, width=WIDTH, hidden=256)
SETTINGS = TableSettings()


Reached = tuple[Floats, Floats]
"""Score and time [P] of what was chosen."""


@dataclass(frozen=True)
class Setting:
    """A benchmark's questions, valued and split."""

    of: Recorded
    controller: ControllerSettings
    values: GraphValues
    time: Floats
    held_out: NDArray[np.int64]
    pool: NDArray[np.int64]

    @classmethod
    def made(cls, of: Recorded, benchmark: str, *, quorum: int | None = None) -> "Setting":
        graphs = one_layer_graphs(of.operators, width=WIDTH, quorum=quorum)
        values = graph_values(of.table, graphs, of.operators)
        order = np.random.default_rng(SPLIT_SEED).permutation(len(of.table)).astype(np.int64)
        held_out, pool = np.split(order, [HELD_OUT[benchmark]])
        time = values.cp_tokens if benchmark == "bbh" else values.seconds
        controller = replace(CONTROLLER, quorum=quorum)
        return cls(of, controller, values, time, np.sort(held_out), np.sort(pool))

    def table(self, rows: NDArray[np.int64]) -> TrainingTable:
        return TrainingTable(
            embeddings=self.of.embeddings[rows],
            graphs=self.values.graphs,
            score=self.values.score[rows],
            time=self.time[rows],
        )

    def training_rows(self, problems: int, seed: int) -> NDArray[np.int64]:
        drawn = np.random.default_rng([SPLIT_SEED, seed]).choice(
            self.pool, min(problems, len(self.pool)), replace=False
        )
        return np.sort(drawn)

    def training(self, problems: int, seed: int) -> TrainingTable:
        return self.table(self.training_rows(problems, seed))


@dataclass(frozen=True)
class Trained:
    """One seed: its training table, its controller, and its neighbours."""

    table: TrainingTable
    fit: TableFit
    neighbours: Neighbours
    neighbours_multiplier: float


def trained(setting: Setting, problems: int, seed: int) -> Trained:
    table = setting.training(problems, seed)
    fit = fit_table(
        table,
        setting.of.operators,
        operator_rows(setting.of.operators),
        controller=setting.controller,
        settings=SETTINGS,
        seed=seed,
    )
    neighbours = Neighbours(table)
    return Trained(table, fit, neighbours, neighbours.multiplier(fit.best.score - SETTINGS.margin))


def reached(table: TrainingTable, columns: NDArray[np.int64]) -> Reached:
    """Score and time [P] of one chosen column for each problem."""
    rows = np.arange(len(columns))
    return table.score[rows, columns], table.time[rows, columns]


def own_choice(one: Trained, table: TrainingTable) -> NDArray[np.int64]:
    return decided_graphs(one.fit.controller, table.embeddings, math.log(one.fit.multiplier))


def difference(a: Sequence[Floats], b: Sequence[Floats], *, ratio: bool = False) -> PairedEstimate:
    return hierarchical_bootstrap(
        np.stack(a), np.stack(b), effect="log_ratio" if ratio else "difference", seed=0
    )


def points(estimate: PairedEstimate) -> str:
    """A difference of scores in points."""
    return _interval(estimate, lambda value: 100 * value, " points")


def percent(estimate: PairedEstimate) -> str:
    """A log-ratio as a change in percent."""
    return _interval(estimate, lambda value: 100 * math.expm1(value), " %")


def _interval(estimate: PairedEstimate, scaled: Callable[[float], float], unit: str) -> str:
    ends = [estimate.value, estimate.low, estimate.high]
    value, low, high = ("–" if end is None else f"{scaled(end):+.1f}" for end in ends)
    return f"{value}{unit} [{low}, {high}]"


def against_fixed(setting: Setting, problems: int) -> list[Trained]:
    """The controller's own multiplier against the best fixed graph of its training table."""
    held_out = setting.table(setting.held_out)
    seeds = [trained(setting, problems, seed) for seed in range(SEEDS)]
    fixed = [reached(held_out, np.full(len(held_out.score), one.fit.best.column)) for one in seeds]
    entrants = {
        "controller": [reached(held_out, own_choice(one, held_out)) for one in seeds],
        "20 nearest neighbours": [
            reached(
                held_out,
                one.neighbours.choose(
                    one.neighbours.nearest(held_out.embeddings), one.neighbours_multiplier
                ),
            )
            for one in seeds
        ],
        "random graph": [(held_out.score.mean(axis=1), held_out.time.mean(axis=1))] * SEEDS,
        "oracle": [reached(held_out, oracle(held_out.score, held_out.time))] * SEEDS,
    }
    best = Counter(str(one.fit.best.graph) for one in seeds).most_common(1)[0][0]
    scores, times = (np.mean([of[place] for of in fixed]) for place in (0, 1))
    print(f"\n{problems} training questions, {len(held_out.score)} held out, {SEEDS} seeds")
    print(f"  {'best fixed graph':22} {100 * scores:5.1f} % {times:8.3f}  {best}")
    for name, of in entrants.items():
        score, time = (np.mean([pair[place] for pair in of]) for place in (0, 1))
        by_score = difference([s for s, _ in of], [s for s, _ in fixed])
        by_time = difference([t for _, t in of], [t for _, t in fixed], ratio=True)
        print(
            f"  {name:22} {100 * score:5.1f} % {time:8.3f}  score {points(by_score)}, "
            f"time {percent(by_time)}"
        )
    _print_gap(seeds, entrants, fixed)
    for place, one in enumerate(seeds):
        fit = one.fit
        print(
            f"  seed {place}: {fit.steps} steps, μ {fit.multiplier:.3g}; training questions: "
            f"sampled {100 * fit.expected_score:.2f} % in {fit.expected_time:.4g}, decided "
            f"{100 * fit.decided_score:.2f} % in {fit.decided_time:.4g}; left-out parts "
            f"{100 * fit.score:.2f} % in {fit.time:.4g}; fitted in {fit.seconds:.1f} s"
        )
    return seeds


def _print_gap(
    seeds: Sequence[Trained],
    entrants: dict[str, list[Reached]],
    fixed: Sequence[Reached],
) -> None:
    """Value S − μ·T at the controller's multiplier: how far from the best fixed to the oracle."""
    shares: dict[str, list[float]] = {"controller": [], "20 nearest neighbours": []}
    gaps: list[float] = []
    for place, one in enumerate(seeds):

        def value(pair: Reached, price: float = one.fit.multiplier) -> float:
            return float((pair[0] - price * pair[1]).mean())

        low, high = value(fixed[place]), value(entrants["oracle"][place])
        gaps.append(high - low)
        for name, found in shares.items():
            share = gap_closed(value(entrants[name][place]), fixed=low, oracle=high)
            found.append(math.nan if share is None else share)
    print(
        f"  of the gap from best fixed to oracle in S − μT ({100 * np.mean(gaps):.1f} points): "
        + ", ".join(f"{name} closed {100 * np.mean(found):.0f} %" for name, found in shares.items())
    )


def print_picks(setting: Setting, one: Trained) -> None:
    """Which graphs the controller picks for which category: the two most frequent of each."""
    held_out = setting.table(setting.held_out)
    chosen: list[int] = own_choice(one, held_out).tolist()
    rows: list[int] = setting.held_out.tolist()
    by_category: dict[str, Counter[str]] = {}
    for row, column in zip(rows, chosen, strict=True):
        category = setting.of.categories[row]
        name = str(held_out.graphs[column]).replace("GenerateCoT@", "")
        by_category.setdefault(category, Counter())[name] += 1
    print("  picks by category")
    for category, counts in sorted(by_category.items()):
        total = counts.total()
        picked = ", ".join(f"{100 * n / total:.0f} % {g}" for g, n in counts.most_common(2))
        print(f"    {category:42} {picked}")


def main() -> None:
    folder, embeddings, speeds = (Path(name) for name in sys.argv[1:4])
    setting = Setting.made(recorded(folder, embeddings / "bbh.npy", speeds, "bbh"), "bbh")
    print("BBH, recorded; time is CP_len, tokens are ⌈characters / 4⌉")
    for problems in (1000, 200):
        print_picks(setting, against_fixed(setting, problems)[0])


if __name__ == "__main__":
    main()
