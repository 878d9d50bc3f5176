"""From a run's stored rollouts to a profile of its calls: fitted to half, measured on the rest."""

from dataclasses import asdict, dataclass

from flows.settings import Settings
from lamas.domain.serving import LengthProfile
from lamas.errors import ConfigurationError
from lamas.evaluation.serving import ForecastQuality, forecast_quality
from lamas.serving.prediction.expressions import BoundedExpressions
from lamas.serving.prediction.forecaster import Forecaster
from lamas.serving.prediction.observed import observations
from lamas.serving.shapes import ASSUMED_FILE, read_shapes
from lamas.serving.workloads.rollouts import rollout_workflows
from warehouse.reader import Reader

FEWEST_CALLS = 4


@dataclass(frozen=True, kw_only=True)
class Profile:
    """What the calls of a run were like, and how well it could have been foretold."""

    quality: tuple[ForecastQuality, ...]
    expressions: BoundedExpressions
    held_out_roles: tuple[tuple[str, ...], ...]
    level: float
    training_calls: int

    def records(self, run_id: str) -> tuple[LengthProfile, ...]:
        """For the warehouse, as fitted by the run."""
        return tuple(
            LengthProfile(
                run_id=run_id,
                level=self.level,
                training_calls=self.training_calls,
                **asdict(item),
            )
            for item in self.quality
        )


def fitted_profile(settings: Settings, reader: Reader, run_id: str | None) -> Profile:
    """Every second finished rollout is fitted to, the others are held out.

    None takes the rollouts of all runs. Seconds are those of `simulation.shapes`; a model that has
    none there counts as `simulation.model`. Raises ConfigurationError where too few models
    answered.
    """
    config = settings.simulation
    found = rollout_workflows(
        reader.rollouts(run_id, with_calls=True), workflow_type=settings.benchmark.name
    )
    known = read_shapes(config.shapes or ASSUMED_FILE)
    if config.model not in known:
        raise ConfigurationError(
            f"simulation.model={config.model} stands for models without a shape and has none "
            f"itself: name one of {', '.join(known)}"
        )
    models = {call.model for item in found for call in item.calls}
    shapes = {name: known.get(name, known[config.model]) for name in models}
    training = observations(found[::2], shapes)
    held_out = observations(found[1::2], shapes)
    if len(training) < FEWEST_CALLS or not held_out:
        raise ConfigurationError(
            f"the warehouse holds {len(training) + len(held_out)} answered calls of "
            f"{run_id or 'all runs'}, a profile needs at least {FEWEST_CALLS} in every second "
            "rollout and some in the others: collect more, or name another run with run=…"
        )
    return Profile(
        quality=forecast_quality(
            training, held_out, Forecaster(training, shapes, level=config.level, seed=settings.seed)
        ),
        expressions=BoundedExpressions.fit(
            [[call.role for call in item.calls] for item in found[::2]]
        ),
        held_out_roles=tuple(tuple(call.role for call in item.calls) for item in found[1::2]),
        level=config.level,
        training_calls=len(training),
    )
