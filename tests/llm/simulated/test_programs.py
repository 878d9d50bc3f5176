"""The programs a simulated model writes do what they are meant to do when they are run."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamas.llm.simulated.programs import (
    HIDDEN_BUG,
    KINDS_OF_BUG,
    answer_of_program,
    bug_in,
    canonical_program,
    example_arguments,
    fingerprint,
    solve_program,
    wrong_program,
)

QUESTION = 'def total(numbers):\n    """Add up.\n\n    >>> total([1, 2])\n    3\n    """\n'
BODY = "    result = 0\n    for number in numbers:\n        result += number\n    return result\n"
PUBLIC = ("assert total([1, 2]) == 3", "assert total([]) == 0")
HIDDEN = (([5, 6], 11), ([1], 1), ([0, 0, 7], 7))


def run(program: str) -> dict[str, object]:
    names: dict[str, object] = {}
    exec(program, names)  # Our own text, not a model's.
    return names


def value(program: str, call: str) -> object:
    names = run(f"{program}\n_result = {call}\n")
    return names["_result"]


def fails(program: str, arguments: object, expected: object) -> bool:
    try:
        return value(program, f"total({arguments!r})") != expected
    except IndexError:
        return True


@pytest.mark.parametrize("reference", [BODY, QUESTION + BODY])
def test_reference_is_completed_to_a_right_program(reference: str) -> None:
    program = canonical_program(QUESTION, reference, "total")
    assert all(value(program, f"total({given!r})") == expected for given, expected in HIDDEN)
    run(program + "\n" + "\n".join(PUBLIC))


@pytest.mark.parametrize("kind", range(KINDS_OF_BUG))
def test_wrong_programs_fail_and_only_the_hidden_bug_passes_the_public_tests(kind: int) -> None:
    right = canonical_program(QUESTION, BODY, "total")
    program = wrong_program(right, "total", kind, example_arguments(PUBLIC, "total"))
    assert all(fails(program, given, expected) for given, expected in HIDDEN)
    public = [fails(program, [1, 2], 3), fails(program, [], 0)]
    assert not any(public) if kind == HIDDEN_BUG else all(public)
    assert bug_in(f"text {program} text") == kind


def test_a_hidden_bug_shows_everywhere_without_public_tests() -> None:
    program = wrong_program(canonical_program(QUESTION, BODY, "total"), "total", HIDDEN_BUG, ())
    assert all(fails(program, given, expected) for given, expected in HIDDEN)


def test_an_unusable_reference_gives_text_all_the_same() -> None:
    assert canonical_program("say something", "no ( python", "total") == "no ( python\n"
    wrong = wrong_program("no ( python\n", "total", 0, ())
    assert value(wrong, "total([1])") is None


def test_the_right_program_is_recognised_by_a_line_the_question_lacks() -> None:
    right = canonical_program(QUESTION, BODY, "total")
    line = fingerprint(right, QUESTION)
    assert line in right
    assert line not in QUESTION
    assert bug_in(right) is None


def test_arguments_are_read_from_public_tests() -> None:
    tests = ["assert candidate(1, [2]) == total(3)", "not ( python", "assert total(x=1)", "pass"]
    assert set(example_arguments(tests, "total")) == {"(1, [2], )", "(3, )"}


@settings(max_examples=50)
@given(st.integers() | st.text(max_size=20))
def test_solve_returns_the_answer_and_a_reader_finds_it(answer: int | str) -> None:
    program = solve_program(str(answer), raises=False)
    assert str(value(program, "solve()")) == str(answer)
    assert answer_of_program(f"text\n{program}\ntext") == str(answer)


@pytest.mark.slow
def test_a_raising_program_raises_and_tells_no_answer() -> None:
    program = solve_program("12", raises=True)
    with pytest.raises(NameError):
        value(program, "solve()")
    assert answer_of_program(program) is None
    assert answer_of_program("def other(): ...") is None
