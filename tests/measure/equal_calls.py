"""A table of so many calls beside REINFORCE of as many, on recorded answers.

`python -m tests.measure.equal_calls FOLDER EMBEDDINGS SPEEDS`, arguments as in
`tests.measure.table_learning`. REINFORCE samples fresh rollouts of the same training questions,
each operator it runs is a call, and maximises S − μ·CP_len with the multiplier that the table's
controller came to, which costs it nothing here.
"""

import sys
from pathlib import Path

import numpy as np

from lamas.controller import Controller, ControllerSettings, build_controller
from lamas.domain import GraphChoice
from lamas.execution.graph_values import Floats
from lamas.training import RewardWeights, Trainer, TrainerSettings, problem_batch
from lamas.training.training_table import TrainingTable
from tests.measure.recorded_table import operator_rows, recorded
from tests.measure.table_learning import (
    SEEDS,
    Setting,
    difference,
    own_choice,
    percent,
    points,
    reached,
    trained,
)
from tests.training.world import GAMMA, Spend, Spent, labels_of, sampled_rollouts

PROBLEMS = 4
SAMPLES = 4


def reinforced(setting: Setting, table: TrainingTable, *, multiplier: float, seed: int) -> Trainer:
    """The published learner with this project's defaults, until the table's calls are spent."""
    operators = setting.of.operators
    controller = build_controller(
        ControllerSettings(layers=1, seed=seed), operators, operator_rows(operators)
    )
    weights = RewardWeights(lambda_c=0.0, lambda_t=multiplier * GAMMA)
    trainer = Trainer(controller, TrainerSettings(weights=weights), seed=seed)
    column = {graph: place for place, graph in enumerate(table.graphs)}
    single = {str(graph): place for graph, place in column.items()}
    names = [f"{place:05d}" for place in range(len(table.embeddings))]

    def world(choice: GraphChoice, problem: str, _: np.random.Generator) -> tuple[Spend, float]:
        row = int(problem)

        def spend(_layer: int, operator: str) -> Spent:
            return Spent(tokens=float(table.time[row, single[operator]]))

        return spend, float(table.score[row, column[choice.graph]])

    calls, budget = 0, len(table.embeddings) * len(operators)
    while calls < budget:
        batch = problem_batch(names, seed=seed, step=trainer.step, size=PROBLEMS)
        problems = {name: table.embeddings[int(name)].astype(np.float32) for name in batch}
        rollouts = sampled_rollouts(
            controller, problems, world, samples=SAMPLES, step=trainer.step, seed=seed
        )
        calls += sum(len(layer.operators) for one in rollouts for layer in one.plan.graph.layers)
        trainer.update(rollouts, trainer.credit(rollouts, labels_of(rollouts)), problems)
    return trainer


def decided(controller: Controller, table: TrainingTable) -> tuple[Floats, Floats]:
    column = {graph: place for place, graph in enumerate(table.graphs)}
    chosen = controller.decide(table.embeddings)
    return reached(table, np.array([column[one.graph] for one in chosen]))


def main() -> None:
    folder, embeddings, speeds = (Path(name) for name in sys.argv[1:4])
    bbh = recorded(folder, embeddings / "bbh.npy", speeds, "bbh")
    setting = Setting.made(bbh, "bbh")
    held_out = setting.table(setting.held_out)
    for problems in (200, 1000):
        seeds = [trained(setting, problems, seed) for seed in range(SEEDS)]
        by_table = [reached(held_out, own_choice(one, held_out)) for one in seeds]
        by_reinforce = [
            decided(
                reinforced(setting, one.table, multiplier=one.fit.multiplier, seed=seed).controller,
                held_out,
            )
            for seed, one in enumerate(seeds)
        ]
        print(f"BBH, {problems * len(setting.of.operators)} calls each, {SEEDS} seeds")
        for name, of in (("table", by_table), ("REINFORCE", by_reinforce)):
            score, time = (np.mean([pair[place] for pair in of]) for place in (0, 1))
            print(f"  {name:10} {100 * score:5.1f} % {time:7.1f} tokens of CP_len")
        gain = difference([s for s, _ in by_table], [s for s, _ in by_reinforce])
        shorter = difference([t for _, t in by_table], [t for _, t in by_reinforce], ratio=True)
        print(f"  table − REINFORCE: score {points(gain)}, CP_len {percent(shorter)}")


if __name__ == "__main__":
    main()
