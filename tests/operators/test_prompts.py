"""Prompt files: how they are read, filled in, and refused."""

from pathlib import Path
from string import Template
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamas.domain import TASK_FAMILIES, TaskFamily
from lamas.errors import OperatorError
from lamas.operators import (
    CATALOGUE_NAMES,
    PROMPT_FOLDER,
    PROMPT_SETS,
    Catalogue,
    PromptLibrary,
    prompts_digest,
    unused_later,
)
from lamas.operators.prompts import FEW_SHOT_FOLDER, Places, PromptTemplate
from tests.scripted import last_number, problem_of

QUESTION = Places({"question"})


def written(folder: Path, text: str, name: str = "math/Generate.md") -> PromptLibrary:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return PromptLibrary(folder)


@pytest.mark.parametrize("folder", PROMPT_SETS.values(), ids=PROMPT_SETS)
@pytest.mark.parametrize("family", TASK_FAMILIES)
def test_every_shipped_prompt_can_be_used(family: TaskFamily, folder: Path) -> None:
    Catalogue(read_answer=last_number, prompts=PromptLibrary(folder)).check_prompts(family)


def test_every_shipped_file_belongs_to_an_operator() -> None:
    folder = Path(PromptLibrary().folder)
    assert {path.stem for path in folder.rglob("*.md")} <= set(CATALOGUE_NAMES)


@given(st.text())
def test_questions_are_shown_literally_whatever_they_hold(question: str) -> None:
    library = PromptLibrary()
    template = library.template("math", "Generate", "main", QUESTION)
    (message,) = template.render({"question": question})
    assert question in message.content


def test_latex_and_dollars_in_a_problem_change_nothing() -> None:
    problem = problem_of(question=r"Let $x = \frac{1}{2}$ and ${y}$; find $\boxed{x}$ {question}")
    operator = Catalogue(read_answer=last_number).operator("GenerateCoT")
    assert problem.question in operator.messages(problem, "main")[0].content


def test_a_template_may_be_several_messages(tmp_path: Path) -> None:
    text = "[system]\nBe brief.\n[user]\n1+1?\n[assistant]\n2\n[user]\n$question costs $$5"
    template = written(tmp_path, text).template("math", "Generate", "main", QUESTION)
    messages = template.render({"question": "2+2?"})
    assert [(message.role, message.content) for message in messages] == [
        ("system", "Be brief."),
        ("user", "1+1?"),
        ("assistant", "2"),
        ("user", "2+2? costs $5"),
    ]


def test_a_file_may_hold_several_templates_after_a_remark(tmp_path: Path) -> None:
    text = "A remark with $nonsense.\n\n## prompt: one\nFirst $question\n## prompt: two\n$question!"
    library = written(tmp_path, text)
    assert library.template("math", "Generate", "one", QUESTION).names == {"question"}
    (message,) = library.template("math", "Generate", "two", QUESTION).render({"question": "Hi"})
    assert message.content == "Hi!"


def test_a_family_without_its_own_file_uses_the_shared_one(tmp_path: Path) -> None:
    library = written(tmp_path, "shared $question", "Generate.md")
    written(tmp_path, "own $question", "code/Generate.md")
    for family, expected in (("math", "shared ?"), ("code", "own ?")):
        template = library.template(cast("TaskFamily", family), "Generate", "main", QUESTION)
        assert template.render({"question": "?"})[0].content == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Solve it.", r"never uses \$question"),
        ("$question $answer", r"uses \$answer, Generate offers \$question"),
        ("$question costs 5$", r"write \$\$"),
        ("  \n", "is empty"),
        ("Hello\n[user]\n$question", "before the first"),
        ("## prompt: main\n$question\n## prompt: main\n$question", "'main' twice"),
        ("## prompt: other\n$question", "no template 'main', only other"),
    ],
)
def test_an_invalid_file_is_refused_with_its_reason(
    tmp_path: Path, text: str, message: str
) -> None:
    library = written(tmp_path, text)
    with pytest.raises(OperatorError, match=message) as raised:
        library.template("math", "Generate", "main", QUESTION)
    assert "Generate" in str(raised.value)


def test_a_missing_or_unreadable_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match=r"Shout\.md is missing"):
        PromptLibrary(tmp_path).template("math", "Shout", "main", QUESTION)
    (tmp_path / "math").mkdir()
    (tmp_path / "math/Generate.md").write_bytes(b"\xff\xfe$question")
    with pytest.raises(OperatorError, match="cannot be read"):
        PromptLibrary(tmp_path).template("math", "Generate", "main", QUESTION)


def test_a_set_holds_only_what_differs_from_the_zero_shot_prompts(tmp_path: Path) -> None:
    own = written(tmp_path, "Mine: $question").template("math", "Generate", "main", QUESTION)
    shared = PromptLibrary(tmp_path).template("code", "Generate", "main", QUESTION)
    assert own.source.startswith(str(tmp_path))
    assert shared.source.startswith(str(PROMPT_FOLDER))
    with pytest.raises(OperatorError, match=r"no prompt folder .*few_shot"):
        PromptLibrary(tmp_path / "absent")


def test_the_digest_follows_every_character(tmp_path: Path) -> None:
    written(tmp_path, "a $question")
    first = prompts_digest(tmp_path)
    assert prompts_digest(tmp_path) == first
    written(tmp_path, "b $question")
    second = prompts_digest(tmp_path)
    written(tmp_path, "b $question", "text/Generate.md")
    assert len({first, second, prompts_digest(tmp_path)}) == 3
    assert prompts_digest() == PromptLibrary().digest()


def test_prompts_of_an_operator_that_is_left_out_are_in_no_digest() -> None:
    drafts = unused_later(["Generate"])
    assert drafts == {"GenerateDraft"}
    assert unused_later(["Generate", "GenerateDraft@fast"]) == frozenset()
    assert prompts_digest(without=drafts) != prompts_digest()


@pytest.mark.slow
def test_a_misspelt_place_is_named(tmp_path: Path) -> None:
    library = written(tmp_path, "Answer $quesiton briefly.")
    with pytest.raises(OperatorError, match=r"uses \$quesiton, Generate offers \$question"):
        library.template("math", "Generate", "main", QUESTION)


def shipped(folder: Path) -> list[tuple[str, str, str]]:
    """(family, operator, template) of every prompt, and its messages as one text with places."""
    library = PromptLibrary(folder)
    return [
        (path.parent.name, f"{path.stem} ({name})", _text(template))
        for path in sorted(folder.rglob("*.md"))
        for name, template in library.templates(path).items()
    ]


def _text(template: PromptTemplate) -> str:
    return "".join(f"[{role}]{body.template}" for role, body in template.messages)


def test_prompts_of_a_family_begin_with_the_same_bytes_and_the_question() -> None:
    """What a server computed of one operator's prompt serves the next one's on that question."""
    begins: dict[str, dict[str, str]] = {}
    for family, name, text in shipped(PROMPT_FOLDER):
        begins.setdefault(family, {})[name] = text.partition("$question")[0]
    assert {family: len(set(found.values())) for family, found in begins.items()} == dict.fromkeys(
        begins, 1
    ), begins


@pytest.mark.parametrize("folder", [PROMPT_FOLDER, FEW_SHOT_FOLDER], ids=lambda item: item.name)
def test_the_question_stands_before_whatever_else_differs(folder: Path) -> None:
    first = {name: Template(text).get_identifiers()[0] for _, name, text in shipped(folder)}
    assert set(first.values()) == {"question"}, first
