"""Which benchmark a configuration names."""

from lamas.benchmarks.benchmark import Benchmark, BenchmarkSettings
from lamas.benchmarks.file import FileBenchmark
from lamas.benchmarks.generated import GeneratedBenchmark
from lamas.benchmarks.gsm8k import Gsm8k
from lamas.benchmarks.humaneval import HumanEval
from lamas.benchmarks.math import Math
from lamas.sandbox import JudgingSandbox, SandboxLimits


def build_benchmark(
    settings: BenchmarkSettings,
    *,
    sandbox: JudgingSandbox | None = None,
    limits: SandboxLimits | None = None,
) -> Benchmark:
    """The benchmark of `settings.kind`; nothing is read before `load`.

    `sandbox` judges programs and may be None where none are; `limits` are those of one judged run.
    """
    match settings.kind:
        case "gsm8k":
            return Gsm8k(settings)
        case "math":
            return Math(settings)
        case "humaneval":
            return HumanEval(settings, sandbox=sandbox, limits=limits)
        case "file":
            return FileBenchmark(settings)
        case "generated":
            return GeneratedBenchmark(settings)
