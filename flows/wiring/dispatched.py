"""From the settings to a model whose calls wait for the scheduler's policies, if one is named."""

from flows.settings import Settings
from lamas.llm import ChatModel
from lamas.serving.live import DispatchedModel
from lamas.serving.node import NodeSpec
from lamas.serving.policies.catalogue import PolicyNames
from lamas.serving.shapes import ModelShape

UNBOUNDED = NodeSpec(memory_bytes=1e18)
"""An endpoint does not say what memory it has: places are what runs out."""


def dispatched(settings: Settings, model: ChatModel, name: str | None) -> ChatModel:
    """`model` behind the policies of `serving`; `model` itself where none is named.

    `name` is what requests call it, None for the default model. Only the proportions of the assumed
    seconds matter: an order compares them. A call counts as long as it may be, a graph as long as
    the layers that it still owes.
    """
    priority = settings.serving.priority
    if priority is None:
        return model
    called = settings.llm.model if name is None else name
    shape = ModelShape(
        layers=1,
        kv_heads=1,
        head_dim=1,
        weight_bytes=0.0,
        prefill_seconds=0.0,
        prefill_seconds_per_token=1e-4,
        step_seconds=1e-2,
        step_seconds_per_call=0.0,
        slots=settings.llm.concurrency,
    )
    return DispatchedModel(
        model,
        name=called,
        shapes={called: shape},
        node=UNBOUNDED,
        names=PolicyNames(priority=priority, weights="always", retention="none"),
    )
