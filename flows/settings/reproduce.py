"""The command line that leads to a stored configuration again."""

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

from flows.settings.compose import CONFIG_FOLDER, load_settings
from lamas.errors import ConfigurationError

Leaves = dict[str, object]

# Where things lie and which run was worked on are whoever repeats it to say.
_LEFT_OUT = (
    "home",
    "warehouse",
    "warehouse_wait_seconds",
    "run",
    "resume",
    "prefect",
    "calibration",
)
_WHOLE = ("sweep.grid", "comparison.variants", "comparison.against")
"""Mappings whose keys are the user's own names, told as one value."""
_FIRST_GROUPS = ("llm", "benchmark", "experiment")
"""Groups whose options reach into other sections are tried first."""


def overrides_for(config_json: str) -> list[str]:
    """Hydra overrides under which today's `conf/` resolves to the stored configuration.

    Options of groups where one explains several differences, single values for what is left. Keys
    that no longer exist are left out: `resolves_to` tells whether the result is the same.
    """
    wanted = _wanted(config_json)
    chosen: list[str] = []
    missing = _settable(chosen, wanted)
    for folder in _groups():
        # A single difference is told by itself; an experiment may be behind differences anywhere.
        if len(missing if folder.name == "experiment" else _within(folder.name, missing)) < 2:
            continue
        known = list(chosen)
        for option in sorted(path.stem for path in folder.glob("*.yaml")):
            tried = [*known, f"{folder.name}={option}"]
            try:
                left = _settable(tried, wanted)
            except ConfigurationError:
                continue  # An option that cannot stand alone, such as an endpoint without address.
            # An option that mends a single value says no more than the value itself.
            if len(left) + (tried[:-1] == chosen) < len(missing):
                chosen, missing = tried, left
    return [*chosen, *(f"{key}={_value(wanted[key])}" for key in missing)]


def resolves_to(overrides: Sequence[str], config_json: str) -> bool:
    """Whether the overrides lead to the stored configuration exactly."""
    try:
        return not _differences(overrides, _wanted(config_json))
    except ConfigurationError:
        return False


def _within(group: str, keys: Sequence[str]) -> list[str]:
    return [key for key in keys if key.split(".", 1)[0] == group]


def command(kind: str, overrides: Sequence[str]) -> str:
    """The command as a shell takes it."""
    return shlex.join(["lamas", kind, *overrides])


def _groups() -> list[Path]:
    folders = [path for path in CONFIG_FOLDER.iterdir() if any(path.glob("*.yaml"))]
    ranks = {name: rank for rank, name in enumerate(_FIRST_GROUPS)}
    return sorted(folders, key=lambda path: (ranks.get(path.name, len(ranks)), path.name))


def _wanted(config_json: str) -> Leaves:
    content = cast("Mapping[str, object]", json.loads(config_json))
    return dict(_leaves(content))


def _differences(overrides: Sequence[str], wanted: Leaves) -> list[str]:
    """Keys on which the resolved overrides and the wanted configuration differ."""
    found = _resolved(overrides)
    return sorted(
        key
        for key in found.keys() | wanted.keys()
        if key not in found or key not in wanted or wanted[key] != found[key]
    )


def _settable(overrides: Sequence[str], wanted: Leaves) -> list[str]:
    """The differing keys of the wanted configuration that still exist."""
    found = _resolved(overrides)
    return sorted(
        key
        for key, value in wanted.items()
        if (key not in found and _exists(key, found)) or (key in found and found[key] != value)
    )


def _exists(key: str, found: Leaves) -> bool:
    """Whether the key lies above or below a known one: a section may be null, or have values."""
    return any(
        known.startswith(f"{key}.") or (key.startswith(f"{known}.") and value in (None, {}))
        for known, value in found.items()
    )


def _resolved(overrides: Sequence[str]) -> Leaves:
    content = cast("Mapping[str, object]", load_settings(overrides).model_dump(mode="json"))
    return dict(_leaves(content))


def _leaves(content: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    for key, value in content.items():
        name = f"{prefix}{key}"
        if not prefix and key in _LEFT_OUT:
            continue
        if isinstance(value, Mapping) and value and name not in _WHOLE:
            yield from _leaves(cast("Mapping[str, object]", value), f"{name}.")
        else:
            yield name, value


def _value(value: object) -> str:
    """As Hydra reads it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ",".join(_value(item) for item in cast("list[object]", value)) + "]"
    if isinstance(value, Mapping):
        parts = cast("Mapping[str, object]", value).items()
        return "{" + ",".join(f"{key}:{_value(item)}" for key, item in parts) + "}"
    if isinstance(value, str):
        plain = value.replace("_", "").replace("-", "").replace(".", "").replace("/", "")
        return value if plain.isalnum() else json.dumps(value, ensure_ascii=False)
    return json.dumps(value)
