"""From the settings to what answers: an endpoint that is there, or one that is started."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace

from flows.settings import Settings
from lamas.domain import Problem, digest
from lamas.llm import (
    ChatRequest,
    EmbeddedServer,
    EmbeddedSettings,
    EndpointSettings,
    Price,
    PriceList,
    check_endpoint,
    trial_request,
)
from lamas.llm.simulated import SimulatedProfile, SimulatedServer, load_profile
from lamas.operators import unused_later


def simulated_profile(settings: Settings) -> SimulatedProfile:
    """The simulated endpoint's profile with the configured seed and faults."""
    config = settings.llm.simulated
    profile = load_profile(config.profile)
    faults = profile.faults.model_copy(update=config.faults.model_dump(exclude_none=True))
    return profile.model_copy(
        update={"seed": config.seed, "model": settings.llm.model, "faults": faults}
    )


def endpoint_settings(settings: Settings, base_url: str, *, identity: str = "") -> EndpointSettings:
    """How the endpoint at `base_url` is called; `identity`: see EndpointSettings."""
    config = settings.llm
    return EndpointSettings(
        base_url=base_url,
        model=config.model,
        api_key_env=config.api_key_env,
        identity=identity,
        concurrency=config.concurrency,
        stream=config.stream,
        annotate=config.kind == "simulated",
        connect_timeout_seconds=config.connect_timeout_seconds,
        first_chunk_timeout_seconds=config.first_chunk_timeout_seconds,
        total_timeout_seconds=config.total_timeout_seconds,
        max_tokens_parameter=config.max_tokens_parameter,
        omit=tuple(config.omit),
        extra_body=config.extra_body,
    )


def trial(settings: Settings) -> ChatRequest:
    """A request with the run's own parameters, for the check before it."""
    config = settings.operators
    return trial_request(
        temperature=config.temperature,
        max_tokens=max([config.max_tokens, *config.max_tokens_by_operator.values()]),
    )


def price(settings: Settings) -> Price:
    """The configured price, or the published one; ConfigurationError when there is neither."""
    configured = settings.llm.price
    if configured is None:
        return PriceList.published().price(settings.llm.model)
    return Price(
        input=configured.input, output=configured.output, cached_input=configured.cached_input
    )


def simulated_identity(settings: Settings, profile: SimulatedProfile) -> str:
    """Whose answers they are; faults change none, nor do operators that the run lacks."""
    unused = dict.fromkeys(unused_later(settings.operators.enabled), True)
    return digest(profile.model_dump(mode="json", exclude={"faults": True, "operators": unused}))


async def check_model(settings: Settings) -> None:
    """What can be known of a model before a run: files are there, an endpoint answers.

    Raises ModelUnreachableError or ConfigurationError with what to do.
    """
    config = settings.llm
    price(settings)
    if config.kind == "recorded":
        return
    if config.kind == "embedded":
        _embedded_server(settings)
    elif config.kind == "simulated":
        simulated_profile(settings)
    else:
        assert config.base_url is not None
        await check_endpoint(endpoint_settings(settings, config.base_url), trial=trial(settings))


def _embedded_server(settings: Settings) -> EmbeddedServer:
    config = settings.llm
    return EmbeddedServer(
        EmbeddedSettings(
            gguf=config.gguf,
            weights=settings.home / "weights" if config.embedded.requantise else None,
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
    endpoint = endpoint_settings(settings, own.base_url, identity=own.identity)
    counts = own.counts_in_stream
    return replace(endpoint, api_key=own.api_key, counts_in_stream=counts), server.ended


def never_ended() -> str:
    """Of an endpoint that may always come back."""
    return ""


async def started_endpoint(
    settings: Settings, stack: AsyncExitStack, problems: tuple[Problem, ...]
) -> tuple[EndpointSettings, Callable[[], str]]:
    """The configured endpoint, and what says why it never comes back ("" while it may).

    One that is ours is started, and ended by `stack`.
    """
    config = settings.llm
    if config.kind == "embedded":
        return await _served_embedded(settings, stack)
    if config.kind == "simulated":
        profile = simulated_profile(settings)
        simulated = stack.enter_context(
            SimulatedServer(profile, problems=problems, time_scale=config.simulated.time_scale)
        )
        endpoint = endpoint_settings(
            settings, simulated.base_url, identity=simulated_identity(settings, profile)
        )
        return replace(endpoint, api_key=simulated.api_key), never_ended
    assert config.base_url is not None
    return endpoint_settings(settings, config.base_url), never_ended
