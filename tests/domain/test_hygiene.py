"""What text may be kept and shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamas.domain.hygiene import well_formed
from lamas.domain.printable import printable

ANY = st.text(st.characters(codec=None) | st.characters(categories=["Cs"]))


@given(ANY)
def test_what_is_kept_can_be_encoded_and_stays_as_it_is(text: str) -> None:
    kept = well_formed(text)
    kept.encode()
    assert "\0" not in kept
    assert well_formed(kept) == kept


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_whole_text_is_kept_to_the_letter(text: str) -> None:
    assert well_formed(text) == text
    assert well_formed(text.encode("utf-16-le").decode("utf-16-le", "surrogatepass")) == text


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("\ud83d\ude00", "\U0001f600"),
        ("a\ud83db", "a\ufffdb"),
        ("\ude00\ud83d", "\ufffd\ufffd"),
        ("\ufeffmark", "\ufeffmark"),
        ("a\0b", "a\ufffdb"),
        ("\ud83dé\0", "\ufffdé\ufffd"),
    ],
)
def test_halves_are_joined_or_replaced(text: str, kept: str) -> None:
    assert well_formed(text) == kept


@given(ANY)
def test_what_is_shown_steers_nothing(text: str) -> None:
    shown = printable(text)
    shown.encode()
    assert not {"\x1b", "\x07", "\r", "\x9b", "\u202e", "\u2066", "\0"} & set(shown)
    assert printable(shown) == shown


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ü 答\n\tline", "plain ü 答\n\tline"),
        ("\x1b[2J", r"\x1b[2J"),
        ("\x1b]52;c;eA==\x07", r"\x1b]52;c;eA==\x07"),
        ("\x9b1m", r"\x9b1m"),
        ("over\rwritten", r"over\x0dwritten"),
        ("\u202egnp", r"\u202egnp"),
        ("half \ud83d", r"half \ud83d"),
        ("[/INST] [bold]", "[/INST] [bold]"),
    ],
)
def test_what_steers_is_shown_as_its_escape(text: str, shown: str) -> None:
    assert printable(text) == shown
