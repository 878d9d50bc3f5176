"""From the settings to the client of a model that answers."""

from contextlib import AsyncExitStack

from flows.orchestrator.limits import admission_to
from flows.settings import Settings
from flows.wiring.endpoint import (
    endpoint_settings,
    never_ended,
    price,
    simulated_identity,
    simulated_profile,
    started_endpoint,
)
from lamas.domain import Clock, Problem
from lamas.llm import (
    Budget,
    EndpointSettings,
    OpenAIChatModel,
    ResponseStore,
    RetryPolicy,
    check_endpoint,
)
from lamas.llm.simulated import (
    IN_PROCESS_URL,
    in_process_transport,
)


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
    transport, ended = None, never_ended
    if settings.simulated and settings.llm.simulated.in_process:
        profile = simulated_profile(settings)
        endpoint = endpoint_settings(settings, IN_PROCESS_URL, identity=simulated_identity(profile))
        transport = in_process_transport(profile, problems)
    else:
        endpoint, ended = (
            (served, ended) if served else await started_endpoint(settings, stack, problems)
        )
        await check_endpoint(endpoint)
    return await stack.enter_async_context(
        OpenAIChatModel(
            endpoint,
            price=price(settings),
            budget=budget,
            retry=retry_policy(settings),
            store=store,
            reuse_scope=_reuse_scope(settings, store),
            clock=clock,
            transport=transport,
            admission=await admission_to(settings),
            ended=ended,
        )
    )


def _reuse_scope(settings: Settings, store: ResponseStore) -> str | None:
    scopes = {"run": None, "shared": store.run_id, "always": ""}
    return scopes[settings.llm.reuse_responses]


def retry_policy(settings: Settings) -> RetryPolicy:
    """When an attempt is repeated."""
    config = settings.llm.retry
    return RetryPolicy(
        attempts=config.attempts,
        backoff_seconds=config.backoff_seconds,
        backoff_max_seconds=config.backoff_max_seconds,
        outage_seconds=config.outage_seconds,
    )
