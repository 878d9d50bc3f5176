"""The sections of the configuration, one for each group in conf/: their keys, units and limits."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, cast

from pydantic import Field, model_validator

from flows.settings.models import (
    AcrossProcessesConfig,
    ModelConfig,
    Price,
    Reach,
    RecordedConfig,
    RetryConfig,
    SpeedConfig,
)
from flows.settings.section import Section
from lamas.errors import ConfigurationError

PACKAGED_MODEL = "smollm2-135m-instruct"
"""Name of the model that kind `embedded` serves when no file is given."""


class EmbeddedConfig(Section):
    """The llama.cpp server that a run starts for itself."""

    slots: int = Field(default=8, ge=1)
    """Calls that may be generated together, and prompts whose beginning is kept."""
    requantise: bool = False
    """Serve the weights in the form that is multiplied fastest, made once in the home."""
    threads: int | None = Field(default=None, ge=1)
    context_per_slot: int = Field(default=2048, ge=256)


class HedgeConfig(Section):
    """When a slow call is sent a second time, where seconds really pass."""

    quantile: float | None = Field(default=None, gt=0, lt=1)
    """Of the seconds of the operator's answers in this run; None never sends a second time."""
    calls: int = Field(default=20, ge=1)
    """Answers of an operator before any of its calls is hedged."""


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


_MODEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


class LLMConfig(Reach):
    """How a model is reached, priced and bounded."""

    kind: Literal["endpoint", "embedded", "simulated", "recorded"]
    model: str = Field(min_length=1)
    """Kind `embedded` goes by the name of its GGUF file unless told otherwise."""
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
    retry: RetryConfig = RetryConfig()
    across_processes: AcrossProcessesConfig = AcrossProcessesConfig()
    hedge: HedgeConfig = HedgeConfig()
    max_usd: float | None = Field(default=None, gt=0)
    max_calls: int | None = Field(default=None, ge=1)
    reuse_responses: Literal["run", "shared", "always"] = "run"
    """`run`: a resumed run pays nothing twice; `shared`: nor do two of its rollouts that ask the
    same with the same seed; `always`: nor does a later run."""
    gguf: Path | None = None
    """Model file of kind `embedded`; the packaged SmolLM2-135M-Instruct by default."""
    embedded: EmbeddedConfig = EmbeddedConfig()
    simulated: SimulatedConfig = SimulatedConfig()
    path: Path | None = None
    """Recorded answers of kind `recorded`: a Parquet or JSONL file."""
    speed: SpeedConfig | None = None
    """For recorded answers without seconds; None looks the model up in the declared speeds."""
    recorded: RecordedConfig = RecordedConfig()
    models: dict[str, ModelConfig] = Field(default_factory=dict[str, ModelConfig])
    """Further models by the name that operators are bound to: `GenerateCoT@NAME`."""
    fallback: str | None = None
    """The one of `models` that is asked for what recorded answers lack."""

    def of_model(self, name: str | None) -> "LLMConfig":
        """The section as it holds for one of `models`, or for the default one (None).

        Raises ConfigurationError for a name that is not there.
        """
        if name is None:
            return self
        own = self.models.get(name)
        if own is None:
            raise ConfigurationError(
                f"llm.models has no {name!r}; known there: {', '.join(self.models) or 'none'}"
            )
        kind = own.kind or ("endpoint" if own.base_url else self.kind)
        given = {key: getattr(own, key) for key in own.model_fields_set}
        changes = {key: value for key, value in given.items() if value is not None}
        changes.pop("description", None)
        # A key is for the address it was configured with, a cap and a price for one model.
        alone = {"api_key_env": own.api_key_env, "max_usd": own.max_usd, "max_calls": own.max_calls}
        price = self.price if own.price is None and kind == "recorded" else own.price
        return self.model_copy(
            update={**changes, **alone, "kind": kind, "price": price, "models": {}}
        )

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

    @model_validator(mode="after")
    def _kinds_have_what_they_need(self) -> "LLMConfig":
        for name in (None, *self.models):
            own, place = self.of_model(name), "" if name is None else f"models.{name}: "
            if own.kind == "endpoint" and not own.base_url:
                raise ValueError(
                    f"{place}kind 'endpoint' needs base_url, e.g. llm.base_url=http://HOST/v1"
                )
            if own.kind == "recorded" and own.path is None:
                raise ValueError(
                    f"{place}kind 'recorded' needs path, a file of recorded answers: "
                    "llm.path=answers.parquet"
                )
            if name is not None and own.kind == "embedded":
                raise ValueError(
                    f"{place}there is one embedded model, the default: give this one a base_url"
                )
        return self

    @model_validator(mode="after")
    def _names_can_be_used(self) -> "LLMConfig":
        for name in self.models:
            if not _MODEL_NAME.fullmatch(name):
                raise ValueError(
                    f"models.{name}: a name has letters, digits, - and _ only, for it stands in "
                    "those of operators"
                )
        if self.fallback is not None and self.fallback not in self.models:
            raise ValueError(
                f"fallback={self.fallback!r} is none of llm.models; known there: "
                f"{', '.join(self.models) or 'none'}"
            )
        if self.fallback is not None and self.of_model(self.fallback).kind == "recorded":
            raise ValueError(
                f"fallback={self.fallback!r} gives recorded answers itself: name an endpoint"
            )
        return self
