"""Evaluation: metrics of a set of rollouts, their intervals, and paired comparisons."""

from lamas.evaluation.intervals import Interval, cluster_bootstrap, wilson
from lamas.evaluation.metrics import EvaluationLabel, summarise
from lamas.evaluation.paired import PairedDifference, compare
from lamas.evaluation.quantile import quantile

__all__ = [
    "EvaluationLabel",
    "Interval",
    "PairedDifference",
    "cluster_bootstrap",
    "compare",
    "quantile",
    "summarise",
    "wilson",
]
