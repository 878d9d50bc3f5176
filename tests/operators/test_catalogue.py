"""The catalogue: order, families, settings, and operators of one's own."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamas.domain import TASK_FAMILIES, OperatorSpec, Problem, TaskFamily
from lamas.errors import ConfigurationError, OperatorError
from lamas.operators import (
    CATALOGUE_NAMES,
    ENTRIES,
    Candidate,
    Catalogue,
    Chain,
    ChainScope,
    Operator,
    OperatorSettings,
    PromptLibrary,
    SolutionState,
)
from lamas.operators.prompts import Places
from tests.operators.chains import chain_for
from tests.scripted import Reply, ScriptedModel, ScriptedSandbox, last_number, problem_of


def test_the_order_is_the_published_one_with_drafts_and_the_needs_are_declared() -> None:
    assert (
        *("Generate", "GenerateCoT", "GenerateDraft", "MultiGenerateCoT", "ScEnsemble"),
        *("SelfRefine", "Programmer", "Test", "EarlyStop"),
    ) == CATALOGUE_NAMES
    needs = {entry.spec.name: entry.spec.needs for entry in ENTRIES}
    assert needs == {
        "Generate": 0,
        "GenerateCoT": 0,
        "GenerateDraft": 0,
        "MultiGenerateCoT": 0,
        "ScEnsemble": 2,
        "SelfRefine": 1,
        "Programmer": 0,
        "Test": 1,
        "EarlyStop": 1,
    }


@pytest.mark.parametrize(
    ("family", "missing"),
    [("math", {"Test"}), ("code", {"Programmer"}), ("text", {"Programmer", "Test"})],
)
def test_each_family_sees_the_operators_that_exist_in_it(
    family: TaskFamily, missing: set[str]
) -> None:
    operators = Catalogue(read_answer=last_number).for_family(family)
    assert operators.names == tuple(name for name in CATALOGUE_NAMES if name not in missing)


@given(st.sets(st.sampled_from(CATALOGUE_NAMES[1:])).map(list[str]))
def test_chosen_names_come_in_catalogue_order_whatever_theirs(names: list[str]) -> None:
    operators = Catalogue([*reversed(names), "Generate"], read_answer=last_number)
    expected = tuple(name for name in CATALOGUE_NAMES if name == "Generate" or name in names)
    for family in TASK_FAMILIES:
        in_family = operators.for_family(family).names
        assert in_family == tuple(name for name in expected if name in in_family)


def test_unknown_and_left_out_operators_are_refused_by_name() -> None:
    with pytest.raises(OperatorError, match="unknown operator Guess; known: Generate"):
        Catalogue(["Generate", "Guess"], read_answer=last_number)
    with pytest.raises(OperatorError, match="'Test'; known here: Generate"):
        Catalogue(["Generate"], read_answer=last_number).operator("Test")


def test_post_processing_exists_without_being_selectable() -> None:
    catalogue = Catalogue(["Generate"], read_answer=last_number)
    assert catalogue.ensemble.spec.name == "ScEnsemble"
    assert catalogue.for_family("math").names == ("Generate",)


def test_the_number_of_samples_is_what_the_spec_says_it_adds() -> None:
    three = Catalogue(read_answer=last_number)
    five = three.with_samples(5)
    assert three.for_family("math").spec("MultiGenerateCoT").adds == 3
    assert five.for_family("math").spec("MultiGenerateCoT").adds == 5
    assert five.for_family("math").names == three.for_family("math").names


def test_limits_of_calls_can_be_set_for_one_operator() -> None:
    settings = OperatorSettings(
        max_tokens=500,
        temperature=0.7,
        max_tokens_by_operator={"Generate": 20},
        temperature_by_operator={"SelfRefine": 0.0},
    )
    assert settings.call("Generate").max_tokens == 20
    assert settings.call("GenerateCoT").max_tokens == 500
    assert settings.call("ScEnsemble").max_tokens == 64
    assert (settings.call("SelfRefine").temperature, settings.call("Test").temperature) == (0, 0.7)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"samples": 0}, "samples must be ≥ 1, got 0"),
        ({"tries": 0}, "tries must be"),
        ({"max_tokens_by_operator": {"Test": 0}}, "max_tokens of Test"),
        ({"temperature": 3.0}, r"temperature must be in \[0, 2\], got 3.0"),
        ({"temperature_by_operator": {"Test": -1.0}}, "temperature of Test"),
        ({"ensemble": "coin"}, "vote, plurality, model"),
    ],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        OperatorSettings(**wrong)  # pyright: ignore[reportArgumentType]


class Shout(Operator):
    """An operator of one's own: a class, a prompt file, a catalogue line."""

    spec = OperatorSpec(name="Shout", description="Answers in capitals.", adds=1)
    templates: ClassVar[Mapping[str, Places]] = {"main": Places()}

    async def run(
        self, problem: Problem, state: SolutionState, chain: Chain
    ) -> tuple[Candidate, ...]:
        text = await chain.complete(self.messages(problem, "main"))
        return (self.candidate(text.upper()),)


async def test_a_new_operator_is_one_class_one_prompt_and_one_line(tmp_path: Path) -> None:
    (tmp_path / "Shout.md").write_text("SHOUT: $question", encoding="utf-8")
    catalogue = Catalogue(
        ["Shout"], read_answer=last_number, entries=(Shout,), prompts=PromptLibrary(tmp_path)
    )
    model = ScriptedModel(lambda request: Reply("yes"))
    shout = catalogue.operator("Shout")
    problem = problem_of("text")
    left = await shout.run(problem, SolutionState(), chain_for("Shout", problem, model))
    assert left == (Candidate("YES", "Shout"),)
    assert model.shown("Shout") == ["SHOUT: What is 6 times 7?"]


MODELS = {"fast": "A small model that answers at once.", "deep": "A large, slow model."}


def test_operators_bound_to_models_stand_beside_their_own_in_order() -> None:
    wanted = ["GenerateCoT@fast", "Generate", "GenerateCoT@deep", "GenerateCoT", "EarlyStop"]
    catalogue = Catalogue(wanted, read_answer=last_number, models=MODELS)
    operators = catalogue.for_family("math")
    assert operators.names == (
        "Generate",
        "GenerateCoT",
        "GenerateCoT@fast",
        "GenerateCoT@deep",
        "EarlyStop",
    )
    descriptions = [operators.spec(name).description for name in operators.names[1:4]]
    assert len(set(descriptions)) == 3
    assert descriptions[1] == f"{descriptions[0]} Asks fast: {MODELS['fast']}"
    catalogue.check_prompts("math")
    assert catalogue.with_samples(5).for_family("math").names == operators.names


async def test_a_bound_operator_asks_its_model_with_the_prompt_of_its_kind() -> None:
    catalogue = Catalogue(["Generate@fast", "Generate"], read_answer=last_number, models=MODELS)
    model = ScriptedModel(lambda request: Reply("42"))
    for name in ("Generate", "Generate@fast"):
        operator = catalogue.operator(name)
        chain = Chain(
            ChainScope(
                rollout_id="r", problem_id="p", layer=1, operator=name, seed=1, sample_index=0
            ),
            model=model,
            sandbox=ScriptedSandbox(),
            call=operator.call,
        )
        (candidate,) = await operator.run(problem_of(), SolutionState(), chain)
        assert candidate.produced_by == name
    plain, bound = model.requests
    assert (plain.model, bound.model) == (None, "fast")
    assert plain.messages == bound.messages
    assert plain.labels == bound.labels
    assert plain.sample_key != bound.sample_key
    assert plain.seed != bound.seed


def test_settings_of_an_operator_hold_for_all_its_models_unless_one_has_its_own() -> None:
    settings = OperatorSettings(
        max_tokens=100,
        max_tokens_by_operator={"Generate": 10, "Generate@deep": 20},
        temperature_by_operator={"Generate@deep": 0.5},
    )
    assert [settings.call(f"Generate{name}").max_tokens for name in ("", "@fast", "@deep")] == [
        10,
        10,
        20,
    ]
    assert settings.call("Generate@deep").temperature == 0.5
    assert settings.call("ScEnsemble@fast").max_tokens == 64
    assert settings.call("Generate@fast").model == "fast"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("Generate@slow", "asks model 'slow', which llm.models does not have; .*: fast, deep"),
        ("Genrate@fast", "unknown operator Genrate@fast"),
        ("EarlyStop@fast", "EarlyStop asks no model and cannot be bound to fast"),
    ],
)
def test_a_binding_that_cannot_be_is_refused(name: str, sentence: str) -> None:
    with pytest.raises(OperatorError, match=sentence):
        Catalogue(["Generate", name], read_answer=last_number, models=MODELS)
