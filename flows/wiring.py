"""How settings become the library's parts; the only place that knows both."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from flows.settings import Settings
from lamas.benchmarks import (
    Benchmark,
    BenchmarkSettings,
    GeneratedDataset,
    SplitSettings,
    build_benchmark,
)
from lamas.controller import ControllerSettings
from lamas.domain import Problem, ToolExecution, derive_seed
from lamas.llm import (
    ChatRequest,
    EndpointSettings,
    Price,
    PriceList,
    RetryPolicy,
    trial_request,
)
from lamas.llm.simulated import SimulatedProfile, load_profile
from lamas.operators import (
    ENTRIES,
    PROMPT_SETS,
    SANITY_NAMES,
    Catalogue,
    OperatorSettings,
    PromptLibrary,
    sanity_entries,
)
from lamas.sandbox import (
    JudgingSandbox,
    MeasuredToolTime,
    ModelledToolTime,
    ProcessSandbox,
    SandboxLimits,
    ToolTime,
)
from lamas.sandbox.barriers import missing
from lamas.training import BaselineSettings, RewardWeights, TrainerSettings

MIB = 1024 * 1024


class LazySandbox:
    """The run's sandbox; its processes start when it is opened or the first program comes.

    `run` and `run_judged` are those of `JudgingSandbox`; all raise SandboxError when too few
    barriers can be had.
    """

    def __init__(
        self,
        settings: Settings,
        stack: AsyncExitStack,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        """`say` is told which barriers are active."""
        self._settings = settings
        self._stack = stack
        self._say = say
        self._starting = asyncio.Lock()
        self._sandbox: ProcessSandbox | None = None

    async def run(
        self, program: str, *, stdin: str = "", limits: SandboxLimits | None = None
    ) -> ToolExecution:
        """One run in a fresh process."""
        sandbox = await self._started()
        return await sandbox.run(program, stdin=stdin, limits=limits)

    async def run_judged(
        self,
        program: str,
        *,
        checker: str,
        names: Sequence[str],
        setup: str,
        verdict: str,
        limits: SandboxLimits | None = None,
    ) -> tuple[ToolExecution, ToolExecution]:
        """(run of the program, run of the checker)."""
        sandbox = await self._started()
        return await sandbox.run_judged(
            program, checker=checker, names=names, setup=setup, verdict=verdict, limits=limits
        )

    async def open(self) -> None:
        """Start it now, so that a machine where it may not be used is known before any work."""
        await self._started()

    async def _started(self) -> ProcessSandbox:
        async with self._starting:
            if self._sandbox is None:
                sandbox = process_sandbox(self._settings)
                self._sandbox = await self._stack.enter_async_context(sandbox)
                self._say(f"sandbox: {barriers_line(self._sandbox.barriers)}")
        return self._sandbox


def barriers_line(barriers: Sequence[str]) -> str:
    """The active barriers, and what a run that insists does without."""
    lacking = ", ".join(item.protection for item in missing(barriers))
    return (", ".join(barriers) or "no barrier") + (
        f" — WITHOUT {lacking}, as sandbox.allow_weak=true insists" if lacking else ""
    )


def process_sandbox(settings: Settings) -> ProcessSandbox:
    """A sandbox with the configured limits, to be entered."""
    config = settings.sandbox
    return ProcessSandbox(
        limits=SandboxLimits(
            cpu_seconds=config.cpu_seconds,
            wall_seconds=config.wall_seconds,
            memory_bytes=config.memory_mib * MIB,
        ),
        concurrency=config.concurrency,
        allow_weak=config.allow_weak,
        backend=config.backend,
        disabled=config.disabled,
        tool_time=_tool_time(settings),
    )


def _tool_time(settings: Settings) -> ToolTime:
    if not settings.simulated:
        return MeasuredToolTime()
    profile = simulated_profile(settings)
    return ModelledToolTime(
        seed=profile.seed,
        median_seconds=profile.tool_seconds.median,
        sigma=profile.tool_seconds.sigma,
    )


def simulated_profile(settings: Settings) -> SimulatedProfile:
    """The simulated endpoint's profile with the configured seed and faults."""
    config = settings.llm.simulated
    profile = load_profile(config.profile)
    faults = profile.faults.model_copy(update=config.faults.model_dump(exclude_none=True))
    return profile.model_copy(
        update={"seed": config.seed, "model": settings.llm.model, "faults": faults}
    )


def benchmark_of(settings: Settings, sandbox: JudgingSandbox) -> Benchmark:
    """The configured benchmark; BenchmarkError when its source or parameters cannot be used."""
    config = settings.benchmark
    return build_benchmark(
        BenchmarkSettings(
            kind=config.kind,
            name=config.name,
            family=config.family,
            path=config.path or "",
            question=config.question,
            answer=config.answer,
            choices=config.choices,
            scorer=config.scorer,
            datasets=tuple(
                GeneratedDataset(
                    name=item.name,
                    config={
                        key: tuple(value) if isinstance(value, list) else value
                        for key, value in item.config.items()
                    },
                    weight=item.weight,
                )
                for item in config.datasets
            ),
            size=config.size,
            split=SplitSettings(
                train_fraction=config.train_fraction,
                train_size=config.train_size,
                test_size=config.test_size,
                seed=config.split_seed,
            ),
        ),
        sandbox=sandbox,
    )


def prompts_of(settings: Settings) -> PromptLibrary:
    """The configured prompt files."""
    chosen = settings.operators.prompts
    return PromptLibrary(PROMPT_SETS.get(chosen) or Path(chosen))


def catalogue_of(
    settings: Settings, benchmark: Benchmark, problems: Callable[[], Sequence[Problem]] = tuple
) -> Catalogue:
    """The configured operators; OperatorError for an unknown one or a broken prompt file.

    `problems` gives the benchmark's, for those operators that know the answers.
    """
    config = settings.operators
    knowing = set(config.enabled) & set(SANITY_NAMES)
    catalogue = Catalogue(
        config.enabled,
        prompts=prompts_of(settings),
        entries=(*ENTRIES, *sanity_entries(problems())) if knowing else ENTRIES,
        read_answer=benchmark.extract,
        settings=OperatorSettings(
            temperature=config.temperature,
            max_tokens=config.max_tokens,
            temperature_by_operator=config.temperature_by_operator,
            max_tokens_by_operator=config.max_tokens_by_operator,
            samples=config.samples,
            tries=config.tries,
            ensemble=config.ensemble,
            shown_characters=config.shown_characters,
            feedback_characters=config.feedback_characters,
        ),
    )
    catalogue.check_prompts(benchmark.family)
    return catalogue


def controller_settings(settings: Settings) -> ControllerSettings:
    """What the controller is built from; its initial weights follow from the run's seed."""
    config = settings.controller
    return ControllerSettings(
        kind=config.kind,
        layers=config.layers,
        tau=config.threshold,
        hidden=config.hidden,
        seed=derive_seed(settings.seed, "controller"),
    )


def trainer_settings(settings: Settings) -> TrainerSettings:
    """Reward weights, credit rule, baseline and optimiser."""
    config = settings.training
    return TrainerSettings(
        credit=settings.credit.rule,
        weights=RewardWeights(lambda_c=config.lambda_c, lambda_t=config.lambda_t),
        baseline=settings.baseline.kind,
        baseline_settings=BaselineSettings(momentum=settings.baseline.momentum),
        learning_rate=config.learning_rate,
        gradient_clip=config.gradient_clip,
        entropy_bonus=config.entropy_bonus,
        importance_weighting=config.importance_weighting,
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


def retry_policy(settings: Settings) -> RetryPolicy:
    """When an attempt is repeated."""
    config = settings.llm.retry
    return RetryPolicy(
        attempts=config.attempts,
        backoff_seconds=config.backoff_seconds,
        backoff_max_seconds=config.backoff_max_seconds,
        outage_seconds=config.outage_seconds,
    )


def price(settings: Settings) -> Price:
    """The configured price, or the published one; ConfigurationError when there is neither."""
    configured = settings.llm.price
    if configured is None:
        return PriceList.published().price(settings.llm.model)
    return Price(
        input=configured.input, output=configured.output, cached_input=configured.cached_input
    )
