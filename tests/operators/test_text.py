"""Letters, code fences and shortened texts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamas.answers.letter import letter
from lamas.answers.program import fenced_program
from lamas.operators.text import chosen_position, complaint, lettered, shown, tail
from tests.scripted import tool_result


def test_letters_go_on_after_z() -> None:
    assert [letter(position) for position in (0, 1, 25, 26, 27, 51, 52, 701, 702)] == [
        *("A", "B", "Z", "AA", "AB", "AZ", "BA", "ZZ", "AAA")
    ]


def test_candidates_are_shown_under_letters() -> None:
    assert lettered(["first\n", "second"], 1000) == "A: first\n\nB: second"


def test_when_candidates_are_too_long_each_keeps_its_end() -> None:
    shown = lettered(["short", "x" * 300 + "END1", "y" * 300 + "END2"], 105)
    first, second, third = shown.split("\n\n")
    assert first == "A: short"
    assert second.startswith("B: …")
    assert second.endswith("END1")
    assert third.endswith("END2")
    assert len(shown) <= 105 + len("A: \n\nB: \n\nC: ")


@given(st.lists(st.text(alphabet="ab", max_size=60), min_size=1, max_size=30), st.integers(40, 400))
def test_candidates_never_exceed_the_room(texts: list[str], room: int) -> None:
    labels = sum(len(letter(position)) + 2 for position in range(len(texts)))
    separators = 2 * (len(texts) - 1)
    assert len(lettered(texts, room)) <= room + labels + separators


@pytest.mark.parametrize(
    ("reply", "position"),
    [
        ("B", 1),
        ("b.", 1),
        ("**C**", 2),
        ("\\boxed{B}", 1),
        ("\\boxed{\\text{(C)}}", 2),
        ("The answer is C.", 2),
        ("The most consistent solution is B because A made an error", 1),
        ("A careful look shows that C is right", 2),
        ("I think A", 0),
        ("Solution: (B)", 1),
        ("Answer:\n\nA", 0),
        ("None of them", None),
        ("", None),
        ("E", None),
    ],
)
def test_a_letter_is_read_from_a_reply(reply: str, position: int | None) -> None:
    assert chosen_position(reply, 3) == position


@given(st.integers(0, 59))
def test_every_letter_alone_names_its_candidate(position: int) -> None:
    assert chosen_position(letter(position), 60) == position


@pytest.mark.parametrize(
    ("text", "program"),
    [
        ("Sure:\n```python\ndef solve():\n    return 1\n```\nDone.", "def solve():\n    return 1"),
        ("```\ndef solve():\n    return 1\n```", "def solve():\n    return 1"),
        ("```py\ndef solve(): return 1", "def solve(): return 1"),
        ("```python\ndef solve(): return 1\n```\n```text\ndef solve\n```", "def solve(): return 1"),
        ("```python\nold = 1\n```\n```python\ndef solve(): return 2\n```", "def solve(): return 2"),
        ("def solve():\n    return 1", None),
        ("```python\nprint(1)\n```", None),
        ("The answer is 4.", None),
        ("", None),
    ],
)
def test_the_program_is_read_from_a_reply(text: str, program: str | None) -> None:
    assert fenced_program(text, "def solve") == program


def test_a_tail_is_marked_and_within_its_limit() -> None:
    assert tail("abcdef", 6) == "abcdef"
    assert tail("abcdef", 4) == "…def"


def test_a_complaint_says_what_a_model_can_act_on() -> None:
    assert complaint(tool_result(stderr="NameError: x\n")) == "NameError: x"
    assert "wall_seconds limit" in complaint(tool_result(limits_hit=("wall_seconds",)))


@pytest.mark.slow
def test_nobody_is_shown_what_a_writer_thought() -> None:
    texts = ["<think>7?</think>so 8", "is 9", "<think>never ends"]
    assert lettered(texts, 1000) == "A: so 8\n\nB: is 9\n\nC: "
    assert shown("<think>7?</think>\nso 8", 100) == "so 8"
