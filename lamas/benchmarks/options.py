"""The options of a multiple-choice problem, in the shapes in which data sets give them."""

import ast
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import cast

from lamas.answers.choice import MOST_CHOICES, without_labels
from lamas.benchmarks.source import as_text

# numpy prints lists without commas: ['three' 'four'].
QUOTED = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"")
NUMPY_LIST = re.compile(
    r"\[\s*(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")(?:\s+(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"))*\s*\]"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What can be chosen; nothing by default."""

    texts: tuple[str, ...] = ()
    """In the order of their letters; empty texts where only their number is given."""
    labels: tuple[str, ...] = ()
    """Labels of the data set's own that a reference may name, such as 1, 2, 3."""

    @property
    def shown(self) -> tuple[str, ...]:
        """The texts to append to the question; none if the question shows them already."""
        return self.texts if any(self.texts) else ()

    def letter_of(self, answer: str, *, is_index: bool = False) -> str | None:
        """The letter a reference means: a letter, an index from 0, a label, or an option's text."""
        letters = ascii_uppercase[: len(self.texts) or MOST_CHOICES]
        written = answer.strip()
        if written in self.labels:
            return letters[self.labels.index(written)]
        if is_index:
            return letters[int(written)] if 0 <= int(written) < len(letters) else None
        bare = re.sub(r"^[(\[]?([A-Za-z])[)\].:]*$", r"\1", written).upper()
        if len(bare) == 1 and bare in letters:
            return bare
        same = [
            letter
            for letter, text in zip(letters, self.texts, strict=False)
            if text.strip().casefold() == written.casefold() and text
        ]
        return same[0] if len(same) == 1 else None


def options_of(cell: object) -> Options | None:
    """Options of a cell: a list, the text of one, letters or labels with texts, or their number.

    None when it is nothing of the kind or holds more than 26.
    """
    if isinstance(cell, str):
        cell = _of_text(cell)
    if isinstance(cell, bool):
        return None
    if isinstance(cell, int):
        return Options(texts=("",) * cell) if 1 <= cell <= MOST_CHOICES else None
    labels: Sequence[object] = ()
    if isinstance(cell, Mapping):
        labels, cell = _of_mapping(cast("Mapping[str, object]", cell))
    if not isinstance(cell, list | tuple):
        return None
    texts = [(as_text(item) or "").strip() for item in cast("Sequence[object]", cell)]
    if not 1 <= len(texts) <= MOST_CHOICES or not all(texts):
        return None
    named = tuple((as_text(label) or "").strip() for label in labels)
    # Letters in their order are what everybody calls the options anyway.
    is_usual = named == tuple(ascii_uppercase[: len(named)])
    return Options(texts=tuple(without_labels(texts)), labels=() if is_usual else named)


def _of_text(cell: str) -> object:
    written = cell.strip()
    if written.isdigit() and len(written) <= 2:
        return int(written)
    if NUMPY_LIST.fullmatch(written):
        return [match[1] or match[2] or "" for match in QUOTED.finditer(written)]
    for read in (json.loads, ast.literal_eval):
        try:
            return read(written)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
    # A spreadsheet holds them one a line, or separated by bars or semicolons.
    for separator in ("\n", "|", ";"):
        parts = [part.strip() for part in written.split(separator) if part.strip()]
        if len(parts) > 1:
            return parts
    return None


def _of_mapping(cell: Mapping[str, object]) -> tuple[Sequence[object], object]:
    """(labels, texts) of {"label": […], "text": […]} or {"A": …, "B": …}."""
    label, text = cell.get("label"), cell.get("text")
    if isinstance(label, list) and isinstance(text, list):
        return cast("list[object]", label), cast("list[object]", text)
    present = {name: value for name, value in cell.items() if value is not None}
    return [*present], [*present.values()]
