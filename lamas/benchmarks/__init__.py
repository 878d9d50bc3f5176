"""Problems and their judges: one file loads and scores one kind of benchmark."""

from lamas.benchmarks.benchmark import (
    Benchmark,
    BenchmarkSettings,
    GeneratedDataset,
    Score,
    SplitSettings,
)
from lamas.benchmarks.configuration import settings_from
from lamas.benchmarks.programs import program_of
from lamas.benchmarks.registry import build_benchmark
from lamas.benchmarks.split import check_same_split, check_unchanged

__all__ = [
    "Benchmark",
    "BenchmarkSettings",
    "GeneratedDataset",
    "Score",
    "SplitSettings",
    "build_benchmark",
    "check_same_split",
    "check_unchanged",
    "program_of",
    "settings_from",
]
