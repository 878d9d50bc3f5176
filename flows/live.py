"""What answers while a run is live: endpoint, client, sandbox, rollout runner."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace

from flows import wiring
from flows.limits import admission_to
from flows.needs import Needs
from flows.session import Session
from flows.settings import Settings
from flows.workplace import Workplace
from lamas.benchmarks import Benchmark
from lamas.domain import Clock, Problem, digest
from lamas.execution import GraphExecutor, RolloutRunner
from lamas.llm import (
    Budget,
    ChatModel,
    ChatRequest,
    ChatResult,
    EmbeddedServer,
    EmbeddedSettings,
    EndpointSettings,
    OpenAIChatModel,
    ResponseStore,
    check_endpoint,
)
from lamas.llm.simulated import (
    IN_PROCESS_URL,
    SimulatedProfile,
    SimulatedServer,
    in_process_transport,
)


class LazyModel:
    """A model whose endpoint and client are opened when they are needed, once."""

    def __init__(self, opening: Callable[[], Awaitable[ChatModel]]) -> None:
        self._opening = opening
        self._alone = asyncio.Lock()
        self._model: ChatModel | None = None

    async def open(self) -> ChatModel:
        """Raises what `open_model` raises."""
        async with self._alone:
            if self._model is None:
                self._model = await self._opening()
        return self._model

    async def complete(self, request: ChatRequest) -> ChatResult:
        """One chat completion."""
        return await (self._model or await self.open()).complete(request)


class LiveRunner:
    """Runs planned rollouts; made once for a whole run."""

    def __init__(
        self,
        executor: GraphExecutor,
        benchmark: Benchmark,
        *,
        model: LazyModel,
        sandbox: wiring.LazySandbox,
    ) -> None:
        self._executor = executor
        self._benchmark = benchmark
        self._model = model
        self._sandbox = sandbox
        self._runners: dict[int | None, RolloutRunner] = {}

    async def open(self, needs: Needs) -> None:
        """Start what is needed and not running yet, so that what is missing ends the run before it
        costs anything.
        """
        if needs.sandbox:
            await self._sandbox.open()
        if needs.model:
            await self._model.open()

    def runner(self, samples: int | None = None) -> RolloutRunner:
        """The runner whose MultiGenerateCoT draws `samples` chains; None is as configured."""
        if samples not in self._runners:
            executor = self._executor.with_samples(samples)
            self._runners[samples] = RolloutRunner(executor, self._benchmark)
        return self._runners[samples]


def live_runner(current: Session, problems: tuple[Problem, ...]) -> LiveRunner:
    """The run's live parts, started when needed and stopped when the run ends.

    `problems` are made known to a simulated endpoint, which must know the right answers.
    """
    if current.live is None:
        model = current.models.setdefault(
            digest(current.settings.llm.model_dump(mode="json")),
            LazyModel(lambda: _model_of(current, problems)),
        )
        current.live = runner_of(current, model, current.clock)
    return current.live


def runner_of(place: Workplace, model: LazyModel, clock: Clock) -> LiveRunner:
    """What the configuration says about running rollouts, with `model` to ask."""
    executor = GraphExecutor(
        catalogue=place.catalogue,
        model=model,
        sandbox=place.sandbox,
        gamma=place.settings.execution.gamma,
        clock=clock,
    )
    return LiveRunner(executor, place.benchmark, model=model, sandbox=place.sandbox)


async def _model_of(current: Session, problems: tuple[Problem, ...]) -> ChatModel:
    store = current.stack.enter_context(paid_answers(current))
    return await open_model(
        current.settings,
        current.stack,
        problems,
        store=store,
        budget=budget_left(current, store),
        clock=current.clock,
    )


def paid_answers(current: Session) -> ResponseStore:
    """The answers that the run in progress pays for, to be entered."""
    return ResponseStore(current.settings.responses_path, run_id=current.payer.run_id)


def budget_left(current: Session, store: ResponseStore) -> Budget:
    """The run's caps with what was paid so far, calls without an answer included."""
    lost = current.reader.lost_calls(current.paid_runs)
    return remaining_budget(current.settings, store, lost)


async def open_model(
    settings: Settings,
    stack: AsyncExitStack,
    problems: tuple[Problem, ...],
    *,
    store: ResponseStore,
    budget: Budget,
    clock: Clock,
    served: EndpointSettings | None = None,
) -> OpenAIChatModel:
    """Start what has to be started, check that the endpoint answers, and return its client.

    `served` is an endpoint that another process started for the run.
    Raises ModelUnreachableError, ServerError or ConfigurationError with what to do.
    """
    transport, ended = None, _never
    if settings.simulated and settings.llm.simulated.in_process:
        profile = wiring.simulated_profile(settings)
        endpoint = wiring.endpoint_settings(
            settings, IN_PROCESS_URL, identity=_simulated_identity(profile)
        )
        transport = in_process_transport(profile, problems)
    else:
        endpoint, ended = (served, ended) if served else await _endpoint(settings, stack, problems)
        await check_endpoint(endpoint)
    return await stack.enter_async_context(
        OpenAIChatModel(
            endpoint,
            price=wiring.price(settings),
            budget=budget,
            retry=wiring.retry_policy(settings),
            store=store,
            reuse_scope=_reuse_scope(settings, store),
            clock=clock,
            transport=transport,
            admission=await admission_to(settings),
            ended=ended,
        )
    )


def _simulated_identity(profile: SimulatedProfile) -> str:
    """Whose answers they are; faults change none."""
    return digest(profile.model_dump(mode="json", exclude={"faults"}))


def _reuse_scope(settings: Settings, store: ResponseStore) -> str | None:
    scopes = {"run": None, "shared": store.run_id, "always": ""}
    return scopes[settings.llm.reuse_responses]


def remaining_budget(
    settings: Settings, store: ResponseStore, lost: tuple[int, float] = (0, 0.0)
) -> Budget:
    """The configured caps, less what earlier parts of the run paid.

    Finished calls are in `store`; `lost` counts the calls without an answer and what they cost.
    """
    calls, usd = store.paid()
    return Budget(
        max_usd=settings.llm.max_usd,
        max_calls=settings.llm.max_calls,
        spent_usd=usd + lost[1],
        made_calls=calls + lost[0],
    )


async def check_model(settings: Settings) -> None:
    """What can be known of the model before a run: files are there, an endpoint answers.

    Raises ModelUnreachableError or ConfigurationError with what to do.
    """
    config = settings.llm
    wiring.price(settings)
    if config.kind == "embedded":
        _embedded_server(settings)
    elif config.kind == "simulated":
        wiring.simulated_profile(settings)
    else:
        assert config.base_url is not None
        await check_endpoint(
            wiring.endpoint_settings(settings, config.base_url), trial=wiring.trial(settings)
        )


def _embedded_server(settings: Settings) -> EmbeddedServer:
    config = settings.llm
    return EmbeddedServer(
        EmbeddedSettings(
            gguf=config.gguf,
            model=config.model,
            slots=config.embedded.slots,
            threads=config.embedded.threads,
            context_per_slot=config.embedded.context_per_slot,
            log=settings.home / "embedded.log",
        )
    )


async def serve_embedded(settings: Settings, stack: AsyncExitStack) -> EndpointSettings:
    """Start the embedded model; ServerError or ConfigurationError when that fails."""
    return (await _served_embedded(settings, stack))[0]


async def _served_embedded(
    settings: Settings, stack: AsyncExitStack
) -> tuple[EndpointSettings, Callable[[], str]]:
    server = await stack.enter_async_context(_embedded_server(settings))
    own = server.endpoint()
    endpoint = wiring.endpoint_settings(settings, own.base_url, identity=own.identity)
    return replace(endpoint, api_key=own.api_key), server.ended


def _never() -> str:
    """Of an endpoint that may always come back."""
    return ""


async def _endpoint(
    settings: Settings, stack: AsyncExitStack, problems: tuple[Problem, ...]
) -> tuple[EndpointSettings, Callable[[], str]]:
    """The endpoint, and what says why it never comes back."""
    config = settings.llm
    if config.kind == "embedded":
        return await _served_embedded(settings, stack)
    if config.kind == "simulated":
        profile = wiring.simulated_profile(settings)
        simulated = stack.enter_context(
            SimulatedServer(profile, problems=problems, time_scale=config.simulated.time_scale)
        )
        return wiring.endpoint_settings(
            settings, simulated.base_url, identity=_simulated_identity(profile)
        ), _never
    assert config.base_url is not None
    return wiring.endpoint_settings(settings, config.base_url), _never
