"""From arrays of drawn operators to graphs and decisions, for many queries quickly."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lamas.domain import ExecutionGraph, Layer, OperatorSet, PolicyDecision
from lamas.domain.rollout import GraphChoice


@dataclass(frozen=True, slots=True)
class DrawnGraphs:
    """B graphs as arrays; L layers, O operators."""

    order: NDArray[np.int64]
    """[B, L, O]: catalogue positions in draw order, meaningful up to `count`."""
    count: NDArray[np.int64]
    """[B, L]: operators drawn in each layer, 0 where the graph has ended."""
    probability: NDArray[np.float64]
    """[B, L, O], in draw order."""
    log_probability: NDArray[np.float64]
    """[B, L, O], in draw order."""
    legal: NDArray[np.bool_]
    """[B, L, O], in catalogue order."""


class ChoiceBuilder:
    """Turns drawn graphs into records; equal layers, graphs and legal sets are built once."""

    def __init__(self, operators: OperatorSet, *, quorum: int | None = None) -> None:
        """With `quorum` a layer of more chains than that ends as soon as so many agree."""
        self._operators = operators
        self._names = operators.names
        self._quorum = quorum
        self._bits = 1 << np.arange(len(operators), dtype=np.int64)
        self._layers: dict[frozenset[int], Layer] = {}
        self._legal: dict[int, tuple[str, ...]] = {}

    def build(self, drawn: DrawnGraphs) -> tuple[GraphChoice, ...]:
        """One choice for each row."""
        order: list[list[list[int]]] = drawn.order.tolist()
        counts: list[list[int]] = drawn.count.tolist()
        probability: list[list[list[float]]] = drawn.probability.tolist()
        log_probability: list[list[list[float]]] = drawn.log_probability.tolist()
        legal: list[list[int]] = (drawn.legal * self._bits).sum(axis=2).tolist()
        graphs: dict[tuple[Layer, ...], ExecutionGraph] = {}
        choices: list[GraphChoice] = []
        for row, of_layers in enumerate(counts):
            layers: list[Layer] = []
            decisions: list[PolicyDecision] = []
            for index, count in enumerate(of_layers):
                if count == 0:
                    break
                positions = order[row][index][:count]
                layer = self._layer(positions)
                layers.append(layer)
                decisions += self._decisions(
                    index + 1,
                    layer.quorum,
                    positions,
                    probability[row][index],
                    log_probability[row][index],
                    self._legal_names(legal[row][index]),
                )
            key = tuple(layers)
            graph = graphs.get(key)
            if graph is None:
                graph = graphs[key] = ExecutionGraph(key)
            choices.append(GraphChoice(graph, tuple(decisions)))
        return tuple(choices)

    def _decisions(
        self,
        layer: int,
        quorum: int | None,
        positions: list[int],
        probability: list[float],
        log_probability: list[float],
        legal: tuple[str, ...],
    ) -> list[PolicyDecision]:
        names = self._names
        return [
            PolicyDecision(
                layer=layer,
                draw_order=place,
                operator=names[position],
                probability=probability[place],
                log_probability=log_probability[place],
                legal=legal,
                quorum=quorum,
            )
            for place, position in enumerate(positions)
        ]

    def _layer(self, positions: list[int]) -> Layer:
        key = frozenset(positions)
        layer = self._layers.get(key)
        if layer is None:
            names = tuple(self._names[position] for position in sorted(positions))
            layer = Layer(names, quorum=self._operators.quorum_of(names, self._quorum))
            self._layers[key] = layer
        return layer

    def _legal_names(self, bits: int) -> tuple[str, ...]:
        names = self._legal.get(bits)
        if names is None:
            names = tuple(name for place, name in enumerate(self._names) if bits >> place & 1)
            self._legal[bits] = names
        return names
