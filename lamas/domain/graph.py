"""The execution graph: which operators start together, layer by layer."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lamas.domain.operator import OperatorSet
from lamas.errors import DomainError, OperatorError


@dataclass(frozen=True, slots=True)
class Layer:
    """V_ℓ: operators that start together, in catalogue order, each at most once."""

    operators: tuple[str, ...]
    quorum: int | None = None
    """The layer ends as soon as so many of its chains agree on the answer (where programs are
    asked for: as soon as one passes the public tests), and what still runs is cancelled; None
    waits for all of them."""
    width: int | None = None
    """Chains that an operator draws whose spec says `draws`; None is as configured."""

    def __post_init__(self) -> None:
        if not self.operators:
            raise DomainError("a layer holds at least one operator")
        if len(set(self.operators)) != len(self.operators):
            raise DomainError(f"a layer holds each operator once, got {self.operators}")
        for name, count in (("quorum", self.quorum), ("width", self.width)):
            if count is not None and count < 1:
                raise DomainError(f"the {name} of a layer is at least 1 chain, got {count}")

    def __str__(self) -> str:
        width = "" if self.width is None else f" ×{self.width}"
        quorum = "" if self.quorum is None else f" q{self.quorum}"
        return f"{' ∥ '.join(self.operators)}{width}{quorum}"


@dataclass(frozen=True, slots=True)
class ExecutionGraph:
    """Layers V_1..V_n chosen for one problem."""

    layers: tuple[Layer, ...]

    def __post_init__(self) -> None:
        if not self.layers:
            raise DomainError("an execution graph holds at least one layer")

    @classmethod
    def of(
        cls, layers: Sequence[Sequence[str] | Layer], operators: OperatorSet
    ) -> "ExecutionGraph":
        """Build from layers or their names, order each by catalogue, and check legality.

        Raises OperatorError for an unknown operator, one whose needs are not met, or a layer that
        follows an operator that stops.
        """
        candidates = 0
        stopped = False
        built: list[Layer] = []
        for number, given in enumerate(layers, start=1):
            layer = given if isinstance(given, Layer) else Layer(operators.in_order(given))
            names = layer.operators
            if stopped:
                raise OperatorError(f"layer {number} follows a layer that ends the graph")
            for name in names:
                needs = operators.spec(name).needs
                if needs > candidates:
                    raise OperatorError(
                        f"operator {name} in layer {number} needs {needs} candidates, "
                        f"the layers before leave {candidates}"
                    )
            built.append(replace(layer, operators=operators.in_order(names)))
            candidates = operators.candidates_after(
                candidates, names, quorum=layer.quorum, width=layer.width
            )
            stopped = operators.stops_after(names)
        return cls(tuple(built))

    @property
    def names(self) -> tuple[tuple[str, ...], ...]:
        return tuple(layer.operators for layer in self.layers)

    def with_quorum(self, quorum: int | None) -> "ExecutionGraph":
        """The same graph, each layer of which ends at that quorum."""
        return ExecutionGraph(tuple(replace(layer, quorum=quorum) for layer in self.layers))

    def __str__(self) -> str:
        return " → ".join(map(str, self.layers))
