"""Evaluation: metrics of a set of rollouts, their intervals, and paired comparisons."""

from lamas.evaluation.frontier import Tradeoff, dominated, frontier, hypervolume
from lamas.evaluation.hierarchical import PairedEstimate, hierarchical_bootstrap
from lamas.evaluation.hypotheses import (
    McNemar,
    NonInferiority,
    benjamini_hochberg,
    mcnemar,
    non_inferiority,
)
from lamas.evaluation.intervals import (
    Interval,
    clopper_pearson,
    cluster_bootstrap,
    proportion,
    wilson,
)
from lamas.evaluation.metrics import EvaluationLabel, summarise
from lamas.evaluation.paired import PairedDifference, compare
from lamas.evaluation.quantile import quantile
from lamas.evaluation.sample_size import problems_for_binary, problems_for_continuous
from lamas.evaluation.seeded import BySeed, compare_over_seeds, means_over_seeds

__all__ = [
    "BySeed",
    "EvaluationLabel",
    "Interval",
    "McNemar",
    "NonInferiority",
    "PairedDifference",
    "PairedEstimate",
    "Tradeoff",
    "benjamini_hochberg",
    "clopper_pearson",
    "cluster_bootstrap",
    "compare",
    "compare_over_seeds",
    "dominated",
    "frontier",
    "hierarchical_bootstrap",
    "hypervolume",
    "mcnemar",
    "means_over_seeds",
    "non_inferiority",
    "problems_for_binary",
    "problems_for_continuous",
    "proportion",
    "quantile",
    "summarise",
    "wilson",
]
