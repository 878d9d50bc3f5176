"""From stored decisions back to arrays, so that their log-probability can be recomputed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lamas.domain import OperatorSet, PolicyDecision
from lamas.errors import ControllerError


@dataclass(frozen=True, slots=True)
class StoredChoices:
    """N graphs' decisions as tensors; L layers, O operators."""

    order: Tensor
    """[N, L, O] int64: a permutation of catalogue positions, the drawn ones first."""
    count: Tensor
    """[N, L] int64: operators drawn, 0 where the graph has ended."""
    graph: Tensor
    """[D] int64: to which graph each decision belongs."""
    layer: Tensor
    """[D] int64, from 0."""
    place: Tensor
    """[D] int64: draw order."""


def stored_choices(
    decisions: Sequence[Sequence[PolicyDecision]], operators: OperatorSet, layers: int
) -> StoredChoices:
    """Arrays of every graph's decisions, in the order given.

    Raises ControllerError when the decisions of a graph leave a gap in the layers or in a layer's
    draw order, repeat an operator, name an unknown one, or go beyond L layers.
    """
    size = len(operators)
    positions = {name: place for place, name in enumerate(operators.names)}
    order = np.full((len(decisions), layers, size), -1, dtype=np.int64)
    index: list[tuple[int, int, int]] = []
    for graph, of_graph in enumerate(decisions):
        for decision in of_graph:
            if decision.operator not in positions:
                raise ControllerError(
                    f"a stored decision names operator {decision.operator!r}; this controller "
                    f"knows {', '.join(operators.names)}"
                )
            if not (1 <= decision.layer <= layers and 0 <= decision.draw_order < size):
                raise ControllerError(
                    f"a stored decision stands in layer {decision.layer} at place "
                    f"{decision.draw_order}; this controller has {layers} layers of at most "
                    f"{size} operators"
                )
            place = (graph, decision.layer - 1, decision.draw_order)
            order[place] = positions[decision.operator]
            index.append(place)
    count = _checked_count(order, len(index))
    columns = np.array(index, dtype=np.int64).reshape(-1, 3).T
    return StoredChoices(
        order=torch.from_numpy(_completed(order)),
        count=torch.from_numpy(count),
        graph=torch.from_numpy(columns[0].copy()),
        layer=torch.from_numpy(columns[1].copy()),
        place=torch.from_numpy(columns[2].copy()),
    )


def _checked_count(order: NDArray[np.int64], total: int) -> NDArray[np.int64]:
    filled = order >= 0
    count = filled.sum(axis=2)
    places = np.arange(order.shape[2], dtype=np.int64)
    contiguous = np.equal(filled, places < count[:, :, None])
    ended = np.cumsum(count == 0, axis=1) > 0
    used = np.sort(np.where(filled, order, -1 - places), axis=2)
    distinct = (np.diff(used, axis=2) != 0).all(axis=2)
    good = contiguous.all(axis=2) & distinct & ~(ended & (count > 0))
    good_graphs = good.all(axis=1) & (count[:, 0] > 0)
    if not good_graphs.all() or int(count.sum()) != total:
        wrong = np.flatnonzero(~good_graphs)
        where = f"graph {int(wrong[0])} of the batch" if len(wrong) else "the batch"
        raise ControllerError(
            f"the stored decisions of {where} do not form layers drawn one after another without "
            "gaps or repetitions"
        )
    return count.astype(np.int64)


def _completed(order: NDArray[np.int64]) -> NDArray[np.int64]:
    """Permutations: operators that were not drawn follow in catalogue order."""
    size = order.shape[2]
    operators = np.arange(size, dtype=np.int64)
    # [N, L, place, operator]
    is_at = np.equal(order[:, :, :, None], operators)
    rank = is_at.argmax(axis=2)
    rank[~is_at.any(axis=2)] = size
    return np.argsort(rank, axis=2, kind="stable")
