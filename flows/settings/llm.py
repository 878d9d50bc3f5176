"""The sections of the configuration, one for each group in conf/: their keys, units and limits."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, cast

from pydantic import Field, JsonValue, field_validator, model_validator

from flows.settings.section import Section

PACKAGED_MODEL = "smollm2-135m-instruct"
"""Name of the model that kind `embedded` serves when no file is given."""


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


class EmbeddedConfig(Section):
    """The llama.cpp server that a run starts for itself."""

    slots: int = Field(default=8, ge=1)
    threads: int | None = Field(default=None, ge=1)
    context_per_slot: int = Field(default=2048, ge=256)


class FaultConfig(Section):
    """Faults that the simulated endpoint injects; None keeps the profile's value."""

    rate_limited: float | None = Field(default=None, ge=0, le=1)
    """Share of requests, like the next three."""
    server_error: float | None = Field(default=None, ge=0, le=1)
    malformed: float | None = Field(default=None, ge=0, le=1)
    hang: float | None = Field(default=None, ge=0, le=1)
    latency_spike: float | None = Field(default=None, ge=0, le=1)
    spike_factor: float | None = Field(default=None, ge=1)
    retry_after_seconds: float | None = Field(default=None, ge=0)
    hang_seconds: float | None = Field(default=None, gt=0)


class SimulatedConfig(Section):
    """The simulated endpoint that a run starts for itself."""

    profile: str = "gpt_4o_mini_like"
    """Name of a packaged profile or path of a YAML file."""
    seed: int = 0
    time_scale: float = Field(default=0.0, ge=0)
    """0 never sleeps, 1 is real time."""
    in_process: bool = False
    """Call the endpoint's application directly: no server, no socket, the same answers."""
    faults: FaultConfig = FaultConfig()

    @model_validator(mode="after")
    def _only_a_server_waits(self) -> "SimulatedConfig":
        if self.in_process and self.time_scale > 0.0:
            raise ValueError(
                "in_process=true never sleeps and cannot go with "
                f"time_scale={self.time_scale:g}; set in_process=false to have seconds"
            )
        return self


class LLMConfig(Section):
    """How a model is reached, priced and bounded."""

    kind: Literal["endpoint", "embedded", "simulated"]
    base_url: str | None = None
    model: str = Field(min_length=1)
    """Kind `embedded` goes by the name of its GGUF file unless told otherwise."""
    api_key_env: str | None = None
    """Environment variable that holds the key; the key itself is never configured."""
    price: Price | None = None
    """None looks the model up in the price list."""
    concurrency: int = Field(default=32, ge=1)
    stream: bool = True
    connect_timeout_seconds: float = Field(default=10.0, gt=0)
    first_chunk_timeout_seconds: float = Field(default=60.0, gt=0)
    total_timeout_seconds: float = Field(default=180.0, gt=0)
    max_tokens_parameter: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    omit: list[Literal["seed", "temperature"]] = Field(
        default_factory=list[Literal["seed", "temperature"]]
    )
    """Parameters that the endpoint refuses: left out of every request."""
    extra_body: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])
    """Further JSON fields of every request (`top_p` …)."""
    retry: RetryConfig = RetryConfig()
    across_processes: AcrossProcessesConfig = AcrossProcessesConfig()
    max_usd: float | None = Field(default=None, gt=0)
    max_calls: int | None = Field(default=None, ge=1)
    reuse_responses: Literal["run", "shared", "always"] = "run"
    """`run`: a resumed run pays nothing twice; `shared`: nor do two of its rollouts that ask the
    same with the same seed; `always`: nor does a later run."""
    gguf: Path | None = None
    """Model file of kind `embedded`; the packaged SmolLM2-135M-Instruct by default."""
    embedded: EmbeddedConfig = EmbeddedConfig()
    simulated: SimulatedConfig = SimulatedConfig()

    @model_validator(mode="before")
    @classmethod
    def _name_of_embedded(cls, values: object) -> object:
        if not isinstance(values, dict):
            return values
        given = cast("Mapping[str, object]", values)
        if given.get("kind") != "embedded" or given.get("model") is not None:
            return given
        gguf = given.get("gguf")
        name = PACKAGED_MODEL if gguf is None else Path(str(gguf)).stem.lower()
        return {**given, "model": name}

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

    @model_validator(mode="after")
    def _endpoint_needs_url(self) -> "LLMConfig":
        if self.kind == "endpoint" and not self.base_url:
            raise ValueError("kind 'endpoint' needs base_url, e.g. llm.base_url=http://HOST/v1")
        return self
