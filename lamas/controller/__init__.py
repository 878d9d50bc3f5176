"""The controller: which operators to run for a query, layer by layer."""

from lamas.controller.controller import (
    Controller,
    Embeddings,
    LogProbabilities,
    build_controller,
)
from lamas.controller.distribution import Draw, LayerDistribution
from lamas.controller.embedding_store import EMBEDDING_SIZE, EmbeddingStore
from lamas.controller.encoder import ENCODER_KINDS, EncoderKind, QueryEncoder
from lamas.controller.lamas_policy import temperature
from lamas.controller.settings import (
    CONTROLLER_KINDS,
    LAYERED_KINDS,
    ControllerKind,
    ControllerSettings,
)
from lamas.controller.threads import bounded_threads

__all__ = [
    "CONTROLLER_KINDS",
    "EMBEDDING_SIZE",
    "ENCODER_KINDS",
    "LAYERED_KINDS",
    "Controller",
    "ControllerKind",
    "ControllerSettings",
    "Draw",
    "EmbeddingStore",
    "Embeddings",
    "EncoderKind",
    "LayerDistribution",
    "LogProbabilities",
    "QueryEncoder",
    "bounded_threads",
    "build_controller",
    "temperature",
]
