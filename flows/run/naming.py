"""What a flow run is called and tagged with, so that a list of runs can be read."""

from collections.abc import Callable
from typing import cast

from flows.run.session import current_session
from flows.settings import Settings
from flows.settings.compose import load_settings
from lamas.errors import LamasError

SEPARATOR = " · "


def run_tags(settings: Settings) -> list[str]:
    """Benchmark, controller, model and, where nothing real answers, `simulated`."""
    tags = [settings.benchmark.name, settings.controller.kind, settings.llm.model]
    return [*tags, "simulated"] if settings.simulated else tags


def run_name(kind: str) -> Callable[[], str]:
    """Namer of a flow: kind and what tells its runs apart; inside a retrain the step."""

    def name() -> str:
        current = current_session()
        if current is None:
            return _name(kind, _settings_of_parameters())
        if current.step is not None:
            return f"{kind}{SEPARATOR}step {current.step}"
        return _name(kind, current.settings)

    return name


def _name(kind: str, settings: Settings | None) -> str:
    if settings is None:
        return kind
    parts = [kind, settings.benchmark.name, settings.controller.kind, f"seed {settings.seed}"]
    return SEPARATOR.join(parts)


def _settings_of_parameters() -> Settings | None:
    from prefect.runtime import flow_run

    parameters = cast("dict[str, object]", flow_run.get_parameters())
    try:
        return load_settings(cast("list[str]", parameters.get("overrides") or []))
    except LamasError:
        # The flow itself says what is wrong; a name is no place for it.
        return None
