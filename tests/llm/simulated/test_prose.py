"""Filler has exactly the length asked for and nothing in it that reads like an answer."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamas.llm.simulated.prose import CHARACTERS_PER_TOKEN, prose, tokens_in, with_length


@given(st.integers(-3, 20_000), st.integers(0, 2**64))
def test_prose_has_the_length_asked_for(characters: int, where: int) -> None:
    assert len(prose(characters, where)) == max(characters, 0)


@given(st.text(min_size=1, max_size=40), st.integers(1, 3000), st.integers(0, 2**64))
def test_text_is_as_long_as_its_tokens_and_ends_in_the_ending(
    ending: str, tokens: int, where: int
) -> None:
    text = with_length(ending, tokens, where)
    assert text.endswith(ending)
    short = tokens * CHARACTERS_PER_TOKEN <= len(ending) + 3
    assert tokens_in(text) == (tokens_in(ending) if short else tokens)


@pytest.mark.slow
def test_prose_names_no_number_letter_or_code() -> None:
    text = prose(40_000, 0)
    assert not re.search(r"\d|```|\\|\b[A-Z]\b", text)
    assert not re.search(r"\b(?:answer|solution|option|choice)\b\s+\w{1,2}\b", text)
