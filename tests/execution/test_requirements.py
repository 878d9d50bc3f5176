"""What is started for a run: nothing that none of its graphs can use."""

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from flows.settings.compose import load_settings
from flows.wiring.parts import Parts
from lamas.domain import ExecutionGraph, Problem
from lamas.execution.requirements import Requirements, requirements_of
from tests.flows.conftest import TINY


def _place(*overrides: str, problems: tuple[Problem, ...] | None = None) -> Parts:
    return Parts(load_settings([*TINY, *overrides]), AsyncExitStack(), problems=problems)


def _required(place: Parts, graphs: list[ExecutionGraph], *, any_graph: bool) -> Requirements:
    return requirements_of(graphs, place.catalogue, place.benchmark, any_graph=any_graph)


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
    assert _required(place, [graph], any_graph=False) == Requirements(model=model, sandbox=sandbox)


def test_a_controller_may_yet_choose_every_operator() -> None:
    place = _place()
    graph = ExecutionGraph.of([["Generate"]], place.operators)
    assert _required(place, [graph], any_graph=True) == Requirements(model=True, sandbox=True)
    without = _place("operators.enabled=[Generate,GenerateCoT]")
    assert _required(without, [], any_graph=True) == Requirements(model=True, sandbox=False)


def test_graphs_that_know_the_answer_need_no_model_unless_they_must_vote() -> None:
    place = _place("operators=sanity")
    single = ExecutionGraph.of([["Reference"]], place.operators)
    double = ExecutionGraph.of([["Reference", "Empty"]], place.operators)
    assert _required(place, [single], any_graph=False) == Requirements(model=False, sandbox=False)
    assert _required(place, [single, double], any_graph=False).model


@pytest.mark.slow
def test_programs_that_are_answers_are_judged_in_the_sandbox(tmp_path: Path) -> None:
    place = _place(
        "operators=sanity", "benchmark=humaneval", f"benchmark.path={tmp_path}/x.jsonl", problems=()
    )
    graph = ExecutionGraph.of([["Empty"]], place.operators)
    assert _required(place, [graph], any_graph=False) == Requirements(model=False, sandbox=True)
