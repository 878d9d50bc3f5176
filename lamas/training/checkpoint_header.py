"""What a checkpoint says about itself besides its weights, as canonical JSON."""

import json
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from lamas.controller import ControllerSettings
from lamas.domain import OperatorSet, OperatorSpec, TaskFamily
from lamas.errors import CheckpointError, LamasError
from lamas.training.baseline import BaselineState
from lamas.training.settings import TrainerSettings

FORMAT = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredOperator:
    """An operator as the controller was trained with it."""

    name: str
    description: str
    needs: int
    adds: int
    replaces: bool
    stops: bool
    families: tuple[TaskFamily, ...]
    """Sorted, so that equal sets are equal text."""

    @classmethod
    def of(cls, spec: OperatorSpec) -> "StoredOperator":
        return cls(
            name=spec.name,
            description=spec.description,
            needs=spec.needs,
            adds=spec.adds,
            replaces=spec.replaces,
            stops=spec.stops,
            families=tuple(sorted(spec.families)),
        )

    def spec(self) -> OperatorSpec:
        return OperatorSpec(
            name=self.name,
            description=self.description,
            needs=self.needs,
            adds=self.adds,
            replaces=self.replaces,
            stops=self.stops,
            families=frozenset(self.families),
        )

    @property
    def effect(self) -> str:
        """What it does to the candidates, which decides what is legal after it."""
        return (
            f"{self.name}(needs={self.needs}, adds={self.adds}, replaces={self.replaces}, "
            f"stops={self.stops})"
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckpointHeader:
    """The part of a learner's state that is not tensors."""

    format: int
    controller: ControllerSettings
    operators: tuple[StoredOperator, ...]
    trainer: TrainerSettings
    baseline_state: BaselineState
    step: int
    seed: int
    """With `step` the whole random state: every stream is keyed by the two."""

    def operator_set(self) -> OperatorSet:
        return OperatorSet(tuple(item.spec() for item in self.operators))

    def to_json(self) -> bytes:
        """Equal headers give equal bytes."""
        plain: object = _ADAPTER.dump_python(self, mode="json")
        return json.dumps(plain, sort_keys=True, ensure_ascii=False).encode()

    @classmethod
    def from_json(cls, text: bytes) -> "CheckpointHeader":
        """Raises CheckpointError for text that is no such header."""
        try:
            header = _ADAPTER.validate_json(text)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            raise CheckpointError(f"its header is damaged at {place}: {first['msg']}") from error
        except LamasError as error:
            raise CheckpointError(f"its header is damaged: {error}") from error
        if header.format != FORMAT:
            raise CheckpointError(
                f"it has format {header.format}, this version reads format {FORMAT}"
            )
        return header


_ADAPTER = TypeAdapter(CheckpointHeader)


def difference(
    header: CheckpointHeader,
    *,
    controller: ControllerSettings | None,
    operators: OperatorSet | None,
) -> str | None:
    """What of the header differs from what is configured, None when it fits."""
    stored = header.controller
    if controller is not None:
        pairs = (
            ("kind", stored.kind, controller.kind),
            ("L", stored.layers, controller.layers),
            ("τ", stored.tau, controller.tau),
            ("width", stored.width, controller.width),
            ("quorum", stored.quorum, controller.quorum),
            ("hidden", stored.hidden, controller.hidden),
        )
        for name, saved, wanted in pairs:
            if saved != wanted:
                return f"it has {name} = {saved}, {wanted} is configured"
    if operators is not None:
        saved_effects = [item.effect for item in header.operators]
        wanted_effects = [StoredOperator.of(spec).effect for spec in operators.specs]
        if saved_effects != wanted_effects:
            return (
                f"it was trained with {', '.join(saved_effects)}; "
                f"the catalogue has {', '.join(wanted_effects)}"
            )
    return None
