"""The rollout runners of a run: one for each number of chains, opened when they are needed."""

from lamas.benchmarks import Benchmark
from lamas.execution import GraphExecutor, RolloutRunner
from lamas.execution.requirements import Requirements
from lamas.llm import LazyModel
from lamas.sandbox import LazySandbox


class LiveRunner:
    """Runs planned rollouts; made once for a whole run."""

    def __init__(
        self,
        executor: GraphExecutor,
        benchmark: Benchmark,
        *,
        model: LazyModel,
        sandbox: LazySandbox,
    ) -> None:
        self._executor = executor
        self._benchmark = benchmark
        self._model = model
        self._sandbox = sandbox
        self._runners: dict[int | None, RolloutRunner] = {}

    async def open(self, required: Requirements) -> None:
        """Start what is needed and not running yet, so that what is missing ends the run before it
        costs anything.
        """
        if required.sandbox:
            await self._sandbox.open()
        if required.model:
            await self._model.open()

    def runner(self, samples: int | None = None) -> RolloutRunner:
        """The runner whose MultiGenerateCoT draws `samples` chains; None is as configured."""
        if samples not in self._runners:
            executor = self._executor.with_samples(samples)
            self._runners[samples] = RolloutRunner(executor, self._benchmark)
        return self._runners[samples]
