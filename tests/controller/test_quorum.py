"""A conditioned controller's layers end at its quorum; those of as few operators wait for all."""

import numpy as np
import pytest

from lamas.controller import EMBEDDING_SIZE, ControllerSettings, build_controller
from lamas.domain import OperatorSet, OperatorSpec
from lamas.errors import ConfigurationError, DomainError
from lamas.execution.graph_values import one_layer_graphs
from lamas.training.table_learner import fit_table
from lamas.training.training_table import TrainingTable

OPERATORS = OperatorSet(
    tuple(OperatorSpec(name=name, description=name, adds=1) for name in ("A", "B", "C"))
)
ROWS = np.eye(len(OPERATORS), EMBEDDING_SIZE)


def settings(quorum: int | None) -> ControllerSettings:
    return ControllerSettings(kind="conditioned", layers=1, tau=0.8, width=3, quorum=quorum)


def test_graphs_of_more_operators_than_the_quorum_carry_it() -> None:
    layers = [graph.layers[0] for graph in one_layer_graphs(OPERATORS, width=3, quorum=2)]
    assert {len(layer.operators): layer.quorum for layer in layers} == {1: None, 2: None, 3: 2}


@pytest.mark.parametrize("quorum", [None, 2])
def test_what_is_decided_carries_it_in_layer_and_decisions(quorum: int | None) -> None:
    controller = build_controller(settings(quorum), OPERATORS, ROWS)
    # Untrained, every layer is worth the same: all three are taken.
    (choice,) = controller.decide(np.ones((1, EMBEDDING_SIZE)))
    assert [(layer.operators, layer.quorum) for layer in choice.graph.layers] == [
        (("A", "B", "C"), quorum)
    ]
    assert [item.quorum for item in choice.decisions] == [quorum] * 3


def test_a_table_of_other_endings_is_refused() -> None:
    graphs = one_layer_graphs(OPERATORS, width=3)
    nothing = np.zeros((10, len(graphs)))
    table = TrainingTable(
        embeddings=np.ones((10, EMBEDDING_SIZE)), graphs=graphs, score=nothing, time=nothing
    )
    with pytest.raises(DomainError, match="this controller chooses among"):
        fit_table(table, OPERATORS, ROWS, controller=settings(2))


def test_a_quorum_that_means_nothing_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="agree with nobody"):
        settings(1)
    with pytest.raises(ConfigurationError, match="values no quorum"):
        ControllerSettings(kind="lamas", quorum=2)
