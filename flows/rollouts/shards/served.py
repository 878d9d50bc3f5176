"""The model that a run serves to its workers, which learn its key from their environment."""

import os
from contextlib import AsyncExitStack
from dataclasses import replace

from flows.settings import Settings
from flows.wiring.endpoint import serve_embedded
from lamas.errors import ConfigurationError
from lamas.llm import EndpointSettings

KEY_VARIABLE = "LAMAS_SERVED_KEY"


async def serve_to_workers(settings: Settings, stack: AsyncExitStack) -> EndpointSettings:
    """Start the embedded model; the result, which travels to workers, only names the variable.

    Shards are pickled, and an engine may put what it is sent on a disk or into a log. Processes
    started from here on have the key until `stack` ends: call it before the engine starts. Raises
    ConfigurationError where others started the workers, ServerError when the model does not start.
    """
    if settings.engine.address is not None:
        raise ConfigurationError(
            "llm=embedded gives its key to workers that the run itself starts, and "
            f"engine.address={settings.engine.address} names others: leave engine.address out, or "
            "serve the model yourself and name it in llm.base_url"
        )
    endpoint = await serve_embedded(settings, stack)
    os.environ[KEY_VARIABLE] = endpoint.api_key
    stack.callback(os.environ.pop, KEY_VARIABLE, None)
    return replace(endpoint, api_key="", api_key_env=KEY_VARIABLE)
