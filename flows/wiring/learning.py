"""From the settings to controller and trainer."""

from flows.settings import Settings
from lamas.controller import ControllerSettings, EmbeddingStore, QueryEncoder
from lamas.controller.condition import Condition
from lamas.domain import derive_seed
from lamas.training import BaselineSettings, RewardWeights, TrainerSettings
from lamas.training.table_settings import TableSettings


def controller_settings(settings: Settings) -> ControllerSettings:
    """What the controller is built from; its initial weights follow from the run's seed."""
    config = settings.controller
    return ControllerSettings(
        kind=config.kind,
        layers=config.layers,
        tau=config.threshold,
        hidden=config.hidden,
        width=config.width,
        quorum=config.quorum,
        seed=derive_seed(settings.seed, "controller"),
    )


def table_settings(settings: Settings) -> TableSettings:
    """The constraint under which a table is learned from."""
    return TableSettings(margin=settings.learner.margin)


def condition_of(settings: Settings) -> Condition:
    """What a controller is asked for."""
    return Condition(multiplier=settings.multiplier, deadline=settings.deadline)


def encoder_of(settings: Settings) -> QueryEncoder:
    """The configured encoder; the home folder keeps what it has embedded."""
    return QueryEncoder(
        kind=settings.controller.encoder, store=EmbeddingStore(settings.embeddings_path)
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
