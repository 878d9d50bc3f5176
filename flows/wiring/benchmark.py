"""From the settings to the benchmark."""

from flows.settings import Settings
from lamas.benchmarks import (
    Benchmark,
    BenchmarkSettings,
    GeneratedDataset,
    SplitSettings,
    build_benchmark,
)
from lamas.sandbox import JudgingSandbox


def benchmark_of(settings: Settings, sandbox: JudgingSandbox) -> Benchmark:
    """The configured benchmark; BenchmarkError when its source or parameters cannot be used."""
    config = settings.benchmark
    return build_benchmark(
        BenchmarkSettings(
            kind=config.kind,
            name=config.name,
            family=config.family,
            path=config.path or "",
            question=config.question,
            answer=config.answer,
            choices=config.choices,
            category=config.category,
            only=config.only,
            scorer=config.scorer,
            datasets=tuple(
                GeneratedDataset(
                    name=item.name,
                    config={
                        key: tuple(value) if isinstance(value, list) else value
                        for key, value in item.config.items()
                    },
                    weight=item.weight,
                )
                for item in config.datasets
            ),
            size=config.size,
            split=SplitSettings(
                train_fraction=config.train_fraction,
                train_size=config.train_size,
                test_size=config.test_size,
                seed=config.split_seed,
            ),
        ),
        sandbox=sandbox,
    )
