"""What is started for a run: nothing that none of its graphs can use."""

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from flows.compose import load_settings
from flows.needs import Needs, needs_of
from flows.workplace import Workplace
from lamas.domain import ExecutionGraph
from tests.flows.conftest import TINY


def _place(*overrides: str) -> Workplace:
    return Workplace(load_settings([*TINY, *overrides]), AsyncExitStack())


@pytest.mark.parametrize(
    ("layers", "model", "sandbox"),
    [
        ([["Generate"]], True, False),
        ([["Programmer"]], True, True),
        ([["Generate"], ["EarlyStop"]], True, False),
    ],
)
def test_a_fixed_graph_needs_what_its_operators_use(
    layers: list[list[str]], model: bool, sandbox: bool
) -> None:
    place = _place()
    graph = ExecutionGraph.of(layers, place.operators)
    assert needs_of(place, [graph], any_graph=False) == Needs(model=model, sandbox=sandbox)


def test_a_controller_may_yet_choose_every_operator() -> None:
    place = _place()
    graph = ExecutionGraph.of([["Generate"]], place.operators)
    assert needs_of(place, [graph], any_graph=True) == Needs(model=True, sandbox=True)
    without = _place("operators.enabled=[Generate,GenerateCoT]")
    assert needs_of(without, [], any_graph=True) == Needs(model=True, sandbox=False)


def test_graphs_that_know_the_answer_need_no_model_unless_they_must_vote() -> None:
    place = _place("operators=sanity")
    single = ExecutionGraph.of([["Reference"]], place.operators)
    double = ExecutionGraph.of([["Reference", "Empty"]], place.operators)
    assert needs_of(place, [single], any_graph=False) == Needs(model=False, sandbox=False)
    assert needs_of(place, [single, double], any_graph=False).model


def test_programs_that_are_answers_are_judged_in_the_sandbox(tmp_path: Path) -> None:
    place = _place("operators=sanity", "benchmark=humaneval", f"benchmark.path={tmp_path}/x.jsonl")
    place.__dict__["loaded"] = ()
    graph = ExecutionGraph.of([["Empty"]], place.operators)
    assert needs_of(place, [graph], any_graph=False) == Needs(model=False, sandbox=True)
