"""From the settings to recorded answers: the file, whose answers they are, what is assumed."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from flows.settings import Settings
from flows.wiring.endpoint import price
from lamas.domain import Clock, Problem
from lamas.errors import ConfigurationError
from lamas.llm import ChatModel
from lamas.llm.recorded import (
    RecordedAnswers,
    RecordedChatModel,
    RecordedSettings,
    Speed,
    declared_speeds,
    read_answers,
)
from lamas.operators import asking_operators, parted


def recorded_model(
    settings: Settings,
    problems: Sequence[Problem],
    *,
    fallback: ChatModel | None,
    clock: Clock,
) -> RecordedChatModel:
    """What gives recorded answers; ConfigurationError when the file cannot be used."""
    config = settings.llm
    return RecordedChatModel(
        recorded_answers(settings),
        problems,
        RecordedSettings(
            model=config.model,
            price=price(settings),
            speed=speed_of(settings),
            time_scale=config.recorded.time_scale,
            repeat=config.recorded.repeat,
            stands_for=config.recorded.stands_for,
        ),
        fallback=fallback,
        clock=clock,
    )


def recorded_answers(settings: Settings) -> RecordedAnswers:
    """The configured file, read once however many models it has answers of."""
    path = settings.llm.path
    assert path is not None, "a section of kind `recorded` was checked to have a path"
    try:
        changed = path.stat().st_mtime_ns
    except OSError:
        changed = 0
    return _read(path, changed)


@lru_cache(maxsize=4)
def _read(path: Path, changed: int) -> RecordedAnswers:
    return read_answers(path)


def speed_of(settings: Settings) -> Speed | None:
    """The configured speed of the model, else the declared one, if there is any."""
    own = settings.llm.speed
    if own is None:
        return declared_speeds().get(settings.llm.model)
    return Speed(
        time_to_first_token_seconds=own.time_to_first_token_seconds,
        tokens_per_second=own.tokens_per_second,
    )


def check_recorded(settings: Settings) -> None:
    """ConfigurationError for an enabled operator of which there is no answer at all.

    An operator that asks only sometimes (ScEnsemble) may lack them, and so may any where a fallback
    is asked.
    """
    asking = asking_operators()
    answers: Mapping[str | None, RecordedAnswers] = {
        name: recorded_answers(settings.of_model(name))
        for name in (None, *settings.llm.models)
        if settings.of_model(name).llm.kind == "recorded"
    }
    if settings.llm.fallback is not None:
        return
    for operator in settings.operators.enabled:
        base, name = parted(operator)
        if base not in asking or name not in answers:
            continue
        llm = settings.of_model(name).llm
        served = llm.recorded.stands_for.get(base, base)
        if (served, llm.model) not in answers[name].pairs:
            known = ", ".join(f"{who} by {model}" for who, model in sorted(answers[name].pairs))
            raise ConfigurationError(
                f"{llm.path} has no answer of operator {operator} by model {llm.model}: leave it "
                f"out of operators.enabled, name an endpoint in llm.fallback, or take what there "
                f"is ({known})"
            )
