"""Who may ask a gateway, from its settings: keys of a file or the environment, where it listens."""

import math
import os

from flows.settings.gateway import GatewayConfig
from lamas.errors import ConfigurationError
from lamas.gateway.guard import LOOPBACK_NAMES, Bounds, is_loopback
from lamas.gateway.keys import LOCAL, Client, Key, Keys, keys_of


def keys_from(config: GatewayConfig) -> Keys:
    """The configured keys. ConfigurationError where others could read them, where there are none
    and more than this machine could ask, or where a line is no key.
    """
    default = Client(
        name=LOCAL,
        requests_per_minute=config.requests_per_minute or math.inf,
        usd_per_day=config.usd_per_day or math.inf,
    )
    keys: list[Key] = []
    if config.keys_file is not None:
        keys += keys_of(_read(config), str(config.keys_file), default=default)
    given = os.environ.get(config.keys_env, "")
    keys += keys_of(given.replace(",", "\n"), f"${config.keys_env}", default=default)
    names = [key.client.name for key in keys]
    doubled = next((name for name in names if names.count(name) > 1), None)
    if doubled is not None:
        raise ConfigurationError(
            f"the key {doubled} is in gateway.keys_file and in ${config.keys_env}: keep one"
        )
    if config.keys_file is not None and not keys:
        raise ConfigurationError(
            f"gateway.keys_file={config.keys_file} holds no key: write lines NAME TOKEN"
        )
    if not keys and not is_loopback(config.host):
        raise ConfigurationError(
            f"gateway.host={config.host} can be reached from other machines, and there are no "
            f"keys: name a file in gateway.keys_file, set ${config.keys_env}, or leave the host at "
            "127.0.0.1"
        )
    return Keys(keys, anybody=default)


def bounds_of(config: GatewayConfig) -> Bounds:
    """Names it may be asked under, pages that may ask, and how large a body may be."""
    hosts = {host.lower() for host in config.hosts} | {config.host.strip("[]").lower()}
    if is_loopback(config.host):
        hosts |= set(LOOPBACK_NAMES)
    return Bounds(
        hosts=frozenset(hosts),
        origins=frozenset(config.origins),
        body_bytes=config.body_bytes,
        body_seconds=config.body_seconds,
    )


def _read(config: GatewayConfig) -> str:
    path = config.keys_file
    assert path is not None, "asked only where there is a file"
    try:
        if path.stat().st_mode & 0o077:
            raise ConfigurationError(
                f"gateway.keys_file={path} can be read by others than its owner: chmod 600 {path}"
            )
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"gateway.keys_file={path} cannot be read ({error})") from None
