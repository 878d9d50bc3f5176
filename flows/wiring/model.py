"""From the settings to the client of a model that answers, or of several."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from types import MappingProxyType

from flows.orchestrator.limits import admission_to
from flows.settings import Settings
from flows.wiring.dispatched import dispatched
from flows.wiring.endpoint import (
    check_model,
    endpoint_settings,
    never_ended,
    price,
    simulated_identity,
    simulated_profile,
    started_endpoint,
)
from flows.wiring.recorded import check_recorded, recorded_model
from lamas.domain import Clock, Problem
from lamas.llm import (
    Budget,
    ChatModel,
    EndpointSettings,
    HedgePolicy,
    LazyModel,
    Ledger,
    OpenAIChatModel,
    ResponseStore,
    RetryPolicy,
    SeveralModels,
    check_endpoint,
)
from lamas.llm.simulated import IN_PROCESS_URL, in_process_transport
from lamas.operators import asking_operators, parted


async def open_model(
    settings: Settings,
    stack: AsyncExitStack,
    problems: tuple[Problem, ...],
    *,
    store: ResponseStore | None,
    budget: Budget,
    clock: Clock,
    served: EndpointSettings | None = None,
    budgets: Mapping[str, Budget] = MappingProxyType({}),
    every_model: bool = False,
) -> ChatModel:
    """Start what has to be started, check that endpoints answer, and return what asks them.

    `served` is an endpoint that another process started for the run. Of several models those are
    opened that an enabled operator is bound to (`every_model`: all), each with its budget of
    `budgets` within `budget`. Without a `store` every answer is asked for anew.
    Raises ModelUnreachableError, ServerError or ConfigurationError with what to do.
    """
    opening = _Opening(
        settings, stack, problems, store=store, clock=clock, served=served, together=Ledger(budget)
    )
    if not settings.llm.models:
        return await opening.model(None, Budget())
    wanted = used_models(settings)
    if every_model:
        wanted = tuple(dict.fromkeys([*wanted, *settings.llm.models]))
    models: dict[str, ChatModel] = {}
    for name in filter(None, wanted):
        models[name] = await opening.model(name, budgets.get(name, Budget()))
        if name == settings.llm.fallback:
            opening.fallback = models[name]
    # Without an operator of its own it is asked by a vote without a majority only, if at all.
    default = LazyModel(lambda: opening.model(None, Budget()))
    if None in wanted:
        await default.open()
    return SeveralModels(default, models)


def used_models(settings: Settings) -> tuple[str | None, ...]:
    """Models that an enabled operator or the fallback asks; None stands for the default one.

    The fallback comes first.
    """
    asking = asking_operators()
    bound = [parted(operator) for operator in settings.operators.enabled]
    names = [name for base, name in bound if name is not None or base in asking]
    fallback = settings.llm.fallback
    return tuple(dict.fromkeys([*([] if fallback is None else [fallback]), *names]))


async def check_models(settings: Settings) -> None:
    """What can be known before a run of all models that it may ask; raises as `check_model` does.

    ConfigurationError too for an operator of which nothing is recorded.
    """
    check_recorded(settings)
    for name in used_models(settings):
        await check_model(settings.of_model(name))


class _Opening:
    """How each model of a run is opened, all of them within one budget."""

    def __init__(
        self,
        settings: Settings,
        stack: AsyncExitStack,
        problems: tuple[Problem, ...],
        *,
        store: ResponseStore | None,
        clock: Clock,
        served: EndpointSettings | None,
        together: Ledger,
    ) -> None:
        self._settings = settings
        self._stack = stack
        self._problems = problems
        self._store = store
        self._clock = clock
        self._served = served
        self._together = together
        self.fallback: ChatModel | None = None

    async def model(self, name: str | None, budget: Budget) -> ChatModel:
        """The default model (None), or the one of that name within its own `budget` too."""
        settings = self._settings.of_model(name)
        if settings.llm.kind == "recorded":
            return recorded_model(
                settings, self._problems, fallback=self.fallback, clock=self._clock
            )
        transport, ended = None, never_ended
        if settings.simulated and settings.llm.simulated.in_process:
            profile = simulated_profile(settings)
            identity = simulated_identity(settings, profile)
            endpoint = endpoint_settings(settings, IN_PROCESS_URL, identity=identity)
            transport = in_process_transport(profile, self._problems)
        else:
            served = self._served if name is None else None
            endpoint, ended = (
                (served, ended)
                if served
                else await started_endpoint(settings, self._stack, self._problems)
            )
            await check_endpoint(endpoint)
        alone = None if name is None else Ledger(budget, section=f"llm.models.{name}")
        client = await self._stack.enter_async_context(
            OpenAIChatModel(
                endpoint,
                price=price(settings),
                budget=alone or self._together,
                together=alone and self._together,
                retry=retry_policy(settings),
                store=self._store,
                reuse_scope=_reuse_scope(settings, self._store),
                clock=self._clock,
                transport=transport,
                admission=await admission_to(settings),
                ended=ended,
                hedge=hedge_policy(settings),
            )
        )
        return dispatched(settings, client, name)


def _reuse_scope(settings: Settings, store: ResponseStore | None) -> str | None:
    if store is None:
        return None
    scopes = {"run": None, "shared": store.run_id, "always": ""}
    return scopes[settings.llm.reuse_responses]


def hedge_policy(settings: Settings) -> HedgePolicy | None:
    """When a slow call is sent a second time; never where no seconds pass but the machine's own."""
    config = settings.llm.hedge
    if config.quantile is None or not settings.arrival_is_real:
        return None
    return HedgePolicy(quantile=config.quantile, calls=config.calls)


def retry_policy(settings: Settings) -> RetryPolicy:
    """When an attempt is repeated."""
    config = settings.llm.retry
    return RetryPolicy(
        attempts=config.attempts,
        backoff_seconds=config.backoff_seconds,
        backoff_max_seconds=config.backoff_max_seconds,
        outage_seconds=config.outage_seconds,
    )
