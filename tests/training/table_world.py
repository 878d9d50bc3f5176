"""A made-up table: which operator is right shows in the query, and each takes its own time."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lamas.controller import EMBEDDING_SIZE, ControllerSettings
from lamas.domain import OperatorSet, OperatorSpec
from lamas.domain.operator_outcome import ChainOutcome, OperatorOutcome
from lamas.execution.graph_values import graph_values, one_layer_graphs
from lamas.execution.outcome_table import OutcomeTable
from lamas.training.training_table import TrainingTable

SETTINGS = ControllerSettings(kind="conditioned", layers=1, tau=0.8, width=2, hidden=8)

OPERATORS = OperatorSet(
    (
        OperatorSpec(name="Quick", description="quick", adds=1),
        OperatorSpec(name="Long", description="long", adds=1),
        OperatorSpec(name="Refine", description="refine", needs=1, adds=1),
    )
)
OPERATOR_ROWS: NDArray[np.float64] = np.eye(len(OPERATORS), EMBEDDING_SIZE)

# Kind of question → how likely each operator is right: easy ones need no long thought.
RIGHT = {"easy": (0.9, 0.9), "hard": (0.2, 0.9)}
SECONDS = (1.0, 4.0)


@dataclass(frozen=True)
class World:
    """Problems of two kinds, half of each, in random order."""

    table: TrainingTable
    easy: NDArray[np.bool_]


def world(problems: int, *, seed: int = 0) -> World:
    random = np.random.default_rng(seed)
    easy: NDArray[np.bool_] = random.permutation(problems) % 2 == 0
    embeddings: NDArray[np.float64] = random.normal(size=(problems, EMBEDDING_SIZE)) * 0.02
    embeddings[:, 0] += np.where(easy, 1.0, -1.0)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    outcomes = [
        OperatorOutcome(
            problem_id=f"p{problem:05d}",
            operator=name,
            sample=0,
            chains=(
                ChainOutcome(
                    answer_key="right" if right else f"wrong {name}",
                    score=float(right),
                    cp_tokens=SECONDS[place] * 50.0,
                    seconds=SECONDS[place],
                ),
            ),
            cost_usd=0.0,
        )
        for problem in range(problems)
        for place, name in enumerate(("Quick", "Long"))
        for right in (random.random() < RIGHT["easy" if easy[problem] else "hard"][place],)
    ]
    table = OutcomeTable.of(outcomes, OPERATORS)
    graphs = one_layer_graphs(OPERATORS, width=2)
    values = graph_values(table, graphs, OPERATORS)
    return World(
        TrainingTable(
            embeddings=embeddings, graphs=graphs, score=values.score, time=values.seconds
        ),
        easy,
    )
