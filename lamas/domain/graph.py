"""The execution graph: which operators start together, layer by layer."""

from collections.abc import Sequence
from dataclasses import dataclass

from lamas.domain.operator import OperatorSet
from lamas.errors import DomainError, OperatorError


@dataclass(frozen=True, slots=True)
class Layer:
    """V_ℓ: operators that start together, in catalogue order, each at most once."""

    operators: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.operators:
            raise DomainError("a layer holds at least one operator")
        if len(set(self.operators)) != len(self.operators):
            raise DomainError(f"a layer holds each operator once, got {self.operators}")


@dataclass(frozen=True, slots=True)
class ExecutionGraph:
    """Layers V_1..V_n chosen for one problem."""

    layers: tuple[Layer, ...]

    def __post_init__(self) -> None:
        if not self.layers:
            raise DomainError("an execution graph holds at least one layer")

    @classmethod
    def of(cls, layers: Sequence[Sequence[str]], operators: OperatorSet) -> "ExecutionGraph":
        """Build from names, order each layer by catalogue, and check legality.

        Raises OperatorError for an unknown operator, one whose needs are not met, or a layer that
        follows an operator that stops.
        """
        candidates = 0
        stopped = False
        built: list[Layer] = []
        for number, names in enumerate(layers, start=1):
            if stopped:
                raise OperatorError(f"layer {number} follows a layer that ends the graph")
            for name in names:
                needs = operators.spec(name).needs
                if needs > candidates:
                    raise OperatorError(
                        f"operator {name} in layer {number} needs {needs} candidates, "
                        f"the layers before leave {candidates}"
                    )
            built.append(Layer(operators.in_order(names)))
            candidates = operators.candidates_after(candidates, names)
            stopped = operators.stops_after(names)
        return cls(tuple(built))

    @property
    def names(self) -> tuple[tuple[str, ...], ...]:
        return tuple(layer.operators for layer in self.layers)

    def __str__(self) -> str:
        return " → ".join(" ∥ ".join(layer.operators) for layer in self.layers)
