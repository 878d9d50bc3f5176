"""The sections of the configuration, one for each group in conf/: their keys, units and limits."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, cast

from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator, model_validator

from lamas.domain import TaskFamily

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


class Section(BaseModel):
    """A part of the configuration: unknown keys are errors, values never change."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, protected_namespaces=(), allow_inf_nan=False
    )


class GeneratedDataset(Section):
    """One reasoning-gym data set in the generated benchmark."""

    name: str
    config: dict[str, int | float | bool | str | list[int] | list[str]] = Field(
        default_factory=dict[str, int | float | bool | str | list[int] | list[str]]
    )
    weight: float = Field(default=1.0, gt=0)


class BenchmarkConfig(Section):
    """Which problems, and how answers are scored."""

    name: str
    kind: Literal["generated", "file", "gsm8k", "math", "humaneval"]
    family: TaskFamily
    path: str | None = None
    """File, folder glob or `hf://` address."""
    question: str = "question"
    """Column of kind `file`, or a template such as `{Body} {Question}`."""
    answer: str = "answer"
    """Column of kind `file`."""
    choices: str = ""
    """Column of kind `file` with a list of options, for scorer `choice`."""
    scorer: Literal["number", "math", "exact", "choice"] = "number"
    """How answers of kind `file` are judged."""
    datasets: list[GeneratedDataset] = Field(default_factory=list[GeneratedDataset])
    size: int | None = Field(default=None, ge=5)
    """Problems to generate."""
    split_seed: int = 0
    train_fraction: float = Field(default=0.2, gt=0, lt=1)
    train_size: int | None = Field(default=None, ge=1)
    """At most so many training problems; all of the split by default."""
    test_size: int | None = Field(default=None, ge=1)


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


class OperatorsConfig(Section):
    """Which operators exist and how they sample."""

    enabled: list[str]
    ensemble: Literal["vote", "model"] = "vote"
    samples: int = Field(default=3, ge=2)
    """Parallel chains of thought of MultiGenerateCoT."""
    tries: int = Field(default=3, ge=1)
    """Attempts of Programmer and Test."""
    temperature: float = Field(default=1.0, ge=0, le=2)
    max_tokens: int = Field(default=1024, ge=1)
    max_tokens_by_operator: dict[str, int] = Field(default_factory=dict[str, int])
    prompts: str = "zero_shot"
    """`zero_shot`, `few_shot`, or a folder of prompt files laid out like the packaged ones."""
    temperature_by_operator: dict[str, float] = Field(default_factory=dict[str, float])
    shown_characters: int = Field(default=24_000, ge=1)
    """Characters of earlier solutions one prompt may show."""
    feedback_characters: int = Field(default=1_500, ge=1)
    """Characters of a program's output or error one prompt may show."""


class ControllerConfig(Section):
    """The policy that picks graphs."""

    kind: Literal["lamas", "paper"]
    layers: int = Field(default=4, ge=1, le=16)
    threshold: float = Field(default=0.3, gt=0, le=1)
    hidden: int = Field(default=32, ge=1)


class CreditConfig(Section):
    """How a rollout's reward reaches its decisions."""

    rule: Literal["critical_path", "uniform", "cost_only", "marginal"]


class BaselineConfig(Section):
    """What is subtracted from a credit, and what it is divided by."""

    kind: Literal["ema", "leave_one_out"]
    momentum: float = Field(default=0.95, ge=0, lt=1)


class TrainingConfig(Section):
    """Reward weights and the gradient step."""

    steps: int = Field(ge=0)
    problems_per_step: int = Field(default=4, ge=1)
    rollouts_per_problem: int = Field(default=4, ge=1)
    lambda_c: float = Field(default=3.0, ge=0)
    """Per USD."""
    lambda_t: float = Field(default=0.005, ge=0)
    """Per virtual second; per predicted second with a fitted latency model."""
    latency_model: Literal["proxy", "fitted"] = "proxy"
    """What T is: CP_len / γ, or the makespan that a latency model predicts."""
    latency_model_id: str | None = None
    """The latency model of `fitted`; the one fitted last for the model by default."""
    learning_rate: float = Field(default=0.01, gt=0)
    gradient_clip: float = Field(default=1.0, gt=0)
    entropy_bonus: float = Field(default=0.0, ge=0)
    importance_weighting: bool = False
    """Weight stored rollouts by how likely the current weights are to draw them."""
    start_from: Literal["scratch", "champion", "champion_or_scratch"] = "scratch"
    max_failed_fraction: float = Field(default=0.5, gt=0, le=1)
    """A batch of which more fails stops the run: something is wrong with the endpoint."""


class ExecutionConfig(Section):
    """How rollouts run."""

    mode: Literal["parallel", "sequential"] = "parallel"
    gamma: float = Field(default=50.0, gt=0)
    """Virtual tokens per tool second."""
    concurrency: int = Field(default=32, ge=1)
    """Rollouts in flight."""
    granularity: Literal["operator", "rollout", "batch"] = "operator"
    """What one Prefect task run is; with `batch` only the flow that collects is shown."""


class SandboxConfig(Section):
    """Limits of model-written programs."""

    cpu_seconds: float = Field(default=5.0, gt=0)
    wall_seconds: float = Field(default=10.0, gt=0)
    memory_mib: int = Field(default=512, ge=32)
    concurrency: int = Field(default=2, ge=1)
    allow_weak: bool = False
    """Run model-written code even when too few barriers can be had."""
    backend: Literal["auto", "namespaces", "bubblewrap", "landlock"] = "auto"
    """`auto` takes the first of these that works."""
    disabled: list[Literal["landlock", "seccomp"]] = Field(
        default_factory=list[Literal["landlock", "seccomp"]]
    )
    """Barriers left out although they could be had."""


class EvaluationConfig(Section):
    """What is compared on the held-out problems."""

    split: Literal["test", "train", "all"] = "test"
    problems: int | None = Field(default=None, ge=1)
    """At most so many problems of the split; all by default."""
    samples: int = Field(default=1, ge=1)
    baselines: list[str] = Field(default_factory=list[str])
    """Fixed graphs: generate, generate_cot, cot5_sc, everything …"""
    mode: Literal["decided", "sampled"] = "decided"
    """Graphs as they would be deployed, or drawn from the policy."""
    seed: int | None = Field(default=None, ge=0)
    """Of the model's answers; the run's own by default. Equal seeds are common random numbers."""
    bootstrap: int = Field(default=2000, ge=100)


class LatencyConfig(Section):
    """How `lamas latency` fits and evaluates."""

    held_out: float = Field(default=0.2, gt=0, lt=1)
    """Share of the rollouts kept from the fit."""


class ComparisonConfig(Section):
    """What `lamas compare` sets against each other, on the same held-out problems."""

    seeds: int = Field(default=5, ge=1)
    """Training seeds, counted up from `seed`; every variant has them all."""
    margin: float = Field(default=0.02, gt=0, le=1)
    """Non-inferiority margin of the score difference, fixed before the run."""
    at_once: int = Field(default=12, ge=1)
    """Members that are trained side by side."""
    variants: dict[str, list[str]] = Field(default_factory=dict[str, list[str]])
    """Hydra overrides of each variant, on top of those of the comparison."""
    fixed: list[str] = Field(default_factory=list[str])
    """Fixed graphs that are compared too."""
    against: dict[str, list[str]] = Field(default_factory=dict[str, list[str]])
    """For each variant the references that it is set against."""

    @model_validator(mode="after")
    def _names_are_known(self) -> "ComparisonConfig":
        both = set(self.variants) & set(self.fixed)
        if both:
            raise ValueError(f"{min(both)!r} is both a variant and a fixed graph; rename it")
        known = {*self.variants, *self.fixed}
        used = [*self.against, *(name for names in self.against.values() for name in names)]
        for name in used:
            if name not in known:
                raise ValueError(
                    f"comparison.against names {name!r}; known are {', '.join(sorted(known))}"
                )
        return self


class SweepConfig(Section):
    """What `lamas sweep` varies."""

    grid: dict[str, list[str | float | int]] = Field(
        default_factory=dict[str, list[str | float | int]]
    )
    """Configuration keys and the values each takes."""
    each: bool = True
    """One key at a time, the others as configured; else all combinations."""
    seeds: int = Field(default=1, ge=1)
    fixed: list[str] = Field(default_factory=list[str])
    """Fixed graphs on the same picture."""


class PromotionConfig(Section):
    """When a candidate becomes champion."""

    score_margin: float = Field(default=0.05, ge=0, le=1)
    """Non-inferiority margin of the score difference, fixed before the run."""
    enabled: bool = True


class PrefectConfig(Section):
    """The orchestrator."""

    port: int = Field(default=4200, ge=1, le=65535)
