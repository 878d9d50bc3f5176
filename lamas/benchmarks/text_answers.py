"""How a short free-text answer is found in a solution text and brought to one form."""

import re
import unicodedata

from lamas.benchmarks.final_answer import last_mark, tidy

WRAPPED = re.compile(r"\\(?:text(?:bf|rm|it)?|mbox|mathrm)\s*\{([^{}]*)\}")
LONGEST_ANSWER = 2_000


def extract_text(text: str) -> str | None:
    """Canonical form of the marked answer, else of the last line that says something."""
    text = tidy(text)
    mark = last_mark(text)
    lines = [line for line in text.splitlines() if line.strip()]
    written = mark.content if mark is not None else (lines[-1] if lines else "")
    return canonical_text(written) or None


def find_text(text: str) -> str | None:
    """The answer as written, where a verifier wants the exact spelling."""
    text = tidy(text)
    mark = last_mark(text)
    written = mark.content if mark is not None else text
    return written.strip().strip("*$`").strip()[:LONGEST_ANSWER] or None


def canonical_text(text: str) -> str:
    """Case, blanks, quotes, markup and final punctuation do not tell answers apart."""
    text = WRAPPED.sub(r"\1", unicodedata.normalize("NFKC", text[:LONGEST_ANSWER]))
    text = re.sub(r"\*\*|\\[()\[\]]", "", text).casefold()
    # Marks nest ("**Paris.**", '"Yes".'), so peel until nothing changes.
    peeled = None
    while peeled != text:
        peeled = text
        text = text.strip(" \n\t*`$\"'“”‘’").rstrip(".!,;:")
    return re.sub(r"\s+", " ", text)
