"""What a reader hands back: the answer in one form, as it was written, and where it stood."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """The answer of a text; `form` is None when the text holds none."""

    form: str | None = None
    """Canonical: equal forms are the same answer and the same vote."""
    written: str = ""
    """As the text has it, without its mark; empty when there is none."""
    place: str = ""
    """Where it stood, or why there is none, in a few words."""


NOTHING = Found(place="nothing in the text can be read as an answer")
