"""From the settings to prompts and catalogue."""

from collections.abc import Callable, Sequence
from pathlib import Path

from flows.settings import Settings
from flows.settings.operators import OperatorsConfig
from lamas.benchmarks import Benchmark
from lamas.domain import Problem
from lamas.operators import (
    ENTRIES,
    PROMPT_SETS,
    SANITY_NAMES,
    Catalogue,
    OperatorSettings,
    PromptLibrary,
    sanity_entries,
)


def prompts_of(settings: Settings) -> PromptLibrary:
    """The configured prompt files."""
    chosen = settings.operators.prompts
    return PromptLibrary(PROMPT_SETS.get(chosen) or Path(chosen))


def operator_settings(config: OperatorsConfig) -> OperatorSettings:
    """The configured knobs of operators."""
    return OperatorSettings(
        temperature=config.temperature,
        max_tokens=config.max_tokens,
        temperature_by_operator=config.temperature_by_operator,
        max_tokens_by_operator=config.max_tokens_by_operator,
        samples=config.samples,
        tries=config.tries,
        ensemble=config.ensemble,
        end_at_answer=config.end_at_answer,
        computed=config.computed,
        shown_characters=config.shown_characters,
        feedback_characters=config.feedback_characters,
    )


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
        settings=operator_settings(config),
        models={
            name: model.description or f"the model {model.model}."
            for name, model in settings.llm.models.items()
        },
    )
    catalogue.check_prompts(benchmark.family)
    return catalogue
