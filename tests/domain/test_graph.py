"""Graphs: legality of what a quorum may leave, widths, and how they are written."""

import pytest

from lamas.domain import ExecutionGraph, Layer, OperatorSet, OperatorSpec
from lamas.errors import DomainError, OperatorError

OPERATORS = OperatorSet(
    (
        OperatorSpec(name="One", description="", adds=1),
        OperatorSpec(name="Three", description="", adds=3, draws=True),
        OperatorSpec(name="Pick", description="", needs=2, replaces=True),
    )
)


def test_a_layer_keeps_its_quorum_and_width_and_is_put_in_catalogue_order() -> None:
    layer = Layer(("Three", "One"), quorum=2, width=8)
    graph = ExecutionGraph.of([layer, ["Pick"]], OPERATORS)
    assert graph.layers[0] == Layer(("One", "Three"), quorum=2, width=8)
    assert str(graph) == "One ∥ Three ×8 q2 → Pick"
    assert str(graph.with_quorum(None)) == "One ∥ Three ×8 → Pick"


def test_a_quorum_leaves_no_more_for_sure_than_itself() -> None:
    assert OPERATORS.candidates_after(0, ["One", "Three"]) == 4
    assert OPERATORS.candidates_after(1, ["One", "Three"], quorum=2) == 3
    assert OPERATORS.candidates_after(0, ["One", "Three"], quorum=9, width=5) == 6
    with pytest.raises(OperatorError, match="Pick in layer 2 needs 2 candidates"):
        ExecutionGraph.of([Layer(("Three",), quorum=1), ["Pick"]], OPERATORS)
    with pytest.raises(OperatorError, match="the layers before leave 1"):
        ExecutionGraph.of([Layer(("Three",), width=1), ["Pick"]], OPERATORS)


def test_a_quorum_and_a_width_are_at_least_one_chain() -> None:
    with pytest.raises(DomainError, match="quorum of a layer is at least 1 chain, got 0"):
        Layer(("One",), quorum=0)
    with pytest.raises(DomainError, match="width of a layer is at least 1 chain, got -1"):
        Layer(("One",), width=-1)
    with pytest.raises(DomainError, match="Pick: one that draws candidates adds some"):
        OperatorSpec(name="Pick", description="", needs=1, replaces=True, draws=True)
