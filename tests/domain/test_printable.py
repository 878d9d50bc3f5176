"""No text steers a terminal; what does not steer stays as it is."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamas.domain.printable import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J\x1b]52;c;aGk=\x07", "\\x1b[2J\\x1b]52;c;aGk=\\x07"),
        ("\x9b31m", "\\x9b31m"),
        ("a\rb\x7f", "a\\x0db\\x7f"),
        ("user\u202etxt.exe\u2066", "user\\u202etxt.exe\\u2066"),
        ("half \ud83d", "half \\ud83d"),
        ("[/] [bold]x[/bold] :smile:", "[/] [bold]x[/bold] :smile:"),
        ("zwei\nZeilen\täöü 漢字 👍🏽", "zwei\nZeilen\täöü 漢字 👍🏽"),
    ],
)
def test_examples(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text(st.characters()))
def test_what_is_left_steers_nothing_and_once_is_enough(text: str) -> None:
    shown = printable(text)
    shown.encode()
    assert printable(shown) == shown
    assert not any(unicodedata.category(char) == "Cc" and char not in "\n\t" for char in shown)
    assert not any(
        unicodedata.bidirectional(char) in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "PDI"}
        for char in shown
    )


@pytest.mark.slow
@given(st.text(st.characters(categories=["L", "N", "P", "S", "M"])))
def test_letters_figures_and_signs_stay(text: str) -> None:
    assert printable(text) == text
