"""How long learning from a table takes for many training seeds, and in how much memory.

`python -m tests.measure.table_seeds [SEEDS] [PROBLEMS] [OPERATORS]`: 50 seeds by default, of one
table of 1,000 problems and 8 operators, two seeds side by side in processes of their own. Answers
are drawn: what a fit takes depends on the table's size and on how many gradient steps it tries,
which are the same for any answers.
"""

import resource
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np

from lamas.controller import EMBEDDING_SIZE, ControllerSettings
from lamas.domain import OperatorSet, OperatorSpec
from lamas.execution.graph_values import graph_values, one_layer_graphs
from lamas.execution.outcome_table import OutcomeTable
from lamas.training.table_learner import fit_table
from lamas.training.table_settings import TableSettings
from lamas.training.training_table import TrainingTable
from tests.measure.recorded_table import operator_rows

CORES = 2
WIDTH = 3
KINDS = 10


def drawn_table(problems: int, operators: OperatorSet) -> TrainingTable:
    """Problems of some kinds, each with its own strong operators; later ones are slower."""
    random = np.random.default_rng(0)
    kind = random.integers(KINDS, size=problems)
    near = random.normal(size=(KINDS, EMBEDDING_SIZE))[kind]
    embeddings = near + 0.5 * random.normal(size=near.shape)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    strength = random.uniform(0.3, 0.9, size=(KINDS, len(operators)))[kind]
    right = random.random(strength.shape) < strength
    slow = np.linspace(0.5, 3.0, len(operators)) * random.lognormal(0.0, 0.4, right.shape)
    table = OutcomeTable(
        problem_ids=tuple(f"{place:05d}" for place in range(problems)),
        operators=tuple(spec.name for spec in operators.specs),
        chain_operator=np.arange(len(operators)),
        # Wrong answers differ more often than not.
        key=np.where(right, 0, random.integers(1, 6, right.shape))[None],
        score=right[None].astype(np.float64),
        cp_tokens=np.ceil(slow * 100)[None],
        seconds=slow[None],
        cost_usd=np.zeros((1, *right.shape)),
    )
    values = graph_values(table, one_layer_graphs(operators, width=WIDTH), operators)
    return TrainingTable(
        embeddings=embeddings, graphs=values.graphs, score=values.score, time=values.seconds
    )


def fitted(seed: int, problems: int, operators: int) -> tuple[float, float, float]:
    """Seconds and seconds of a core of one fit, and the peak of its process in MiB."""
    names = [f"Operator{place}" for place in range(operators)]
    catalogue = OperatorSet(
        tuple(OperatorSpec(name=name, description=name, adds=1) for name in names)
    )
    table = drawn_table(problems, catalogue)
    wall, core = time.perf_counter(), time.process_time()
    fit_table(
        table,
        catalogue,
        operator_rows(catalogue),
        controller=ControllerSettings(kind="conditioned", layers=1, width=WIDTH),
        settings=TableSettings(),
        seed=seed,
    )
    wall, core = time.perf_counter() - wall, time.process_time() - core
    return wall, core, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    given = [int(word) for word in sys.argv[1:4]]
    seeds, problems, operators = (given + [50, 1000, 8][len(given) :])[:3]
    started = time.perf_counter()
    with ProcessPoolExecutor(CORES, mp_context=get_context("spawn")) as pool:
        found = list(
            pool.map(fitted, range(seeds), [problems] * seeds, [operators] * seeds, chunksize=1)
        )
    whole = time.perf_counter() - started
    walls, cores, peaks = (sorted(column) for column in zip(*found, strict=True))
    print(
        f"{seeds} seeds of {problems} problems × {operators} operators, {CORES} at once: "
        f"{whole:.0f} s in all, of a core {sum(cores):.0f} s\n"
        f"  one seed {np.median(walls):.1f} s, the slowest {walls[-1]:.1f} s; of a core "
        f"{np.median(cores):.1f} s, at most {cores[-1]:.1f} s\n"
        f"  memory of a process at most {peaks[-1]:.0f} MiB"
    )


if __name__ == "__main__":
    main()
