"""Operators that know the answer: what they answer, and that no model is asked."""

from dataclasses import replace

import pytest

from lamas.domain import TASK_FAMILIES, Problem, TaskFamily
from lamas.errors import OperatorError
from lamas.operators import CATALOGUE_NAMES, ENTRIES, SANITY_NAMES, Catalogue, sanity_entries
from lamas.operators.state import SolutionState
from tests.operators.chains import chain_for
from tests.scripted import Reply, ScriptedModel, last_number, problem_of


def _problems(family: TaskFamily = "math") -> tuple[Problem, ...]:
    first = problem_of(family)
    return tuple(
        replace(first, problem_id=f"toy/1/{index}", index=index, reference=str(index * index))
        for index in range(3)
    )


async def _answer(name: str, problem: Problem, problems: tuple[Problem, ...]) -> str:
    model = ScriptedModel(lambda request: Reply("unasked"))
    catalogue = Catalogue(
        SANITY_NAMES, read_answer=last_number, entries=(*ENTRIES, *sanity_entries(problems))
    )
    operator = catalogue.operator(name)
    (candidate,) = await operator.run(problem, SolutionState(), chain_for(name, problem, model))
    assert model.requests == []
    assert not operator.asks_model
    return candidate.text


@pytest.mark.parametrize("family", TASK_FAMILIES)
async def test_the_reference_is_repeated_as_it_stands(family: TaskFamily) -> None:
    problems = _problems(family)
    assert [await _answer("Reference", item, problems) for item in problems] == ["0", "1", "4"]


@pytest.mark.parametrize("family", TASK_FAMILIES)
async def test_the_other_reference_is_the_next_ones_and_the_last_gets_the_first(
    family: TaskFamily,
) -> None:
    problems = _problems(family)
    answers = [await _answer("OtherReference", item, problems) for item in problems]
    assert answers == ["1", "4", "0"]


async def test_nothing_is_no_text_or_a_body_without_statements() -> None:
    answers = {family: await _answer("Empty", problem_of(family), ()) for family in TASK_FAMILIES}
    assert answers == {"math": "", "text": "", "code": "    pass\n"}


async def test_a_problem_of_another_benchmark_has_no_next() -> None:
    stranger = replace(problem_of(), problem_id="other/1/0")
    with pytest.raises(OperatorError, match="knows no problem after other/1/0"):
        await _answer("OtherReference", stranger, _problems())


def test_they_are_in_no_catalogue_unless_asked_for() -> None:
    assert not set(SANITY_NAMES) & set(CATALOGUE_NAMES)
    with pytest.raises(OperatorError, match="unknown operator Reference"):
        Catalogue(["Generate", "Reference"], read_answer=last_number)


@pytest.mark.slow
def test_which_operators_ask_a_model_and_which_run_programs() -> None:
    operators = [Catalogue(read_answer=last_number).operator(name) for name in CATALOGUE_NAMES]
    assert [item.spec.name for item in operators if not item.asks_model] == ["EarlyStop"]
    assert [item.spec.name for item in operators if item.runs_programs] == ["Programmer", "Test"]
