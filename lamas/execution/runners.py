"""The rollout runner of a run, opened when it is needed."""

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
        self.runner = RolloutRunner(executor, benchmark)
        self._model = model
        self._sandbox = sandbox

    async def open(self, required: Requirements) -> None:
        """Start what is needed and not running yet, so that what is missing ends the run before it
        costs anything.
        """
        if required.sandbox:
            await self._sandbox.open()
        if required.model:
            await self._model.open()
