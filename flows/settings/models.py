"""What `llm` says of each model: where it answers, its price and limits, what it once answered."""

import re
from pathlib import Path
from typing import Literal

from pydantic import Field, JsonValue, field_validator

from flows.settings.section import Section

# Keys come with small letters or dashes; names of variables, by custom, without.
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,63}")
_KEY_FIELD = re.compile(r"api.?key|authorization|secret|password|access.?token", re.IGNORECASE)


_KEY_VALUE = re.compile(r"\b(?:sk|pk|key|Bearer|Basic)[-_ ][A-Za-z0-9_\-*.]{6,}")


def _key_within(value: JsonValue, path: str = "") -> str | None:
    """Where in `value` something has the name or the look of a key, at whatever depth."""
    if isinstance(value, str):
        return path if _KEY_VALUE.search(value) else None
    if isinstance(value, list):
        inside = [(f"{path}[{place}]", item) for place, item in enumerate(value)]
    elif isinstance(value, dict):
        inside = [(f"{path}.{name}" if path else name, item) for name, item in value.items()]
        for name, (within, _) in zip(value, inside, strict=True):
            if _KEY_FIELD.search(name):
                return within
    else:
        return None
    found = (_key_within(item, within) for within, item in inside)
    return next((within for within in found if within is not None), None)


class Price(Section):
    """USD per million tokens."""

    input: float = Field(ge=0)
    output: float = Field(ge=0)
    cached_input: float | None = Field(default=None, ge=0)
    """Of input that the endpoint took from its prompt cache; None is the price of any other."""


class RetryConfig(Section):
    """When an attempt is repeated."""

    attempts: int = Field(default=6, ge=1)
    backoff_seconds: float = Field(default=0.5, gt=0)
    backoff_max_seconds: float = Field(default=30.0, gt=0)
    outage_seconds: float = Field(default=120.0, ge=0)
    """How long an endpoint that takes no connection is waited for, without using up attempts."""


class AcrossProcessesConfig(Section):
    """What all runs and workers together ask of one endpoint; Prefect's global limits hold it."""

    concurrency: int | None = Field(default=None, ge=1)
    """Calls in flight."""
    per_second: float | None = Field(default=None, gt=0)
    """Calls begun in a second."""


class SpeedConfig(Section):
    """How fast a model is taken to answer where its seconds were not recorded."""

    time_to_first_token_seconds: float = Field(ge=0)
    tokens_per_second: float = Field(gt=0)


class RecordedConfig(Section):
    """How recorded answers are given again."""

    time_scale: float = Field(default=0.0, ge=0)
    """0 never waits, 1 waits as long as the answer took."""
    repeat: bool = False
    """Give recorded samples again where more are asked for than there are."""
    stands_for: dict[str, str] = Field(default_factory=dict[str, str])
    """Operators without answers of their own, and whose answers serve as theirs."""


class Reach(Section):
    """Where a model answers, and what it is sent; no key stands here."""

    base_url: str | None = None
    api_key_env: str | None = None
    """Environment variable that holds the key; the key itself is never configured."""
    extra_body: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])
    """Further JSON fields of every request (`top_p` …)."""

    @field_validator("api_key_env", mode="before")
    @classmethod
    def _name_and_no_key(cls, name: object) -> object:
        # Not to be repeated in the message: it may be the key itself.
        if name is not None and not (isinstance(name, str) and _VARIABLE.fullmatch(name)):
            raise ValueError(
                "wants the name of an environment variable (capital letters, digits and _, as in "
                "OPENAI_API_KEY), which what it was given is not; put the key into such a "
                "variable, and if this was the key, replace it: it stands in your shell's history"
            )
        return name

    @field_validator("base_url")
    @classmethod
    def _no_key_in_url(cls, url: str | None) -> str | None:
        if url is not None and ("@" in url or "?" in url):
            raise ValueError(
                "holds a user name, password or query, which would be recorded; put the key into "
                "an environment variable and name it in llm.api_key_env"
            )
        return url

    @field_validator("extra_body")
    @classmethod
    def _no_key_in_body(cls, fields: dict[str, JsonValue]) -> dict[str, JsonValue]:
        found = _key_within(fields)
        if found is not None:
            raise ValueError(
                f"field {found} looks like a key, and requests' fields are recorded; put the "
                "key into an environment variable and name it in llm.api_key_env"
            )
        return fields


class ModelConfig(Reach):
    """One of several models; what it leaves out is as in `llm`, except key, caps and price."""

    model: str = Field(min_length=1)
    description: str = ""
    """One sentence; operators bound to the model are told apart by it."""
    kind: Literal["endpoint", "simulated", "recorded"] | None = None
    """None is `endpoint` with a base_url, else that of `llm`."""
    path: Path | None = None
    """Recorded answers of kind `recorded`."""
    price: Price | None = None
    """None looks the model up in the price list; kind `recorded` takes that of `llm`."""
    speed: SpeedConfig | None = None
    omit: list[Literal["seed", "temperature"]] | None = None
    concurrency: int | None = Field(default=None, ge=1)
    max_usd: float | None = Field(default=None, gt=0)
    """Of this model alone; llm.max_usd holds for all together."""
    max_calls: int | None = Field(default=None, ge=1)
    retry: RetryConfig | None = None
    across_processes: AcrossProcessesConfig | None = None
