"""The seam for a live server: a model whose calls wait for the dispatcher, then run as they are.

Policies, nodes and decisions are those of the simulator; only the clock is real, and the end of a
call is the answer's. Weights are the server's own business here: every model it names is hot.
"""

import asyncio
import time
from collections.abc import Callable, Mapping

from lamas.domain.call_semantics import CallSemantics
from lamas.errors import DomainError
from lamas.llm.chat import ChatModel, ChatRequest, ChatResult
from lamas.llm.tokens import estimate_input_tokens
from lamas.serving.call import Call, Forecast, Segment
from lamas.serving.dispatcher import Dispatcher
from lamas.serving.node import NodeSpec, NodeState, Running
from lamas.serving.policies.catalogue import PolicyNames, policies
from lamas.serving.prediction.forecaster import Forecaster
from lamas.serving.shapes import ModelShape

FORGOTTEN_SECONDS = 600.0
"""A workflow of which nothing was heard for so long has ended."""
Describe = Callable[[ChatRequest], CallSemantics]


def labelled(request: ChatRequest) -> CallSemantics:
    """What our own executor says of a request: its place in the graph, else its labels alone."""
    if request.semantics is not None:
        return request.semantics
    labels = request.labels
    layer = labels.get("layer", "")
    return CallSemantics(
        workflow=f"{labels.get('problem_id', '')}/{labels.get('sample', '')}",
        role=labels.get("operator", ""),
        # The executor counts layers from 1.
        layer=max(int(layer) - 1, 0) if layer.isdigit() else 0,
    )


class DispatchedModel:
    """A ChatModel before another one: it asks the policies when each request may go.

    For one event loop. A request that no memory could ever hold is a DomainError before it is sent.
    """

    def __init__(
        self,
        model: ChatModel,
        *,
        name: str,
        shapes: Mapping[str, ModelShape],
        node: NodeSpec,
        names: PolicyNames | None = None,
        forecaster: Forecaster | None = None,
        describe: Describe = labelled,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`name` is the model of requests that name none; `shapes` gives slots and bytes of each.

        First come, first served is the default of `names`. Without a `forecaster` an answer is
        expected to be as long as it may be. Raises DomainError where the weights of all models
        together do not fit the node.
        """
        self._model = model
        self._name = name
        self._shapes = shapes
        self._forecaster = forecaster
        self._describe = describe
        self._clock = clock
        chosen = policies(names or PolicyNames(weights="always"))
        self._node = NodeState(name, node, shapes, chosen.retention)
        self.dispatcher = Dispatcher([self._node], chosen)
        self.dispatcher.place(sorted(shapes), clock())
        self._calls = 0
        self._turns: dict[int, asyncio.Future[Running]] = {}
        self._arrivals: dict[str, float] = {}
        self._attained: dict[str, float] = {}

    async def complete(self, request: ChatRequest) -> ChatResult:
        """Wait for the turn, ask the model, make room for the next."""
        call = self._call(request)
        turn: asyncio.Future[Running] = asyncio.get_running_loop().create_future()
        self._turns[call.number] = turn
        try:
            self.dispatcher.submit(call, self._clock())
        except DomainError:
            del self._turns[call.number]
            raise
        self._look()
        try:
            await turn
            return await self._model.complete(request)
        finally:
            self._end(call, turn)

    def _end(self, call: Call, turn: "asyncio.Future[Running]") -> None:
        del self._turns[call.number]
        if turn.done() and not turn.cancelled():
            running, now = turn.result(), self._clock()
            name = running.call.semantics.workflow
            self._attained[name] = self._attained.get(name, 0.0) + now - running.started_at
            self.dispatcher.finish(self._node, running, now)
            self.dispatcher.retry_held(self._clock())
        else:
            # Whoever asked is gone before the turn came.
            self.dispatcher.withdraw(call)
        self._look()

    def _look(self) -> None:
        for running in self.dispatcher.look(self._node, self._clock()).started:
            self._turns[running.call.number].set_result(running)

    def _call(self, request: ChatRequest) -> Call:
        model = request.model or self._name
        if model not in self._shapes:
            raise DomainError(
                f"no shape is known of model {model}: name one of {', '.join(self._shapes)}"
            )
        semantics = self._describe(request)
        now, tokens = self._clock(), max(estimate_input_tokens(request.messages), 1)
        self._calls += 1
        # Nothing is known of the text of other prompts: no two share a segment.
        return Call(
            number=self._calls,
            semantics=semantics,
            model=model,
            input_tokens=tokens,
            max_tokens=request.max_tokens,
            prompt=(Segment(self._calls, tokens),),
            ready_at=now,
            workflow_arrived_at=self._arrived(semantics.workflow, now),
            attained_seconds=self._attained.get(semantics.workflow, 0.0),
            forecast=self._forecast(semantics, model, tokens, request.max_tokens),
        )

    def _arrived(self, workflow: str, now: float) -> float:
        """When the first call of a workflow that is in flight came."""
        flying = {item.call.semantics.workflow for item in self._node.running.values()}
        flying |= {item.call.semantics.workflow for item in self._node.queue}
        self._arrivals = {
            name: at
            for name, at in self._arrivals.items()
            if name in flying or now - at < FORGOTTEN_SECONDS
        }
        self._attained = {
            name: seconds for name, seconds in self._attained.items() if name in self._arrivals
        }
        return self._arrivals.setdefault(workflow, now)

    def _forecast(
        self, semantics: CallSemantics, model: str, tokens: int, max_tokens: int
    ) -> Forecast:
        if self._forecaster is not None:
            return self._forecaster.forecast(semantics, model, tokens, max_tokens)
        seconds = self._shapes[model].alone_seconds(tokens, max_tokens)
        # Layers that a known graph still owes are taken to be as long as this one.
        path = seconds * float(semantics.remaining_steps or 1)
        return Forecast(
            output_tokens=float(max_tokens),
            upper_tokens=max_tokens,
            exceeding=0.0,
            call_seconds=seconds,
            machine_seconds=self._shapes[model].machine_seconds(tokens, max_tokens),
            remaining_seconds=path,
            graph_seconds=path,
            slack_seconds=0.0,
            remaining_steps=float(semantics.remaining_steps or 1),
        )
