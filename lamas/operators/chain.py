"""The calls and tool runs of one operator invocation, each recorded with its stage and branch.

An invocation is a sequence of stages. A stage is one call, one tool run, or several branches side
by side; inside a branch calls and tool runs follow each other. Its longest chain is therefore the
sum over stages of the slowest branch.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from lamas.domain import ChatMessage, ModelCall, ToolExecution, derive_seed
from lamas.domain.call_semantics import CallSemantics
from lamas.errors import BudgetExceededError, ModelError, OperatorError
from lamas.llm import ChatModel, ChatRequest, attempts_of
from lamas.llm.answer_end import StreamEnd
from lamas.operators.concurrency import settle_all
from lamas.operators.race import Race
from lamas.operators.settings import CallSettings, parted
from lamas.sandbox import Sandbox


@dataclass(frozen=True, kw_only=True, slots=True)
class ChainScope:
    """Whose calls these are: what their keys, seeds and labels are made of."""

    rollout_id: str
    problem_id: str
    layer: int
    operator: str
    seed: int
    """Root seed of the rollout; equal across variants for common random numbers."""
    sample_index: int
    semantics: CallSemantics | None = None
    """Where the invocation stands in its graph, as its first call."""

    def sample_key(self, *slot: int) -> str:
        """Key of a call slot within its run: stage, branch, and a count from 1 if repeated."""
        return f"{self.rollout_id}/{self.layer}/{self.operator}/{'.'.join(map(str, slot))}"

    def sample_seed(self, *slot: int) -> int:
        """Seed of a call slot: independent of the run, the variant and the order of completion."""
        return derive_seed(
            self.seed, self.problem_id, self.sample_index, self.layer, self.operator, *slot
        )


@dataclass(slots=True)
class _Record:
    """What the chains of one invocation append to."""

    calls: list[ModelCall]
    tools: list[ToolExecution]


class Chain:
    """Bound to one invocation; every call and tool run of the operator goes through it."""

    def __init__(
        self,
        scope: ChainScope,
        *,
        model: ChatModel,
        sandbox: Sandbox,
        call: CallSettings,
        race: Race | None = None,
    ) -> None:
        """`race` where the layer ends at a quorum."""
        self._race = race
        self._scope = scope
        self._model = model
        self._sandbox = sandbox
        self._call = call
        self._record = _Record([], [])
        self._stage = 0
        self._branch: int | None = None
        self._branches = 1
        self._calls_here = 0
        self._tools_here = 0

    async def complete(
        self,
        messages: Sequence[ChatMessage],
        *,
        max_tokens: int | None = None,
        temperature: float | None = None,
        ends_at: StreamEnd | None = None,
    ) -> str:
        """One chat completion; every attempt of it is recorded, also when it fails (ModelError)."""
        slot = self._next_slot(self._calls_here)
        self._calls_here += 1
        stage, branch = slot[:2]
        request = ChatRequest(
            messages=tuple(messages),
            temperature=self._call.temperature if temperature is None else temperature,
            max_tokens=self._call.max_tokens if max_tokens is None else max_tokens,
            sample_key=self._scope.sample_key(*slot),
            seed=self._scope.sample_seed(*slot),
            ends_at=ends_at if self._call.end_at_answer else None,
            model=self._call.model,
            labels={
                "operator": parted(self._scope.operator)[0],
                "problem_id": self._scope.problem_id,
                "layer": str(self._scope.layer),
                "stage": str(stage),
                "branch": str(branch),
                "branches": str(self._branches),
                "sample": str(self._scope.sample_index),
            },
            turn=None if self._race is None else self._race.turn(self._branch or 0),
            semantics=self._semantics(stage),
        )
        try:
            result = await self._model.complete(request)
        except ModelError as error:
            self._keep_calls(attempts_of(error), stage, branch)
            raise
        self._keep_calls(result.attempts, stage, branch)
        return result.text

    def _semantics(self, stage: int) -> CallSemantics | None:
        place = self._scope.semantics
        if place is None or not stage:
            return place
        return replace(place, invocation_index=place.invocation_index + stage)

    async def run_program(self, program: str, *, stdin: str = "") -> ToolExecution:
        """One sandboxed run; SandboxError only when the sandbox itself is broken."""
        slot = self._next_slot(self._tools_here)
        self._tools_here += 1
        execution = await self._sandbox.run(program, stdin=stdin)
        kept = replace(
            execution,
            # A function of the slot, so that a resumed rollout writes the same key again.
            tool_execution_id=self._scope.sample_key(*slot),
            stage=slot[0],
            branch=slot[1],
        )
        self._record.tools.append(kept)
        return kept

    async def parallel(
        self, branches: Sequence[Callable[["Chain"], Awaitable[str]]]
    ) -> tuple[str, ...]:
        """One stage of several branches side by side; results in the order of `branches`.

        All branches run to their end, or until the layer has its quorum: then only those that
        arrived have a result. The first failure in that order is raised, a reached budget before
        any other. Branches cannot branch again (OperatorError).
        """
        if self._branch is not None:
            raise OperatorError(f"{self._scope.operator}: a parallel branch cannot branch again")
        stage = self._stage
        self._stage += 1
        outcomes = await settle_all(
            [
                partial(self._branched, start, self._branch_chain(stage, branch, len(branches)))
                for branch, start in enumerate(branches)
            ]
        )
        for outcome in outcomes:
            if isinstance(outcome.error, BudgetExceededError):
                raise outcome.error
        texts = [outcome.value for outcome in outcomes]
        return tuple(text for text in texts if text is not None)

    async def _branched(
        self, start: Callable[["Chain"], Awaitable[str]], chain: "Chain"
    ) -> str | None:
        if self._race is None:
            return await start(chain)
        return await self._race.run(chain._branch or 0, chain, partial(start, chain))

    @property
    def own_calls(self) -> tuple[ModelCall, ...]:
        """As `calls`, of this branch alone where it is one."""
        if self._branch is None:
            return self.calls
        place = (self._stage, self._branch)
        return tuple(call for call in self.calls if (call.stage, call.branch) == place)

    @property
    def calls(self) -> tuple[ModelCall, ...]:
        """Every attempt of every call, ordered by stage and branch, then by time."""
        return tuple(sorted(self._record.calls, key=lambda call: (call.stage, call.branch)))

    @property
    def tools(self) -> tuple[ToolExecution, ...]:
        """Every tool run, ordered by stage and branch, then by time."""
        return tuple(sorted(self._record.tools, key=lambda tool: (tool.stage, tool.branch)))

    def _next_slot(self, repeated: int) -> tuple[int, ...]:
        if self._branch is not None:
            count = (repeated,) if repeated else ()
            return (self._stage, self._branch, *count)
        stage = self._stage
        self._stage += 1
        return (stage, 0)

    def _branch_chain(self, stage: int, branch: int, branches: int) -> "Chain":
        chain = Chain(
            self._scope,
            model=self._model,
            sandbox=self._sandbox,
            call=self._call,
            race=self._race,
        )
        chain._record, chain._stage, chain._branch = self._record, stage, branch
        chain._branches = branches
        return chain

    def _keep_calls(self, attempts: Sequence[ModelCall], stage: int, branch: int) -> None:
        self._record.calls.extend(
            replace(attempt, stage=stage, branch=branch) for attempt in attempts
        )
