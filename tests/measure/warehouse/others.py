"""What else fills a warehouse beside learning by rollouts: outcome tables, simulated clusters."""

from dataclasses import replace

import numpy as np

from tests.factories import make_problem, make_run
from tests.naive import naive_labels
from tests.warehouse.simulated import simulated_cell
from tests.warehouse.tables import tabulated
from warehouse.writer import Writer

ROLLOUTS_TO_A_PROBLEM = 20
"""Rollouts in all for each problem of the table."""
TABLE_RUN, SIMULATED_RUN = "bench-table", "bench-simulated"


def add_others(writer: Writer, rollouts: int) -> None:
    """A run that tabulates two operators, and one that simulates a cell.

    Served requests, feedback and fitted tables are not among them.
    """
    problems = [make_problem(number) for number in range(-(-rollouts // ROLLOUTS_TO_A_PROBLEM))]
    random = np.random.default_rng(0)
    embeddings = random.normal(size=(len(problems), 384)).astype(np.float32)
    writer.add_problems(problems, embeddings)
    writer.add_run(replace(make_run(TABLE_RUN), kind="tabulate"))
    short, long = ("2", 1.0, 100), ("3", 0.0, 300)
    cells = [
        tabulated(operator, *answers, problem=problem.index, run_id=TABLE_RUN)
        for problem in problems
        for operator, answers in {
            "Generate": (short if problem.index % 3 else long,),
            "MultiGenerateCoT": (long, short, short),
        }.items()
    ]
    writer.add_rollouts([(item, naive_labels(item.trace)) for item in cells])
    writer.add_run(replace(make_run(SIMULATED_RUN), kind="simulate"))
    cell, kept = simulated_cell()
    writer.add_simulated(replace(cell, run_id=SIMULATED_RUN), kept.records)
